"""What each worker type writes into its page of the scoreboard, as the master reads it without asking anyone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conftest import Serve
from tests.support.server import Server
from tests.support.wait import wait_until
from tests.workers.kinds import KINDS

# The master's own reading, written down twenty times a second.
CONFIG = """
import json, os
# Before gevent or eventlet make something else of them.
from _thread import start_new_thread
from time import monotonic, sleep
from gunicorn.instrument.scoreboard import STATE_NAMES

def when_ready(server):
    def read():
        while True:
            pages = [page(slot) for slot in server.scoreboard.slots if slot.pid]
            with open("board.new", "w") as file:
                json.dump(pages, file)
            os.rename("board.new", "board.json")
            sleep(0.05)
    start_new_thread(read, ())

def page(slot):
    running = slot.in_flight()
    now = monotonic()
    return {
        "pid": slot.pid, "state": STATE_NAMES[slot.state], "beat": now - slot.heartbeat, "requests": slot.requests,
        "errors": slot.errors, "bytes": slot.bytes_sent, "running": slot.running, "connections": slot.connections,
        "in_flight": running and [running[0].decode(), now - running[1]],
        "histogram": slot.histogram,
    }
"""
WSGI = """
import os, time
def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/raise":
        raise RuntimeError("on purpose")
    if path == "/wait":
        time.sleep(0.4)
        while not os.path.exists("seen"):
            time.sleep(0.01)
    start_response("200 OK", [("Content-Length", "5")])
    return [b"12345"]
"""
ASGI = """
import asyncio, os
async def app(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError
    if scope["path"] == "/raise":
        raise RuntimeError("on purpose")
    if scope["path"] == "/wait":
        await asyncio.sleep(0.4)
        while not os.path.exists("seen"):
            await asyncio.sleep(0.01)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"12345"})
"""
TORNADO = """
import asyncio, os, tornado.web
class Handler(tornado.web.RequestHandler):
    async def get(self):
        if self.request.path == "/raise":
            raise RuntimeError("on purpose")
        if self.request.path == "/wait":
            await asyncio.sleep(0.4)
            while not os.path.exists("seen"):
                await asyncio.sleep(0.01)
        self.write("12345")
app = tornado.web.Application([(".*", Handler)])
"""
CASES = {
    **{kind: (WSGI, args) for kind, args in KINDS.items() if kind != "gevent_pywsgi"},
    "asgi application": (ASGI, ("-k", "asgi")),
    "tornado application": (TORNADO, ("-k", "tornado")),
}


QUICK = ("sync", "asgi application")
PARAMS = [kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.slow) for kind in CASES]


def page(server: Server) -> dict[str, Any]:
    (found,) = json.loads((server.folder / "board.json").read_text())
    return dict(found)


def is_ready(server: Server) -> bool:
    file = server.folder / "board.json"
    return file.exists() and [found["state"] for found in json.loads(file.read_text())] == ["ready"]


@pytest.mark.parametrize("kind", PARAMS)
def test_the_page_tells(kind: str, serve: Serve) -> None:
    app, args = CASES[kind]
    server = serve(app, *args, config=CONFIG, expect_traceback=True)
    (pid,) = server.worker_pids()
    wait_until(lambda: is_ready(server))
    assert page(server)["pid"] == pid
    for path in ("/", "/", "/raise"):
        server.get(path)
    with server.connect() as wire:
        wire.send(b"GET /wait?a=b HTTP/1.1\r\nHost: a\r\n\r\n")
        # The one before may be seen to its end a moment after its client has the answer.
        running = wait_until(
            lambda: (now := page(server))["in_flight"] and now["in_flight"][0] == "GET /wait?a=b" and now,
            what="the request to be seen",
        )
        assert running["in_flight"][1] >= 0
        assert (running["state"], running["running"]) == ("busy", 1)
        (server.folder / "seen").touch()
        assert wire.read_response().body == b"12345"
        last = wait_until(lambda: (now := page(server))["requests"] == 4 and now, what="the end of it to be seen")
        assert last["in_flight"] is None
        assert (last["state"], last["running"], last["errors"]) == ("ready", 0, 1)
        assert last["bytes"] >= 15
        assert sum(last["histogram"]) == 4
        # 0.4 s are more than 2**18 microseconds; how long the others took is the machine's affair.
        assert sum(last["histogram"][19:]) >= 1
        # Counted once a second.
        wait_until(lambda: page(server)["connections"] == 1 and page(server)["beat"] < 1.5)
