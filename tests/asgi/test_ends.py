"""How requests and WebSockets end: clients that leave, reasons that go round in circles, work behind the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gunicorn.asgi.messages import Disconnected, is_about_the_client
from gunicorn.loading.tracebacks import application_traceback
from tests.support.server import Server
from tests.support.wire import Wire

APP = '''
import asyncio, sys

def say(*words):
    sys.stderr.write(" ".join(["SAW", *map(str, words)]) + "\\n")

def start(*headers, **more):
    return {"type": "http.response.start", "status": 200, "headers": list(headers), **more}

def body(data, more=False):
    return {"type": "http.response.body", "body": data, "more_body": more}

async def circle(scope, receive, send):
    """Unwraps a group of one, as frameworks do: the group is the context of its own member."""
    await send(start())
    await send(body(b"some", True))
    while (await receive())["type"] != "http.disconnect":
        pass
    try:
        try:
            while True:
                await send(body(b"x" * 100_000, True))
        except OSError as error:
            if scope["query_string"] != b"client":
                error = ZeroDivisionError("on purpose")
            raise ExceptionGroup("of one", [error])
    except ExceptionGroup as group:
        raise group.exceptions[0]

async def trailers(scope, receive, send):
    await send(start((b"trailer", b"x-sum"), (b"trailer", b"x-end"), trailers=True))
    await send(body(b"one,", True))
    await send(body(b"two"))
    await send({"type": "http.response.trailers", "headers": [(b"x-sum", b"1"), (b"x-end", b"2")]})

async def large_trailers(scope, receive, send):
    await send(start((b"trailer", b"x-sum"), trailers=True))
    await send(body(b"x" * 100_000))
    await send({"type": "http.response.trailers", "headers": [(b"x-sum", b"1")]})

async def no_trailers(scope, receive, send):
    await send(start((b"trailer", b"x-sum")))
    await send(body(b"one"))

async def pid(scope, receive, send):
    await send(start())
    await send(body(b"here"))

async def late(scope, receive, send):
    """Answers the handshake when its client is gone."""
    message = await receive()
    say("asked")
    while message["type"] != "websocket.disconnect":
        message = await receive()
    kind = scope["path"].partition("-")[2]
    messages = {
        "accept": [{"type": "websocket.accept"}],
        "close": [{"type": "websocket.close"}],
        "start": [{"type": "websocket.http.response.start", "status": 401, "headers": []}],
        "body": [{"type": "websocket.http.response.body", "body": b"x"}],
        "send": [{"type": "websocket.send", "text": "x"}],
        "wrong": [{"type": "websocket.wrong"}],
    }
    for message in messages[kind]:
        try:
            await send(message)
        except Exception as error:
            say("late", kind, isinstance(error, OSError))
            raise

async def worker(scope, receive, send):
    """Works behind the end of its WebSocket for longer than the grace period."""
    await receive()
    how = scope["path"].partition("-")[2]
    if how == "denied":
        await send({"type": "websocket.close"})
    else:
        await send({"type": "websocket.accept"})
        if how == "closed":
            await send({"type": "websocket.close"})
        elif how == "told":
            while (await receive())["type"] != "websocket.disconnect":
                pass
    try:
        await asyncio.sleep(2.5)
        say("worked behind", how)
    except asyncio.CancelledError:
        say("cancelled", how)
        raise

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise NotImplementedError
    name = scope["path"].strip("/").partition("-")[0]
    await globals()[name](scope, receive, send)
'''
UPGRADE = (
    "Upgrade: websocket", "Connection: upgrade", "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    arguments = ("-k", "asgi", "--asgi-disconnect-grace-period", "1", "--worker-connections", "5")
    running = Server(tmp_path_factory.mktemp("ends"), APP, *arguments, expect_traceback=True)
    try:
        yield running.start()
        assert running.stop() == 0
    finally:
        running.kill()


def ask(server: Server, path: str, *fields: str, version: str = "1.1") -> Wire:
    wire = server.connect()
    wire.send("\r\n".join([f"GET {path} HTTP/{version}", "Host: test", *fields, "", ""]).encode())
    return wire


# Errors whose reasons go round in circles.


def ring(last: BaseException, length: int = 3) -> BaseException:
    """An exception that is, some contexts away, its own reason; `last` is one of those."""
    errors: list[BaseException] = [ValueError(number) for number in range(length)]
    for error, reason in zip(errors, [*errors[1:], last], strict=True):
        error.__context__ = reason
    last.__context__ = errors[0]
    return errors[0]


def unwrapped(*members: Exception) -> BaseException:
    try:
        try:
            raise ExceptionGroup("of some", list(members))
        except ExceptionGroup as group:
            raise group.exceptions[0]  # noqa: B904  # this is what makes the circle
    except Exception as error:
        return error


def chain(last: BaseException, length: int) -> BaseException:
    for _ in range(length):
        error = ValueError()
        error.__cause__ = last
        last = error
    return last


def branching(depth: int) -> BaseException:
    error: Exception = ValueError()
    for _ in range(depth):
        error = ExceptionGroup("twice", [error, error])
    return error


@pytest.mark.parametrize(("make", "expected"), [
    (lambda: ring(KeyError()), False),
    (lambda: ring(Disconnected()), True),
    (lambda: unwrapped(ValueError()), False),
    (lambda: unwrapped(Disconnected()), True),
    (lambda: ExceptionGroup("", [Disconnected(), chain(Disconnected(), 2)]), True),  # type: ignore[list-item]
    (lambda: ExceptionGroup("", [Disconnected(), ValueError()]), False),
    (lambda: chain(Disconnected(), 100_000), True),
    (lambda: chain(KeyError(), 100_000), False),
    (lambda: branching(60), False),
])
def test_walks_over_reasons_come_to_an_end(make: object, expected: bool) -> None:
    error = make()  # type: ignore[operator]
    assert is_about_the_client(error) is expected


@pytest.mark.parametrize("error", [
    ring(KeyError("the last")), unwrapped(ValueError("the last")), chain(ValueError("the last"), 3000),
], ids=["ring", "group", "chain"])
def test_a_traceback_of_it_can_be_written(error: BaseException) -> None:
    assert "the last" in application_traceback(error)


def test_impatient_clients_cost_no_connection(server: Server) -> None:
    for query in ("client", "other"):
        for _ in range(6):
            with ask(server, f"/circle?{query}") as wire:
                assert wire.read_head().status == 200
    server.wait_for_log(r"ERROR. Exception in ASGI application: /circle\?other", count=6)
    with ask(server, "/pid") as wire:
        assert wire.read_response().body == b"here"
    assert "/circle?client" not in server.log()
    assert "RecursionError" not in server.log()


# Trailers.


@pytest.mark.parametrize("path", ["/trailers", "/large_trailers"])
def test_trailers_for_a_client_without_chunks(server: Server, path: str) -> None:
    content = b"one,two" if path == "/trailers" else b"x" * 100_000
    with ask(server, path, "TE: trailers", version="1.0") as wire:
        response = wire.read_response()
    assert (response.status, response.body, response.get("trailer")) == (200, content, None)


def test_the_trailer_field_is_kept_when_there_are_trailers(server: Server) -> None:
    for path, fields, expected in (
        ("/trailers", ("TE: trailers",), ["x-sum", "x-end"]),
        ("/large_trailers", ("TE: trailers",), ["x-sum"]),
        ("/trailers", (), []),
        ("/no_trailers", ("TE: trailers",), []),
    ):
        with ask(server, path, *fields) as wire:
            response = wire.read_response()
        assert response.all("trailer") == expected
        assert [name for name, _ in response.trailers] == expected


# WebSockets.


@pytest.mark.parametrize("kind", ["accept", "close", "start", "body", "send"])
def test_a_client_that_leaves_before_the_answer(server: Server, kind: str) -> None:
    before = len(server.log())
    with ask(server, f"/late-{kind}", *UPGRADE):
        server.wait_for_log(rf"(?s)\A.{{{before}}}.*SAW asked")
    server.wait_for_log(rf"SAW late {kind} True")
    with ask(server, "/pid") as wire:
        assert wire.read_response().body == b"here"
    assert "ERROR" not in server.log()[before:]


def test_a_message_that_is_none_stays_an_error(server: Server) -> None:
    before = len(server.log())
    with ask(server, "/late-wrong", *UPGRADE):
        server.wait_for_log(rf"(?s)\A.{{{before}}}.*SAW asked")
    server.wait_for_log("SAW late wrong False")


def test_work_behind_the_end_of_a_websocket(server: Server) -> None:
    wires = [ask(server, f"/worker-{how}", *UPGRADE) for how in ("denied", "closed", "told", "untold")]
    assert [wire.read_head().status for wire in wires] == [403, 101, 101, 101]
    for wire in wires:
        wire.close()
    for words in ("worked behind denied", "worked behind closed", "worked behind told", "cancelled untold"):
        server.wait_for_log(f"SAW {words}")
