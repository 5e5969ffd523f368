"""Cleaning and cutting, apart from any corpus."""

from pathlib import Path

import pytest

from emo_mtl.errors import UserError
from emo_mtl.preparation import corpus


class TestClean:
    def test_every_line_end_becomes_one_space_and_the_rest_stays(self) -> None:
        text = " \ta\r\nb\x0bc\x0cd\x1ce\x85f\u2028\u2029g  h\ti\u00a0j \n"
        cleaned = corpus.clean(text, "here")
        assert cleaned == "a b c d e f g  h\ti\u00a0j"
        assert cleaned.splitlines() == [cleaned]

    def test_empty(self) -> None:
        with pytest.raises(UserError, match="file:3: found an empty text"):
            corpus.clean(" \u00a0\n", "file:3")


class TestCut:
    @pytest.mark.parametrize(("size", "sizes"), [(10, (8, 1, 1)), (29, (25, 2, 2))])
    def test_sizes_and_order(self, size: int, sizes: tuple[int, ...]) -> None:
        pairs = [(str(i), "x") for i in range(size)]
        cut = corpus.cut_8_1_1(pairs, Path("file"))
        assert tuple(len(cut[split]) for split in corpus.SPLITS) == sizes
        assert [pair for split in corpus.SPLITS for pair in cut[split]] == pairs

    def test_too_few(self) -> None:
        with pytest.raises(UserError, match="found 9 usable examples, expected 10"):
            corpus.cut_8_1_1([("a", "b")] * 9, Path("file"))


def test_summary_tells_whether_the_sizes_are_the_papers() -> None:
    splits = {split: [("a", "b")] for split in corpus.SPLITS}
    same = corpus.Dataset("X", (), splits, paper=(1, 1, 1))
    other = corpus.Dataset("X", (), splits, paper=(2, 1, 1))
    assert same.summary() == "X: train 1, valid 1, test 1 (paper's Table 1: 1/1/1: match)"
    assert "DIFFERENT" in other.summary()
