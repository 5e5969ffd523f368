"""Classification tasks of the user's own."""

from __future__ import annotations

from pathlib import Path

import custom
import pytest
from corpus import SPLITS, CorpusError
from raw_files import write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for split in SPLITS:
        write(tmp_path / "mood" / f"{split}.tsv", f"{split} is fine\tup\nit is not\tdown\n")
    return tmp_path / "mood"


class TestRead:
    def test_tables(self, folder: Path) -> None:
        dataset = custom.read(folder)
        assert dataset.labels == ("down", "up")
        assert dataset.splits["valid"] == [("valid is fine", "up"), ("it is not", "down")]
        assert [file.name for file in dataset.files] == ["train.tsv", "valid.tsv", "test.tsv"]

    def test_input_and_label_files_give_the_same(self, folder: Path) -> None:
        tables = custom.read(folder)
        for split in SPLITS:
            (folder / f"{split}.tsv").unlink()
            write(folder / f"{split}.input", f"{split} is fine\nit is not\n")
            write(folder / f"{split}.label", "up\ndown\n")
        assert custom.read(folder).splits == tables.splits

    def test_order_of_labels(self, folder: Path) -> None:
        write(folder / "labels.txt", "up\ndown\nsideways\n")
        dataset = custom.read(folder)
        assert dataset.labels == ("up", "down", "sideways")
        assert dataset.files[-1].name == "labels.txt"


class TestBadInput:
    @pytest.mark.parametrize(
        ("file", "content", "message"),
        [
            ("valid.tsv", "a\tup\nb\n", r"valid.tsv:2: found 1 tab-separated columns; expected 2"),
            ("valid.tsv", "a\tup\nb\tc\tup\n", r"valid.tsv:2: found 3 tab-separated columns"),
            ("test.tsv", "a\tup\nb\tsideways\n", r"test.tsv:2: found label 'sideways'; expected"),
            ("train.tsv", "a\tup\n \tup\n", r"train.tsv:2: found an empty text"),
            ("train.tsv", "", r"train.tsv: found an empty file"),
            ("train.tsv", b"a\tup\n\xff\tup\n", r"train.tsv:2: found byte 0xff"),
            ("train.tsv", "a\tup\n", r"train.tsv: found only 'up'; expected two or more"),
            ("train.tsv", "a\tup\nb\tso so\n", r"train.tsv: found label 'so so'"),
            ("train.tsv", "a\tup\nb\t<unk>\n", r"train.tsv: found label '<unk>'"),
            ("labels.txt", "up\nup\n", r"labels.txt: found label 'up'"),
        ],
    )
    def test_file(self, folder: Path, file: str, content: str | bytes, message: str) -> None:
        write(folder / file, content)
        with pytest.raises(CorpusError, match=message):
            custom.read(folder)

    def test_missing_split(self, folder: Path) -> None:
        (folder / "test.tsv").unlink()
        with pytest.raises(CorpusError, match=r"test.tsv: found no such file"):
            custom.read(folder)

    def test_line_counts_differ(self, folder: Path) -> None:
        (folder / "valid.tsv").unlink()
        write(folder / "valid.input", "a\nb\n")
        write(folder / "valid.label", "up\n")
        with pytest.raises(CorpusError, match=r"valid.label: found 1 lines; expected 2, as in"):
            custom.read(folder)
