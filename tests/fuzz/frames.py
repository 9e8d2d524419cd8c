"""Frames are messages within the limit, control frames or a WebSocketError, masked and compressed ones too."""

from __future__ import annotations

import zlib
from typing import Any

from tests.fuzz.rooms import Rooms

KEY = b"\x12\x34\x56\x78"


def frame(opcode: int, data: bytes, final: int = 0x80, bits: int = 0, key: bytes = KEY) -> bytes:
    size = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2)
    masked = bytes(octet ^ key[index & 3] for index, octet in enumerate(data))
    return bytes([final | bits | opcode]) + size + key + masked


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return (packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]


def finished(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


SPECIMENS = [
    frame(1, b""), frame(1, b"hello"), frame(2, bytes(range(256))), frame(1, "\N{EURO SIGN}" .encode() * 9),
    frame(1, b"ab", final=0) + frame(0, b"cd", final=0) + frame(0, b"ef"),
    frame(1, b"\xe2\x82", final=0) + frame(0, b"\xac"), frame(2, b"x" * 200, final=0) + frame(9, b"ping") + frame(0,
    b"y"),
    frame(9, b""), frame(9, b"p" * 125), frame(10, b"pong"), frame(8, b""), frame(8, b"\x03\xe8bye"), frame(8, b"\x03"),
    frame(1, deflated(b"hello " * 20), bits=0x40), frame(2, deflated(b"\0" * 60000), bits=0x40),
    frame(2, deflated(b"ab" * 500)[:5], final=0, bits=0x40) + frame(0, deflated(b"ab" * 500)[5:]),
    frame(1, finished(b"the end"), bits=0x40), frame(2, b"\xff\xfe" * 70, bits=0x40),
    b"\x82\xff" + (1 << 40).to_bytes(8) + KEY + b"abc", b"\x82\xff" + b"\xff" * 8 + KEY,
    b"\x82\xff\x7f" + b"\xff" * 7 + KEY,
    b"\x82\xfe\x00\x05" + KEY + b"hello", b"\x82\x05hello", b"\x83\x80" + KEY, b"\x88\xfe\x00\x7e" + KEY + b"a" * 126,
]
WORDS = [frame(1, b"a"), frame(0, b"b"), frame(9, b"c"), frame(8, b"\x03\xe8"), b"\x82\xfe\xff\xff", b"\x82\xff", KEY,
         b"\x00" * 8,
         b"\xc1", b"\x41", b"\x01", b"\x80", b"\x00\x00\xff\xff"]


def make(rooms: Rooms) -> Any:
    websocket = rooms("wire.websocket")
    agreed = websocket.Deflate(True, True, 12, 15, "")
    forgets = websocket.Deflate(False, False, 9, 15, "")
    need, kinds = websocket.NEED_DATA, (websocket.MESSAGE, websocket.PING, websocket.PONG, websocket.CLOSE)
    trouble = websocket.WebSocketError

    def run(pieces: list[bytes], choice: int) -> object:
        limit = (4096, 0, 10)[choice % 3]
        frames = websocket.Frames(limit, (None, agreed, forgets)[(choice >> 2) % 3])
        events: list[object] = []
        try:
            for piece in pieces:
                frames.receive(piece)
                while (event := frames.next_event()) != need:
                    assert event in kinds
                    assert not limit or event != kinds[0] or len(frames.data) <= limit
                    events.append((event, frames.data, frames.code, frames.reason))
                    if event == kinds[3]:
                        return events
        except trouble as error:
            events.append((error.code, error.reason))
        return events

    return run
