"""States that only certain clients of HTTP/2 bring about, one test for each that was wrong once."""

from __future__ import annotations

import json
import os
import socket
import struct
from pathlib import Path

import pytest

from tests.conftest import Serve
from tests.support import http2_raw as h2
from tests.support.http2_raw import INITIAL_WINDOW_SIZE, Client, block, data, headers, window
from tests.support.wait import wait_until

ASGI = """
import asyncio, json, time

BLOCK = b"x" * 65536
running = 0

async def app(scope, receive, send):
    global running
    if scope["type"] != "http":
        raise RuntimeError
    path = scope["path"]
    if path == "/running":
        return await answer(send, json.dumps(running).encode())
    if path == "/blocks":
        time.sleep(1)
    if path == "/slowly":
        running += 1
        await asyncio.sleep(0.01)
        running -= 1
    if path == "/trailers":
        await send({"type": "http.response.start", "status": 200, "headers": [], "trailers": True})
        await send({"type": "http.response.body", "body": BLOCK * 2})
        await send({"type": "http.response.trailers", "headers": [(b"x-of", b"the first")]})
        return
    if path == "/big":
        return await answer(send, BLOCK * 16)
    content, more = b"", path != "/ignores"
    running += 1
    try:
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            content, more = content + message["body"], message["more_body"]
    finally:
        running -= 1
    await answer(send, content[:20] if path == "/echo" else b"%d" % len(content))

async def answer(send, body):
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})
"""
WSGI = """
import os, time

class Late:
    def __iter__(self):
        return iter([b"whole"])
    def close(self):
        while not os.path.exists("open"):
            time.sleep(0.01)

def app(environ, start_response):
    if environ["PATH_INFO"] == "/answers-first":
        return answers_first(environ, start_response)
    if environ["PATH_INFO"] == "/file-late":
        open("called", "w").close()
        while not os.path.exists("open"):
            time.sleep(0.01)
        start_response("200 OK", [])
        return environ["wsgi.file_wrapper"](open("app.py", "rb"))
    if environ["PATH_INFO"] == "/closes-late":
        start_response("200 OK", [("Content-Length", "5")])
        return Late()
    content = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Length", str(len(content)))])
    return [content]

def answers_first(environ, start_response):
    start_response("200 OK", [])
    yield b"x" * 200_000
    yield b"%d" % len(environ["wsgi.input"].read())
"""
CLEARTEXT = ("--http2-cleartext", "prior-knowledge")


def echoes(client: Client, count: int = 100) -> None:
    """As many streams at once as there may be: each gets its own answer."""
    streams = [client.new() for _ in range(count)]
    client.send(b"".join(headers(each, block("/echo", "POST"), ended=False) for each in streams))
    client.send(b"".join(data(each, b"content of %d" % each, True) for each in streams))
    assert [client.answer(each).content for each in streams] == [b"content of %d" % each for each in streams]


def content(stream: int, size: int, ended: bool = True) -> bytes:
    """Frames of so many octets."""
    pieces = [b"z" * min(16384, size - start) for start in range(0, size, 16384)]
    return b"".join(data(stream, each, ended and at == len(pieces) - 1) for at, each in enumerate(pieces))


@pytest.mark.parametrize("ended", [True, False], ids=["whole", "part"])
def test_content_that_nobody_reads_is_given_back(ended: bool, serve: Serve) -> None:
    """The window of the connection is not used up by what applications have not read."""
    server = serve(ASGI, "-k", "asgi", *CLEARTEXT)
    with Client(server.address) as client:
        for _ in range(40):
            stream = client.new()
            client.send(headers(stream, block("/ignores", "POST"), ended=False) + content(stream, 60_000, ended))
            assert client.answer(stream).status == 200
            client.ping()
        stream = client.new()
        client.send(headers(stream, block("/", "POST"), ended=False) + content(stream, 60_000))
        assert client.answer(stream).content == b"60000"


def test_content_of_streams_that_are_reset_is_given_back(serve: Serve) -> None:
    server = serve(ASGI, "-k", "asgi", *CLEARTEXT)
    with Client(server.address) as client:
        for _ in range(40):
            stream = client.new()
            client.send(headers(stream, block("/slowly", "POST"), ended=False) + content(stream, 60_000, False))
            client.ping()
            client.send(h2.reset(stream))
            wait_until(lambda: json.loads(client.fetch("/running").content) == 0)
        stream = client.new()
        client.send(headers(stream, block("/", "POST"), ended=False) + content(stream, 60_000))
        assert client.answer(stream).content == b"60000"


def test_content_over_the_limit_is_given_back(serve: Serve) -> None:
    server = serve(ASGI, "-k", "asgi", *CLEARTEXT, "--limit-request-body", "1000")
    with Client(server.address) as client:
        for _ in range(100):
            stream = client.new()
            client.send(headers(stream, block("/", "POST"), ended=False) + content(stream, 16_000))
            assert client.answer(stream).status == 413
            client.ping()
        assert client.got.goaway is None
        echoes(client)


def test_trailers_belong_to_one_response(serve: Serve) -> None:
    server = serve(ASGI, "-k", "asgi", *CLEARTEXT)
    with Client(server.address) as client:
        first = client.request("/trailers", b"", (b"te", b"trailers"))
        assert len(client.answer(first).content) == 2 * 65536
        assert client.answer(first).fields == [(b"x-of", b"the first")]
        for _ in range(3):
            second = client.request("/big")
            assert len(client.answer(second).content) == 16 * 65536
            assert client.answer(second).fields == []


@pytest.mark.parametrize(("kind", "app"), [("sync", WSGI), ("asgi", ASGI)], ids=["sync", "asgi"])
def test_many_refusals_at_once(kind: str, app: str, serve: Serve) -> None:
    """More of them than are gathered before they are sent: the streams that come then are served one by one."""
    server = serve(app, "-k", kind, *CLEARTEXT)
    with Client(server.address) as client:
        client.ping()
        client.send(b"".join(headers(client.new(), block("*")) for _ in range(900)))
        assert client.answer(client.next_stream - 2).over
        echoes(client)
        echoes(client)


def test_client_that_leaves_while_it_is_refused(serve: Serve) -> None:
    """Requests behind those whose answers could not be sent hear that the client has left."""
    server = serve(ASGI, "-k", "asgi", *CLEARTEXT)
    with Client(server.address) as client:
        client.ping()
        with Client(server.address) as other:
            other.request("/blocks")
            client.look(0.2)
            refused = b"".join(headers(client.new(), block("*")) for _ in range(350))
            client.send(refused + b"".join(headers(client.new(), block("/", "POST"), ended=False) for _ in range(20)))
            leave(client)
            other.ping()
            wait_until(lambda: json.loads(other.fetch("/running").content) == 0, what="the end of all requests")


@pytest.mark.parametrize("kind", ["sync", "gthread"])
def test_stalled_answer_of_a_request_that_reads_later(kind: str, serve: Serve) -> None:
    """The time that a client has to take an answer ends although its body has come meanwhile."""
    server = serve(WSGI, "-k", kind, *CLEARTEXT, "--no-buffer-request-body", "--send-timeout", "1")
    with Client(server.address, reads=False) as client:
        stream = client.new()
        client.send(headers(stream, block("/answers-first", "POST"), ended=False))
        client.read(lambda: stream in client.got.answers and len(client.got.answers[stream].content) > 65000)
        client.send(data(stream, b"body", True))
        assert client.answer(stream).reset == h2.INTERNAL_ERROR


@pytest.mark.parametrize("kind", ["sync", "gthread"])
def test_body_that_does_not_come_behind_an_answer(kind: str, serve: Serve) -> None:
    """The time for a body ends although the client has taken an answer meanwhile."""
    server = serve(WSGI, "-k", kind, *CLEARTEXT, "--no-buffer-request-body", "--body-timeout", "1",
                   expect_traceback=True)
    with Client(server.address) as client:
        stream = client.new()
        client.send(headers(stream, block("/answers-first", "POST"), ended=False))
        assert client.answer(stream).over
        assert len(client.answer(stream).content) >= 200_000


def test_streams_behind_one_that_is_more_urgent(serve: Serve) -> None:
    """A client that takes one answer after the other, without haste, has them all: it is not late with the last."""
    server = serve(ASGI, "-k", "asgi", *CLEARTEXT, "--send-timeout", "1")
    with Client(server.address, (INITIAL_WINDOW_SIZE, 1 << 24), reads=False) as client:
        first = client.request("/big", b"", (b"priority", b"u=0"))
        last = client.request("/big", b"", (b"priority", b"u=7"))
        while len(client.got.answers.setdefault(first, h2.Answer()).content) < 16 * 65536:
            client.send(window(0, 32768))
            client.look(0.1)
        client.send(window(0, 1 << 24))
        assert client.answer(first).ended
        assert client.answer(last).ended


def test_client_that_asks_again_at_once(serve: Serve) -> None:
    """Who has a whole answer may ask for another, though whoever made it has not come to its end; up to a bound."""
    words = ("-k", "gthread", "--threads", "8", "--http2-max-concurrent-streams", "2")
    server = serve(WSGI, *words, *CLEARTEXT)
    with Client(server.address) as client:
        for _ in range(4):
            assert client.fetch("/closes-late").content == b"whole"
        assert client.fetch("/").reset == h2.REFUSED_STREAM
        (server.folder / "open").touch()
        wait_until(lambda: client.fetch("/").status == 200)


@pytest.mark.parametrize("kind", ["sync", "gthread"])
def test_file_for_a_client_that_has_left(kind: str, serve: Serve) -> None:
    """Its descriptor is nobody's then."""
    server = serve(WSGI, "-k", kind, *CLEARTEXT)
    folder = Path(f"/proc/{server.worker_pids()[0]}/fd")
    called, gate = server.folder / "called", server.folder / "open"
    for _ in range(3):
        client = Client(server.address)
        client.request("/file-late")
        wait_until(called.exists)
        leave(client)
        gate.touch()
        assert server.get("/").status == 200
        called.unlink()
        gate.unlink()
    assert not [each for each in folder.iterdir() if os.readlink(each).endswith("app.py")]


@pytest.mark.parametrize("kind", ["sync", "gthread"])
def test_nobody_is_asked_to_go_on_within_an_answer(kind: str, serve: Serve) -> None:
    """An interim response behind the head of the answer would be its trailers (RFC 9113 section 8.1)."""
    server = serve(WSGI, "-k", kind, *CLEARTEXT, "--no-buffer-request-body")
    with Client(server.address) as client:
        stream = client.new()
        section = block("/answers-first", "POST", (b"expect", b"100-continue"))
        client.send(headers(stream, section, ended=False))
        client.read(lambda: stream in client.got.answers and len(client.got.answers[stream].content) >= 200_000)
        client.send(data(stream, b"body", True))
        assert client.answer(stream).content[200_000:] == b"4"
        assert client.answer(stream).status == 200
        assert client.fetch("/", b"body", (b"expect", b"100-continue")).content == b"body"


def leave(client: Client) -> None:
    """Reset the TCP connection."""
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
