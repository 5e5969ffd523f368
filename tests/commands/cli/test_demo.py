"""`emo-mtl demo`: what it answers, then the whole page in a browser."""

import json
import os
import signal
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from helpers.background import Background, free_port
from helpers.commands import FOREVER, run_command
from helpers.talker import Stub
from soak.demo_load import serve

from emo_mtl.demo.page import (
    EXAMPLES,
    MAX_CHARACTERS,
)
from emo_mtl.errors import UserError


@pytest.fixture(scope="module")
def server(trained, tmp_path_factory) -> Iterator[tuple[str, str]]:
    """The address of `emo-mtl demo` on a port of its own, and what it says; ended by Ctrl-C."""
    log = tmp_path_factory.mktemp("demo") / "log"
    process = Background(log, "emo-mtl", "demo", trained[0], "--cpu", "--port", free_port())
    said = process.read_until("Ctrl-C")  # printed when the server is ready
    yield said.splitlines()[-1].split()[0], said
    os.kill(process.pid, signal.SIGINT)
    assert process.wait() == 0, process.output


class TestServer:
    def test_loopback_and_no_analytics(self, server):
        url, _ = server
        assert url.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(url, timeout=FOREVER) as reply:
            page = reply.read().decode()
        assert '"analytics_enabled":false' in page.replace(" ", "")

    def test_says_that_it_loads(self, server):
        assert server[1].startswith("Loading the model")

    def test_port_that_is_taken(self, server, trained):
        port = server[0].rstrip("/").rsplit(":", 1)[1]
        flags = [trained[0], "--cpu", "--port", port]
        result = run_command("emo-mtl", "demo", *flags, check=False)
        assert result.returncode == 1
        assert f"--port {port}: cannot listen" in result.stderr.splitlines()[-1]


@pytest.fixture
def visitors(browser):
    """Opens an address as a new visitor; the page fetches only what the server there has."""
    contexts = []
    fetched = []

    def open_page(url: str, **context):
        contexts.append(browser.new_context(**context))
        page = contexts[-1].new_page()
        page.set_default_timeout(60_000)  # ms
        page.on("response", lambda reply: fetched.append((url, reply.url, reply.status)))
        page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
        page.goto(url)
        page.wait_for_selector("#text :is(textarea, input)")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert fetched
    for url, address, status in fetched:
        assert address.startswith((url, "data:", "blob:"))
        assert status < 400, address


@pytest.fixture
def visit(visitors, server):
    """Opens the page of the trained model."""
    return partial(visitors, server[0])


def say(page, text: str, turns: int = 1) -> str:
    """Type and send a text, and return the text of the last turn."""
    page.fill("#text :is(textarea, input)", text)
    page.keyboard.press("Enter")
    return last_turn(page, turns)


def last_turn(page, turns: int) -> str:
    page.wait_for_selector(f".turn:nth-child({turns}) .head-best")
    assert page.locator(".turn").count() == turns
    return page.locator(".turn").last.inner_text().removeprefix("You: \n")  # for screen readers


@pytest.mark.slow
class TestPage:
    def test_conversation(self, visit):
        page = visit()
        assert "How are you today?" in page.inner_text("#conversation")
        shown = say(page, "I miss her .")
        assert shown.startswith("I miss her .")
        assert page.input_value("#text :is(textarea, input)") == ""
        assert all(name in shown for name in ("Emotion", "Positive or negative", "Feeling"))
        percents = page.locator(".turn .heads > div:nth-child(2) .bar span:last-child")
        total = sum(int(text.rstrip("%")) for text in percents.all_inner_texts())
        assert total == pytest.approx(100, abs=1)

        page.click(f"text={EXAMPLES[0]}")
        assert last_turn(page, 2).startswith(EXAMPLES[0])
        page.click("text=New conversation")
        page.wait_for_selector(".welcome")

    def test_settings(self, visit):
        page = visit()
        page.click("text=Settings")
        page.wait_for_selector("text=Beam search")
        assert page.is_visible("input[aria-label*='Beam']")
        page.click("text=Sampling")
        page.wait_for_selector("input[aria-label*='Temperature']", state="visible")
        assert not page.is_visible("input[aria-label*='Beam']")
        assert "OK" in say(page, "OK")

    def test_odd_input(self, visit):
        page = visit()
        hostile = "</s><b>bold</b> ${7*7} {{7*7}} <img src=x onerror=alert(1)> שלום 😀"
        assert say(page, hostile).startswith(hostile)
        assert page.locator("#conversation :is(b, img)").count() == 0

        page.fill("#text :is(textarea, input)", "x" * 600)
        page.click("text=Send")
        page.wait_for_selector(f"text=at most {MAX_CHARACTERS} fit")
        page.fill("#text :is(textarea, input)", "   ")
        page.click("text=Send")
        page.wait_for_selector("text=Type something first")
        assert page.locator(".turn").count() == 1

    def test_visitors_are_not_mixed(self, visit):
        first, second = visit(), visit()
        for page, text in ((first, "I am Ann"), (second, "I am Bob")):
            page.fill("#text :is(textarea, input)", text)
        first.keyboard.press("Enter")
        second.keyboard.press("Enter")
        assert last_turn(first, 1).startswith("I am Ann")
        assert last_turn(second, 1).startswith("I am Bob")
        assert say(first, "again", turns=2).startswith("again")
        assert "Bob" not in first.inner_text("#conversation")
        assert "Ann" not in second.inner_text("#conversation")
        first.reload()
        first.wait_for_selector(".welcome")  # nothing is kept


class Talker(Stub):
    """Stands in for `EmoBART`, with heads as those of the paper, and answers of two lines on a phone."""

    titles = {"e6": "Emotion", "e2": "Sentiment", "e12": "Emotion in tweets"}  # noqa: RUF012

    def classify(self, texts: list[str]) -> list[dict]:
        sizes = {"e6": 6, "e2": 2, "e12": 12}
        return [
            {head: {f"label{i}": 1 / size for i in range(size)} for head, size in sizes.items()}
            for _ in texts
        ]

    def respond(self, texts: list[list[str]], **settings) -> list[str]:
        if texts[-1][-1] == "bad":
            raise UserError("<img src=x onerror=alert(1)>")
        return ["That is wonderful news! When do you start, and where?" for _ in texts]


@pytest.fixture(scope="module")
def talker() -> Iterator[str]:
    page, url = serve(Talker())
    yield url
    page.close()


DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


def in_view(page, selector: str) -> bool:
    """Whether the last element is within the window and within the place for the conversation."""
    box, log = page.locator(selector).last.bounding_box(), page.locator(".log").bounding_box()
    return all(
        outer["y"] <= box["y"]
        and box["y"] + box["height"] <= outer["y"] + outer["height"]
        and outer["x"] <= box["x"]
        and box["x"] + box["width"] <= outer["x"] + outer["width"]
        for outer in (log, {"x": 0, "y": 0, **page.viewport_size})
    )


@pytest.mark.slow
class TestLayout:
    @pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
    def test_newest_answer_is_in_view(self, visitors, talker, size):
        page = visitors(talker, viewport=size)
        for turn in range(1, 7):
            if turn == 5:  # the visitor has gone back to read
                page.evaluate("document.querySelector('.log').scrollTop = 0")
            say(page, "so " * 160 if turn == 6 else "I finally got the job!", turn)
            page.wait_for_timeout(100)  # ms, to be drawn
            assert in_view(page, ".turn .bot"), turn
            assert turn == 6 or in_view(page, ".turn .you"), turn
            assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        assert page.evaluate("window.scrollY") == 0

    def test_names_and_keyboard(self, visitors, talker):
        """Every control has a name of its own; the keyboard reaches all of them, in order."""
        page = visitors(talker, viewport=DESK)
        say(page, "hello")
        tree = page.locator("body").aria_snapshot()
        for control in (
            *('textbox "What you say"', 'button "Send"', 'button "New conversation"'),
            *('link "Save the conversation"', 'log "Conversation"', '"Emotion of the answer"'),
            *(f'button "{example}"' for example in EXAMPLES),
        ):
            assert control in tree
        page.keyboard.press("Shift+Tab")  # from the text box, in which the visitor still is
        assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
        page.keyboard.press("Enter")
        page.wait_for_selector("details[open]")
        names = []
        for _ in range(3):
            page.keyboard.press("Shift+Tab")
            names.append(
                page.evaluate(
                    "(e => e.getAttribute('aria-label') || e.textContent.trim())(document.activeElement)"
                )
            )
        assert names == ["Conversation", "New conversation", "Save the conversation"]

    def test_wanted_emotion(self, visitors, talker):
        page = visitors(talker, viewport=PHONE)
        page.get_by_label("Emotion of the answer").click()
        page.get_by_role("option", name="fear").click()
        say(page, "hello")
        assert "wanted: fear" in page.inner_text("#conversation")

    def test_save(self, visitors, talker):
        page = visitors(talker, viewport=PHONE)
        assert page.locator(".save").count() == 0
        for turn, text in enumerate(("I’m “here” 😀", "<b>&amp;"), start=1):
            say(page, text, turn)
        with page.expect_download() as download:
            page.click(".save")
        assert download.value.suggested_filename == "conversation.jsonl"
        (line,) = Path(download.value.path()).read_text("utf-8").splitlines()
        turns = json.loads(line)["turns"]
        assert [turn["text"] for turn in turns[::2]] == ["I’m “here” 😀", "<b>&amp;"]
        assert [turn["speaker"] for turn in turns] == ["you", "bot"] * 2
        assert turns[0]["emotion"] == "label0"
        page.click("text=New conversation")
        page.wait_for_selector(".welcome")
        assert page.locator(".save").count() == 0

    def test_nothing_is_kept_in_the_browser(self, visitors, talker):
        page = visitors(talker)
        say(page, "a secret")
        stored = "Promise.all([indexedDB.databases(), {...localStorage}, {...sessionStorage}])"
        assert page.evaluate(stored) == [[], {}, {}]
        assert page.context.cookies() == []

    def test_error_is_shown_as_text(self, visitors, talker):
        page = visitors(talker)
        page.fill("#text :is(textarea, input)", "bad")
        page.keyboard.press("Enter")
        page.wait_for_selector("text=<img src=x")
        assert page.locator("img[src=x]").count() == 0
        assert page.input_value("#text :is(textarea, input)") == "bad"
