"""The table of EmpatheticDialogues."""

from pathlib import Path

import pytest
from helpers.raw_files import write

from emo_mtl.errors import UserError
from emo_mtl.preparation.dialogues import empathetic
from emo_mtl.preparation.dialogues.dialogue import Dialogue, Turn

HEADER = "conv_id,utterance_idx,context,prompt,speaker_idx,utterance,selfeval,tags\n"


def row(dialogue: str, number: object, speaker: object, text: str, more: str = ",5|5,") -> str:
    return f"{dialogue},{number},afraid,SECRET_comma_ really,{speaker},{text}{more}\n"


def read(tmp_path: Path, *rows: str) -> list[Dialogue]:
    return empathetic.read(write(tmp_path / "f.csv", HEADER + "".join(rows)))


class TestRead:
    @pytest.mark.parametrize(("speaker", "listener"), [(0, 1), (37, 4)])
    def test_the_listener_answers_and_the_speaker_feels(
        self, tmp_path: Path, speaker: int, listener: int
    ) -> None:
        rows = [
            row("a", 1, speaker, 'Oh_comma_ "no"'),
            row("a", 2, listener, 'Why "', ",5|5,,x|y_comma_ z"),
            row("a", 3, speaker, '"Rain'),
        ]
        labels = {"emotion": "afraid"}
        where = f"{tmp_path / 'f.csv'}:"
        assert read(tmp_path, *rows) == [
            [
                Turn('Oh, "no"', f"{where}2", "speaker", labels, is_response=False),
                Turn('Why "', f"{where}3", "listener"),
                Turn('"Rain', f"{where}4", "speaker", is_response=False),  # no answer
            ]
        ]

    def test_dialogues_in_the_order_of_their_utterances(self, tmp_path: Path) -> None:
        rows = [row("a", 10, 0, "c"), row("a", 2, 1, "b"), row("a", 1, 0, "a"), row("b", 1, 1, "d")]
        dialogues = read(tmp_path, *rows)
        assert [[turn.text for turn in dialogue] for dialogue in dialogues] == [
            ["a", "b", "c"],
            ["d"],
        ]
        assert [turn.is_response for turn in dialogues[0]] == [False, True, False]
        assert not dialogues[1][0].is_response

    def test_the_prompt_never_enters(self, tmp_path: Path) -> None:
        assert "SECRET" not in repr(read(tmp_path, row("a", 1, 0, "x"), row("a", 2, 1, "y")))


class TestBadInput:
    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("a,2,afraid,p,1\n", "found 5 columns, expected 8 or 9: restore"),
            (row("a", 2, 1, "x, y, z"), "found 10 columns"),
            (row("a", "two", 1, "x"), "found utterance_idx 'two', expected a number"),
            (row("a", "1" * 5000, 1, "x"), "found utterance_idx '1111"),
            (row("a", 2, 1, " "), "found an empty text"),
            (row("a", 2, 1, "x __eou__ y"), "found __eou__ in an utterance"),
            ("\n", "found 1 columns"),
        ],
    )
    def test_line(self, tmp_path: Path, line: str, message: str) -> None:
        with pytest.raises(UserError, match=f"f.csv:3: {message}"):
            read(tmp_path, row("a", 1, 0, "x"), line)

    def test_another_table(self, tmp_path: Path) -> None:
        path = write(tmp_path / "f.csv", "utterance,response\na,b\n")
        with pytest.raises(UserError, match=r"f.csv:1: found 'utterance,response', .*\.tsv file"):
            empathetic.read(path)
