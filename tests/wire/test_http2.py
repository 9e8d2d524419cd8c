"""HTTP/2 without a socket: frames in, calls and frames out. What RFC 9113 asks for, and what a client must not get.

Every case is fed whole, octet by octet, and with other octets behind it where that makes sense.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from gunicorn.http.errors import HTTPError
from gunicorn.http.fields import FieldTable
from gunicorn.http.limits import Limits
from gunicorn.http.request import Request
from gunicorn.wire import hpack
from gunicorn.wire.http2 import HTTP2
from gunicorn.wire.http2_frames import PREFACE, HTTP2Settings
from gunicorn.wire.http2_streams import Recipient, Stream

DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
CODES = [
    "NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
    "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
]
END, WHOLE, PADDED, PRIORITIZED = 1, 4, 8, 32


class Frame(NamedTuple):
    kind: int
    flags: int
    stream: int
    payload: bytes


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def frames(octets: bytes) -> Iterator[Frame]:
    while octets:
        size = int.from_bytes(octets[:3], "big")
        yield Frame(octets[3], octets[4], int.from_bytes(octets[5:9], "big"), octets[9:9 + size])
        octets = octets[9 + size:]


def u32(number: int) -> bytes:
    return number.to_bytes(4, "big")


def setting(key: int, value: int) -> bytes:
    return key.to_bytes(2, "big") + u32(value)


def block(*more: tuple[str, str], method: str = "GET", path: str = "/") -> bytes:
    fields = [(":method", method), (":scheme", "https"), (":path", path), (":authority", "a"), *more]
    return b"".join(hpack.packed(name.encode(), value.encode()) for name, value in fields)


def get(stream: int, *more: tuple[str, str]) -> bytes:
    return frame(HEADERS, END | WHOLE, stream, block(*more))


def post(stream: int, *more: tuple[str, str]) -> bytes:
    return frame(HEADERS, WHOLE, stream, block(*more, method="POST"))


class Client(Recipient):
    """A connection, with what was called and what was sent."""

    def __init__(self, settings: HTTP2Settings | None = None, greet: bool = True, **limits: object) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.streams: dict[int, Stream] = {}
        static = hpack.Static(FieldTable(Limits(**limits)))
        self.http2 = HTTP2(static, False, settings or HTTP2Settings(), self)
        self.now = 100.0
        if greet:
            self.send(PREFACE + frame(SETTINGS, 0, 0))
            self.sent()

    def head(self, stream: Stream, request: Request) -> None:
        self.streams[stream.identifier] = stream
        self.calls.append(("head", stream.identifier, request.method, request.uri, stream.receiving))

    def refused(self, stream: Stream, request: Request, error: HTTPError) -> None:
        self.streams[stream.identifier] = stream
        self.calls.append(("refused", stream.identifier, error.status))

    def malformed(self, request: Request, error: HTTPError) -> None:
        self.calls.append(("malformed", str(error.detail)))

    def content(self, stream: Stream, data: bytes) -> None:
        self.calls.append(("content", stream.identifier, data))

    def end(self, stream: Stream, trailers: list[tuple[str, str]] | None) -> None:
        self.calls.append(("end", stream.identifier, trailers))

    def reset(self, stream: Stream, code: int) -> None:
        self.calls.append(("reset", stream.identifier, CODES[code] if code < len(CODES) else code))

    def writable(self, stream: Stream | None) -> None:
        self.calls.append(("writable", stream and stream.identifier))

    def prioritize(self, identifier: int, value: bytes) -> None:
        self.calls.append(("priority", identifier, value))

    def pong(self, octets: bytes) -> None:
        self.calls.append(("pong", octets))

    def send(self, octets: bytes, piece: int = 0) -> None:
        for start in range(0, len(octets), piece or len(octets) or 1):
            self.http2.receive(octets[start:start + (piece or len(octets))], self.now)

    def sent(self) -> list[Frame]:
        return list(frames(self.http2.take()))

    def told(self) -> list[tuple[object, ...]]:
        """The errors that were sent: of streams, and of the connection."""
        found: list[tuple[object, ...]] = []
        for each in self.sent():
            if each.kind == RST:
                found.append(("stream", each.stream, CODES[int.from_bytes(each.payload, "big")]))
            elif each.kind == GOAWAY:
                found.append(("connection", CODES[int.from_bytes(each.payload[4:8], "big")]))
        return found

    def answer(self, stream: int, content: bytes = b"") -> None:
        """A whole response, and its application has returned."""
        self.http2.send_head(self.streams[stream], b"\x88", not content)
        if content:
            self.http2.send_data(self.streams[stream], content, True)
        self.http2.release(self.streams[stream])


def test_the_first_frames() -> None:
    first, window = Client(greet=False).sent()
    assert first == Frame(SETTINGS, 0, 0, setting(3, 100) + setting(6, 65536) + setting(9, 1))
    assert window == Frame(WINDOW, 0, 0, u32((1 << 20) - 65535))
    settings = HTTP2Settings(
        initial_window_size=1 << 20, max_frame_size=1 << 20, max_header_list_size=0, max_concurrent_streams=7,
        connect_protocol=True, connection_window=65535,
    )
    assert Client(settings, greet=False).sent() == [
        Frame(SETTINGS, 0, 0, b"".join([setting(3, 7), setting(4, 1 << 20), setting(5, 1 << 20), setting(8, 1),
                                        setting(9, 1)])),
    ]


#: What a client sends behind its SETTINGS: what is called for it, and what it is answered.
SERVED: dict[str, tuple[bytes, list[tuple[object, ...]], list[Frame]]] = {
    "a request": (get(1), [("head", 1, "GET", "/", False)], []),
    "two requests": (get(1) + get(3), [("head", 1, "GET", "/", False), ("head", 3, "GET", "/", False)], []),
    "identifiers that are left out": (get(7) + get(99), [
        ("head", 7, "GET", "/", False), ("head", 99, "GET", "/", False)], []),
    "content": (post(1) + frame(DATA, END, 1, b"content of a request"), [
        ("head", 1, "POST", "/", True), ("content", 1, b"content of a request"), ("end", 1, None)], []),
    "content that ends with nothing": (post(1) + frame(DATA, 0, 1, b"a" * 20) + frame(DATA, END, 1), [
        ("head", 1, "POST", "/", True), ("content", 1, b"a" * 20), ("end", 1, None)], []),
    "no content": (post(1) + frame(DATA, END, 1), [("head", 1, "POST", "/", True), ("end", 1, None)], []),
    "as much as was said": (post(1, ("content-length", "2")) + frame(DATA, END, 1, b"ab"), [
        ("head", 1, "POST", "/", True), ("content", 1, b"ab"), ("end", 1, None)], []),
    "padding": (post(1) + frame(DATA, END | PADDED, 1, b"\x03abc\0\0\0"), [
        ("head", 1, "POST", "/", True), ("content", 1, b"abc"), ("end", 1, None)], []),
    "nothing but padding": (post(1) + frame(DATA, END | PADDED, 1, b"\x03\0\0\0"), [
        ("head", 1, "POST", "/", True), ("end", 1, None)], []),
    "trailers": (post(1) + frame(HEADERS, END | WHOLE, 1, hpack.packed(b"a", b"b")), [
        ("head", 1, "POST", "/", True), ("end", 1, [("A", "b")])], []),
    "a head with padding": (frame(HEADERS, END | WHOLE | PADDED, 1, b"\x02" + block() + b"\0\0"), [
        ("head", 1, "GET", "/", False)], []),
    "a head with a priority": (frame(HEADERS, END | WHOLE | PRIORITIZED, 1, u32(3) + b"\x10" + block()), [
        ("head", 1, "GET", "/", False)], []),
    "a head with both": (
        frame(HEADERS, END | WHOLE | PADDED | PRIORITIZED, 1, b"\x01" + u32(0) + b"\x10" + block() + b"\0"),
        [("head", 1, "GET", "/", False)], []),
    "a head in pieces": (
        frame(HEADERS, END, 1, block()[:3]) + frame(CONTINUATION, 0, 1, block()[3:7])
        + frame(CONTINUATION, WHOLE, 1, block()[7:]), [("head", 1, "GET", "/", False)], []),
    "a head whose last piece is empty": (frame(HEADERS, END, 1, block()) + frame(CONTINUATION, WHOLE, 1), [
        ("head", 1, "GET", "/", False)], []),
    "PING": (frame(PING, 0, 0, b"12345678"), [], [Frame(PING, 1, 0, b"12345678")]),
    "the answer to a PING": (frame(PING, 1, 0, b"12345678"), [("pong", b"12345678")], []),
    "SETTINGS": (
        frame(SETTINGS, 0, 0, setting(1, 0) + setting(2, 0) + setting(0x99, 7)), [], [Frame(SETTINGS, 1, 0, b"")]),
    "their acknowledgement": (frame(SETTINGS, 1, 0), [], []),
    "a window": (frame(WINDOW, 0, 0, u32(1)), [("writable", None)], []),
    "a window with the reserved bit": (frame(WINDOW, 0, 0, u32(1 << 31 | 1)), [("writable", None)], []),
    "a window of a stream": (get(1) + frame(WINDOW, 0, 1, u32(1)), [
        ("head", 1, "GET", "/", False), ("writable", 1)], []),
    "a reset": (post(1) + frame(RST, 0, 1, u32(8)), [("head", 1, "POST", "/", True), ("reset", 1, "CANCEL")], []),
    "a reset for a reason of its own": (post(1) + frame(RST, 0, 1, u32(99)), [
        ("head", 1, "POST", "/", True), ("reset", 1, 99)], []),
    "priorities": (frame(PRIORITY, 0, 5, u32(3) + b"\x10") + get(1), [("head", 1, "GET", "/", False)], []),
    "PRIORITY_UPDATE": (frame(16, 0, 0, u32(5) + b"u=1, i"), [("priority", 5, b"u=1, i")], []),
    "a frame of a type of its own": (frame(0x99, 0xff, 7, b"abc"), [], []),
    "flags that nobody knows": (frame(PING, 0xf0, 0, b"12345678"), [], [Frame(PING, 1, 0, b"12345678")]),
    "the client leaves": (frame(GOAWAY, 0, 0, u32(0) + u32(0) + b"bye"), [], []),
    "a request that is answered 4xx": (get(1, ("expect", "x")), [("refused", 1, 417)], []),
}


@pytest.mark.parametrize("piece", [0, 1, 7])
@pytest.mark.parametrize("name", SERVED)
def test_what_is_served(name: str, piece: int) -> None:
    octets, calls, sent = SERVED[name]
    client = Client()
    client.send(octets, piece)
    assert client.calls == calls
    assert client.sent() == sent
    client.calls.clear()
    client.send(get(1001), piece)
    assert client.calls == [("head", 1001, "GET", "/", False)]


#: What a client must not send behind its SETTINGS, and what it is told. A connection is over then, a stream is not all.
BROKEN: dict[str, tuple[bytes, tuple[object, ...]]] = {
    # 4.2, 4.3
    "a frame that is too large": (post(1) + frame(DATA, 0, 1, b"a" * 16385), ("connection", "FRAME_SIZE_ERROR")),
    "a large frame of any type": (frame(0x99, 0, 1, b"a" * 16385), ("connection", "FRAME_SIZE_ERROR")),
    "a block that cannot be read": (frame(HEADERS, END | WHOLE, 1, b"\x80"), ("connection", "COMPRESSION_ERROR")),
    "a block with a frame of another stream within": (
        frame(HEADERS, END, 1, block()) + get(3), ("connection", "PROTOCOL_ERROR")),
    "a block with another frame within": (
        frame(HEADERS, END, 1, block()) + frame(PING, 0, 0, b"12345678"), ("connection", "PROTOCOL_ERROR")),
    "a block with a frame of no known type within": (
        frame(HEADERS, END, 1, block()) + frame(0x99, 0, 1), ("connection", "PROTOCOL_ERROR")),
    "a block that goes on elsewhere": (
        frame(HEADERS, END, 1, block()) + frame(CONTINUATION, WHOLE, 3), ("connection", "PROTOCOL_ERROR")),
    # 5.1
    "DATA before a head": (frame(DATA, 0, 1, b"a"), ("connection", "PROTOCOL_ERROR")),
    "RST_STREAM before a head": (frame(RST, 0, 1, u32(8)), ("connection", "PROTOCOL_ERROR")),
    "WINDOW_UPDATE before a head": (frame(WINDOW, 0, 1, u32(1)), ("connection", "PROTOCOL_ERROR")),
    "CONTINUATION before a head": (frame(CONTINUATION, WHOLE, 1, block()), ("connection", "PROTOCOL_ERROR")),
    "DATA behind the end": (get(1) + frame(DATA, 0, 1, b"a"), ("connection", "STREAM_CLOSED")),
    "HEADERS behind the end": (get(1) + get(1), ("connection", "STREAM_CLOSED")),
    "CONTINUATION behind the end": (get(1) + frame(CONTINUATION, WHOLE, 1), ("connection", "PROTOCOL_ERROR")),
    "DATA behind a reset": (
        post(1) + frame(RST, 0, 1, u32(8)) + frame(DATA, 0, 1, b"a"), ("connection", "STREAM_CLOSED")),
    "HEADERS behind a reset": (post(1) + frame(RST, 0, 1, u32(8)) + get(1), ("connection", "STREAM_CLOSED")),
    "an even identifier": (get(2), ("connection", "PROTOCOL_ERROR")),
    "no identifier": (get(0), ("connection", "PROTOCOL_ERROR")),
    "an identifier below the last": (get(5) + get(3), ("connection", "PROTOCOL_ERROR")),
    # 5.3, 6.3
    "a stream that depends on itself": (
        frame(HEADERS, END | WHOLE | PRIORITIZED, 1, u32(1) + b"\x10" + block()), ("connection", "PROTOCOL_ERROR")),
    "a priority that depends on itself": (frame(PRIORITY, 0, 1, u32(1) + b"\x10"), ("connection", "PROTOCOL_ERROR")),
    "a priority of nothing": (frame(PRIORITY, 0, 0, u32(1) + b"\x10"), ("connection", "PROTOCOL_ERROR")),
    "a priority that is cut": (frame(PRIORITY, 0, 1, u32(3)), ("connection", "FRAME_SIZE_ERROR")),
    "a head too short for its priority": (
        frame(HEADERS, END | WHOLE | PRIORITIZED, 1, b"\0\0"), ("connection", "FRAME_SIZE_ERROR")),
    # 6.1, 6.2
    "DATA on the connection": (frame(DATA, 0, 0, b"a"), ("connection", "PROTOCOL_ERROR")),
    "padding as long as its frame": (
        post(1) + frame(DATA, END | PADDED, 1, b"\x02\0"), ("connection", "PROTOCOL_ERROR")),
    "padding without its length": (post(1) + frame(DATA, END | PADDED, 1), ("connection", "FRAME_SIZE_ERROR")),
    "a head with padding longer than itself": (
        frame(HEADERS, END | WHOLE | PADDED, 1, b"\x30" + block()), ("connection", "PROTOCOL_ERROR")),
    "a second head": (post(1) + post(1), ("connection", "PROTOCOL_ERROR")),
    # 6.4 to 6.9
    "a reset of the connection": (frame(RST, 0, 0, u32(8)), ("connection", "PROTOCOL_ERROR")),
    "a reset that is cut": (get(1) + frame(RST, 0, 1, b"\0\0\0"), ("connection", "FRAME_SIZE_ERROR")),
    "an acknowledgement with content": (frame(SETTINGS, 1, 0, setting(1, 1)), ("connection", "FRAME_SIZE_ERROR")),
    "SETTINGS on a stream": (frame(SETTINGS, 0, 1), ("connection", "PROTOCOL_ERROR")),
    "SETTINGS that are cut": (frame(SETTINGS, 0, 0, b"\0\3\0"), ("connection", "FRAME_SIZE_ERROR")),
    "ENABLE_PUSH of 2": (frame(SETTINGS, 0, 0, setting(2, 2)), ("connection", "PROTOCOL_ERROR")),
    "an initial window too large": (frame(SETTINGS, 0, 0, setting(4, 1 << 31)), ("connection", "FLOW_CONTROL_ERROR")),
    "a frame size too small": (frame(SETTINGS, 0, 0, setting(5, 16383)), ("connection", "PROTOCOL_ERROR")),
    "a frame size too large": (frame(SETTINGS, 0, 0, setting(5, 1 << 24)), ("connection", "PROTOCOL_ERROR")),
    "more SETTINGS than there are": (
        frame(SETTINGS, 0, 0, setting(99, 1) * 33), ("connection", "ENHANCE_YOUR_CALM")),
    "PUSH_PROMISE": (frame(PUSH, WHOLE, 1, u32(2) + block()), ("connection", "PROTOCOL_ERROR")),
    "PING on a stream": (frame(PING, 0, 1, b"12345678"), ("connection", "PROTOCOL_ERROR")),
    "a PING that is cut": (frame(PING, 0, 0, b"1234567"), ("connection", "FRAME_SIZE_ERROR")),
    "GOAWAY on a stream": (frame(GOAWAY, 0, 1, bytes(8)), ("connection", "PROTOCOL_ERROR")),
    "a GOAWAY that is cut": (frame(GOAWAY, 0, 0, bytes(7)), ("connection", "FRAME_SIZE_ERROR")),
    "a window of 0": (frame(WINDOW, 0, 0, u32(0)), ("connection", "PROTOCOL_ERROR")),
    "a window of 0 of a stream": (get(1) + frame(WINDOW, 0, 1, u32(0)), ("connection", "PROTOCOL_ERROR")),
    "a window that is cut": (frame(WINDOW, 0, 0, b"\0\0\1"), ("connection", "FRAME_SIZE_ERROR")),
    "a window too large": (frame(WINDOW, 0, 0, u32(2 ** 31 - 1)), ("connection", "FLOW_CONTROL_ERROR")),
    "a window of a stream too large": (
        get(1) + frame(WINDOW, 0, 1, u32(2 ** 31 - 1)), ("stream", 1, "FLOW_CONTROL_ERROR")),
    "windows too large by a setting": (
        get(1) + frame(WINDOW, 0, 1, u32(2 ** 31 - 65536)) + frame(SETTINGS, 0, 0, setting(4, 65536)),
        ("connection", "FLOW_CONTROL_ERROR")),
    "PRIORITY_UPDATE on a stream": (frame(16, 0, 1, u32(1)), ("connection", "PROTOCOL_ERROR")),
    "a PRIORITY_UPDATE that is cut": (frame(16, 0, 0, b"\0"), ("connection", "FRAME_SIZE_ERROR")),
    "more than the stream's window": (
        post(1) + frame(DATA, 0, 1, b"a" * 16384) * 4, ("connection", "FLOW_CONTROL_ERROR")),
    # 8
    "a malformed request": (get(1, ("A", "b")), ("stream", 1, "PROTOCOL_ERROR")),
    "more content than was said": (
        post(1, ("content-length", "1")) + frame(DATA, END, 1, b"ab"), ("stream", 1, "PROTOCOL_ERROR")),
    "less content than was said": (
        post(1, ("content-length", "3")) + frame(DATA, END, 1, b"ab"), ("stream", 1, "PROTOCOL_ERROR")),
    "no content, where some was said": (
        post(1, ("content-length", "3")) + frame(DATA, END, 1), ("stream", 1, "PROTOCOL_ERROR")),
    "trailers, where more content was said": (
        post(1, ("content-length", "3")) + frame(HEADERS, END | WHOLE, 1), ("stream", 1, "PROTOCOL_ERROR")),
    "the end in the head, where content was said": (
        get(1, ("content-length", "3")), ("stream", 1, "PROTOCOL_ERROR")),
    "a pseudo-header field among trailers": (
        post(1) + frame(HEADERS, END | WHOLE, 1, hpack.packed(b":path", b"/")), ("stream", 1, "PROTOCOL_ERROR")),
    # What costs more than it brings
    "a head in ten frames": (
        frame(HEADERS, END, 1, block()) + frame(CONTINUATION, 0, 1, hpack.packed(b"a", b"b")) * 9,
        ("connection", "ENHANCE_YOUR_CALM")),
    "an empty piece of a head": (
        frame(HEADERS, END, 1, block()) + frame(CONTINUATION, 0, 1), ("connection", "ENHANCE_YOUR_CALM")),
    "a head that is too large to be kept": (
        frame(HEADERS, END, 1, block()) + frame(CONTINUATION, 0, 1, b"a" * 16384) * 4,
        ("connection", "ENHANCE_YOUR_CALM")),
    "PINGs without end": (frame(PING, 0, 0, bytes(8)) * 1001, ("connection", "ENHANCE_YOUR_CALM")),
    "SETTINGS without end": (frame(SETTINGS, 0, 0) * 1001, ("connection", "ENHANCE_YOUR_CALM")),
    "priorities without end": (frame(PRIORITY, 0, 1, u32(3) + b"\0") * 1001, ("connection", "ENHANCE_YOUR_CALM")),
    "frames of no type without end": (frame(0x99, 0, 0) * 1001, ("connection", "ENHANCE_YOUR_CALM")),
    "DATA with nothing in it": (post(1) + frame(DATA, 0, 1) * 1001, ("connection", "ENHANCE_YOUR_CALM")),
    "DATA with nothing but padding": (
        post(1) + frame(DATA, PADDED, 1, b"\x01\0") * 1001, ("connection", "ENHANCE_YOUR_CALM")),
    "DATA of an octet": (post(1) + frame(DATA, 0, 1, b"a") * 2001, ("connection", "ENHANCE_YOUR_CALM")),
    "streams that are reset": (
        b"".join(get(n) + frame(RST, 0, n, u32(8)) for n in range(1, 4000, 2)), ("connection", "ENHANCE_YOUR_CALM")),
    "requests that are malformed": (
        b"".join(get(n, ("A", "b")) for n in range(1, 4000, 2)), ("connection", "ENHANCE_YOUR_CALM")),
}


@pytest.mark.parametrize("piece", [0, 1])
@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken(name: str, piece: int) -> None:
    octets, told = BROKEN[name]
    client = Client()
    client.send(octets, piece)
    errors = [each for each in client.told() if each[0] == told[0]]
    assert told in errors
    assert len(errors) == 1 or name == "requests that are malformed"
    client.calls.clear()
    client.send(get(100001))
    over = told[0] == "connection"
    assert client.http2.failed is over
    assert client.calls == ([] if over else [("head", 100001, "GET", "/", False)])


# The preface.

@pytest.mark.parametrize("octets", [b"GET / HTTP/1.1\r\n", b"PRI * HTTP/2.1", b"\x16\x03\x01", PREFACE[:-1] + b"\0"])
@pytest.mark.parametrize("piece", [0, 1])
def test_another_protocol(octets: bytes, piece: int) -> None:
    client = Client(greet=False)
    client.send(octets, piece)
    assert client.told() == [("connection", "PROTOCOL_ERROR")]


def test_settings_come_first() -> None:
    client = Client(greet=False)
    client.send(PREFACE + get(1))
    assert client.told() == [("connection", "PROTOCOL_ERROR")]
    assert client.calls == []


def test_nothing_is_read_behind_an_error() -> None:
    client = Client()
    client.send(post(1) + frame(PING, 0, 0, b"") + frame(DATA, END, 1, b"a"))
    client.send(get(3))
    assert client.calls == [("head", 1, "POST", "/", True), ("reset", 1, "FRAME_SIZE_ERROR")]
    assert [each.kind for each in client.sent()] == [GOAWAY]


def test_an_error_tells_the_last_stream_and_what_was_wrong() -> None:
    client = Client()
    client.send(get(5) + frame(PING, 0, 0, b""))
    (goaway,) = client.sent()
    assert goaway.payload == u32(5) + u32(6) + b"a PING of another size than 8"


# What is on its way to a stream that we have ended.

def test_what_comes_for_a_stream_that_we_have_reset_is_no_error() -> None:
    client = Client()
    client.send(post(1))
    client.http2.reset(client.streams[1], 8)
    assert client.told() == [("stream", 1, "CANCEL")]
    client.send(
        frame(DATA, 0, 1, b"a" * 100) + frame(WINDOW, 0, 1, u32(1)) + frame(RST, 0, 1, u32(8))
        + frame(HEADERS, END | WHOLE, 1, b"\x40\x01a\x01b") + get(3)
        + frame(HEADERS, END | WHOLE, 5, block() + b"\xbe"),
    )
    assert client.told() == []
    assert client.calls[1:] == [("head", 3, "GET", "/", False), ("head", 5, "GET", "/", False)]


def test_content_that_nobody_takes_is_given_back_to_the_connection() -> None:
    client = Client()
    for number in range(1, 201, 2):
        client.send(post(number))
        client.answer(number)
        client.send(frame(DATA, 0, number, b"a" * 16384))
    windows = [each for each in client.sent() if each.kind == WINDOW and not each.stream]
    given = sum(int.from_bytes(each.payload, "big") for each in windows)
    assert 100 * 16384 - (1 << 19) <= given <= 100 * 16384
    assert not client.http2.failed


#: What comes behind the head of a request that is answered already: octets, and what the client is told.
LEFT_OVERS: dict[str, tuple[bytes, list[tuple[object, ...]]]] = {
    "nothing": (b"", []),
    "content": (frame(DATA, END, 1, b"a" * 1000), []),
    "content without its end": (frame(DATA, 0, 1, b"a" * 1000), []),
    "trailers": (frame(DATA, 0, 1, b"a" * 20) + frame(HEADERS, END | WHOLE, 1, hpack.packed(b"a", b"b")), []),
    "a reset": (frame(RST, 0, 1, u32(8)), []),
    "all that the window took before": (frame(DATA, 0, 1, b"a" * 16384) * 3 + frame(DATA, 0, 1, b"a" * 16383), []),
    "all that the window takes": (frame(DATA, 0, 1, b"a" * 16384) * 64, [("stream", 1, "NO_ERROR")]),
    "all that the window takes, and its end": (
        frame(DATA, 0, 1, b"a" * 16384) * 63 + frame(DATA, END, 1, b"a" * 16384), []),
    "more than the window": (
        frame(DATA, 0, 1, b"a" * 16384) * 63 + frame(DATA, 0, 1, b"a" * 16383) + frame(DATA, 0, 1, b"a" * 2), [
            ("connection", "FLOW_CONTROL_ERROR")]),
    "a second head": (post(1), [("connection", "PROTOCOL_ERROR")]),
    "trailers with a pseudo field": (
        frame(HEADERS, END | WHOLE, 1, hpack.packed(b":path", b"/")), [("stream", 1, "PROTOCOL_ERROR")]),
    "content behind the end": (frame(DATA, END, 1) + frame(DATA, END, 1), [("connection", "STREAM_CLOSED")]),
    "a head behind the end": (frame(DATA, END, 1) + post(1), [("connection", "STREAM_CLOSED")]),
    "small pieces without end": (frame(DATA, 0, 1, b"a") * 4000, [("connection", "ENHANCE_YOUR_CALM")]),
}


@pytest.mark.parametrize("released", [True, False])
@pytest.mark.parametrize("name", LEFT_OVERS)
def test_what_comes_behind_the_answer_is_judged_and_thrown_away(name: str, released: bool) -> None:
    octets, told = LEFT_OVERS[name]
    client = Client()
    client.send(post(1))
    if released:
        client.answer(1, b"no")
    else:
        client.http2.send_head(client.streams[1], b"\x88", False)
        client.http2.send_data(client.streams[1], b"no", True)
    assert [(each.kind, each.flags, each.payload) for each in client.sent()] == [
        (HEADERS, WHOLE, b"\x88"), (DATA, END, b"no"), (WINDOW, 0, u32(1048576 - 65535))]
    client.send(octets)
    assert client.told() == told
    assert client.calls == [("head", 1, "POST", "/", True)]


@pytest.mark.parametrize(("said", "content", "told"), [
    ("5", b"a" * 5, []), ("5", b"a" * 6, [("stream", 1, "PROTOCOL_ERROR")]),
    ("5", b"a" * 4, [("stream", 1, "PROTOCOL_ERROR")]),
])
def test_content_behind_the_answer_is_as_long_as_it_said(
    said: str, content: bytes, told: list[tuple[object, ...]]
) -> None:
    client = Client()
    client.send(post(1, ("content-length", said)))
    client.answer(1, b"no")
    client.send(frame(DATA, END, 1, content))
    assert client.told() == told


@pytest.mark.parametrize(("said", "more"), [("5", None), ("65534", None), ("65535", 1), ("1048576", 1048577 - 65535)])
def test_whoever_has_said_how_much_comes_has_room_for_it(said: str, more: int | None) -> None:
    client = Client()
    client.send(post(1, ("content-length", said)))
    client.answer(1, b"no")
    assert [each.payload for each in client.sent() if each.kind == WINDOW] == ([] if more is None else [u32(more)])
    rest = int(said)
    while rest:
        client.send(frame(DATA, 0, 1, b"a" * min(rest, 16384)))
        rest -= min(rest, 16384)
    assert client.told() == []
    client.send(frame(DATA, END, 1))
    assert client.told() == []
    assert not client.http2.streams


def test_whoever_has_much_to_send_is_told_at_once_that_nobody_needs_it() -> None:
    client = Client()
    client.send(post(1, ("content-length", "1048577")))
    client.answer(1, b"no")
    assert client.told() == [("stream", 1, "NO_ERROR")]


def test_whoever_goes_on_sending_is_told_in_the_end_and_gives_its_place_back() -> None:
    client = Client(HTTP2Settings(max_concurrent_streams=1))
    client.send(post(1))
    client.answer(1, b"no")
    client.http2.tire()
    client.send(frame(DATA, 0, 1, b"a" * 100))
    assert client.told() == []
    assert client.http2.streams
    # To a client that takes the answer for the end of the stream its place is free.
    client.send(get(3))
    assert client.told() == []
    client.send(get(5))
    assert client.told() == [("stream", 5, "REFUSED_STREAM")]
    client.answer(3, b"yes")
    client.sent()
    assert client.http2.is_over()
    client.http2.tire()
    assert client.told() == [("stream", 1, "NO_ERROR")]
    assert not client.http2.streams
    assert not client.http2.answered
    # What was on its way is no error.
    client.send(frame(DATA, END, 1, b"a" * 100) + get(7))
    assert client.told() == []


def test_the_connection_gets_back_what_is_thrown_away() -> None:
    client = Client()
    for number in range(1, 101, 2):
        client.send(post(number))
        client.answer(number, b"no")
        client.send(frame(DATA, 0, number, b"a" * 16384) + frame(DATA, END, number, b"a" * 16384))
    assert not client.http2.failed
    assert not client.http2.streams


# Places.

def test_a_place_is_free_when_the_stream_has_ended_and_its_work_is_done() -> None:
    client = Client(HTTP2Settings(max_concurrent_streams=2))
    client.send(get(1) + get(3) + get(5))
    assert client.told() == [("stream", 5, "REFUSED_STREAM")]
    # The client has given up, the application has not come to its end.
    client.send(frame(RST, 0, 1, u32(8)) + get(7))
    assert client.told() == [("stream", 7, "REFUSED_STREAM")]
    client.http2.release(client.streams[1])
    client.send(get(9))
    assert client.told() == []
    # The application is done, the client has not got everything.
    client.http2.send_head(client.streams[3], b"\x88", False)
    client.http2.release(client.streams[3])
    client.send(get(11))
    assert client.told() == [("stream", 11, "REFUSED_STREAM")]
    client.http2.send_data(client.streams[3], b"", True)
    client.send(get(13))
    assert client.told() == []
    assert [call[1] for call in client.calls if call[0] == "head"] == [1, 3, 9, 13]


def test_a_client_that_resets_what_it_opens_has_no_more_work_done() -> None:
    client = Client()
    for number in range(1, 20001, 2):
        client.send(get(number) + frame(RST, 0, number, u32(8)))
        client.now += 0.0001
        if client.http2.failed:
            break
    assert client.http2.failed
    assert sum(call[0] == "head" for call in client.calls) == 100


def test_a_block_that_is_refused_is_read_for_the_table() -> None:
    client = Client(HTTP2Settings(max_concurrent_streams=1))
    client.send(get(1) + frame(HEADERS, END | WHOLE, 3, block() + b"\x40\x01a\x01b"))
    client.answer(1)
    client.send(frame(HEADERS, END | WHOLE, 5, block() + b"\xbe"))
    assert client.calls[-1] == ("head", 5, "GET", "/", False)


def test_streams_that_have_ended_are_remembered_for_a_while() -> None:
    client = Client()
    for number in range(1, 10001, 2):
        client.send(get(number))
        client.answer(number)
    assert len(client.http2.ends.entries) == 100
    assert not client.http2.streams


def test_honest_aborts_are_no_attack() -> None:
    client = Client()
    for number in range(1, 10001, 2):
        client.send(get(number))
        client.http2.send_head(client.streams[number], b"\x88", False)
        client.send(frame(RST, 0, number, u32(8)))
        client.http2.release(client.streams[number])
        client.now += 0.05
    assert not client.http2.failed


def test_small_pieces_now_and_then_are_no_attack() -> None:
    client = Client()
    client.send(post(1))
    for _ in range(20000):
        client.send(frame(DATA, 0, 1, b"12345"))
        client.http2.consumed(client.streams[1], 5)
        client.now += 0.01
    assert not client.http2.failed


# Windows of what comes.

def test_credit_goes_back_when_half_of_a_window_is_used() -> None:
    client = Client()
    client.send(post(1) + frame(DATA, 0, 1, b"a" * 16384))
    client.http2.consumed(client.streams[1], 16384)
    assert client.sent() == []
    client.send(frame(DATA, 0, 1, b"a" * 16384))
    client.http2.consumed(client.streams[1], 16384)
    assert client.sent() == [Frame(WINDOW, 0, 1, u32(32768))]
    client.send(frame(DATA, 0, 1, b"a" * 16384) * 3)
    assert client.told() == []


def test_padding_is_credit_at_once() -> None:
    client = Client()
    client.send(post(1))
    client.send(frame(DATA, PADDED, 1, b"\xff" + b"a" * 20 + bytes(255)) * 300)
    assert {each.stream for each in client.sent() if each.kind == WINDOW} == {1}
    assert client.told() == []


def test_padding_is_judged_on_a_stream_that_was_ended_here() -> None:
    """What was on its way to it is no error; a frame that is none is one (RFC 9113 section 6.1)."""
    client = Client()
    client.send(post(1))
    client.http2.reset(client.streams[1], 8)
    client.send(frame(DATA, PADDED, 1, b"\x01a\0"))
    assert not client.http2.failed
    client.send(frame(DATA, PADDED, 1, b"\x03a\0"))
    assert client.http2.failed
    assert client.http2.fault == "padding longer than its frame"


def test_a_stream_may_be_widened() -> None:
    client = Client()
    client.send(post(1))
    client.http2.widen(client.streams[1], 1 << 20)
    assert client.sent() == [Frame(WINDOW, 0, 1, u32((1 << 20) - 65535))]
    client.send(frame(DATA, 0, 1, b"a" * 16384) * 60)
    assert client.told() == []


def test_a_window_for_all_streams_ends_too() -> None:
    client = Client(HTTP2Settings(initial_window_size=1 << 20))
    client.send(post(1) + post(3))
    client.send((frame(DATA, 0, 1, b"a" * 16384) + frame(DATA, 0, 3, b"a" * 16384)) * 33)
    assert client.told() == [("connection", "FLOW_CONTROL_ERROR")]


# Windows of what goes.

def test_content_takes_from_both_windows() -> None:
    client = Client()
    client.send(frame(SETTINGS, 0, 0, setting(4, 10)) + get(1) + get(3))
    stream = client.streams[1]
    assert client.http2.room(stream) == 10
    client.http2.send_data(stream, b"0123456789", False)
    assert (client.http2.room(stream), client.http2.room(client.streams[3])) == (0, 10)
    client.send(frame(WINDOW, 0, 1, u32(100000)))
    assert client.http2.room(stream) == 65525
    client.send(frame(WINDOW, 0, 0, u32(100000)))
    assert client.http2.room(stream) == 100000
    assert client.calls[-2:] == [("writable", 1), ("writable", None)]


def test_a_smaller_window_may_be_below_nothing() -> None:
    client = Client()
    client.send(get(1))
    client.http2.send_data(client.streams[1], b"a" * 1000, False)
    client.send(frame(SETTINGS, 0, 0, setting(4, 100)))
    assert (client.streams[1].window, client.http2.room(client.streams[1])) == (-900, 0)
    client.send(frame(WINDOW, 0, 1, u32(901)))
    assert client.http2.room(client.streams[1]) == 1
    client.send(frame(SETTINGS, 0, 0, setting(4, 200)))
    assert client.http2.room(client.streams[1]) == 101


def test_frames_are_as_large_as_the_client_takes_them() -> None:
    client = Client()
    client.send(frame(WINDOW, 0, 0, u32(1 << 20)) + frame(SETTINGS, 0, 0, setting(4, 1 << 20)) + get(1) + get(3))
    client.sent()
    client.http2.send_data(client.streams[1], b"a" * 40000, True)
    assert [(each.flags, len(each.payload)) for each in client.sent()] == [(0, 16384), (0, 16384), (END, 7232)]
    client.send(frame(SETTINGS, 0, 0, setting(5, 40000)))
    client.sent()
    client.http2.send_data(client.streams[3], b"a" * 40000, True)
    assert [(each.flags, len(each.payload)) for each in client.sent()] == [(END, 40000)]


@pytest.mark.parametrize("size", [1, 16384, 16385, 32768, 50000])
@pytest.mark.parametrize("ended", [True, False])
def test_heads_of_any_size(size: int, ended: bool) -> None:
    client = Client()
    client.send(get(1))
    client.http2.send_head(client.streams[1], b"a" * size, ended)
    sent = client.sent()
    assert b"".join(each.payload for each in sent) == b"a" * size
    assert [each.kind for each in sent] == [HEADERS, *[CONTINUATION] * (len(sent) - 1)]
    assert max(len(each.payload) for each in sent) <= 16384
    assert [bool(each.flags & WHOLE) for each in sent] == [False] * (len(sent) - 1) + [True]
    assert sent[0].flags & END == ended
    assert client.streams[1].sending is not ended


def test_nothing_goes_on_a_stream_that_has_ended() -> None:
    client = Client()
    client.send(post(1) + frame(RST, 0, 1, u32(8)))
    client.http2.send_head(client.streams[1], b"\x88", False)
    client.http2.send_data(client.streams[1], b"a", True)
    client.http2.reset(client.streams[1], 2)
    assert client.sent() == []


# The end.

def test_streams_above_the_last_one_are_not_served() -> None:
    client = Client()
    client.send(get(1))
    client.http2.goaway(2 ** 31 - 1)
    client.send(get(3))
    client.http2.goaway(3)
    client.send(frame(HEADERS, END | WHOLE, 5, block() + b"\x40\x01a\x01b") + post(7) + frame(PING, 0, 0, bytes(8)))
    assert [call[1] for call in client.calls] == [1, 3]
    assert [each.kind for each in client.sent()] == [GOAWAY, GOAWAY, PING]
    client.send(frame(DATA, END, 7, b"a"))
    assert client.told() == []
    client.answer(1)
    client.answer(3)
    assert [each.stream for each in client.sent()] == [1, 3]


def test_settings_are_acknowledged_in_front_of_what_they_allow() -> None:
    class Eager(Client):
        def writable(self, stream: Stream | None) -> None:
            self.http2.send_data(self.streams[1], b"a", True)

    client = Eager()
    client.send(frame(SETTINGS, 0, 0, setting(4, 0)) + get(1))
    client.sent()
    client.send(frame(SETTINGS, 0, 0, setting(4, 1)))
    assert [each.kind for each in client.sent()] == [SETTINGS, DATA]
