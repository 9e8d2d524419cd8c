"""The states of a connection of HTTP/1, and how it ends: in good order, at once, for its being slow, and after failures
of either side.

    READING    waiting for a request, or in the middle of one
    RUNNING    a complete request is with the gateway; with a body stream, its body still comes in
    FLUSHING   the gateway is done, the client has not taken everything yet
    LINGERING  our side is shut; what still comes is thrown away, so that no reset overtakes our last octets
    CLOSED
    MULTIPLEXED  a driver has it, with requests of its own: it is asked about all that the states above decide
"""

from __future__ import annotations

from gunicorn.engine._leaf import close, push, receive
from gunicorn.engine.buffers import BodyStore
from gunicorn.engine.driver import Driver
from gunicorn.engine.exchange import ClientDisconnected
from gunicorn.engine.multiplexer import Multiplexer
from gunicorn.engine.opener import Opener
from gunicorn.engine.settings import LAST_LINGER_SECONDS, LINGER_SECONDS
from gunicorn.engine.transport import reset_when_closed, shutdown_sending
from gunicorn.errors import OwnSignal
from gunicorn.http.errors import HTTPError, InternalError, InvalidRequestLine, LateBody, RequestTimeout
from gunicorn.http.response import UNTIL_CLOSE
from gunicorn.http.response_head import ResponseHead
from gunicorn.wire.protocol import Protocol

from .http1_answers import Answers

READING = 0
RUNNING = 1
FLUSHING = 2
LINGERING = 3
CLOSED = 4
MULTIPLEXED = 5

# After so many reads in a row others get their turn.
TURNS = 32

# In the compiled form these are C integers, which other modules could not import by name.
globals().update(
    READING=READING, RUNNING=RUNNING, FLUSHING=FLUSHING, LINGERING=LINGERING, CLOSED=CLOSED, MULTIPLEXED=MULTIPLEXED,
    TURNS=TURNS,
)


class Ending(Answers):
    """What is known of a connection and the request on it, and how it ends whatever it is at."""

    __slots__ = (
        "awaited", "body", "driver", "hangup", "keep", "multiplexer", "opener", "processing", "protocol", "readable",
        "reading", "skipping", "state", "__weakref__",
    )

    #: Set while the thread that runs the request waits for octets itself: whatever comes is that thread's to read.
    awaited: bool
    #: A body that is stored before its request is served.
    body: BodyStore | None
    #: Set while the octets are those of another protocol: it gets them, `protocol` none.
    driver: Driver | None
    hangup: bool
    #: Whether another request may follow the running one; between two, whether one went before.
    keep: bool
    #: The driver, where it has requests of its own.
    multiplexer: Multiplexer | None
    #: What it may become, as whoever has made it knows.
    opener: Opener
    processing: bool
    protocol: Protocol
    readable: bool
    #: Set while octets are moved from the kernel: what fails then is the client's doing.
    reading: bool
    #: Set while the rest of a body comes that the application did not want; its request is answered.
    skipping: bool
    state: int

    # What it is at.

    def is_running(self) -> bool:
        return self.state == RUNNING

    def is_lost(self) -> bool:
        return self.broken or self.state == CLOSED

    def is_over(self) -> bool:
        return self.state == CLOSED

    def close_body(self) -> None:
        """Let go of a body that was stored."""
        if self.body is not None:
            self.body.close()
            self.body = None

    def give_up_body(self, fault: HTTPError | None = None) -> None:
        """No more of a streamed body is waited for; `fault`: what the client has done wrong."""
        if self.stream is not None:
            stream, self.stream = self.stream, None
            if fault is not None:
                self._be_the_last()
            stream.break_off(fault)

    def _be_the_last(self) -> None:
        """Nobody knows where a next request would begin, also where the application answers this one all the same."""
        if self.request is not None:
            self.request.close = True
        if self.response is not None:
            self.response.close = True

    # The client has done something, or nothing in its time.

    def refuse(self, error: HTTPError) -> None:
        """Answer what cannot be served, and close."""
        if self.skipping:
            # The request is answered already.
            self.end()
            return
        if self.state == RUNNING:
            # Only a streamed body can be wrong now; the application has the request and sees a body that ends early.
            self.readable = False
            self.engine.handler.body_is_wrong(self, error)
            self.give_up_body(error)
            return
        self.close_body()
        try:
            self.answer(self.engine.handler.refused(self, error))
        except ClientDisconnected:
            self.close()
            return
        self.keep = False
        self.end_when_sent()

    def end_when_sent(self) -> None:
        """End in good order, when the client has taken all that is queued."""
        if self.out is None:
            self.end()
        else:
            self.state = FLUSHING
            self.deadline = self.engine.send_deadline()

    def end_of_stream(self) -> None:
        """The client has shut its side. What it has asked for was answered before; a part of a request is an error."""
        if self.state == MULTIPLEXED:
            if self.multiplexer is not None:
                # What the streams of this very turn have to say was gathered.
                self.multiplexer.send_delayed()
            self.close()
        elif self.stream is not None:
            # Who has the request may be told by either.
            self.refuse(InvalidRequestLine("the connection ended within a request"))
            self.engine.handler.disconnected(self)
        elif self.driver is not None:
            driver, self.driver = self.driver, None
            driver.ended()
        elif self.protocol.is_idle() and not self.protocol.has_unread_body():
            self.close()
        else:
            self.refuse(InvalidRequestLine("the connection ended within a request"))

    def expire(self) -> None:
        """The deadline has passed."""
        if self.state == READING and not self.protocol.is_idle():
            self.refuse(RequestTimeout("the request took too long to arrive"))
        elif self.state == RUNNING and self.stream is not None and self.out is None:
            self.keep = False
            self.deadline = 0.0
            self.refuse(LateBody())
        elif self.state == RUNNING:
            self.broken = True
            self.deadline = 0.0
            self.forget_queued()
            self.engine.handler.writable(self)
        elif self.multiplexer is not None:
            self.multiplexer.expire()
        else:
            self.close()

    def forget_queued(self) -> None:
        """Nothing that the client has not taken goes to it any more."""
        if self.out is not None:
            self.out.close()
            self.out = None

    def shorten(self, latest: float, lingers: float) -> None:
        if self.multiplexer is not None:
            self.multiplexer.shorten(latest)
        elif self.state == LINGERING:
            self.deadline = min(self.deadline, lingers)
        elif self.state == READING and (self.skipping or self.protocol.is_idle()):
            # While it skips, the answer is sent.
            self.deadline = min(self.deadline or latest, latest)

    # In good order.

    def end(self) -> None:
        """Close in good order: no answer may be lost to the reset that unread octets would cause."""
        self.say_farewell()
        if self._nothing_unread():
            self.close()
            return
        try:
            shutdown_sending(self.fd)
        except OSError:
            self.close()
            return
        self.state = LINGERING
        self.deadline = self.engine.now + (LAST_LINGER_SECONDS if self.engine.closing else LINGER_SECONDS)
        self.readable = True
        try:
            self.watch()
        except OSError:
            self.close()
            return
        self.discard()

    def _nothing_unread(self) -> bool:
        """Whether the client has sent all it is going to: it asked for the close and nothing is left over."""
        protocol = self.protocol
        request = protocol.request
        return (
            request is not None and request.close and not self.readable
            and not protocol.is_pending() and not protocol.has_unread_body()
        )

    def discard(self) -> None:
        try:
            for _ in range(TURNS):
                data = receive(self.fd)
                if data is None:
                    self.engine.poller.arm_read(self.fd)
                    return
                if not data:
                    break
            else:
                self.take_turn()
                return
        except OSError:
            pass
        self.close()

    # At once.

    def fail(self) -> None:
        """The connection is lost, and a running request must hear of it."""
        running = self.state == RUNNING
        try:
            self.give_up_body()
        finally:
            if running and self.engine.threaded:
                # The thread that runs the request may be using the descriptor: its number must not be another's yet.
                self.cut(None)
                self.broken = True
            else:
                self.close()
        if running:
            self.engine.handler.disconnected(self)

    def drop(self) -> None:
        """End the connection after a failure of our own, in whatever state that has left it. Raises no Exception."""
        if self.state == LINGERING or (self.state == FLUSHING and self.out is not None):
            # It ends in good order, and has a time limit.
            return
        try:
            self._end_unserved()
        except OwnSignal:
            raise
        except BaseException:  # noqa: BLE001  # the boundary around one connection: `close` has let go of it
            pass

    def _end_unserved(self) -> None:
        """Answer where a client waits for it, and end what could not be answered."""
        answered = False
        try:
            if self.state == READING and self.request is not None and not self.skipping:
                # The client waits for an answer to a request that has not come so far as an application.
                self.refuse(InternalError())
                answered = True
        finally:
            if not answered:
                # Also where the answer is what fails: a connection that is not closed here is never closed.
                self.fail()

    def break_off(self, head: ResponseHead) -> None:
        """The response ends in the middle: see that the client cannot take it for a whole one.

        A chunked or counted one is short by itself. One that ends with the connection needs a reset
        (RFC 9112 section 8).
        """
        if head.framing != UNTIL_CLOSE or self.state != RUNNING:
            return
        self.broken = True
        if self.delayed:
            # A reset takes what the kernel holds back, and that is the answer before this one.
            push(self.fd)
        reset_when_closed(self.fd)

    def abort(self) -> None:
        self.close()

    def abandon(self) -> None:
        """In a child that has inherited this connection: close the copy of the descriptor, without a word to anybody.

        An application that still runs there sees a client that has left.
        """
        if self.multiplexer is not None:
            self.multiplexer.abandon()
        fd, self.fd = self.fd, -1
        if self.state != CLOSED:
            close(fd)
        self.state = CLOSED
        self.broken = True
        self.response = None
        self.stream = self.driver = self.multiplexer = self.out = None
        self.begun = self.held = None

    def close(self) -> None:
        """Close now. A running request keeps its state, so that the gateway sees a broken connection."""
        if self.state == CLOSED:
            return
        multiplexer, self.multiplexer = self.multiplexer, None
        try:
            self.say_farewell()
            if self.out is not None:
                self.out.close()
            if self.body is not None:
                self.body.close()
        finally:
            # Whatever has failed: a descriptor that nobody looks after would never be closed.
            self.out = None
            self.body = None
            self.shared = None
            self.handed = None
            self.driver = None
            if self.state == RUNNING:
                self.engine.running -= 1
            self.state = CLOSED
            fd = self.fd
            self.fd = -1
            self.engine.forget(self, fd)
            close(fd)
            if multiplexer is not None:
                multiplexer.closed()
