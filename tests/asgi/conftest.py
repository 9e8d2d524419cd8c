"""Servers of the application of these tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.server import Server
from tests.support.wire import Response, Wire

APPLICATION = (Path(__file__).parent / "application.py").read_text()
LOOPS = ("asyncio", "uvloop")


@pytest.fixture(scope="module", params=LOOPS)
def loop(request: pytest.FixtureRequest) -> str:
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
    return str(request.param)


@pytest.fixture(scope="module")
def server(loop: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the tests of a module, by event loop."""
    folder = tmp_path_factory.mktemp(loop)
    arguments = ("-k", "asgi", "--asgi-loop", loop, "--asgi-disconnect-grace-period", "1")
    running = Server(folder, APPLICATION, *arguments, expect_traceback=True)
    try:
        yield running.start()
        assert running.stop() == 0
    finally:
        running.kill()


Saw = Callable[..., None]


@pytest.fixture
def saw(server: Server) -> Saw:
    """`saw("words")` waits until the application has said these since the test began."""
    before = len(server.log())

    def wait(*texts: str) -> None:
        for text in texts:
            server.wait_for_log(rf"(?s)\A.{{{before}}}.*{text}")

    return wait


def ask(path: str, *fields: str, method: str = "GET", body: bytes = b"", version: str = "1.1") -> bytes:
    """A request."""
    lines = [f"{method} {path} HTTP/{version}", "Host: test", *fields]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def exchange(server: Server, path: str, *fields: str, method: str = "GET", body: bytes = b"") -> Response:
    """One request on a connection of its own."""
    with server.connect() as wire:
        wire.send(ask(path, *fields, method=method, body=body))
        return wire.read_response(method)


def leave(wire: Wire) -> None:
    """Close without having read everything."""
    wire.close()
