"""`health_path`: each worker says how it is, and its application hears nothing of that."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from gunicorn.config import Config
from gunicorn.errors import ConfigError
from tests.conftest import Serve
from tests.master.scrape import face_of, samples, value, wait_for_counts
from tests.support.control import ask
from tests.support.http2 import HTTP2Client
from tests.support.server import Server
from tests.support.wait import wait_until
from tests.support.wire import Wire
from tests.workers.kinds import KINDS

APP = """
import os, time
def app(environ, start_response):
    with open("calls", "a") as file:
        file.write(environ["REQUEST_METHOD"] + environ["PATH_INFO"] + "\\n")
    while environ["PATH_INFO"] == "/wait" and not os.path.exists("go"):
        time.sleep(0.01)
    start_response("200 OK", [("Content-Length", "3")])
    return [b"app"]
"""
OWN = APP + """
from gunicorn.workers.sync import SyncWorker
class Own(SyncWorker):
    def handle(self, listener, client, addr):
        super().handle(listener, client, addr)
"""
TORNADO = """
import tornado.web
class Handler(tornado.web.RequestHandler):
    def get(self, *args):
        with open("calls", "a") as file:
            file.write(self.request.method + self.request.path + "\\n")
        self.write("app")
    head = post = get
app = tornado.web.Application([("(.*)", Handler)])
"""
ARGS = ("--health-path", "/healthz", "--access-logfile", "access", "--metrics-bind", "127.0.0.1:0",
        "--http-protocols", "h2,h1", "--http2-cleartext", "prior-knowledge", "--request-id-header", "X-Request-ID")
CASES = {
    **{kind: (APP, args) for kind, args in KINDS.items()},
    "worker of its own loop": (OWN, ("-k", "app:Own")),
    "asgi application": ("""
async def app(scope, receive, send):
    with open("calls", "a") as file:
        file.write(scope["method"] + scope["path"] + "\\n")
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"3")]})
    await send({"type": "http.response.body", "body": b"app"})
""", ("-k", "asgi", "--asgi-lifespan", "off")),
    "tornado application": (TORNADO, ("-k", "tornado")),
}
QUICK = ("sync", "gthread", "gevent", "asgi application", "worker of its own loop")
PARAMS = [kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.slow) for kind in CASES]
#: Those that know no HTTP/2, and those that close after each answer.
HTTP1_ONLY = ("worker of its own loop", "tornado application")
CLOSES = ("worker of its own loop", )


def answers(wire: Wire, *lines: str) -> list[tuple[int, bytes]]:
    """Those to several requests on one connection."""
    found = []
    for line in lines:
        wire.send(f"{line} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nxy".encode())
        answer = wire.read_response(line.partition(" ")[0])
        found.append((answer.status, answer.body))
    return found


def asked(server: Server, line: str) -> tuple[int, bytes]:
    with server.connect() as wire:
        return answers(wire, line)[0]


@pytest.mark.parametrize("kind", PARAMS)
def test_a_worker_answers_without_its_application(kind: str, serve: Serve) -> None:
    app, args = CASES[kind]
    server = serve(app, *args, *ARGS, "--shutdown-delay", "20")
    lines = {"GET /healthz": (200, b"ok"), "HEAD /healthz": (200, b""), "GET /healthz?a=b": (200, b"ok"),
             "POST /healthz": (200, b"app"), "GET /healthz/": (200, b"app"), "GET /": (200, b"app")}
    if kind in CLOSES:
        assert [asked(server, line) for line in lines] == list(lines.values())
    else:
        with server.connect() as wire:
            assert answers(wire, *lines) == list(lines.values())
    served = {"gets": 4, "by the application": 3}
    if kind not in HTTP1_ONLY:
        with HTTP2Client.prior(server.address) as client:
            found = client.request("/healthz")
            assert (found.status, found.body) == (200, b"ok")
            assert found.get("cache-control") == "no-store"
            assert client.request("/").body == b"app"
        served = {"gets": 6, "by the application": 4}
    face = face_of(server)
    numbers = wait_for_counts(face, {("GET", "2xx"): served["gets"], ("HEAD", "2xx"): 1, ("POST", "2xx"): 1})
    assert value(numbers, "gunicorn_request_duration_seconds_count") == served["by the application"]
    assert value(numbers, "gunicorn_requests_in_flight") == 0
    for word, said in (("on", (503, b"leaving")), ("off", (200, b"ok"))):
        ask(server.folder / "gunicorn.ctl", f"drain {word}")
        assert asked(server, "GET /healthz") == said
    server.send_signal(signal.SIGTERM)
    wait_until(lambda: value(samples(face), "gunicorn_ready") == 0)
    assert asked(server, "GET /healthz") == (503, b"leaving")
    assert asked(server, "GET /") == (200, b"app"), "it serves on"
    assert server.stop(signal.SIGINT) == 0
    calls = (server.folder / "calls").read_text().split()
    assert set(calls) == {"POST/healthz", "GET/healthz/", "GET/"}
    logged = Path(server.folder / "access").read_text()
    assert "/healthz HTTP" not in logged.replace("POST /healthz", "")
    assert "GET / HTTP/1.1" in logged


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
def test_it_is_answered_where_no_more_requests_may_run(http2: bool, serve: Serve) -> None:
    server = serve(APP, "-k", "gthread", "--threads", "2", "--limit-concurrency", "1", *ARGS)
    with server.connect() as wire:
        wire.send(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_until(lambda: (server.folder / "calls").exists())
        if http2:
            with HTTP2Client.prior(server.address) as client:
                assert [client.request(path).status for path in ("/healthz", "/", "/healthz")] == [200, 503, 200]
        else:
            assert [asked(server, line)[0] for line in ("GET /healthz", "GET /", "GET /healthz")] == [200, 503, 200]
        (server.folder / "go").touch()
        assert wire.read_response().status == 200


def test_a_worker_that_comes_while_the_server_is_drained_says_so(serve: Serve) -> None:
    server = serve(APP, *ARGS)
    ask(server.folder / "gunicorn.ctl", "drain on")
    (pid,) = server.worker_pids()
    server.send_signal(signal.SIGHUP)
    server.wait_for_workers(lambda pids: bool(pids) and pid not in pids)
    assert asked(server, "GET /healthz") == (503, b"leaving")


def test_it_does_not_use_up_a_worker(serve: Serve) -> None:
    server = serve(APP, "--max-requests", "2", *ARGS)
    (pid,) = server.worker_pids()
    with server.connect() as wire:
        assert answers(wire, *["GET /healthz"] * 5) == [(200, b"ok")] * 5
    assert server.worker_pids() == [pid]


@pytest.mark.parametrize("path", ["healthz", "/a b", "/a?b", "/a#b", "/\u00e4"])
def test_a_value_that_is_no_path(path: str) -> None:
    with pytest.raises((ConfigError, ValueError), match="expected a path that begins with a slash"):
        Config().set("health_path", path)
