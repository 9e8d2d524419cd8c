"""What is taken on, who asks, and what the server itself says: points that all worker types on our engine share."""

from __future__ import annotations

import grp
import os
import pwd
import stat
import time
from pathlib import Path

import pytest

from tests.conftest import Serve
from tests.master.scrape import face_of, samples, value, wait_for_counts
from tests.support.server import Server
from tests.support.wait import wait_until
from tests.support.wire import Wire

WSGI = """
import os, time
def app(environ, start_response):
    path = environ["PATH_INFO"]
    with open("calls", "a") as file:
        file.write(path + "\\n")
    while path == "/gate" and not os.path.exists("open"):
        time.sleep(0.01)
    body = environ["REMOTE_ADDR"].encode()
    if path == "/read":
        body = b"%d" % len(environ["wsgi.input"].read())
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""
ASGI = """
import asyncio, os
async def app(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError
    path = scope["path"]
    with open("calls", "a") as file:
        file.write(path + "\\n")
    while path == "/gate" and not os.path.exists("open"):
        await asyncio.sleep(0.01)
    body = str(scope["client"][0]).encode()
    if path == "/read":
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
TYPES = {"sync": (WSGI, ()), "gthread": (WSGI, ("--threads", "4")), "asgi": (ASGI, ("-k", "asgi"))}
# gthread goes the way of sync, but for where the application runs.
ALL = pytest.mark.parametrize("kind", ["sync", pytest.param("gthread", marks=pytest.mark.slow), "asgi"])
ONE_AT_A_TIME = pytest.mark.parametrize(
    "args", [(), pytest.param(("-k", "gthread", "--threads", "1"), marks=pytest.mark.slow)], ids=["sync", "gthread"]
)


def ask(server: Server, path: str, *fields: str) -> Wire:
    wire = server.connect()
    wire.send("\r\n".join([f"GET {path} HTTP/1.1", "Host: a", *fields, "", ""]).encode())
    return wire


def status(server: Server, path: str = "/", *fields: str) -> int:
    with ask(server, path, *fields) as wire:
        return wire.read_response().status


@ALL
def test_the_body_is_limited(kind: str, serve: Serve) -> None:
    app, args = TYPES[kind]
    server = serve(app, *args, "--limit-request-body", "1000")
    chunk = b"100\r\n" + b"x" * 256 + b"\r\n"
    for head, body, expected in (
        ("Content-Length: 1000", b"x" * 1000, 200),
        # Refused for what it announces: nothing of it is sent.
        ("Content-Length: 1001", b"", 413),
        ("Transfer-Encoding: chunked", chunk * 3 + b"0\r\n\r\n", 200),
    ):
        with server.connect() as wire:
            wire.send(f"POST /read HTTP/1.1\r\nHost: a\r\n{head}\r\n\r\n".encode() + body)
            assert wire.read_response().status == expected
    with server.connect() as wire:
        # It grows too long while the application reads, and has no end at all.
        wire.send(b"POST /read HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk * 4)
        assert wire.read_response().status == 413
        wire.expect_eof()


@pytest.mark.parametrize("kind", ["gthread", "asgi"])
def test_concurrency_is_limited(kind: str, serve: Serve) -> None:
    app, args = TYPES[kind]
    server = serve(app, *args, "--limit-concurrency", "2", "--metrics-bind", "127.0.0.1:0")
    with ask(server, "/gate") as first, ask(server, "/gate") as second:
        wait_until(lambda: calls(server) == ["/gate"] * 2, what="both to be running")
        with wait_until(lambda: refused(server), what="the third to be refused") as third:
            assert third.response.get("retry-after") == "1"  # type: ignore[attr-defined]
            third.expect_eof()
        (server.folder / "open").touch()
        assert first.read_response().status == second.read_response().status == 200
    assert status(server) == 200
    assert value(samples(face_of(server)), "gunicorn_requests_shed_total", reason="concurrency") >= 1
    assert "Answering 503" in server.log()


CLOSES_LATE = """
import time
class Body(list):
    def close(self):
        time.sleep(1)
def app(environ, start_response):
    if environ["PATH_INFO"] == "/":
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]
    framing = [("Content-Length", "2")] if environ["PATH_INFO"] == "/counted" else []
    start_response("200 OK", framing)
    return Body([b"o", b"k"])
"""


@pytest.mark.parametrize("args", [("-k", "gthread"), ("-k", "asgi")], ids=["gthread", "asgi"])
@pytest.mark.parametrize("path", ["/counted", "/chunked"])
def test_one_that_has_its_answer_is_not_counted(path: str, args: tuple[str, ...], serve: Serve) -> None:
    # The client asks again as soon as it has all it waited for; the thread is still in the application's `close`.
    server = serve(CLOSES_LATE, *args, "--threads", "3", "--limit-concurrency", "1")
    with ask(server, path) as first:
        assert first.read_response().body == b"ok"
        assert status(server) == 200


def refused(server: Server) -> Wire | None:
    wire = ask(server, "/")
    response = wire.read_response()
    if response.status != 503:
        wire.close()
        return None
    wire.response = response  # type: ignore[attr-defined]
    return wire


@ONE_AT_A_TIME
def test_a_request_that_has_waited_too_long_is_not_run(args: tuple[str, ...], serve: Serve) -> None:
    server = serve(WSGI, *args, "--limit-request-queue-time", "2")
    with ask(server, "/gate") as running:
        wait_until(lambda: "/gate" in calls(server))
        with ask(server, "/late") as late:
            time.sleep(2.5)  # its time in the queue is what this is about
            (server.folder / "open").touch()
            assert running.read_response().status == 200
            response = late.read_response()
            assert (response.status, response.get("retry-after")) == (503, "1")
    assert status(server, "/soon") == 200
    assert calls(server) == ["/gate", "/soon"]


def calls(server: Server) -> list[str]:
    file = server.folder / "calls"
    return file.read_text().split() if file.exists() else []


@ALL
def test_a_proxy_tells_since_when_a_request_waits(kind: str, serve: Serve) -> None:
    app, args = TYPES[kind]
    server = serve(app, *args, "--limit-request-queue-time", "30", "--metrics-bind", "127.0.0.1:0")
    started = f"X-Request-Start: t={time.time() - 60:.3f}"
    assert status(server, "/", started) == 503
    assert status(server, "/", f"X-Request-Start: {time.time() * 1000 - 500:.0f}") == 200
    found = wait_for_counts(face_of(server), {("GET", "5xx"): 1, ("GET", "2xx"): 1})
    assert value(found, "gunicorn_requests_shed_total", reason="queue_time") == 1
    assert value(found, "gunicorn_request_queue_seconds_count") == 2
    assert 60.5 <= value(found, "gunicorn_request_queue_seconds_sum") < 100
    stranger = serve(app, *args, "--limit-request-queue-time", "30", "--forwarded-allow-ips", "192.0.2.1")
    assert status(stranger, "/", started) == 200


@ONE_AT_A_TIME
def test_who_has_left_is_not_served(args: tuple[str, ...], serve: Serve) -> None:
    server = serve(WSGI, *args)
    with ask(server, "/gate") as running:
        wait_until(lambda: "/gate" in calls(server))
        ask(server, "/left").close()
        time.sleep(1.5)  # whether a client is still there is asked of those that have waited
        (server.folder / "open").touch()
        assert running.read_response().status == 200
    assert status(server, "/here") == 200
    assert calls(server) == ["/gate", "/here"]


@ALL
def test_the_client_behind_proxies(kind: str, serve: Serve) -> None:
    app, args = TYPES[kind]
    logs = ("--access-logfile", "-", "--access-logformat", "seen %(h)s")
    server = serve(app, *args, "--forwarded-for", "x-forwarded-for", "--forwarded-hops", "2", *logs)
    with ask(server, "/", "X-Forwarded-For: 6.6.6.6, 1.2.3.4, 10.0.0.1") as wire:
        assert wire.read_response().body == b"1.2.3.4"
        # The next one on this connection is somebody else's.
        wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert wire.read_response().body == b"127.0.0.1"
    server.wait_for_log("^seen 1.2.3.4$")
    stranger = serve(app, *args, "--forwarded-for", "forwarded", "--forwarded-allow-ips", "192.0.2.1", *logs)
    with ask(stranger, "/", "Forwarded: for=1.2.3.4") as wire:
        assert wire.read_response().body == b"127.0.0.1"
    stranger.wait_for_log("^seen 127.0.0.1$")


@ALL
def test_what_every_answer_says(kind: str, serve: Serve) -> None:
    app, args = TYPES[kind]
    server = serve(app, *args, "--server-header", "off", "--header", "X-Own: yes", "--header", "X-Two: a: b")
    for request in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"GET / HTTP/1.1\r\nBad Name: a\r\n\r\n"):
        with server.connect() as wire:
            wire.send(request)
            response = wire.read_response()
            assert (response.get("server"), response.get("x-own"), response.get("x-two")) == (None, "yes", "a: b")
    named = serve(app, *args, "--server-header", "mine/1")
    with ask(named, "/") as wire:
        assert wire.read_response().get("server") == "mine/1"


def test_who_may_use_a_unix_socket(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "own.sock"
    words = ["--unix-socket-mode", "0640", "--umask", "077"]
    user, group = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
    if os.geteuid() == 0:
        user, group = "nobody", "daemon"
    server = serve(WSGI, *words, "--unix-socket-owner", user, "--unix-socket-group", group, bind=f"unix:{path}")
    found = path.stat()
    assert stat.S_IMODE(found.st_mode) == 0o640
    assert (found.st_uid, found.st_gid) == (pwd.getpwnam(user).pw_uid, grp.getgrnam(group).gr_gid)
    assert status(server) == 200
