"""A bounded soak: ``python -m tests.chaos.soak --seconds 150 --kind gthread``.

Mixed traffic, the orderly and the disorderly side by side, and every few seconds what the server holds. At the end it
says how many requests were answered, and whether memory and descriptors are flat: the smallest memory of the last
quarter against that of the second (the first one fills pools and caches), and the descriptors when every client is
gone against those before the first. The exit status is 1 when they are not flat, or an orderly request was not
answered. With ``wrk`` installed most of the requests are its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from benchmarks.measure import parse_wrk
from tests.support import frames
from tests.support.server import Server, children_of
from tests.support.wait import wait_until
from tests.support.wire import Address, Wire

WSGI = """
BLOCK = b"x" * 65536
def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/stream":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return (BLOCK for _ in range(16))
    if path == "/raise":
        raise RuntimeError("on purpose")
    stream, size = environ["wsgi.input"], 0
    while part := stream.read(65536):
        size += len(part)
    body = b"%d" % size
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
"""
ASGI = """
BLOCK = b"x" * 65536
async def app(scope, receive, send):
    if scope["type"] == "websocket":
        return await echo(receive, send)
    if scope["type"] != "http":
        raise RuntimeError
    if scope["path"] == "/raise":
        raise RuntimeError("on purpose")
    if scope["path"] == "/stream":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(16):
            await send({"type": "http.response.body", "body": BLOCK, "more_body": True})
        return await send({"type": "http.response.body", "body": b""})
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size, more = size + len(message["body"]), message["more_body"]
    body = b"%d" % size
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})

async def echo(receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})
"""
KINDS: dict[str, tuple[str, list[str]]] = {
    "sync": (WSGI, []),
    "gthread": (WSGI, ["--threads", "4"]),
    "asgi": (ASGI, ["-k", "asgi"]),
    "gevent": (WSGI, ["-k", "gevent"]),
    "eventlet": (WSGI, ["-k", "eventlet"]),
    "tornado": (WSGI, ["-k", "tornado"]),
}

CLIENTS = 8
EVERY = 5.0
"""Seconds between two looks at the server."""

ALLOWED_SHARE, ALLOWED_KIB = 0.02, 1024
"""So much more memory still counts as the same."""

UPLOADS = [
    (f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n".encode() + b"u" * size, b"%d" % size)
    for size in (100, 300_000, 1_500_000)
]
UPLOADS.append((
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    + (b"10000\r\n" + b"c" * 65536 + b"\r\n") * 8 + b"0\r\n\r\n",
    b"%d" % (8 * 65536),
))

RESET = b"\1\0\0\0\0\0\0\0"


# What clients do. Each returns how many requests it has made and seen answered.


def get(path: str = "/", *fields: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: a", *fields, "", ""]).encode()


def ask(wire: Wire, request: bytes, body: bytes) -> bool:
    """Have a request answered as expected; whether the connection is good for another."""
    wire.send(request)
    return answered(wire, body)


def answered(wire: Wire, body: bytes) -> bool:
    response = wire.read_response()
    assert response.body == body, response
    return (response.get("connection") or "").lower() != "close"


def kept_alive(address: Address) -> int:
    with Wire(address) as wire:
        return made(ask(wire, get(), b"0") for _ in range(20))


def pipelined(address: Address) -> int:
    with Wire(address) as wire:
        wire.send(get() * 10)
        return made(answered(wire, b"0") for _ in range(10))


def made(answers: Iterable[bool]) -> int:
    """How many answers there were, up to the last one of the connection."""
    count = 0
    for goes_on in answers:
        count += 1
        if not goes_on:
            break
    return count


def closing(address: Address) -> int:
    with Wire(address) as wire:
        assert not ask(wire, get("/", "Connection: close"), b"0")
        wire.expect_eof()
    return 1


def upload(address: Address) -> int:
    """Small enough for memory, too large for it, and in chunks."""
    with Wire(address) as wire:
        return made(ask(wire, *sent) for sent in UPLOADS)


def streamed(address: Address) -> int:
    with Wire(address) as wire:
        wire.send(get("/stream"))
        assert len(wire.read_response().body) == 16 * 65536
    return 1


def aborted(address: Address) -> int:
    """Leave within a head, a body, an answer; half of the times by a reset."""
    half_a_body = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nabc"
    begun = (b"GET / HTTP/1.1\r\nHo", half_a_body, get("/stream"))
    with Wire(address) as wire:
        wire.send(random.choice(begun))
        if random.random() < 0.5:
            wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        if random.random() < 0.5:
            time.sleep(0.01)
    return 0


def bad(address: Address) -> int:
    what, status = random.choice([
        (b"NONSENSE\r\n\r\n", 400), (get("/", "Bad Name: 1"), 400), (get("/", "X: " + "a" * 9000), 431),
        (get("/" + "a" * 9000), 414), (get("/raise"), 500),
    ])
    with Wire(address) as wire:
        wire.send(what)
        got = wire.read_response().status
        assert got == status, (what[:40], got)
    return 1


def websocket(address: Address) -> int:
    with frames.Client(address) as client:
        for number in range(20):
            client.text(f"message {number}")
            client.says(f"message {number}")
        if random.random() < 0.7:
            client.send(frames.close())
            client.expect_close(1000)
    return 20


ACTIONS: list[tuple[Callable[[Address], int], int]] = [
    (kept_alive, 30), (pipelined, 15), (closing, 20), (upload, 4), (streamed, 8), (aborted, 15), (bad, 6),
]


def client(address: Address, seconds: float, seed: int, actions: list[tuple[Callable[[Address], int], int]],
           results: multiprocessing.Queue[tuple[int, Counter[str]]]) -> None:
    """Do this and that for so long; tells the requests answered, and what went wrong."""
    random.seed(seed)
    functions, weights = zip(*actions, strict=True)
    done, problems = 0, Counter[str]()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        function = random.choices(functions, weights)[0]
        try:
            done += function(address)
        except (OSError, AssertionError) as error:
            problems[f"{function.__name__}: {type(error).__name__} {str(error)[:100]}"] += 1
    results.put((done, problems))


# What the server holds.


class Look(NamedTuple):
    """Memory in KiB of all processes together, and the descriptors of each."""

    rss: int
    pss: int
    descriptors: tuple[int, ...]


def look_at(server: Server) -> Look:
    pids = [server.pid, *children_of(server.pid)]
    totals = Counter[str]()
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            name, _, rest = line.partition(":")
            if name in ("Rss", "Pss"):
                totals[name] += int(rest.split()[0])
    return Look(totals["Rss"], totals["Pss"], tuple(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids))


def soak(server: Server, seconds: float, actions: list[tuple[Callable[[Address], int], int]]) -> bool:
    """Soak it; whether all is well."""
    address = server.address
    for function, _ in actions:
        function(address)
    before = settled(server)
    results: multiprocessing.Queue[tuple[int, Counter[str]]] = multiprocessing.Queue()
    clients = [
        multiprocessing.Process(target=client, args=(address, seconds, seed, actions, results))
        for seed in range(CLIENTS)
    ]
    bulk = start_bulk(server, seconds)
    for process in clients:
        process.start()
    looks = watch(server, seconds)
    done, problems = 0, Counter[str]()
    for _ in clients:
        some, wrong = results.get(timeout=60)
        done += some
        problems += wrong
    for process in clients:
        process.join()
    if bulk is not None:
        load = parse_wrk(bulk.communicate(timeout=60)[0])
        done += load.requests
        if load.errors:
            problems["wrk"] += load.errors
    return report(before, looks, settled(server), done, problems)


def start_bulk(server: Server, seconds: float) -> subprocess.Popen[str] | None:
    wrk = shutil.which("wrk")
    if wrk is None:
        return None
    command = [wrk, "--latency", "-t1", "-c16", f"-d{seconds:.0f}s", "--timeout", "10s", server.url + "/"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def watch(server: Server, seconds: float) -> list[Look]:
    looks: list[Look] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end - EVERY / 2:
        time.sleep(EVERY)
        looks.append(look_at(server))
        now = looks[-1]
        print(f"{len(looks) * EVERY:5.0f} s  RSS {now.rss:7} KiB  PSS {now.pss:7} KiB  descriptors {now.descriptors}",
              flush=True)
    return looks


def settled(server: Server) -> Look:
    """A look when all connections are gone: the descriptors stay the same for a second."""
    last = look_at(server).descriptors
    quiet_since = time.monotonic()

    def is_quiet() -> bool:
        nonlocal last, quiet_since
        now = look_at(server).descriptors
        if now != last:
            last, quiet_since = now, time.monotonic()
        return time.monotonic() > quiet_since + 3.0

    wait_until(is_quiet, what="the descriptors to stay the same")
    return look_at(server)


def report(before: Look, looks: list[Look], after: Look, done: int, problems: Counter[str]) -> bool:
    quarter = max(1, len(looks) // 4)
    early = min(look.pss for look in looks[quarter:2 * quarter] or looks)
    late = min(look.pss for look in looks[-quarter:])
    flat = late <= early * (1 + ALLOWED_SHARE) + ALLOWED_KIB
    closed = after.descriptors <= before.descriptors and len(after.descriptors) == len(before.descriptors)
    print(f"answered {done} requests, not answered {sum(problems.values())} {dict(problems)}")
    print(f"PSS {early} KiB in the second quarter, {late} KiB in the last: {'flat' if flat else 'NOT FLAT'}"
          f" ({before.pss} KiB before, {after.pss} KiB after)")
    print(f"descriptors {before.descriptors} before, {after.descriptors} after: {'flat' if closed else 'NOT FLAT'}",
          flush=True)
    return flat and closed and not problems


def main() -> int:
    parser = argparse.ArgumentParser(description="Soak a server in mixed traffic.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--kind", choices=KINDS, default="sync")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    app, flags = KINDS[options.kind]
    actions = [*ACTIONS, (websocket, 10)] if options.kind == "asgi" else ACTIONS
    with tempfile.TemporaryDirectory() as name:
        # The access log is written, and kept nowhere.
        server = Server(Path(name), app, "-w", str(options.workers), *flags, "--access-logfile", "/dev/null")
        server.start(options.workers)
        try:
            print(f"{options.kind}, {options.workers} workers, {options.seconds:g} s", flush=True)
            return 0 if soak(server, options.seconds, actions) else 1
        finally:
            server.kill()


if __name__ == "__main__":
    sys.exit(main())
