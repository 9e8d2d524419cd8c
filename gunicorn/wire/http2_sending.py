"""The sending half of HTTP/2: streams and their windows, frames that go, and the end of streams and connections
(RFC 9113 sections 5 and 6.9)."""

from __future__ import annotations

from gunicorn.http._octets import joined

from ._http2 import frame_head
from .http2_frames import (
    CONTINUATION,
    DATA,
    DEFAULT_WINDOW,
    ENABLE_PUSH,
    END_HEADERS,
    END_STREAM,
    FLOW_CONTROL_ERROR,
    HEADERS,
    INITIAL_WINDOW_SIZE,
    LARGEST_FRAME_SIZE,
    LARGEST_WINDOW,
    MAX_FRAME_SIZE,
    NO_ERROR,
    PROTOCOL_ERROR,
    SMALLEST_FRAME_SIZE,
    FatalError,
    HTTP2Settings,
    goaway_frame,
    reset_frame,
    settings_frame,
    settings_of,
    window_frame,
)
from .http2_streams import FINISHED, LEFT_OVER, RESET_BY_US, Ends, Stream


class Sender:
    """What goes on one connection, and when: `out` is what is to be sent. Of the streams, `answered` have their whole
    response and wait for the rest of their request."""

    __slots__ = (
        "answered", "credit", "ends", "first_credit", "highest", "last", "opening_window", "out", "owed",
        "peer_frame_size", "settings", "silent", "streams", "window",
    )

    def __init__(self, settings: HTTP2Settings) -> None:
        self.settings = settings
        self.streams: dict[int, Stream] = {}
        self.answered = 0
        self.ends = Ends()
        # The highest stream that the client has opened, and the last that is served once we have said GOAWAY.
        self.highest = 0
        self.last = -1
        self.silent = False
        # What we may send and the client may send, on all streams together; and of the latter, what it has sent and
        # not been given back.
        self.window = DEFAULT_WINDOW
        self.credit = settings.connection_window
        self.owed = 0
        # What we may send and the client may send on a stream that is opened.
        self.opening_window = DEFAULT_WINDOW
        self.first_credit = settings.initial_window_size
        self.peer_frame_size = SMALLEST_FRAME_SIZE
        self.out: list[bytes] = [settings_frame(settings_of(settings))]
        if settings.connection_window > DEFAULT_WINDOW:
            self.out.append(window_frame(0, settings.connection_window - DEFAULT_WINDOW))

    def take(self) -> bytes:
        """The octets that are to be sent; they are the caller's from now on."""
        out, self.out = self.out, []
        return out[0] if len(out) == 1 else joined(out)

    # Field sections and content.

    def room(self, stream: Stream) -> int:
        """Octets of content that may be sent on a stream now."""
        return max(0, min(stream.window, self.window))

    def send_head(self, stream: Stream, block: bytes, ended: bool) -> None:
        """A field section of a response: its head, an interim one, its trailers. `ended`: nothing comes behind it."""
        if not stream.sending:
            return
        flags = END_STREAM if ended else 0
        size = self.peer_frame_size
        if len(block) <= size:
            self.out.append(frame_head(len(block), HEADERS, flags | END_HEADERS, stream.identifier))
            self.out.append(block)
        else:
            self._send_long_head(stream, block, flags, size)
        if ended:
            self._sent(stream)

    def _send_long_head(self, stream: Stream, block: bytes, flags: int, size: int) -> None:
        kind = HEADERS
        for start in range(0, len(block), size):
            piece = block[start:start + size]
            last = END_HEADERS if start + size >= len(block) else 0
            self.out.append(frame_head(len(piece), kind, flags | last, stream.identifier))
            self.out.append(piece)
            kind, flags = CONTINUATION, 0

    def send_data(self, stream: Stream, data: bytes, ended: bool) -> None:
        """Content, of which there is no more than `room`; `ended`: nothing comes behind it."""
        if not stream.sending:
            return
        size = self.peer_frame_size
        stream.window -= len(data)
        self.window -= len(data)
        start = 0
        while len(data) - start > size:
            self.out.append(frame_head(size, DATA, 0, stream.identifier))
            self.out.append(data[start:start + size])
            start += size
        if start < len(data) or ended:
            flags = END_STREAM if ended else 0
            self.out.append(frame_head(len(data) - start, DATA, flags, stream.identifier))
            self.out.append(data[start:] if start else data)
        if ended:
            self._sent(stream)

    def _sent(self, stream: Stream) -> None:
        """The response is complete. A client that has much to send yet is told that nobody needs it (RFC 9113 section
        8.1)."""
        stream.sending = False
        if stream.receiving or not stream.released:
            stream.answered = True
            self.answered += 1
        if not stream.receiving:
            self.settle(stream, FINISHED)
        elif stream.expected > LEFT_OVER:
            self.reset(stream, NO_ERROR)
        else:
            self._let_finish(stream)

    def _let_finish(self, stream: Stream) -> None:
        """Give room for the rest of a request that is answered. A reset would do, but curl 7 shows no response that
        comes together with one."""
        # One more than is to come: a window that is used up has the stream reset, and its end may follow in a frame.
        more = (LEFT_OVER if stream.expected < 0 else stream.expected + 1) - stream.credit
        if more > 0:
            stream.credit += more
            self.out.append(window_frame(stream.identifier, more))

    # Windows: what the client may send, and what it lets us send.

    def consumed(self, stream: Stream, count: int) -> None:
        """So many octets of content were taken: the client may send as many again."""
        self.reopen(stream, count)
        self.give_back(count)

    def reopen(self, stream: Stream, count: int) -> None:
        """The client may send so much again on this stream."""
        if stream.receiving and stream.sending:
            stream.owed += count
            if stream.owed * 2 >= self.first_credit:
                stream.credit += stream.owed
                self.out.append(window_frame(stream.identifier, stream.owed))
                stream.owed = 0

    def widen(self, stream: Stream, window: int) -> None:
        """Let the client have so many octets under way on this stream."""
        more = window - self.first_credit
        if stream.receiving and more > 0:
            stream.credit += more
            self.out.append(window_frame(stream.identifier, more))

    def give_back(self, count: int) -> None:
        """The client may send so much again on the connection."""
        self.owed += count
        if self.owed * 2 >= self.settings.connection_window:
            self.credit += self.owed
            self.out.append(window_frame(0, self.owed))
            self.owed = 0

    def apply(self, payload: bytes) -> None:
        """The peer's settings, as they stand in a SETTINGS frame. Raises `FatalError`."""
        for at in range(0, len(payload), 6):
            key, value = int.from_bytes(payload[at:at + 2], "big"), int.from_bytes(payload[at + 2:at + 6], "big")
            if key == ENABLE_PUSH and value > 1:
                raise FatalError(PROTOCOL_ERROR, "ENABLE_PUSH is neither 0 nor 1")
            if key == INITIAL_WINDOW_SIZE:
                self._open_windows(value)
            elif key == MAX_FRAME_SIZE:
                if not SMALLEST_FRAME_SIZE <= value <= LARGEST_FRAME_SIZE:
                    raise FatalError(PROTOCOL_ERROR, "a frame size that cannot be")
                self.peer_frame_size = value

    def _open_windows(self, value: int) -> None:
        """Windows of streams, of those that are open as well, which may get below 0 (RFC 9113 section 6.9.2)."""
        if value > LARGEST_WINDOW:
            raise FatalError(FLOW_CONTROL_ERROR, "an initial window that is too large")
        more = value - self.opening_window
        self.opening_window = value
        for stream in self.streams.values():
            stream.window += more
            if stream.window > LARGEST_WINDOW:
                raise FatalError(FLOW_CONTROL_ERROR, "a window of a stream that is too large")

    # The end of streams.

    def reset(self, stream: Stream, code: int) -> None:
        """End a stream in the middle."""
        if stream.receiving or stream.sending:
            stream.receiving = stream.sending = False
            self.out.append(reset_frame(stream.identifier, code))
            self.settle(stream, RESET_BY_US)

    def release(self, stream: Stream) -> None:
        """Nobody works for the stream any more: once it has ended, another one may have its place."""
        stream.released = True
        if not (stream.receiving or stream.sending):
            self._forget(stream)

    def tire(self) -> None:
        """Once a second: who has been answered, and goes on sending, is told so."""
        for stream in list(self.streams.values()):
            if stream.receiving and not stream.sending:
                if stream.tired:
                    self.reset(stream, NO_ERROR)
                stream.tired = True

    def is_over(self) -> bool:
        """Whether nobody works for any stream, and none has anything to send."""
        return all(stream.released and not stream.sending for stream in self.streams.values())

    def settle(self, stream: Stream, how: int) -> None:
        """Something of a stream has ended: if it is all of it, it is remembered."""
        if stream.receiving or stream.sending:
            return
        self.ends.remember(stream.identifier, how)
        if stream.released:
            self._forget(stream)

    def _forget(self, stream: Stream) -> None:
        if stream.answered:
            stream.answered = False
            self.answered -= 1
        self.streams.pop(stream.identifier, None)

    # The end of the connection.

    def goaway(self, last: int, code: int = NO_ERROR, what: bytes = b"") -> None:
        """Streams above `last` are not served from now on."""
        self.last = last
        self.silent = False
        self.out.append(goaway_frame(last, code, what))

    def refuse_further(self) -> None:
        """Streams that are opened from now on are refused, each by itself, to a client that is told no GOAWAY."""
        self.last = self.highest
        self.silent = True
