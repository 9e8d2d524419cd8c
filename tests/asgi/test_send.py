"""`send` and `receive` act when what they return is awaited, by whoever it is, and not before."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator

import pytest

from tests.support.server import REPOSITORY, Server

APP = '''
import asyncio, inspect, json, threading

def start(*headers):
    return {"type": "http.response.start", "status": 200, "headers": list(headers)}

def body(data, more=False):
    return {"type": "http.response.body", "body": data, "more_body": more}

async def never_awaited(receive, send):
    """What is built and dropped is not sent, and takes nothing."""
    send(start((b"x-wrong", b"1")))
    send(body(b"wrong"))
    send("no message at all")
    receive()
    closed = send(start((b"x-wrong", b"2")))
    closed.close()
    thrown = send(start((b"x-wrong", b"3")))
    try:
        thrown.throw(ZeroDivisionError("on purpose"))
    except ZeroDivisionError:
        pass
    assert (await receive())["type"] == "http.request"
    await send(start())
    await send(body(b"right"))

async def in_the_order_of_the_awaits(receive, send):
    second, first, head = send(body(b"two")), send(body(b"one,", True)), send(start())
    await head
    await first
    await second

async def create_task(receive, send):
    await asyncio.create_task(send(start()))
    await asyncio.create_task(send(body(b"task")))

async def gather(receive, send):
    await asyncio.gather(send(start()), send(body(b"one,", True)), send(body(b"two")))

async def task_group(receive, send):
    async with asyncio.TaskGroup() as group:
        for message in (start(), body(b"one,", True), body(b"two")):
            group.create_task(send(message))

async def wait_for(receive, send):
    for message in (start(), body(b"one,", True), body(b"two")):
        await asyncio.wait_for(send(message), 30)

async def shield(receive, send):
    for message in (start(), body(b"shielded")):
        await asyncio.shield(send(message))

async def wait(receive, send):
    await asyncio.wait([asyncio.ensure_future(send(start()))])
    await asyncio.wait([asyncio.ensure_future(send(body(b"waited")))])

async def other_thread(receive, send):
    loop = asyncio.get_running_loop()
    threads = []

    def work():
        threads.append(threading.get_ident())
        for message in (start(), body(b"one,", True), body(b"two")):
            asyncio.run_coroutine_threadsafe(send(message), loop).result(30)

    await asyncio.to_thread(work)
    assert threads != [threading.get_ident()]

async def built_in_another_thread(receive, send):
    def build():
        return [send(start()), send(body(b"one,", True)), send(body(b"two"))]

    for message in await asyncio.to_thread(build):
        await message

async def errors_at_the_await(receive, send):
    wrong = send({"type": "http.response.wrong"})
    raised = []
    try:
        await wrong
    except RuntimeError as error:
        raised.append("await")
    results = await asyncio.gather(send(body(b"x")), send("none"), return_exceptions=True)
    raised += [type(result).__mro__[1].__name__ for result in results]
    await send(start())
    await send(body(json.dumps(raised).encode()))

async def cancelled_before_it_began(receive, send):
    task = asyncio.create_task(send(start((b"x-wrong", b"1"))))
    task.cancel()
    await asyncio.wait([task])
    await send(start())
    await send(body(b"%d" % task.cancelled()))

async def awaited_twice(receive, send):
    head = send(start())
    await head
    asked = receive()
    await asked
    caught = 0
    for again in (head, asked):
        try:
            await again
        except RuntimeError:
            caught += 1
    await send(body(b"%d" % caught))

async def looks_like_a_coroutine(receive, send):
    made = send(start())
    seen = [asyncio.iscoroutine(made), inspect.iscoroutine(made), inspect.isawaitable(made)]
    seen.append(inspect.getcoroutinestate(made) != inspect.CORO_SUSPENDED)
    await made
    await send(body(json.dumps(seen).encode()))

async def waits_for_room(receive, send):
    """A slow client: what is awaited waits, and can be given up, without the message being lost."""
    await send(start())
    task = None
    for _ in range(200):
        task = asyncio.ensure_future(send(body(b"x" * 65536, True)))
        done, _ = await asyncio.wait([task], timeout=0.05)
        if not done:
            break
    suspended = inspect.getcoroutinestate(task.get_coro()) == inspect.CORO_SUSPENDED
    task.cancel()
    await asyncio.wait([task])
    print("SAW full", flush=True)
    await send(body(b" %d %d" % (suspended, task.cancelled())))

async def app(scope, receive, send):
    if scope["type"] == "http":
        await globals()[scope["path"].strip("/")](receive, send)
    else:
        raise NotImplementedError
'''


@pytest.fixture(scope="module", params=["asyncio", "uvloop"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
    running = Server(tmp_path_factory.mktemp("send"), APP, "-k", "asgi", "--asgi-loop", request.param)
    try:
        yield running.start()
        assert running.stop() == 0
    finally:
        running.kill()


@pytest.mark.parametrize(("path", "expected"), [
    ("never_awaited", b"right"),
    ("in_the_order_of_the_awaits", b"one,two"),
    ("create_task", b"task"),
    ("gather", b"one,two"),
    ("task_group", b"one,two"),
    ("wait_for", b"one,two"),
    ("shield", b"shielded"),
    ("wait", b"waited"),
    ("other_thread", b"one,two"),
    ("built_in_another_thread", b"one,two"),
    ("cancelled_before_it_began", b"1"),
    ("awaited_twice", b"2"),
])
def test_it_acts_when_it_is_awaited(server: Server, path: str, expected: bytes) -> None:
    response = server.get(f"/{path}")
    assert (response.status, response.body) == (200, expected), server.log()
    assert response.get("x-wrong") is None


def test_errors_are_raised_at_the_await(server: Server) -> None:
    assert json.loads(server.get("/errors_at_the_await").body) == ["await", "RuntimeError", "RuntimeError"]


def test_it_looks_like_a_coroutine(server: Server) -> None:
    assert json.loads(server.get("/looks_like_a_coroutine").body) == [True] * 4


def test_waiting_for_room_can_be_given_up(server: Server) -> None:
    with server.connect() as wire:
        wire.send(b"GET /waits_for_room HTTP/1.1\r\nHost: test\r\n\r\n")
        server.wait_for_log("SAW full")
        assert wire.read_response().body.endswith(b"x 1 1")


def test_what_nobody_has_made_is_refused() -> None:
    """The type is at hand by `type(receive())`: compiled, an object without its cycle ended the process."""
    code = """
        from gunicorn.asgi.waiting import Wait

        calls = {"send": (None,), "throw": (ValueError(),), "close": (), "__next__": (), "__await__": ()}
        for name, arguments in calls.items():
            wait = Wait.__new__(Wait)
            try:
                getattr(wait, name)(*arguments)
                wait.cr_state
            except (RuntimeError, ValueError, AttributeError):
                pass
        print("alive")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.stdout == "alive\n", done.stderr
