"""ParlAI's numbered text."""

from pathlib import Path

import pytest
from helpers.raw_files import write

from emo_mtl.errors import UserError
from emo_mtl.preparation.dialogues import parlai
from emo_mtl.preparation.dialogues.dialogue import Turn


def read(tmp_path: Path, text: str) -> list[list[str]]:
    dialogues = parlai.read(write(tmp_path / "f.txt", text))
    return [[turn.text for turn in dialogue] for dialogue in dialogues]


class TestRead:
    def test_both_columns_are_turns(self, tmp_path: Path) -> None:
        path = write(tmp_path / "f.txt", "1 hi\thello\n2 how are you ?\tfine .\n1 a\tb\n")
        first, second = parlai.read(path)
        assert first == [
            Turn("hi", f"{path}:1"),
            Turn("hello", f"{path}:1"),
            Turn("how are you ?", f"{path}:2"),
            Turn("fine .", f"{path}:2"),
        ]
        assert [turn.text for turn in second] == ["a", "b"]

    def test_what_is_no_turn(self, tmp_path: Path) -> None:
        text = (
            "1 your persona: i like tea.\n2 partner's persona: i do not.\n"
            "3 __SILENCE__\thi\t\tno|hi\n4 a\t\t0.5\n5 b\n"
        )
        assert read(tmp_path, text) == [["hi", "a", "b"]]


class TestBadInput:
    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("hello\tyou", r"found 'hello\\tyou', expected a line that begins with 1 or 2"),
            ("3 a\tb", "found .*, expected a line that begins with 1 or 2"),
            ("", "found '', expected"),
            ("9999999999 a\tb", "found '9999999999"),
            ("2 a __eou__ b\tc", "found __eou__ in an utterance"),
        ],
    )
    def test_line(self, tmp_path: Path, line: str, message: str) -> None:
        with pytest.raises(UserError, match=f"f.txt:2: {message}"):
            read(tmp_path, f"1 a\tb\n{line}\n")

    def test_the_first_is_number_one(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match=r"f.txt:1: .* a line that begins with 1:"):
            read(tmp_path, "2 a\tb\n")

    def test_a_persona_without_turns(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match=r"f.txt:2: found a dialogue without turns"):
            read(tmp_path, "1 a\tb\n1 your persona: x\n1 a\tb\n")
