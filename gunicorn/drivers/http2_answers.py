"""The sending half of a stream of HTTP/2: an answer becomes frames, as far as windows and the connection have room, and
the rest of it a queue; and what a stream asks of its connection for that."""

from __future__ import annotations

import os

from gunicorn.engine.buffers import SPILL_FACTOR, OutputBuffer, Spill
from gunicorn.engine.exchange import ClientDisconnected, Exchange
from gunicorn.engine.multiplexer import Multiplexer
from gunicorn.http.errors import LateBody
from gunicorn.http.response import LENGTH, NO_BODY, FieldLine
from gunicorn.http.response_head import Page, ResponseHead
from gunicorn.wire.http2 import HTTP2
from gunicorn.wire.http2_frames import HEAD_SIZE, INTERNAL_ERROR
from gunicorn.wire.http2_response import block_of, block_of_fields, block_of_status, settle
from gunicorn.wire.http2_streams import Stream
from gunicorn.wire.priority import parse_priority

from .bell import Bell
from .http1 import Connection

# A file is read, and content sent, in pieces of this size: with the head of its frame, each is one record of TLS.
PIECE = 16384 - HEAD_SIZE
# So much of a response must go in `send_timeout`, or the rest of it.
PROGRESS = 16384
# What bodies and answers may have in memory the streams of a connection share; each may have so much in any case.
LEAST_SHARE = 32768

# In the compiled form these are C integers, which other modules could not import by name.
globals().update(PIECE=PIECE, PROGRESS=PROGRESS, LEAST_SHARE=LEAST_SHARE)


class MultiplexedConnection(Multiplexer):
    """A connection that many streams share. `inside`: its octets are being looked at just now, and what is gathered is
    sent at the end of that. `size`: octets that were gathered. `moved_at`: when the client last took content as fast as
    it must, of whichever stream."""

    __slots__ = ("bodies", "connection", "inside", "moved_at", "protocol", "size")

    #: Bodies that are being stored, or have been for a request that runs.
    bodies: int
    connection: Connection
    inside: bool
    moved_at: float
    protocol: HTTP2
    size: int

    def pump(self) -> None:
        """Send what was gathered, and what is queued as far as windows and the kernel take it."""
        raise NotImplementedError

    def gathered(self, ended: bool) -> None:
        """Frames of a stream are to be sent; `ended`: they make its answer complete, and may wait for others."""
        raise NotImplementedError

    def has_room(self, size: int) -> bool:
        """Whether so many octets of content may be framed now."""
        raise NotImplementedError

    def serve(self, exchange: StreamAnswers) -> None:
        """Hand the request of a stream to the gateway."""
        raise NotImplementedError

    def look(self) -> None:
        """Take in and send what can be now, for somebody who waits for it."""
        raise NotImplementedError

    def interest(self) -> int:
        """What somebody who waits for this connection has the kernel tell, as flags of poll(2)."""
        raise NotImplementedError

    def queues(self) -> int:
        """How many streams have content that waits for windows."""
        raise NotImplementedError

    def wait_for(self, exchange: StreamAnswers) -> None:
        """A stream has content that waits for windows."""
        raise NotImplementedError

    def wait_no_more(self, exchange: StreamAnswers) -> None:
        """It has none any more."""
        raise NotImplementedError

    def spill(self) -> Spill:
        """The file of this connection for answers beyond their bounds. Raises `OSError`."""
        raise NotImplementedError

    def attend_soon(self, exchange: StreamAnswers) -> None:
        """Have `go_on` of a stream called when all octets of now were looked at."""
        raise NotImplementedError

    def reset(self, exchange: StreamAnswers, code: int) -> None:
        """End a stream in the middle."""
        raise NotImplementedError

    def time_is_up(self, exchange: StreamAnswers) -> None:
        """A body has not come in its time."""
        raise NotImplementedError

    def finished(self, exchange: StreamAnswers, keep: bool) -> None:
        """The gateway is done with a stream."""
        raise NotImplementedError


class StreamOutput(OutputBuffer):
    """What windows do not let through yet. The streams of a connection share what may be in memory, and the file for
    the rest, of which each may have as much as a connection of HTTP/1."""

    __slots__ = ("_most", "_session")

    def __init__(self, bound: int, most: int, directory: str | None, session: MultiplexedConnection) -> None:
        """`bound`: octets in memory; `most`: octets in all before the application has to wait."""
        super().__init__(bound, directory)
        self._most = most
        self._session = session

    def full(self) -> bool:
        """As that of the base class."""
        return self.size + self.spilled > (self.bound if self.no_file else self._most)

    def place(self) -> Spill:
        """As that of the base class."""
        before, spill = self.spill, self._session.spill()
        if spill is not before:
            spill.take()
            self.spill = spill
            if before is not None:
                before.let_go()
        return spill


class StreamAnswers(Exchange):
    """Answers the request of one stream. `begun` is the head that was not sent yet, `held` what is to go behind it, or
    behind what went before; `state` is the stream as the protocol knows it."""

    __slots__ = (
        "begun", "bell", "deadline", "ending", "held", "incremental", "out", "progress", "running", "sent", "session",
        "state", "trailer_block", "trailing", "urgency",
    )

    begun: ResponseHead | None
    #: Of a thread that waits.
    bell: Bell | None
    #: Until when the client must have sent or taken something, and how much of that it has (`progress`).
    deadline: float
    #: Whether END_STREAM follows what is queued.
    ending: bool
    held: list[bytes] | None
    incremental: bool
    out: OutputBuffer | None
    progress: int
    running: bool
    #: Octets of the content that were sent or queued.
    sent: int
    session: MultiplexedConnection
    state: Stream
    trailer_block: bytes | None
    #: Whether the end waits for trailer fields.
    trailing: bool
    urgency: int

    def close(self) -> None:
        """Let go of the request; what is queued still goes."""
        raise NotImplementedError

    # Heads and content.

    def start(self, head: ResponseHead) -> None:
        settle(head)
        self.begun = head

    def send(self, head: ResponseHead, data: bytes, last: bool) -> None:
        if self.engine.threaded:
            with self.engine.guard:
                self._send(head, data, last)
        else:
            self._send(head, data, last)

    def _send(self, head: ResponseHead, data: bytes, last: bool) -> None:
        if self.broken:
            raise ClientDisconnected()
        if head.framing == NO_BODY:
            if self.begun is not None:
                self._send_head(True)
                self.session.gathered(True)
            return
        held = self.held
        if held is not None:
            held.append(data)
            self.held = None
            data = b"".join(held)
        self.sent += len(data)
        # What is shorter than it says must not end as if it were whole: it is broken off by whoever has noticed.
        ended = (self.sent >= head.response_length if head.framing == LENGTH else last) and not self.trailing
        if self.begun is not None:
            self._send_head(ended and not data)
            if ended and not data:
                self.session.gathered(True)
                return
        self.send_content(data, ended)
        self.session.gathered(ended)

    def _send_head(self, ended: bool) -> None:
        head, self.begun = self.begun, None
        if head is not None:
            block = block_of(head)
            self.session.size += len(block)
            self.session.protocol.send_head(self.state, block, ended)

    def send_content(self, data: bytes, ended: bool) -> None:
        """As far as nothing waits in front of it and the windows have room at once; what has none is queued whole."""
        size = len(data)
        session = self.session
        if self.out is None and not self.ending:
            if not size:
                if ended:
                    session.protocol.send_data(self.state, data, True)
                return
            if session.has_room(size) and size <= session.protocol.room(self.state):
                session.size += size
                session.protocol.send_data(self.state, data, ended)
                return
        self._queue(data)
        self.ending = self.ending or ended

    def hold(self, head: ResponseHead, data: bytes) -> None:
        if self.broken:
            raise ClientDisconnected()
        if self.held is None:
            self.held = []
        if data:
            self.held.append(data)

    def push(self) -> None:
        if self.engine.threaded:
            with self.engine.guard:
                self._push()
        else:
            self._push()

    def _push(self) -> None:
        if self.broken:
            raise ClientDisconnected()
        head = self.begun
        held, self.held = self.held, None
        if head is not None:
            self._send_head(head.framing == NO_BODY)
        if held:
            data = b"".join(held)
            self.sent += len(data)
            self.send_content(data, False)
        if head is not None or held:
            self.session.gathered(False)

    def send_file(self, fd: int, offset: int, count: int) -> int:
        with self.engine.guard:
            self._push()
            if self.broken:
                # It was sent to nobody, and nobody would let go of what is queued now.
                raise ClientDisconnected()
            self._queue(b"")
            if self.out is not None and count:
                if os.fstat(fd).st_size < offset + count:
                    count = max(0, os.fstat(fd).st_size - offset)
                if count:
                    self.out.add_file(fd, offset, count)
            self.sent += count
            self.session.gathered(False)
        return count

    def read_file(self, fd: int, offset: int, count: int) -> int:
        # What is sent is read in any case.
        return self.send_file(fd, offset, count)

    def inform(self, status: int, fields: list[FieldLine]) -> None:
        with self.engine.guard:
            if self.broken:
                raise ClientDisconnected()
            self.session.protocol.send_head(self.state, block_of_status(status, fields), False)
            self.session.gathered(False)

    def send_end(self) -> None:
        """See that the end of the stream follows what was sent."""
        head, held = self.begun, self.held
        if not self.state.sending or self.ending:
            return
        trailers, self.trailing = self.trailer_block, False
        self.held = None
        if head is not None:
            ended = head.framing == NO_BODY or not (held or trailers)
            self._send_head(ended)
            if ended:
                return
        data = b"".join(held) if held else b""
        self.sent += len(data)
        if trailers is None:
            self.send_content(data, True)
            return
        if data:
            self.send_content(data, False)
        self._send_trailers(trailers)

    def cut(self, page: Page | None) -> None:
        """Beside the thread that runs the request, which sees `broken` and sends nothing more."""
        with self.engine.guard:
            self.begun = self.held = None
            if page is None or not self.state.sending:
                self.session.reset(self, INTERNAL_ERROR)
                return
            settle(page)
            protocol = self.session.protocol
            body = b"" if page.framing == NO_BODY or len(page.body) > protocol.room(self.state) else page.body
            protocol.send_head(self.state, block_of(page), not body)
            if body:
                protocol.send_data(self.state, body, True)
            self.session.gathered(False)

    # Trailer fields.

    def takes_trailers(self, head: ResponseHead) -> bool:
        if head.prefix is None:
            return False
        settle(head)
        self.trailing = head.framing != NO_BODY
        return self.trailing

    def send_trailers(self, head: ResponseHead, fields: list[FieldLine]) -> None:
        with self.engine.guard:
            self._push()
            self.trailing = False
            if fields and self.state.sending:
                self._send_trailers(block_of_fields(fields))
                self.session.gathered(True)

    def _send_trailers(self, block: bytes) -> None:
        if self.out is not None:
            self.trailer_block = block
            self.ending = True
        else:
            self.session.protocol.send_head(self.state, block, True)

    def promise_trailers(self) -> None:
        """Keep the end of the response for the trailer fields that `add_trailers` may bring until then."""
        self.trailing = True

    def add_trailers(self, fields: list[FieldLine]) -> None:
        """Fields that go behind the content when the gateway is done."""
        if self.trailing:
            self.trailer_block = (self.trailer_block or b"") + block_of_fields(fields)

    # What is queued.

    def _queue(self, data: bytes) -> None:
        out = self.out
        if out is None:
            settings, session = self.engine.settings, self.session
            size = settings.response_buffer_size
            bound = max(LEAST_SHARE, size // (1 + session.queues()))
            out = self.out = StreamOutput(bound, size * SPILL_FACTOR, settings.upload_dir, session)
            self.progress = 0
            self.deadline = self.engine.send_deadline()
            self._heed_response()
            self.session.wait_for(self)
        out.add(data)

    def _heed_response(self) -> None:
        """The application may know better how urgent its answer is (RFC 9218 section 8)."""
        response: ResponseHead | None = self.response
        if response is None or not response.fields:
            return
        for field in response.fields:
            if field.line[:9].lower() == b"priority:":
                priority = parse_priority(field.value, self.urgency, self.incremental)
                self.urgency, self.incremental = priority.urgency, priority.incremental

    def advance(self, most: int) -> int:
        """Cut up to so many octets of what is queued into frames; how many these were. With the last of them `out` is
        None, and the end of the stream on its way if it is known. Raises OSError where a file has become shorter."""
        out = self.out
        if out is None:
            return 0
        protocol = self.session.protocol
        data = out.take(min(most, protocol.room(self.state)))
        count = len(data)
        empty = not out.segments
        ended = empty and self.ending
        self.progress += count
        self.ring()
        if empty:
            out.close()
            self.out = None
            self.deadline = 0.0
        elif self.progress >= PROGRESS:
            self.progress = 0
            self.deadline = self.engine.send_deadline()
        protocol.send_data(self.state, data, ended and self.trailer_block is None)
        if ended and self.trailer_block is not None:
            protocol.send_head(self.state, self.trailer_block, True)
            # The next request of this object has its own.
            self.trailer_block = None
        return count

    def queued(self) -> int:
        out = self.out
        return 0 if out is None else out.size + out.spilled

    def is_flushed(self) -> bool:
        return self.out is None and self.session.connection.is_flushed()

    def must_wait(self) -> bool:
        # Asked without the guard: another thread may send the last of it meanwhile.
        out = self.out
        return out is not None and out.full()

    def drop_queue(self) -> None:
        """Forget what waits for the client's windows."""
        out, self.out = self.out, None
        self.trailer_block = None
        if out is not None:
            out.close()
            self.session.wait_no_more(self)

    def ring(self) -> None:
        """Something has changed for whoever waits in another thread."""
        if self.bell is not None:
            self.bell.ring()

    # An end in the middle.

    def expire(self) -> None:
        """The client has neither sent nor taken enough in its time."""
        others = self.session.moved_at + self.engine.send_timeout
        if self.out is not None and self.state.window > 0 and others > self.engine.now:
            # It took content of other streams, as we have chosen: it is not late with this one.
            self.deadline = others
            return
        self.deadline = 0.0
        if self.out is not None:
            self.session.reset(self, INTERNAL_ERROR)
        elif self.stream is not None:
            late = LateBody()
            self.engine.handler.body_is_wrong(self, late)
            self.give_up_body(late)
        else:
            self.session.time_is_up(self)

    def lose(self) -> None:
        """Nothing reaches the client any more: whoever works for it hears of it."""
        self.broken = True
        self.deadline = 0.0
        self.drop_queue()
        self.give_up_body()
        self.ring()
        if self.running:
            handler = self.engine.handler
            handler.disconnected(self)
            handler.writable(self)
        else:
            self.close()

    def break_off(self, head: ResponseHead) -> None:
        self.abort()

    def abort(self) -> None:
        with self.engine.guard:
            self.session.reset(self, INTERNAL_ERROR)
