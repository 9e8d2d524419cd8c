"""One connection ends nothing but itself, for ASGI applications: system calls that fail, errors, WebSockets."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Serve
from tests.support import faults, frames
from tests.support.wait import wait_until
from tests.workers.crew import (
    CUT_SHORT,
    Crew,
    drain,
    ending_anyhow,
    meet_failing_calls,
    reset,
    reset_at_every_moment,
)

APP = '''
import asyncio, os

ERRORS = [RuntimeError("on purpose"), OSError(5, "on purpose"), BlockingIOError(11, "on purpose"), MemoryError(),
          RecursionError(), UnicodeDecodeError("ascii", b"x", 0, 1, "on purpose"), AssertionError(), TimeoutError()]

async def websocket(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while True:
        message = await receive()
        if message["type"] != "websocket.receive":
            return
        text = message.get("text")
        if text == "raise":
            raise RuntimeError("on purpose")
        if text == "flood":
            for _ in range(100):
                await send({"type": "websocket.send", "bytes": b"x" * 100_000})
        await send({"type": "websocket.send", "text": text or "octets"})

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise RuntimeError("none here")
    if scope["type"] == "websocket":
        return await websocket(scope, receive, send)
    path, query = scope["path"], scope["query_string"]
    error = ERRORS[int(query or 0) % len(ERRORS)]
    if path == "/raise":
        raise error
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    headers = [] if path == "/next" else [(b"content-type", b"text/plain")]
    if path == "/headers":
        headers = [(error, b"x")]
    await send({"type": "http.response.start", "status": error if path == "/status" else 200, "headers": headers})
    if path == "/next":
        await send({"type": "http.response.body", "body": b"some", "more_body": True})
        raise error
    if path == "/file":
        path = os.path.join(os.path.dirname(__file__), "large")
        return await send({"type": "http.response.pathsend", "path": path})
    if path == "/big":
        for _ in range(30):
            await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
    if path == "/body":
        return await send({"type": "http.response.body", "body": error})
    if path == "/message":
        return await send(error)
    body = b"" if path == "/big" else b"%d" % size
    await send({"type": "http.response.body", "body": body})
    if path == "/late":
        await asyncio.sleep(0)
        raise error
'''


@pytest.fixture(scope="module")
def crew(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crew]:
    made = Crew(Path(tmp_path_factory.mktemp("crew")), "asgi", app=APP)
    yield made
    made.end()


def test_system_calls_that_fail(crew: Crew) -> None:
    crew.is_well()
    meet_failing_calls(crew)


@pytest.mark.parametrize("path", [
    "/raise", "/next", "/headers", "/status", "/body", "/message", "/late", "/pre-request", "/post-request", "/access",
    "/access/post-request",
])
def test_errors_of_applications_and_hooks(crew: Crew, path: str) -> None:
    for number in range(8):
        with crew.connect() as client:
            client.send(f"GET {path}?{number} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            client.finish_sending()
            data = client.read_until_eof()
            assert not data or data.startswith((b"HTTP/1.1 2", b"HTTP/1.1 5")), data
    crew.is_well()


@pytest.mark.parametrize("octets", CUT_SHORT.values(), ids=CUT_SHORT)
def test_resets_at_every_moment(crew: Crew, octets: bytes) -> None:
    reset_at_every_moment(crew, octets)
    crew.is_well()


@pytest.mark.parametrize("call", ["recv", "send", "epoll_add", "shutdown", "close"])
def test_websockets_whose_system_calls_fail(crew: Crew, call: str) -> None:
    sent = frames.handshake() + frames.frame(frames.TEXT, b"hello") + frames.frame(frames.PING, b"you")
    for nth in (1, 2, 3, 4, faults.EVERY_TIME):
        for rest in (frames.close(), *(frames.frame(frames.TEXT, text) for text in (b"flood", b"raise")), b"\xff" * 9):
            with ending_anyhow(), faults.connect(crew.server.address, faults.address_of(call, "EIO", nth)) as client:
                client.sendall(sent + rest)
                client.shutdown(socket.SHUT_WR)
                drain(client)
    crew.is_well()


def test_websockets_that_reset(crew: Crew) -> None:
    sent = frames.handshake() + frames.frame(frames.TEXT, b"hello") + frames.frame(frames.TEXT, b"flood")
    for cut in (10, len(frames.handshake()) - 1, len(frames.handshake()), len(sent) - 8, len(sent), len(sent)):
        client = socket.create_connection(crew.server.address)
        with ending_anyhow():
            client.sendall(sent[:cut])
        reset(client)
    crew.is_well()
    with frames.Client(crew.server.address) as witness:
        witness.text("still here")
        witness.says("still here")


FORKING = """
import asyncio, os, signal

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise RuntimeError("none here")
    body = b"ok"
    if scope["path"] == "/fork":
        pid = os.fork()
        if not pid:
            # It keeps the descriptors, as an application's helper process does; the test ends it.
            while True:
                signal.pause()
        body = str(pid).encode()
    await receive()
    if scope["path"] == "/wait":
        # Until the test says so: is the client still there?
        message = asyncio.ensure_future(receive())
        while not os.path.exists("go"):
            await asyncio.sleep(0.01)
        body = b"gone" if message.done() else b"here"
        message.cancel()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})
"""


def test_a_child_that_keeps_descriptors_makes_no_one_disconnected(serve: Serve) -> None:
    """The end of a connection that is closed here, and still open in a child, is not that of the next one with its
    number."""
    server = serve(FORKING, "-k", "asgi")
    first = server.connect()
    first.send(b"GET /fork HTTP/1.1\r\nHost: a\r\n\r\n")
    child = int(first.read_response().body)
    try:
        first.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert first.read_response().body == b"ok"
        with server.connect() as second:
            second.send(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
            wait_until(lambda: server.get().body == b"ok")
            first.close()
            # The event of the first one is seen before that of this request.
            wait_until(lambda: server.get().body == b"ok")
            (server.folder / "go").touch()
            assert second.read_response().body == b"here"
    finally:
        os.kill(child, signal.SIGKILL)


def test_no_descriptor_is_left_behind(crew: Crew) -> None:
    crew.is_well()
    wait_until(lambda: crew.descriptors() <= 40, what=lambda: f"{crew.descriptors()} descriptors: only a few left")
