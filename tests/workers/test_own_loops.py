"""Workers that accept and read for themselves, written after the patterns that third parties know, on the names they
import: each serves, is told of errors, reloads and stops."""

from __future__ import annotations

import signal
import socket

import pytest

from tests.conftest import Serve
from tests.support.server import Server
from tests.support.wait import wait_until
from tests.support.wire import Wire

APP = '''
def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/boom":
        raise ValueError("boom")
    if path == "/half":
        return half(start_response)
    if path == "/file":
        start_response("200 OK", [])
        return environ["wsgi.file_wrapper"](open(__file__, "rb"))
    if path == "/errors":
        environ["wsgi.errors"].write("said by the application\\n")
    body = environ["wsgi.input"].read()
    text = "%s %s?%s %s %s " % (environ["REQUEST_METHOD"], path, environ["QUERY_STRING"],
                                environ["SERVER_PORT"] != "", environ["REMOTE_ADDR"])
    start_response("200 OK", [("Content-Type", "text/plain")])
    return iter([text.encode(), body])

def half(start_response):
    start_response("200 OK", [("Content-Length", "10")])
    yield b"12345"
    raise ValueError("half")
'''

#: Nothing but `Worker`, and the parts: the loop, the requests, the answer.
PARTS = '''
import select, socket
from datetime import timedelta
from gunicorn.http import RequestParser
from gunicorn.http.errors import NoMoreData, ParseException
from gunicorn.http.wsgi import FileWrapper, Response, create
from gunicorn.util import close
from gunicorn.workers.base import Worker

class Mine(Worker):
    def run(self):
        self.log.info("mine: run")
        for listener in self.sockets:
            listener.setblocking(False)
        while self.alive:
            self.notify()
            for listener in select.select(self.sockets, [], [], 0.1)[0]:
                try:
                    client, address = listener.accept()
                except BlockingIOError:
                    continue
                client.setblocking(True)
                self.converse(listener, client, address)

    def converse(self, listener, client, address):
        req = None
        try:
            for req in RequestParser(self.cfg, client, address):
                self.cfg.pre_request(self, req)
                resp, environ = create(req, client, address, listener.getsockname(), self.cfg)
                assert type(resp) is Response
                items = self.wsgi(environ, resp.start_response)
                try:
                    if isinstance(items, FileWrapper):
                        resp.write_file(items)
                    else:
                        for item in items:
                            resp.write(item)
                    resp.close()
                    self.log.access(resp, req, environ, timedelta(seconds=0.5))
                finally:
                    if hasattr(items, "close"):
                        items.close()
                if resp.should_close():
                    break
                self.nr += 1
        except NoMoreData:
            pass
        except Exception as error:
            self.handle_error(req, client, address, error)
        finally:
            close(client)
'''

#: `AsyncWorker`, and a thread a connection.
THREADS = '''
import contextlib, select, threading
from gunicorn.workers.base_async import AsyncWorker

class Mine(AsyncWorker):
    def timeout_ctx(self):
        return contextlib.nullcontext()

    def run(self):
        self.log.info("mine: run")
        threads = []
        while self.alive:
            self.notify()
            for listener in select.select(self.sockets, [], [], 0.1)[0]:
                try:
                    client, address = listener.accept()
                except BlockingIOError:
                    continue
                client.setblocking(True)
                threads.append(threading.Thread(target=self.handle, args=(listener, client, address), daemon=True))
                threads[-1].start()

    def init_process(self):
        for listener in self.sockets:
            listener.setblocking(False)
        super().init_process()

    def handle_request(self, listener_name, req, sock, addr):
        self.log.info("mine: %s %s of %s", req.method, req.path, req.req_number)
        return super().handle_request(listener_name, req, sock, addr)
'''

SUBCLASS = '''
from gunicorn.workers.{module} import {base}

class Mine({base}):
    def run(self):
        self.log.info("mine: run")
        super().run()

    def {method}(self, *args):
        self.log.info("mine: {method} %s", type(args[0]).__name__ if args else "")
        return super().{method}(*args)
'''

PYWSGI = '''
from gunicorn.workers.ggevent import GeventPyWSGIWorker, PyWSGIHandler, PyWSGIServer

class Handler(PyWSGIHandler):
    def get_environ(self):
        environ = super().get_environ()
        assert environ["gunicorn.sock"] is self.socket
        assert environ["RAW_URI"] == self.path
        return environ

class Mine(GeventPyWSGIWorker):
    server_class = PyWSGIServer
    wsgi_handler = Handler

    def run(self):
        self.log.info("mine: run")
        super().run()
'''

#: A `server_class` that is a method around the one of before.
WRAPPED = '''
from gunicorn.workers.ggevent import GeventPyWSGIWorker

class Mine(GeventPyWSGIWorker):
    wrapped = GeventPyWSGIWorker.server_class

    def server_class(self, s, application, spawn, log, handler_class, environ, **ssl_args):
        self.log.info("mine: run")
        return self.wrapped(s, application=application, spawn=spawn, log=log, handler_class=handler_class,
                            environ=environ, **ssl_args)
'''

CLASSES = {
    "parts": PARTS,
    "threads": THREADS,
    "sync-handle": SUBCLASS.format(module="sync", base="SyncWorker", method="handle"),
    "sync-accept": SUBCLASS.format(module="sync", base="SyncWorker", method="accept"),
    "sync-wait": SUBCLASS.format(module="sync", base="SyncWorker", method="wait"),
    "sync-run": SUBCLASS.format(module="sync", base="SyncWorker", method="run_for_one"),
    "sync-request": SUBCLASS.format(module="sync", base="SyncWorker", method="handle_request"),
    "gthread-handle": SUBCLASS.format(module="gthread", base="ThreadWorker", method="handle"),
    "gthread-accept": SUBCLASS.format(module="gthread", base="ThreadWorker", method="accept"),
    "gthread-enqueue": SUBCLASS.format(module="gthread", base="ThreadWorker", method="enqueue_req"),
    "gthread-finish": SUBCLASS.format(module="gthread", base="ThreadWorker", method="finish_request"),
    "gthread-request": SUBCLASS.format(module="gthread", base="ThreadWorker", method="handle_request"),
    "gevent-handle": SUBCLASS.format(module="ggevent", base="GeventWorker", method="handle"),
    "gevent-request": SUBCLASS.format(module="ggevent", base="GeventWorker", method="handle_request"),
    "eventlet-handle": SUBCLASS.format(module="geventlet", base="EventletWorker", method="handle"),
    "pywsgi": PYWSGI,
    "pywsgi-wrapped": WRAPPED,
}
#: Serve one request a connection.
ONCE = ("sync-handle", "sync-accept", "sync-wait", "sync-run")
MARKED = {"sync-handle": "handle TCPSocket", "sync-accept": "accept", "sync-wait": "wait", "gthread-handle": "handle",
          "sync-run": "run_for_one", "gthread-finish": "finish_request",
          "gthread-accept": "accept", "gthread-enqueue": "enqueue_req", "gevent-handle": "handle",
          "eventlet-handle": "handle", "sync-request": "handle_request TCPSocket", "gthread-request": "handle_request",
          "gevent-request": "handle_request tuple"}


def ask(server: Server, *requests: bytes) -> list[tuple[int, bytes]]:
    """The answers to requests on one connection."""
    answers = []
    with server.connect() as wire:
        for data in requests:
            wire.send(data)
            answer = wire.read_response(data.split(b" ", 1)[0].decode())
            answers.append((answer.status, answer.body))
    return answers


def post(path: str, framing: str, body: bytes) -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n".encode() + body


@pytest.mark.parametrize("name", CLASSES)
def test_serves_and_reloads_and_stops(name: str, make_server: Serve) -> None:
    config = CLASSES[name] + "worker_class = Mine\nkeepalive = 60\naccesslog = '-'\nthreads = 4\n"
    server = make_server(APP, config=config, expect_traceback=True)
    server.start()
    server.wait_for_log("mine: run")
    get = b"GET /a%20b?x=1 HTTP/1.1\r\nHost: a\r\n\r\n"
    hello = (200, b"GET /a b?x=1 True 127.0.0.1 ")
    assert ask(server, get) == [hello]
    if name not in ONCE:
        assert ask(server, get, post("/p", "Content-Length: 3", b"abc"), get) == [
            hello, (200, b"POST /p? True 127.0.0.1 abc"), hello]
    assert ask(server, post("/p", "Content-Length: 3", b"abc")) == [(200, b"POST /p? True 127.0.0.1 abc")]
    chunks = post("/p", "Transfer-Encoding: chunked", b"3\r\nabc\r\n4\r\ndefg\r\n0\r\nX: y\r\n\r\n")
    assert ask(server, chunks) == [(200, b"POST /p? True 127.0.0.1 abcdefg")]
    assert ask(server, b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n") == [(200, b"")]
    assert ask(server, b"GET /file HTTP/1.1\r\nHost: a\r\n\r\n")[0][1].startswith(b"\ndef app(")
    assert ask(server, b"GET /boom HTTP/1.1\r\nHost: a\r\n\r\n")[0][0] == 500
    server.wait_for_log("ValueError: boom")
    assert ask(server, b"GARBAGE\r\n\r\n")[0][0] == 400
    with server.connect() as wire:
        wire.send(b"GET /half HTTP/1.1\r\nHost: a\r\n\r\n")
        assert wire.read_until_eof().endswith(b"\r\n\r\n12345")
    server.wait_for_log("ValueError: half")
    server.wait_for_log(r'"GET /a%20b\?x=1 HTTP/1.1" 200')
    ask(server, b"GET /errors HTTP/1.1\r\nHost: a\r\n\r\n")
    server.wait_for_log("^said by the application$")
    if name in MARKED:
        server.wait_for_log(f"mine: {MARKED[name]}")
    before = set(server.worker_pids())
    server.send_signal(signal.SIGHUP)
    server.wait_for_workers(lambda pids: len(pids) == 1 and not before & set(pids))
    assert ask(server, get) == [hello]
    assert server.stop() == 0


@pytest.mark.parametrize("name", ["sync-handle", "gthread-handle", "gevent-handle", "eventlet-handle", "threads"])
def test_an_answer_is_not_cut_by_a_stop(name: str, make_server: Serve) -> None:
    """The request that runs when the stop begins is answered. (`threads` is its author's: it only has to stop.)"""
    app = '''
import time
def app(environ, start_response):
    environ["wsgi.errors"].write("begun\\n")
    time.sleep(0.5)
    start_response("200 OK", [("Content-Length", "4")])
    return [b"done"]
'''
    server = make_server(app, config=CLASSES[name] + "worker_class = Mine\n")
    server.start()
    with server.connect() as wire:
        wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        server.wait_for_log("^begun")
        server.send_signal(signal.SIGTERM)
        if name != "threads":
            assert wire.read_response().body == b"done"
    assert server.wait() == 0
    server.check_log()


NAMES = {
    "package": "import gunicorn\ngunicorn.SERVER = 'mine'\ngunicorn.SERVER_SOFTWARE = 'soft'\n",
    "module": "import gunicorn.http.wsgi\ngunicorn.http.wsgi.SERVER = 'mine'\n",
    "method": """
from gunicorn.http.wsgi import Response
before = Response.default_headers
Response.default_headers = lambda self: [
    line for line in before(self) if not line.startswith("Server:")] + ["X-Mine: 1\\r\\n"]
""",
    "set": "import gunicorn\ngunicorn.SERVER = 'mine'\nserver_header = 'other'\n",
    "broken": "from gunicorn.http.wsgi import Response\nResponse.default_headers = lambda self: self.nothing\n",
}


@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, kind) for name in NAMES for kind in ("sync", "asgi", "sync-handle")
     if (name, kind) != ("broken", "sync-handle")],
)
def test_names_that_a_configuration_writes_over(name: str, kind: str, serve: Serve) -> None:
    """There was no other way to change the Server field."""
    own = CLASSES["sync-handle"] + "worker_class = Mine\n" if kind == "sync-handle" else f"worker_class = '{kind}'\n"
    app = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "0"), ("X-Software", environ["SERVER_SOFTWARE"])])
    return []
"""
    running = serve(app, config=NAMES[name] + own)
    answer = running.get()
    server = {"package": "mine", "module": "mine", "method": None, "set": "other", "broken": "gunicorn"}[name]
    assert answer.get("server") == server
    assert answer.get("x-mine") == ("1" if name == "method" else None)
    assert (answer.get("x-software") == "soft") is (name == "package")
    if name == "broken":
        running.wait_for_log("The patch of .*default_headers has no effect: AttributeError")


ERRORS = '''
from gunicorn.workers.{module} import {base}

class Mine({base}):
    def handle_error(self, req, client, addr, exc):
        self.log.info("told: %s %s %s", type(exc).__name__, req and req.path, addr[0])
        super().handle_error(req, client, addr, exc)
'''


@pytest.mark.parametrize(
    ("module", "base"),
    [("sync", "SyncWorker"), ("gthread", "ThreadWorker"), ("ggevent", "GeventWorker"), ("sync", "Blocking")],
)
def test_a_handle_error_of_its_own(module: str, base: str, serve: Serve) -> None:
    config = ERRORS.format(module=module, base=base.replace("Blocking", "SyncWorker")) + "worker_class = Mine\n"
    if base == "Blocking":
        config += "Mine.handle = lambda self, *args: super(Mine, self).handle(*args)\n"
    server = serve(APP, config=config, expect_traceback=True)
    assert ask(server, b"GET /boom HTTP/1.1\r\nHost: a\r\n\r\n")[0][0] == 500
    server.wait_for_log("told: ValueError /boom 127.0.0.1")
    assert ask(server, b"GARBAGE\r\n\r\n")[0][0] == 400
    server.wait_for_log("told: InvalidRequestLine None 127.0.0.1")


@pytest.mark.parametrize("name", ["threads", "sync-handle", "gthread-handle", "gevent-handle"])
def test_whose_connection_has_broken(name: str, make_server: Serve) -> None:
    """The application's own connections break with the errors of clients that leave: it is told of with 500."""
    app = """
def app(environ, start_response):
    if environ["PATH_INFO"] == "/endless":
        start_response("200 OK", [])
        return endless(environ)
    if environ["PATH_INFO"] == "/beyond":
        start_response("200 OK", [("Content-Length", "3")])
        return endless(environ)
    start_response("200 OK", [])
    raise {"/reset": ConnectionResetError(104, "of the database"), "/slow": TimeoutError("of the database"),
           "/file": FileNotFoundError("of the application"), "/leaves": SystemExit(0)}[environ["PATH_INFO"]]

def endless(environ):
    try:
        while True:
            yield b"x" * 65536
    finally:
        environ["wsgi.errors"].write("closed\\n")
"""
    config = CLASSES[name] + "worker_class = Mine\naccesslog = '-'\n"
    server = make_server(app, config=config, expect_traceback=True)
    server.start()
    for path in "/reset", "/slow", "/file", "/leaves":
        assert server.get(path).status == 500
        server.wait_for_log(f'"GET {path} HTTP/1.1" 500')
    server.wait_for_log("of the database", count=2)
    with server.connect() as wire:
        wire.send(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
        wire.read_exactly(100000)
    server.wait_for_log("^closed")
    # What has no place is not asked for: these would go on for ever.
    assert ask(server, b"HEAD /endless HTTP/1.1\r\nHost: a\r\n\r\n") == [(200, b"")]
    assert ask(server, b"GET /beyond HTTP/1.1\r\nHost: a\r\n\r\n") == [(200, b"xxx")]
    server.wait_for_log("^closed", count=3)
    with server.connect() as wire:
        wire.send(b"POST /endless HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
    assert server.stop() == 0
    assert "ClientGone" not in server.log()


@pytest.mark.parametrize("name", ["threads", "sync-handle", "gthread-handle", "gevent-handle"])
def test_a_head_that_trickles(name: str, make_server: Serve) -> None:
    server = make_server(APP, config=CLASSES[name] + "worker_class = Mine\nheader_timeout = 1\n")
    server.start()
    with server.connect() as wire:
        wire.send(b"GET /")

        def is_refused() -> bool:
            wire.send(b"a")
            return wire.reset

        wait_until(is_refused)
    assert server.get().status == 200
    assert server.stop() == 0


@pytest.mark.parametrize("name", ["threads", "sync-handle", "gthread-handle", "gevent-handle"])
def test_a_body_that_breaks_off(name: str, make_server: Serve) -> None:
    app = """
def app(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""
    config = CLASSES[name] + "worker_class = Mine\nbody_timeout = send_timeout = 1\naccesslog = '-'\n"
    server = make_server(app, config=config)
    server.start()
    half = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf"
    for leaves, status in ((True, 400), (False, 408)):
        with server.connect() as wire:
            wire.send(half)
            if leaves:
                wire.finish_sending()
            assert wire.read_response().status == status
            wire.expect_eof()
        server.wait_for_log(f'"POST / HTTP/1.1" {status} ')
    with server.connect() as wire:
        wire.send(half)
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert server.get().status == 200
    assert server.log().count("[WARNING] Invalid request from") == 2
    assert server.stop() == 0


LEAVES = '''
KINDS = {"/SystemExit": SystemExit(0), "/KeyboardInterrupt": KeyboardInterrupt, "/GeneratorExit": GeneratorExit}
def app(environ, start_response):
    raise KINDS[environ["PATH_INFO"]]
'''


@pytest.mark.parametrize("name", ["threads", "sync-handle", "gthread-handle", "gevent-handle"])
def test_an_application_that_wants_to_leave(name: str, make_server: Serve) -> None:
    server = make_server(LEAVES, config=CLASSES[name] + "worker_class = Mine\n", expect_traceback=True)
    server.start()
    workers = server.worker_pids()
    for kind in ("SystemExit", "KeyboardInterrupt", "GeneratorExit"):
        for _ in range(2):
            assert ask(server, f"GET /{kind} HTTP/1.1\r\nHost: a\r\n\r\n".encode())[0][0] == 500, kind
        server.wait_for_log(f"Error handling request .*/{kind}", count=2)
        assert server.worker_pids() == workers, kind
    assert server.stop() == 0


@pytest.mark.parametrize("name", ["threads", "sync-handle", "gthread-handle", "gevent-handle"])
def test_max_requests(name: str, make_server: Serve) -> None:
    server = make_server(APP, config=CLASSES[name] + "worker_class = Mine\nmax_requests = 3\n")
    server.start()
    before = set(server.worker_pids())
    for _ in range(3):
        assert server.get().status == 200
    server.wait_for_workers(lambda pids: len(pids) == 1 and not before & set(pids))
    assert server.get().status == 200
    assert server.stop() == 0


def test_an_application_that_takes_too_long(make_server: Serve) -> None:
    """The master ends a sync worker with a loop of its own as it does others, and knows what it was doing."""
    app = "import time\ndef app(environ, start_response):\n    time.sleep(1000)\n"
    config = CLASSES["sync-handle"] + "worker_class = Mine\ntimeout = 2\n"
    server = make_server(app, config=config, expect_traceback=True)
    server.start()
    with server.connect() as wire:
        wire.send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        server.wait_for_log("WORKER TIMEOUT.* in: GET /slow")
        wire.read_until_eof()
    server.wait_for_log("Booting worker", count=2)
    assert server.stop() == 0


@pytest.mark.parametrize(
    ("module", "base"),
    [("sync", "SyncWorker"), ("gthread", "ThreadWorker"), ("ggevent", "GeventWorker"), ("geventlet", "EventletWorker")],
)
@pytest.mark.parametrize("method", ["handle_request", "handle_error", "handle"])
def test_a_patch_of_a_class(module: str, base: str, method: str, serve: Serve) -> None:
    """As tracers make it: they know no subclass."""
    config = f"""
from gunicorn.workers.{module} import {base} as Kind

before = Kind.{method}

def patched(self, *args):
    self.log.info("patched: {method}")
    return before(self, *args)

Kind.{method} = patched
worker_class = Kind
"""
    server = serve(APP, config=config, expect_traceback=True)
    assert server.get().status == 200
    assert server.get("/boom").status == 500
    server.wait_for_log(f"patched: {method}")


def test_two_listeners_and_a_unix_socket(make_server: Serve) -> None:
    config = CLASSES["sync-accept"] + "worker_class = Mine\nbind = ['127.0.0.1:0', 'unix:mine.sock']\n"
    server = make_server(APP, bind=None, config=config)
    server.start()
    for _ in range(2):
        with Wire(str(server.folder / "mine.sock")) as wire:
            wire.send(b"GET / HTTP/1.1\r\nHost: there:99\r\n\r\n")
            assert wire.read_response().body == b"GET /? True  "
    assert server.get().status == 200
    assert server.stop() == 0


LOGGER = '''
from gunicorn.glogging import Logger, SafeAtoms

class Atoms(SafeAtoms):
    def __getitem__(self, name):
        return "mine" if name == "own" else super().__getitem__(name)

class Mine(Logger):
    atoms_wrapper_class = Atoms

    def atoms(self, resp, req, environ, request_time):
        return {**super().atoms(resp, req, environ, request_time), "more": SafeAtoms({"a": 'x"y'})["a"]}

logger_class = Mine
accesslog = "-"
access_log_format = "%(own)s %(more)s %(m)s %({x-a}i)s %(unknown)s"
'''


@pytest.mark.parametrize("kind", ["sync", "sync-handle"])
def test_a_logger_with_atoms_of_its_own(kind: str, serve: Serve) -> None:
    config = LOGGER + (CLASSES[kind].replace("Mine", "Worker") + "worker_class = Worker\n" if kind != "sync" else "")
    server = serve(APP, config=config)
    assert server.get("/", "X-A: b").status == 200
    server.wait_for_log(r'^mine x\\\\?\\"y GET b -$')
