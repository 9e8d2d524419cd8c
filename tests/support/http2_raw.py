"""A client of HTTP/2 that sends exactly the frames it is told to, right or wrong; it shares no code with the server."""

from __future__ import annotations

import select
import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.support.wait import PATIENCE
from tests.support.wire import Address, Wire

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
PRIORITY_UPDATE = 16

ACK = END_STREAM = 1
END_HEADERS = 4
PADDED = 8
HAS_PRIORITY = 32

(
    NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE_ERROR,
    REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM,
) = range(12)

HEADER_TABLE_SIZE = 1
INITIAL_WINDOW_SIZE = 4
LARGEST = 2 ** 31 - 1

# Of the static table (RFC 7541 appendix A): the fields with a value that a response here may have.
STATUSES = {8: 200, 9: 204, 10: 206, 11: 304, 12: 400, 13: 404, 14: 500}


class Frame(NamedTuple):
    kind: int
    flags: int
    stream: int
    payload: bytes


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3) + bytes((kind, flags)) + stream.to_bytes(4) + payload


def settings(*pairs: tuple[int, int]) -> bytes:
    return frame(SETTINGS, payload=b"".join(key.to_bytes(2) + value.to_bytes(4) for key, value in pairs))


def window(stream: int, increment: int) -> bytes:
    return frame(WINDOW_UPDATE, 0, stream, increment.to_bytes(4))


def reset(stream: int, code: int = CANCEL) -> bytes:
    return frame(RST_STREAM, 0, stream, code.to_bytes(4))


def priority(stream: int, depends: int = 0) -> bytes:
    return frame(PRIORITY, 0, stream, depends.to_bytes(4) + b"\x10")


def data(stream: int, content: bytes = b"", ended: bool = False) -> bytes:
    return frame(DATA, END_STREAM if ended else 0, stream, content)


# HPACK (RFC 7541), as far as one needs it to write.


def integer(value: int, bits: int, mark: int = 0) -> bytes:
    most = (1 << bits) - 1
    if value < most:
        return bytes((mark | value,))
    octets = [mark | most]
    value -= most
    while value >= 128:
        octets.append(value & 127 | 128)
        value >>= 7
    return bytes((*octets, value))


def indexed(index: int) -> bytes:
    return integer(index, 7, 128)


def string(octets: bytes) -> bytes:
    return integer(len(octets), 7) + octets


def literal(name: bytes, value: bytes, kept: bool = False) -> bytes:
    """A field that is spelt out; `kept`: it enters the dynamic table."""
    return (b"\x40" if kept else b"\x00") + string(name) + string(value)


def block(path: str = "/", method: str = "GET", *fields: tuple[bytes, bytes]) -> bytes:
    """The field section of a request."""
    first = {"GET": indexed(2), "POST": indexed(3)}.get(method) or literal(b":method", method.encode())
    more = b"".join(literal(*each) for each in fields)
    return first + indexed(6) + literal(b":authority", b"test") + literal(b":path", path.encode()) + more


def headers(stream: int, section: bytes | None = None, *, ended: bool = True, whole: bool = True) -> bytes:
    """A HEADERS frame; `ended`: the request has no content, `whole`: no CONTINUATION follows."""
    flags = (END_STREAM if ended else 0) | (END_HEADERS if whole else 0)
    return frame(HEADERS, flags, stream, block() if section is None else section)


@dataclass
class Answer:
    """What has come on one stream."""

    status: int = 0
    content: bytearray = field(default_factory=bytearray)
    ended: bool = False
    #: The error code of a RST_STREAM.
    reset: int | None = None
    #: Of a trailer section.
    fields: list[tuple[bytes, bytes]] = field(default_factory=list)

    @property
    def over(self) -> bool:
        return self.ended or self.reset is not None


@dataclass
class Received:
    """What has come on a connection."""

    answers: dict[int, Answer] = field(default_factory=dict)
    #: The error code of the last GOAWAY.
    goaway: int | None = None
    pongs: int = 0
    acknowledged: int = 0


class Client(Wire):
    """One connection. What is sent is not answered for: only `read` acknowledges SETTINGS, and gives windows back when
    it was made with `reads`."""

    def __init__(
        self, address: Address, *pairs: tuple[int, int], context: ssl.SSLContext | None = None, opens: bool = True,
        reads: bool = True,
    ) -> None:
        super().__init__(address)
        if context is not None:
            plain = self.socket
            self.socket = context.wrap_socket(plain, server_hostname="localhost")
        self.reads = reads
        self.got = Received()
        self.next_stream = 1
        if opens:
            self.send(PREFACE + settings(*pairs) + frame(SETTINGS, ACK))

    def __enter__(self) -> Client:
        return self

    def new(self) -> int:
        """A stream that was not used yet."""
        identifier = self.next_stream
        self.next_stream += 2
        return identifier

    def request(self, path: str = "/", content: bytes = b"", *fields: tuple[bytes, bytes]) -> int:
        """Send an ordinary request; its stream."""
        stream = self.new()
        method = "POST" if content else "GET"
        octets = headers(stream, block(path, method, *fields), ended=not content)
        self.send(octets + (data(stream, content, True) if content else b""))
        return stream

    def answer(self, stream: int) -> Answer:
        """Wait for the end of a stream."""
        self.read(lambda: stream in self.got.answers and self.got.answers[stream].over)
        return self.got.answers.get(stream, Answer())

    def fetch(self, path: str = "/", content: bytes = b"", *fields: tuple[bytes, bytes]) -> Answer:
        return self.answer(self.request(path, content, *fields))

    def pour(self, octets: bytes, times: int = 1) -> bool:
        """Send so many times without reading; False when the server takes no more, or has ended it."""
        self.socket.settimeout(1.0)
        try:
            for _ in range(times):
                self.socket.sendall(octets)
        except TimeoutError:
            return False
        except OSError:
            self.reset = True
            return False
        return True

    def ping(self) -> None:
        """Wait until the server has looked at all that was sent."""
        before = self.got.pongs
        self.send(frame(PING, payload=b"tellback"))
        self.read(lambda: self.got.pongs > before)

    def statuses(self, streams: Iterable[int]) -> list[int]:
        return [self.answer(stream).status for stream in streams]

    def read_goaway(self) -> int:
        """Wait for a GOAWAY that tells of an error, or the end of the connection; the code."""
        self.read(lambda: bool(self.got.goaway))
        assert self.got.goaway is not None, "the connection ended without a GOAWAY"
        return self.got.goaway

    def read(self, until: Callable[[], bool], seconds: float = PATIENCE) -> bool:
        """Take frames in until that is so, or the server has closed; whether it is so."""
        end = time.monotonic() + seconds
        while not until():
            if not self.take() and not self.fill(end):
                return until()
        return True

    def look(self, seconds: float) -> None:
        """Take in what comes within this time, if anything does; it passes in any case."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self.socket], [], [], left)[0] and not self.fill():
                return
            while self.take():
                pass

    def take(self) -> bool:
        """Look at the next whole frame that has come; whether there was one."""
        if len(self.buffer) < 9:
            return False
        size = int.from_bytes(self.buffer[:3])
        if len(self.buffer) < 9 + size:
            return False
        got = Frame(
            self.buffer[3], self.buffer[4], int.from_bytes(self.buffer[5:9]) & LARGEST, self.buffer[9:9 + size],
        )
        self.buffer = self.buffer[9 + size:]
        self._note(got)
        return True

    def _note(self, got: Frame) -> None:
        answer = self.got.answers.setdefault(got.stream, Answer()) if got.stream else Answer()
        if got.kind == HEADERS:
            # An interim response is followed by the one that counts; trailers have no status.
            if answer.status >= 200:
                answer.fields = literals(got.payload)
            else:
                answer.status = status_of(got.payload)
        elif got.kind == DATA:
            answer.content += got.payload
            if self.reads and got.payload:
                more = b"" if got.flags & END_STREAM else window(got.stream, len(got.payload))
                self.send(more + window(0, len(got.payload)))
        elif got.kind == RST_STREAM:
            answer.reset = int.from_bytes(got.payload)
        elif got.kind == GOAWAY:
            self.got.goaway = int.from_bytes(got.payload[4:8])
        elif got.kind == PING and got.flags & ACK:
            self.got.pongs += 1
        elif got.kind == SETTINGS and got.flags & ACK:
            self.got.acknowledged += 1
        if got.kind in (HEADERS, DATA) and got.flags & END_STREAM:
            answer.ended = True


def status_of(section: bytes) -> int:
    """The status stands first in a response."""
    first = section[0]
    if first & 128:
        return STATUSES.get(first & 127, 0)
    # A literal whose name is that of an index, spelt without Huffman codes.
    return int(section[2:5]) if 8 <= first & 63 <= 14 and section[1] == 3 else 0


def literals(section: bytes) -> list[tuple[bytes, bytes]]:
    """Short fields that are spelt out, without Huffman codes."""
    fields = []
    while section:
        assert section[0] == 0, section
        name = section[2:2 + section[1]]
        section = section[2 + len(name):]
        value = section[1:1 + section[0]]
        section = section[1 + len(value):]
        fields.append((name, value))
    return fields
