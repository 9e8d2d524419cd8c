"""The application of these tests. Its source is what the server under test loads; what it sees goes into the log."""

import asyncio
import contextvars
import json
import os
import sys

FILE = os.path.abspath(__file__)
BIG = b"x" * 1_000_000
marker = contextvars.ContextVar("marker", default="none")


def say(*words):
    # In one write: workers share the log.
    sys.stderr.write(" ".join(["SAW", *map(str, words)]) + "\n")


def start(status=200, *headers, **more):
    return {"type": "http.response.start", "status": status, "headers": list(headers), **more}


def body(data=b"", more=False):
    return {"type": "http.response.body", "body": data, "more_body": more}


async def answer(send, data, *headers, status=200):
    length = (b"content-length", str(len(data)).encode())
    await send(start(status, length, *headers))
    await send(body(data))


async def read(receive):
    data = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RuntimeError("left while sending")
        data += message["body"]
        if not message["more_body"]:
            return data


async def scope(scope, receive, send):
    seen = {key: value for key, value in scope.items() if key not in ("headers", "state")}
    seen["headers"] = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]]
    for key in ("raw_path", "query_string"):
        seen[key] = scope[key].decode("latin-1")
    await answer(send, json.dumps(seen).encode(), (b"content-type", b"application/json"))


async def echo(scope, receive, send):
    await answer(send, await read(receive))


async def sizes(scope, receive, send):
    """How large each piece of the body was, the body itself thrown away."""
    pieces = []
    while True:
        message = await receive()
        pieces.append(len(message["body"]))
        if not message["more_body"]:
            break
    await answer(send, json.dumps(pieces).encode())


async def stop_and_go(scope, receive, send):
    """Does not read until it is told to by a file."""
    while not os.path.exists("go"):
        await asyncio.sleep(0.01)
    await answer(send, str(len(await read(receive))).encode())


async def stream(scope, receive, send):
    await send(start())
    for number in range(int(scope["query_string"])):
        await send(body(b"%d;" % number, True))
    await send(body())


async def duplex(scope, receive, send):
    """Answers each piece of the body when it comes."""
    await send(start())
    await send(body(b"", True))
    more = True
    while more:
        message = await receive()
        more = message["more_body"]
        await send(body(message["body"].upper(), more))


async def flood(scope, receive, send):
    """Sends for ever; says how far it came whenever `send` was made to wait."""
    await send(start())
    sent = 0
    try:
        while True:
            task = asyncio.ensure_future(send(body(b"y" * 65536, True)))
            await asyncio.sleep(0)
            if not task.done():
                say("flood waits after", sent)
            await task
            sent += 1
    except OSError as error:
        say("flood ended", type(error).__mro__[1].__name__)
        raise


async def wait(scope, receive, send):
    """Waits for the client to leave."""
    await receive()
    say("waiting")
    message = await receive()
    say("heard", message["type"])
    say("heard", (await receive())["type"])


async def wait_or_answer(scope, receive, send):
    await receive()
    listening = asyncio.create_task(receive())
    done, _ = await asyncio.wait([listening], timeout=0.3)
    say("early disconnect" if done else "nothing yet")
    await answer(send, b"answered")
    say("then", (await listening)["type"])


async def stubborn(scope, receive, send):
    """Takes no notice of its client."""
    say("stubborn begins")
    try:
        await asyncio.sleep(30)
    except asyncio.CancelledError:
        say("stubborn cancelled")
        raise
    finally:
        say("stubborn cleaned up")


async def swallowed(scope, receive, send):
    """A cancellation of a part arrives there and nowhere else."""
    await receive()

    async def part():
        try:
            await receive()
        except asyncio.CancelledError:
            say("part cancelled")
            raise

    task = asyncio.create_task(part())
    await asyncio.sleep(0.05)
    task.cancel()
    result = (await asyncio.gather(task, return_exceptions=True))[0]
    try:
        await asyncio.wait_for(receive(), 0.05)
    except TimeoutError:
        say("timed out")
    await answer(send, type(result).__name__.encode())


async def misuse(scope, receive, send):
    kind = scope["query_string"].decode()
    if kind == "no-start":
        await send(body(b"x"))
    elif kind == "start-twice":
        await send(start())
        await send(start())
    elif kind == "no-dict":
        await send("hello")
    elif kind == "no-type":
        await send({})
    elif kind == "unknown":
        await send({"type": "http.response.wrong"})
    elif kind == "status":
        await send({"type": "http.response.start", "status": "200"})
    elif kind == "status-range":
        await send(start(100))
    elif kind == "body-str":
        await send(start())
        await send({"type": "http.response.body", "body": "text"})
    elif kind == "header-break":
        await send(start(200, (b"x-a", b"1\r\nx-b: 2")))
    elif kind == "header-pair":
        await send(start(200, (b"x-a",)))
    elif kind == "header-str":
        await send(start(200, (b"x-a", "1")))
    elif kind == "late-hint":
        await send(start())
        await send({"type": "http.response.early_hint", "links": []})
    elif kind == "trailers":
        await send(start())
        await send({"type": "http.response.trailers", "headers": []})
    elif kind == "no-file":
        await send(start())
        await send({"type": "http.response.pathsend", "path": "/nowhere/at/all"})
    elif kind == "folder":
        await send(start())
        await send({"type": "http.response.pathsend", "path": "/"})
    elif kind == "too-long":
        await send(start(200, (b"content-length", b"3")))
        await send(body(b"12345"))
    elif kind == "too-short":
        await send(start(200, (b"content-length", b"10")))
        await send(body(b"12345"))
    elif kind == "after-end":
        await answer(send, b"ok")
        await send(body(b"more"))
    elif kind == "nothing":
        return
    elif kind == "half":
        await send(start())
        await send(body(b"half", True))
    elif kind == "start-only":
        await send(start())


async def recovers(scope, receive, send):
    """A start that is refused may be followed by a good one."""
    try:
        await send(start(200, (b"content-length", b"7"), (b"x-a", b"a\nb")))
    except RuntimeError as error:
        await answer(send, type(error).__name__.encode(), status=503)


async def fails(scope, receive, send):
    where = scope["query_string"]
    if where != b"before":
        await send(start())
    if where == b"after":
        await send(body(b"some", True))
    raise ZeroDivisionError("on purpose")


async def status(scope, receive, send):
    code, *fields = scope["query_string"].decode().split("&")
    headers = [tuple(part.encode() for part in field.split("=")) for field in fields]
    await send(start(int(code), *headers))
    await send(body(b"content"))


async def trailers(scope, receive, send):
    await send(start(200, trailers=True))
    await send(body(b"one,", True))
    await send(body(b"two"))
    await send({"type": "http.response.trailers", "headers": [(b"x-sum", b"1")], "more_trailers": True})
    await send({"type": "http.response.trailers", "headers": [(b"x-end", b"2")]})


async def hints(scope, receive, send):
    await send({"type": "http.response.early_hint", "links": [b"</a.css>; rel=preload", b"</b.js>; rel=preload"]})
    await answer(send, b"hinted")


async def path(scope, receive, send):
    assert "http.response.pathsend" in scope["extensions"]
    name = scope["query_string"].decode() or FILE
    await send(start(200, (b"content-type", b"text/plain")))
    await send({"type": "http.response.pathsend", "path": name})


async def asks_late(scope, receive, send):
    """Looks at the body only when the test says so."""
    if scope["query_string"] == b"never":
        await answer(send, b"not wanted")
        return
    say("not asked yet")
    while not os.path.exists("ask"):
        await asyncio.sleep(0.01)
    await answer(send, await read(receive))


async def mixed(scope, receive, send):
    """Small and large pieces, at a stretch and with pauses."""
    await send(start())
    for number, size in enumerate((1, 4096, 0, 4097, 20_000, 3, *[4000] * 8, 5, 70_000, 2)):
        await send(body(bytes([97 + number]) * size, True))
        if number % 4 == 3:
            await asyncio.sleep(0)
    await send(body(b"end"))


async def background(scope, receive, send):
    await answer(send, b"done")
    await asyncio.sleep(1)
    # With a query: until a file of that name says so.
    while scope["query_string"] and not os.path.exists(scope["query_string"]):
        await asyncio.sleep(0.01)
    say("background finished")


async def context(scope, receive, send):
    before = marker.get()
    marker.set(scope["query_string"].decode())
    await asyncio.sleep(0.01)
    await answer(send, f"{before} {marker.get()}".encode())


async def isolated(scope, receive, send):
    """Set where the request's task runs without waiting once."""
    before = marker.get()
    marker.set("set by another request")
    await answer(send, before.encode())


async def slow(scope, receive, send):
    await asyncio.sleep(float(scope["query_string"]))
    await answer(send, b"slow")


async def pid(scope, receive, send):
    await answer(send, str(os.getpid()).encode())


async def native(scope, receive, send):
    """What code that insists on the interpreter's own coroutines finds."""
    import inspect

    # What can be marked as a coroutine function is known to asyncio alone before Python 3.12.
    knows = inspect if hasattr(inspect, "markcoroutinefunction") else asyncio
    is_coroutine_function = knows.iscoroutinefunction
    call = receive()
    seen = [inspect.iscoroutine(call), is_coroutine_function(receive), is_coroutine_function(send)]
    seen.append(inspect.getcoroutinestate(call) != inspect.CORO_SUSPENDED)
    await call
    again = asyncio.ensure_future(receive())
    await asyncio.sleep(0)
    seen.append(inspect.getcoroutinestate(again.get_coro()) == inspect.CORO_SUSPENDED)
    again.cancel()
    await asyncio.gather(send(start()), return_exceptions=True)
    await send(body(json.dumps(seen).encode()))


async def two_readers(scope, receive, send):
    """Two tasks wait for the same end."""
    await receive()
    both = [asyncio.create_task(receive()), asyncio.create_task(receive())]
    await asyncio.sleep(0.02)
    await answer(send, b"x")
    say("both", [message["type"] for message in await asyncio.gather(*both)])


async def fair(scope, receive, send):
    """Sends without ever waiting, while a timer of its own must run."""
    ticks = []

    async def tick():
        while True:
            ticks.append(1)
            await asyncio.sleep(0)

    ticking = asyncio.create_task(tick())
    await send(start())
    for _ in range(1000):
        await send(body(b"z", True))
    ticking.cancel()
    await send(body(b" %d" % len(ticks)))


async def stuck(scope, receive, send):
    import time

    bystander = asyncio.create_task(asyncio.sleep(60), name="innocent bystander")
    assert not bystander.done()
    await asyncio.sleep(0)
    time.sleep(60)


async def app(scope_, receive, send):
    if scope_["type"] != "http":
        raise NotImplementedError(scope_["type"])
    name = scope_["path"].strip("/").rpartition("/")[2].replace("-", "_") or "pid"
    await globals()[name](scope_, receive, send)
