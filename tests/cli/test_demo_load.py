"""Many visitors of the demo at a time, and requests that no page would send."""

import threading
from collections.abc import Iterator

import pytest

gradio = pytest.importorskip("gradio", reason="needs the extra demo")

from soak.demo_load import ask, load, serve, verdicts  # noqa: E402

from emo_mtl.cli.demo import MAX_CHARACTERS  # noqa: E402


class Gate:
    """Stands in for `EmoBART`: answers backwards, once the gate is open; counts calls at a time."""

    def __init__(self):
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
        return [text[::-1] for text in texts]


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
