"""Ids of requests, with every worker type and protocol: application, client and both logs have the same one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Serve
from tests.support.control import ask
from tests.support.http2 import HTTP2Client
from tests.support.server import Server
from tests.support.wait import PATIENCE, wait_until
from tests.workers.kinds import PARAMS, Servers, one_of_each

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
ARGS = ("--request-id-header", "X-Request-ID", "--log-format", "json", "--access-logfile", "access")
HTTP2 = ("--http2-cleartext", "prior-knowledge")

APP = '''
import logging, os, time
log = logging.getLogger("gunicorn.error")

def app(environ, start_response):
    log.info("serving %s", environ["PATH_INFO"])
    if environ["PATH_INFO"] == "/raise":
        raise RuntimeError("on purpose")
    while environ["PATH_INFO"] == "/wait" and not os.path.exists("go"):
        time.sleep(0.01)
    fields = [("X-Request-ID", "own")] if environ["PATH_INFO"] == "/own" else []
    start_response("200 OK", fields)
    return [(environ["HTTP_X_REQUEST_ID"] + " " + environ["gunicorn.request_id"]).encode()]
'''


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    yield from one_of_each(tmp_path_factory, APP, *ARGS, *HTTP2)


def objects(path: Path) -> list[dict[str, Any]]:
    """What a log holds; libraries may print beside it."""
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.startswith("{") and line.endswith("\n")]


def line_of(server: Server, path: str) -> dict[str, Any]:
    """The line of the access log about a path, of which there is one."""
    def find() -> list[dict[str, Any]]:
        return [each for each in objects(server.folder / "access") if each["path"] == path]

    wait_until(find, PATIENCE, server.describe)
    (line,) = find()
    return line


def told(server: Server, message: str) -> dict[str, Any]:
    """The object of the error log with this message."""
    def find() -> list[dict[str, Any]]:
        return [each for each in objects(server.log_path) if each["message"].startswith(message)]

    wait_until(find, PATIENCE, server.describe)
    return find()[-1]


def running(server: Server) -> list[tuple[str, str]]:
    """The requests of now, and their ids."""
    rows = ask(server.folder / "gunicorn.ctl", "show requests")["requests"]
    return [(row["line"], row["request_id"]) for row in rows]


@pytest.mark.parametrize("kind", PARAMS)
def test_everybody_has_the_same(kind: str, servers: Servers) -> None:
    server = servers(kind)
    answer = server.get("/given", "X-Request-ID: from.the-proxy_1")
    assert answer.get("X-Request-ID") == "from.the-proxy_1"
    assert answer.body == b"from.the-proxy_1 from.the-proxy_1"

    answer = server.get("/made", "X-Request-ID: no id")
    made = answer.get("X-Request-ID")
    assert made is not None
    assert UUID7.fullmatch(made)
    assert answer.body.decode() == f"{made} {made}"

    # Of its own, the client hears; the logs go on with the one that all have.
    answer = server.get("/own", "X-Request-ID: theirs")
    assert answer.all("X-Request-ID") == ["own"]

    answer = server.get("/raise", "X-Request-ID: failing")
    assert (answer.status, answer.get("X-Request-ID")) == (500, "failing")

    with HTTP2Client.prior(server.address) as client:
        second = client.request("/second", ("x-request-id", "on.a.stream"))
        assert second.get("x-request-id") == "on.a.stream"
        assert second.body == b"on.a.stream on.a.stream"

    # Whoever looks meanwhile sees it.
    with server.connect() as wire:
        wire.send(b"GET /wait HTTP/1.1\r\nHost: h\r\nX-Request-ID: it.waits\r\n\r\n")
        wait_until(lambda: running(server) == [("GET /wait", "it.waits")], PATIENCE, server.describe)
        (server.folder / "go").touch()
        assert wire.read_response().status == 200

    # What is refused has one too, and no line of another time has.
    with server.connect() as wire:
        wire.send(b"GET /refused HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n")
        refused = wire.read_response()
    assert refused.status == 400

    # The logs, last: lines of the access log are gathered.
    ids = {"/given": "from.the-proxy_1", "/made": made, "/own": "theirs", "/raise": "failing", "/second": "on.a.stream",
           "/refused": refused.get("X-Request-ID")}
    for path, known in ids.items():
        assert line_of(server, path)["request_id"] == known, path
        if path != "/refused":
            assert told(server, f"serving {path}")["request_id"] == known
    assert line_of(server, "/second")["protocol"] == "HTTP/2.0"
    line = told(server, "Error handling request GET /raise")
    assert line["request_id"] == "failing"
    assert line["exception"]["type"] == "RuntimeError"
    assert told(server, "Invalid request")["request_id"] == refused.get("X-Request-ID")
    assert all("request_id" not in each for each in objects(server.log_path) if "Booting" in each["message"])


ASGI = '''
import asyncio
import logging
log = logging.getLogger("gunicorn.error")

async def app(scope, receive, send):
    headers = [value for name, value in scope["headers"] if name == b"x-request-id"]
    found = b" ".join([*headers, scope["extensions"]["gunicorn"]["request_id"].encode()])
    log.info("serving %s", scope["path"])
    if scope["path"].startswith("/later"):
        await asyncio.sleep(0.01)
    if scope["path"].endswith("/raise"):
        raise RuntimeError("on purpose")
    if scope["path"].endswith("/nothing"):
        return
    await receive()
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": found.decode()})
        await send({"type": "websocket.close"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": found})
'''


def test_asgi(serve: Serve) -> None:
    server = serve(ASGI, "-k", "asgi", "--asgi-lifespan", "off", *ARGS, *HTTP2, expect_traceback=True)
    answer = server.get("/a", "X-Request-ID: one")
    assert (answer.body, answer.get("X-Request-ID")) == (b"one one", "one")
    assert line_of(server, "/a")["request_id"] == "one"
    assert told(server, "serving /a")["request_id"] == "one"
    for path, message in (
        ("/raise", "Exception in ASGI application: /raise"), ("/nothing", "ASGI: /nothing: the"),
        ("/later/raise", "Exception in ASGI application: /later/raise"),
        ("/later/nothing", "ASGI: /later/nothing: the"),
    ):
        answer = server.get(path, "X-Request-ID: failing")
        assert (answer.status, answer.get("X-Request-ID")) == (500, "failing")
        assert told(server, message)["request_id"] == "failing"
    with HTTP2Client.prior(server.address) as client:
        second = client.request("/second")
        made = second.get("x-request-id")
        assert made is not None
        assert second.body == f"{made} {made}".encode()
    with server.connect() as wire:
        wire.send(HANDSHAKE)
        accepted = wire.read_head()
        assert (accepted.status, accepted.get("X-Request-ID")) == (101, "socket")
        assert wire.read_exactly(2 + len(b"socket socket"))[2:] == b"socket socket"
    assert told(server, "serving /socket")["request_id"] == "socket"
    assert (line_of(server, "/socket")["request_id"], line_of(server, "/socket")["status"]) == ("socket", 101)
    assert server.stop() == 0
    assert "request_id" not in told(server, "Worker exiting")


@pytest.mark.parametrize("kind", ["sync", "app.Accepts"])
def test_a_line_after_a_request_is_about_none(kind: str, serve: Serve) -> None:
    server = serve(ACCEPTS + APP, "-k", kind, *ARGS)
    assert server.get("/", "X-Request-ID: given", "Connection: close").status == 200
    assert server.stop() == 0
    assert told(server, "serving /")["request_id"] == "given"
    assert "request_id" not in told(server, "Worker exiting")


HANDSHAKE = (
    b"GET /socket HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX-Request-ID: socket\r\n\r\n"
)


def test_text_lines_and_the_time_limit(serve: Serve) -> None:
    """In brackets in front of the message; the line of a request that takes too long tells whose it is, too."""
    app = """
    import logging, time
    def app(environ, start_response):
        logging.getLogger("gunicorn.error").info("serving")
        time.sleep(60 if environ["PATH_INFO"] == "/slow" else 0)
        start_response("200 OK", [])
        return [b""]
    """
    server = serve(
        app, "-k", "gthread", "--threads", "2", "--request-timeout", "0.5", "--request-id-header", "X-Request-ID",
        "--access-logfile", "access", "--access-logformat", "%({request-id}g)s %(s)s", "--graceful-timeout", "1")
    assert server.get("/", "X-Request-ID: quick").get("X-Request-ID") == "quick"
    server.wait_for_log(r"\[INFO\] \[quick\] serving$")
    answer = server.get("/slow", "X-Request-ID: late")
    assert (answer.status, answer.get("X-Request-ID")) == (504, "late")
    server.wait_for_log(r"\[CRITICAL\] \[late\] REQUEST TIMEOUT ")
    log = server.folder / "access"
    wait_until(lambda: log.read_text().splitlines() == ["quick 200", "late 504"], PATIENCE, server.describe)


TORNADO = '''
import logging
import tornado.web

class Handler(tornado.web.RequestHandler):
    async def get(self):
        logging.getLogger("gunicorn.error").info("serving %s", self.request.path)
        if self.request.path == "/own":
            self.set_header("X-Request-ID", "own")
        self.write(" ".join(self.request.headers.get_list("X-Request-ID")))

app = tornado.web.Application([(".*", Handler)])
'''


def test_an_application_of_tornado(serve: Serve) -> None:
    server = serve(TORNADO, "-k", "tornado", *ARGS)
    answer = server.get("/given", "X-Request-ID: given")
    assert (answer.get("X-Request-ID"), answer.body) == ("given", b"given")
    assert line_of(server, "/given")["request_id"] == "given"
    assert told(server, "serving /given")["request_id"] == "given"
    made = server.get("/made", "X-Request-ID: no id").get("X-Request-ID")
    assert made is not None
    assert UUID7.fullmatch(made)
    assert told(server, "serving /made")["request_id"] == made
    assert server.get("/own", "X-Request-ID: x").all("X-Request-ID") == ["own"]


ACCEPTS = '''
from gunicorn.workers.sync import SyncWorker

class Accepts(SyncWorker):
    def accept(self, listener):
        super().accept(listener)
'''


def test_a_worker_that_accepts_for_itself(serve: Serve) -> None:
    server = serve(ACCEPTS + APP, "-k", "app.Accepts", *ARGS, expect_traceback=True)
    answer = server.get("/given", "X-Request-ID: given", "Connection: close")
    assert (answer.get("X-Request-ID"), answer.body) == ("given", b"given given")
    assert line_of(server, "/given")["request_id"] == "given"
    assert told(server, "serving /given")["request_id"] == "given"
    made = server.get("/made", "X-Request-ID: no id", "Connection: close").get("X-Request-ID")
    assert made is not None
    assert UUID7.fullmatch(made)
    assert server.get("/own", "X-Request-ID: x", "Connection: close").all("X-Request-ID") == ["own"]
    assert server.get("/raise", "X-Request-ID: failing", "Connection: close").status == 500
    assert told(server, "Error handling request GET /raise")["request_id"] == "failing"
    assert line_of(server, "/raise")["request_id"] == "failing"
