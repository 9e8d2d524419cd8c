"""A connection of HTTP/2 tells what its streams are, gives no credit that nobody has used, and ends by GOAWAY."""

from __future__ import annotations

from typing import Any

from tests.fuzz.rooms import Rooms

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
GET = b"\x82\x86\x84\x41\x01a"
POST = b"\x83\x86\x84\x41\x01a"


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


BEGIN = PREFACE + frame(4, 0, 0)
WORDS = [
    frame(1, 5, 1, GET), frame(1, 4, 3, POST), frame(0, 0, 3, b"a" * 20), frame(0, 1, 3, b"b" * 20),
    frame(0, 8, 3, b"\x02abc\0\0"), frame(1, 5, 3, b"\x00\x01a\x01b"), frame(1, 0, 5, GET[:3]),
    frame(9, 4, 5, GET[3:]), frame(9, 0, 5, b"\x82"), frame(3, 0, 3, b"\0\0\0\x08"),
    frame(4, 0, 0, b"\0\x04\0\0\0\x05"), frame(4, 1, 0), frame(6, 0, 0, b"12345678"), frame(8, 0, 0, b"\0\0\0\x09"),
    frame(8, 0, 3, b"\x7f\xff\xff\xff"), frame(2, 0, 7, b"\0\0\0\x01\x02"), frame(7, 0, 0, bytes(8)),
    frame(16, 0, 0, b"\0\0\0\x03u=1"), frame(5, 4, 1, b"\0\0\0\x02" + GET), frame(99, 255, 3, b"abc"),
    frame(1, 37, 9, b"\0\0\0\x01\x05" + GET),
]
SPECIMENS = [
    *(BEGIN + b"".join(WORDS[:count]) for count in range(0, len(WORDS), 3)), *(BEGIN + word for word in WORDS),
    PREFACE, BEGIN[:20], b"GET / HTTP/1.1\r\n\r\n", BEGIN + frame(1, 4, 1, POST) + frame(0, 0, 1, b"c" * 99) * 9,
]


def make(rooms: Rooms) -> Any:
    http2, hpack, frames = rooms("wire.http2"), rooms("wire.hpack"), rooms("wire.http2_frames")
    streams = rooms("wire.http2_streams")
    fields, limits = rooms("http.fields"), rooms("http.limits")
    static = hpack.Static(fields.FieldTable(limits.Limits()))
    settings = [
        frames.HTTP2Settings(),
        frames.HTTP2Settings(max_concurrent_streams=1, initial_window_size=50, max_header_list_size=100),
    ]

    class Told(streams.Recipient):  # type: ignore[misc,name-defined]
        """Answers what is even at once, and takes content late where the choice says so."""

        def __init__(self, choice: int) -> None:
            self.choice = choice
            self.calls: list[object] = []
            self.http2: Any = None

        def head(self, stream: Any, request: Any) -> None:
            self.calls.append((stream.identifier, request.method, request.headers, stream.receiving))
            if self.choice & 1:
                self.http2.send_head(stream, b"\x88", not self.choice & 2)
                if self.choice & 2:
                    self.http2.send_data(stream, b"x" * self.http2.room(stream), True)
                self.http2.release(stream)

        def refused(self, stream: Any, request: Any, error: Exception) -> None:
            self.calls.append((stream.identifier, str(error)))
            self.http2.send_head(stream, b"\x88", True)
            self.http2.release(stream)

        def malformed(self, request: Any, error: Exception) -> None:
            self.calls.append(str(error))

        def content(self, stream: Any, data: bytes) -> None:
            self.calls.append((stream.identifier, data))
            if self.choice & 4:
                self.http2.consumed(stream, len(data))

        def end(self, stream: Any, trailers: object) -> None:
            self.calls.append((stream.identifier, trailers))

        def reset(self, stream: Any, code: int) -> None:
            self.calls.append((stream.identifier, code))
            self.http2.release(stream)

        def writable(self, stream: Any) -> None:
            self.calls.append(stream and stream.identifier)

    def run(pieces: list[bytes], choice: int) -> object:
        told = Told(choice)
        ours = settings[choice >> 3 & 1]
        told.http2 = protocol = http2.HTTP2(static, False, ours, told)
        sent = []
        for number, piece in enumerate(pieces):
            protocol.receive(piece, 100.0 + number)
            sent.append(protocol.take())
            assert 0 <= protocol.credit <= ours.connection_window
            assert len(protocol.streams) <= ours.max_concurrent_streams
            for stream in protocol.streams.values():
                assert 0 <= stream.credit <= max(ours.initial_window_size, 1 << 20)
        return told.calls, sent, protocol.failed, protocol.fault

    return run
