"""A web server for the tests of downloads; Ctrl-C that works wherever the tests run."""

import signal
from collections.abc import Iterator

import pytest
from http_server import Server


@pytest.fixture
def web() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture(scope="session", autouse=True)
def ctrl_c() -> Iterator[None]:
    """A shell's background jobs, and all that they start, ignore Ctrl-C: here it is as on a terminal."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
