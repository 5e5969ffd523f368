"""Pairs in tables, with the turns before them or without."""

from pathlib import Path

import pytest
from helpers.raw_files import write

from emo_mtl.errors import UserError
from emo_mtl.preparation.dialogues import tsv
from emo_mtl.preparation.dialogues.dialogue import Turn


def read(tmp_path: Path, text: str) -> list[list[str]]:
    dialogues = tsv.read(write(tmp_path / "f.tsv", text))
    return [[turn.text for turn in dialogue] for dialogue in dialogues]


class TestRead:
    def test_only_the_last_column_is_a_response(self, tmp_path: Path) -> None:
        path = write(tmp_path / "f.tsv", "Hi\tHello\na __eou__ b__eou__c \td\n")
        short, long = tsv.read(path)
        assert short == [Turn("Hi", f"{path}:1", is_response=False), Turn("Hello", f"{path}:1")]
        assert [turn.text for turn in long] == ["a", "b", "c", "d"]
        assert [turn.is_response for turn in long] == [False, False, False, True]

    def test_a_mark_after_the_last_turn(self, tmp_path: Path) -> None:
        assert read(tmp_path, "a __eou__ b __eou__ \tc\n") == [["a", "b", "c"]]

    def test_quoted_as_by_pandas(self, tmp_path: Path) -> None:
        assert read(tmp_path, '"say ""a"""\tb\r\n"c\td"\te\r\n') == [
            ['say "a"', "b"],
            ["c\td", "e"],
        ]


class TestHeader:
    @pytest.mark.parametrize(
        "header",
        [
            *("utterance\tresponse", "Source\tTarget", "input\toutput", "question\tanswer"),
            *("context\tresponse", "prompt\tcompletion", "text\treply"),
        ],
    )
    def test_left_out(self, tmp_path: Path, header: str, capsys: pytest.CaptureFixture) -> None:
        assert read(tmp_path, f"{header}\na\tb\n") == [["a", "b"]]
        assert "f.tsv:1: left out as a header" in capsys.readouterr().out

    def test_none(self, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
        assert read(tmp_path, "question\tyes\na\tanswer\n") == [
            ["question", "yes"],
            ["a", "answer"],
        ]
        assert capsys.readouterr().out == ""


class TestBadInput:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("a\tb\nc\n", "f.tsv:2: found 1 tab-separated columns, expected 2"),
            ("a\tb\nc\td\te\n", "f.tsv:2: found 3 tab-separated columns"),
            ("a\tb\n\td\n", "f.tsv:2: found an empty text"),
            ("a\tb\nc\t \n", "f.tsv:2: found an empty text"),
            ("a __eou__ __eou__ b\tc\n", "f.tsv:1: found an empty text"),
            ("a\tb __eou__ c\n", "f.tsv:1: found __eou__ in an utterance"),
            ("response\tutterance\na\tb\n", "f.tsv:1: .*columns response, utterance.*: swap"),
            ("text\tlabel\na\tb\n", "f.tsv:1: .*columns text, label, .*--custom"),
            ("utterance\tresponse\n", "f.tsv:1: found only a header"),
            ("", "f.tsv: found an empty file"),
        ],
    )
    def test_file(self, tmp_path: Path, text: str, message: str) -> None:
        with pytest.raises(UserError, match=message):
            read(tmp_path, text)
