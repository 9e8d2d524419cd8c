"""Processes that hooks and applications fork from the master and from workers have no part in the server."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Serve
from tests.support.server import Server, children_of, is_alive
from tests.support.wait import wait_until
from tests.workers.kinds import KINDS, PARAMS, Servers, one_of_each

APP = '''
import multiprocessing, os, signal, sys, threading, time

def dispositions():
    names = ("TERM", "INT", "QUIT", "HUP", "USR1", "USR2", "ABRT", "WINCH", "CHLD", "ALRM", "TTIN", "TTOU")
    return [name for name in names
            if signal.getsignal(getattr(signal, "SIG" + name)) not in (signal.SIG_DFL, signal.default_int_handler)]

def look(pipe):
    """What a child has of its server."""
    sockets = 0
    for fd in os.listdir("/proc/self/fd"):
        try:
            sockets += os.readlink("/proc/self/fd/" + fd).startswith("socket:")
        except OSError:
            pass
    time.sleep(0.05)
    pipe.send((dispositions(), signal.set_wakeup_fd(-1), sockets))
    pipe.close()

def stay():
    while True:
        time.sleep(0.05)

def app(environ, start_response):
    path, how = environ["PATH_INFO"], environ["QUERY_STRING"]
    body = str(os.getpid())
    context = multiprocessing.get_context(how or "fork")
    if path == "/look":
        ours, theirs = multiprocessing.Pipe(False)
        child = context.Process(target=look, args=(theirs,))
        child.start()
        body = repr(ours.recv())
        child.join()
    if path == "/terminate":
        child = context.Process(target=stay)
        child.start()
        child.terminate()
        child.join()
        body = str(child.exitcode)
    if path == "/stay":
        child = context.Process(target=stay, daemon=True)
        child.start()
        body = str(child.pid)
    if path == "/return":
        pid = os.fork()
        if pid:
            body = str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    if path in ("/exit", "/raise"):
        pid = os.fork()
        if not pid:
            if path == "/exit":
                sys.exit(9)
            raise RuntimeError("in the child")
        body = str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    if path == "/beside":
        time.sleep(0.3)
        with open("beside", "a") as file:
            file.write("x")
    if path == "/parts":
        start_response("200 OK", [])
        return parts(context)
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body.encode()]

def parts(context):
    yield b"one"
    child = context.Process(target=stay, daemon=True)
    child.start()
    yield str(child.pid).encode()
'''


#: What `/look` tells of a child that has nothing of its server: with asyncio's loop, two sockets of that.
NOTHING = (b"([], -1, 0)", b"([], -1, 2)")


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    yield from one_of_each(tmp_path_factory, APP)


@pytest.fixture(params=PARAMS)
def server(request: pytest.FixtureRequest, servers: Servers) -> Server:
    return servers(str(request.param))


def serves_on(server: Server) -> None:
    (worker,) = server.worker_pids()
    for _ in range(3):
        assert server.get().body == str(worker).encode()


def need_an_end(server: Server) -> None:
    """Skip where children of `multiprocessing` never end, with eventlet alone as well."""
    if sys.version_info < (3, 13) and "eventlet" in server.args:
        pytest.skip("before Python 3.13 eventlet has them wait for threads that are none")


@pytest.mark.parametrize("how", ["fork", "spawn", "forkserver"])
def test_a_child_of_a_request(how: str, server: Server) -> None:
    if how == "fork":
        need_an_end(server)
    if how == "forkserver" and sys.version_info >= (3, 14) and "gevent" in " ".join(server.args):
        pytest.skip("from Python 3.14 on the forkserver answers later than gevent's patched os.read waits for")
    if how == "forkserver" and "eventlet" in server.args:
        pytest.skip("eventlet takes from multiprocessing what its forkserver needs")
    with server.connect() as other:
        other.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        other.read_response()
        assert server.get(f"/look?{how}").body in NOTHING
        assert server.get(f"/terminate?{how}").body == str(-signal.SIGTERM).encode()
        serves_on(server)
        other.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert other.read_response().status == 200


@pytest.mark.parametrize("path", ["/return", "/exit", "/raise"])
def test_a_child_that_comes_back_to_the_server_ends(path: str, server: Server) -> None:
    """It neither answers nor serves, and leaves with its own status."""
    for _ in range(2):
        with server.connect() as wire:
            wire.send(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            response = wire.read_response()
            assert response.body == {"/return": b"0", "/exit": b"9", "/raise": b"1"}[path]
            assert wire.is_silent(0.01)
    serves_on(server)


@pytest.mark.parametrize(("path", "status"), [("/return", b"0"), ("/exit", b"9"), ("/raise", b"1")])
def test_a_child_that_comes_back_to_a_server_of_gevents_ends(path: str, status: bytes, serve: Serve) -> None:
    """It does not answer the client of its parent, either."""
    config = """
        from gunicorn.workers.ggevent import GeventWorker, PyWSGIHandler, PyWSGIServer

        class worker_class(GeventWorker):
            server_class = PyWSGIServer
            wsgi_handler = PyWSGIHandler
    """
    server = serve(APP, config=config, expect_traceback=True)
    with server.connect() as wire:
        wire.send(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        assert wire.read_response().body == status
        assert wire.is_silent(0.01)
    serves_on(server)


@pytest.mark.parametrize("kind", ["gevent", "gevent_pywsgi"])
def test_gevent_sees_the_first_child_of_a_worker_end(kind: str, serve: Serve) -> None:
    """However soon that is: what tells the end of children is there before the first fork. And not earlier: it would
    collect children of which gevent knows nothing."""
    app = """
import os, posix, time

def caught():
    return next(int(line.split()[1], 16) for line in open("/proc/self/status") if line.startswith("SigCgt"))

seen = []
os.register_at_fork(before=lambda: seen.append(caught()))

def app(environ, start_response):
    child = posix.posix_spawn("/bin/sh", ["sh", "-c", "exit 3"], {})
    while open(f"/proc/{child}/stat").read().rsplit(")", 1)[1].split()[0] != "Z":
        time.sleep(0.01)
    time.sleep(0.01)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    child = os.fork()
    if not child:
        os._exit(4)
    start_response("200 OK", [("Connection", "close")])
    return [b"%d %d %d" % (status, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), seen[0])]
"""
    spawned, forked, caught = map(int, serve(app, *KINDS[kind]).get().body.split())
    assert (spawned, forked) == (3, 4)
    assert caught >> (signal.SIGCHLD - 1) & 1


def test_a_child_keeps_no_connection_open(server: Server) -> None:
    with server.connect() as wire:
        wire.send(b"GET /parts HTTP/1.0\r\nHost: a\r\n\r\n")
        data = wire.read_until_eof()
    assert data.partition(b"\r\n\r\n")[2].startswith(b"one")
    child = int(data.rpartition(b"one")[2])
    serves_on(server)
    assert is_alive(child)
    os.kill(child, signal.SIGTERM)
    wait_until(lambda: not is_alive(child), what="the end of the child")
    serves_on(server)


@pytest.mark.parametrize("kind", ["gthread", "gevent", "gevent_pywsgi", "eventlet", "asgi"])
def test_requests_beside_a_fork_run_once(kind: str, servers: Servers) -> None:
    server = servers(kind)
    need_an_end(server)
    noted = Path(server.folder) / "beside"
    noted.unlink(missing_ok=True)
    with server.connect() as beside:
        beside.send(b"GET /beside HTTP/1.1\r\nHost: a\r\n\r\n")
        assert server.get("/look").body in NOTHING
        child = int(server.get("/stay").body)
        assert beside.read_response().status == 200
    serves_on(server)
    os.kill(child, signal.SIGTERM)
    wait_until(lambda: not is_alive(child), what="the end of the child")
    assert noted.read_text() == "x"


MASTER = """
import atexit, multiprocessing, os, signal, sys, time

def stay():
    open("helper-%d" % os.getpid(), "w").close()
    while True:
        time.sleep(0.05)

def when_ready(server):
    server.helper = multiprocessing.get_context("{how}").Process(target=stay, daemon=True)
    server.helper.start()

def post_fork(server, worker):
    if "{how}" == "fork":
        multiprocessing.get_context("fork").Process(target=stay, daemon=True).start()
"""


@pytest.mark.parametrize("how", ["fork", "forkserver", "spawn"])
def test_children_of_hooks(how: str, serve: Serve) -> None:
    """A signal to a helper does not stop the server; a worker's end ends no helper; the master's own end does."""
    server = _with_helpers(serve, how)
    folder = Path(server.folder)
    wanted = 3 if how == "fork" else 1
    wait_until(lambda: len(list(folder.glob("helper-*"))) == wanted, what="the helpers")
    helpers = {int(path.name.partition("-")[2]) for path in folder.glob("helper-*")}
    workers = [pid for pid in server.worker_pids() if pid not in helpers][-2:]
    theirs = {child for pid in workers for child in children_of(pid)}
    masters = next(iter(helpers - theirs))
    # A worker ends: its own helper with it, that of the master stays.
    os.kill(workers[0], signal.SIGTERM)
    wait_until(lambda: not is_alive(workers[0]), what="the end of a worker")
    server.wait_for_log("Booting worker with pid", count=3)
    assert is_alive(masters)
    for helper in helpers:
        if is_alive(helper):
            os.kill(helper, signal.SIGTERM)
    wait_until(lambda: not any(map(is_alive, helpers)), what="the end of the helpers")
    assert server.get().status == 200
    assert "Handling signal: term" not in server.log()
    server.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_a_worker_that_ends_in_its_first_hook_leaves_no_helper(number: signal.Signals, make_server: Serve) -> None:
    config = """
        import multiprocessing, os, time

        def stay():
            time.sleep(600)

        def post_fork(server, worker):
            helper = multiprocessing.get_context("fork").Process(target=stay, daemon=True)
            helper.start()
            with open("forked.new", "w") as file:
                file.write(f"{os.getpid()} {helper.pid}")
            os.rename("forked.new", "forked")
            while not os.path.exists("go"):
                time.sleep(0.01)
    """
    server = make_server(APP, config=config).spawn()
    wait_until((server.folder / "forked").exists, what="the helper")
    worker, helper = map(int, (server.folder / "forked").read_text().split())
    server.extra_pids.add(helper)
    os.kill(worker, number)
    server.send_signal(signal.SIGTERM)
    (server.folder / "go").touch()
    assert server.wait() == 0
    wait_until(lambda: not is_alive(helper), what="the end of the helper")


def _with_helpers(serve: Serve, how: str) -> Server:
    # A module, so that whoever starts anew can import it.
    config = f"""
        import os, sys
        sys.path.insert(0, os.getcwd())
        open("helping.py", "w").write({MASTER.replace("{how}", how)!r})
        from helping import when_ready, post_fork
    """
    return serve(APP, "--workers", "2", workers=2, config=config)


def test_a_child_that_comes_back_from_a_hook_ends(serve: Serve) -> None:
    config = """
        import os, sys

        def when_ready(server):
            if os.fork() == 0:
                open("returned", "w").close()

        def post_fork(server, worker):
            if os.fork() == 0:
                open("left", "w").close()
                sys.exit(0)
    """
    server = serve(config=config)
    wait_until(lambda: all((server.folder / name).exists() for name in ("returned", "left")))
    assert server.get().status == 200
    assert server.log().count("Booting worker") == 1
    port = server.port
    assert server.stop() == 0
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), 5)


def test_a_child_of_the_master_keeps_no_port(serve: Serve) -> None:
    config = """
        import os, signal

        def when_ready(server):
            if os.fork() == 0:
                open("child", "w").write(str(os.getpid()))
                while True:
                    signal.pause()
    """
    server = serve(config=config)
    wait_until(lambda: (server.folder / "child").exists() and (server.folder / "child").read_text())
    child = int((server.folder / "child").read_text())
    server.extra_pids.add(child)
    port = server.port
    server.send_signal(signal.SIGTERM)
    assert server.wait() == 0
    assert is_alive(child)
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), 5)
    os.kill(child, signal.SIGTERM)
    wait_until(lambda: not is_alive(child), what="the end of the child")


COROUTINES = '''
import asyncio, multiprocessing, os, time

def look(pipe):
    async def main():
        await asyncio.sleep(0.01)
        return "ran"
    pipe.send(asyncio.run(main()))
    pipe.close()

def stay():
    while True:
        time.sleep(0.05)

async def answer(path):
    context = multiprocessing.get_context("fork")
    if path == "/look":
        ours, theirs = multiprocessing.Pipe(False)
        child = context.Process(target=look, args=(theirs,))
        child.start()
        found = ours.recv()
        child.join()
        return found
    if path == "/terminate":
        child = context.Process(target=stay)
        child.start()
        child.terminate()
        child.join()
        return str(child.exitcode)
    if path == "/return":
        pid = os.fork()
        if pid:
            return str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    return str(os.getpid())
'''

ASGI = COROUTINES + '''
async def app(scope, receive, send):
    assert scope["type"] == "http"
    body = await answer(scope["path"])
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body.encode()})
'''

TORNADO = COROUTINES + '''
import tornado.web

class Main(tornado.web.RequestHandler):
    async def get(self, path):
        self.write(await answer(path))

app = tornado.web.Application([("(/.*)", Main)])
'''


@pytest.mark.parametrize("kind", ["asyncio", "uvloop", "tornado"])
def test_children_of_coroutines(kind: str, serve: Serve) -> None:
    pytest.importorskip(kind)
    args = ["-k", "tornado"] if kind == "tornado" else ["-k", "asgi", "--asgi-loop", kind]
    server = serve(TORNADO if kind == "tornado" else ASGI, *args, expect_traceback=True)
    for _ in range(2):
        assert server.get("/look").body == b"ran"
        assert server.get("/terminate").body == str(-signal.SIGTERM).encode()
        assert server.get("/return").body == b"0"
        serves_on(server)
    assert server.stop() == 0


def test_children_beside_a_server_of_gevents_own(serve: Serve) -> None:
    pytest.importorskip("gevent")
    config = """
        from gevent.pywsgi import WSGIHandler
        from gunicorn.workers.ggevent import GeventWorker

        class Handler(WSGIHandler):
            pass

        class worker_class(GeventWorker):
            wsgi_handler = Handler
    """
    server = serve(APP, config=config)
    assert server.get("/terminate").body == str(-signal.SIGTERM).encode()
    child = int(server.get("/stay").body)
    server.extra_pids.add(child)
    for _ in range(3):
        assert server.get().body == str(server.worker_pids()[0]).encode()
    listening = {line.split()[9] for line in Path(f"/proc/{child}/net/tcp").read_text().splitlines()[1:]
                 if line.split()[3] == "0A"}
    theirs = {os.readlink(f"/proc/{child}/fd/{fd}") for fd in os.listdir(f"/proc/{child}/fd")}
    assert not theirs & {f"socket:[{inode}]" for inode in listening}
    os.kill(child, signal.SIGTERM)
    wait_until(lambda: not is_alive(child), what="the end of the child")
