"""What the server of `emo-mtl demo` refuses: what the page does not need, and what does not come from it.

Gradio's server has many more routes than this page uses, an upload among them, and any page that a
visitor has open elsewhere can send requests to 127.0.0.1. So everything is closed but `ROUTES`, and a
request is answered only if it names this server (`Host`: else a foreign name could be made to point
here, which is called DNS rebinding) and, where a browser says from which page it comes (`Origin`), comes
from this server's own page.
"""

import ipaddress
import re
import socket
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 128 * 1024  # bytes of a request; an utterance and the settings take a few hundred

# All that the page asks for; `app_id` after the connection was lost, `startup-events` by Gradio itself.
ROUTES = re.compile(
    r"(GET|HEAD) /|"
    r"GET /(assets|static)/.+|"
    r"GET /(theme\.css|favicon\.ico)|"
    r"GET /gradio_api/(heartbeat/\w+|queue/data|app_id|startup-events)|"
    r"POST /gradio_api/queue/join"
)


class Guard:
    """ASGI middleware that refuses what is to be refused, and leaves the rest to the application.

    Args:
        host: the address that the server listens at, as `--host` gives it
    """

    def __init__(self, app: ASGIApp, host: str):
        self.app = app
        self.host = host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # the start and the end of the server
            await self.app(scope, receive, send)
            return
        refused = refusal(scope["method"], scope["path"], Headers(scope=scope), self.host)
        body = None if refused else await read_body(receive)
        if body is None:
            answer = refused or PlainTextResponse("The request is too long.", 413)
            await answer(scope, receive, send)
            return
        unread: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return unread.pop() if unread else await receive()

        await self.app(scope, replay, send)


def refusal(method: str, path: str, headers: Headers, host: str) -> PlainTextResponse | None:
    """The answer to a request that is refused because of its address or its headers."""
    named = headers.get("host", "")
    origin = headers.get("origin")
    if not names_server(named, host):
        text = "This page goes by localhost, its address in numbers and the name given with --host."
        return PlainTextResponse(text, 403)
    if origin is not None and urlsplit(origin).netloc.lower() != named.lower():
        return PlainTextResponse("Requests of other pages are refused.", 403)
    if not ROUTES.fullmatch(f"{method} {path}"):
        return PlainTextResponse("Not Found", 404)
    return None


def names_server(header: str, host: str) -> bool:
    """Whether a `Host` header names the server that listens at `host`.

    It goes by `localhost`, `127.0.0.1`, `::1` and `host` itself. If it listens everywhere (`0.0.0.0`,
    `::`), also by the machine's name and by any address in numbers, which nobody can make point
    elsewhere.
    """
    host = host.strip("[]").lower()
    try:
        name = urlsplit(f"//{header}").hostname or ""
        if name in ("localhost", "127.0.0.1", "::1", host):
            return True
        if host not in ("0.0.0.0", "::"):
            return False
        return name == socket.gethostname().lower() or bool(ipaddress.ip_address(name))
    except ValueError:  # no address
        return False


async def read_body(receive: Receive) -> bytes | None:
    """The body of a request, or None if it is longer than `MAX_BODY`."""
    body, more = b"", True
    while more and len(body) <= MAX_BODY:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body if len(body) <= MAX_BODY else None
