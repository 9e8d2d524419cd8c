"""Workers of other packages, run unchanged with applications of their own, through the life of a server."""

from __future__ import annotations

import os
import signal

import pytest

from tests.conftest import Serve
from tests.support.server import Server
from tests.support.wait import wait_until

ASGI = '''
import os

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = str(os.getpid()).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})
'''

AIOHTTP = '''
import os
from aiohttp import web

async def pid(request):
    return web.Response(text=str(os.getpid()))

app = web.Application()
app.router.add_get("/", pid)
'''

AIOHTTP_FACTORY = AIOHTTP.replace("app = ", "made = ").replace("app.", "made.") + '''
async def app():
    return made
'''

TORNADO = '''
import os
from tornado.web import Application, RequestHandler

class Pid(RequestHandler):
    def get(self):
        self.write(str(os.getpid()))

app = Application([("/", Pid)])
'''

#: name -> (worker class, application)
GUESTS = {
    "uvicorn": ("uvicorn_worker.UvicornWorker", ASGI),
    "uvicorn-h11": ("uvicorn_worker.UvicornH11Worker", ASGI),
    "aiohttp": ("aiohttp.worker.GunicornWebWorker", AIOHTTP),
    "aiohttp-factory": ("aiohttp.worker.GunicornWebWorker", AIOHTTP_FACTORY),
    "aiohttp-uvloop": ("aiohttp.worker.GunicornUVLoopWebWorker", AIOHTTP),
    "tornado": ("tornado", TORNADO),
    "gaiohttp": ("gaiohttp", AIOHTTP),
}


def pid_of(server: Server) -> int | None:
    """Who answers; each time on a connection of its own. None when nobody does."""
    try:
        # aiohttp, when it leaves, may take one more connection and answer nothing on it until the client gives up.
        # And guests close their listener when they leave; for a moment nobody may be there.
        response = server.get("/", "Connection: close", timeout=3)
    except (OSError, AssertionError):
        return None
    assert response.status == 200
    return int(response.body)


@pytest.mark.parametrize("name", GUESTS)
def test_the_life_of_a_guest(name: str, make_server: Serve) -> None:
    kind, app = GUESTS[name]
    server = make_server(app, "-k", kind, "--workers", "2", "--graceful-timeout", "5").start(2)
    first = set(server.wait_for_workers(lambda pids: len(pids) == 2))
    wait_until(lambda: pid_of(server) in first)

    server.send_signal(signal.SIGHUP)
    second = set(server.wait_for_workers(lambda pids: len(pids) == 2 and not first & set(pids)))
    wait_until(lambda: pid_of(server) in second)

    victim = min(second)
    os.kill(victim, signal.SIGKILL)
    third = set(server.wait_for_workers(lambda pids: len(pids) == 2 and victim not in pids))
    wait_until(lambda: pid_of(server) in third)

    with server.connect() as kept:
        kept.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert kept.read_response().status == 200
        assert server.stop() == 0


@pytest.mark.parametrize("name", GUESTS)
def test_a_guest_is_recycled(name: str, serve: Serve) -> None:
    kind, app = GUESTS[name]
    server = serve(app, "-k", kind, "--max-requests", "3")
    pids: set[int | None] = set()

    def another() -> bool:
        pids.add(pid_of(server))
        return len(pids - {None}) > 2

    wait_until(another)


def test_uvicorn_serves_what_is_mounted(serve: Serve) -> None:
    """It is one application of ASGI for it, with one lifespan."""
    server = serve(ASGI, "-k", "uvicorn_worker.UvicornWorker", "--mount", "/a=app:app", target=None)
    server.wait_for_log("Application startup complete")
    assert server.get("/a/x").status == 200
    assert server.get("/b").status == 404


@pytest.mark.parametrize("name", ["uvicorn", "aiohttp"])
def test_a_guest_notices_that_its_boot_failed(name: str, make_server: Serve) -> None:
    kind, _ = GUESTS[name]
    server = make_server("import nothing_of_that_name", "-k", kind, expect_traceback=True).spawn()
    assert server.wait() == 3
    assert "nothing_of_that_name" in server.log()
