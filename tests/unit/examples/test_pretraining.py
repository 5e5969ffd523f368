"""Open dialogues in the form of prepared data."""

import importlib.util
import json

import pytest
from helpers.commands import REPOSITORY
from helpers.raw_files import write

from emo_mtl.errors import UserError

spec = importlib.util.spec_from_file_location(
    "pretraining_dialogues", REPOSITORY / "examples" / "pretraining" / "dialogues.py"
)
dialogues = importlib.util.module_from_spec(spec)
spec.loader.exec_module(dialogues)


@pytest.fixture
def data(tmp_path):
    """What prepare leaves of data in which marks stand apart."""
    writing = {"apart": ".,!?", "apostrophe": "’", "contractions": "split", "quotes": '"'}
    writing |= {"abbreviations": "split", "lowercase": False}
    manifest = {"settings": {}, "files": {}, "tasks": {"response": {"writing": writing}}}
    return write(tmp_path / "data" / "manifest.json", json.dumps(manifest)).parent


def test_written_as_the_data(data, tmp_path):
    """Every turn of every split, of two corpora in the order given; few of valid and test."""
    first = "".join(f"I'm {i}. __eou__ Are you? __eou__\n" for i in range(1000))
    write(tmp_path / "first.txt", first)
    write(tmp_path / "second.txt", "".join(f"No, {i}! __eou__ OK. __eou__\n" for i in range(20)))
    dialogues.main(data, tmp_path / "out", [tmp_path / "first.txt", tmp_path / "second.txt"])
    found = {
        split: [
            [turn["text"] for turn in json.loads(line)["turns"]]
            for line in (tmp_path / "out" / f"{split}.jsonl").read_text("utf-8").splitlines()
        ]
        for split in ("train", "valid", "test")
    }
    assert {split: len(talks) for split, talks in found.items()} == {
        "train": 816,
        "valid": 32,
        "test": 32,
    }
    assert {tuple(talk) for talks in found.values() for talk in talks} <= {
        *((f"I ’ m {i} .", "Are you ?") for i in range(1000)),
        *((f"No , {i} !", "OK .") for i in range(20)),
    }


def test_data_without_responses(data, tmp_path):
    (data / "manifest.json").write_text('{"settings": {}, "files": {}, "tasks": {}}')
    with pytest.raises(UserError, match="found no responses"):
        dialogues.main(data, tmp_path / "out", [])
