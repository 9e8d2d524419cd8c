"""Clients that are slow, silent or gone: they cost a connection, never the one worker."""

from __future__ import annotations

import os
import resource
import socket
import time
from contextlib import ExitStack
from pathlib import Path

from tests.conftest import Serve
from tests.support.server import Server
from tests.support.wait import PATIENCE, wait_until

APP = """
import json
import os
import resource

BLOCK = b"x" * 65536

def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/big":
        start_response("200 OK", [("Content-Length", str(len(BLOCK) * 256))])
        return (BLOCK for _ in range(256))
    if path == "/one-big":
        start_response("200 OK", [("Content-Length", str(len(BLOCK) * 256))])
        return [BLOCK * 256]
    if path == "/huge":
        start_response("200 OK", [("Content-Length", str(len(BLOCK) * 1024))])
        return [BLOCK * 1024]
    if path == "/file":
        return send_file(environ, start_response)
    if path == "/breaks":
        return breaks(start_response, [("Content-Type", "text/plain")])
    if path == "/breaks-short":
        return breaks(start_response, [("Content-Length", "100")])
    if path == "/too-short":
        start_response("200 OK", [("Content-Length", "100")])
        return [b"only this"]
    stream = environ["wsgi.input"]
    size, kinds = 0, sorted(os.listdir("uploads")) if os.path.isdir("uploads") else []
    while part := stream.read(65536):
        size += len(part)
    body = json.dumps({"pid": os.getpid(), "size": size}).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]

def send_file(environ, start_response):
    size = os.stat("big.bin").st_size
    start_response("200 OK", [("Content-Length", str(size))])
    return environ["wsgi.file_wrapper"](open("big.bin", "rb"))

def breaks(start_response, fields):
    start_response("200 OK", fields)
    yield b"some"
    raise RuntimeError("on purpose, after the head")
"""
SIZE = 256 * 65536


#: Who is held by a client is held longer than anybody waits here.
ENDLESS = ("--header-timeout", "600", "--body-timeout", "600", "--send-timeout", "600")


def check_free(server: Server) -> None:
    """An ordinary request is answered now, and not only when some time limit has come to the worker's help."""
    assert server.get("/").status == 200


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()


def test_silent_and_half_heads_hold_nothing(serve: Serve) -> None:
    server = serve(APP, *ENDLESS)
    with ExitStack() as stack:
        for i in range(60):
            wire = stack.enter_context(server.connect())
            wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n"[: i % 26])
        for _ in range(5):
            check_free(server)


def test_half_bodies_hold_nothing(serve: Serve) -> None:
    server = serve(APP, *ENDLESS)
    with ExitStack() as stack:
        wires = [stack.enter_context(server.connect()) for _ in range(30)]
        for wire in wires:
            wire.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345")
        check_free(server)
        for wire in wires:
            wire.send(b"67890")
        assert {wire.read_response().json()["size"] for wire in wires} == {10}


def test_who_does_not_read_holds_nothing(serve: Serve) -> None:
    """An answer larger than all buffers between us: the worker must not wait for the reader."""
    server = serve(APP, *ENDLESS)
    (server.folder / "big.bin").write_bytes(b"y" * SIZE)
    with ExitStack() as stack:
        wires = []
        for path in ("/big", "/one-big", "/file"):
            wire = stack.enter_context(server.connect())
            wire.send(get(path))
            wires.append(wire)
        for _ in range(3):
            check_free(server)
        for wire in wires:
            assert len(wire.read_response().body) == SIZE


def test_header_timeout(serve: Serve) -> None:
    server = serve(APP, "--header-timeout", "1")
    with server.connect() as wire:
        start = time.monotonic()
        wire.send(b"GET / HTTP/1.1\r\n")
        rest = wire.read_until_eof()
        assert time.monotonic() - start > 0.9
        assert rest == b"" or rest.startswith(b"HTTP/1.1 408 "), rest


def test_header_timeout_is_for_the_whole_head(serve: Serve) -> None:
    """A byte now and then does not push the deadline away."""
    server = serve(APP, "--header-timeout", "1")
    with server.connect() as wire:
        start = time.monotonic()
        wire.send(b"GET / HTTP/1.1\r\nX: ")
        while wire.is_silent(0.2):
            wire.send(b"a")
            assert time.monotonic() - start < PATIENCE, "trickled on for ever"
        assert time.monotonic() - start > 0.9


def test_body_timeout(serve: Serve) -> None:
    server = serve(APP, "--body-timeout", "1")
    with server.connect() as wire:
        wire.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n123")
        rest = wire.read_until_eof()
        assert rest == b"" or rest.startswith(b"HTTP/1.1 408 "), rest


READS = """
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return
    if scope["path"] == "/answers":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
    while True:
        message = await receive()
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return
"""


def test_body_timeout_of_one_that_is_read_as_it_comes(serve: Serve) -> None:
    server = serve(READS, "-k", "asgi", "--body-timeout", "1", "--access-logfile", "access.log")
    for path, begins in (("/", b"HTTP/1.1 408 "), ("/answers", b"HTTP/1.1 200 ")):
        with server.connect() as wire:
            wire.send(f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n123".encode())
            answer = wire.read_until_eof()
            assert answer.startswith(begins)
            # Nobody takes it for a whole one.
            assert b"\r\n0\r\n" not in answer
    log = server.folder / "access.log"
    for line in ('"POST / HTTP/1.1" 408 ', '"POST /answers HTTP/1.1" 200 '):
        wait_until(lambda line=line: line in log.read_text(), what=server.describe)


def test_body_timeout_counts_from_the_last_byte(serve: Serve) -> None:
    server = serve(APP, "--body-timeout", "3")
    with server.connect() as wire:
        wire.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\n")
        for _ in range(12):
            assert wire.is_silent(0.3)
            wire.send(b"x")
        assert wire.read_response().json()["size"] == 12


def test_send_timeout(serve: Serve) -> None:
    server = serve(APP, "--send-timeout", "1")
    with server.connect() as wire:
        wire.send(get("/huge"))
        # It is accepted and answered; how long it stays is not to be seen on a machine with other work.
        assert wire.fill()
        wait_until(lambda: connections_of(server) == 0, what="the connection to be given up")
        assert len(wire.read_until_eof()) < 4 * SIZE


def connections_of(server: Server) -> int:
    """Sockets of the workers that are connections, not listeners."""
    count = 0
    listening = listening_inodes()
    for pid in server.worker_pids():
        for fd in Path(f"/proc/{pid}/fd").iterdir():
            try:
                target = os.readlink(fd)
            except FileNotFoundError:
                continue
            if target.startswith("socket:[") and target[8:-1] in connected_inodes() - listening:
                count += 1
    return count


def tcp_rows() -> list[list[str]]:
    return [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]


def listening_inodes() -> set[str]:
    return {row[9] for row in tcp_rows() if row[3] == "0A"}


def connected_inodes() -> set[str]:
    return {row[9] for row in tcp_rows() if row[3] != "0A"}


def test_idle_connections_are_closed(serve: Serve) -> None:
    server = serve(APP, "--keep-alive", "1")
    with server.connect() as wire:
        start = time.monotonic()
        wire.send(get("/"))
        assert wire.read_response().status == 200
        wire.expect_eof()
        assert time.monotonic() - start > 0.9


def test_clients_that_leave(serve: Serve) -> None:
    """At every stage of a request: nothing in the log, the same worker, nothing left open."""
    server = serve(APP, *ENDLESS)
    (server.folder / "big.bin").write_bytes(b"y" * SIZE)
    (worker,) = server.worker_pids()
    for data in (
        b"",
        b"GET / HT",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n123",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        get("/big"),
        get("/one-big"),
        get("/file"),
        get("/") * 20,
    ):
        for abortive in (False, True):
            with server.connect() as wire:
                if abortive:
                    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                wire.send(data)
        check_free(server)
    assert server.worker_pids() == [worker]
    wait_until(lambda: connections_of(server) == 0, what="all connections to be closed")
    assert not [line for line in server.log_lines() if "[ERROR]" in line], server.log()


def test_large_body_in_a_file(serve: Serve, tmp_path: Path) -> None:
    """Over the bound a body is in tmp_upload_dir; afterwards no name and no descriptor of it is left."""
    uploads = tmp_path / "uploads"
    uploads.mkdir()
    server = serve(APP, *ENDLESS, config=f"tmp_upload_dir = {str(uploads)!r}\nbody_buffer_size = 100_000\n")
    (worker,) = server.worker_pids()
    size = 5_000_000
    with server.connect() as wire:
        wire.send(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n".encode())
        wire.send(b"u" * (size - 1))
        wait_until(lambda: files_in(worker, uploads), what="a file in tmp_upload_dir")
        check_free(server)
        wire.send(b"u")
        assert wire.read_response().json()["size"] == size
        wait_until(lambda: not files_in(worker, uploads), what="the file to be closed")
    assert list(uploads.iterdir()) == []


def files_in(pid: int, folder: Path) -> list[str]:
    """Open files of a process that lie (or lay) in a folder."""
    found = []
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(fd)
        except FileNotFoundError:
            continue
        if target.startswith(str(folder)):
            found.append(target)
    return found


def test_failure_after_the_head_can_be_told(serve: Serve) -> None:
    """Neither a chunked nor a counted answer must look complete when the application broke off."""
    server = serve(APP, expect_traceback=True)
    with server.connect() as wire:
        wire.send(get("/breaks"))
        assert not wire.read_until_eof().endswith(b"0\r\n\r\n")
    for path in ("/breaks-short", "/too-short"):
        with server.connect() as wire:
            wire.send(get(path))
            data = wire.read_until_eof()
            assert b"Content-Length: 100\r\n" in data
            assert len(data.partition(b"\r\n\r\n")[2]) < 100
    assert server.log().count("Traceback (most recent call last)") == 2
    check_free(server)


def full_disk(server: Server) -> None:
    """Let the worker find no place for files: its limit on their size is as good as a full disk, and needs no root."""
    (worker,) = server.worker_pids()
    resource.prlimit(worker, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))


def test_a_body_for_which_there_is_no_place(serve: Serve) -> None:
    for extra in ("Content-Length: 3000000", "Transfer-Encoding: chunked"):
        server = serve(APP, *ENDLESS)
        full_disk(server)
        with server.connect() as wire:
            wire.send(f"POST / HTTP/1.1\r\nHost: a\r\n{extra}\r\n\r\n".encode())
            wire.send(b"2dc6c0\r\n" if "chunked" in extra else b"")
            wire.send(b"u" * 3_000_000 + (b"\r\n0\r\n\r\n" if "chunked" in extra else b""))
            response = wire.read_response()
            assert response.status == 507
            assert b"tmp" not in response.body
        server.wait_for_log(r"\[ERROR\] No room in tmp_upload_dir for a request body .* File too large")
        check_free(server)


def test_an_answer_for_which_there_is_no_place(serve: Serve) -> None:
    """The application waits for its client instead."""
    server = serve(APP, *ENDLESS, "--threads", "2")
    full_disk(server)
    with server.connect() as wire:
        wire.send(get("/big"))
        check_free(server)
        assert len(wire.read_response().body) == SIZE
