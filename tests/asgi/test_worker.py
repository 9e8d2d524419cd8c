"""The asgi worker: its loop, isolation, limits, a stuck loop, and applications of the other interface."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from tests.asgi.conftest import APPLICATION, ask
from tests.conftest import Serve
from tests.support.server import HELLO, Server
from tests.support.wait import wait_until

WHICH_LOOP = '''
import asyncio

async def app(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError
    loop = type(asyncio.get_running_loop())
    body = f"{loop.__module__}.{loop.__name__}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})
'''


@pytest.mark.parametrize(("setting", "module"), [("asyncio", b"asyncio"), ("uvloop", b"uvloop"), ("auto", b"uvloop")])
def test_the_loop(serve: Serve, setting: str, module: bytes) -> None:
    if module == b"uvloop":
        pytest.importorskip("uvloop")
    assert serve(WHICH_LOOP, "-k", "asgi", "--asgi-loop", setting).get().body.startswith(module)


NO_UVLOOP = "raise ImportError('hidden by the test')"


def test_without_uvloop(make_server: Serve) -> None:
    for setting, status in (("auto", None), ("uvloop", 4)):
        server = make_server(WHICH_LOOP, "-k", "asgi", "--asgi-loop", setting)
        (server.folder / "uvloop.py").write_text(NO_UVLOOP)
        if status is None:
            assert server.start().get().body.startswith(b"asyncio")
            server.stop()
        else:
            assert server.spawn().wait() == status
            assert "pip install gunicorn[uvloop]" in server.log()


def test_context_variables_are_isolated(server: Server) -> None:
    with server.connect() as one, server.connect() as two:
        one.send(ask("/isolated") + ask("/isolated") + ask("/context?a") + ask("/isolated"))
        two.send(ask("/context?b") + ask("/isolated"))
        assert [one.read_response().body for _ in range(4)] == [b"none", b"none", b"none a", b"none"]
        assert [two.read_response().body for _ in range(2)] == [b"none b", b"none"]


def test_requests_run_side_by_side(server: Server) -> None:
    wires = [server.connect() for _ in range(50)]
    for wire in wires:
        wire.send(ask("/slow?0.3"))
    for wire in wires:
        assert wire.read_response().body == b"slow"
        wire.close()


def test_worker_connections_is_kept(serve: Serve) -> None:
    server = serve(APPLICATION, "-k", "asgi", "--worker-connections", "3", "--keep-alive", "60")
    first = [server.connect() for _ in range(3)]
    for wire in first:
        wire.send(ask("/pid"))
        assert wire.read_response().status == 200
    with server.connect() as fourth:
        fourth.send(ask("/pid"))
        assert fourth.is_silent(0.3)
        first[0].close()
        assert fourth.read_response().status == 200
    for wire in first[1:]:
        wire.close()


@pytest.mark.parametrize("loop_", ["asyncio", "uvloop"])
def test_a_stuck_loop_is_named_and_replaced(make_server: Serve, loop_: str) -> None:
    if loop_ == "uvloop":
        pytest.importorskip("uvloop")
    server = make_server(APPLICATION, "-k", "asgi", "--timeout", "2", "--asgi-loop", loop_).start()
    with server.connect() as wire:
        wire.send(ask("/stuck"))
        server.wait_for_log("WORKER TIMEOUT")
        wire.read_until_eof()
    server.wait_for_log(r"The event loop did not turn for too long. It was here:(?s:.*)in stuck\n\s+time\.sleep\(60\)")
    server.wait_for_log("innocent bystander")
    wait_until(lambda: server.serves("/pid"))
    server.kill()


def test_waiting_is_not_being_stuck(serve: Serve) -> None:
    server = serve(APPLICATION, "-k", "asgi", "--timeout", "2")
    with server.connect() as wire:
        wire.send(ask("/slow?4"))
        assert wire.read_response().body == b"slow"


def test_a_graceful_stop_waits_for_what_runs(make_server: Serve) -> None:
    server = make_server(APPLICATION, "-k", "asgi").start()
    with server.connect() as kept, server.connect() as behind, server.connect() as running:
        kept.send(ask("/pid"))
        assert kept.read_response().status == 200
        behind.send(ask("/background"))
        assert behind.read_response().body == b"done"
        running.send(ask("/slow?0.4"))
        os.kill(server.pid, signal.SIGTERM)
        assert running.read_response().status == 200
        kept.expect_eof()
    assert server.wait() == 0
    assert "background finished" in server.log()


def test_a_graceful_stop_has_an_end(make_server: Serve) -> None:
    server = make_server(APPLICATION, "-k", "asgi", "--graceful-timeout", "1").start()
    with server.connect() as wire:
        wire.send(ask("/stubborn"))
        server.wait_for_log("stubborn begins")
        server.send_signal(signal.SIGTERM)
        assert server.wait() == 0
    assert "Cancelling 1 requests" in server.log()
    assert "stubborn cleaned up" in server.log()


def test_a_reload_under_load_loses_nothing(serve: Serve) -> None:
    server = serve(APPLICATION, "-k", "asgi", "--workers", "2", workers=2)
    wrong: list[object] = []
    done = threading.Event()

    def client() -> None:
        while not done.is_set():
            try:
                response = server.get("/slow?0.01")
                if response.body != b"slow":
                    wrong.append(response)
            except (AssertionError, OSError) as error:
                wrong.append(error)

    clients = [threading.Thread(target=client) for _ in range(4)]
    for each in clients:
        each.start()
    try:
        for turn in range(2):
            before = server.worker_pids()
            server.send_signal(signal.SIGHUP)
            server.wait_for_workers(lambda pids, old=before: len(pids) == 2 and not set(pids) & set(old))
            assert turn >= 0
    finally:
        done.set()
        for each in clients:
            each.join()
    assert wrong == []


# Applications of the other interface, and no worker type chosen.


WSGI = HELLO + '''
import threading

plain = app
together = threading.Barrier(4)

def app(environ, start_response):
    if environ["PATH_INFO"] == "/together":
        # Ends when four of these are running, and not before.
        together.wait(60)
    if environ["PATH_INFO"] == "/body":
        body = environ["wsgi.input"].read() + threading.current_thread().name.encode()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]
    return plain(environ, start_response)
'''


def test_wsgi_runs_in_threads(serve: Serve) -> None:
    server = serve(WSGI, "-k", "asgi", "--threads", "4")
    wires = [server.connect() for _ in range(4)]
    for wire in wires:
        wire.send(ask("/together"))
    for wire in wires:
        assert wire.read_response().body == b"Hello, World!"
        wire.close()
    with server.connect() as wire:
        wire.send(ask("/body", method="POST", body=b"b" * 2_000_000))
        assert wire.read_response().body.startswith(b"b" * 2_000_000 + b"gunicorn")
        wire.send(ask("/") * 50)
        assert [wire.read_response().status for _ in range(50)] == [200] * 50


ASGI_APP = WHICH_LOOP
RAISES = "    if scope['path'] == '/raise':\n        raise ValueError('its own')\n"


@pytest.mark.parametrize("args", [(), ("--threads", "3"), ("--workers", "2")])
def test_the_right_worker_is_chosen(serve: Serve, args: tuple[str, ...]) -> None:
    server = serve(ASGI_APP.replace("    loop = ", f"{RAISES}    loop = "), *args)
    assert b"Loop" in server.get().body
    assert "The application is an ASGI one. Using worker: asgi" in server.log()
    server.expect_traceback = True
    # What the application raises has nothing to do with how its worker was chosen, and does not tell of it.
    assert server.get("/raise").status == 500
    server.wait_for_log("ValueError: its own")
    assert "AnotherWorkerType" not in server.log()
    server.send_signal(signal.SIGHUP)
    server.wait_for_log("The application is an ASGI one", count=3 if "2" in args else 2)
    assert b"Loop" in server.get().body


def test_the_chosen_worker_keeps_the_request_limit_itself(serve: Serve) -> None:
    """The master knows of a `sync` worker, which cannot break a request off; this one can, and goes on."""
    wait = "    if scope['path'] == '/wait':\n        await asyncio.sleep(60)\n"
    waits = WHICH_LOOP.replace("    loop = ", f"{wait}    loop = ")
    server = serve(waits, "--request-timeout", "0.5")
    pids = server.worker_pids()
    assert server.get("/wait").status == 504
    server.wait_for_log("REQUEST TIMEOUT .* in: GET /wait")
    assert server.worker_pids() == pids
    assert "WORKER TIMEOUT" not in server.log()


@pytest.mark.parametrize("kind", ["sync", "gthread"])
def test_a_worker_for_wsgi_says_which_one_to_use(make_server: Serve, kind: str) -> None:
    server = make_server(ASGI_APP, "-k", kind)
    assert server.spawn().wait() == 4
    lines = [line for line in server.log_lines() if "use -k asgi" in line]
    assert len(lines) == 1
    assert f"worker_class = {kind} cannot serve" in lines[0]


def test_asgi_2(serve: Serve) -> None:
    double = '''
class app:
    def __init__(self, scope):
        if scope["type"] != "http":
            raise NotImplementedError
    async def __call__(self, receive, send):
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"double"})
'''
    assert serve(double).get().body == b"double"


def test_unix_socket(make_server: Serve, tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    server = make_server(APPLICATION, "-k", "asgi", bind=f"unix:{path}").start()
    seen = server.get("/scope").json()
    assert (seen["server"][1], seen["client"]) == (None, None)
    server.stop()
