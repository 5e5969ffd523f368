"""The test set with an emotion that is not the reply's own."""

from pathlib import Path

import pytest
from fairseq.data import Dictionary
from helpers.data import write_data_bin
from wrong_emotion import main, wrong

from emo_mtl.data.binarized import load_label_numbers
from emo_mtl.errors import UserError

LABELS = ["joy", "fear", "anger"]


def test_never_the_own():
    own = ["joy", "fear", "anger"] * 20
    found = wrong(own, LABELS, seed=1)
    assert all(a != b for a, b in zip(own, found, strict=True))
    assert set(found) == set(LABELS)
    assert wrong(own, LABELS, seed=1) == found != wrong(own, LABELS, seed=2)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The usual data, with the text of e6's test set."""
    folder = tmp_path / "data"
    write_data_bin(folder / "data-bin", {"train": 60, "test": 11})
    text = folder / "text" / "e6"
    text.mkdir(parents=True)
    (text / "test.input").write_text("a\nb\nc\n")
    (text / "test.label").write_text("anger\njoy\nanger\n")
    return folder


def test_folder(data, tmp_path):
    out = tmp_path / "out"
    main([str(data), "e6", str(out)])
    before, after = (folder / "data-bin" / "e6" for folder in (data, out))
    dictionaries = [folder / "label" / "dict.txt" for folder in (before, after)]
    labels, same = (Dictionary.load(str(path)).symbols for path in dictionaries)
    assert labels == same
    labels = labels[4:10]
    numbers = load_label_numbers(str(after / "label" / "test"), labels, 3)
    found = [labels[number] for number in numbers]
    assert all(a != b for a, b in zip(found, ["anger", "joy", "anger"], strict=True))
    assert (out / "data-bin" / "response" / "test.source-target.source.bin").is_file()
    assert (after / "input0" / "test.bin").is_file()
    with pytest.raises(UserError, match="exists already"):
        main([str(data), "e6", str(out)])


def test_no_such_task(data, tmp_path):
    with pytest.raises(UserError, match="--task joy: found the text of e6"):
        main([str(data), "joy", str(tmp_path / "out")])
