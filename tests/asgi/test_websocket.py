"""WebSocket under ASGI: handshake, frames, limits, the end in all its forms.

What octets mean is in tests/wire (test_websocket_frames.py, test_websocket_handshake.py), as tables; here stands one of
each kind, for what becomes of it on a connection.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.asgi.conftest import Saw
from tests.conftest import Serve
from tests.support.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Client,
    Frame,
    close,
    frame,
    handshake,
)
from tests.support.server import Server
from tests.support.wait import PATIENCE, wait_until

APPLICATION = (Path(__file__).parent / "sockets.py").read_text()
LIMIT = 1_000_000


@pytest.fixture(scope="module")
def server(loop: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    arguments = ("-k", "asgi", "--asgi-loop", loop, "--asgi-disconnect-grace-period", "1",
                 "--websocket-max-message-size", str(LIMIT), "--access-logfile", "-")
    running = Server(tmp_path_factory.mktemp(loop), APPLICATION, *arguments, expect_traceback=True)
    try:
        yield running.start()
        assert running.stop() == 0
    finally:
        running.kill()


def without_octets(value: object) -> str | None:
    """Part of a test's name; the masks of frames are random, and names must not be."""
    return "octets" if isinstance(value, bytes) else None


# The handshake.


def test_scope(server: Server) -> None:
    with Client(server.address, "/scope?a=b") as client:
        seen = json.loads(client.read_frame().data)
        assert seen.pop("client")[0] == "127.0.0.1"
        assert seen == {
            "type": "websocket", "asgi": {"version": "3.0", "spec_version": "2.5"},
            "http_version": "1.1", "scheme": "ws",
            "path": "/scope", "raw_path": "/scope", "query_string": "a=b", "root_path": "", "subprotocols": [],
            "server": ["127.0.0.1", server.port], "extensions": {"websocket.http.response": {}},
        }


def test_scheme_behind_a_proxy(server: Server) -> None:
    with Client(server.address, "/scope", "X-Forwarded-Proto: https") as client:
        assert json.loads(client.read_frame().data)["scheme"] == "wss"


def test_subprotocol_and_fields(server: Server) -> None:
    with Client(server.address, "/protocols", "Sec-WebSocket-Protocol: a, b", "Sec-WebSocket-Protocol: c") as client:
        assert client.response.get("sec-websocket-protocol") == "c"
        assert client.response.get("x-own") == "1"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (handshake(version="12"), 426),
        (handshake(key="short"), 400),
        (handshake("/", "Content-Length: 5") + b"hello", 400),
        (handshake("/", "Transfer-Encoding: chunked") + b"0\r\n\r\n", 400),
        (handshake("/rejects"), 403),
    ],
)
def test_a_handshake_that_fails(server: Server, request_: bytes, status: int) -> None:
    with server.connect() as wire:
        wire.send(request_)
        response = wire.read_response()
        assert (response.status, response.get("connection")) == (status, "close")
        if status == 426:
            assert (response.get("sec-websocket-version"), response.get("upgrade")) == ("13", "websocket")
        wire.expect_eof()


@pytest.mark.parametrize(
    "request_",
    [
        handshake().replace(b"Upgrade: websocket", b"Upgrade: h2c"),
        handshake().replace(b"HTTP/1.1", b"HTTP/1.0"),
    ],
)
def test_what_is_no_handshake_is_http(server: Server, request_: bytes) -> None:
    with server.connect() as wire:
        wire.send(request_)
        assert wire.read_response().body == b"http"


def test_a_handshake_may_say_that_it_has_no_body(server: Server) -> None:
    with Client(server.address, "/", "Content-Length: 0") as client:
        client.text("x")
        client.says("x")


def test_denial(server: Server, saw: Saw) -> None:
    with server.connect() as wire:
        wire.send(handshake("/denies"))
        response = wire.read_response()
        assert (response.status, response.get("x-why"), response.body) == (401, "no", b"go away")
        wire.expect_eof()
    saw('"GET /denies HTTP/1.1" 401 7')


def test_a_client_that_leaves_before_it_is_accepted(server: Server, saw: Saw) -> None:
    with server.connect() as wire:
        wire.send(handshake("/silent"))
        saw("asked")
    saw("then {'type': 'websocket.disconnect', 'code': 1006")


def test_what_comes_behind_a_handshake_is_no_request(server: Server, saw: Saw) -> None:
    """Nobody has accepted it when its client shuts its side: the octets are those of no protocol."""
    with server.connect() as wire:
        wire.send(handshake("/silent") + b"GET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n")
        saw("asked")
        wire.finish_sending()
        saw("then {'type': 'websocket.disconnect', 'code': 1006")
        wire.expect_eof()


def test_a_message_behind_the_handshake(server: Server) -> None:
    with server.connect() as wire:
        wire.send(handshake("/hello") + frame(TEXT, b"early") + frame(BINARY, b"123")[:4])
        client = Client.__new__(Client)
        client.__dict__.update(wire.__dict__)
        client.read_opening()
        client.says("got early")


# Messages.


@pytest.mark.parametrize("size", [0, 125, 126, 4095, 4096, 65536, LIMIT])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_echo(server: Server, opcode: int, size: int) -> None:
    data = b"a" * size if opcode == TEXT else os.urandom(size)
    with Client(server.address) as client:
        client.send(frame(opcode, data))
        assert client.read_frame() == Frame(opcode, data)


def test_many_messages_at_once_and_byte_by_byte(server: Server) -> None:
    with Client(server.address) as client:
        client.send(b"".join(frame(TEXT, b"%d" % number) for number in range(300)))
        for number in range(300):
            client.says(str(number))
        client.send_bytewise(frame(TEXT, "snowman ☃".encode()))
        client.says("snowman ☃")


def test_fragments_with_a_ping_between(server: Server) -> None:
    with Client(server.address) as client:
        snowman = "☃".encode()
        client.send(frame(TEXT, b"a" + snowman[:1], final=False) + frame(CONTINUATION, b"", final=False))
        client.send(frame(PING, b"there?"))
        assert client.read_frame() == Frame(PONG, b"there?")
        client.send(frame(CONTINUATION, snowman[1:] + b"b"))
        client.says("a☃b")


def test_pongs_are_passed_over(server: Server) -> None:
    with Client(server.address) as client:
        client.send(frame(PONG, b"nobody asked") + frame(TEXT, b"x"))
        client.says("x")


@pytest.mark.parametrize(
    ("name", "octets", "code"),
    [
        ("reserved opcode", frame(3, b"x"), 1002),
        ("long ping", frame(PING, b"x" * 126), 1002),
        ("message in a message", frame(TEXT, b"x", final=False) + frame(TEXT, b"y"), 1002),
        ("no UTF-8", frame(TEXT, b"\xff"), 1007),
        ("no UTF-8, found before the end", b"\x81\xfe\x10\x00\0\0\0\0\xff", 1007),
        ("a code that is none", close(999), 1002),
        ("too big at once", frame(BINARY, b"x" * (LIMIT + 1))[:20], 1009),
        ("too big together",
         frame(BINARY, b"x" * (LIMIT - 1), final=False) + frame(CONTINUATION, b"xx"), 1009),
    ],
    ids=without_octets,
)
def test_broken_rules(server: Server, saw: Saw, name: str, octets: bytes, code: int) -> None:
    with Client(server.address) as client:
        client.send(octets)
        client.expect_close(code)
        client.expect_eof()
    saw(f"end {code} ")


# The end.


@pytest.mark.parametrize(
    ("octets", "code", "seen"),
    [(close(), 1000, "1000 ''"), (close(1001, b"going"), 1001, "1001 'going'"), (close(None), 1005, "1005 ''"),
     (close(4999, "☃".encode()), 4999, "4999 '☃'")],
    ids=without_octets,
)
def test_the_client_closes(server: Server, saw: Saw, octets: bytes, code: int, seen: str) -> None:
    with Client(server.address) as client:
        client.send(octets)
        assert client.expect_close(code).opcode == CLOSE
        client.expect_eof()
    saw(f"end {seen} websocket.disconnect")


def test_the_client_goes_without_a_word(server: Server, saw: Saw) -> None:
    with Client(server.address) as client:
        client.text("x")
        client.says("x")
    saw("end 1006 ''")
    saw('"GET / HTTP/1.1" 101 1 ')


def test_messages_before_a_close_are_not_lost(server: Server) -> None:
    with Client(server.address) as client:
        client.send(frame(TEXT, b"1") + frame(TEXT, b"2") + close())
        client.says("1")
        client.says("2")
        client.expect_close(1000)
    with Client(server.address) as client:
        client.send(frame(TEXT, b"1") + frame(3, b"wrong"))
        client.says("1")
        client.expect_close(1002)


def test_the_application_closes(server: Server, saw: Saw) -> None:
    with Client(server.address, "/says-goodbye") as client:
        client.says("before")
        got = client.read_frame()
        assert (got.opcode, got.code) == (CLOSE, 3456)
        reason = got.data[2:].decode()
        assert reason.startswith("enough ☃xxx")
        assert len(got.data) <= 125
        saw("after close websocket.disconnect.*late unexpected message")
        assert client.is_silent(0.1), "the server waits for our close frame"
        client.send(close(3456))
        client.expect_eof()


def test_the_application_closes_and_the_client_does_not(server: Server) -> None:
    with Client(server.address, "/says-goodbye") as client:
        client.expect_close(3456)
        client.send(frame(TEXT, b"still here"))
        client.expect_eof()


def test_an_application_that_returns(server: Server) -> None:
    with Client(server.address, "/returns") as client:
        client.expect_close(1000)


def test_an_application_that_fails(server: Server, saw: Saw) -> None:
    with Client(server.address, "/fails") as client:
        client.expect_close(1011)
    with server.connect() as wire:
        wire.send(handshake("/fails?before"))
        assert wire.read_response().status == 500
    saw("ZeroDivisionError.*ZeroDivisionError")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("send-first", "unexpected message 'websocket.send'"),
        ("http", "unexpected message 'http.response.start'"),
        ("protocol-header", "'headers' of websocket.accept must not hold sec-websocket-protocol"),
        ("break", "'headers' of websocket.accept: Invalid response header: 'x'"),
    ],
)
def test_misuse_before_the_handshake(server: Server, saw: Saw, kind: str, words: str) -> None:
    with server.connect() as wire:
        wire.send(handshake(f"/misuse?{kind}"))
        assert wire.read_response().status == 500
        wire.expect_eof()
    saw(re.escape(words))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("accept-twice", "unexpected message 'websocket.accept'"),
        ("empty", "needs 'text' or 'bytes'"),
        ("text-bytes", "must be str, not bytes"),
        ("surrogate", "lone surrogates"),
        ("code", "must be a status code of RFC 6455, not 1006"),
    ],
)
def test_misuse_after_the_handshake(server: Server, saw: Saw, kind: str, words: str) -> None:
    with Client(server.address, f"/misuse?{kind}") as client:
        client.expect_close(1011)
    saw(re.escape(words))


def test_sending_to_who_is_gone(server: Server, saw: Saw) -> None:
    with Client(server.address, "/after-the-end") as client:
        client.send(close())
        client.expect_close(1000)
    saw("raised Disconnected")


def test_who_takes_no_notice_is_cancelled(server: Server, saw: Saw) -> None:
    with Client(server.address, "/stubborn"):
        saw("stubborn begins")
    saw("stubborn cancelled")


# Back-pressure.


def test_a_slow_application_slows_its_client(server: Server) -> None:
    read = server.folder / "read"
    read.unlink(missing_ok=True)
    total = 20_000
    message = frame(BINARY, b"m" * 1000)
    with Client(server.address, "/slow-reader") as client:
        sent = 0

        def send_all() -> None:
            nonlocal sent
            while sent < total:
                client.send(message * 100)
                sent += 100

        sender = threading.Thread(target=send_all)
        sender.start()
        last = -1
        while last != sent:
            last = sent
            time.sleep(0.3)  # the absence of progress is what is looked for
        assert sent < total - 5000, "the server takes in what nobody reads"
        read.touch()
        for count in range(1000, total + 1000, 1000):
            client.says(str(count))
        sender.join()


def test_a_slow_client_slows_the_application(server: Server, saw: Saw) -> None:
    with Client(server.address, "/flood") as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        saw("flood waits")
        for _ in range(300):
            assert client.read_frame().data == b"z" * 10000
    saw("flood ended")


# Compression.


def deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-12)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


def inflate(data: bytes) -> bytes:
    return zlib.decompressobj(-15).decompress(data + b"\0\0\xff\xff")


OFFER = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"


@pytest.mark.parametrize(
    ("offer", "answered"),
    [
        ("permessage-deflate", True),
        ("permessage-deflate; server_no_context_takeover; client_no_context_takeover", True),
        ("permessage-deflate; server_max_window_bits=10", True),
        ("permessage-deflate; wrong=1", False),
    ],
)
def test_agreement_on_deflate(server: Server, offer: str, answered: bool) -> None:
    with Client(server.address, "/", f"Sec-WebSocket-Extensions: {offer}") as client:
        answer = client.response.get("sec-websocket-extensions")
        assert (answer is not None) == answered
        text = "compress me " * 100
        client.send(frame(TEXT, deflate(text.encode()), bits=0x40) if answered else frame(TEXT, text.encode()))
        got = client.read_frame()
        assert got.rsv1 == answered
        assert (inflate(got.data) if answered else got.data) == text.encode()


def test_compressed_fragments_and_a_bomb(server: Server) -> None:
    with Client(server.address, "/", OFFER) as client:
        octets = deflate(b"in parts " * 50)
        client.send(frame(TEXT, octets[:5], final=False, bits=0x40) + frame(CONTINUATION, octets[5:]))
        assert inflate(client.read_frame().data) == b"in parts " * 50
        client.text("plain")
        client.says("plain")
        bomb = deflate(b"\0" * 100_000_000)
        assert len(bomb) < LIMIT
        client.send(frame(BINARY, bomb, bits=0x40))
        client.expect_close(1009)


def test_what_is_no_deflate(server: Server) -> None:
    with Client(server.address, "/", OFFER) as client:
        client.send(frame(TEXT, b"\xff\xff\xff", bits=0x40))
        assert client.expect_close(1002)


def test_compression_turned_off(serve: Serve) -> None:
    server = serve(APPLICATION, "-k", "asgi", "--no-ws-per-message-deflate")
    with Client(server.address, "/", OFFER) as client:
        assert client.response.get("sec-websocket-extensions") is None


# Time.


def test_pings(serve: Serve) -> None:
    server = serve(APPLICATION, "-k", "asgi", "--ws-ping-interval", "1", "--ws-ping-timeout", "4",
                   "--asgi-disconnect-grace-period", "0")
    lively, dead, busy = Client(server.address), Client(server.address), Client(server.address, "/slow-reader")
    with lively, dead, busy:
        busy.send(frame(TEXT, b"x") * 40)
        pings = 0

        def answer() -> None:
            nonlocal pings
            while (got := lively.read_frame()).opcode == PING:
                pings += 1
                lively.send(frame(PONG, got.data))
            assert got == Frame(TEXT, b"still here")

        with ThreadPoolExecutor(1) as pool:
            answering = pool.submit(answer)
            dead.expect_close(1011)
            dead.expect_eof()
            lively.text("still here")
            answering.result()
        assert pings >= 2
        assert busy.is_silent(0.05), "a socket whose application is slow is not given up"
    server.wait_for_log("SAW end 1006")


def test_restart(serve: Serve) -> None:
    # Who does not close is not waited for as long as a request would be.
    server = serve(APPLICATION, "-k", "asgi", "--graceful-timeout", "600")
    with Client(server.address) as polite, Client(server.address) as rude, Client(server.address, "/hello") as other:
        pids = server.worker_pids()
        server.send_signal(signal.SIGHUP)
        for client in (polite, other):
            client.expect_close(1012)
            client.send(close(1012))
            client.expect_eof()
        rude.expect_close(1012)
        rude.expect_eof()
        wait_until(lambda: not set(pids) & set(server.worker_pids()))
    server.wait_for_log("SAW end 1012")
    with Client(server.address) as client:
        client.text("x")
        client.says("x")


# Who asks and does not listen.


def held_by(server: Server) -> int:
    """Octets of temporary files that the worker has open."""
    (pid,) = server.worker_pids()
    total = 0
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            if "gunicorn-" in os.readlink(f"/proc/{pid}/fd/{fd}"):
                total += os.stat(f"/proc/{pid}/fd/{fd}").st_size
        except FileNotFoundError:
            continue
    return total


def flood(client: Client, octets: bytes) -> int:
    """Send as much as is taken until nothing is for half a second, whole copies of the octets; how many copies."""
    count, rest = 0, memoryview(b"")
    client.socket.settimeout(0.5)
    try:
        while True:
            rest = memoryview(octets)
            while rest:
                rest = rest[client.socket.send(rest):]
            count += 1
            assert count * len(octets) < 200_000_000, "it is read without end"
    except TimeoutError:
        client.unsent = rest  # type: ignore[attr-defined]
        return count


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="looks into /proc")
# Of those that are nothing but heads the kernel's buffers take a million.
@pytest.mark.parametrize("size", [pytest.param(0, marks=pytest.mark.slow), 125])
def test_pings_of_who_does_not_listen(server: Server, size: int) -> None:
    with Client(server.address) as client:
        count = flood(client, frame(PING, b"p" * size) * 1000)
        assert held_by(server) == 0
        # It listens, and everything is answered.
        client.socket.settimeout(PATIENCE)
        rest = threading.Thread(target=client.socket.sendall, args=[client.unsent])  # type: ignore[attr-defined]
        rest.start()
        # Looked at by the million, as one run of octets.
        pongs = (bytes([0x80 | PONG, size]) + b"p" * size) * (count + 1) * 1000
        received = bytearray(client.buffer)
        while len(received) < len(pongs):
            piece = client.socket.recv(1 << 20)
            assert piece, "the server has ended the connection"
            received += piece
        assert received == pongs
        client.buffer = b""
        rest.join()
        client.text("still there")
        client.says("still there")


def test_who_does_not_listen_is_given_up(loop: str, serve: Serve) -> None:
    server = serve(APPLICATION, "-k", "asgi", "--asgi-loop", loop, "--send-timeout", "2")
    with Client(server.address, "/echo") as client:
        flood(client, frame(PING, b"p" * 125) * 1000)
        server.wait_for_log("SAW end 1006", deadline=30)
