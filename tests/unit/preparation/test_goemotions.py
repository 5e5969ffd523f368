"""GoEmotions: several labels an utterance."""

from pathlib import Path

import pytest
from helpers.raw_files import write

from emo_mtl.errors import UserError
from emo_mtl.preparation import goemotions


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "emotions.txt", "joy\nlove\nneutral\n")
    write(tmp_path / "train.tsv", "So happy\t1,0\tabc\r\n it is \t2\tdef\r\n")
    write(tmp_path / "dev.tsv", "Is it?\t2\tghi\n")
    write(tmp_path / "test.tsv", 'a "b" \t0,0\tjkl\n')
    return tmp_path


class TestRead:
    def test_small(self, folder: Path) -> None:
        dataset = goemotions.read(folder)
        assert dataset.labels == ("joy", "love", "neutral")
        assert dataset.splits == {
            "train": [("So happy", "joy love"), ("it is", "neutral")],
            "valid": [("Is it?", "neutral")],
            "test": [('a "b"', "joy")],
        }
        assert dataset.multi_label
        assert "up to 2 of 3, 50.0 % of train have more than one" in dataset.summary()

    def test_other_name_of_the_labels(self, folder: Path) -> None:
        expected = goemotions.read(folder)
        (folder / "emotions.txt").rename(folder / "labels.txt")
        write(folder / "labels.txt", "joy\nlove\nneutral")  # no line end
        assert goemotions.read(folder).splits == expected.splits

    @pytest.mark.parametrize("row", ["a\t3\tid", "a\t\tid", "a\t0,\tid", "a\t0", "a\t00\tid"])
    def test_another_form(self, folder: Path, row: str) -> None:
        write(folder / "dev.tsv", f"a\t0\tid\n{row}\n")
        with pytest.raises(UserError, match=r"dev.tsv:2: found .*numbers up to 2 with commas"):
            goemotions.read(folder)

    def test_empty_text(self, folder: Path) -> None:
        write(folder / "test.tsv", " \t0\tid\n")
        with pytest.raises(UserError, match=r"test.tsv:1: found an empty text"):
            goemotions.read(folder)

    def test_no_labels(self, folder: Path) -> None:
        (folder / "emotions.txt").unlink()
        with pytest.raises(UserError, match=r"emotions.txt: found no such file"):
            goemotions.read(folder)

    def test_real_corpus(self, real: Path) -> None:
        dataset = goemotions.read(real / "goemotions")
        assert [len(dataset.splits[split]) for split in ("train", "valid", "test")] == [
            *(43_410, 5_426, 5_427)
        ]
        assert (len(dataset.labels), dataset.labels[-1]) == (28, "neutral")
        assert "up to 5 of 28, 16.4 % of train have more than one" in dataset.summary()
        text, labels = dataset.splits["valid"][1]
        assert text.startswith("You know the answer man,")
        assert labels == "approval neutral"
