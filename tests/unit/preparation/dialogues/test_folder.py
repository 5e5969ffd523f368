"""Folders and files of dialogues in whatever format they are."""

import json
from pathlib import Path

import pytest
from helpers.raw_files import write
from hypothesis import given
from hypothesis import strategies as st

from emo_mtl.errors import UserError
from emo_mtl.preparation import dailydialog
from emo_mtl.preparation.corpus import LINE_ENDS, SPLITS
from emo_mtl.preparation.dialogues.dialogue import MARK, DialogueCorpus, response_positions
from emo_mtl.preparation.dialogues.folder import read

TEXT = "Hi ! __eou__ Hello . __eou__\n"
CSV = (
    "conv_id,utterance_idx,context,prompt,speaker_idx,utterance,selfeval,tags\n"
    "a,1,sad,p,0,Hi !,,\na,2,sad,p,1,Hello .,,\n"
)
# format -> the files of a split and the content of each
FORMATS = {
    "JSON Lines": ("{0}.jsonl", '["Hi !", "Hello ."]\n'),
    "TSV": ("{0}.tsv", "Hi !\tHello .\n"),
    "DailyDialog": ("{0}.txt", TEXT),
    "EmpatheticDialogues": ("{0}.csv", CSV),
    "ParlAI": ("{0}.txt", "1 Hi !\tHello .\n"),
}


def texts(corpus: DialogueCorpus) -> dict[str, list[list[str]]]:
    return {
        split: [[turn.text for turn in dialogue] for dialogue in dialogues]
        for split, dialogues in corpus.splits.items()
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "talk"


class TestSplits:
    @pytest.mark.parametrize("valid", ["valid", "validation", "dev"])
    @pytest.mark.parametrize("name", FORMATS)
    def test_each_format(self, folder: Path, name: str, valid: str) -> None:
        file, content = FORMATS[name]
        files = [
            write(folder / file.format(split), content.replace("Hi", split))
            for split in ("train", valid, "test")
        ]
        corpus = read(folder)
        assert corpus.format == name
        assert corpus.name == ("EmpatheticDialogues" if name == "EmpatheticDialogues" else "talk")
        assert corpus.files == tuple(files)
        assert texts(corpus) == {
            "train": [["train !", "Hello ."]],
            "valid": [[f"{valid} !", "Hello ."]],
            "test": [["test !", "Hello ."]],
        }

    def test_release_of_dailydialog(self, folder: Path) -> None:
        for split in ("train", "validation", "test"):
            write(folder / split / f"dialogues_{split}.txt", TEXT)
            write(folder / split / f"dialogues_act_{split}.txt", "1 2\n")
        corpus = read(folder)
        assert (corpus.name, corpus.format) == (folder.name, "DailyDialog")
        assert [file.name for file in corpus.files[:3]] == [
            *("dialogues_train.txt", "dialogues_act_train.txt", "dialogues_validation.txt")
        ]
        assert corpus.splits["test"][0][1].labels == {"act": "question"}

    def test_other_files_do_not_matter(self, folder: Path) -> None:
        for split in SPLITS:
            write(folder / f"{split}.txt", TEXT)
        write(folder / "all.txt", TEXT)
        write(folder / "peers" / "train.tsv", "a\tb\n")
        assert read(folder).format == "DailyDialog"

    def test_name_of_this_folder(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for split in SPLITS:
            write(folder / f"{split}.txt", TEXT)
        monkeypatch.chdir(folder)
        assert read(Path()).name == "talk"

    def test_a_dialogue_of_one_turn_is_kept(self, folder: Path) -> None:
        for split in SPLITS:
            write(folder / f"{split}.jsonl", '["alone"]\n["a", "b"]\n')
        assert texts(read(folder))["valid"] == [["alone"], ["a", "b"]]


class TestOneFile:
    @pytest.fixture
    def file(self, folder: Path) -> Path:
        lines = [f"Number {i} ? __eou__ Yes . __eou__\n" for i in range(20)]
        return write(folder / "chitchat.txt", "".join(lines))

    def test_itself_or_its_folder(self, folder: Path, file: Path) -> None:
        write(folder / "README.txt", "About these dialogues.\n")
        write(folder / ".cache.jsonl", "")
        one, all_of_it = read(file), read(folder)
        assert one.splits == all_of_it.splits
        assert [len(one.splits[split]) for split in SPLITS] == [16, 2, 2]
        assert (one.name, all_of_it.name) == ("chitchat", "talk")
        assert one.files == all_of_it.files == (file,)

    def test_a_split_given_as_a_file_is_cut_too(self, folder: Path, file: Path) -> None:
        content = file.read_bytes()
        path = write(folder / "split" / "train.txt", content)
        assert texts(read(path)) == texts(read(file))

    def test_labels_beside_it(self, folder: Path) -> None:
        path = write(
            folder / "dialogues_text.txt", "".join(f"{i} __eou__ b __eou__\n" for i in range(10))
        )
        labels = write(folder / "dialogues_emotion.txt", "0 4\n" * 10)
        corpus = read(folder)
        assert corpus.files == (path, labels)
        assert corpus.splits["test"][0][1].labels == {"emotion": "happiness"}


class TestBadInput:
    def refused(self, path: Path) -> str:
        with pytest.raises(UserError) as raised:
            read(path)
        return str(raised.value)

    def test_nothing_there(self, folder: Path) -> None:
        assert f"{folder}: found no such folder or file, expected JSON" in self.refused(folder)

    def test_unknown_format(self, folder: Path) -> None:
        for i in range(8):
            write(folder / f"part{i}.xml", "<a/>")
        message = self.refused(folder)
        assert f"{folder}: found part0.xml, part1.xml, part2.xml" in message
        assert (
            "part5.xml and 2 more, expected JSON Lines (.jsonl), utterance<TAB>response" in message
        )
        assert '{"turns": [' in message
        assert "found a first line '<a/>', expected" in self.refused(folder / "part0.xml")

    def test_empty_folder(self, folder: Path) -> None:
        folder.mkdir()
        assert "found no file, expected JSON Lines" in self.refused(folder)

    def test_several_formats(self, folder: Path) -> None:
        write(folder / "train.tsv", "a\tb\n")
        write(folder / "train.jsonl", '["a", "b"]\n')
        assert "found train.jsonl, train.tsv, expected one format" in self.refused(folder)

    def test_two_texts_of_different_formats(self, folder: Path) -> None:
        for split in SPLITS:
            write(folder / f"{split}.txt", "1 a\tb\n" if split == "test" else TEXT)
        message = self.refused(folder)
        assert "train.txt as DailyDialog, valid.txt as DailyDialog, test.txt as ParlAI" in message

    def test_missing_split(self, folder: Path) -> None:
        for split in ("train", "valid"):
            write(folder / f"{split}.txt", TEXT)
        message = self.refused(folder)
        assert "found train.txt, valid.txt, expected one file of test: add it, or give" in message

    def test_a_split_twice(self, folder: Path) -> None:
        for split in (*SPLITS, "dev"):
            write(folder / f"{split}.txt", TEXT)
        message = self.refused(folder)
        assert "valid.txt, dev.txt, test.txt, expected one file of valid: move the" in message

    def test_several_files(self, folder: Path) -> None:
        for name in ("a", "b"):
            write(folder / f"{name}.txt", TEXT)
        assert "found a.txt, b.txt, expected a file for each of train" in self.refused(folder)

    def test_no_response(self, folder: Path) -> None:
        for split in SPLITS:
            write(folder / f"{split}.jsonl", '["a"]\n' if split == "valid" else '["a", "b"]\n')
        assert f"{folder}, valid: found no dialogue with a response" in self.refused(folder)

    def test_too_few_to_cut(self, folder: Path) -> None:
        path = write(folder / "a.txt", TEXT * 20)
        assert f"{path}: found 1 different dialogues" in self.refused(path)


# Utterances as both formats can hold them; the first line is not taken for ParlAI's.
utterance = (
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
    .map(lambda text: LINE_ENDS.sub(" ", text).replace("\t", " ").strip())
    .filter(lambda text: text and MARK not in text and "\ufeff" not in text)
)


@given(st.lists(st.lists(utterance, min_size=2, max_size=5), min_size=1, max_size=5))
def test_json_lines_and_dailydialogs_text_are_read_alike(
    tmp_path_factory: pytest.TempPathFactory, dialogues: list[list[str]]
) -> None:
    folder = tmp_path_factory.mktemp("alike")
    for split in SPLITS:
        lines = "".join(f"{json.dumps(dialogue)}\n" for dialogue in dialogues)
        write(folder / "json" / f"{split}.jsonl", lines)
        lines = "".join(
            "".join(f"{text} {MARK} " for text in dialogue) + "\n" for dialogue in dialogues
        )
        write(folder / "text" / f"{split}.txt", lines)
    expected = dict.fromkeys(SPLITS, dialogues)
    assert texts(read(folder / "json")) == texts(read(folder / "text")) == expected


@pytest.mark.slow
class TestRealCorpora:
    def counts(self, path: Path) -> list[tuple[int, ...]]:
        """Dialogues, turns and responses of each split."""
        splits = read(path).splits
        return [
            (
                len(splits[split]),
                sum(map(len, splits[split])),
                sum(len(response_positions(dialogue)) for dialogue in splits[split]),
            )
            for split in SPLITS
        ]

    def test_dailydialog(self, real: Path) -> None:
        assert self.counts(real / "dailydialog") == [
            (11_118, 87_170, 76_052),
            (1_000, 8_069, 7_069),
            (1_000, 7_740, 6_740),
        ]

    def test_pairs_of_dailydialog(self, real: Path) -> None:
        pairs = [
            (dialogue[i - 1].text, dialogue[i].text)
            for dialogue in read(real / "dailydialog").splits["valid"]
            for i in response_positions(dialogue)
        ]
        assert pairs == dailydialog.read(real / "dailydialog").splits["valid"]

    def test_empathetic_dialogues(self, real: Path) -> None:
        assert self.counts(real / "empathetic_dialogues") == [
            (19_532, 84_165, 40_252),
            (2_769, 12_074, 5_736),
            (2_546, 10_969, 5_257),
        ]

    @pytest.mark.parametrize(
        ("name", "number"),
        [("chitchat", 7_168), ("self_dialogue", 24_165), ("topical_chat", 2_156)],
    )
    def test_one_file(self, real: Path, name: str, number: int) -> None:
        train, valid, test = (
            size for size, _, _ in self.counts(real / "dialogues" / f"{name}.txt")
        )
        assert train + valid + test == number
        assert min(valid, test) >= number // 10
