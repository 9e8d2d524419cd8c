"""Mounts in real workers: WSGI on every type; both interfaces side by side in one worker of the asgi type."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gunicorn.workers.shared_loop import LoopGuard
from tests.conftest import Serve
from tests.support.http2 import HTTP2Client
from tests.support.server import BOOTED, Server
from tests.support.wait import PATIENCE, wait_until
from tests.support.wire import Wire
from tests.workers.kinds import everywhere

WSGI = '''
import json, os, time

HERE = os.path.dirname(__file__)

def note(name, text="."):
    with open(os.path.join(HERE, name), "a") as file:
        file.write(text)

def exists(name):
    return os.path.exists(os.path.join(HERE, name))

def wsgi(name):
    def app(environ, start_response):
        path = environ["PATH_INFO"]
        if path == "/slow":
            note("slow-wsgi")
            while not exists("go"):
                time.sleep(0.01)
        if path == "/raise":
            raise ValueError("by " + name)
        if path == "/big":
            start_response("200 OK", [("Content-Length", str(5 << 20))])
            return [b"w" * (1 << 20)] * 5
        if path == "/file":
            start_response("200 OK", [])
            return environ["wsgi.file_wrapper"](open(__file__, "rb"))
        size = len(environ["wsgi.input"].read())
        body = json.dumps([name, environ["SCRIPT_NAME"], path, environ["RAW_URI"], size]).encode()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]
    return app

app, shop, blog = wsgi("app"), wsgi("shop"), wsgi("blog")
'''

ASGI = WSGI + '''
import asyncio

async def room(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        note("lifespan", "start ")
        await send({"type": "lifespan.startup.complete"})
        await receive()
        note("lifespan", "stop ")
        await send({"type": "lifespan.shutdown.complete"})
        return
    path = scope["path"].removeprefix(scope["root_path"])
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": scope["root_path"] + " " + message["text"]})
        return
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    if path == "/slow":
        note("slow-asgi")
        while not exists("go"):
            await asyncio.sleep(0.01)
    if path == "/wait":
        # Asks for the loop of its thread.
        await asyncio.sleep(0.001)
    if path == "/raise":
        raise ValueError("by room")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if path == "/endless":
        try:
            while True:
                await send({"type": "http.response.body", "body": b"e" * 1000, "more_body": True})
                await asyncio.sleep(0.01)
        except OSError:
            note("left")
            raise
    if path == "/big":
        for _ in range(5):
            await send({"type": "http.response.body", "body": b"a" * (1 << 20), "more_body": True})
    body = b"" if path == "/big" else json.dumps(["room", scope["root_path"], scope["path"], size]).encode()
    await send({"type": "http.response.body", "body": body})
'''

MIXED = ("--mount", "/shop=app:shop", "--mount", "/room=app:room", "--mount", "h.example/shop=app:room")


def on_host(server: Server, host: str, path: str) -> list[object]:
    """What an application of that host says."""
    with server.connect() as wire:
        wire.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        found: list[object] = wire.read_response().json()
        return found


def test_wsgi_on_every_worker_type(make_server: Serve, kinds: list[str]) -> None:
    def scenario(server: Server) -> None:
        with server.connect() as wire:
            for path, answer in (
                ("/", ["app", "", "/", "/", 0]),
                ("/shop", ["shop", "/shop", "", "/shop", 0]),
                ("/shop%2Fx?q=1", ["shop", "/shop", "/x", "/shop%2Fx?q=1", 0]),
                ("/shops", ["app", "", "/shops", "/shops", 0]),
                ("/blog/2/y", ["blog", "/blog/2", "/y", "/blog/2/y", 0]),
                ("/blog", ["app", "", "/blog", "/blog", 0]),
            ):
                wire.send(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
                assert wire.read_response().json() == answer
        assert on_host(server, "B.example:8000", "/x")[:3] == ["blog", "", "/x"]
        assert "Mounted at b.example/: app:blog" in server.log()

    mounts = ("--mount", "/shop=app:shop", "--mount", "/blog/2=app:blog", "--mount", "b.example/=app:blog")
    everywhere(make_server, kinds, scenario, WSGI, *mounts)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One worker that nobody has chosen the type of, with two threads."""
    folder = Path(tmp_path_factory.mktemp("mixed"))
    arguments = ("--threads", "2", "--http2-cleartext", "prior-knowledge", "--http-protocols", "h2,h1",
                 "--asgi-disconnect-grace-period", "1", "--health-path", "/up")
    server = Server(folder, ASGI, *MIXED, *arguments, expect_traceback=True)
    try:
        yield server.start()
        (folder / "go").touch()
        assert server.stop() == 0
        assert (folder / "lifespan").read_text() == "start stop ", "one that stands at two places lives once"
        assert "Worker exiting" in server.log()
    finally:
        server.kill()


def asked(*paths: str) -> bytes:
    return b"".join(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode() for path in paths)


class TestMixed:
    """Both interfaces in one worker."""

    def test_each_request_goes_where_it_belongs(self, mixed: Server) -> None:
        mixed.wait_for_log(r"The application at /room \(app:room\) is an ASGI one. Using worker: asgi")
        assert mixed.get("/").json()[0] == "app"
        assert mixed.get("/up").body == b"ok"
        assert mixed.get("/shop/x").json() == ["shop", "/shop", "/x", "/shop/x", 0]
        assert mixed.get("/room/x").json() == ["room", "/room", "/room/x", 0]
        assert on_host(mixed, "h.example", "/shop/x") == ["room", "/shop", "/shop/x", 0]

    def test_one_connection_goes_to_and_fro(self, mixed: Server) -> None:
        paths = ["/shop/1", "/room/2", "/room/wait", "/4", "/shop/5", "/room/6"] * 20
        with mixed.connect() as wire:
            for path in paths:
                wire.send(asked(path))
                assert path in wire.read_response().json()
            # Sent ahead, so that whoever ends one request finds the next: a thread one for the loop, too.
            wire.send(asked(*paths))
            for path in paths:
                assert path in wire.read_response().json()

    def test_streams_of_one_connection(self, mixed: Server) -> None:
        with HTTP2Client.prior(mixed.address) as client:
            paths = ["/shop/1", "/room/2", "/room/wait", "/4"] * 10
            for _ in range(3):
                streams = [(client.begin(path), path) for path in paths]
                for stream, path in streams:
                    assert path in client.answer(stream).json()
            big = [(client.begin(path), octet) for path, octet in (("/shop/big", b"w"), ("/room/big", b"a")) * 2]
            for stream, octet in big:
                body = client.answer(stream).body
                assert len(body) == 5 << 20
                assert set(body) == set(octet)

    def test_uploads(self, mixed: Server) -> None:
        body = b"x" * 3_000_000
        for place, fields in (("shop", 5), ("room", 4)):
            with mixed.connect() as wire:
                head = f"POST /{place}/up HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n"
                wire.send(head.encode() + body)
                answer = wire.read_response().json()
                assert (answer[0], answer[-1], len(answer)) == (place, len(body), fields)

    def test_a_slow_upload_holds_no_thread(self, mixed: Server) -> None:
        wires = [mixed.connect() for _ in range(4)]
        try:
            for wire in wires:
                wire.send(b"POST /shop/up HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc")
            assert mixed.get("/shop/x").status == 200
            for wire in wires:
                wire.send(b"def")
                assert wire.read_response().json()[-1] == 6
        finally:
            for wire in wires:
                wire.close()

    def test_a_socket_beside_slow_requests(self, mixed: Server) -> None:
        from websockets.sync.client import connect

        slow: list[Wire] = []
        try:
            with connect(mixed.url.replace("http", "ws") + "/room/socket") as client:
                for path in ("/shop/slow", "/slow", "/room/slow"):
                    slow.append(mixed.connect())
                    slow[-1].send(asked(path))
                wait_until(lambda: (mixed.folder / "slow-asgi").exists() and (
                    (mixed.folder / "slow-wsgi").exists() and (mixed.folder / "slow-wsgi").read_text() == ".."
                ), what="three requests run")
                client.send("hello")
                assert client.recv(PATIENCE) == "/room hello"
                assert mixed.get("/room/x").status == 200, "threads are taken, the loop is not"
                (mixed.folder / "go").touch()
                assert [wire.read_response().status for wire in slow] == [200, 200, 200]
        finally:
            (mixed.folder / "go").touch()
            for wire in slow:
                wire.close()

    def test_files_and_big_answers(self, mixed: Server) -> None:
        assert mixed.get("/shop/file").body.decode() == (mixed.folder / "app.py").read_text()
        for place, octet in (("shop", b"w"), ("room", b"a")):
            assert mixed.get(f"/{place}/big").body == octet * (5 << 20)

    def test_what_fails_is_told_and_harms_nobody(self, mixed: Server) -> None:
        for place, who in (("shop", "shop"), ("room", "room")):
            assert mixed.get(f"/{place}/raise").status == 500
            mixed.wait_for_log(f"ValueError: by {who}")
        assert mixed.get("/shop/x").status == mixed.get("/room/x").status == 200

    def test_who_leaves_is_told_of(self, mixed: Server) -> None:
        with mixed.connect() as wire:
            wire.send(asked("/room/endless"))
            wire.read_head()
        wait_until(lambda: (mixed.folder / "left").exists(), what="the application hears of it")

    def test_nobody_stands_there(self, serve: Serve) -> None:
        server = serve(ASGI, "--mount", "/shop=app:shop", "--mount", "/room=app:room", target=None)
        assert server.get("/x").status == 404
        assert "No application stands here" in server.get("/x").body.decode()
        assert server.get("/shop/x").json()[0] == "shop"
        assert re.search(r"gunicorn: master \[app:shop, app:room\]", Path(f"/proc/{server.pid}/cmdline").read_text())


def test_a_thread_that_waits_for_its_body_takes_in_what_is_for_tasks(serve: Serve) -> None:
    """On a connection of HTTP/2 it is the thread that reads meanwhile; what comes for others is still the loop's."""
    http2 = ("--http2-cleartext", "prior-knowledge", "--http-protocols", "h2,h1")
    server = serve(ASGI, *MIXED, "--threads", "2", "--no-buffer-request-body", *http2)
    with HTTP2Client.prior(server.address) as client:
        for _ in range(20):
            threads = [client.begin("/shop/up", method="POST", ends=False) for _ in range(2)]
            tasks = [client.begin("/room/wait", method="POST", ends=False) for _ in range(4)]
            for stream in tasks:
                for piece in (b"x" * 1000, b"y" * 3000):
                    client.send(stream, piece, ends=piece[:1] == b"y")
            tasks.append(client.begin("/room/wait"))
            for stream, size in zip(tasks, (4000, 4000, 4000, 4000, 0), strict=True):
                assert client.answer(stream).json() == ["room", "/room", "/room/wait", size]
            for stream in threads:
                client.send(stream, b"z" * 5000)
                assert client.answer(stream).json() == ["shop", "/shop", "/up", "/shop/up", 5000]


def test_requests_of_both_have_their_limits(serve: Serve) -> None:
    server = serve(ASGI, *MIXED, "--threads", "2", "--request-timeout", "1", expect_traceback=True)
    first = server.worker_pids()
    with server.connect() as task, server.connect() as thread:
        task.send(asked("/room/slow"))
        assert task.read_response().status == 504
        assert server.worker_pids() == first, "a task can be cancelled"
        thread.send(asked("/shop/slow"))
        assert thread.read_response().status == 504
    server.wait_for_log("Autorestarting worker")
    server.wait_for_log(BOOTED, count=2)
    (server.folder / "go").touch()


def test_requests_of_both_are_counted(serve: Serve) -> None:
    server = serve(ASGI, *MIXED, "--max-requests", "6")
    for path in ("/shop/1", "/room/2", "/3", "/room/4", "/shop/5"):
        assert server.get(path).status == 200
    assert "Autorestarting worker" not in server.log()
    assert server.get("/room/6").status == 200
    server.wait_for_log("Autorestarting worker")


def test_a_stop_waits_for_both(serve: Serve) -> None:
    server = serve(ASGI, *MIXED)
    with server.connect() as task, server.connect() as thread:
        task.send(asked("/room/slow"))
        thread.send(asked("/shop/slow"))
        wait_until(lambda: all((server.folder / f"slow-{kind}").exists() for kind in ("wsgi", "asgi")), what="both run")
        server.send_signal(signal.SIGTERM)
        server.wait_for_log("Handling signal: term")
        (server.folder / "go").touch()
        assert task.read_response().json()[0] == "room"
        assert thread.read_response().json()[0] == "shop"
    assert server.wait() == 0


def test_a_change_in_a_mount_is_seen(serve: Serve, make_server: Serve) -> None:
    server = make_server("from other import app", "--reload", "--mount", "/other=other:app", target=None)
    module = server.folder / "other.py"
    source = "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'{}']\n"
    module.write_text(source.format("one"))
    server.start()
    assert server.get("/other").body == b"one"
    # Another size: the reloader must not depend on what the clock of files can tell apart.
    module.write_text(source.format("another"))
    server.wait_for_log("Worker reloading: .*other.py modified")
    wait_until(lambda: server.serves("/other") and server.get("/other").body == b"another", what="the new one serves")
    assert server.stop() == 0


@pytest.mark.parametrize("target", ["app:app", None])
def test_it_is_loaded_in_the_master(serve: Serve, target: str | None) -> None:
    server = serve("import os\nLOADED = os.getpid()\n" + ASGI, *MIXED, "--preload", target=target, workers=2,
                   config="workers = 2\n")
    assert server.get("/shop/x").json()[0] == "shop"
    assert server.get("/room/x").json()[0] == "room"


def test_a_loop_of_another_kind_does_not_do(make_server: Serve) -> None:
    server = make_server(ASGI, *MIXED, "--asgi-loop", "uvloop").spawn()
    assert server.wait() == 3
    assert "asgi_loop = 'uvloop' (command line --asgi-loop): mounts of WSGI beside those of ASGI" in server.log()


def test_a_worker_type_that_was_chosen_must_serve_all(make_server: Serve) -> None:
    server = make_server(ASGI, *MIXED, "-k", "gthread").spawn()
    assert server.wait() == 4
    line = "The application at /room (app:room) is an ASGI one, which worker_class = gthread cannot serve: use -k asgi"
    assert line in server.log()


def test_one_that_does_not_start_ends_the_start(make_server: Serve) -> None:
    source = ASGI + '''
async def fails(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database"})
'''
    server = make_server(source, *MIXED, "--mount", "/fails=app:fails").spawn()
    assert server.wait() == 3
    assert "The application did not start: /fails (app:fails): no database" in server.log()
    assert (server.folder / "lifespan").read_text() == "start stop "


class TestGuard:
    """The lock that the loop holds."""

    def test_who_waits_has_it_before_the_loop_has_it_again(self) -> None:
        guard = LoopGuard()
        taken: list[int] = []

        def other() -> None:
            with guard:
                taken.append(1)

        for count in range(1, 50):
            with guard:
                thread = threading.Thread(target=other)
                thread.start()
                wait_until(lambda: not guard._turn.acquire(blocking=False) or guard._turn.release(), what="it waits")
                guard.__exit__()
                guard.__enter__()
                assert len(taken) == count
            thread.join()

    def test_its_owner_takes_it_again(self) -> None:
        guard = LoopGuard()
        with guard, guard:
            pass
        taken: list[int] = []

        def other() -> None:
            with guard:
                taken.append(1)

        with guard:
            thread = threading.Thread(target=other)
            thread.start()
            with guard:
                assert not taken
        thread.join()
        assert taken
