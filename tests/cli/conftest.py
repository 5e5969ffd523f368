"""A web server for the tests of downloads."""

from collections.abc import Iterator

import pytest
from http_server import Server


@pytest.fixture
def web() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()
