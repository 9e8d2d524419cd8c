"""What is no Exception ends nothing either: SystemExit, KeyboardInterrupt and their like from applications and hooks.

Each is answered and logged as any exception, its worker stays, nobody beside notices, and the stop works.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Serve
from tests.support.server import Server
from tests.support.wait import wait_until
from tests.support.wire import Wire
from tests.workers.kinds import PARAMS, Servers, one_of_each

APP = '''
import asyncio, os, sys

class Own(BaseException):
    pass

def kinds():
    yield "SystemExit", lambda: sys.exit(7)
    yield "SystemExit ", lambda: sys.exit()
    yield "KeyboardInterrupt", lambda: throw(KeyboardInterrupt())
    yield "GeneratorExit", lambda: throw(GeneratorExit())
    yield "CancelledError", lambda: throw(asyncio.CancelledError())
    yield "Own", lambda: throw(Own())
    if "gevent" in sys.modules:
        import gevent
        yield "Timeout", lambda: throw(gevent.Timeout(3))
    if "greenlet" in sys.modules:
        import greenlet
        yield "GreenletExit", lambda: throw(greenlet.GreenletExit())

def throw(error):
    raise error

KINDS = dict(kinds())

class Faulty:
    def __init__(self, where, fail):
        self.where, self.fail = where, fail
    def __iter__(self):
        if self.where == "iter":
            self.fail()
        yield b"some"
        if self.where == "next":
            self.fail()
    def close(self):
        if self.where == "close":
            self.fail()

def app(environ, start_response):
    path, fail = environ["PATH_INFO"], KINDS.get(environ.get("HTTP_X_KIND"))
    if path == "/kinds":
        body = ",".join(KINDS).encode()
    else:
        body = str(os.getpid()).encode()
    if path == "/raise":
        fail()
    if path == "/sent":
        start_response("200 OK", [("Content-Length", "10")])(b"12345")
        fail()
    start_response("200 OK", [("Content-Length", str(len(body)))] if path in ("/", "/kinds") else [])
    if path in ("/iter", "/next", "/close"):
        return Faulty(path[1:], fail)
    return [body]
'''

HOOKS = '''
import sys

def pre_request(worker, req):
    if req.path == "/pre_request":
        sys.modules["app"].KINDS[dict(req.headers)["X-KIND"]]()

def post_request(worker, req, environ, resp):
    if req.path == "/post_request":
        sys.modules["app"].KINDS[dict(req.headers)["X-KIND"]]()
'''

#: Where it is raised, and what the client sees: a status, or None for an answer that is broken off.
PLACES = {"/raise": 500, "/iter": 500, "/next": None, "/close": None, "/sent": None, "/pre_request": 500,
          "/post_request": 200}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    folder = tmp_path_factory.mktemp("hooks")
    (folder / "hooks.py").write_text(HOOKS)
    yield from one_of_each(tmp_path_factory, APP, "--config", str(folder / "hooks.py"))


@pytest.fixture(params=PARAMS)
def server(request: pytest.FixtureRequest, servers: Servers) -> Server:
    return servers(str(request.param))


def ask(wire: Wire, path: str = "/", *fields: str) -> bytes:
    wire.send("\r\n".join([f"GET {path} HTTP/1.1", "Host: a", *fields, "", ""]).encode())
    response = wire.read_response()
    assert response.status == 200
    return response.body


@pytest.mark.parametrize("place", PLACES)
def test_it_is_as_any_exception(place: str, server: Server) -> None:
    (worker,) = server.worker_pids()
    with server.connect() as witness:
        for kind in ask(witness, "/kinds").decode().split(","):
            told = server.log().count("Traceback")
            with server.connect() as wire:
                wire.send(f"GET {place} HTTP/1.1\r\nHost: a\r\nX-Kind: {kind}\r\n\r\n".encode())
                status = PLACES[place]
                if status is None:
                    data = wire.read_until_eof()
                    assert data.startswith(b"HTTP/1.1 200 "), kind
                    assert not data.endswith(b"0\r\n\r\n") or place == "/close", kind
                else:
                    assert wire.read_response().status == status, kind
            wait_until(lambda told=told: server.log().count("Traceback") > told, what=f"a traceback of {kind}")
            assert ask(witness) == str(worker).encode()


def status_of(pid: int) -> str:
    """The letter of a process's state (proc(5))."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].strip()


def test_a_worker_that_is_interrupted_is_not_the_master(serve: Serve) -> None:
    """SIGINT where the application has given it Python's own handler: in the worker's loop, and in a request."""
    app = """
        import os, signal, time

        signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))

        def app(environ, start_response):
            signal.signal(signal.SIGINT, signal.default_int_handler)
            if environ["PATH_INFO"] == "/wait":
                open("waits", "w").close()
                try:
                    while True:
                        time.sleep(0.01)
                finally:
                    os.unlink("waits")
            start_response("200 OK", [("Content-Length", "2")])
            return [b"ok"]
    """
    config = """
        bind = ["127.0.0.1:0", "unix:site.sock"]
        workers = 2
        pidfile = "site.pid"

        def on_exit(server):
            open("exited", "a").write("x")
    """
    server = serve(app, config=config, bind=None, workers=2, expect_traceback=True)
    folder = server.folder
    for _ in range(20):
        server.get()
    before = server.worker_pids()
    # Idle: asleep, and no longer in the request that has just been answered.
    wait_until(lambda: all(status_of(pid).startswith("S") for pid in before), what="idle workers")
    for pid in before:
        os.kill(pid, signal.SIGINT)
    server.wait_for_workers(lambda pids: len(pids) == 2 and not set(pids) & set(before))
    with server.connect() as wire:
        wire.send(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_until((folder / "waits").exists)
        pids = server.worker_pids()
        for pid in pids:
            os.kill(pid, signal.SIGINT)
        assert wire.read_response().status == 500
    assert server.get().body == b"ok"
    assert not (folder / "exited").exists()
    assert (folder / "site.pid").read_text() == f"{server.pid}\n"
    assert (folder / "site.sock").is_socket()
    assert server.stop() == 0
    assert (folder / "exited").read_text() == "x"


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_asgi_applications(loop: str, serve: Serve) -> None:
    app = """
        import asyncio, os, sys

        KINDS = {kind.__name__: kind("3") for kind in (SystemExit, KeyboardInterrupt, GeneratorExit, BaseException)}

        async def fail(error):
            await asyncio.sleep(0)
            raise error

        async def app(scope, receive, send):
            assert scope["type"] != "lifespan"
            path = scope["path"].split("/")[1]
            error = KINDS.get(scope["path"].split("/")[-1])
            if scope["type"] == "websocket":
                await receive()
                await send({"type": "websocket.accept"})
                await receive()
                raise error
            if path == "once":
                raise error
            if path == "later":
                await asyncio.sleep(0.01)
                raise error
            if path == "body":
                while (await receive())["more_body"]:
                    pass
                raise error
            if path == "task":
                asyncio.get_running_loop().create_task(fail(error))
                await asyncio.sleep(0.01)
            if path == "callback":
                def raising():
                    raise error
                asyncio.get_running_loop().call_soon(raising)
                await asyncio.sleep(0.01)
            if path == "gather":
                await asyncio.gather(fail(error), asyncio.sleep(0.01))
            await send({"type": "http.response.start", "status": 200, "headers": []})
            if path == "sent":
                await send({"type": "http.response.body", "body": b"some", "more_body": True})
                raise error
            await send({"type": "http.response.body", "body": str(os.getpid()).encode()})
    """
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    server = serve(app, "-k", "asgi", "--asgi-loop", loop, expect_traceback=True)
    (worker,) = server.worker_pids()
    places = {"once": 500, "later": 500, "body": 500, "gather": 500, "task": 200, "callback": 200, "sent": None}
    with server.connect() as witness:
        for place, status in places.items():
            for kind in ("SystemExit", "KeyboardInterrupt", "GeneratorExit", "BaseException"):
                told = server.log().count("Traceback")
                with server.connect() as wire:
                    wire.send(f"POST /{place}/{kind} HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n12".encode())
                    wire.send(b"34")
                    if status is None:
                        assert not wire.read_until_eof().endswith(b"0\r\n\r\n"), kind
                    else:
                        assert wire.read_response().status == status, (place, kind)
                if place != "task" or kind in ("SystemExit", "KeyboardInterrupt"):
                    wait_until(lambda told=told: server.log().count("Traceback") > told, what=f"{place}, {kind}")
                assert ask(witness) == str(worker).encode(), (place, kind)
        assert server.log().count("never retrieved") <= 2
        assert server.stop() == 0


def test_tornado_applications(serve: Serve) -> None:
    pytest.importorskip("tornado")
    app = """
        import asyncio, os
        import tornado.web

        KINDS = {kind.__name__: kind("3") for kind in (SystemExit, KeyboardInterrupt, GeneratorExit, BaseException)}

        class Once(tornado.web.RequestHandler):
            def get(self, kind):
                raise KINDS[kind]

        class Later(tornado.web.RequestHandler):
            async def get(self, kind):
                await asyncio.sleep(0.01)
                raise KINDS[kind]

        class Task(tornado.web.RequestHandler):
            async def get(self, kind):
                asyncio.get_running_loop().call_soon(self.fail, kind)
                await asyncio.sleep(0.01)
            def fail(self, kind):
                raise KINDS[kind]

        class Main(tornado.web.RequestHandler):
            def get(self):
                self.write(str(os.getpid()))

        app = tornado.web.Application(
            [("/once/(.*)", Once), ("/later/(.*)", Later), ("/task/(.*)", Task), ("/", Main)])
    """
    server = serve(app, "-k", "tornado", expect_traceback=True)
    (worker,) = server.worker_pids()
    with server.connect() as witness:
        for place, status in (("once", 500), ("later", 500), ("task", 200)):
            for kind in ("SystemExit", "KeyboardInterrupt", "GeneratorExit", "BaseException"):
                told = server.log().count("Traceback")
                assert server.get(f"/{place}/{kind}").status == status, (place, kind)
                wait_until(lambda told=told: server.log().count("Traceback") > told, what=f"{place}, {kind}")
                assert ask(witness) == str(worker).encode()
        assert server.stop() == 0


LEFT = r"the application called sys\.exit\(%s\) while it was imported: .*app\.py, line %d"
#: How an application ends the process while it is loaded, and what the log says of it.
LEAVING = {
    "app": ("import sys\nsys.exit(0)", LEFT % ("0", 2)),
    "message": ("raise SystemExit('no SECRET')", LEFT % ("'no SECRET'", 1)),
    "factory": ("import argparse\ndef app():\n    argparse.ArgumentParser().parse_args(['--help'])", LEFT % ("0", 3)),
    "interrupt": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "generator": ("raise GeneratorExit", "GeneratorExit"),
}


@pytest.mark.parametrize("how", [(), ("--preload",), ("--check-config",)], ids=["worker", "preload", "check"])
def test_an_application_that_leaves_at_import(how: tuple[str, ...], make_server: Serve) -> None:
    servers = {}
    for name, (app, _) in LEAVING.items():
        servers[name] = make_server(app, *how, target="app:app()" if name == "factory" else "app:app")
        servers[name].spawn()
    for name, server in servers.items():
        code = server.wait()
        assert code == 3 if not how else code != 0, (name, server.log())
        server.wait_for_log(LEAVING[name][1])
        if name in ("app", "message", "factory"):
            assert "Traceback" not in server.log()


def leaving(hook: str) -> str:
    return f"import sys\ndef {hook}:\n    sys.exit(0)"


#: Files and hooks of the start that call sys.exit(0), and what is said of them.
STARTING = {
    "file": ("import sys\nsys.exit(0)", r"^Error: configuration file '.*conf\.py' called sys\.exit\(0\) .*line 2"),
    "on_starting": (leaving("on_starting(server)"), r"^Error: the hook on_starting called sys\.exit\(0\)"),
    "when_ready": (leaving("when_ready(server)"), r"^Error: the hook when_ready called sys\.exit\(0\)"),
    "worker_class": ("import sys\nsys.path.insert(0, '.')\nworker_class = 'leaving.Worker'",
                     r"the module 'leaving' called sys\.exit\(0\)"),
    "pre_fork": (leaving("pre_fork(server, worker)"), r"the hook pre_fork called sys\.exit\(0\)"),
    "post_fork": (leaving("post_fork(server, worker)"),
                  r"called sys\.exit\(0\) while the worker started: .*conf\.py, line 3"),
    "post_worker_init": (leaving("post_worker_init(worker)"), r"called sys\.exit\(0\) while the worker started"),
}


def test_whoever_leaves_at_the_start_is_named(make_server: Serve) -> None:
    servers = {}
    for name, (config, _) in STARTING.items():
        servers[name] = make_server(config=config)
        (Path(servers[name].folder) / "leaving.py").write_text("import sys\nsys.exit(0)")
        servers[name].spawn()
    for name, server in servers.items():
        assert server.wait() != 0, (name, server.log())
        server.wait_for_log(STARTING[name][1])


def test_hooks_of_a_running_master(serve: Serve) -> None:
    """The site goes on, whatever they raise; the end has the status of the stop."""
    config = """
        import sys

        def leave(one):
            sys.exit(5)

        def leaves(one, two):
            sys.exit(5)

        on_reload = on_exit = worker_int = leave
        child_exit = worker_exit = leaves

        served = []

        def pre_fork(server, worker):
            served.append(worker)
            if len(served) > 1:
                raise KeyboardInterrupt
    """
    server = serve(config=config, expect_traceback=True)
    server.get()
    (first,) = server.worker_pids()
    os.kill(first, signal.SIGINT)
    server.wait_for_workers(lambda pids: len(pids) == 1 and first not in pids)
    for name in ("worker_int", "child_exit", "pre_fork"):
        server.wait_for_log(f"The hook {name} failed")
    server.wait_for_log("Exception during worker exit")
    (second,) = server.worker_pids()
    server.send_signal(signal.SIGHUP)
    server.wait_for_workers(lambda pids: len(pids) == 1 and second not in pids)
    server.wait_for_log("The hook on_reload failed")
    assert server.get().status == 200
    assert server.stop() == 0
    server.wait_for_log("The hook on_exit failed")
