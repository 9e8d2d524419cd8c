"""WebSocket on streams of HTTP/2 (RFC 8441): what the end of a stream means, wherever it comes.

What octets mean is in tests/wire, and the suite of Autobahn runs over such streams as well (tests/autobahn).
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.frames import TEXT, close, frame
from tests.support.http2_raw import Client, block, data, headers, literal
from tests.support.server import Server

APPLICATION = '''
import asyncio
import sys

async def app(scope, receive, send):
    """Counts what it gets, and says how it ended. How: it waits before it accepts, or before each message."""
    how = scope["query_string"]
    await receive()
    if how == b"late":
        await asyncio.sleep(0.05)
    await send({"type": "websocket.accept"})
    count = 0
    while (message := await receive())["type"] == "websocket.receive":
        count += 1
        if how == b"slow":
            await asyncio.sleep(0.001)
    sys.stderr.write(f"SAW {scope['path']} {count} {message['code']}\\n")
'''
MANY = frame(TEXT, b"x") * 100
# What is sent behind the head of the handshake, END_STREAM with its last frame; and what the application sees of it.
ENDS: dict[str, tuple[list[bytes], str]] = {
    "with the head": ([], "0 1006"),
    "with a message": ([frame(TEXT, b"x")], "1 1006"),
    "behind a message": ([frame(TEXT, b"x"), b""], "1 1006"),
    "behind more than is queued": ([MANY, b""], "100 1006"),
    "with a close frame behind more than is queued": ([MANY + close()], "100 1000"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    arguments = ("-k", "asgi", "--http-protocols", "h2,h1", "--http2-cleartext", "prior-knowledge")
    running = Server(tmp_path_factory.mktemp("streams"), APPLICATION, *arguments)
    try:
        yield running.start()
        assert running.stop() == 0
    finally:
        running.kill()


@pytest.mark.parametrize("how", ["now", "late", "slow"])
@pytest.mark.parametrize("end", ENDS)
def test_the_end_of_a_stream_comes_behind_what_was_sent(server: Server, end: str, how: str) -> None:
    pieces, seen = ENDS[end]
    path = f"/{how}/{end.replace(' ', '-')}"
    section = literal(b":protocol", b"websocket") + block(f"{path}?{how}", "CONNECT")
    section += literal(b"sec-websocket-version", b"13")
    with Client(server.address) as client:
        stream = client.new()
        octets = headers(stream, section, ended=not pieces)
        for place, piece in enumerate(pieces, 1):
            octets += data(stream, piece, place == len(pieces))
        client.send(octets)
        answer = client.answer(stream)
        assert (answer.status, answer.ended, answer.reset) == (200, True, None)
        server.wait_for_log(f"SAW {path} {seen}\n")


def test_trailer_fields_end_it_as_well(server: Server) -> None:
    section = literal(b":protocol", b"websocket") + block("/trailers", "CONNECT")
    section += literal(b"sec-websocket-version", b"13")
    with Client(server.address) as client:
        stream = client.new()
        client.send(headers(stream, section, ended=False) + data(stream, frame(TEXT, b"x")))
        client.send(headers(stream, literal(b"x-a", b"b")))
        assert client.answer(stream).ended
        server.wait_for_log("SAW /trailers 1 1006\n")
