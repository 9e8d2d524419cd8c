"""What goes on the wire of HTTP/1 for what a gateway gives to its exchange: in whatever pieces, held or not, to a
client that takes it at once and to one that is slow."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable
from typing import Any

import pytest

from gunicorn.engine.exchange import ClientDisconnected
from gunicorn.http.request import Request
from gunicorn.http.response import FieldLines
from gunicorn.http.response_head import Page, Prefix
from tests.engine.test_engine import GET, Bench, make_bench

__all__ = ["make_bench"]

KNOWN = FieldLines()
# What is copied behind a head, as http1_answers.py has it.
JOINED = 16384
LARGE = bytes(range(256)) * (JOINED // 256 + 1)
HEAD = b"HTTP/1.1 200 OK\r\nX: y\r\n"
COUNTED, IN_CHUNKS = HEAD + b"Content-Length: %d\r\n\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def head_of(length: int, body: bytes = b"", request: Request | None = None) -> Page:
    head = Page(request or Request(), Prefix(200, b"HTTP/1.1 200 OK\r\n"), [KNOWN.learn(("X", "y"))], body)
    head.close = False
    head.response_length = length
    return head


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


END = chunk(b"")
Step = tuple[Any, ...]
#: The length that is known (-1: none), what is done, and what the client gets.
CASES: dict[str, tuple[int, list[Step], bytes]] = {
    "all at once": (3, [("send", b"abc", True)], COUNTED % 3 + b"abc"),
    "two pieces": (5, [("send", b"abc", False), ("send", b"de", True)], COUNTED % 5 + b"abcde"),
    "the head first": (3, [("push",), ("send", b"abc", True)], COUNTED % 3 + b"abc"),
    "nothing": (0, [("send", b"", True)], COUNTED % 0),
    "an empty piece between": (3, [("send", b"a", False), ("send", b"", False), ("send", b"bc", True)],
                               COUNTED % 3 + b"abc"),
    "a large one": (len(LARGE), [("send", LARGE, True)], COUNTED % len(LARGE) + LARGE),
    "a large one behind a small one": (
        len(LARGE) + 1, [("send", b"a", False), ("send", LARGE, True)], COUNTED % (len(LARGE) + 1) + b"a" + LARGE),
    "chunks": (-1, [("send", b"abc", False), ("send", b"d", True)], IN_CHUNKS + chunk(b"abc") + chunk(b"d") + END),
    "the last chunk alone": (-1, [("send", b"abc", False), ("send", b"", True)], IN_CHUNKS + chunk(b"abc") + END),
    "no chunk": (-1, [("send", b"", True)], IN_CHUNKS + END),
    "an empty piece is no chunk": (-1, [("send", b"", False), ("send", b"a", True)], IN_CHUNKS + chunk(b"a") + END),
    "large chunks": (-1, [("send", LARGE, False), ("send", LARGE, True)],
                     IN_CHUNKS + chunk(LARGE) + chunk(LARGE) + END),
    "held": (-1, [("hold", b"a"), ("hold", b""), ("hold", b"b"), ("push",), ("hold", b"c"), ("send", b"d", True)],
             IN_CHUNKS + b"".join(map(chunk, (b"a", b"b", b"c", b"d", b"")))),
    "held before a large one": (
        -1, [("hold", b"a"), ("send", LARGE, True)], IN_CHUNKS + chunk(b"a") + chunk(LARGE) + END),
    "held, of a known length": (3, [("hold", b"a"), ("hold", b"b"), ("send", b"c", True)], COUNTED % 3 + b"abc"),
    "held, and a large one of a known length": (
        len(LARGE) + 1, [("hold", b"a"), ("send", LARGE, True)], COUNTED % (len(LARGE) + 1) + b"a" + LARGE),
    "pushed twice": (3, [("push",), ("push",), ("send", b"abc", True)], COUNTED % 3 + b"abc"),
    "trailers": (-1, [("hold", b"a"), ("trailers", ("T", "u"), ("V", "w"))],
                 IN_CHUNKS + chunk(b"a") + b"0\r\nT: u\r\nV: w\r\n\r\n"),
    "no trailers": (-1, [("push",), ("trailers",)], IN_CHUNKS + END),
    "trailers without a place": (1, [("send", b"a", False), ("trailers", ("T", "u"))], COUNTED % 1 + b"a"),
    "a file": (6, [("file", b"filing", 0, 6)], COUNTED % 6 + b"filing"),
    "a part of a file behind a piece": (4, [("send", b"a", False), ("file", b"filing", 1, 3)], COUNTED % 4 + b"aili"),
    "hints before it": (3, [("inform", 103, ("Link", "</a>")), ("send", b"abc", True)],
                        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + COUNTED % 3 + b"abc"),
}


def act(exchange: Any, head: Page, step: Step) -> None:
    kind, *rest = step
    if kind == "send":
        exchange.send(head, *rest)
    elif kind == "hold":
        exchange.hold(head, *rest)
    elif kind == "push":
        exchange.push()
    elif kind == "trailers":
        exchange.send_trailers(head, [KNOWN.learn(pair) for pair in rest])
    elif kind == "inform":
        exchange.inform(rest[0], [KNOWN.learn(pair) for pair in rest[1:]])
    else:
        content, offset, count = rest
        with tempfile.TemporaryFile() as file:
            file.write(content)
            file.flush()
            assert exchange.send_file(file.fileno(), offset, count) == count


def ask(bench: Bench, client: Any, request: bytes = GET) -> Any:
    """The exchange of a request that was sent."""
    known = len(bench.handler.requests)
    client.sendall(request)
    while len(bench.handler.requests) == known:
        bench.engine.poll(0.05)
    return bench.handler.requests[-1][0]


@pytest.fixture
def running(make_bench: Callable[..., Bench]) -> tuple[Bench, Any, Any]:
    """An engine, a client, and the exchange of the request it has sent."""
    bench = make_bench()
    bench.handler.answers_at_once = False
    client = bench.connect()
    return bench, client, ask(bench, client)


def read(bench: Bench, client: Any, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        bench.engine.poll(0.0)
        part = client.recv(1 << 20)
        assert part, bytes(data[-100:])
        data += part
    return bytes(data)


@pytest.mark.parametrize("slow", [False, True], ids=["quick", "slow"])
@pytest.mark.parametrize("case", CASES)
def test_what_the_client_gets(case: str, slow: bool, running: tuple[Bench, Any, Any]) -> None:
    bench, client, exchange = running
    length, steps, expected = CASES[case]
    head = head_of(length)
    if slow:
        # The kernel is full: everything below goes to a queue.
        filling = b"x" * (3 << 20)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 262144)
        with socket.socket(fileno=os.dup(exchange.fileno())) as ours:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 262144)
        exchange.write(filling)
        assert exchange.queued()
        expected = filling + expected
    if steps[0][0] == "inform":
        act(exchange, head, steps[0])
        steps = steps[1:]
    exchange.start(head)
    for step in steps:
        act(exchange, head, step)
    exchange.finish(True)
    # What follows is the next answer, and nothing of this one.
    found = read(bench, client, len(expected))
    # Not as one expression, whose difference would be looked for through megabytes.
    same = found == expected
    assert same, found[-2000:]
    ask(bench, client)
    bench.handler.answer()
    assert client.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize("step", [("send", b"a", False), ("hold", b"a"), ("push",), ("send", LARGE, True)],
                         ids=["send", "hold", "push", "large"])
@pytest.mark.parametrize("length", [-1, len(LARGE)], ids=["chunks", "counted"])
def test_a_client_that_is_gone(step: Step, length: int, running: tuple[Bench, Any, Any]) -> None:
    _, _, exchange = running
    head = head_of(length)
    exchange.start(head)
    exchange.broken = True
    with pytest.raises(ClientDisconnected):
        act(exchange, head, step)
    exchange.finish(False)


def test_what_was_begun_and_never_sent_is_dropped(running: tuple[Bench, Any, Any]) -> None:
    bench, client, exchange = running
    exchange.start(head_of(3))
    exchange.hold(head_of(3), b"a")
    exchange.finish(True)
    ask(bench, client)
    bench.handler.answer()
    assert client.recv(1000) == b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("way", ["answer", "cut"])
def test_pages(way: str, method: str, running: tuple[Bench, Any, Any]) -> None:
    _, client, exchange = running
    request = Request()
    request.method = method
    page = head_of(4, b"page", request)
    page.close = True
    if way == "answer":
        exchange.answer(page)
        exchange.finish(False)
    else:
        exchange.cut(page)
    expected = HEAD + b"Content-Length: 4\r\nConnection: close\r\n\r\n" + (b"page" if method == "GET" else b"")
    assert client.recv(1000) == expected
    assert client.recv(1000) == b""
