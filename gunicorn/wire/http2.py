"""The server's side of a connection of HTTP/2 without its socket: octets in, calls and octets out (RFC 9113).

    protocol.receive(octets, now)        # calls the recipient: head, content, end, reset ...
    protocol.send_head(stream, block, ended); protocol.send_data(stream, octets, ended)
    octets = protocol.take()             # what is to be sent

A stream that was not answered keeps its place among those that may run at once until its recipient has said `release`:
a client that opens and resets streams as fast as it can never has more work done for it than one that waits. What a
client does besides, and need not, is counted in budgets; one that has spent them is told to calm down, and left.

Two things make this side reset a stream whose request is running: content that is longer or shorter than it said, and
a window above the largest there is. What breaks the rules of a stream that has ended ends the connection.

A response may be complete before its request is. Then the rest of that is judged like all content and thrown away, if
it is small and comes soon: a client that is in the middle of sending it need not hear of an end it does not expect.

A recipient may send, inside its calls too; what it must not do there is hand in octets.
"""

from __future__ import annotations

from gunicorn.http._octets import joined
from gunicorn.http.errors import HTTPError
from gunicorn.http.request import Request

from ._http2 import frame_head
from .budget import Budget
from .hpack import TABLE_SIZE, CompressionError, Decoder, Static
from .http2_fields import Field
from .http2_frames import (
    ACK,
    COMPRESSION_ERROR,
    CONTINUATION,
    DATA,
    DEFAULT_WINDOW,
    ENABLE_PUSH,
    END_HEADERS,
    END_STREAM,
    ENHANCE_YOUR_CALM,
    FLOW_CONTROL_ERROR,
    FRAME_SIZE_ERROR,
    GOAWAY,
    HAS_PRIORITY,
    HEAD_SIZE,
    HEADERS,
    INITIAL_WINDOW_SIZE,
    LARGEST_FRAME_SIZE,
    LARGEST_WINDOW,
    MAX_FRAME_SIZE,
    NO_ERROR,
    PADDED,
    PING,
    PREFACE,
    PRIORITY,
    PRIORITY_UPDATE,
    PROTOCOL_ERROR,
    PUSH_PROMISE,
    REFUSED_STREAM,
    RST_STREAM,
    SETTINGS,
    SETTINGS_ACK,
    SMALLEST_FRAME_SIZE,
    STREAM_CLOSED,
    WINDOW_UPDATE,
    FatalError,
    HTTP2Settings,
    goaway_frame,
    ping_frame,
    reset_frame,
    settings_frame,
    settings_of,
    window_frame,
)
from .http2_head import HeadReader, Malformed, trailers_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# A field section comes in one frame and so many more.
MOST_CONTINUATIONS = 8
# A SETTINGS frame has so many values, of which nine mean anything.
MOST_SETTINGS = 32
# DATA frames below so many octets, but for the last, cost more than they bring.
SMALL = 16
# Streams that have ended and are remembered: what was on its way to them is no error.
REMEMBERED = 100
# What may still come of a request that is answered: so many octets, in a second or two (`tire`).
LEFT_OVER = 65536
LARGEST_LIST = 1 << 20

# How a stream has ended.
FINISHED = 1
RESET_BY_PEER = 2
RESET_BY_US = 3

_NAMES_OF_OTHERS = {
    PRIORITY: "PRIORITY", SETTINGS: "SETTINGS", PING: "PING", GOAWAY: "GOAWAY", PUSH_PROMISE: "PUSH_PROMISE",
}


class Stream:
    """One stream: what may still come and go. `owner` is the recipient's."""

    __slots__ = (
        "answered", "credit", "expected", "identifier", "left_over", "owed", "owner", "receiving", "released",
        "sending", "tired", "window",
    )

    def __init__(self, identifier: int, window: int, credit: int) -> None:
        self.begin(identifier, window, credit)

    def begin(self, identifier: int, window: int, credit: int) -> None:
        """What `__init__` does; the protocol calls it alone, on an object made by `__new__`."""
        self.identifier = identifier
        # Whether more may come from the client, and from us. What comes when nothing goes any more is thrown away:
        # up to so many octets, for so long.
        self.receiving = True
        self.sending = True
        self.left_over = LEFT_OVER
        self.tired = False
        # Whether its recipient is done with it; and whether the whole of the response is sent, and it is there yet.
        self.released = False
        self.answered = False
        # Octets of content that we may send; below 0 when the client has made its windows smaller.
        self.window = window
        # Octets that the client may send, and those that it has sent and not been given back.
        self.credit = credit
        self.owed = 0
        # Octets of content that are to come still; -1: nobody has said.
        self.expected = -1
        self.owner: Any = None


class Recipient:
    """Who is told what has come."""

    __slots__ = ()

    def head(self, stream: Stream, request: Request) -> None:
        """A request; unless `stream.receiving`, there is no content."""
        raise NotImplementedError

    def refused(self, stream: Stream, request: Request, error: HTTPError) -> None:
        """A request that cannot be served: it is to be answered."""
        raise NotImplementedError

    def malformed(self, request: Request, error: HTTPError) -> None:
        """A request that is none (RFC 9113 section 8.1.1), for the log; its stream has been reset."""

    def content(self, stream: Stream, data: bytes) -> None:
        """A piece of a request's content; whoever has taken it says so by `HTTP2.consumed`."""
        raise NotImplementedError

    def end(self, stream: Stream, trailers: list[tuple[str, str]] | None) -> None:
        """The end of a request that has content."""
        raise NotImplementedError

    def reset(self, stream: Stream, code: int) -> None:
        """Nothing more comes on the stream, nor goes."""
        raise NotImplementedError

    def writable(self, stream: Stream | None) -> None:
        """More may be sent on a stream, or on all of them."""
        raise NotImplementedError

    def prioritize(self, identifier: int, value: bytes) -> None:
        """The client says how urgent a stream is that it has opened, or is about to (RFC 9218 section 7.1)."""

    def pong(self, octets: bytes) -> None:
        """The answer to a PING of ours."""


class HTTP2:
    """One connection."""

    __slots__ = (
        "acknowledged", "answered", "block", "continuations", "credit", "decoder", "failed", "fault", "first_credit",
        "greeted", "head", "highest", "idle", "last", "list_limit", "most_streams", "needed", "now", "open_block",
        "opening_window", "out", "owed", "peer_frame_size", "place", "recent", "recipient", "resets", "rest",
        "settings", "silent", "small", "started", "streams", "table", "window",
    )

    def __init__(self, static: Static, trusted: bool, settings: HTTP2Settings, recipient: Recipient) -> None:
        self.table = static.table
        self.settings = settings
        # Of the settings, what every stream asks for.
        self.most_streams = settings.max_concurrent_streams
        self.first_credit = settings.initial_window_size
        self.recipient = recipient
        self.decoder = Decoder(static, TABLE_SIZE)
        self.list_limit = settings.max_header_list_size or LARGEST_LIST
        self.head = HeadReader(static.table, trusted, self.list_limit, settings.connect_protocol)
        self.streams: dict[int, Stream] = {}
        # How many of these have been answered.
        self.answered = 0
        # Streams that have ended lately, the oldest at `place`: four times the identifier, and how. Seldom asked and
        # often told, so it is no dictionary.
        self.recent: list[int] = []
        self.place = 0
        # The highest stream that the client has opened, and the last that is served once we have said GOAWAY.
        self.highest = 0
        self.last = -1
        self.silent = False
        self.failed = False
        self.fault = ""
        # What we may send and the client may send, on all streams together.
        self.window = DEFAULT_WINDOW
        self.credit = settings.connection_window
        self.owed = 0
        self.opening_window = DEFAULT_WINDOW
        self.peer_frame_size = SMALLEST_FRAME_SIZE
        # Octets of a frame that is not whole yet, and how many it takes.
        self.rest = bytearray()
        self.needed = 0
        self.greeted = False
        self.started = False
        # Our SETTINGS are.
        self.acknowledged = False
        # The stream whose field section is under way, 0 for none; its octets, with the flags of its first frame.
        self.open_block = 0
        self.block = bytearray()
        self.continuations = 0
        self.now = 0.0
        self.resets = Budget(1000, 33)
        self.idle = Budget(1000, 100)
        self.small = Budget(2000, 200)
        self.out: list[bytes] = [settings_frame(settings_of(settings))]
        if settings.connection_window > DEFAULT_WINDOW:
            self.out.append(window_frame(0, settings.connection_window - DEFAULT_WINDOW))

    def adopt(self) -> Stream:
        """The stream of a request that has come by HTTP/1, and is whole (RFC 7540 section 3.2)."""
        stream = self.streams[1] = Stream(1, self.opening_window, 0)
        self.highest = 1
        stream.receiving = False
        return stream

    # What comes.

    def receive(self, data: bytes, now: float) -> None:
        """Take octets as they came. What the recipient raises is raised here, too; what the client does wrong is not:
        it is answered, and `failed` set."""
        if self.failed:
            return
        self.now = now
        if self.rest:
            self.rest += data
            if len(self.rest) < self.needed:
                return
            data = bytes(self.rest)
            self.rest.clear()
        try:
            position = self._take_in(data)
        except FatalError as error:
            self.fail(error.code, str(error))
            return
        if position < len(data):
            self.rest += data[position:]

    def _take_in(self, data: bytes) -> int:
        """Whole frames; the position behind them."""
        view = data
        position, end, limit = 0, len(data), self.settings.max_frame_size
        if not self.greeted:
            if not PREFACE.startswith(data[:len(PREFACE)]):
                raise FatalError(PROTOCOL_ERROR, "not the preface of HTTP/2")
            if end < len(PREFACE):
                self.needed = end + 1
                return 0
            self.greeted = True
            position = len(PREFACE)
        while end - position >= HEAD_SIZE:
            size = view[position] << 16 | view[position + 1] << 8 | view[position + 2]
            if size > limit:
                raise FatalError(FRAME_SIZE_ERROR, f"a frame of {size} octets")
            start = position + HEAD_SIZE
            self.needed = HEAD_SIZE + size
            if end - start < size:
                return position
            identifier = (
                (view[position + 5] & 127) << 24 | view[position + 6] << 16
                | view[position + 7] << 8 | view[position + 8]
            )
            self._frame(view[position + 3], view[position + 4], identifier, data, start, start + size)
            position = start + size
        self.needed = HEAD_SIZE
        return position

    def _frame(self, kind: int, flags: int, identifier: int, data: bytes, start: int, end: int) -> None:
        if self.open_block:
            if kind != CONTINUATION or identifier != self.open_block:
                raise FatalError(PROTOCOL_ERROR, "a frame within a field section")
            self._continuation(flags, data, start, end)
        elif not self.started and kind != SETTINGS:
            raise FatalError(PROTOCOL_ERROR, "no SETTINGS behind the preface")
        elif kind == HEADERS:
            self._headers(flags, identifier, data, start, end)
        elif kind == DATA:
            self._data(flags, identifier, data, start, end)
        elif kind == WINDOW_UPDATE:
            self._window_update(identifier, data, start, end)
        else:
            self._other(kind, flags, identifier, data[start:end])

    def _other(self, kind: int, flags: int, identifier: int, payload: bytes) -> None:
        if kind == RST_STREAM:
            self._rst_stream(identifier, payload)
            return
        self._spend(self.idle, "frames that bring nothing")
        if kind == PRIORITY:
            self._priority(identifier, payload)
            return
        if kind in (SETTINGS, PING, GOAWAY, PRIORITY_UPDATE) and identifier:
            raise FatalError(PROTOCOL_ERROR, f"{_NAMES_OF_OTHERS.get(kind, 'PRIORITY_UPDATE')} on a stream")
        if kind == SETTINGS:
            self._settings(flags, payload)
        elif kind == PING:
            self._ping(flags, payload)
        elif kind == GOAWAY:
            if len(payload) < 8:
                raise FatalError(FRAME_SIZE_ERROR, "a GOAWAY that is too short")
        elif kind == PRIORITY_UPDATE:
            if len(payload) < 4:
                raise FatalError(FRAME_SIZE_ERROR, "a PRIORITY_UPDATE that is too short")
            self.recipient.prioritize(int.from_bytes(payload[:4], "big") & LARGEST_WINDOW, payload[4:])
        elif kind in (PUSH_PROMISE, CONTINUATION):
            raise FatalError(PROTOCOL_ERROR, "a frame that no client sends here")

    def _spend(self, budget: Budget, what: str) -> None:
        if not budget.spend(self.now):
            raise FatalError(ENHANCE_YOUR_CALM, f"too many {what}")

    def _unpadded(self, flags: int, data: bytes, start: int, end: int) -> tuple[int, int]:
        """The part of a payload that is not padding."""
        if flags & PADDED:
            if start == end:
                raise FatalError(FRAME_SIZE_ERROR, "padding without its length")
            padding = data[start]
            start += 1
            if padding > end - start:
                raise FatalError(PROTOCOL_ERROR, "padding longer than its frame")
            end -= padding
        return start, end

    # Field sections.

    def _headers(self, flags: int, identifier: int, data: bytes, start: int, end: int) -> None:
        if flags & (PADDED | HAS_PRIORITY):
            start, end = self._unpadded(flags, data, start, end)
            if flags & HAS_PRIORITY:
                self._depends(identifier, data, start, end)
                start += 5
        self._admit(identifier, flags & END_STREAM)
        if flags & END_HEADERS:
            self._section(identifier, flags & END_STREAM, data, start, end)
            return
        self.open_block = identifier
        self.block = bytearray((flags & END_STREAM,))
        self.continuations = 0
        self._gather(data, start, end)

    def _continuation(self, flags: int, data: bytes, start: int, end: int) -> None:
        self.continuations += 1
        if self.continuations > MOST_CONTINUATIONS or (start == end and not flags & END_HEADERS):
            raise FatalError(ENHANCE_YOUR_CALM, "a field section in too many frames")
        self._gather(data, start, end)
        if flags & END_HEADERS:
            block, identifier, self.open_block = bytes(self.block), self.open_block, 0
            self.block = bytearray()
            self._section(identifier, block[0], block, 1, len(block))

    def _gather(self, data: bytes, start: int, end: int) -> None:
        self.block += data[start:end]
        if len(self.block) > self.list_limit + 1:
            raise FatalError(ENHANCE_YOUR_CALM, "a field section that is too large")

    def _admit(self, identifier: int, ended: int) -> None:
        """Raises `FatalError` for a field section that no stream can have now."""
        if not identifier & 1:
            raise FatalError(PROTOCOL_ERROR, "HEADERS on a stream that no client opens")
        if identifier > self.highest:
            return
        stream = self.streams.get(identifier)
        if stream is not None and stream.receiving:
            if not ended:
                raise FatalError(PROTOCOL_ERROR, "a second head")
        elif self._how_ended(identifier, stream) != RESET_BY_US:
            raise FatalError(
                STREAM_CLOSED if self._how_ended(identifier, stream) else PROTOCOL_ERROR,
                "HEADERS on a stream that has ended",
            )

    def _how_ended(self, identifier: int, stream: Stream | None) -> int:
        """0 where nothing is known of an end."""
        recent = self.recent
        for step in range(1, len(recent) + 1):
            # Backwards: what was said of a stream last counts.
            entry = recent[(self.place - step) % len(recent)]
            if entry >> 2 == identifier:
                return entry & 3
        return 0 if stream is None else FINISHED

    def _section(self, identifier: int, ended: int, data: bytes, start: int, end: int) -> None:
        """A whole field section: a request, its trailers, or what nobody heeds any more."""
        if identifier > self.highest:
            self._open(identifier, ended, data, start, end)
            return
        stream = self.streams.get(identifier)
        fields = self._decode(data, start, end)
        if stream is None or not stream.receiving:
            return
        try:
            trailers = trailers_of(fields, self.decoder.total, self.table, self.list_limit)
        except HTTPError:
            self._break(stream, PROTOCOL_ERROR)
            return
        self._end(stream, trailers)

    def _open(self, identifier: int, ended: int, data: bytes, start: int, end: int) -> None:
        """A request begins."""
        self.highest = identifier
        fields = self._decode(data, start, end)
        if self.last >= 0 and identifier > self.last:
            # We have said that it will not be served (RFC 9113 section 6.8).
            self._remember(identifier, RESET_BY_US)
            if self.silent:
                self.out.append(reset_frame(identifier, REFUSED_STREAM))
            return
        if self._is_full():
            self._spend(self.resets, "streams")
            self._remember(identifier, RESET_BY_US)
            self.out.append(reset_frame(identifier, REFUSED_STREAM))
            return
        head = self.head
        stream = Stream.__new__(Stream)
        stream.begin(identifier, self.opening_window, self.first_credit)
        self.streams[identifier] = stream
        stream.receiving = not ended
        try:
            request = head.read(fields, self.decoder.total, not stream.receiving)
        except Malformed as error:
            stream.released = True
            self._spend(self.resets, "requests that are malformed")
            self.reset(stream, PROTOCOL_ERROR)
            self.recipient.malformed(head.request, error)
        except HTTPError as error:
            self._spend(self.resets, "requests that cannot be served")
            self.recipient.refused(stream, head.request, error)
        else:
            if request.upgrade is None:
                stream.expected = request.content_length
            self.recipient.head(stream, request)

    def _is_full(self) -> bool:
        """Whether no further stream may run. One that is answered does not count for the client, nor here, as long as
        their applications come to an end."""
        there, most = len(self.streams), self.most_streams
        return there - self.answered >= most or there >= 2 * most

    def _decode(self, data: bytes, start: int, end: int) -> list[Field]:
        try:
            return self.decoder.decode(data, start, end, self.list_limit)
        except CompressionError as error:
            raise FatalError(COMPRESSION_ERROR, str(error)) from None

    # Content.

    def _data(self, flags: int, identifier: int, data: bytes, start: int, end: int) -> None:
        size = end - start
        stream = self.streams.get(identifier)
        if size > self.credit:
            raise FatalError(FLOW_CONTROL_ERROR, "more content than the connection's window")
        self.credit -= size
        if flags & PADDED:
            # Whatever becomes of the content: it is the connection that is wrong.
            start, end = self._unpadded(flags, data, start, end)
        if stream is None or not stream.receiving:
            self._stray(identifier, stream)
            self.give_back(size)
            return
        if size > stream.credit:
            raise FatalError(FLOW_CONTROL_ERROR, "more content than the stream's window")
        stream.credit -= size
        if end - start < SMALL and not flags & END_STREAM:
            self._spend(self.idle if start == end else self.small, "small pieces of content")
        if size > end - start:
            self.consumed(stream, size - (end - start))
        if stream.expected >= 0:
            stream.expected -= end - start
            if stream.expected < 0:
                self.give_back(end - start)
                self._break(stream, PROTOCOL_ERROR)
                return
        if start < end:
            if stream.sending:
                self.recipient.content(stream, data[start:end])
            else:
                self.give_back(end - start)
                stream.left_over -= end - start
        if flags & END_STREAM and stream.receiving:
            self._end(stream, None)
        elif not stream.sending and (stream.left_over < 0 or not stream.credit):
            self.reset(stream, NO_ERROR)

    def _stray(self, identifier: int, stream: Stream | None) -> None:
        """Content for a stream that takes none: it was on its way when we ended it, or it breaks the rules."""
        if not identifier & 1 or identifier > self.highest:
            raise FatalError(PROTOCOL_ERROR, "DATA on a stream that is not open")
        if self._how_ended(identifier, stream) != RESET_BY_US:
            raise FatalError(STREAM_CLOSED, "DATA on a stream that has ended")
        self._spend(self.small, "pieces of content that nobody takes")

    def _end(self, stream: Stream, trailers: list[tuple[str, str]] | None) -> None:
        if stream.expected > 0:
            self._break(stream, PROTOCOL_ERROR)
            return
        stream.receiving = False
        if stream.sending:
            self.recipient.end(stream, trailers)
        self._settle(stream, FINISHED)

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

    # All other frames.

    def _window_update(self, identifier: int, data: bytes, start: int, end: int) -> None:
        if end - start != 4:
            raise FatalError(FRAME_SIZE_ERROR, "a WINDOW_UPDATE of another size than 4")
        increment = int.from_bytes(data[start:end], "big") & LARGEST_WINDOW
        if not increment:
            raise FatalError(PROTOCOL_ERROR, "a WINDOW_UPDATE of 0")
        if not identifier:
            self.window += increment
            if self.window > LARGEST_WINDOW:
                raise FatalError(FLOW_CONTROL_ERROR, "a window of the connection that is too large")
            self.recipient.writable(None)
            return
        stream = self.streams.get(identifier)
        if stream is None:
            self._check_known(identifier, "WINDOW_UPDATE")
        elif stream.sending:
            stream.window += increment
            if stream.window > LARGEST_WINDOW:
                self._break(stream, FLOW_CONTROL_ERROR)
            else:
                self.recipient.writable(stream)

    def _check_known(self, identifier: int, what: str) -> None:
        if not identifier or not identifier & 1 or identifier > self.highest:
            raise FatalError(PROTOCOL_ERROR, f"{what} on a stream that is not open")
        self._spend(self.idle, "frames for streams that have ended")

    def _rst_stream(self, identifier: int, payload: bytes) -> None:
        if len(payload) != 4:
            raise FatalError(FRAME_SIZE_ERROR, "a RST_STREAM of another size than 4")
        stream = self.streams.get(identifier)
        if stream is None or not (stream.receiving or stream.sending):
            self._check_known(identifier, "RST_STREAM")
            return
        answers = stream.sending
        if answers:
            self._spend(self.resets, "streams that are reset")
        stream.receiving = stream.sending = False
        if answers:
            self.recipient.reset(stream, int.from_bytes(payload, "big"))
        self._settle(stream, RESET_BY_PEER)

    def _depends(self, identifier: int, data: bytes, start: int, end: int) -> None:
        """The priorities of RFC 7540 are read no further than to see that they are whole."""
        if end - start < 5:
            raise FatalError(FRAME_SIZE_ERROR, "a priority that is too short")
        if int.from_bytes(data[start:start + 4], "big") & LARGEST_WINDOW == identifier:
            raise FatalError(PROTOCOL_ERROR, "a stream that depends on itself")

    def _priority(self, identifier: int, payload: bytes) -> None:
        if not identifier:
            raise FatalError(PROTOCOL_ERROR, "PRIORITY without a stream")
        if len(payload) != 5:
            raise FatalError(FRAME_SIZE_ERROR, "a PRIORITY of another size than 5")
        self._depends(identifier, payload, 0, 5)

    def _ping(self, flags: int, payload: bytes) -> None:
        if len(payload) != 8:
            raise FatalError(FRAME_SIZE_ERROR, "a PING of another size than 8")
        if flags & ACK:
            self.recipient.pong(payload)
        else:
            self.out.append(ping_frame(payload, ACK))

    def _settings(self, flags: int, payload: bytes) -> None:
        self.started = True
        if flags & ACK:
            if payload:
                raise FatalError(FRAME_SIZE_ERROR, "an acknowledgement with content")
            self.acknowledged = True
            return
        if len(payload) % 6:
            raise FatalError(FRAME_SIZE_ERROR, "SETTINGS that are not whole")
        if len(payload) > 6 * MOST_SETTINGS:
            raise FatalError(ENHANCE_YOUR_CALM, "too many SETTINGS")
        before = self.opening_window
        self.apply(payload)
        # In front of what they allow: the client counts by them from here on.
        self.out.append(SETTINGS_ACK)
        if self.opening_window > before:
            self.recipient.writable(None)

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

    # What goes.

    def take(self) -> bytes:
        """The octets that are to be sent; they are the caller's from now on."""
        out, self.out = self.out, []
        return out[0] if len(out) == 1 else joined(out)

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
            self._settle(stream, FINISHED)
        elif stream.expected > LEFT_OVER or not stream.credit:
            self.reset(stream, NO_ERROR)

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

    def reset(self, stream: Stream, code: int) -> None:
        """End a stream in the middle."""
        if stream.receiving or stream.sending:
            stream.receiving = stream.sending = False
            self.out.append(reset_frame(stream.identifier, code))
            self._settle(stream, RESET_BY_US)

    def release(self, stream: Stream) -> None:
        """Nobody works for the stream any more: once it has ended, another one may have its place."""
        stream.released = True
        if not (stream.receiving or stream.sending):
            self._forget(stream)

    def _forget(self, stream: Stream) -> None:
        if stream.answered:
            stream.answered = False
            self.answered -= 1
        self.streams.pop(stream.identifier, None)

    def goaway(self, last: int, code: int = NO_ERROR, what: bytes = b"") -> None:
        """Streams above `last` are not served from now on."""
        self.last = last
        self.silent = False
        self.out.append(goaway_frame(last, code, what))

    def refuse_further(self) -> None:
        """Streams that are opened from now on are refused, each by itself, to a client that is told no GOAWAY."""
        self.last = self.highest
        self.silent = True

    def fail(self, code: int, what: str) -> None:
        """The end of the connection, for something that the client has done."""
        self.failed = True
        self.fault = what
        self.rest.clear()
        self.block = bytearray()
        self.goaway(self.highest, code, what.encode("ascii", "replace"))
        for stream in list(self.streams.values()):
            if stream.receiving or stream.sending:
                answers = stream.sending
                stream.receiving = stream.sending = False
                if answers:
                    self.recipient.reset(stream, code)
                self._settle(stream, RESET_BY_US)

    def _break(self, stream: Stream, code: int) -> None:
        """The client has broken a stream (RFC 9113 section 5.4.2)."""
        self._spend(self.resets, "streams that are broken")
        answers = stream.sending
        self.reset(stream, code)
        if answers:
            self.recipient.reset(stream, code)

    def _settle(self, stream: Stream, how: int) -> None:
        if stream.receiving or stream.sending:
            return
        self._remember(stream.identifier, how)
        if stream.released:
            self._forget(stream)

    def _remember(self, identifier: int, how: int) -> None:
        recent, entry = self.recent, 4 * identifier + how
        if len(recent) < REMEMBERED:
            recent.append(entry)
        else:
            recent[self.place] = entry
            self.place = (self.place + 1) % REMEMBERED
