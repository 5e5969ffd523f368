"""DailyDialog's text with the labels beside it."""

from pathlib import Path

import pytest
from helpers.raw_files import write

from emo_mtl.errors import UserError
from emo_mtl.preparation.dialogues import dailydialog
from emo_mtl.preparation.dialogues.dialogue import Turn

LINES = "Hi ! __eou__ Hello . __eou__\nWhy ?__eou__\n"


class TestRead:
    def test_labels(self, tmp_path: Path) -> None:
        path = write(tmp_path / "dialogues_train.txt", LINES)
        write(tmp_path / "dialogues_emotion_train.txt", "0 4 \n6\n")
        write(tmp_path / "dialogues_act_train.txt", "1 2\n4 \n")
        assert dailydialog.read(path) == [
            [
                Turn("Hi !", f"{path}:1", labels={"emotion": "none", "act": "inform"}),
                Turn("Hello .", f"{path}:1", labels={"emotion": "happiness", "act": "question"}),
            ],
            [Turn("Why ?", f"{path}:2", labels={"emotion": "surprise", "act": "commissive"})],
        ]

    @pytest.mark.parametrize("name", ["dialogues_train.txt", "train.txt"])
    def test_no_labels(self, tmp_path: Path, name: str) -> None:
        path = write(tmp_path / name, LINES)
        first, _ = dailydialog.read(path)
        assert first == [Turn("Hi !", f"{path}:1"), Turn("Hello .", f"{path}:1")]

    def test_one_column(self, tmp_path: Path) -> None:
        path = write(tmp_path / "dialogues_train.txt", LINES)
        write(tmp_path / "dialogues_act_train.txt", "3 2\n4\n")
        assert dailydialog.read(path)[0][0].labels == {"act": "directive"}


class TestLabelFiles:
    def test_of_the_whole_text(self, tmp_path: Path) -> None:
        file = write(tmp_path / "dialogues_emotion.txt", "0 0\n0\n")
        write(tmp_path / "dialogues_act_text.txt", "")
        assert dailydialog.label_files(tmp_path / "dialogues_text.txt") == {"emotion": file}


class TestBadInput:
    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("Hi __eou__ Hello", r"found a line that ends in 'Hi __eou__ Hello', expected"),
            ("", "found a line that ends in ''"),
            ("Hi __eou__ __eou__", "found an empty text"),
        ],
    )
    def test_line(self, tmp_path: Path, line: str, message: str) -> None:
        path = write(tmp_path / "train.txt", f"a __eou__\n{line}\n")
        with pytest.raises(UserError, match=f"train.txt:2: {message}"):
            dailydialog.read(path)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("0 0\n", "emotion_train.txt: found 1 lines, expected 2, one for each dialogue"),
            ("0 0\n0 0\n", "emotion_train.txt:2: found 2 labels, expected 1, one for each"),
            ("0\n0\n", "emotion_train.txt:1: found 1 labels, expected 2"),
            ("0 0\n7\n", "emotion_train.txt:2: found label '7', expected one of 0, 1"),
            ("", "emotion_train.txt: found an empty file"),
        ],
    )
    def test_labels(self, tmp_path: Path, text: str, message: str) -> None:
        path = write(tmp_path / "dialogues_train.txt", LINES)
        write(tmp_path / "dialogues_emotion_train.txt", text)
        with pytest.raises(UserError, match=message):
            dailydialog.read(path)
