"""`emo-mtl demo`: what it answers, then the whole page in a browser."""

import sys

import pytest
from helpers.talker import Stub, last

from emo_mtl.cli.main import main
from emo_mtl.demo.html import save_link
from emo_mtl.demo.page import (
    BEAM,
    EXAMPLES,
    MAX_CHARACTERS,
    MAX_TURNS,
    NO_WISH,
    SAMPLING,
    answer,
    build_page,
)
from emo_mtl.errors import UserError
from emo_mtl.inference.conversation import Turn

gradio = pytest.importorskip("gradio", reason="needs the extra demo")


class Parrot(Stub):
    """Keeps the settings it was called with."""

    titles = {"e2": "Sentiment"}  # noqa: RUF012
    settings: dict | None = None

    def classify(self, texts: list[str]) -> list[dict]:
        return [{"e2": {"positive": 0.8, "negative": 0.2}} for _ in texts]

    def respond(self, texts: list[str], **settings) -> list[str]:
        self.settings = settings
        if last(texts[0]) == "bad":
            raise UserError("text 1: bad")
        return super().respond(texts)


class TestAnswer:
    def ask(self, text: str, turns=(), search=BEAM, mmi_weight=0.0) -> tuple[list, Parrot]:
        parrot = Parrot()
        settings = (search, 4, 0.8, 1.5, NO_WISH, mmi_weight)
        return list(answer(parrot, text, list(turns), *settings)), parrot

    def test_utterance_first_then_response(self):
        (first, second), parrot = self.ask("  hello ")
        assert "hello" in first[0]
        assert "HELLO" not in first[0]
        assert first[2] == ""  # the text box
        assert "HELLO" in second[0]
        assert second[1] == [Turn("hello", {"e2": {"positive": 0.8, "negative": 0.2}}, "HELLO")]
        assert first[3] == gradio.skip()  # the link that saves
        assert save_link(second[1]) == second[3]
        assert parrot.settings == {"beam": 4, "mmi_weight": 0.0, "emotion": None}

    def test_less_common_answers(self):
        _, parrot = self.ask("hello", mmi_weight=0.4)
        assert parrot.settings == {"beam": 4, "mmi_weight": 0.4, "emotion": None}

    def test_sampling(self):
        _, parrot = self.ask("hello", search=SAMPLING, mmi_weight=0.4)
        expected = {"sampling": True, "sampling_topp": 0.8, "temperature": 1.5}
        assert parrot.settings == {"beam": 1, "emotion": None, **expected}

    @pytest.mark.parametrize("text", ["", " \n ", "x" * (MAX_CHARACTERS + 1)])
    def test_refused_before_the_model(self, text):
        (only,), parrot = self.ask(text)
        assert parrot.settings is None
        assert all(isinstance(update, dict) for update in only)  # nothing changes

    def test_error_does_not_end_the_server(self):
        (_, last), _ = self.ask("bad", [Turn("a", {}, "b")])
        assert "bad" not in last[0]
        assert last[2] == "bad"  # back in the text box

    def test_old_turns_are_dropped(self):
        (_, last), _ = self.ask("new", [Turn(str(i), {}, "x") for i in range(MAX_TURNS)])
        assert len(last[1]) == MAX_TURNS
        assert (last[1][0].text, last[1][-1].text) == ("1", "new")


class TestBuildPage:
    def test_one_answer_at_a_time(self):
        page = build_page(Parrot())
        responding = [fn for fn in page.fns.values() if getattr(fn.fn, "func", None) is answer]
        assert len(responding) == 1 + len(EXAMPLES)
        assert {(fn.concurrency_id, fn.concurrency_limit) for fn in responding} == {("model", 1)}
        assert {fn.api_visibility for fn in page.fns.values()} == {"private"}

    def test_without_gradio(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "gradio", None)
        with pytest.raises(UserError, match=r"emo-mtl\[demo\]"):
            main(["demo", "model.pt"])
