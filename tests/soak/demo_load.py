"""Load on a demo that runs on this machine: python tests/soak/demo_load.py [CHECKPOINT]

Many visitors, several at a time, each with an utterance of its own; every answer is compared with
what the model answers alone. Prints how many were answered, refused and wrong, and the latencies.
"""

import argparse
import html
import json
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

# turns, search, beam, top p, temperature, emotion, MMI weight
SETTINGS = [[], "Beam search", 2, 0.9, 1, "any emotion", 0]


def ask(url: str, text: str, session: str, timeout: float = 120, data: list | None = None) -> str:
    """One utterance through the page's own HTTP interface: its last HTML, or `refused: ...`.

    Args:
        data: what is sent, instead of the text with the settings of the page
    """
    if data is None:
        data = [text, *SETTINGS]
    body = {"data": data, "fn_index": 0, "session_hash": session}
    request = urllib.request.Request(
        f"{url}/gradio_api/queue/join",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout) as reply:
            json.load(reply)
    except urllib.error.HTTPError as error:
        return f"refused: {error.code} {error.read().decode()}"
    shown = ""
    events = f"{url}/gradio_api/queue/data?session_hash={session}"
    with urllib.request.urlopen(events, timeout=timeout) as reply:
        for line in reply:
            if not line.startswith(b"data:"):
                continue
            event = json.loads(line[5:])
            if event["msg"] == "process_completed":
                data = event["output"].get("data")
                if not event["success"]:
                    return f"refused: {event['output'].get('error')}"
                return data[0] if data and isinstance(data[0], str) else shown
            if event["msg"] == "process_generating":
                first = event["output"]["data"][0]
                shown = first if isinstance(first, str) else shown
    return shown


def load(url: str, requests: int, workers: int) -> tuple[dict[str, str], list[float]]:
    """Utterance -> HTML that was shown for it, and the seconds that each took."""
    texts = [f"visitor {number} says hello" for number in range(requests)]

    def visit(text: str) -> tuple[str, float]:
        start = time.monotonic()
        shown = ask(url, text, uuid.uuid4().hex)
        return shown, time.monotonic() - start

    with ThreadPoolExecutor(workers) as pool:
        answers = list(pool.map(visit, texts))
    shown = {text: answer for text, (answer, _) in zip(texts, answers, strict=True)}
    return shown, [seconds for _, seconds in answers]


def verdicts(answers: dict[str, str], expected: Callable[[str], str]) -> Counter:
    """How many are `right`, `wrong` or `refused`; expected: the response that belongs to an utterance."""

    def verdict(text: str, shown: str) -> str:
        if shown.startswith("refused"):
            return "refused"
        parts = (f">{html.escape(text)}<", f">{html.escape(expected(text))}<")
        right = all(part in shown for part in parts) and shown.count('class="turn"') == 1
        return "right" if right else "wrong"

    return Counter(verdict(*item) for item in answers.items())


def serve(bart: Any) -> tuple[Any, str]:
    """The demo of a model on a free port of 127.0.0.1, and its address."""
    from emo_mtl.demo.page import build_page, launch

    page = build_page(bart)
    return page, launch(page, "127.0.0.1").rstrip("/")


def main() -> None:
    from emo_mtl.inference.hub_interface import EmoBART

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint")
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--workers", type=int, default=8)
    args = parser.parse_args()
    bart = EmoBART.from_pretrained(args.checkpoint, device="cpu")
    page, url = serve(bart)
    killer = threading.Timer(600, page.close)  # bounded in any case
    killer.daemon = True
    killer.start()
    start = time.monotonic()
    answers, seconds = load(url, min(args.requests, 1000), min(args.workers, 64))
    wall = time.monotonic() - start
    page.close()
    counts = verdicts(answers, lambda text: bart.respond([text], beam=2)[0].strip() or "…")
    p50, p95, p99 = np.percentile(seconds, [50, 95, 99])
    print(dict(counts), f"{wall:.1f} s; p50 {p50:.3f} s, p95 {p95:.3f} s, p99 {p99:.3f} s")


if __name__ == "__main__":
    main()
