"""Thousands of connections that send an octet now and then, beside normal traffic.

A third of them trickle the head of a request, a third its body, a third the handshake of TLS. ``python -m
tests.system.tricklers [KIND...]`` measures what that does to the normal requests, for each worker type; as ``python
tricklers.py PORT TLS_PORT COUNT`` it is the crowd itself: it says ``open N`` when all are connected, and when its
standard input ends, as JSON, how many were closed by the server and how many octets were sent.
"""

from __future__ import annotations

import contextlib
import errno
import json
import resource
import select
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

COUNT = 5000
EVERY = 5.0
"""Each connection gets an octet so often (seconds)."""

RATE = 500
BATCH = 200
ADDRESS = "127.0.0.1"

WSGI = """
def app(environ, start_response):
    body = b"%d" % len(environ["wsgi.input"].read())
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
"""
ASGI = """
async def app(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size, more = size + len(message["body"]), message["more_body"]
    body = b"%d" % size
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})
"""
KINDS: dict[str, tuple[str, list[str]]] = {
    "sync": (WSGI, []),
    "gthread": (WSGI, ["--threads", "4"]),
    "asgi": (ASGI, ["-k", "asgi"]),
    "gevent": (WSGI, ["-k", "gevent"]),
    "eventlet": (WSGI, ["-k", "eventlet"]),
    "tornado": (WSGI, ["-k", "tornado"]),
}


def raise_limit() -> bool:
    """Allow this process and its children enough descriptors; whether that is possible."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = COUNT + 1000
    if hard != resource.RLIM_INFINITY and hard < wanted:
        return False
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return True


# The crowd.


def client_hello() -> bytes:
    """What a client of TLS sends first."""
    context = ssl.create_default_context()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


class Trickler:
    """One connection; ``begin`` is sent at once, ``rest`` an octet at a time."""

    def __init__(self, port: int, begin: bytes, rest: bytes) -> None:
        self.begin = begin
        self.rest = rest
        self.position = 0
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.failed = self.socket.connect_ex((ADDRESS, port)) not in (0, errno.EINPROGRESS)

    def start(self) -> None:
        self.failed = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0
        if not self.failed and self.begin:
            self.socket.send(self.begin)

    def send(self) -> int:
        if self.failed or self.position >= len(self.rest):
            return 0
        try:
            sent = self.socket.send(self.rest[self.position : self.position + 1])
        except OSError:
            self.failed = True
            return 0
        self.position += sent
        return sent

    def is_closed(self) -> bool:
        """Whether the server has answered or closed: it has no reason to."""
        if self.failed:
            return True
        try:
            self.socket.recv(1000)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True


def crowd(port: int, tls_port: int, count: int) -> None:
    """Be the crowd, until standard input ends."""
    head = b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: "
    forms = [
        (port, head, b"a" * 4000),
        (port, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n", b"b" * 90000),
        (tls_port, b"", client_hello()),
    ]
    tricklers: list[Trickler] = []
    while len(tricklers) < count:
        batch = [Trickler(*forms[number % 3]) for number in range(len(tricklers), min(count, len(tricklers) + BATCH))]
        for each in batch:
            waiter = select.poll()
            waiter.register(each.socket, select.POLLOUT)
            waiter.poll(60000)
            each.start()
        tricklers += batch
    print(f"open {sum(not each.failed for each in tricklers)}", flush=True)
    sent, place, began, steps = 0, 0, time.monotonic(), 0
    while not select.select([sys.stdin], [], [], 0.01)[0]:
        due = int((time.monotonic() - began) * count / EVERY)
        while steps < due:
            sent += tricklers[place].send()
            place = (place + 1) % count
            steps += 1
    print(json.dumps({"closed": sum(each.is_closed() for each in tricklers), "sent": sent}), flush=True)


# Beside it.


def normal_traffic(port: int, seconds: float) -> dict[str, Any]:
    """What `load.py` reports of normal requests."""
    load = Path(__file__).resolve().parents[1] / "chaos" / "load.py"
    command = [sys.executable, str(load), ADDRESS, str(port), str(RATE), str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 120, check=True)
    return dict(json.loads(done.stdout))


class Crowd:
    """The crowd as a child process; ``opened`` of it are connected when this returns."""

    def __init__(self, port: int, tls_port: int, count: int = COUNT) -> None:
        command = [sys.executable, str(Path(__file__).resolve()), str(port), str(tls_port), str(count)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.opened = int(self.process.stdout.readline().split()[1])

    def end(self) -> dict[str, int]:
        output, _ = self.process.communicate("\n", timeout=120)
        return dict(json.loads(output))

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def measure(kinds: list[str], rounds: int = 5, seconds: float = 4.0) -> None:
    """Print p99 of normal requests without and with the crowd: the median of several rounds of each, in turns, since
    on a machine with other work a single one may be anything."""
    from tests.support.server import Server
    from tests.tls.conftest import Authority, ports

    assert raise_limit()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Authority(folder).issue("server", "localhost")
        for kind in kinds:
            app, flags = KINDS[kind]
            server = Server(folder / kind, app, *arguments(folder), *flags, bind=f"http://{ADDRESS}:0").start()
            try:
                (_, port), (_, tls_port) = ports(server, 2)
                normal_traffic(port, 2)
                compare(kind, [measure_once(port, tls_port, seconds) for _ in range(rounds)])
            finally:
                server.kill()


def measure_once(port: int, tls_port: int, seconds: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """Normal traffic without the crowd, and with it."""
    quiet = normal_traffic(port, seconds)
    crowd = Crowd(port, tls_port)
    loaded = normal_traffic(port, seconds)
    closed = crowd.end()["closed"]
    if crowd.opened != COUNT or closed:
        print(f"of {COUNT} tricklers {crowd.opened} were accepted and {closed} closed")
    return quiet, loaded


def compare(kind: str, pairs: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    quiet, loaded = ([report["p99_ms"] for report in side] for side in zip(*pairs, strict=True))
    lost = sum(sum(report["lost"].values()) for pair in pairs for report in pair)
    ratio = statistics.median(loaded) / statistics.median(quiet)
    print(f"{kind}: p99 {statistics.median(quiet)} ms quiet, {statistics.median(loaded)} ms with {COUNT} tricklers "
          f"({ratio:.2f}), lost {lost}; {quiet} {loaded}", flush=True)


def arguments(pki: Path) -> list[str]:
    """The arguments of a server for this."""
    return [
        "-b", f"https://{ADDRESS}:0?certfile={pki}/server.pem&keyfile={pki}/server.key",
        "--worker-connections", str(COUNT + 1000), "--header-timeout", "600", "--body-timeout", "600",
    ]


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1].isdigit():
        raise_limit()
        crowd(*map(int, sys.argv[1:4]))
    else:
        measure(sys.argv[1:] or list(KINDS))
