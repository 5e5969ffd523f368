"""Nats of gold responses, of hand-made output of fairseq-generate --score-reference."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from emo_mtl.cli.main import main
from emo_mtl.errors import UserError
from emo_mtl.evaluation.likelihood import Scored, compare, read_scored

END = "Generate test with beam=5: BLEU4 = 100.00\n"
TEXTS = ["a b c", "d", "e f"]


def generated(bits: dict[int, str], texts: list[str] = TEXTS) -> str:
    """What fairseq prints, in another order than that of the data."""
    lines = []
    for i in sorted(bits, reverse=True):
        lines += [f"S-{i}\tx", f"T-{i}\ty", f"H-{i}\t-1.0\ty", f"D-{i}\t-1.0\t{texts[i]}"]
        lines.append(f"P-{i}\t{bits[i]}")
    return "".join(f"{line}\n" for line in lines) + END


BITS = {0: "-1.0 -2.0 -0.5", 1: "-4.0", 2: "-1.0 -1.0"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "a.txt").write_text(generated(BITS))
    return tmp_path / "a.txt"


class TestRead:
    def test_nats(self, file):
        scored = read_scored(file)
        assert scored.texts == TEXTS
        assert scored.nats == pytest.approx([3.5 * math.log(2), 4 * math.log(2), 2 * math.log(2)])

    @pytest.mark.parametrize(
        ("bits", "message"),
        [
            ({**BITS, 1: "x"}, "found no numbers"),
            ({**BITS, 1: "nan"}, "no logarithm of a probability"),
            ({**BITS, 1: "-1.0 0.5"}, "no logarithm of a probability"),
        ],
    )
    def test_refused(self, file, bits, message):
        file.write_text(generated(bits))
        with pytest.raises(UserError, match=message):
            read_scored(file)

    def test_without_scores(self, file):
        file.write_text("".join(f"D-{i}\t-1.0\t{text}\n" for i, text in enumerate(TEXTS)))
        with pytest.raises(UserError, match=r"found the scores of 0 responses, expected 3"):
            read_scored(file)


class TestCompare:
    def test_by_hand(self):
        """7 nats of 6 words; the second system needs one nat less for each reply of the clean part."""
        first = Scored(TEXTS, np.array([3.0, 2.0, 2.0]))
        second = Scored(TEXTS, np.array([2.0, 2.0, 1.0]))
        parts = {"all": range(3), "clean": [0, 2]}
        rows = compare({"A": first, "B": second}, str.split, parts, seed=1)
        assert [(row.scores, row.part, row.words) for row in rows] == [
            *(("A", "all", 6), ("A", "clean", 5), ("B", "all", 6), ("B", "clean", 5))
        ]
        assert rows[0].nats_per_reply == pytest.approx(7 / 3)
        assert rows[0].nats_per_word == pytest.approx(7 / 6)
        assert math.isnan(rows[0].difference)
        assert (rows[3].difference, rows[3].low, rows[3].high) == (-1, -1, -1)
        assert rows[2].difference == pytest.approx(-2 / 3)
        assert rows[2].low <= rows[2].difference <= rows[2].high

    def test_other_responses(self):
        first = Scored(TEXTS, np.ones(3))
        second = Scored(["a", "b", "c"], np.ones(3))
        with pytest.raises(UserError, match="B: found other responses than in A"):
            compare({"A": first, "B": second}, str.split, {"all": range(3)}, seed=1)


def test_command(file, tmp_path, capsys):
    other = tmp_path / "b.txt"
    other.write_text(generated({**BITS, 0: "-1.0 -1.0 -0.5"}))
    flags = ["--word-tokenizer", "space", "--json", str(tmp_path / "out.json")]
    main(["likelihood", "--scores", str(file), str(other), *flags])
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith(f"| {file} | all | 3 | 2.195 | 1.0975 | |")
    assert "-0.231 [-0.693, +0.000]" in lines[3]
    rows = json.loads((tmp_path / "out.json").read_text())["rows"]
    assert rows[1]["difference"] == pytest.approx(-math.log(2) / 3)
