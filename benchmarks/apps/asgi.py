"""The ASGI side of the scenarios."""

import asyncio

HELLO = b"Hello, World!"
PLAIN = [(b"content-type", b"text/plain"), (b"content-length", b"13")]
TEN = [*PLAIN, *((b"x-field-%d" % i, b"value %d" % i) for i in range(8))]
OCTETS = (b"content-type", b"application/octet-stream")
MEBIBYTE = b"x" * (1 << 20)
CHUNK = b"c" * 1024


async def lifespan(receive, send):
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return


def answering(headers, *parts):
    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for part in parts[:-1]:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": parts[-1]})

    return app


hello = answering(PLAIN, HELLO)
ten_fields = answering(TEN, HELLO)
download = answering([OCTETS, (b"content-length", b"1048576")], MEBIBYTE)
stream = answering([OCTETS], *[CHUNK] * 16)


async def upload(scope, receive, send):
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
        return
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            break
    body = b"".join(parts)
    headers = [OCTETS, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def sleep10ms(scope, receive, send):
    if scope["type"] == "http":
        await asyncio.sleep(0.01)
    await hello(scope, receive, send)


async def websocket_echo(scope, receive, send):
    """Every message goes back as it came."""
    if scope["type"] != "websocket":
        await hello(scope, receive, send)
        return
    await receive()
    await send({"type": "websocket.accept"})
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        text = message.get("text")
        if text is not None:
            await send({"type": "websocket.send", "text": text})
        else:
            await send({"type": "websocket.send", "bytes": message["bytes"]})


_sends = {}


async def websocket_broadcast(scope, receive, send):
    """Every message goes to every connection, the sender's too."""
    if scope["type"] != "websocket":
        await hello(scope, receive, send)
        return
    await receive()
    await send({"type": "websocket.accept"})
    _sends[id(send)] = send
    try:
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            answer = {"type": "websocket.send", "text": message["text"]}
            for each in list(_sends.values()):
                await each(answer)
    finally:
        del _sends[id(send)]


BIG = b"b" * 5_000_000
BIG_FIELDS = [OCTETS, (b"content-length", b"5000000")]
big = answering(BIG_FIELDS, BIG)


async def small_and_big(scope, receive, send):
    """/big is 5 MB, everything else small."""
    await (big if scope.get("path") == "/big" else hello)(scope, receive, send)
