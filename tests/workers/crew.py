"""A server with one worker to whose clients anything happens, beside one that is served throughout."""

from __future__ import annotations

import os
import ssl
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
        )  # fmt: skip
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
