"""Cutting dialogues that have no split of their own."""

import random
from pathlib import Path

import pytest

from emo_mtl.errors import UserError
from emo_mtl.preparation.corpus import SPLITS
from emo_mtl.preparation.dialogues.cut import cut
from emo_mtl.preparation.dialogues.dialogue import Dialogue, Turn

FILE = Path("f.txt")


def dialogues(number: int) -> list[Dialogue]:
    return [[Turn(f"{i}", f"f:{i}"), Turn("yes", f"f:{i}")] for i in range(number)]


class TestCut:
    @pytest.mark.parametrize(("number", "sizes"), [(10, [8, 1, 1]), (39, [33, 3, 3])])
    def test_sizes_and_order(self, number: int, sizes: list[int]) -> None:
        splits = cut(dialogues(number), FILE)
        assert list(splits) == list(SPLITS)
        assert [len(splits[split]) for split in SPLITS] == sizes
        for part in splits.values():
            numbers = [int(dialogue[0].text) for dialogue in part]
            assert numbers == sorted(numbers)
        everything = [dialogue for part in splits.values() for dialogue in part]
        assert sorted(everything, key=str) == sorted(dialogues(number), key=str)

    def test_where_a_dialogue_goes_depends_on_its_texts_alone(self) -> None:
        expected = cut(dialogues(30), FILE)
        shuffled = dialogues(30)
        random.Random(1).shuffle(shuffled)
        for split, part in cut(shuffled, FILE).items():
            assert sorted(part, key=str) == sorted(expected[split], key=str)

    def test_equal_ones_stay_together(self) -> None:
        expected = cut(dialogues(20), FILE)
        twice = cut(dialogues(20) * 2, FILE)
        assert twice == {split: part * 2 for split, part in expected.items()}

    def test_too_few(self) -> None:
        with pytest.raises(UserError, match=r"f.txt: found 9 different dialogues, expected 10"):
            cut(dialogues(9) * 2, FILE)
