"""Start and end of an application: who is told, for how long it may take, and what a failure does."""

from __future__ import annotations

import re
import signal

import pytest

from tests.asgi.conftest import ask
from tests.conftest import Serve
from tests.support.wait import wait_until

APP = '''
import asyncio, os, sys

def say(*words):
    # In one write: workers share the log.
    sys.stderr.write(" ".join(["SAW", *map(str, words)]) + "\\n")

async def lifespan(scope, receive, send):
    if (await receive())["type"] == "lifespan.startup":
        if START == "fail":
            await send({"type": "lifespan.startup.failed", "message": "no database"})
            return
        if START == "raise":
            raise OSError("no database")
        if START == "hang":
            await asyncio.sleep(60)
        if START == "unknown message":
            await send({"type": "lifespan.wrong"})
        scope["state"]["number"] = 7
        scope["state"]["shared"] = []
        await send({"type": "lifespan.startup.complete"})
        say("started", os.getpid())
    message = await receive()
    say("told", message["type"], os.getpid())
    if END == "hang":
        await asyncio.sleep(60)
    if END == "raise":
        raise ValueError("cannot end")
    await send({"type": "lifespan.shutdown.complete"})

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        if START == "unsupported":
            raise NotImplementedError("no such thing")
        if START == "returns":
            return
        return await lifespan(scope, receive, send)
    if scope["path"] == "/slow":
        say("slow")
        await asyncio.sleep(0.5)
        say("answers")
    state = scope.get("state")
    if state is not None:
        state["shared"].append(1)
        state["number"] += 1
        state = (state["number"], len(state["shared"]))
    body = f"{os.getpid()} {state}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})
'''


def application(start: str = "", end: str = "") -> str:
    return f"START, END = {start!r}, {end!r}\n{APP}"


ASGI = ("-k", "asgi")


def test_state_is_handed_on(serve: Serve) -> None:
    server = serve(application(), *ASGI)
    server.wait_for_log("SAW started")
    # A copy of the namespace for each request, the objects in it are shared.
    assert [server.get().body.partition(b" ")[2] for _ in range(3)] == [b"(8, 1)", b"(8, 2)", b"(8, 3)"]
    assert server.stop() == 0
    assert server.log().count("SAW told lifespan.shutdown") == 1


@pytest.mark.parametrize("mode", ["auto", "on"])
@pytest.mark.parametrize(
    ("start", "reason"),
    [
        ("fail", "no database"),
        ("raise", "OSError: no database"),
        ("unknown message", "unknown message 'lifespan.wrong'"),
    ],
)
def test_a_failed_start_stops_the_server(make_server: Serve, mode: str, start: str, reason: str) -> None:
    server = make_server(application(start), *ASGI, "--asgi-lifespan", mode, expect_traceback=True)
    assert server.spawn().wait() == 3
    assert f"The application did not start: {reason}" in server.log() or f"Misuse: {reason}" in server.log()
    assert "Worker failed to boot" in server.log()
    if start == "raise":
        assert "Traceback" in server.log()


def test_a_start_that_takes_too_long(make_server: Serve) -> None:
    server = make_server(application("hang"), *ASGI, "--lifespan-startup-timeout", "1")
    assert server.spawn().wait() == 3
    assert "its lifespan start-up took more than 1 s (lifespan_startup_timeout)" in server.log()


def test_a_new_generation_that_does_not_start_leaves_the_old_one(serve: Serve) -> None:
    server = serve(application(), *ASGI)
    server.wait_for_log("SAW started")
    before = server.get().body.split()[0]
    (server.folder / "app.py").write_text(application("fail"))
    server.send_signal(signal.SIGHUP)
    server.wait_for_log("The application did not start: no database")
    wait_until(lambda: len(server.worker_pids()) == 1)
    assert server.get().body.split()[0] == before


@pytest.mark.parametrize("start", ["unsupported", "returns"])
def test_an_application_without_lifespan(make_server: Serve, start: str) -> None:
    server = make_server(application(start), *ASGI).start()
    assert server.get().body.endswith(b" None")
    assert server.stop() == 0
    server = make_server(application(start), *ASGI, "--asgi-lifespan", "on", expect_traceback=True)
    assert server.spawn().wait() == 3
    assert "The application did not start: " in server.log()


@pytest.mark.parametrize(("code", "words"), [
    ("raise NotImplementedError", ""),
    ("assert scope['type'] == 'http'", ""),
    ("await send({'type': 'http.response.start', 'status': 200})", ""),
    ("await receive(); await send({'type': 'http.response.start', 'status': 200})", ""),
    ("raise RuntimeError('no database')", r"RuntimeError\('no database'\)"),
    ("import not_there_at_all", r"ModuleNotFoundError\(.*not_there_at_all.*\)"),
    ("await receive(); {}['DATABASE']", r"KeyError\('DATABASE'\)"),
    ("await receive(); int('no number')", r"ValueError\(.*no number.*\)"),
])
def test_a_start_that_fails_does_not_do_so_in_silence(serve: Serve, code: str, words: str) -> None:
    server = serve(f"""
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        {code}
    await receive()
    await send({{"type": "http.response.start", "status": 200, "headers": []}})
    await send({{"type": "http.response.body", "body": b"here"}})
""", *ASGI)
    assert server.get().body == b"here"
    line = r"\[INFO\] The application is served without a lifespan, since its lifespan raised "
    if words:
        server.wait_for_log(line + words)
    assert len(re.findall(line, server.log())) == bool(words), server.log()


def test_off(serve: Serve) -> None:
    server = serve(application("fail"), *ASGI, "--asgi-lifespan", "off")
    assert server.get().body.endswith(b" None")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_shut_down_on_a_stop(serve: Serve, number: int) -> None:
    server = serve(application(), *ASGI, "--workers", "2", workers=2)
    server.wait_for_log("SAW started", count=2)
    server.stop(number)
    assert server.log().count("SAW told lifespan.shutdown") == 2


def test_shut_down_comes_after_the_last_request(serve: Serve) -> None:
    server = serve(application(), *ASGI)
    with server.connect() as wire:
        wire.send(ask("/slow"))
        server.wait_for_log("SAW slow")
        server.send_signal(signal.SIGTERM)
        assert wire.read_response().status == 200
        wire.expect_eof()
    server.wait()
    log = server.log()
    assert log.index("SAW answers") < log.index("SAW told")


def test_shut_down_on_a_reload_and_after_max_requests(serve: Serve) -> None:
    server = serve(application(), *ASGI, "--max-requests", "5")
    server.wait_for_log("SAW started")
    first = server.worker_pids()
    server.send_signal(signal.SIGHUP)
    server.wait_for_log(f"SAW told lifespan.shutdown {first[0]}")
    second = server.get().body.split()[0].decode()
    for _ in range(5):
        assert server.get().status == 200
    server.wait_for_log(f"SAW told lifespan.shutdown {second}")
    wait_until(lambda: server.get().body.split()[0].decode() != second)


def test_a_shut_down_that_fails_or_takes_too_long(make_server: Serve) -> None:
    server = make_server(application(end="raise"), *ASGI, expect_traceback=True).start()
    server.wait_for_log("SAW started")
    assert server.stop() == 0
    assert "shut-down failed: ValueError: cannot end" in server.log()
    server = make_server(application(end="hang"), *ASGI, "--lifespan-shutdown-timeout", "1").start()
    server.wait_for_log("SAW started")
    assert server.stop() == 0
    assert "shut-down took more than 1 s" in server.log()
