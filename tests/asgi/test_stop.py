"""What a stop means for open responses and for whatever an application has left in the loop."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conftest import Serve
from tests.support.server import Server
from tests.support.wait import wait_until
from tests.support.wire import Wire

#: So long that a stop which waits for it has failed.
ARGUMENTS = ("-k", "asgi", "--graceful-timeout", "3600", "--asgi-disconnect-grace-period", "3600")

APP = '''
import asyncio, os, sys

def say(*words):
    sys.stderr.write(" ".join(["SAW", *map(str, words)]) + "\\n")

def start(*headers):
    return {"type": "http.response.start", "status": 200, "headers": list(headers)}

def body(data, more=False):
    return {"type": "http.response.body", "body": data, "more_body": more}

async def until_go(send):
    while not os.path.exists("go"):
        await send(body(b"tick;", True))
        await asyncio.sleep(0.05)
    await send(body(b"end"))

async def events(receive, send):
    """Server-sent events, without an end."""
    await send(start((b"Content-Type", b"text/event-stream; charset=utf-8")))
    await send(body(b"data: first\\n\\n", True))
    await receive()
    say("events", (await receive())["type"])

async def before_the_first(receive, send):
    """The same, before there is anything to send."""
    await receive()
    await send(start((b"content-type", b"text/event-stream")))
    say("first", (await receive())["type"])

async def polls(receive, send):
    """Asks now and then whether its client is still there."""
    await receive()
    await send(start((b"content-type", b"text/event-stream")))
    await send(body(b"data: first\\n\\n", True))
    while True:
        try:
            message = await asyncio.wait_for(receive(), 0.01)
        except TimeoutError:
            await send(body(b"data: more\\n\\n", True))
        else:
            say("polls", message["type"])
            return

async def silent(receive, send):
    """Waits for something to tell."""
    await receive()
    await send(start())
    await send(body(b"first", True))
    say("silent", (await receive())["type"])

async def told_and_ending(receive, send):
    """Has something to say when it is told."""
    await events(receive, send)
    await send(body(b"data: farewell\\n\\n"))

async def listens(receive, send):
    """A download whose framework stops it when the client has left."""
    await receive()
    await send(start())
    downloading = asyncio.create_task(until_go(send))
    listening = asyncio.create_task(receive())
    done, _ = await asyncio.wait([downloading, listening], return_when=asyncio.FIRST_COMPLETED)
    downloading.cancel()
    say("listens", "whole" if downloading in done else "cut")

async def counted(receive, send):
    """Of known length."""
    await receive()
    await send(start((b"content-length", b"10")))
    await send(body(b"first", True))
    task = asyncio.create_task(receive())
    while not os.path.exists("go"):
        await asyncio.sleep(0.05)
    say("counted", task.done())
    await send(body(b"-last"))

async def deaf(receive, send):
    """Never asks for anything."""
    await send(start())
    await until_go(send)

async def deaf_events(receive, send):
    await send(start((b"content-type", b"text/event-stream")))
    await until_go(send)

async def stubborn(receive, send):
    """Takes no notice of what it is told."""
    await events(receive, send)
    await asyncio.sleep(3600)

async def leaves_tasks(receive, send):
    """Leaves tasks, a generator and a thread behind."""
    async def forever(name):
        try:
            await asyncio.sleep(3600)
        finally:
            say("ended", name)

    async def generator():
        try:
            while True:
                yield 1
                await asyncio.sleep(0)
        finally:
            say("ended generator")

    async def fails():
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            raise ZeroDivisionError("on purpose")

    async def clings():
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                say("clings")

    left = globals()["left"] = [asyncio.create_task(forever(name)) for name in ("one", "two")]
    left.append(generator())
    await anext(left[-1])
    await asyncio.to_thread(say, "in a thread")
    for function in (fails, clings):
        if function.__name__ in MORE:
            left.append(asyncio.create_task(function(), name=function.__name__))
    await asyncio.sleep(0)
    await send(start())
    await send(body(b"left"))

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise NotImplementedError
    await globals()[scope["path"].strip("/")](receive, send)
'''
APP = "MORE = ()\n" + APP


Begin = Callable[..., Wire]


@pytest.fixture
def begin() -> Iterator[Begin]:
    """`begin(server, path)` is a response whose first octets have come; with `sent` False: which may have none yet."""
    with ExitStack() as stack:

        def ask(server: Server, path: str, sent: bool = True) -> Wire:
            wire = stack.enter_context(server.connect())
            wire.send(f"GET /{path} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
            while sent and (b"\r\n\r\n" not in wire.buffer or wire.buffer.endswith(b"\r\n\r\n")):
                assert wire.fill()
            return wire

        yield ask


def assert_no_blame(server: Server) -> None:
    for word in ("ERROR", "CRITICAL", "Traceback", "Cancelling", "was destroyed", "never awaited"):
        assert word not in server.log(), server.log()


def test_open_streams_are_told_and_the_rest_ends_well(serve: Serve, begin: Begin) -> None:
    server = serve(APP, *ARGUMENTS)
    told = {name: begin(server, name) for name in ("events", "polls", "silent", "told_and_ending")}
    first = begin(server, "before_the_first", sent=False)
    own_end = {name: begin(server, name) for name in ("listens", "counted", "deaf", "deaf_events")}
    server.send_signal(signal.SIGTERM)
    for words in ("events", "first", "polls", "silent"):
        server.wait_for_log(f"SAW {words} http.disconnect")
    # Its client comes back, and not to the worker that leaves: nothing more is answered on that connection.
    told["polls"].send(b"GET /counted HTTP/1.1\r\nHost: a\r\n\r\n")
    # Event streams end in good order, others so that nobody takes half for whole.
    for name in ("events", "polls", "told_and_ending"):
        data = told[name].read_until_eof()
        assert data.endswith(b"\r\n0\r\n\r\n"), data
    assert b"data: farewell" in data
    assert told["silent"].read_until_eof().endswith(b"first\r\n")
    assert b"\r\nContent-Length: 0\r\n" in first.read_until_eof()
    assert "SAW listens" not in server.log()
    (server.folder / "go").touch()
    for name, wire in own_end.items():
        data = wire.read_until_eof()
        assert data.endswith(b"-last" if name == "counted" else b"3\r\nend\r\n0\r\n\r\n"), (name, data)
    assert server.wait() == 0
    assert "SAW listens whole" in server.log()
    assert "SAW counted False" in server.log()
    assert_no_blame(server)


@pytest.mark.parametrize("how", ["HUP", "max_requests", "QUIT"])
def test_every_way_to_stop_tells_them(serve: Serve, begin: Begin, how: str) -> None:
    server = serve(APP, *ARGUMENTS, *(("--max-requests", "2") if how == "max_requests" else ()))
    before = server.worker_pids()
    wire = begin(server, "events")
    if how == "max_requests":
        begin(server, "events").close()
    else:
        server.send_signal(getattr(signal, f"SIG{how}"))
    server.wait_for_log("SAW events http.disconnect")
    assert wire.read_until_eof().endswith(b"0\r\n\r\n")
    if how == "QUIT":
        assert server.wait() == 0
    else:
        server.wait_for_workers(lambda pids: len(pids) == 1 and pids != before)
    assert_no_blame(server)


def test_the_reloader_does_not_wait_for_streams(serve: Serve, begin: Begin) -> None:
    server = serve(APP, *ARGUMENTS, "--reload", "--reload-engine", "poll")
    before = server.worker_pids()
    wires = [begin(server, name) for name in ("events", "silent", "listens", "deaf", "deaf_events", "stubborn")]
    (server.folder / "app.py").write_text(APP + "\n# changed\n")
    server.wait_for_workers(lambda pids: len(pids) == 1 and pids != before)
    ends = [wire.read_until_eof() for wire in wires]
    # One that never asks is told by `send`.
    assert ends[4].endswith(b"tick;\r\n0\r\n\r\n")
    assert_no_blame(server)


def test_what_does_not_end_is_cancelled_and_nobody_blamed(serve: Serve, begin: Begin) -> None:
    server = serve(APP, "-k", "asgi", "--graceful-timeout", "4", "--asgi-disconnect-grace-period", "1")
    wires = {name: begin(server, name) for name in ("stubborn", "deaf", "deaf_events", "listens")}
    assert server.stop() == 0
    assert wires["deaf"].read_until_eof().endswith(b"tick;\r\n")
    assert "SAW events http.disconnect" in server.log()
    # What is not told at once is told before the time is over.
    assert "SAW listens cut" in server.log()
    assert re.search(r"Cancelling [12] requests that did not end within graceful_timeout", server.log())
    assert "ERROR" not in server.log()


def test_what_is_left_in_the_loop_is_ended(serve: Serve) -> None:
    server = serve(APP, *ARGUMENTS)
    assert server.get("/leaves_tasks").body == b"left"
    assert server.stop() == 0
    for name in ("one", "two", "generator"):
        assert f"SAW ended {name}" in server.log()
    assert_no_blame(server)


def test_what_clings_to_its_life_is_left_behind(make_server: Serve) -> None:
    app = APP.replace("MORE = ()", 'MORE = ("fails", "clings")')
    server = make_server(app, "-k", "asgi", "--graceful-timeout", "8", expect_traceback=True).start()
    assert server.get("/leaves_tasks").body == b"left"
    assert server.stop() == 0
    assert "SAW ended two" in server.log()
    assert "which was cancelled" in server.log()
    assert "ZeroDivisionError: on purpose" in server.log()
    assert "1 tasks are still running although they were cancelled: clings" in server.log()
    assert "SIGKILL" not in server.log()


def test_a_start_that_fails_leaves_no_task_behind(make_server: Serve, tmp_path: Path) -> None:
    app = '''
    import asyncio, sys

    async def forever():
        try:
            await asyncio.sleep(3600)
        finally:
            sys.stderr.write("SAW ended\\n")

    async def app(scope, receive, send):
        globals()["left"] = asyncio.create_task(forever())
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "on purpose"})
    '''
    server = make_server(app, "-k", "asgi").spawn()
    assert server.wait() == 3
    wait_until(lambda: "SAW ended" in server.log(), what=server.describe)
    assert "was destroyed" not in server.log()
