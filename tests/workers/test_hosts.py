"""Where the library brings its own server: Tornado applications, and handlers made for gevent's pywsgi."""

from __future__ import annotations

import logging
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest

from gunicorn.guests.gevent_pywsgi import logger_of
from tests.conftest import Serve
from tests.support.wait import wait_until
from tests.support.wire import Wire
from tests.workers.test_contract import is_accepting

TORNADO = '''
import asyncio, hashlib, os
from tornado.web import Application, RequestHandler

class Hello(RequestHandler):
    def get(self, name):
        self.write({"hello": name})

class Slow(RequestHandler):
    async def get(self, seconds):
        await asyncio.sleep(float(seconds))
        self.write("slept")

class Gate(RequestHandler):
    async def get(self):
        open("waiting", "w").close()
        while not os.path.exists("open"):
            await asyncio.sleep(0.01)
        self.write("opened")

class Upload(RequestHandler):
    def post(self):
        self.write(hashlib.sha256(self.request.body).hexdigest())

class Wrong(RequestHandler):
    def get(self):
        raise RuntimeError("on purpose")

app = Application([
    (r"/hello/(.*)", Hello), (r"/slow/(.*)", Slow), ("/gate", Gate), ("/upload", Upload), ("/wrong", Wrong),
])
'''
TORNADO_FLAGS = ("-k", "tornado", "--access-logfile", "access.log")


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()


class TestTornado:
    def test_requests_on_one_connection_and_their_access_lines(self, serve: Serve) -> None:
        server = serve(TORNADO, *TORNADO_FLAGS, expect_traceback=True)
        with server.connect() as wire:
            for path, status, body in (
                ("/hello/you", 200, b'{"hello": "you"}'), ("/nowhere", 404, b""), ("/wrong", 500, b""),
                ("/slow/0.01", 200, b"slept"),
            ):
                wire.send(get(path))
                response = wire.read_response()
                assert (response.status, response.get("Connection")) == (status, None)
                assert body in response.body
            body = bytes(range(256)) * 4000
            wire.send(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            assert len(wire.read_response().body) == 64
        access = Path(server.folder / "access.log")
        for line in ("GET /hello/you", "200 16", "GET /nowhere", "404", "POST /upload", "200 64"):
            wait_until(lambda line=line: line in access.read_text())

    def test_a_stop_lets_requests_end_and_says_close(self, serve: Serve) -> None:
        server = serve(TORNADO, *TORNADO_FLAGS)
        with server.connect() as running, server.connect() as idle:
            idle.send(get("/hello/a"))
            assert idle.read_response().status == 200
            running.send(get("/gate"))
            wait_until((server.folder / "waiting").exists)
            (worker,) = server.worker_pids()
            server.send_signal(signal.SIGTERM)
            wait_until(lambda: not is_accepting(worker, server.port), what="the worker's stop")
            idle.send(get("/hello/b"))
            response = idle.read_response()
            assert (response.status, response.get("Connection")) == (200, "close")
            (server.folder / "open").touch()
            response = running.read_response()
            assert (response.body, response.get("Connection")) == (b"opened", "close")
        assert server.wait() == 0


PYWSGI = '''
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"handled by " + environ["handler"].encode()]
'''
PYWSGI_WORKER = '''
from gevent.pywsgi import WSGIHandler
from gunicorn.workers.ggevent import GeventPyWSGIWorker

class Handler(WSGIHandler):
    def get_environ(self):
        return super().get_environ() | {"handler": type(self).__name__}

class Worker(GeventPyWSGIWorker):
    wsgi_handler = Handler
'''


def test_a_handler_for_pywsgi_serves(serve: Serve, tmp_path: Path) -> None:
    """As packages with WebSocket handlers for gevent bring one."""
    (tmp_path / "handlers.py").write_text(PYWSGI_WORKER)
    server = serve(PYWSGI, "-k", "handlers.Worker", "--pythonpath", str(tmp_path))
    with Wire(server.address) as wire:
        for _ in range(2):
            wire.send(get("/"))
            answer = wire.read_response()
            assert answer.body == b"handled by Handler"
            # As it can be counted, gevent tells it.
            assert answer.get("Content-Length") == "18"


@pytest.mark.parametrize("name", ["error", "access"])
def test_the_logger_behind_a_log_that_names_none(name: str) -> None:
    own = logging.getLogger("own")
    assert logger_of(SimpleNamespace(**{f"{name}_log": own}), name) is own
    assert logger_of(SimpleNamespace(), name) is logging.getLogger(f"gunicorn.{name}")
