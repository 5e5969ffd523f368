"""What the server of `emo-mtl demo` answers: its own page, and nobody else; over HTTP."""

import http.client
import json
import os
import socket
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import urlsplit

import pytest
from helpers.commands import FOREVER
from helpers.talker import Stub, Text, last

gradio = pytest.importorskip("gradio", reason="needs the extra demo")

from soak.demo_load import SETTINGS, ask, serve  # noqa: E402

from emo_mtl.demo.guard import MAX_BODY, ROUTES, names_server  # noqa: E402

# All that the server answers, as its framework spells it.
OPEN = {
    ("GET", "/"),
    ("HEAD", "/"),
    ("GET", "/assets/{path:path}"),
    ("GET", "/static/{path:path}"),
    ("GET", "/theme.css"),
    ("GET", "/favicon.ico"),
    ("GET", "/gradio_api/app_id"),
    ("GET", "/gradio_api/heartbeat/{session_hash}"),
    ("GET", "/gradio_api/queue/data"),
    ("GET", "/gradio_api/startup-events"),
    ("POST", "/gradio_api/queue/join"),
}


class Counter(Stub):
    """Counts calls, and answers backwards."""

    titles = {"e2": "Sentiment"}  # noqa: RUF012
    calls = 0

    def classify(self, texts: Sequence[Text]) -> list[dict]:
        self.calls += 1
        return super().classify(texts)

    def respond(self, texts: Sequence[Text], **settings) -> list[str]:
        return [last(text)[::-1] for text in texts]


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[tuple[object, str, Counter, str]]:
    """The page, its address, the model, and the folder in which Gradio would store files."""
    folder = tmp_path_factory.mktemp("gradio")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder))
        stub = Counter()
        page, url = serve(stub)
        yield page, url, stub, folder
        page.close()


def send(
    url: str,
    method: str,
    path: str,
    body: bytes | Iterable[bytes] | None = None,
    chunked: bool = False,
    **headers: str,
) -> tuple[int, str]:
    """Status and text of the answer to one request."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=FOREVER)
    try:
        connection.request(method, path, body, headers, encode_chunked=chunked)
        reply = connection.getresponse()
        endless = reply.getheader("content-type", "").startswith("text/event")
        return reply.status, "" if endless else reply.read().decode(errors="replace")
    finally:
        connection.close()


def join(text: str = "hello", **changes) -> bytes:
    """The body with which the page sends an utterance."""
    body = {"data": [text, *SETTINGS], "fn_index": 0, "session_hash": "visitor"}
    return json.dumps(body | changes).encode()


JSON = {"Content-Type": "application/json"}
JOIN = "/gradio_api/queue/join"


def flat(routes: Iterable) -> Iterator:
    """All routes, those of routers within routers too."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        yield from flat(inner.routes) if inner else [route]


class TestRoutes:
    def test_all_but_the_page_s_own_are_closed(self, served):
        page, url, _, _ = served
        routes = {
            (method, route.path)
            for route in flat(page.app.routes)
            for method in getattr(route, "methods", None) or ["GET", "POST"]
        }
        assert len(routes) > 60
        for method, path in sorted(routes):
            filled = path.replace("{path:path}", "x").replace("{", "").replace("}", "")
            assert ((method, path) in OPEN) == bool(ROUTES.fullmatch(f"{method} {filled}"))
            if (method, path) not in OPEN:
                status, text = send(url, method, filled)
                assert (status, text) in [(404, "Not Found"), (404, "")], (method, path)

    @pytest.mark.parametrize("api", ["run", "api", "call"])
    def test_no_way_around_the_queue(self, served, api):
        page, url, stub, _ = served
        before = stub.calls
        for name in ("predict", "answer", "0"):
            assert send(url, "POST", f"/gradio_api/{api}/{name}", join(), **JSON)[0] == 404
        assert stub.calls == before
        assert page.api_open is False  # Gradio's own lock of the same door

    def test_no_upload(self, served):
        _, url, _, folder = served
        form = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
        form += b"a" * 50_000 + b"\r\n--x--\r\n"
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        assert send(url, "POST", "/gradio_api/upload", form, **headers)[0] == 404
        assert [name for _, _, names in os.walk(folder) for name in names] == []

    @pytest.mark.parametrize("path", ["../../routes.py", "%2e%2e/%2e%2e/routes.py", "/etc/passwd"])
    @pytest.mark.parametrize("folder", ["assets", "static"])
    def test_no_file_from_elsewhere(self, served, folder, path):
        status, text = send(served[1], "GET", f"/{folder}/{path}")
        assert status in (403, 404)
        assert "root:" not in text


class TestOrigin:
    def test_own_page(self, served):
        _, url, _, _ = served
        assert send(url, "POST", JOIN, join(""), Origin=url, **JSON)[0] == 200
        assert send(url, "GET", "/", Origin=url)[0] == 200

    @pytest.mark.parametrize(
        "origin", ["http://evil.example", "null", "http://127.0.0.1:1", "http://localhost", "["]
    )
    def test_other_pages(self, served, origin):
        _, url, stub, _ = served
        before = stub.calls
        # a simple request, which a browser sends without asking first, and one that it asks for
        for kind in ("text/plain", "application/json"):
            headers = {"Content-Type": kind, "Origin": origin}
            assert send(url, "POST", JOIN, join(), **headers)[0] == 403
        assert send(url, "GET", "/", Origin=origin)[0] == 403
        assert stub.calls == before


class TestHost:
    @pytest.mark.parametrize(
        "host", ["evil.example", "127.0.0.1.evil.example:7860", "", "[", "a b"]
    )
    def test_other_names(self, served, host):
        _, url, _, _ = served
        origin = {"Origin": f"http://{host}"}  # a name that points here looks like the page's own
        assert send(url, "GET", "/", Host=host)[0] in (400, 403)
        assert send(url, "POST", JOIN, join(), Host=host, **origin, **JSON)[0] in (400, 403)

    @pytest.mark.parametrize(
        "header",
        ["localhost", "LOCALHOST:7860", "127.0.0.1:7860", "[::1]:7860", "Box.lan", "box.lan:1"],
    )
    def test_this_machine_and_the_name_given(self, header):
        assert names_server(header, "box.lan")

    @pytest.mark.parametrize("host", ["127.0.0.1", "box.lan", "::1", "192.168.1.5"])
    @pytest.mark.parametrize(
        "header",
        ["evil.example", "10.0.0.1", "localhost.evil.example", "", "@", "[", "127.0.0.1@x"],
    )
    def test_nothing_else(self, header, host):
        assert not names_server(header, host)

    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "[::]"])
    def test_everywhere(self, host):
        """Addresses in numbers and this machine's name."""
        for header in ("10.0.0.1:7860", "[2001:db8::1]:7860", "localhost", socket.gethostname()):
            assert names_server(header, host)
        for header in ("evil.example", "10.0.0.1.evil.example", ""):
            assert not names_server(header, host)


class TestSize:
    def test_long_utterance_is_said_by_the_page(self, served):
        """What is pasted is not lost without a word: only what no page sends is cut off."""
        assert send(served[1], "POST", JOIN, join("ü" * 10_000), **JSON)[0] == 200

    def test_too_long(self, served):
        _, url, stub, _ = served
        before = stub.calls
        assert send(url, "POST", JOIN, join("x" * MAX_BODY), **JSON)[0] == 413
        parts = [b"x" * 1000] * (2 + MAX_BODY // 1000)  # no length is given
        encoding = {"Transfer-Encoding": "chunked"}
        assert send(url, "POST", JOIN, iter(parts), chunked=True, **encoding, **JSON)[0] == 413
        assert stub.calls == before


class TestValues:
    """What only a made-up request holds: nothing of it reaches the model or ends the server."""

    @pytest.mark.parametrize(
        "data",
        [
            ["hi", [], "Beam search", 10**6, 0.9, 1, "any emotion", 0],
            ["hi", [], "Beam search", -1, 0.9, 1, "any emotion", 0],
            ["hi", [], "Beam search", None, 0.9, 1, "any emotion", 0],
            ["hi", [], "Beam search", float("nan"), 0.9, 1, "any emotion", 0],
            ["hi", [], "Sampling", 5, 7, 1, "any emotion", 0],
            ["hi", [], "Sampling", 5, 0.9, 0, "any emotion", 0],
            ["hi", [], "Beam search", 5, 0.9, 1, "any emotion", 7],
            ["hi", [], "Beam search", 5, 0.9, 1, "any emotion", None],
            ["hi", [], "Guessing", 5, 0.9, 1, "any emotion", 0],
            ["hi", [], "Beam search", 5, 0.9, 1, "envy", 0],
            [None, [], "Beam search", 5, 0.9, 1, "any emotion", 0],
            [{"a": 1}, [], "Beam search", "x", 0.9, 1, "any emotion", 0],
            [],
        ],
    )
    def test_refused(self, served, data):
        _, url, stub, _ = served
        before = stub.calls
        assert ask(url, "", "refused", data=data).startswith("refused")
        assert stub.calls == before
        assert ">olleh<" in ask(url, "hello", "refused")

    def test_error_of_the_model(self, served):
        _, url, _, _ = served
        assert "bad" not in ask(url, "bad", "error")
        assert ">olleh<" in ask(url, "hello", "error")

    def test_half_a_surrogate_pair(self, served):
        _, url, _, _ = served
        ask(url, "\ud800", "surrogate")
        assert ">olleh<" in ask(url, "hello", "surrogate")
