"""The bars of what BLEU on the test set is worth."""

import json
import sys

import leak
import pytest

from emo_mtl.errors import UserError


def test_bars(tmp_path, monkeypatch):
    """A bar for each baseline and part, in the file's numbers, and one of the paper."""
    rows = [
        {"hypotheses": f"out/{name}/generate-test.txt", "part": part, "paper_bleu": 10 * i + j}
        for i, name in enumerate(["tfidf-nearest", "copy", "another-person", "exact-match"])
        for j, part in enumerate(["all", "clean", "seen"])
    ]
    (tmp_path / "in.json").write_text(json.dumps({"rows": rows}))
    (axes,) = leak.draw(leak.read(tmp_path / "in.json")).axes
    widths = [[bar.get_width() for bar in bars] for bars in axes.containers]
    assert widths == [[20, 10, 30, 0], [21, 11, 31, 1], [32.35]]
    monkeypatch.setattr(sys, "argv", ["leak.py", "in.json", "out.svg"])
    leak.main()
    assert (tmp_path / "out.svg").read_text("utf-8").count("<svg") == 1
    with pytest.raises(UserError, match="exists already"):
        leak.main()
    sys.argv.append("--overwrite")
    leak.main()


def test_a_missing_part_is_named(tmp_path):
    """Scored without --overlap."""
    rows = [
        {"hypotheses": f"out/{name}/generate-test.txt", "part": "all", "paper_bleu": 1}
        for name in leak.TITLES
    ]
    (tmp_path / "in.json").write_text(json.dumps({"rows": rows}))
    with pytest.raises(UserError, match=r"in.json: found no row another-person, part clean"):
        leak.read(tmp_path / "in.json")
