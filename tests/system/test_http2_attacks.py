"""What clients of HTTP/2 have done to other servers, done to ours: floods, bombs, stalls, and all ways to break a rule.

After each attack the worker is the same process, has answered an ordinary client all the while, has grown by less and
computed for less than `BOUNDS` say, and serves as many streams at once as before.
"""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Serve
from tests.support import http2_raw as h2
from tests.support.http2_raw import (
    COMPRESSION_ERROR,
    CONTINUATION,
    END_HEADERS,
    ENHANCE_YOUR_CALM,
    FLOW_CONTROL_ERROR,
    FRAME_SIZE_ERROR,
    INITIAL_WINDOW_SIZE,
    LARGEST,
    PADDED,
    PING,
    PRIORITY_UPDATE,
    PROTOCOL_ERROR,
    REFUSED_STREAM,
    RST_STREAM,
    SETTINGS,
    SETTINGS_TIMEOUT,
    STREAM_CLOSED,
    Client,
    block,
    data,
    frame,
    headers,
    indexed,
    integer,
    literal,
    priority,
    reset,
    settings,
    string,
    window,
)
from tests.support.server import Server
from tests.support.wait import wait_until
from tests.support.wire import Wire

WSGI = """
import json, os, threading, time

BLOCK = b"x" * 65536
WHOLE = BLOCK * 160
lock, gate = threading.Lock(), threading.Event()
counts = {"begun": 0, "running": 0, "most": 0}

def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/count":
        return answer(start_response, json.dumps(counts).encode())
    if path == "/begin":
        gate.clear()
        counts.update(begun=0, most=0)
    if path == "/open":
        gate.set()
    if path in ("/counted", "/hang", "/wide"):
        with lock:
            counts["begun"] += 1
            counts["running"] += 1
            counts["most"] = max(counts["most"], counts["running"])
        if path == "/hang":
            gate.wait(60)
        with lock:
            counts["running"] -= 1
    if path == "/wide":
        return answer(start_response, BLOCK[:4000])
    if path == "/big":
        start_response("200 OK", [("Content-Length", str(len(WHOLE)))])
        return [WHOLE]
    if path == "/pieces":
        start_response("200 OK", [("Content-Length", str(len(WHOLE)))])
        return (BLOCK for _ in range(160))
    size = 0
    if path != "/ignores":
        while part := environ["wsgi.input"].read(65536):
            size += len(part)
    return answer(start_response, b"%d" % size)

def answer(start_response, body):
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""
ASGI = """
import asyncio, json

BLOCK = b"x" * 65536
WHOLE = BLOCK * 160
gate = asyncio.Event()
counts = {"begun": 0, "running": 0, "most": 0}

async def app(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError
    path = scope["path"]
    if path == "/count":
        return await answer(send, json.dumps(counts).encode())
    if path == "/begin":
        gate.clear()
        counts.update(begun=0, most=0)
    if path == "/open":
        gate.set()
    if path in ("/counted", "/hang"):
        counts["begun"] += 1
        counts["running"] += 1
        counts["most"] = max(counts["most"], counts["running"])
        try:
            if path == "/hang":
                # Work that goes on whether the client is there or not.
                await asyncio.shield(gate.wait())
        finally:
            counts["running"] -= 1
    if path == "/big":
        return await answer(send, WHOLE)
    if path == "/pieces":
        length = (b"content-length", b"%d" % len(WHOLE))
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        for _ in range(160):
            await send({"type": "http.response.body", "body": BLOCK, "more_body": True})
        await send({"type": "http.response.body"})
        return
    size, more = 0, path != "/ignores"
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size, more = size + len(message["body"]), message["more_body"]
    await answer(send, b"%d" % size)

async def answer(send, body):
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})
"""
BIG = 160 * 65536
# Of threads there are more than one connection can hold.
SLOTS = {"sync": 100, "gthread": 20, "asgi": 100}
KINDS = {
    "sync": (WSGI, ("-k", "sync")),
    "gthread": (WSGI, ("-k", "gthread", "--threads", "24", "--http2-max-concurrent-streams", "20")),
    "asgi": (ASGI, ("-k", "asgi")),
}
# What waits for time limits and sends thousands of frames is not for every run.
pytestmark = pytest.mark.slow

LIMITS = ("--header-timeout", "1", "--body-timeout", "1", "--send-timeout", "1")

#: What an attack may cost the worker: MiB of memory, seconds of a processor (interpreted as well). Generous: what is
#: wrong costs a hundred times as much.
BOUNDS = {
    "usual": (30, 5.0),
    "stalled": (60, 10.0),
    "bomb": (30, 10.0),
}

ALL = pytest.mark.parametrize("kind", KINDS)
AT_ONCE = pytest.mark.parametrize("kind", ["gthread", "asgi"])

Servers = Callable[[str], Server]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """A server of each kind, started at its first use."""
    running: dict[str, Server] = {}

    def server(kind: str) -> Server:
        if kind not in running:
            app, words = KINDS[kind]
            folder = tmp_path_factory.mktemp(kind)
            running[kind] = Server(folder, app, *words, *LIMITS, "--http2-cleartext", "prior-knowledge").start()
        return running[kind]

    yield server
    try:
        for each in running.values():
            assert each.stop() == 0
    finally:
        for each in running.values():
            each.kill()


class Beside(threading.Thread):
    """An ordinary client, which asks again as soon as it has its answer."""

    def __init__(self, server: Server, context: ssl.SSLContext | None) -> None:
        super().__init__()
        self.wire = Wire(server.address)
        if context is not None:
            plain = self.wire.socket
            self.wire.socket = context.wrap_socket(plain, server_hostname="localhost")
        self.count = 0
        self.done = False
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            with self.wire as wire:
                while not self.done:
                    wire.send(b"GET /beside HTTP/1.1\r\nHost: test\r\n\r\n")
                    assert wire.read_response().status == 200
                    self.count += 1
                    time.sleep(0.005)
        except BaseException as error:  # told by whoever has started this
            self.failure = error


class Siege:
    """What is looked at around an attack."""

    def __init__(self, server: Server, kind: str, bounds: str = "usual", context: ssl.SSLContext | None = None) -> None:
        self.server = server
        self.slots = SLOTS[kind]
        self.bounds = BOUNDS[bounds]
        self.context = context
        self.beside = Beside(server, context)

    def __enter__(self) -> Siege:
        self.pids = self.server.worker_pids()
        assert len(self.pids) == 1
        self.proc = Path(f"/proc/{self.pids[0]}")
        with self.connect() as client:
            assert client.fetch("/begin").status == 200
        # The peak counts from here on.
        (self.proc / "clear_refs").write_text("5")
        self.memory = self.status("VmRSS")
        self.seconds = self.cpu()
        self.beside.start()
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if error is None:
            try:
                self.check()
                self.ended()
            finally:
                self.beside.done = True
        self.beside.done = True
        self.beside.join()
        assert self.beside.failure is None, self.beside.failure

    def connect(self, *pairs: tuple[int, int], **options: Any) -> Client:
        return Client(self.server.address, *pairs, context=self.context, **options)

    def status(self, name: str) -> float:
        """MiB."""
        text = (self.proc / "status").read_text()
        return next(int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith(f"{name}:"))

    def cpu(self) -> float:
        words = (self.proc / "stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / 100

    def descriptors(self) -> int:
        return len(list((self.proc / "fd").iterdir()))

    def check(self) -> None:
        """The ordinary client is being answered at this moment."""
        before = self.beside.count
        wait_until(lambda: self.beside.count > before + 2 or self.beside.failure, what="an answer to somebody else")

    def counts(self) -> dict[str, int]:
        answer = self.server.get("/count")
        counts: dict[str, int] = json.loads(answer.body)
        return counts

    def let_go(self) -> None:
        """Requests that hang go on, and end."""
        assert self.server.get("/open").status == 200
        wait_until(lambda: not self.counts()["running"], what="the end of all that hung")

    def ended(self) -> None:
        assert self.server.worker_pids() == self.pids, self.server.log()
        grown, seconds = self.status("VmHWM") - self.memory, self.cpu() - self.seconds
        assert grown < self.bounds[0], f"{grown:.1f} MiB"
        assert seconds < self.bounds[1], f"{seconds:.1f} s"
        with self.connect() as client:
            serves_all(client, self.slots)
        self.server.check_log()

    def lives(self, client: Client) -> None:
        """A connection that was not ended has lost none of its streams."""
        serves_all(client, self.slots)


def serves_all(client: Client, slots: int) -> None:
    """As many streams at once as a connection may have, twice: bodies that are ended together."""
    for _ in range(2):
        streams = [client.new() for _ in range(slots)]
        client.send(b"".join(headers(each, block("/", "POST"), ended=False) for each in streams))
        client.send(b"".join(data(each, b"body", True) for each in streams))
        answers = [client.answer(each) for each in streams]
        assert [(each.status, each.content) for each in answers] == [(200, b"4")] * slots, answers


# Resets.


@ALL
def test_rapid_reset(kind: str, servers: Servers) -> None:
    """CVE-2023-44487: requests that are reset as soon as they are sent."""
    path = "/counted" if kind == "sync" else "/hang"
    with Siege(servers(kind), kind) as siege, siege.connect() as client:
        for _ in range(200):
            pairs = [headers(stream, block(path)) + reset(stream) for stream in (client.new() for _ in range(100))]
            if not client.pour(b"".join(pairs)):
                break
        assert client.read_goaway() == ENHANCE_YOUR_CALM
        assert siege.counts()["begun"] <= siege.slots + 100
        siege.let_go()


@AT_ONCE
def test_resets_of_requests_that_have_begun(kind: str, servers: Servers) -> None:
    """A stream is the client's again when its work has ended, not when the client has reset it."""
    with Siege(servers(kind), kind) as siege, siege.connect() as client:
        refused = 0
        for _ in range(siege.slots + 50):
            stream = client.new()
            client.send(headers(stream, block("/hang")))
            client.ping()
            refused += client.got.answers.get(stream, h2.Answer()).reset == REFUSED_STREAM
            client.send(reset(stream))
        counts = siege.counts()
        assert counts["begun"] == counts["most"] == siege.slots
        assert refused == 50
        siege.check()
        siege.let_go()
        siege.lives(client)


def hanging(client: Client, *, ended: bool = True, length: bytes = b"") -> int:
    stream = client.new()
    fields = [(b"content-length", length)] if length else []
    client.send(headers(stream, block("/hang", "GET" if ended else "POST", *fields), ended=ended))
    return stream


#: CVE-2025-8671: what makes a server reset a stream whose request runs on, by its name: what is sent behind a head.
TRIGGERS: dict[str, Callable[[int], bytes]] = {
    "window-update-0": lambda stream: window(stream, 0),
    "window-overflow": lambda stream: window(stream, LARGEST),
    "headers-behind-the-end": lambda stream: headers(stream, block("/hang")),
    "data-behind-the-end": lambda stream: data(stream, b"more"),
    "priority-too-short": lambda stream: frame(h2.PRIORITY, 0, stream, b"\0\0\0"),
    "priority-on-itself": lambda stream: priority(stream, stream),
    "reset-too-short": lambda stream: frame(RST_STREAM, 0, stream, b"\0"),
}


@AT_ONCE
@pytest.mark.parametrize("trigger", TRIGGERS)
def test_made_you_reset(trigger: str, kind: str, servers: Servers) -> None:
    with Siege(servers(kind), kind) as siege, siege.connect() as client:
        for _ in range(3000):
            stream = client.new()
            if not client.pour(headers(stream, block("/hang")) + TRIGGERS[trigger](stream)):
                break
        assert client.read_goaway()
        assert siege.counts()["most"] <= siege.slots
        siege.check()
        siege.let_go()


@AT_ONCE
def test_made_you_reset_by_lengths(kind: str, servers: Servers) -> None:
    """More content than the request has said."""
    with Siege(servers(kind), kind) as siege, siege.connect() as client:
        for _ in range(3000):
            stream = client.new()
            section = block("/hang", "POST", (b"content-length", b"1"))
            if not client.pour(headers(stream, section, ended=False) + data(stream, b"toomuch", True)):
                break
        assert client.read_goaway() == ENHANCE_YOUR_CALM
        assert siege.counts()["most"] <= siege.slots
        siege.let_go()


# Field sections.


def endless(client: Client) -> bytes:
    """A field section of many frames that never ends."""
    piece = literal(b"x-many", b"y" * 1000)
    return headers(1, block(), whole=False) + frame(CONTINUATION, 0, 1, piece) * 10_000


def empty(client: Client) -> bytes:
    return headers(1, block(), whole=False) + frame(CONTINUATION, 0, 1) * 100_000


def tiny(client: Client) -> bytes:
    return headers(1, block(), whole=False) + frame(CONTINUATION, 0, 1, literal(b"a", b"")) * 50_000


def large(client: Client) -> bytes:
    """Few frames, which are large."""
    piece = literal(b"x-large", b"y" * 16000)
    return headers(1, block(), whole=False) + frame(CONTINUATION, 0, 1, piece) * 5 + frame(CONTINUATION, END_HEADERS, 1)


@pytest.mark.parametrize("flood", [endless, empty, tiny, large])
def test_continuation_flood(flood: Callable[[Client], bytes], servers: Servers) -> None:
    """CVE-2024-27316 and its kin."""
    with Siege(servers("sync"), "sync") as siege, siege.connect() as client:
        client.pour(flood(client))
        assert client.read_goaway() == ENHANCE_YOUR_CALM


@ALL
def test_slow_field_section(kind: str, servers: Servers) -> None:
    """An octet now and then gives it no more time."""
    with Siege(servers(kind), kind) as siege, siege.connect() as client:
        client.send(headers(1, block(), whole=False))
        for _ in range(7):
            client.look(0.3)
            client.send(frame(CONTINUATION, 0, 1, literal(b"a", b"")))
        assert client.read_goaway() == ENHANCE_YOUR_CALM
        siege.check()


def with_kept(field: bytes) -> bytes:
    """A head that leaves one field in the dynamic table, at index 62."""
    return block() + field


def test_bomb_of_indices(servers: Servers) -> None:
    """CVE-2016-6581: one octet stands for a field of 4,000, sixteen thousand times in each of 100 requests that wait.
    """
    with Siege(servers("asgi"), "asgi", "bomb") as siege, siege.connect((INITIAL_WINDOW_SIZE, 0)) as client:
        client.send(headers(client.new(), with_kept(literal(b"x-bomb", b"y" * 4000, True))))
        streams = [client.new() for _ in range(99)]
        for each, stream in enumerate(streams):
            # Fewer fields than there may be are too large together.
            client.send(headers(stream, block() + indexed(62) * (16000 if each % 2 else 30)))
        client.ping()
        siege.check()
        client.send(settings((INITIAL_WINDOW_SIZE, 65535)))
        assert set(client.statuses(streams)) == {431}
        siege.lives(client)


def test_bomb_of_crumbs(servers: Servers) -> None:
    """CVE-2026-49975: a cookie in thousands of pieces, an octet each: too many, and at last too large together."""
    with Siege(servers("asgi"), "asgi", "bomb") as siege, siege.connect() as client:
        client.send(headers(client.new(), with_kept(literal(b"cookie", b"a", True))))
        streams = [client.new() for _ in range(99)]
        for each, stream in enumerate(streams):
            client.send(headers(stream, block() + indexed(62) * (10_000 if each % 2 else 1000)))
        assert set(client.statuses(streams)) == {431}
        # Of an honest browser there are a few, which make one field.
        stream = client.new()
        client.send(headers(stream, block() + indexed(62) * 90))
        assert client.answer(stream).status == 200
        siege.lives(client)


def test_field_that_is_huge(servers: Servers) -> None:
    with Siege(servers("sync"), "sync") as siege, siege.connect() as client:
        streams = [client.request("/", b"", (b"x-huge", b"y" * 16000)) for _ in range(100)]
        assert set(client.statuses(streams)) == {431}
        long = [client.request("/" + "a" * 16000) for _ in range(10)]
        assert set(client.statuses(long)) == {414}
        siege.lives(client)


def test_sizes_of_the_table(servers: Servers) -> None:
    """Changes of the table's size, as many as a frame holds: each is looked at once."""
    with Siege(servers("sync"), "sync") as siege, siege.connect() as client:
        for _ in range(50):
            stream = client.new()
            client.send(headers(stream, (b"\x20" + integer(4096, 5, 32)) * 3000 + block()))
        assert client.answer(client.next_stream - 2).status == 200
        for _ in range(20):
            client.send(headers(client.new(), b"\x20" * 16000 + block()))
        assert client.answer(client.next_stream - 2).status == 200
        siege.lives(client)


def test_table_that_is_filled_and_emptied(servers: Servers) -> None:
    with Siege(servers("sync"), "sync") as siege, siege.connect() as client:
        for _ in range(200):
            section = block() + b"".join(literal(b"x", b"%d" % each, True) for each in range(50))
            client.send(headers(client.new(), section + literal(b"x-empties", b"y" * 5000, True)))
            assert client.answer(client.next_stream - 2).status == 200
        siege.lives(client)


# Windows.


@ALL
def test_stalled_streams(kind: str, servers: Servers) -> None:
    """CVE-2019-9517 and CVE-2019-9511: large answers that nobody takes, or an octet at a time."""
    with ExitStack() as stack:
        siege = stack.enter_context(Siege(servers(kind), kind, "stalled"))
        client = stack.enter_context(siege.connect((INITIAL_WINDOW_SIZE, 0), reads=False))
        streams = [client.request("/big") for _ in range(siege.slots)]
        client.ping()
        siege.check()

        def all_ended() -> bool:
            client.pour(b"".join(window(each, 1) for each in streams if not client.got.answers[each].over))
            client.look(0.1)
            return all(client.got.answers[each].over for each in streams)

        client.read(lambda: set(streams) <= set(client.got.answers))
        wait_until(all_ended, what="the end of streams that take too little")
        answers = [client.got.answers[each] for each in streams]
        assert all(each.reset == h2.INTERNAL_ERROR and len(each.content) < 16384 for each in answers)
        assert siege.status("VmHWM") - siege.memory < siege.bounds[0]
        client.send(settings((INITIAL_WINDOW_SIZE, 65535)))
        siege.lives(client)


@AT_ONCE
def test_stalled_streams_of_pieces(kind: str, servers: Servers) -> None:
    """Answers that are made while they are taken."""
    with Siege(servers(kind), kind, "stalled") as siege, siege.connect((INITIAL_WINDOW_SIZE, 0)) as client:
        streams = [client.request("/pieces") for _ in range(siege.slots)]
        client.ping()
        siege.check()
        assert all(client.answer(each).reset == h2.INTERNAL_ERROR for each in streams)
        client.send(settings((INITIAL_WINDOW_SIZE, 65535)))
        siege.lives(client)


def test_bodies_that_do_not_end(servers: Servers) -> None:
    with Siege(servers("sync"), "sync") as siege, siege.connect() as client:
        streams = [client.new() for _ in range(siege.slots)]
        client.send(b"".join(headers(each, block("/", "POST"), ended=False) for each in streams))
        for each in streams:
            client.send(data(each, b"z" * 16384) * 40)
            client.ping()
        grown = siege.status("VmHWM") - siege.memory
        assert all(client.answer(each).over for each in streams)
    assert grown < siege.bounds[0], f"{grown:.1f} MiB"


def test_descriptors_of_stalled_streams(servers: Servers) -> None:
    """One connection does not use up the descriptors of a worker."""
    with Siege(servers("sync"), "sync", "stalled") as siege, siege.connect((INITIAL_WINDOW_SIZE, 0)) as client:
        before = siege.descriptors()
        streams = [client.request("/pieces") for _ in range(siege.slots)]
        most = 0
        while not any(client.got.answers.get(each, h2.Answer()).over for each in streams):
            client.look(0.1)
            most = max(most, siege.descriptors() - before)
    assert most < 20


@ALL
def test_client_that_takes_all(kind: str, servers: Servers) -> None:
    """Beside all that are stalled, who takes what was asked for has all of it, on as many streams as there may be."""
    with Siege(servers(kind), kind, "stalled") as siege:
        with siege.connect((INITIAL_WINDOW_SIZE, 1 << 20)) as client:
            client.send(window(0, 1 << 24))
            streams = [client.request(("/big", "/pieces")[each % 2]) for each in range(8)]
            assert [len(client.answer(each).content) for each in streams] == [BIG] * 8
            siege.lives(client)


def test_connection_window_that_stays_shut(servers: Servers) -> None:
    with Siege(servers("asgi"), "asgi", "stalled") as siege, siege.connect(reads=False) as client:
        streams = [client.request("/big") for _ in range(20)]
        siege.check()
        assert all(client.answer(each).over for each in streams)
        client.send(window(0, 1 << 20))
        siege.lives(client)


# Floods of what needs no answer, or gets one that nobody reads.

FLOODS: dict[str, bytes] = {
    "ping": frame(PING, payload=b"8 octets"),
    "settings": settings(),
    "settings-acknowledged": frame(SETTINGS, h2.ACK),
    "window-sizes": settings((INITIAL_WINDOW_SIZE, 0)) + settings((INITIAL_WINDOW_SIZE, 1 << 20)),
    "table-sizes": settings((h2.HEADER_TABLE_SIZE, 0), (h2.HEADER_TABLE_SIZE, 1 << 20)),
    "priority": priority(1, 3),
    "priority-update": frame(PRIORITY_UPDATE, payload=(101).to_bytes(4) + b"u=1, i"),
    "unknown": frame(77, payload=b"whatever"),
    "empty-data": data(1),
    "octets-of-data": data(1, b"x"),
    "padding-alone": frame(h2.DATA, PADDED, 1, b"\xff" + bytes(255)),
    "resets": reset(1),
}


@pytest.mark.parametrize("flood", FLOODS)
def test_flood(flood: str, servers: Servers) -> None:
    """CVE-2019-9512, -9513, -9515, -9518: many, as fast as they go, and nothing is read meanwhile."""
    with Siege(servers("asgi"), "asgi") as siege, siege.connect() as client:
        client.send(headers(client.new(), block("/", "POST"), ended=False))
        many = FLOODS[flood] * 1000
        client.pour(many, 100)
        siege.check()
        assert client.read_goaway() == ENHANCE_YOUR_CALM


def test_flood_of_windows(servers: Servers) -> None:
    """Updates that are of no use: they cost what reading them costs."""
    with Siege(servers("asgi"), "asgi") as siege, siege.connect((INITIAL_WINDOW_SIZE, 0)) as client:
        streams = [client.request("/big") for _ in range(20)]
        client.pour(window(0, 1) * 2000, 50)
        siege.check()
        client.read(lambda: all(each in client.got.answers and client.got.answers[each].over for each in streams))


def test_flood_of_refused_requests(servers: Servers) -> None:
    """Answers of our own that nobody reads."""
    with Siege(servers("sync"), "sync") as siege, siege.connect() as client:
        for _ in range(100):
            many = [headers(stream, block("*")) for stream in (client.new() for _ in range(500))]
            if not client.pour(b"".join(many)):
                break
        siege.check()
        assert client.read_goaway() == ENHANCE_YOUR_CALM


def test_answers_that_nobody_reads(servers: Servers) -> None:
    """Requests without end by a client that never reads: the worker reads no more than it can answer."""
    many, rounds = 50, 500
    # Of so large ones a read brings no more than may run at once.
    section = block("/wide", "GET", (b"x-fill", b"x" * 800))
    with Siege(servers("sync"), "sync") as siege, siege.connect() as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.send(window(0, LARGEST - 65535))
        for _ in range(rounds):
            if not client.pour(b"".join(headers(client.new(), section) for _ in range(many))):
                break
        siege.check()
        assert siege.counts()["begun"] < many * rounds // 2


def test_small_messages_live(servers: Servers) -> None:
    """What a chat or a call of gRPC sends: a few octets at a time, for long."""
    with Siege(servers("asgi"), "asgi") as siege, siege.connect() as client:
        stream = client.new()
        client.send(headers(stream, block("/", "POST"), ended=False))
        for each in range(100):
            client.send(data(stream, b"12345"))
            assert client.fetch("/", b"\0\0\0\0\0").content == b"5"
            if each % 10 == 0:
                client.ping()
        client.send(data(stream, b"", True))
        assert client.answer(stream).content == b"500"
        for _ in range(1500):
            client.request("/", b"\0\0\0\0\0")
            assert client.answer(client.next_stream - 2).content == b"5"
        siege.lives(client)


# Too much at once.


@ALL
def test_more_streams_than_allowed(kind: str, servers: Servers) -> None:
    """An honest client asks again for what was refused, and has it."""
    with Siege(servers(kind), kind) as siege, siege.connect() as client:
        streams = [client.new() for _ in range(siege.slots + 40)]
        client.send(b"".join(headers(each, block("/", "POST"), ended=False) for each in streams))
        client.ping()
        refused = [each for each in streams if client.got.answers.get(each, h2.Answer()).reset == REFUSED_STREAM]
        assert refused == streams[siege.slots:]
        client.send(b"".join(data(each, b"x", True) for each in streams[:siege.slots]))
        assert set(client.statuses(streams[:siege.slots])) == {200}
        assert {client.fetch("/").status for _ in refused} == {200}
        siege.lives(client)


# Slow.


@ALL
def test_slow_bodies(kind: str, servers: Servers) -> None:
    """As many bodies as there may be, an octet now and then in each: every one is given up in its time."""
    with Siege(servers(kind), kind) as siege, siege.connect() as client:
        streams = [client.new() for _ in range(siege.slots)]
        client.send(b"".join(headers(each, block("/", "POST"), ended=False) for each in streams))
        siege.check()
        for each in streams:
            answer = client.answer(each)
            assert answer.over
            assert answer.status != 200
        siege.lives(client)


def test_silent_clients(serve: Serve) -> None:
    """Who sends no preface, does not acknowledge, or has nothing to ask."""
    app, words = KINDS["sync"]
    server = serve(app, *words, "--http2-cleartext", "prior-knowledge", "--header-timeout", "1", "--keep-alive", "2")
    with ExitStack() as stack:
        half = stack.enter_context(Client(server.address, opens=False))
        half.send(h2.PREFACE[:20])
        alone = stack.enter_context(Client(server.address, opens=False))
        alone.send(h2.PREFACE)
        mute = stack.enter_context(Client(server.address, opens=False))
        mute.send(h2.PREFACE + settings() + headers(1, block("/", "POST"), ended=False))
        idle = stack.enter_context(Client(server.address))
        assert idle.fetch("/").status == 200
        half.read_until_eof()
        assert alone.read_goaway() == SETTINGS_TIMEOUT
        idle.read(lambda: idle.got.goaway is not None)
        assert idle.got.goaway == h2.NO_ERROR
        idle.read_until_eof()
        assert server.get("/").status == 200


# What breaks the rules.

#: What a client sends behind its preface, by name; the code it is told. Stream 1 is answered by then, 3 is open.
FAULTS: dict[str, tuple[bytes, int]] = {
    "stream-0": (headers(0), PROTOCOL_ERROR),
    "stream-even": (headers(6), PROTOCOL_ERROR),
    "stream-falling": (headers(9) + headers(7), PROTOCOL_ERROR),
    "stream-reused": (headers(1), STREAM_CLOSED),
    "data-on-0": (data(0, b"x"), PROTOCOL_ERROR),
    "data-on-idle": (data(11, b"x"), PROTOCOL_ERROR),
    "data-on-closed": (data(1, b"x"), STREAM_CLOSED),
    "window-on-idle": (window(11, 1), PROTOCOL_ERROR),
    "window-of-0": (window(0, 0), PROTOCOL_ERROR),
    "window-too-large": (window(0, LARGEST), FLOW_CONTROL_ERROR),
    "window-of-5-octets": (frame(h2.WINDOW_UPDATE, 0, 0, bytes(5)), FRAME_SIZE_ERROR),
    "initial-window-too-large": (settings((INITIAL_WINDOW_SIZE, 1 << 31)), FLOW_CONTROL_ERROR),
    "settings-of-5-octets": (frame(SETTINGS, payload=bytes(5)), FRAME_SIZE_ERROR),
    "settings-on-a-stream": (frame(SETTINGS, 0, 3), PROTOCOL_ERROR),
    "settings-of-33": (settings(*[(99, 1)] * 33), ENHANCE_YOUR_CALM),
    "reset-on-idle": (reset(11), PROTOCOL_ERROR),
    "reset-on-0": (reset(0), PROTOCOL_ERROR),
    "ping-of-7-octets": (frame(PING, payload=bytes(7)), FRAME_SIZE_ERROR),
    "ping-on-a-stream": (frame(PING, 0, 3, bytes(8)), PROTOCOL_ERROR),
    "push": (frame(h2.PUSH_PROMISE, END_HEADERS, 3, bytes(4) + block()), PROTOCOL_ERROR),
    "frame-too-large": (frame(h2.DATA, 0, 3, bytes(16385)), FRAME_SIZE_ERROR),
    "padding-too-long": (frame(h2.DATA, PADDED, 3, b"\x09x"), PROTOCOL_ERROR),
    "continuation-alone": (frame(CONTINUATION, END_HEADERS, 3), PROTOCOL_ERROR),
    "continuation-of-another": (headers(5, whole=False) + frame(CONTINUATION, END_HEADERS, 3), PROTOCOL_ERROR),
    "frame-within-fields": (headers(5, whole=False) + frame(PING, payload=bytes(8)), PROTOCOL_ERROR),
    "continuations-of-10": (
        headers(5, whole=False) + frame(CONTINUATION, 0, 5, b"\x82") * 9 + frame(CONTINUATION, END_HEADERS, 5),
        ENHANCE_YOUR_CALM,
    ),
    "second-head": (headers(3, block(), ended=False), PROTOCOL_ERROR),
    "index-0": (headers(5, block() + b"\x80"), COMPRESSION_ERROR),
    "index-beyond": (headers(5, block() + indexed(62)), COMPRESSION_ERROR),
    "name-beyond": (headers(5, block() + integer(90, 4) + string(b"x")), COMPRESSION_ERROR),
    "integer-too-long": (headers(5, block() + b"\xff" + b"\x80" * 9 + b"\1"), COMPRESSION_ERROR),
    "integer-cut": (headers(5, block() + b"\xff\x80"), COMPRESSION_ERROR),
    "string-cut": (headers(5, block() + b"\0\5abc"), COMPRESSION_ERROR),
    "size-behind-a-field": (headers(5, block() + b"\x20"), COMPRESSION_ERROR),
    "size-over-the-limit": (headers(5, integer(4097, 5, 32) + block()), COMPRESSION_ERROR),
    "huffman-end-of-string": (headers(5, block() + b"\0\1a\x84\xff\xff\xff\xff"), COMPRESSION_ERROR),
    "huffman-padding-too-long": (headers(5, block() + b"\0\1a\x82\x1f\xff"), COMPRESSION_ERROR),
    "huffman-padding-of-noughts": (headers(5, block() + b"\0\1a\x81\x18"), COMPRESSION_ERROR),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_broken_rules(fault: str, servers: Servers) -> None:
    octets, code = FAULTS[fault]
    with Siege(servers("sync"), "sync") as siege, siege.connect() as client:
        assert client.fetch("/").status == 200
        client.send(headers(3, block("/", "POST"), ended=False) + octets)
        assert client.read_goaway() == code
        client.read_until_eof()


@pytest.mark.parametrize("junk", [
    h2.PREFACE[:-4] + b"XX\r\n" + settings(), b"\x16\x03\x01\x02\x00" + bytes(600), b"\0" * 100,
], ids=["preface", "tls", "noughts"])
def test_junk(junk: bytes, servers: Servers) -> None:
    with Siege(servers("sync"), "sync") as siege, siege.connect(opens=False) as client:
        client.send(junk)
        client.finish_sending()
        client.read_until_eof()


# Inside TLS.


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, ssl.SSLContext]]:
    folder = tmp_path_factory.mktemp("secure")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
         "-keyout", "a.key", "-out", "a.pem", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        cwd=folder, check=True, capture_output=True,
    )
    app, words = KINDS["asgi"]
    files = ("--certfile", str(folder / "a.pem"), "--keyfile", str(folder / "a.key"))
    server = Server(folder / "server", app, *words, *files, *LIMITS, "--http-protocols", "h2,h1").start()
    context = ssl.create_default_context(cafile=str(folder / "a.pem"))
    try:
        yield server, context
        assert server.stop() == 0
    finally:
        server.kill()


def agreed(secure: tuple[Server, ssl.SSLContext]) -> ssl.SSLContext:
    secure[1].set_alpn_protocols(["h2"])
    return secure[1]


def plain(secure: tuple[Server, ssl.SSLContext]) -> ssl.SSLContext:
    secure[1].set_alpn_protocols(["http/1.1"])
    return secure[1]


class SecureSiege(Siege):
    """The ordinary client speaks HTTP/1 inside TLS."""

    def __init__(self, secure: tuple[Server, ssl.SSLContext]) -> None:
        super().__init__(secure[0], "asgi", context=plain(secure))
        self.context = agreed(secure)


def test_http1_where_http2_was_agreed(secure: tuple[Server, ssl.SSLContext]) -> None:
    with SecureSiege(secure) as siege, siege.connect(opens=False) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
        assert client.read_goaway() == PROTOCOL_ERROR
        client.read_until_eof()


def test_records_of_one_octet(secure: tuple[Server, ssl.SSLContext]) -> None:
    """Each octet of each frame in a record of its own."""
    with SecureSiege(secure) as siege, siege.connect(opens=False) as client:
        client.send_bytewise(h2.PREFACE + settings() + frame(SETTINGS, h2.ACK))
        stream = client.new()
        client.send_bytewise(headers(stream, block("/", "POST"), ended=False) + data(stream, b"z" * 1000, True))
        assert client.answer(stream).content == b"1000"
        siege.lives(client)


def test_flood_inside_tls(secure: tuple[Server, ssl.SSLContext]) -> None:
    with SecureSiege(secure) as siege, siege.connect() as client:
        client.pour(frame(PING, payload=b"8 octets") * 1000, 20)
        siege.check()
        assert client.read_goaway() == ENHANCE_YOUR_CALM


def test_nobody_reads_inside_tls(secure: tuple[Server, ssl.SSLContext]) -> None:
    with SecureSiege(secure) as siege, siege.connect((INITIAL_WINDOW_SIZE, LARGEST), reads=False) as client:
        client.send(window(0, LARGEST - 65535))
        for _ in range(50):
            client.request("/big")
        siege.check()
        # What the kernel does not take in two seconds is not kept any longer.
        held = siege.descriptors()
        wait_until(lambda: siege.descriptors() < held, what="the end of who takes nothing")
