"""The points of temperature and loss weight, and which of them no other beats."""

import json
import sys

import pareto
import pytest

from emo_mtl.errors import UserError


@pytest.fixture
def runs(tmp_path):
    """(1, .5) of two seeds, (1, 1) and (5, .5) of one: nats of the clean part and F1."""
    scores = {
        "T-1-lambda-.5-seed-1": (4.0, 30.0),
        "T-1-lambda-.5-seed-2": (4.2, 34.0),
        "T-1-lambda-1-seed-1": (4.3, 31.0),
        "T-5-lambda-.5-seed-1": (4.5, 40.0),
    }
    rows = []
    for name, (nats, f1) in scores.items():
        rows += [
            {"scores": f"{tmp_path}/{name}/scores.txt", "part": "all", "nats_per_word": 0.0},
            {"scores": f"{tmp_path}/{name}/scores.txt", "part": "clean", "nats_per_word": nats},
        ]
        (tmp_path / name).mkdir()
        (tmp_path / name / "e6.json").write_text(json.dumps([{"macro_f1": f1}]))
    (tmp_path / "likelihood.json").write_text(json.dumps({"rows": rows}))
    return tmp_path


def test_points_and_front(runs):
    points = pareto.read(runs)
    assert points == [
        (1.0, 0.5, [4.0, 4.2], [30.0, 34.0]),
        (1.0, 1.0, [4.3], [31.0]),
        (5.0, 0.5, [4.5], [40.0]),
    ]
    assert pareto.undominated(points) == [points[0], points[2]]


def test_table_and_figure(runs, monkeypatch, capsys):
    figure = runs / "pareto.svg"
    monkeypatch.setattr(sys, "argv", ["pareto.py", str(runs), str(figure)])
    pareto.main()
    assert capsys.readouterr().out.splitlines()[2:] == [
        "| 1 | 0.5 | 4.1000 ± 0.1414 | 32.00 ± 2.83 | |",
        "| 1 | 1 | 4.3000 | 31.00 | yes |",
        "| 5 | 0.5 | 4.5000 | 40.00 | |",
    ]
    assert figure.read_text("utf-8").count("<svg") == 1
    with pytest.raises(UserError, match="exists already"):
        pareto.main()
    sys.argv.append("--overwrite")
    pareto.main()


def test_nothing_to_draw(tmp_path):
    (tmp_path / "likelihood.json").write_text('{"rows": []}')
    with pytest.raises(UserError, match=r"found no run of pareto\.sh with a clean part"):
        pareto.read(tmp_path)
