"""`emo-mtl significance` through its entry point."""

import json

import pytest

from emo_mtl.cli.main import main


@pytest.fixture
def find(tmp_path, capsys):
    """Run the command; returns its comparisons and what it printed."""

    def run(*arguments):
        out = tmp_path / "out.json"
        main(["significance", *map(str, arguments), "--json", str(out), "--overwrite"])
        content = json.loads(out.read_text(encoding="utf-8"))
        return content["comparisons"], capsys.readouterr().out

    return run


class TestPredictions:
    @pytest.fixture(autouse=True)
    def scipy(self):
        pytest.importorskip("scipy")

    def test_of_classify(self, sample, trained, tmp_path, find):
        out = tmp_path / "a.tsv"
        data = [trained[0], "--data", sample / "data-bin", "--cpu", "--predictions", out]
        main(["classify", *map(str, data)])
        found, _ = find("--predictions", out, out)
        assert [c["task"] for c in found] == ["e6", "e2", "e12"]
        assert [c["difference"] for c in found] == [0, 0, 0]
