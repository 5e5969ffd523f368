"""How a file of each format is told from the others."""

from pathlib import Path

import pytest
from helpers.raw_files import write

from emo_mtl.errors import UserError
from emo_mtl.preparation.dialogues.formats import format_of, recognised


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.jsonl", "", "JSON Lines"),
        ("a.tsv", "", "TSV"),
        ("a.csv", "", "EmpatheticDialogues"),
        ("a.txt", "Hi __eou__ Hello __eou__\n", "DailyDialog"),
        ("a.txt", "1 beer , please . __eou__ Hello __eou__\n", "DailyDialog"),
        ("a.txt", "\ufeff1 hi\thello\n", "ParlAI"),
        ("a.txt", "1 your persona: i like tea.\n", "ParlAI"),
        ("a.txt", "1 partner's persona: i like tea.\n", "ParlAI"),
        ("a.txt", "0 0 4 1\n", None),
        ("a.txt", "1 2 3 1\n", None),
        ("a.txt", b"\xff\xfe", None),
        ("a.txt", "", None),
        ("a.json", '{"turns": ["a", "b"]}', None),
    ],
)
def test_recognised(tmp_path: Path, name: str, text: str | bytes, expected: str | None) -> None:
    kind = recognised(write(tmp_path / name, text))
    assert (kind.name if kind else None) == expected


def test_none_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "hello\nyou\n")
    with pytest.raises(UserError, match=r"a.txt: found a first line 'hello', expected JSON Lines"):
        format_of(path)
