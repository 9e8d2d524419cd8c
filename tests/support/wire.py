"""A client that sends exactly the bytes it is told to, and a small reader of HTTP/1 answers of its own.

The reader shares no code with the server under test, and it is strict: an answer that is not framed as
RFC 9112 has it raises AssertionError.
"""

from __future__ import annotations

import json
import re
import socket
import time
from dataclasses import dataclass, field
from typing import Any

from tests.support.wait import PATIENCE

Address = tuple[str, int] | str

STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2}) ([\t\x20-\x7e\x80-\xff]*)\Z")
FIELD_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*\Z")
CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]+)(?:[ \t]*;.*)?\Z")


@dataclass
class Response:
    """One complete answer; ``interim`` holds the 1xx answers that came before it."""

    version: str
    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    trailers: list[tuple[str, str]] = field(default_factory=list)
    interim: list[Response] = field(default_factory=list)
    #: True when nothing but the end of the connection ended the body.
    until_eof: bool = False

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name: str) -> str | None:
        values = self.all(name)
        assert len(values) <= 1, f"{name} stands {len(values)} times in {self.headers}"
        return values[0] if values else None

    def json(self) -> Any:
        return json.loads(self.body)


class Wire:
    """One client connection. Every read has a deadline and fails with what had come so far."""

    def __init__(self, address: Address, timeout: float = PATIENCE, source: str = "") -> None:
        self.timeout = timeout
        if isinstance(address, str):
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.socket.settimeout(timeout)
            self.socket.connect(address)
        else:
            self.socket = socket.create_connection(address, timeout, (source, 0) if source else None)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.eof = False
        self.reset = False

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def fileno(self) -> int:
        return self.socket.fileno()

    # Sending. A server may answer and close before it has read everything; what is then refused is no
    # failure of the client's, the answer counts.

    def send(self, data: bytes) -> None:
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            self.reset = True

    def send_bytewise(self, data: bytes) -> None:
        """One segment a byte, with Nagle's algorithm off."""
        for i in range(len(data)):
            self.send(data[i : i + 1])
            if self.reset:
                return

    def send_split(self, data: bytes, *places: int) -> None:
        """Segments cut at the given offsets."""
        last = 0
        for place in (*places, len(data)):
            self.send(data[last:place])
            last = place

    def finish_sending(self) -> None:
        """Half-close: the server reads the end of the stream, answers can still come."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.reset = True

    # Receiving.

    def fill(self, end: float | None = None) -> bool:
        """Read once; False at the end of the stream. Raises AssertionError when the monotonic clock is at ``end``."""
        if self.eof:
            return False
        left = self.timeout if end is None else end - time.monotonic()
        if left <= 0:
            raise AssertionError(f"nothing more came in {self.timeout:g} s after {self.buffer!r}")
        self.socket.settimeout(left)
        try:
            data = self.socket.recv(65536)
        except TimeoutError:
            raise AssertionError(f"nothing more came in {self.timeout:g} s after {self.buffer!r}") from None
        except ConnectionResetError:
            self.reset = True
            data = b""
        self.buffer += data
        self.eof = not data
        return bool(data)

    def read_until_eof(self, timeout: float | None = None) -> bytes:
        """Everything until the server closes."""
        end = time.monotonic() + (timeout or self.timeout)
        while self.fill(end):
            pass
        data, self.buffer = self.buffer, b""
        return data

    def expect_eof(self, timeout: float | None = None) -> None:
        """The server closes without another byte."""
        rest = self.read_until_eof(timeout)
        assert rest == b"", f"bytes after the last answer: {rest!r}"

    def is_silent(self, seconds: float) -> bool:
        """True when neither a byte nor the end of the stream comes within ``seconds``.

        For what must not come at all: a slow machine makes this pass too easily, never fail.
        """
        if self.buffer or self.eof:
            return False
        self.socket.settimeout(seconds)
        try:
            data = self.socket.recv(65536)
        except TimeoutError:
            return True
        self.buffer += data
        self.eof = not data
        return False

    def read_response(self, method: str = "GET", timeout: float | None = None) -> Response:
        """One complete answer to a request with ``method`` (HEAD and CONNECT change its framing)."""
        end = time.monotonic() + (timeout or self.timeout)
        interim: list[Response] = []
        while True:
            response = self.read_head(end)
            if response.status >= 200 or response.status == 101:
                break
            interim.append(response)
        response.interim = interim
        self.read_body(response, method, end)
        return response

    def read_line(self, end: float | None = None) -> bytes:
        while b"\n" not in self.buffer:
            if not self.fill(end):
                raise AssertionError(f"the stream ended inside a line: {self.buffer!r}")
        line, self.buffer = self.buffer.split(b"\n", 1)
        assert line.endswith(b"\r"), f"a bare LF ends {line!r}"
        return line[:-1]

    def read_fields(self, end: float | None = None) -> list[tuple[str, str]]:
        fields: list[tuple[str, str]] = []
        while line := self.read_line(end):
            match = FIELD_LINE.match(line)
            assert match, f"no field line: {line!r}"
            fields.append((match[1].decode("latin-1"), match[2].decode("latin-1")))
        return fields

    def read_head(self, end: float | None = None) -> Response:
        line = self.read_line(end)
        match = STATUS_LINE.match(line)
        assert match, f"no status line: {line!r}"
        fields = self.read_fields(end)
        return Response(f"1.{match[1].decode()}", int(match[2]), match[3].decode("latin-1"), fields)

    def read_exactly(self, size: int, end: float | None = None) -> bytes:
        # In pieces: a buffer that grows by every read costs a copy of all of it each time.
        pieces: list[bytes] = []
        missing = size
        while len(self.buffer) < missing:
            missing -= len(self.buffer)
            pieces.append(self.buffer)
            self.buffer = b""
            if not self.fill(end):
                raise AssertionError(f"the stream ended {missing} bytes early")
        pieces.append(self.buffer[:missing])
        self.buffer = self.buffer[missing:]
        return b"".join(pieces)

    def read_body(self, response: Response, method: str, end: float) -> None:
        lengths, codings = response.all("Content-Length"), response.all("Transfer-Encoding")
        assert not (lengths and codings), f"two framings at once: {response.headers}"
        assert len(lengths) <= 1, f"several Content-Length: {response.headers}"
        if response.status in (101, 204, 304) or method == "HEAD":
            assert not (response.status == 204 and (lengths or codings)), "204 with a body's framing"
            return
        if method == "CONNECT" and response.status < 300:
            return
        if codings:
            assert [c.lower() for c in codings] == ["chunked"], codings
            self.read_chunks(response, end)
        elif lengths:
            assert lengths[0].isdigit(), lengths
            response.body = self.read_exactly(int(lengths[0]), end)
        else:
            response.until_eof = True
            response.body = self.read_until_eof(max(0.001, end - time.monotonic()))

    def read_chunks(self, response: Response, end: float) -> None:
        parts = []
        while True:
            line = self.read_line(end)
            match = CHUNK_SIZE.match(line)
            assert match, f"no chunk size: {line!r}"
            size = int(match[1], 16)
            if size == 0:
                break
            parts.append(self.read_exactly(size, end))
            assert self.read_exactly(2, end) == b"\r\n", "chunk data is not followed by CRLF"
        response.trailers = self.read_fields(end)
        response.body = b"".join(parts)


def request(address: Address, data: bytes, method: str = "GET", timeout: float = PATIENCE) -> Response:
    """Send ``data`` on a connection of its own and return the first answer."""
    with Wire(address, timeout) as wire:
        wire.send(data)
        return wire.read_response(method)


def get(address: Address, path: str = "/", *fields: str, timeout: float = PATIENCE) -> Response:
    """A plain GET with ``Connection: close``; ``fields`` are further whole header lines."""
    lines = [f"GET {path} HTTP/1.1", "Host: test", "Connection: close", *fields, "", ""]
    return request(address, "\r\n".join(lines).encode("latin-1"), timeout=timeout)
