"""The made-up sample of the quickstart: formats of the real corpora, splits that make sense."""

import csv
import io
import random
import re
from itertools import pairwise
from pathlib import Path

import make_sample
import pytest

SIX = {"anger", "disgust", "fear", "joy", "sadness", "surprise"}
TWELVE = {
    "anger", "boredom", "enthusiasm", "fun", "happiness", "hate", "love", "neutral", "relief",
    "sadness", "surprise", "worry",
}  # fmt: skip


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return make_sample.make_sample(1)


def run(*args: str | Path) -> int:
    """The status with which the script ends."""
    try:
        return make_sample.main(list(map(str, args)))
    except SystemExit as end:
        return end.code


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def pairs_of(text: str) -> list[tuple[str, str]]:
    dialogues = [line.split("__eou__")[:-1] for line in text.splitlines()]
    return [(a.strip(), b.strip()) for d in dialogues for a, b in pairwise(d)]


def cut_in_order(rows: list) -> tuple[list, list, list]:
    """train, valid, test, with valid = test = n // 10."""
    tenth = len(rows) // 10
    return rows[: -2 * tenth], rows[-2 * tenth : -tenth], rows[-tenth:]


def seen_before(train: list, later: list) -> float:
    known = set(train)
    return sum(item in known for item in later) / len(later)


class TestDailyDialog:
    def test_emotions(self, files):
        """A number for each utterance, of several kinds in each split."""
        for split in ("train", "validation", "test"):
            dialogues = files[f"dailydialog/{split}/dialogues_{split}.txt"].splitlines()
            numbers = files[f"dailydialog/{split}/dialogues_emotion_{split}.txt"].splitlines()
            assert [len(line.split()) for line in numbers] == [
                d.count("__eou__") for d in dialogues
            ]
            assert set(" ".join(numbers).split()) == set("012456")

    def test_line_shape(self, files):
        for split in ("train", "validation", "test"):
            text = files[f"dailydialog/{split}/dialogues_{split}.txt"]
            assert text.endswith("__eou__\n")
            for line in text.splitlines():
                assert line.endswith(" __eou__")
                assert 2 <= line.count("__eou__") <= 4
                # punctuation stands alone, slots are filled
                assert not re.search(r"\w[.,!?]|[.,!?]\w|  |'|[{}]", line), line

    def test_sizes(self, files):
        for split, wanted in (("train", 3000), ("validation", 150), ("test", 150)):
            pairs = pairs_of(files[f"dailydialog/{split}/dialogues_{split}.txt"])
            assert wanted <= len(pairs) <= wanted + 2

    def test_sentences_are_neither_tiny_nor_long(self, files):
        pairs = pairs_of(files["dailydialog/train/dialogues_train.txt"])
        lengths = [len(text.split()) for pair in pairs for text in pair]
        assert min(lengths) >= 4
        assert max(lengths) <= 30

    def test_few_pairs_of_the_held_out_splits_are_in_train(self, files):
        train = pairs_of(files["dailydialog/train/dialogues_train.txt"])
        for split in ("validation", "test"):
            held_out = pairs_of(files[f"dailydialog/{split}/dialogues_{split}.txt"])
            assert seen_before(train, held_out) < 0.2

    def test_reply_repeats_the_topic(self, files):
        pairs = pairs_of(files["dailydialog/train/dialogues_train.txt"])
        hired = [reply for opener, reply in pairs if "I got the job" in opener]
        assert hired
        assert all(re.search(r"start|do there|celebrate", reply) for reply in hired)
        assert sum("celebrate" in reply for reply in hired) < len(hired) / 2


class TestTec:
    def rows(self, files) -> list[tuple[str, str]]:
        lines = files["tec/Jan9-2012-tweets-clean.txt"].splitlines()
        matches = [re.fullmatch(r"(\d{18}):\t([^\t]+)\t:: (\w+)", line) for line in lines]
        assert all(matches)
        return [(match[2], match[3]) for match in matches]

    def test_line_shape_and_size(self, files):
        rows = self.rows(files)
        assert len(rows) == 1500
        assert any(re.match(r"@\w+ ", text) for text, _ in rows)
        assert any(re.search(r" #\w+$", text) for text, _ in rows)

    def test_every_split_has_all_six_labels(self, files):
        for part in cut_in_order(self.rows(files)):
            assert {label for _, label in part} == SIX

    def test_cleaning_leaves_a_text_and_few_duplicates(self, files):
        texts = [re.sub(r"^(@\w+ )+|( #\w+)+$", "", text).strip() for text, _ in self.rows(files)]
        assert min(len(text.split()) for text in texts) >= 3
        train, valid, test = cut_in_order(texts)
        assert seen_before(train, valid) < 0.05
        assert seen_before(train, test) < 0.05


class TestSst2:
    @pytest.mark.parametrize("split", ["train", "dev"])
    def test_labelled_files(self, files, split):
        header, *lines = files[f"sst2/{split}.tsv"].splitlines()
        assert header == "sentence\tlabel"
        assert all(re.fullmatch(r"[^\tA-Z]+ \t[01]", line) for line in lines)
        assert {line[-1] for line in lines} == {"0", "1"}

    def test_unlabelled_file(self, files):
        header, *lines = files["sst2/test.tsv"].splitlines()
        assert header == "index\tsentence"
        assert [line.split("\t")[0] for line in lines] == [str(i) for i in range(len(lines))]

    def test_first_quarter_and_end_of_train(self, files):
        lines = files["sst2/train.tsv"].splitlines()[1:]
        assert len(lines) == 1600
        train, test = lines[: len(lines) // 4], lines[-len(lines) // 10 :]
        assert {line[-1] for line in train} == {line[-1] for line in test} == {"0", "1"}
        assert seen_before(train, test) < 0.05


class TestCrowdFlower:
    def rows(self, files) -> list[list[str]]:
        return list(csv.reader(io.StringIO(files["crowdflower/text_emotion.csv"], newline="")))

    def test_columns_labels_and_size(self, files):
        header, *rows = self.rows(files)
        assert header == ["tweet_id", "sentiment", "author", "content"]
        assert len(rows) == 2400
        assert all(len(row) == 4 and row[0].isdigit() and row[3] for row in rows)
        assert {row[1] for row in rows} == TWELVE | {"empty"}

    def test_quotes_only_where_needed(self, files):
        for line in files["crowdflower/text_emotion.csv"].splitlines():
            content = line.split(",", 3)[3]
            assert content.startswith('"') == ("," in content), line

    def test_every_split_has_all_twelve_labels(self, files):
        rows = [row for row in self.rows(files)[1:] if row[1] != "empty"]
        random.Random(0).shuffle(rows)  # the order that `random.seed(0)` gives
        train, valid, test = cut_in_order(rows[: len(rows) // 2])
        for part in (train, valid, test):
            assert {row[1] for row in part} == TWELVE
        assert seen_before([row[3] for row in train], [row[3] for row in test]) < 0.05


def test_texts_hold_more_than_ascii(files):
    tweets = files["tec/Jan9-2012-tweets-clean.txt"]
    assert "\N{CRYING FACE}" in tweets
    assert "Ren\u00e9e" in tweets
    assert "&lt;3" in files["crowdflower/text_emotion.csv"]
    assert " \u2019 " in files["dailydialog/train/dialogues_train.txt"]


def test_seed_decides_everything(files):
    assert make_sample.make_sample(1) == files
    other = make_sample.make_sample(2)
    assert other.keys() == files.keys()
    assert all(other[path] != files[path] for path in files)


class TestCommand:
    def test_writes_all_files_and_nothing_else(self, files, tmp_path):
        assert run(tmp_path / "new" / "sample") == 0
        expected = {path: text.encode("utf-8") for path, text in files.items()}
        assert contents(tmp_path) == {f"new/sample/{path}": b for path, b in expected.items()}

    def test_accepts_an_empty_folder_and_a_seed(self, tmp_path):
        assert run(tmp_path, "--seed", "7") == 0
        expected = {p: t.encode("utf-8") for p, t in make_sample.make_sample(7).items()}
        assert contents(tmp_path) == expected

    def test_refuses_a_folder_with_content(self, tmp_path, capsys):
        (tmp_path / "notes.txt").write_text("mine")
        assert run(tmp_path) == 2
        message = capsys.readouterr().err
        assert str(tmp_path) in message
        assert "--overwrite" in message
        assert contents(tmp_path) == {"notes.txt": b"mine"}

    def test_overwrite_leaves_other_files_alone(self, files, tmp_path):
        (tmp_path / "notes.txt").write_text("mine")
        (tmp_path / "sst2").mkdir()
        (tmp_path / "sst2" / "dev.tsv").write_text("old")
        assert run(tmp_path, "--overwrite") == 0
        written = contents(tmp_path)
        assert written.pop("notes.txt") == b"mine"
        assert written == {path: text.encode("utf-8") for path, text in files.items()}

    def test_refuses_a_file(self, tmp_path, capsys):
        path = tmp_path / "file"
        path.write_text("mine")
        assert run(path) == 2
        assert "name a folder" in capsys.readouterr().err

    def test_a_failed_write_leaves_nothing(self, tmp_path, monkeypatch):
        def fail(*_):
            raise OSError("disk full")

        monkeypatch.setattr(make_sample.os, "replace", fail)
        with pytest.raises(OSError, match="disk full"):
            make_sample.write_files({"a/b.txt": "text"}, tmp_path / "out")
        assert list(tmp_path.iterdir()) == []
