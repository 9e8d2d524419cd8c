"""An application's folder with a file for every standard module: the server imports none of them for itself."""

from __future__ import annotations

import os
import sys
from importlib.machinery import BuiltinImporter, PathFinder
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.server import Server
from tests.support.wire import request

LIBRARY = os.path.dirname(os.__file__)

APPLICATION = """
import colorsys

def app(environ, start_response):
    body = b"%d %s" % (len(environ["wsgi.input"].read()), colorsys.MINE)
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]

def make(name, *, loud=False):
    return app

async def in_asgi(scope, receive, send):
    assert scope["type"] == "http"
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message["body"]), message["more_body"]
    body = b"%d %s" % (size, colorsys.MINE)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})
"""
TRAP = "raise RuntimeError('the server has taken {name} of the application for its own')\n"


def poison(folder: Path) -> None:
    """Lay a trap under the name of every module that the library has here; the application has one of its own, too."""
    places = [place for place in sys.path if place == LIBRARY or place.endswith("/lib-dynload")]
    # `__future__` is a word of the language, and read before there is a server.
    for name in sys.stdlib_module_names - {"__future__"}:
        if BuiltinImporter.find_spec(name) is not None or PathFinder.find_spec(name, places) is not None:
            (folder / f"{name}.py").write_text(TRAP.format(name=name))
    (folder / "colorsys.py").write_text("MINE = b'of the application'\n")


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        ("sync", "shop:make('x', loud=True)"), ("gthread", "shop:make('x')"), ("gevent", "shop:app"),
        ("eventlet", "shop:app"), ("tornado", "shop:app"), ("gaiohttp", "shop:app"), ("asgi", "shop:in_asgi"),
    ],
)
def test_all_that_is_imported_late(tmp_path: Path, kind: str, target: str) -> None:
    """Groups, log configuration, syslog, statsd, networks, factories, bodies in files, user names in the log."""
    library = {"gaiohttp": "aiohttp"}.get(kind, kind)
    if kind in ("gevent", "eventlet", "tornado", "gaiohttp") and find_spec(library) is None:
        pytest.skip(f"needs {library}")
    config = """
        import colorsys

        assert colorsys.MINE
        group = __import__("os").getegid()
        logconfig_dict = {"version": 1}
        statsd_host = "127.0.0.1:9"
        syslog = True
        syslog_addr = "udp://localhost:9"
        forwarded_allow_ips = "10.0.0.0/8"
        forwarded_for = "x-forwarded-for"
        access_log_format = "%(u)s"
        accesslog = "-"
    """
    # Eventlet says that it has been imported late, with a traceback of its own.
    server = Server(tmp_path, "", "-k", kind, config=config, target=target, expect_traceback=kind == "eventlet")
    (tmp_path / "shop.py").write_text(APPLICATION)
    poison(tmp_path)
    try:
        server.start()
        body = b"x" * 300_000
        head = b"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic YTpi\r\nContent-Length: %d\r\n\r\n" % len(body)
        answer = request(server.address, head + body)
        assert (answer.status, answer.body) == (200, b"300000 of the application")
        assert server.stop() == 0
        assert "has taken" not in server.log()
    finally:
        server.kill()


SPAWNING = """
import multiprocessing
import chores

def app(environ, start_response):
    context = multiprocessing.get_context("spawn")
    queue = context.SimpleQueue()
    child = context.Process(target=chores.work, args=(queue,))
    child.start()
    body = queue.get()
    child.join()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""


def test_a_child_that_is_spawned_finds_the_applications_modules(tmp_path: Path) -> None:
    """It runs the file of `python -m gunicorn` as its own main module."""
    (tmp_path / "chores.py").write_text("def work(queue):\n    queue.put(b'done')\n")
    server = Server(tmp_path, SPAWNING)
    try:
        assert server.start().get("/").body == b"done"
        assert server.stop() == 0
    finally:
        server.kill()
