"""Applications of Tornado itself, which Tornado's own server serves: what is ours around it."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from types import SimpleNamespace

from gunicorn.guests.tornado import Servers
from gunicorn.guests.tornado_answers import Answer
from gunicorn.http.request import Request
from gunicorn.instrument._board import Board
from gunicorn.instrument.scoreboard import Scoreboard
from tests.conftest import Serve
from tests.support.server import Server
from tests.support.wait import wait_until
from tests.support.wire import Wire
from tests.tls.conftest import Authority, Client, pki, ports, trusting

__all__ = ["pki", "trusting"]

APP = """
import asyncio, os, time
import tornado.web

class Handler(tornado.web.RequestHandler):
    async def get(self):
        kind, _, seconds = self.request.path[1:].partition("/")
        if kind == "wait":
            await asyncio.sleep(float(seconds))
        elif kind == "gate":
            with open("waiting", "a") as file:
                file.write(".")
            while not os.path.exists("open"):
                await asyncio.sleep(0.01)
        elif kind == "block":
            time.sleep(float(seconds))
        elif kind == "shut":
            with open("shut", "a"):
                pass
            while not os.path.exists("open"):
                time.sleep(0.01)
        self.write(f"{self.request.remote_ip} {self.request.protocol}")

    async def post(self):
        self.write(str(len(self.request.body)))

app = tornado.web.Application([(".*", Handler)])
"""
TORNADO = ("-k", "tornado")


def ask(server: Server, path: str = "/", *fields: str) -> Wire:
    wire = server.connect()
    wire.send("\r\n".join([f"GET {path} HTTP/1.1", "Host: a", *fields, "", ""]).encode())
    return wire


def test_each_listener_has_its_own_entrance(
    serve: Serve, pki: Authority, trusting: Callable[..., ssl.SSLContext]
) -> None:
    folder = pki.folder
    server = serve(
        APP, *TORNADO,
        "-b", f"https://127.0.0.1:0?certfile={folder}/server.pem&keyfile={folder}/server.key",
        "-b", "http+redirect://127.0.0.1:0",
        "--sni-cert", f"other.test={folder}/both.pem",
        bind="http://127.0.0.1:0",
    )
    (_, plain), (_, secure), (_, redirect) = ports(server, 3)
    with Wire(("127.0.0.1", plain)) as wire:
        wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert wire.read_response().body == b"127.0.0.1 http"
    for name in ("localhost", "other.test"):
        with Client(secure, trusting(), name) as client:
            assert client.get().body == b"127.0.0.1 https"  # type: ignore[attr-defined]
    with Wire(("127.0.0.1", redirect)) as wire:
        wire.send(b"GET /a?b=c HTTP/1.1\r\nHost: here:80\r\n\r\n")
        response = wire.read_response()
        assert (response.status, response.get("location")) == (308, "https://here/a?b=c")
        wire.expect_eof()


def test_what_is_too_much_is_refused(serve: Serve) -> None:
    server = serve(APP, *TORNADO, "--limit-request-body", "1000", "--limit-concurrency", "2")
    for head, body in (
        ("Content-Length: 1001", b"x" * 1001),
        ("Transfer-Encoding: chunked", b"300\r\n" + b"x" * 768 + b"\r\n300\r\n" + b"x" * 768 + b"\r\n0\r\n\r\n"),
    ):
        with server.connect() as wire:
            wire.send(f"POST / HTTP/1.1\r\nHost: a\r\n{head}\r\n\r\n".encode() + body)
            assert wire.read_response().status == 413
    with ask(server, "/gate") as first, ask(server, "/gate") as second:
        waiting = server.folder / "waiting"
        wait_until(lambda: waiting.exists() and waiting.read_text() == "..", what="both to be running")
        wait_until(lambda: refused(server), what="the third to be refused")
        (server.folder / "open").touch()
        assert first.read_response().status == second.read_response().status == 200


def refused(server: Server) -> bool:
    with ask(server) as wire:
        response = wire.read_response()
    return response.status == 503 and response.get("retry-after") == "1"


def test_who_the_client_is_and_what_every_answer_says(serve: Serve) -> None:
    server = serve(
        APP, *TORNADO, "--forwarded-for", "x-forwarded-for", "--header", "X-Own: yes", "--server-header", "off",
        "--access-logfile", "-", "--access-logformat", "seen %(h)s %({http_x_many}e)s",
    )
    many = "X-Many: a", "X-Many: b"
    with ask(server, "/", "X-Forwarded-For: 9.9.9.9, 10.1.2.3", "X-Forwarded-Proto: https", *many) as wire:
        response = wire.read_response()
        assert response.body == b"10.1.2.3 https"
        assert (response.get("x-own"), response.get("server")) == ("yes", None)
        # The next one on this connection is somebody else's.
        wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert wire.read_response().body == b"127.0.0.1 http"
    server.wait_for_log("^seen 10.1.2.3 a,b$")


def test_request_timeout(serve: Serve) -> None:
    server = serve(APP, *TORNADO, "--request-timeout", "0.5")
    (pid,) = server.worker_pids()
    with ask(server, "/wait/30") as wire:
        began = time.monotonic()
        assert wire.read_response().status == 504
        wire.expect_eof()
        assert time.monotonic() - began > 0.4
    server.wait_for_log(r"REQUEST TIMEOUT .* in: GET /wait/30")
    assert "await asyncio.sleep(float(seconds))" in server.log()
    assert server.worker_pids() == [pid]
    assert server.get().status == 200


def test_a_request_that_has_waited_too_long_is_not_run(serve: Serve) -> None:
    """In the kernel while the loop was blocked, or before it came to us, as a trusted proxy tells."""
    server = serve(APP, *TORNADO, "--limit-request-queue-time", "1")
    with ask(server, "/gate", f"X-Request-Start: t={time.time() - 60:.3f}") as wire:
        response = wire.read_response()
        assert (response.status, response.get("retry-after")) == (503, "1")
    with ask(server, "/shut") as running:
        wait_until((server.folder / "shut").exists)
        with ask(server, "/gate") as late:
            time.sleep(1.5)  # its time in the queue is what this is about
            (server.folder / "open").touch()
            assert running.read_response().status == 200
            assert late.read_response().status == 503
    assert server.get().status == 200
    assert "AttributeError" not in server.log()
    assert not (server.folder / "waiting").exists()


def test_a_handler_that_blocks_the_loop(serve: Serve) -> None:
    """Nothing turns any more: the master tells, and ends the worker, which still answers."""
    server = serve(APP, *TORNADO, "--request-timeout", "0.5")
    with ask(server, "/block/30") as wire:
        assert wire.read_response().status == 504
    server.wait_for_log(r"WORKER TIMEOUT .* in: GET /block/30")
    wait_until(lambda: server.serves(), what="a new worker")


# In process.


def test_what_fails_when_a_request_is_broken_off_ends_its_connection_and_nothing_else() -> None:
    class Fails(Answer):
        def break_off(self) -> None:
            raise RuntimeError("a logger of the user's")

    said: list[tuple[object, ...]] = []
    closed: list[str] = []
    servers = Servers.__new__(Servers)
    servers.board = Board(Scoreboard().allocate(0))
    servers.log = SimpleNamespace(error=lambda *words, **_: said.append(words))
    context = SimpleNamespace(address=("192.0.2.1", 5))
    connection = SimpleNamespace(context=context, close=lambda: closed.append("closed"))
    answer = Fails(servers, SimpleNamespace(), connection)
    answer.request = Request()
    servers.running = {answer}
    servers.break_off(answer)
    assert closed == ["closed"]
    assert [words[1] for words in said] == ["192.0.2.1:5"]
    assert servers.requests() == []
