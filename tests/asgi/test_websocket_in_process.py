"""Every specimen of frames on a connection, server and client in this process: what comes back, and how it ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest

from tests.support import frames
from tests.support.frames import ACCEPT, BINARY, CLOSE, PONG, TEXT, close, handshake
from tests.system.wire.in_process import Client, House
from tests.wire.test_websocket_frames import LIMIT, SPECIMENS, Event, Specimen, frame, of_rfc, packed

WHOLE = [
    each for each in SPECIMENS
    if (specimen := cast(Specimen, each.values[0])).whole and specimen.deflate is None and specimen.limit == LIMIT
]
CODES = {"text": TEXT, "binary": BINARY, "ping": PONG}


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Sends back what it is sent."""
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({**message, "type": "websocket.send"})


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    made = House(app, ("--websocket-max-message-size", str(LIMIT)), asgi=True)
    yield made
    made.close()


class WebSocket(Client):
    read_frame = frames.Client.read_frame

    def expect(self, event: Event) -> None:
        name, data = event[0], event[1]
        if name == "pong":
            return
        got = self.read_frame()  # type: ignore[misc]
        if name in CODES:
            payload = data.encode() if isinstance(data, str) else data
            assert (got.opcode, got.data, got.final, got.rsv1) == (CODES[str(name)], payload, True, False)
            return
        # A close is answered with its own code, a broken rule with the code that says which.
        assert (got.opcode, got.code) == (CLOSE, data), got


@pytest.mark.parametrize("bytewise", [False, True], ids=["whole", "octet by octet"])
@pytest.mark.parametrize("specimen", WHOLE)
def test_specimen(house: House, specimen: Specimen, bytewise: bool) -> None:
    if bytewise and len(specimen.octets) > 1000:
        bytewise = False
    with WebSocket(house) as client:
        if bytewise:
            client.send_bytewise(handshake() + specimen.octets)
        else:
            client.send(handshake() + specimen.octets)
        response = client.read_response()
        assert (response.status, response.get("sec-websocket-accept")) == (101, ACCEPT)
        for event in specimen.events:
            client.expect(event)
        if specimen.events[-1][0] not in ("close", "error"):
            client.send(close(1001))
            client.expect(("close", 1001))
        client.expect_eof()


def test_compressed_messages(house: House) -> None:
    """RFC 7692 section 7.2.3.1, and what is large enough to be worth it."""
    with WebSocket(house) as client:
        client.send(handshake("/", "Sec-WebSocket-Extensions: permessage-deflate"))
        assert client.read_response().get("sec-websocket-extensions") == "permessage-deflate; server_max_window_bits=12"
        client.send(frame(TEXT, of_rfc("f2 48 cd c9 c9 07 00"), bits=0x40))
        client.expect(("text", "Hello"))
        client.send(frame(BINARY, packed(b"a" * 500), bits=0x40))
        got = client.read_frame()  # type: ignore[misc]
        assert (got.opcode, got.rsv1) == (BINARY, True)
        assert len(got.data) < 50
        client.send(close())
        client.expect(("close", 1000))
        client.expect_eof()
