"""A WebSocket client that sends exactly the frames it is told to; it shares no code with the server under test."""

from __future__ import annotations

import os
import time
from typing import NamedTuple

from tests.support.wait import PATIENCE
from tests.support.wire import Address, Response, Wire

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
#: What RFC 6455 section 1.3 derives from this key.
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


class Frame(NamedTuple):
    """A frame as it came: ``rsv1`` is the compression bit of RFC 7692."""

    opcode: int
    data: bytes
    final: bool = True
    rsv1: bool = False

    @property
    def code(self) -> int:
        """The status code of a close frame; 1005 for an empty one."""
        return int.from_bytes(self.data[:2]) if self.data else 1005


def handshake(path: str = "/", *fields: str, key: str = KEY, version: str = "13") -> bytes:
    lines = [
        f"GET {path} HTTP/1.1", "Host: test", "Upgrade: websocket", "Connection: keep-alive, Upgrade",
        f"Sec-WebSocket-Key: {key}", f"Sec-WebSocket-Version: {version}", *fields, "", "",
    ]
    return "\r\n".join(lines).encode("latin-1")


def frame(opcode: int, data: bytes = b"", *, final: bool = True, bits: int = 0, masked: bool = True) -> bytes:
    """A frame of a client."""
    head = bytes([(0x80 if final else 0) | bits | opcode])
    mask = 0x80 if masked else 0
    if len(data) < 126:
        head += bytes([mask | len(data)])
    elif len(data) < 65536:
        head += bytes([mask | 126]) + len(data).to_bytes(2)
    else:
        head += bytes([mask | 127]) + len(data).to_bytes(8)
    if not masked:
        return head + data
    key = os.urandom(4)
    repeated = (key * (len(data) // 4 + 1))[:len(data)]
    return head + key + (int.from_bytes(data) ^ int.from_bytes(repeated)).to_bytes(len(data))


def close(code: int | None = 1000, reason: bytes = b"") -> bytes:
    return frame(CLOSE, b"" if code is None else code.to_bytes(2) + reason)


class Client(Wire):
    """A connection that may become a WebSocket."""

    def __init__(self, address: Address, path: str = "/", *fields: str, open: bool = True) -> None:
        super().__init__(address)
        self.send(handshake(path, *fields))
        if open:
            self.response = self.read_opening()

    def read_opening(self) -> Response:
        response = self.read_response()
        assert response.status == 101, response
        assert response.get("sec-websocket-accept") == ACCEPT
        assert (response.get("upgrade") or "").lower() == "websocket"
        assert (response.get("connection") or "").lower() == "upgrade"
        return response

    def read_frame(self, timeout: float = PATIENCE) -> Frame:
        end = time.monotonic() + timeout
        first, second = self.read_exactly(2, end)
        assert not second & 0x80, "a server masks nothing"
        length = second
        if length == 126:
            length = int.from_bytes(self.read_exactly(2, end))
        elif length == 127:
            length = int.from_bytes(self.read_exactly(8, end))
        return Frame(first & 15, self.read_exactly(length, end), bool(first & 0x80), bool(first & 0x40))

    def text(self, text: str) -> None:
        self.send(frame(TEXT, text.encode()))

    def says(self, text: str) -> None:
        """The next frame is this text."""
        assert self.read_frame() == Frame(TEXT, text.encode())

    def expect_close(self, code: int) -> Frame:
        """The server closes with this code, and then the connection; frames before that are passed over."""
        while (got := self.read_frame()).opcode != CLOSE:
            pass
        assert got.code == code, got
        return got
