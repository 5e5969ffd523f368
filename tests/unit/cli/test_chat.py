"""`emo-mtl chat`: its commands by themselves, then through a pipe and at a terminal."""

import io
import json

import pytest
from helpers.talker import Stub

from emo_mtl.errors import UserError
from emo_mtl.inference.conversation import (
    Conversation,
    Turn,
    beam_settings,
    dialogue_line,
    sample_settings,
)
from emo_mtl.inference.piped import answer_lines, json_line, tab_line

START = {"beam": 2, "no_repeat_ngram_size": 3}


class TestConversation:
    def test_parsing(self):
        assert beam_settings(["12"]) == {"beam": 12}
        assert sample_settings([]) == {"beam": 1, "sampling": True, "sampling_topp": 0.9}


class TestLines:
    """What comes out for each line; `bad`, bytes that are no UTF-8 and a wrong command are errors."""

    LINES = (
        b"\xef\xbb\xbfhi \xf0\x9f\x98\x80\n",
        b"bad\n",
        b"\n",
        b"a\xff\n",
        b"/beam x\n",
        b"bye\r\n",
        b"/quit\n",
    )
    SCORES = {"e2": {"pos": 0.75, "neg": 0.25}}  # noqa: RUF012

    def lines(self, capsys, show) -> tuple[list[str], str]:
        with pytest.raises(UserError, match=r"line 2: bad .lines without an answer: 3"):
            answer_lines(Conversation(Stub(), START), io.BytesIO(b"".join(self.LINES)), show)
        out, errors = capsys.readouterr()
        assert [line.split(":")[0] for line in errors.splitlines()] == [
            f"standard input, line {number}" for number in (2, 4, 5)
        ]
        return out.split("\n"), errors

    def test_tabs(self, capsys):
        shown, _ = self.lines(capsys, tab_line)
        assert shown == ["e2=pos 0.75\tHI 😀", "", "", "", "", "e2=pos 0.75\tBYE", ""]

    def test_json(self, capsys):
        shown, errors = self.lines(capsys, json_line)
        found = [json.loads(line) for line in shown if line]
        read = {"emotions": self.SCORES, "turns": 1}
        assert found[0] == {"text": "hi 😀", "response": "HI 😀", **read}
        assert found[2] == {"text": "", "emotions": {}, "response": "", "turns": 0}
        assert found[5] == {"text": "bye", "response": "BYE", **read}
        assert [item["text"] for item in found] == ["hi 😀", "bad", "", "a\ufffd", "/beam x", "bye"]
        for number, item in enumerate(found, start=1):
            assert ("error" in item) == (f"line {number}: " in errors)
            assert item.get("error", "") in errors

    def test_turns_that_were_read(self, capsys):
        lines = [b"a\n", b"b\n", b"/reset\n", b"c\n"]
        answer_lines(Conversation(Stub(context_turns=3), START), lines, json_line)
        found = map(json.loads, capsys.readouterr().out.splitlines())
        assert [item["turns"] for item in found] == [1, 3, 1]

    def test_nothing_wrong(self, capsys):
        answer_lines(Conversation(Stub(), START), [b"hi\n"], json_line)
        assert json.loads(capsys.readouterr().out)["response"] == "HI"


class TestDialogueLine:
    def test_format(self):
        turns = [
            Turn("I am\nsad", {"e6": {"sadness": 0.9, "joy": 0.1}, "e2": {"neg": 1.0}}, "why?"),
            Turn("so", {}, "oh"),
        ]
        line = dialogue_line(turns)
        assert line.count("\n") == 1
        assert json.loads(line) == {
            "turns": [
                {"text": "I am\nsad", "speaker": "you", "emotion": "sadness"},
                {"text": "why?", "speaker": "bot"},
                {"text": "so", "speaker": "you"},
                {"text": "oh", "speaker": "bot"},
            ]
        }
