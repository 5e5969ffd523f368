"""Further references of DailyDialog's test set."""

import json
from pathlib import Path

import pytest
from helpers.raw_files import write

from emo_mtl.errors import UserError
from emo_mtl.preparation.dailydialog import read as read_dailydialog
from emo_mtl.preparation.multireference import read


def dialogue(*turns: list[str]) -> str:
    """A line: the references of each turn; the last turn is not answered."""
    content = [{"text": "Hi .", "responses": references} for references in turns]
    return json.dumps({"fold": "test", "dialogue": [*content, {"text": "Bye ."}]})


def test_in_the_order_of_the_file(tmp_path):
    path = tmp_path / "file.json"
    write(path, dialogue(["a", " b\n c "], ["d", ""]) + "\n" + dialogue(["e", "f"]) + "\n")
    assert read(path) == [["a", "b  c"], ["d", ""], ["e", "f"]]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("no json", "expected a JSON object with a list"),
        ("[]", "expected a JSON object with a list"),
        ('{"dialogue": 3}', "expected a JSON object with a list"),
        ('{"dialogue": ["x"]}', "expected a JSON object with a list"),
        (dialogue(["a"]), "found 1 responses"),
        (dialogue(["a", 3]), "expected 2 texts"),
    ],
)
def test_bad_line(tmp_path, line, message):
    path = tmp_path / "file.json"
    write(path, dialogue(["a", "b"]) + "\n" + line + "\n")
    with pytest.raises(UserError, match=message) as raised:
        read(path)
    assert f"{path}:2" in str(raised.value)


def test_nothing_is_answered(tmp_path):
    path = tmp_path / "file.json"
    write(path, dialogue() + "\n")
    with pytest.raises(UserError, match="found no responses"):
        read(path)


def test_real_corpus(real: Path):
    """One line for each test pair, in its order: the first reference is the reply in other writing."""
    found = read(real / "dailydialog_multiref" / "multireftest.json")
    pairs = read_dailydialog(real / "dailydialog").splits["test"]
    assert len(found) == len(pairs) == 6740
    letters = [
        ["".join(filter(str.isalnum, text.lower())) for text in texts]
        for texts in ((first for first, *_ in found), (reply for _, reply in pairs))
    ]
    equal = sum(a == b for a, b in zip(*letters, strict=True))
    assert equal / len(found) > 0.99
