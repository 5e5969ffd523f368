"""Classification tasks of the user's own."""

import csv
import io
from pathlib import Path

import pytest
from helpers.raw_files import write

from emo_mtl.errors import UserError
from emo_mtl.preparation import custom
from emo_mtl.preparation.corpus import SPLITS
from emo_mtl.preparation.splits import write_splits


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


class TestSeveralLabels:
    def test_table(self, folder: Path) -> None:
        write(folder / "train.tsv", "a\tup, down\nb\tdown,up,down\nc\tup\n")
        dataset = custom.read(folder)
        assert dataset.labels == ("down", "up")
        assert dataset.splits["train"] == [("a", "down up"), ("b", "down up"), ("c", "up")]
        assert dataset.multi_label
        assert dataset.summary().endswith(
            "; several labels an utterance: up to 2 of 2, 66.7 % of train have more than one"
        )

    def test_order_of_labels(self, folder: Path) -> None:
        write(folder / "labels.txt", "up\ndown\n")
        write(folder / "train.tsv", "a\tdown,up\nb\tup\n")
        assert custom.read(folder).splits["train"][0] == ("a", "up down")

    def test_label_files(self, folder: Path) -> None:
        """What prepare writes into text/ can be prepared again."""
        write(folder / "train.tsv", "a\tup,down\nb\tup\n")
        expected = custom.read(folder).splits
        write_splits(custom.read(folder), folder.parent / "again")
        assert custom.read(folder.parent / "again").splits == expected

    def test_one_each(self, folder: Path) -> None:
        dataset = custom.read(folder)
        assert not dataset.multi_label
        assert "several" not in dataset.summary()

    def test_a_rare_set_in_the_first_row_is_no_header(self, folder: Path) -> None:
        write(folder / "train.tsv", "a\tup,down\nb\tup\nc\tdown\n")
        assert len(custom.read(folder).splits["train"]) == 3

    def test_train_has_one_each(self, folder: Path) -> None:
        write(folder / "test.tsv", "a\tup\nb\tdown,up\n")
        message = (
            r"test.tsv:2: found several labels 'down,up', expected one, as of every text of train"
        )
        with pytest.raises(UserError, match=message):
            custom.read(folder)

    @pytest.mark.parametrize("label", ["up,", ",", "up,sideways", "so so,up"])
    def test_no_label(self, folder: Path, label: str) -> None:
        write(folder / "labels.txt", "up\ndown\n")
        write(folder / "train.tsv", f"a\tup,down\nb\t{label}\n")
        with pytest.raises(
            UserError, match=r"train.tsv:2: found label '.*', expected one of up, down"
        ):
            custom.read(folder)


TEXTS = [
    'she said "hi" to me',
    "tab\there",
    "two\nlines",
    '"quoted"',
    "plain, with a comma",
    'ends"',
]


def table(rows: list[tuple[str, str]], **options: object) -> str:
    """A tab-separated table as pandas' `to_csv` writes it, which calls Python's csv."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter="\t", **options).writerows(rows)  # type: ignore[arg-type]
    return out.getvalue()


class TestQuoting:
    """A text is the same however the program that wrote the table quotes, and plain quotes stay."""

    @pytest.mark.parametrize(
        "options",
        [
            {"lineterminator": "\n"},
            {"lineterminator": "\r\n"},
            {"lineterminator": "\n", "quoting": csv.QUOTE_ALL},
        ],
    )
    def test_undone(self, folder: Path, options: dict, capsys: pytest.CaptureFixture) -> None:
        rows = [(text, "up") for text in TEXTS] + [("no", "down")]
        write(folder / "train.tsv", table(rows, **options))
        texts = [text for text, _ in custom.read(folder).splits["train"]]
        assert texts == [" ".join(text.split("\n")) for text in TEXTS] + ["no"]
        assert f"{folder / 'train.tsv'}: the quotes around fields" in capsys.readouterr().out

    def test_excel(self, folder: Path) -> None:
        write(folder / "train.tsv", '"a ""b"""\tup\r\n"c, d"\tdown\r\ne\tdown\r\n')
        texts = [text for text, _ in custom.read(folder).splits["train"]]
        assert texts == ['a "b"', "c, d", "e"]

    @pytest.mark.parametrize(
        "lines",
        [
            ['"I am fine" he said', 'say "hi"', '"'],
            ['"hello , you"', "no , not you"],
            ['"all of it"', "x"],
            ['"a ""b"" c"', '"d'],
        ],
    )
    def test_quotes_of_the_text_stay(self, folder: Path, lines: list[str]) -> None:
        write(folder / "train.tsv", "".join(f"{line}\tup\n" for line in [*lines, *lines]))
        write(folder / "labels.txt", "up\ndown\n")
        assert [text for text, _ in custom.read(folder).splits["train"]] == [*lines, *lines]

    def test_line_numbers_count_those_inside_quotes(self, folder: Path) -> None:
        write(folder / "train.tsv", '"a\nb"\tup\nc\tdown\nd\n')
        with pytest.raises(UserError, match=r"train.tsv:4: found 1 tab-separated columns"):
            custom.read(folder)

    def test_crlf(self, folder: Path) -> None:
        expected = custom.read(folder).splits
        for split in SPLITS:
            content = (folder / f"{split}.tsv").read_bytes()
            write(folder / f"{split}.tsv", content.replace(b"\n", b"\r\n"))
        assert custom.read(folder).splits == expected


class TestHeader:
    @pytest.mark.parametrize("header", ["text\tlabel", "Sentence\tLabel", "content\tsentiment"])
    @pytest.mark.parametrize("files", [SPLITS, ("train",), ("test",)])
    def test_left_out(
        self, folder: Path, header: str, files: tuple[str, ...], capsys: pytest.CaptureFixture
    ) -> None:
        expected = custom.read(folder)
        for split in files:
            content = (folder / f"{split}.tsv").read_text(encoding="utf-8")
            write(folder / f"{split}.tsv", f"{header}\n{content}")
        found = custom.read(folder)
        assert (found.labels, found.splits) == (expected.labels, expected.splits)
        assert capsys.readouterr().out.count("left out as a header") == len(files)

    def test_label_files(self, folder: Path) -> None:
        for split in SPLITS:
            (folder / f"{split}.tsv").unlink()
            write(folder / f"{split}.input", "text\nfine\nbad\n")
            write(folder / f"{split}.label", "label\nup\ndown\n")
        assert custom.read(folder).splits["train"] == [("fine", "up"), ("bad", "down")]

    @pytest.mark.parametrize("files", [SPLITS, ("train",)])
    def test_other_names_are_refused(self, folder: Path, files: tuple[str, ...]) -> None:
        for split in files:
            content = (folder / f"{split}.tsv").read_text(encoding="utf-8")
            write(folder / f"{split}.tsv", f"Äußerung\tStimmung\n{content}")
        with pytest.raises(UserError, match=r"train.tsv:1: found 'Äußerung' with label 'Stimmu"):
            custom.read(folder)

    def test_labels_txt_decides(self, folder: Path) -> None:
        write(folder / "train.tsv", "I see\trare\na\tup\nb\tdown\n")
        with pytest.raises(UserError, match=r"write all labels into labels.txt"):
            custom.read(folder)
        write(folder / "labels.txt", "up\ndown\nrare\n")
        assert custom.read(folder).splits["train"][0] == ("I see", "rare")

    def test_swapped_columns(self, folder: Path) -> None:
        write(folder / "train.tsv", "label\ttext\nup\tfine\ndown\tbad\n")
        with pytest.raises(UserError, match=r"train.tsv:1: .*columns label, text.*swap"):
            custom.read(folder)

    def test_nothing_below(self, folder: Path) -> None:
        write(folder / "valid.tsv", "text\tlabel\n")
        with pytest.raises(UserError, match=r"valid.tsv:1: found only a header"):
            custom.read(folder)


class TestAdvice:
    """It fits a corpus of one's own: nothing is to be downloaded or restored."""

    def message(self, folder: Path) -> str:
        with pytest.raises(UserError) as raised:
            custom.read(folder)
        assert "download" not in str(raised.value)
        assert "release" not in str(raised.value)
        return str(raised.value)

    def test_unseen_label(self, folder: Path) -> None:
        write(folder / "test.tsv", "a\tup\nb\tsideways\n")
        assert "if train has no example of it, write all labels" in self.message(folder)
        write(folder / "labels.txt", "up\ndown\n")
        assert f"or add it to {folder / 'labels.txt'}" in self.message(folder)

    def test_csv(self, folder: Path) -> None:
        (folder / "train.tsv").rename(folder / "train.csv")
        message = self.message(folder)
        assert "found no such file, but test.tsv, train.csv, valid.tsv" in message
        assert "to_csv('train.tsv', sep='\\t', index=False)" in message

    def test_no_folder(self, folder: Path) -> None:
        assert "train.tsv: found no such file, expected" in self.message(folder.parent / "nothing")

    def test_input_without_label(self, folder: Path) -> None:
        (folder / "train.tsv").rename(folder / "train.input")
        assert "train.input and train.label" in self.message(folder)


class TestBadInput:
    @pytest.mark.parametrize(
        ("file", "content", "message"),
        [
            ("valid.tsv", "a\tup\nb\n", r"valid.tsv:2: found 1 tab-separated columns, expected 2"),
            ("valid.tsv", "a\tup\nb\tc\tup\n", r"valid.tsv:2: found 3 tab-separated columns"),
            ("test.tsv", "a\tup\nb\tsideways\n", r"test.tsv:2: found label 'sideways', expected"),
            ("train.tsv", "a\tup\n \tup\n", r"train.tsv:2: found an empty text"),
            ("train.tsv", "", r"train.tsv: found an empty file"),
            ("train.tsv", b"a\tup\n\xff\tup\n", r"train.tsv, line 2: found the byte 0xff"),
            ("train.tsv", "a\tup\n", r"train.tsv: found only 'up', expected two or more"),
            ("train.tsv", "a\tup\nb\tso so\n", r"train.tsv: found label 'so so'"),
            ("train.tsv", "a\tup\nb\t<unk>\n", r"train.tsv: found label '<unk>'"),
            ("labels.txt", "up\nup\n", r"labels.txt: found label 'up'"),
        ],
    )
    def test_file(self, folder: Path, file: str, content: str | bytes, message: str) -> None:
        write(folder / file, content)
        with pytest.raises(UserError, match=message):
            custom.read(folder)

    def test_missing_split(self, folder: Path) -> None:
        (folder / "test.tsv").unlink()
        with pytest.raises(UserError, match=r"test.tsv: found no such file"):
            custom.read(folder)

    def test_line_counts_differ(self, folder: Path) -> None:
        (folder / "valid.tsv").unlink()
        write(folder / "valid.input", "a\nb\n")
        write(folder / "valid.label", "up\n")
        with pytest.raises(UserError, match=r"valid.label: found 1 lines, expected 2, as in"):
            custom.read(folder)
