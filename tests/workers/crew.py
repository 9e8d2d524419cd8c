"""A server with one worker to whose clients anything happens, beside one that is served throughout."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import struct
from collections.abc import Iterator
from pathlib import Path

from tests.support import faults
from tests.support.server import Server
from tests.support.wire import Wire
from tests.workers.kinds import KINDS

APP = '''
import os

class Faulty:
    """An iterable that fails where its name says."""
    def __init__(self, where, error):
        self.where, self.error = where, error
    def __iter__(self):
        if self.where == "iter":
            raise self.error
        yield b"some"
        if self.where == "next":
            raise self.error
    def close(self):
        if self.where == "close":
            raise self.error

class Unprintable:
    def __str__(self):
        raise RuntimeError("on purpose: str")
    __repr__ = __str__

ERRORS = [RuntimeError("on purpose"), OSError(5, "on purpose"), BlockingIOError(11, "on purpose"), MemoryError(),
          RecursionError(), StopIteration(), UnicodeDecodeError("ascii", b"x", 0, 1, "on purpose"), AssertionError()]

def app(environ, start_response):
    path = environ["PATH_INFO"]
    error = ERRORS[int(environ["QUERY_STRING"] or 0) % len(ERRORS)] if path != "/big" else None
    if path == "/raise":
        raise error
    if path in ("/iter", "/next", "/close"):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return Faulty(path[1:], error)
    if path == "/start":
        class Headers:
            def __iter__(self):
                raise error
        start_response("200 OK", Headers())
    if path == "/headers":
        start_response("200 OK", [("X", Unprintable())])
    if path == "/status":
        start_response(Unprintable(), [])
    if path == "/body":
        start_response("200 OK", [])
        return [Unprintable()]
    if path == "/environ":
        environ.clear()
    if path == "/values":
        for name in list(environ):
            environ[name] = Unprintable()
    if path == "/nothing":
        return None
    if path == "/file":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return environ["wsgi.file_wrapper"](open(os.path.join(os.path.dirname(__file__), "large"), "rb"))
    size = len(environ["wsgi.input"].read()) if path not in ("/environ", "/values") else 0
    body = b"x" * 3_000_000 if path == "/big" else b"%d" % size
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
'''

CONFIG = '''
from gunicorn.glogging import Logger

def fail(where, req):
    if where in req.path:
        raise RuntimeError("on purpose: " + where)

def pre_request(worker, req):
    fail("pre-request", req)

def post_request(worker, req, environ, resp):
    fail("post-request", req)

class logger_class(Logger):
    def access(self, resp, req, environ, request_time):
        fail("access", req)
        super().access(resp, req, environ, request_time)

accesslog = "-"
access_log_format = '%(h)s %(u)s %(s)s "%(r)s" %({x}e)s %({x}i)s %({x}o)s'
'''

HELLO = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
CLOSING = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
BODY = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n" + b"b" * 50000
CHUNKS = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
EXPECTING = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
BIG = b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n"
FILE = b"GET /file HTTP/1.1\r\nHost: a\r\n\r\n"
BAD = b"GET / HTTP/1.1\r\nHost: a\r\nno field\r\n\r\n"

#: What an unlucky client sends, and which of its server's calls fails how, at which time of asking.
SPECIMENS: dict[str, tuple[bytes, str, str, int]] = {
    "nothing is read": (HELLO, "recv", "EIO", 1),
    "no memory to read": (HELLO, "recv", "ENOMEM", 1),
    "the second read": (BODY, "recv", "ETIMEDOUT", 2),
    "every read": (BODY, "recv", "EHOSTUNREACH", faults.EVERY_TIME),
    "nothing is sent": (HELLO, "send", "EIO", 1),
    "no buffers to send": (CLOSING, "send", "ENOBUFS", 1),
    "the second answer": (HELLO * 3, "send", "EPERM", 2),
    "100 Continue": (EXPECTING, "send", "EPIPE", 1),
    "100 Continue, for ever": (EXPECTING, "send", "ENETDOWN", faults.EVERY_TIME),
    "a refusal": (BAD, "send", "ECONNRESET", 1),
    "a large answer": (BIG, "send", "EIO", 2),
    "a large answer, its head": (BIG, "send", "EIO", 1),
    "sendfile": (FILE, "sendfile", "EIO", 1),
    "sendfile, later": (FILE, "sendfile", "EOVERFLOW", 2),
    "a descriptor for the file's rest": (FILE, "dup", "EMFILE", 1),
    "no place in the poller": (HELLO, "epoll_add", "ENOSPC", 1),
    "no memory for the poller": (BODY[:-1], "epoll_add", "ENOMEM", 1),
    "no place in the poller for what waits": (BIG, "epoll_add", "ENOSPC", faults.EVERY_TIME),
    "no place in the poller to linger": (BAD + b"x" * 100_000, "epoll_add", "ENOSPC", 1),
    "shutdown": (BAD + b"x", "shutdown", "EIO", 1),
    "options": (BIG, "setsockopt", "EINVAL", faults.EVERY_TIME),
    "close": (CLOSING, "close", "EIO", 1),
    "accept: reset before": (HELLO, "accept", "ECONNABORTED", 1),
    "accept: a protocol's error": (HELLO, "accept", "EPROTO", 1),
    "accept: no descriptors": (HELLO, "accept", "EMFILE", 1),
}

#: What clients send before they reset, at any place of it.
CUT_SHORT = {
    "expect": EXPECTING, "pipelined": HELLO * 2, "body": BODY[:30000], "chunks": CHUNKS * 2, "big": BIG, "file": FILE,
    "bad": BAD,
}



class Crew:
    """A server with one worker, and the client that is served throughout."""

    def __init__(self, folder: Path, kind: str, certificate: Path | None = None, app: str = APP) -> None:
        key = certificate and certificate.with_suffix(".key")
        tls = () if certificate is None else ("--certfile", str(certificate), "--keyfile", str(key))
        self.context: ssl.SSLContext | None = None
        if certificate is not None:
            self.context = ssl.create_default_context(cafile=str(certificate.with_name("ca.pem")))
            self.context.check_hostname = False
        self.server = Server(
            folder, app, *KINDS[kind], "--keep-alive", "300", *tls, config=CONFIG, expect_traceback=True,
            env={"LD_PRELOAD": faults.library()},
        )
        (folder / "large").write_bytes(b"f" * 3_000_000)
        try:
            self.server.start()
            self.pids = self.server.worker_pids()
            self.witness = self.connect()
        except BaseException:
            self.server.kill()
            raise

    def connect(self) -> Wire:
        """A client that nothing happens to, inside TLS where that is spoken."""
        wire = Wire(self.server.address)
        if self.context is not None:
            wire.socket = self.context.wrap_socket(wire.socket)
        return wire

    def is_well(self) -> None:
        """The worker is the same one, and answers on a connection that is kept and on a new one."""
        self.witness.send(HELLO)
        assert self.witness.read_response().body == b"0"
        with self.connect() as wire:
            wire.send(CLOSING)
            assert wire.read_response().body == b"0"
        assert self.server.worker_pids() == self.pids, self.server.log()[-5000:]

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.pids[0]}/fd"))

    def threads(self) -> int:
        return len(os.listdir(f"/proc/{self.pids[0]}/task"))

    def end(self) -> None:
        try:
            self.witness.close()
            if not self.server.exited():
                self.server.stop()
        finally:
            self.server.kill()


@contextlib.contextmanager
def ending_anyhow() -> Iterator[None]:
    """The server may end the connection at any moment, but not leave it open without a word."""
    try:
        yield
    except TimeoutError:
        raise
    except OSError:
        pass


def drain(client: socket.socket) -> None:
    """Until the server closes."""
    while client.recv(1 << 20):
        pass


def reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def meet_failing_calls(crew: Crew) -> None:
    """Clients whose system calls fail as the specimens say, each more often than a worker has threads."""
    for name, (octets, call, error, nth) in SPECIMENS.items():
        source = faults.address_of(call, error, nth)
        try:
            # Without descriptors a worker pauses for a second: once is enough.
            for _ in range(1 if error == "EMFILE" else 6):
                with ending_anyhow(), faults.connect(crew.server.address, source) as client:
                    client.sendall(octets)
                    client.shutdown(socket.SHUT_WR)
                    if b"Expect" not in octets:
                        drain(client)
            crew.is_well()
        except (AssertionError, OSError) as failure:
            failure.add_note(f"with the specimen {name!r}")
            raise


def reset_at_every_moment(crew: Crew, octets: bytes) -> None:
    """Clients that send a part and reset, at the places that matter and after all of it."""
    size = len(octets)
    for place in (*sorted({0, 1, 2, 5, 17, size // 3, size // 2, size - 5, size - 1}), size, size, size):
        client = socket.create_connection(crew.server.address)
        with ending_anyhow():
            client.sendall(octets[:place])
        reset(client)
