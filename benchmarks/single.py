"""Clients that ask one thing after the other, over a unix socket: the load when instructions are counted."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from benchmarks.measure import ServerFailed

PATIENCE_SECONDS = 60.0


class Client(Protocol):
    """One connection, or one after the other."""

    def ask(self) -> None:
        """Send a request and read its answer to the end; raises ServerFailed when it is another than expected."""

    def close(self) -> None: ...


def connect(path: Path) -> socket.socket:
    """Raises OSError where nobody listens."""
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(PATIENCE_SECONDS)
    try:
        sock.connect(str(path))
    except OSError:
        sock.close()
        raise
    return sock


class Answers:
    """What comes from the server on one connection, read piece by piece."""

    def __init__(self, path: Path) -> None:
        self.sock = connect(path)
        self._rest = b""

    def take(self, size: int) -> bytes:
        while len(self._rest) < size:
            self._more()
        part, self._rest = self._rest[:size], self._rest[size:]
        return part

    def take_head(self) -> bytes:
        while b"\r\n\r\n" not in self._rest:
            self._more()
        return self.take(self._rest.index(b"\r\n\r\n") + 4)

    def take_all(self) -> bytes:
        """Until the server closes."""
        while part := self.sock.recv(65536):
            self._rest += part
        return self.take(len(self._rest))

    def _more(self) -> None:
        part = self.sock.recv(65536)
        if not part:
            raise ServerFailed(f"the connection was closed after {self._rest!r}")
        self._rest += part

    def close(self) -> None:
        self.sock.close()


def expect(what: bool, answer: bytes) -> None:
    if not what:
        raise ServerFailed(f"unexpected: {answer[:200]!r}")


def content_length(head: bytes) -> int:
    """That of an answer with status 200."""
    expect(head.startswith(b"HTTP/1.1 200 "), head)
    lengths = [line.partition(b":")[2] for line in head.splitlines() if line.lower().startswith(b"content-length:")]
    expect(len(lengths) == 1, head)
    return int(lengths[0])


class Kept:
    """Requests of HTTP/1.1 on one connection."""

    def __init__(self, path: Path, request: bytes) -> None:
        self._answers = Answers(path)
        self._request = request

    def ask(self) -> None:
        self.send()
        self.take()

    def send(self) -> None:
        self._answers.sock.sendall(self._request)

    def take(self) -> None:
        self._answers.take(content_length(self._answers.take_head()))

    def close(self) -> None:
        self._answers.close()


class Crowd:
    """Connections of HTTP/1.1 on which all ask before anybody reads."""

    def __init__(self, path: Path, request: bytes, size: int) -> None:
        self._members = [Kept(path, request) for _ in range(size)]

    def ask(self) -> None:
        for member in self._members:
            member.send()
        for member in self._members:
            member.take()

    def close(self) -> None:
        for member in self._members:
            member.close()


class Closing:
    """Requests of HTTP/1.1 on a connection each."""

    def __init__(self, path: Path, request: bytes) -> None:
        self._path = path
        self._request = request

    def ask(self) -> None:
        answers = Answers(self._path)
        try:
            answers.sock.sendall(self._request)
            head = answers.take_head()
            content = answers.take_all()
            expect(len(content) == content_length(head), head + content)
        finally:
            answers.close()

    def close(self) -> None:
        pass


class Echoed:
    """Messages on one WebSocket (RFC 6455) that come back as they went."""

    TEXT = b"e" * 64
    MASK = b"mask"
    HANDSHAKE = (
        b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )

    def __init__(self, path: Path) -> None:
        self._answers = Answers(path)
        self._accepted = False
        masked = bytes(octet ^ self.MASK[i % 4] for i, octet in enumerate(self.TEXT))
        self._frame = bytes((0x81, 0x80 | len(masked))) + self.MASK + masked
        self._answer = bytes((0x81, len(self.TEXT))) + self.TEXT

    def ask(self) -> None:
        if not self._accepted:
            self._shake_hands()
        self._answers.sock.sendall(self._frame)
        answer = self._answers.take(len(self._answer))
        expect(answer == self._answer, answer)

    def _shake_hands(self) -> None:
        self._answers.sock.sendall(self.HANDSHAKE)
        head = self._answers.take_head()
        expect(head.startswith(b"HTTP/1.1 101 "), head)
        self._accepted = True

    def close(self) -> None:
        self._answers.close()


class Streams:
    """Requests of HTTP/2 (RFC 9113), a stream each, one at a time on one connection without TLS."""

    DATA, HEADERS, SETTINGS = 0, 1, 4
    ACK = END_STREAM = 1
    END_HEADERS = 4
    #: GET, http and / of HPACK's static table, and an :authority that is not kept.
    FIELDS = b"\x82\x86\x84\x01\x09localhost"
    OK = 0x88

    def __init__(self, path: Path) -> None:
        self._answers = Answers(path)
        self._stream = -1
        self._answers.sock.sendall(
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + self._frame(self.SETTINGS) + self._frame(self.SETTINGS, self.ACK)
        )

    def _frame(self, kind: int, flags: int = 0, content: bytes = b"") -> bytes:
        stream = 0 if kind == self.SETTINGS else self._stream
        return len(content).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + content

    def ask(self) -> None:
        self._stream += 2
        self._answers.sock.sendall(self._frame(self.HEADERS, self.END_STREAM | self.END_HEADERS, self.FIELDS))
        ended = False
        while not ended:
            head = self._answers.take(9)
            content = self._answers.take(int.from_bytes(head[:3], "big"))
            kind, flags, stream = head[3], head[4], int.from_bytes(head[5:], "big")
            expect(kind != self.HEADERS or content[0] == self.OK, content)
            expect(stream in (0, self._stream) and kind != 7, head + content)
            ended = kind in (self.DATA, self.HEADERS) and bool(flags & self.END_STREAM)

    def close(self) -> None:
        self._answers.close()


Connect = Callable[[Path], Client]


def request(*fields: str, method: str = "GET", body: bytes = b"") -> bytes:
    """A request of HTTP/1.1."""
    lines = [f"{method} / HTTP/1.1", "Host: localhost", *fields, *([f"Content-Length: {len(body)}"] if body else [])]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def kept(*fields: str, method: str = "GET", body: bytes = b"") -> Connect:
    return lambda path: Kept(path, request(*fields, method=method, body=body))


def crowd(size: int) -> Connect:
    return lambda path: Crowd(path, request(), size)


def closing(*fields: str) -> Connect:
    return lambda path: Closing(path, request("Connection: close", *fields))
