"""Dialogues in JSON Lines."""

from pathlib import Path

import pytest
from helpers.raw_files import write

from emo_mtl.errors import UserError
from emo_mtl.inference import conversation
from emo_mtl.preparation.dialogues import jsonl
from emo_mtl.preparation.dialogues.dialogue import Dialogue, Turn


def read(tmp_path: Path, text: str) -> list[Dialogue]:
    return jsonl.read(write(tmp_path / "f.jsonl", text))


class TestRead:
    def test_texts_speakers_and_labels(self, tmp_path: Path) -> None:
        line = (
            '{"turns": [{"text": " Hi\\n", "speaker": "A", "emotion": "joy", "score": 1.5, "ok": true,'
            ' "no": null, "more": ["x"]}, {"text": "Yes", "speaker": 2, "topic": "tea"}],'
            ' "topic": "rain", "number": 3, "more": {}}\r\n'
        )
        where = f"{tmp_path / 'f.jsonl'}:2"
        labels = {"topic": "rain", "emotion": "joy", "score": "1.5", "ok": "True"}
        _, dialogue = read(tmp_path, '["a"]\r\n' + line)
        assert dialogue == [
            Turn("Hi", where, "A", labels),
            Turn("Yes", where, "2", {"topic": "tea"}),
        ]

    @pytest.mark.parametrize("line", ['["hi", "hello"]', '{"turns": ["hi", {"text": "hello"}]}'])
    def test_texts_alone(self, tmp_path: Path, line: str) -> None:
        assert [turn.text for turn in read(tmp_path, line)[0]] == ["hi", "hello"]

    def test_what_chat_saves(self, tmp_path: Path) -> None:
        turns = [
            conversation.Turn("Hi", {"e6": {"joy": 0.9, "fear": 0.1}}, "Hello !"),
            conversation.Turn("Bye", {}, "See you ."),
        ]
        (dialogue,) = read(tmp_path, conversation.dialogue_line(turns))
        assert [turn.text for turn in dialogue] == ["Hi", "Hello !", "Bye", "See you ."]
        assert [turn.speaker for turn in dialogue] == ["you", "bot", "you", "bot"]
        assert [turn.labels for turn in dialogue] == [{"emotion": "joy"}, {}, {}, {}]


class TestBadInput:
    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("hello", "found no JSON that can be used, expected a dialogue such as"),
            ("", "found no JSON that can be used"),
            ('["\\ud83d"]', "found no JSON that can be used"),
            ("3", "found 3, expected a list of turns, or an object with it"),
            ('{"text": "hi"}', "found an object, expected a list of turns"),
            ('{"turns": "hi"}', "found an object, expected a list of turns"),
            ('["hi", 3]', "found 3, expected a turn"),
            ('["hi", {"speaker": "A"}]', 'found an object, expected a turn: .* with a "text"'),
            ('["hi", {"text": 3}]', "found an object, expected a turn"),
            ('["hi", " "]', "found an empty text"),
            ('["hi __eou__ you"]', "found __eou__ in an utterance"),
            ("[]", "found a dialogue without turns"),
            ('{"turns": []}', "found a dialogue without turns"),
        ],
    )
    def test_line(self, tmp_path: Path, line: str, message: str) -> None:
        with pytest.raises(UserError, match=f"f.jsonl:2: {message}"):
            read(tmp_path, f'["a", "b"]\n{line}\n["a"]\n')
