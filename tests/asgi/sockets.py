"""The WebSocket application of these tests. Its source is what the server under test loads."""

import asyncio
import json
import os
import sys


def say(*words):
    # In one write: workers share the log.
    sys.stderr.write(" ".join(["SAW", *map(str, words)]) + "\n")


def text(value):
    return {"type": "websocket.send", "text": value}


async def opened(receive, send, **accept):
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept", **accept})


async def echo(scope, receive, send):
    await opened(receive, send)
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message.get("text"), "bytes": message.get("bytes")})
    say("end", message["code"], repr(message.get("reason")), (await receive())["type"])


async def scope(scope_, receive, send):
    await opened(receive, send)
    seen = {key: value for key, value in scope_.items() if key not in ("state", "headers")}
    for key in ("raw_path", "query_string"):
        seen[key] = seen[key].decode()
    await send(text(json.dumps(seen)))


async def protocols(scope, receive, send):
    await opened(receive, send, subprotocol=scope["subprotocols"][-1], headers=[(b"x-own", b"1")])
    await receive()


async def says_goodbye(scope, receive, send):
    await opened(receive, send)
    await send(text("before"))
    await send({"type": "websocket.close", "code": 3456, "reason": "enough \N{SNOWMAN}" + "x" * 200})
    say("after close", (await receive())["type"])
    try:
        await send(text("too late"))
    except RuntimeError as error:
        say("late", error)


async def returns(scope, receive, send):
    await opened(receive, send)


async def fails(scope, receive, send):
    if scope["query_string"] == b"before":
        raise ZeroDivisionError("on purpose")
    await opened(receive, send)
    raise ZeroDivisionError("on purpose")


async def rejects(scope, receive, send):
    await receive()
    await send({"type": "websocket.close", "code": 4000})


async def denies(scope, receive, send):
    await receive()
    assert scope["extensions"] == {"websocket.http.response": {}}
    await send({"type": "websocket.http.response.start", "status": 401, "headers": [(b"x-why", b"no")]})
    await send({"type": "websocket.http.response.body", "body": b"go ", "more_body": True})
    await send({"type": "websocket.http.response.body", "body": b"away"})


async def silent(scope, receive, send):
    """Never answers the handshake."""
    await receive()
    say("asked")
    say("then", await receive())


async def misuse(scope, receive, send):
    kind = scope["query_string"].decode()
    if kind == "send-first":
        await send(text("x"))
    if kind == "http":
        await send({"type": "http.response.start", "status": 200})
    if kind == "protocol-header":
        await send({"type": "websocket.accept", "headers": [(b"sec-websocket-protocol", b"x")]})
    if kind == "break":
        await send({"type": "websocket.accept", "headers": [(b"x", b"a\r\nb: c")]})
    await opened(receive, send)
    if kind == "accept-twice":
        await send({"type": "websocket.accept"})
    if kind == "empty":
        await send({"type": "websocket.send"})
    if kind == "text-bytes":
        await send(text(b"x"))
    if kind == "surrogate":
        await send(text("\ud800"))
    if kind == "code":
        await send({"type": "websocket.close", "code": 1006})


async def slow_reader(scope, receive, send):
    await opened(receive, send)
    while not os.path.exists("read"):
        await asyncio.sleep(0.01)
    count = 0
    while (await receive())["type"] == "websocket.receive":
        count += 1
        if count % 1000 == 0:
            await send(text(str(count)))


async def flood(scope, receive, send):
    await opened(receive, send)
    sent = 0
    try:
        while True:
            task = asyncio.ensure_future(send({"type": "websocket.send", "bytes": b"z" * 10000}))
            await asyncio.sleep(0)
            if not task.done():
                say("flood waits")
            await task
            sent += 1
    except OSError:
        say("flood ended")
        raise


async def hello(scope, receive, send):
    """Tells what it got; the first message may have come with the handshake."""
    await opened(receive, send)
    while (message := await receive())["type"] == "websocket.receive":
        await send(text(f"got {message.get('text') or len(message['bytes'])}"))


async def stubborn(scope, receive, send):
    await opened(receive, send)
    say("stubborn begins")
    try:
        await asyncio.sleep(30)
    except asyncio.CancelledError:
        say("stubborn cancelled")
        raise


async def after_the_end(scope, receive, send):
    await opened(receive, send)
    while (await receive())["type"] == "websocket.receive":
        pass
    try:
        await send(text("nobody hears"))
    except OSError as error:
        say("raised", type(error).__name__)


async def app(scope_, receive, send):
    if scope_["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        await send({"type": "http.response.body", "body": b"http"})
        return
    if scope_["type"] != "websocket":
        raise NotImplementedError
    await globals()[scope_["path"].strip("/").replace("-", "_") or "echo"](scope_, receive, send)
