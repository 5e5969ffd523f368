"""Many visitors of the demo at a time, and requests that no page would send."""

import html
import itertools
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed

import pytest
from helpers.talker import Stub, last

gradio = pytest.importorskip("gradio", reason="needs the extra demo")

from soak.demo_load import ask, load, serve, verdicts  # noqa: E402

from emo_mtl.demo.page import MAX_CHARACTERS, MAX_WAITING  # noqa: E402


class Gate(Stub):
    """Answers backwards, once the gate is open; counts calls at a time."""

    titles = {"<i>e2": "<i>Sentiment"}  # noqa: RUF012

    def __init__(self):
        super().__init__()
        self.open = threading.Event()
        self.open.set()
        self.calls, self.inside, self.most = 0, 0, 0

    def classify(self, texts: list[str]) -> list[dict]:
        return [{"<i>e2": {"<b>pos": 0.8, "neg": 0.2}} for _ in texts]

    def respond(self, texts: list[str], **settings) -> list[str]:
        self.calls += 1
        self.inside += 1
        self.most = max(self.most, self.inside)
        assert self.open.wait(60)
        self.inside -= 1
        return [last(text)[::-1] for text in texts]


@pytest.fixture
def demo() -> Iterator[tuple[str, Gate]]:
    gate = Gate()
    page, url = serve(gate)
    yield url, gate
    gate.open.set()
    page.close()


def test_none_lost_and_none_mixed_up(demo):
    url, gate = demo
    answers, _ = load(url, requests=24, workers=8)
    assert verdicts(answers, lambda text: text[::-1]) == {"right": 24}
    assert gate.most == 1


@pytest.mark.parametrize("text", ["x" * (MAX_CHARACTERS + 1), "x" * 1_000_000, ""])
def test_length_is_bounded_on_the_server(demo, text):
    url, gate = demo
    ask(url, text, "visitor")
    assert gate.calls == 0


def test_html_is_shown_as_text(demo):
    url, _ = demo
    text = "<script>alert(1)</script> <b>&amp;"
    shown = ask(url, text, "visitor")
    assert f">{html.escape(text)}<" in shown
    assert f">{html.escape(text[::-1])}<" in shown
    assert "<script" not in shown
    assert "&lt;b&gt;pos" in shown  # labels, too
    assert "&lt;i&gt;Sentiment" in shown


def test_full_queue_is_said(demo):
    """One is answered, `MAX_WAITING` wait, the others are told at once that there are too many."""
    url, gate = demo
    gate.open.clear()
    extra = 5
    with ThreadPoolExecutor(1 + MAX_WAITING + extra) as pool:
        visits = [pool.submit(ask, url, "first", "first_visitor")]
        while not gate.inside:
            time.sleep(0.01)
        visits += [
            pool.submit(ask, url, f"text {number}", f"visitor{number}")
            for number in range(MAX_WAITING + extra)
        ]
        refused = [visit.result() for visit in itertools.islice(as_completed(visits), extra)]
        gate.open.set()
        answers = [visit.result() for visit in visits]
    assert all(answer.startswith("refused: ") and "full" in answer for answer in refused), refused
    assert sum('class="turn"' in answer for answer in answers) == 1 + MAX_WAITING
