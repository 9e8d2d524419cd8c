"""One client's connection, from accept to close.

    READING    waiting for a request, or in the middle of one
    RUNNING    a complete request is with the gateway; with a body stream, its body still comes in
    FLUSHING   the gateway is done, the client has not taken everything yet
    LINGERING  our side is shut; what still comes is thrown away, so that no reset overtakes our last octets
    CLOSED
    MULTIPLEXED  a driver has it, with requests of its own: it is asked about all that the states above decide

Interest in the descriptor is edge-triggered: `readable` remembers that the kernel may have octets for us until a
read comes back short. While a request runs nothing is read, so a client that sends ahead fills its own window and not
our memory.

In a worker with threads the engine touches a connection only under its `guard`, and so does a thread that ends a
request.
"""

from __future__ import annotations

from gunicorn.engine._leaf import (
    HANGUP,
    READABLE,
    RECEIVE_SIZE,
    WRITABLE,
    close,
    peek,
    push,
    receive,
)
from gunicorn.engine.buffers import BodyStore, BodyStream
from gunicorn.engine.driver import Driver
from gunicorn.engine.exchange import ClientDisconnected, Exchange
from gunicorn.engine.listener import Listener
from gunicorn.engine.multiplexer import Multiplexer
from gunicorn.engine.opener import Opener
from gunicorn.engine.parking import Parked
from gunicorn.engine.settings import LAST_LINGER_SECONDS, LINGER_SECONDS
from gunicorn.engine.state import EngineState
from gunicorn.engine.transport import reset_when_closed, shutdown_sending
from gunicorn.errors import OwnSignal
from gunicorn.http.errors import (
    HTTPError,
    InternalError,
    InvalidRequestLine,
    Overloaded,
    RequestTimeout,
)
from gunicorn.http.request import Request
from gunicorn.http.response import UNTIL_CLOSE
from gunicorn.http.response_head import ResponseHead
from gunicorn.http.target import elsewhere
from gunicorn.unix.unpatched import select
from gunicorn.wire.protocol import DATA, NEED_DATA, REQUEST, Protocol

from .http1_answers import Answers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gunicorn._types import Peer

READING = 0
RUNNING = 1
FLUSHING = 2
LINGERING = 3
CLOSED = 4
MULTIPLEXED = 5

# In the compiled form these are C integers, which other modules could not import by name.
globals().update(
    READING=READING, RUNNING=RUNNING, FLUSHING=FLUSHING, LINGERING=LINGERING, CLOSED=CLOSED, MULTIPLEXED=MULTIPLEXED,
)

# After so many reads in a row others get their turn.
TURNS = 32
# A body of which so much is still to come is read to its place without a copy.
DIRECT = 16384
# So much of a body that the application did not want is waited for and thrown away, to keep the connection.
SKIPPED = 65536
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection(Answers):
    """A connection and the request on it. `engine` owns it; a gateway answers through it."""

    __slots__ = (
        "awaited", "body", "driver", "hangup", "keep", "multiplexer", "opener", "processing", "protocol", "readable",
        "skipping", "state", "__weakref__",
    )

    # What it may become, as whoever has made it knows.
    opener: Opener

    def begin(self, engine: EngineState, fd: int, peer: Peer, listener: Listener, protocol: Protocol) -> None:
        """What `__init__` would do: the opener makes the object by `__new__`, a plain allocation when compiled."""
        self.begin_exchange(engine, peer, listener)
        self.begin_transport(fd)
        # There the kernel holds nothing back.
        self.at_once = listener.is_unix
        self.begun = None
        self.held = None
        self.protocol = protocol
        self.state = READING
        self.readable = True
        self.hangup = False
        self.processing = False
        # Set while the thread that runs the request waits for octets itself: whatever comes is that thread's to read.
        self.awaited = False
        self.keep = False
        # Set while the octets are those of another protocol: it gets them, `protocol` none.
        self.driver: Driver | None = None
        # The same, where it has requests of its own.
        self.multiplexer: Multiplexer | None = None
        # Set while the rest of a body comes that the application did not want; its request is answered.
        self.skipping = False
        self.deadline = engine.deadline_of(engine.header_timeout)
        self.body: BodyStore | None = None

    # What the poller says.

    def on_event(self, flags: int) -> None:
        """The kernel says that something has changed."""
        if flags & HANGUP:
            self.hangup = True
            self.readable = True
        elif flags & READABLE:
            self.readable = True
        if flags & WRITABLE and self.out is not None:
            self.flush()
        if self.state == READING or self.stream is not None or self.driver is not None:
            self.process()
        elif self.state == LINGERING:
            self._discard()
        elif self.hangup and self.state == RUNNING:
            self.engine.handler.disconnected(self)

    def process(self) -> None:
        """Read and serve until the client must send more, or a request is running elsewhere."""
        # Where requests share the connection, one that waits for something reads on while others are being served.
        if (self.processing and self.multiplexer is None) or self.awaited:
            return
        self.processing = True
        turns = 0
        reading = False
        try:
            while self.state == READING or self.stream is not None or self.driver is not None:
                driver = self.driver
                if driver is not None:
                    if self.protocol.is_pending():
                        # What came behind the request that has led to it.
                        driver.receive(self.protocol.rest())
                    if self.driver is None or driver.full():
                        break
                else:
                    event = self.protocol.next_event()
                    if event != NEED_DATA:
                        self._take(event)
                        continue
                    if self.stream is not None and self.stream.full:
                        break
                if not self.readable:
                    self.engine.poller.arm_read(self.fd)
                    break
                if self.state == READING and self.out is not None:
                    # Our part of the handshake, or of TLS itself, comes first: `flush` looks again.
                    break
                turns += 1
                if turns > TURNS:
                    self.take_turn()
                    break
                reading = True
                if not self._read():
                    break
                reading = False
        except HTTPError as error:
            self._refuse_or_change(error)
        except (ClientDisconnected, OSError):
            if not reading and self.state == RUNNING:
                # Not the client's doing: something that a gateway runs in here has failed.
                raise
            self._fail()
        finally:
            self.processing = False
        if self.state == READING:
            self._await()
        elif self.stream is not None or self.driver is not None:
            self.watch()

    def _refuse_or_change(self, error: HTTPError) -> None:
        """What has come is no request of HTTP/1. The first octets may be those of another protocol."""
        if self.state == READING and not self.number and self.body is None:
            told: HTTPError | None = self.opener.serves_preface(self, error)
            if told is None:
                return
            error = told
        self.refuse(error)

    def go_on(self) -> None:
        if self.out is not None:
            self.flush()
        if self.state == LINGERING:
            self._discard()
        elif self.state != CLOSED:
            self.process()

    def _take_in(self, data: bytes) -> None:
        """Octets have come: they are HTTP/1's, or those of what the connection has become."""
        # Held here, since it may be let go of inside the call: the compiled form takes no reference of its own for a
        # call on an attribute.
        driver = self.driver
        if driver is None:
            self.protocol.receive(data)
            return
        try:
            driver.receive(data)
        except OSError as error:
            # Not the client's doing: around a read it would be taken for that, and nobody be told.
            raise RuntimeError("what the connection has become has failed") from error

    def _fail(self) -> None:
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
                self._fail()

    def pull(self) -> None:
        """Take in what has come of a streamed body, for a reader that asks before the poller tells."""
        turns = 0
        try:
            while self.stream is not None and turns < TURNS:
                event = self.protocol.next_event()
                if event != NEED_DATA:
                    self._take(event)
                    continue
                if self.stream.full or not self.readable:
                    return
                turns += 1
                if not self._read():
                    return
        except HTTPError as error:
            self.refuse(error)
        except (ClientDisconnected, OSError):
            self._fail()

    def _read(self) -> bool:
        """Move octets from the kernel to the protocol; whether there is something new to look at."""
        if self.body is not None and self.body.reserved is not None:
            wanted = self.protocol.wanted()
            if wanted >= DIRECT:
                return self._read_directly(self.body, wanted)
        data = receive(self.fd)
        if data is None:
            self.readable = False
            return True
        if not data:
            self._end_of_stream()
            return False
        # A short read means that the kernel has no more, unless it has an end of stream to tell.
        if len(data) < RECEIVE_SIZE:
            self.readable = self.hangup
        self._take_in(data)
        return True

    def _read_directly(self, body: BodyStore, wanted: int) -> bool:
        """Let the kernel put octets of a body of known length where the application will find them."""
        place = body.reserved
        if place is None:
            raise ValueError("no room was made for the body")
        count = place.receive(self.fd, wanted)
        if count < 0:
            self.readable = False
            return True
        if count == 0:
            self._end_of_stream()
            return False
        if count < wanted:
            self.readable = self.hangup
        body.size += count
        self.protocol.took(count)
        return True

    def _take(self, event: int) -> None:
        """One event of the protocol."""
        if event == REQUEST:
            request = self.protocol.request
            if request is None:
                raise ValueError("no request has come")
            self.request = request
            if self.listener.redirect:
                raise elsewhere(request, self.listener.redirect)
            if not request.content_length:
                self._dispatch(request)
            else:
                self._expect_body(request)
        elif event == DATA:
            if self.stream is not None:
                self.stream.feed(self.protocol.data)
            elif self.body is not None:
                self.body.write(self.protocol.data)
            elif self.skipping:
                self.body_size += len(self.protocol.data)
                if self.body_size > SKIPPED:
                    self.end()
        elif self.stream is not None:
            stream, self.stream = self.stream, None
            stream.end(False)
        elif self.skipping:
            self._next()
        else:
            request = self.request
            if request is None or self.body is None:
                raise ValueError("no request with a body has come")
            self.body_size = self.body.size
            request.body = self.body.open()
            self._dispatch(request)

    def _expect_body(self, request: Request) -> None:
        engine = self.engine
        if engine.streams(request):
            self.stream = request.body = BodyStream(engine.settings.body_buffer_size)
            self._dispatch(request)
            return
        self.body = BodyStore(engine.settings.body_buffer_size, engine.settings.upload_dir)
        if request.content_length >= DIRECT:
            self.body.reserve(request.content_length)
        if request.expect_continue:
            self.send_continue()

    def send_continue(self) -> None:
        """Tell a client that waits with its body to send it (RFC 9110 section 15.2.1)."""
        if self.request is not None and self.request.expect_continue:
            self.request.expect_continue = False
            if self.response is None or not self.response.headers_sent:
                # Within a response it would be content.
                self.write(CONTINUE)

    def _dispatch(self, request: Request) -> None:
        engine = self.engine
        if request.upgrade is not None and self.opener.upgrades(self, request):
            return
        if engine.most_running and engine.running >= engine.most_running:
            # A client that has its response may ask again before the thread that sent it has come to its end.
            running = engine.running - engine.handler.answered()
            if running >= engine.most_running and not engine.handler.answers(request):
                raise Overloaded(f"{running} requests are running")
        engine.running += 1
        self.state = RUNNING
        self.deadline = 0.0 if self.out is None else engine.send_deadline()
        self.number += 1
        self.active = True
        request.peer = self.peer
        request.started = engine.now
        engine.handler.handle(self, request)

    def _await(self) -> None:
        """Nothing to do until the client sends: see that the kernel tells us, and for how long we wait."""
        engine = self.engine
        if engine.share.parks(engine.now) and self._park():
            return
        self.watch()
        if self.body is not None or self.skipping:
            self.deadline = engine.deadline_of(engine.body_timeout)
        elif self.keep and not self.protocol.is_idle():
            # The first octets of a next request end the idle time and begin that of its head.
            self.keep = False
            self.deadline = engine.deadline_of(engine.header_timeout)

    def _park(self) -> bool:
        """Leave the connection where every worker finds it again; whether it is there. What is under way stays here,
        and so does TLS, whose state is in this process."""
        engine, protocol = self.engine, self.protocol
        if (
            self.body is not None or self.skipping or self.out is not None or self.delayed or engine.closing
            or self.is_secure()
            or protocol.awaits_proxy_header() or not protocol.is_idle()
        ):
            return False
        until = engine.share.parks_until()
        parked = Parked(self.deadline, until, self.listener.name, self.peer, self.number, protocol.proxy_info)
        if not engine.parking.park(self.fd, parked):
            return False
        if self.watched:
            # It goes on elsewhere: to close this descriptor does not take it out of the kernel's set.
            self.watched = False
            engine.poller.remove(self.fd)
        self.close()
        return True

    def leave(self) -> bool:
        return self.state == READING and not self.waits_turn and not self.processing and self._park()

    def resume(self, parked: Parked) -> None:
        self.number = parked.number
        self.keep = parked.number > 0
        self.deadline = parked.deadline
        self.protocol.resume(parked.proxy_info)

    def _end_of_stream(self) -> None:
        """The client has shut its side. What it has asked for was answered before; a part of a request is an error."""
        if self.state == MULTIPLEXED:
            if self.multiplexer is not None:
                # What the streams of this very turn have to say was gathered.
                self.multiplexer.send_delayed()
            self.close()
        elif self.stream is not None:
            self.give_up_body()
            self.engine.handler.disconnected(self)
        elif self.driver is not None:
            driver, self.driver = self.driver, None
            driver.ended()
        elif self.protocol.is_idle() and not self.protocol.has_unread_body():
            self.close()
        else:
            self.refuse(InvalidRequestLine("the connection ended within a request"))

    def give_up_body(self) -> None:
        """No more of a streamed body is waited for."""
        if self.stream is not None:
            stream, self.stream = self.stream, None
            stream.end(True)

    # Waiting for the client on this very thread.

    def wait_writable(self, pulse: Callable[[], object]) -> None:
        engine = self.engine
        waiter = select.poll()
        waiter.register(self.fd, select.POLLOUT)
        while self.must_wait():
            waiter.poll(1000 * engine.sweep_seconds)
            pulse()
            engine.tick()
            with engine.guard:
                self.flush()
                if self.deadline and self.deadline <= engine.now:
                    self.expire()

    def wait_readable(self, pulse: Callable[[], object]) -> None:
        with self.engine.guard:
            # What has come behind the head, or since the last look, needs no waiting.
            self.pull()
            stream = self.stream
            if stream is None or stream.pieces:
                return
            # From here on nobody else reads: what another thread took in would be waited for in the kernel in vain.
            self.awaited = True
        try:
            self._wait_for_body(pulse)
        finally:
            with self.engine.guard:
                self.awaited = False
                self.readable = True
                # Not `process`, which may be what has called the application.
                self.pull()

    def _wait_for_body(self, pulse: Callable[[], object]) -> None:
        engine = self.engine
        waiter = select.poll()
        waiter.register(self.fd, select.POLLIN)
        deadline = engine.deadline_of(engine.body_timeout)
        while not waiter.poll(1000 * engine.sweep_seconds) and self.stream is not None:
            pulse()
            engine.tick()
            if deadline and engine.now >= deadline:
                with engine.guard:
                    self.give_up_body()

    def disconnected(self) -> bool:
        """Whether the client has left. A client that has only shut its sending side counts as gone."""
        if self.broken or self.state == CLOSED:
            return True
        if self.protocol.is_pending() or self.stream is not None:
            return False
        return self._has_ended()

    def _has_ended(self) -> bool:
        """Whether the client has said that nothing more comes: nothing that it has sent may be lost by asking."""
        return peek(self.fd) < 0

    def is_running(self) -> bool:
        return self.state == RUNNING

    def is_lost(self) -> bool:
        return self.broken or self.state == CLOSED

    def is_over(self) -> bool:
        return self.state == CLOSED

    def watch_client(self) -> bool:
        if self.state == CLOSED:
            return False
        self.watch()
        return self.hangup and self.stream is None and self.driver is None

    def partial_request(self) -> Request | None:
        return self.protocol.partial()

    def await_body(self, waits: bool) -> None:
        # While something waits for the client, the limit is that on its taking it.
        if self.out is None:
            self.deadline = self.engine.deadline_of(self.engine.body_timeout) if waits else 0.0

    def become(self, driver: Driver) -> None:
        self.driver = driver

    # For a multiplexer.

    def send_delayed(self) -> None:
        if self.delayed:
            Answers.send_delayed(self)
        if self.multiplexer is not None:
            self.multiplexer.send_delayed()

    def multiplex(self, multiplexer: Multiplexer) -> None:
        """From now on this one has the connection: requests, answers, time limits and its end."""
        self.driver = self.multiplexer = multiplexer
        # It gathers what its streams have to send itself.
        self.at_once = True
        self.state = MULTIPLEXED
        self.keep = False
        self.deadline = self.engine.now

    def exchanges(self) -> list[Exchange]:
        if self.multiplexer is not None:
            return self.multiplexer.exchanges()
        return [self] if self.state == RUNNING else []

    def look(self) -> None:
        """Send what is queued and take in what has come, for somebody who waits for either."""
        self.flush()
        self.readable = True
        self.engine.attend(self)

    def give_body(self) -> BodyStore | None:
        """The body of its last request, which whoever asks closes."""
        body, self.body = self.body, None
        return body

    def part(self) -> None:
        """The multiplexer is done with it: end in good order, when all is sent."""
        self.driver = self.multiplexer = None
        self.state = FLUSHING
        self.deadline = self.engine.send_deadline()
        if self.out is None:
            self.end()

    def is_attended(self) -> bool:
        return self.processing

    def unread(self) -> bytes:
        return self.protocol.rest()

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

    def finish(self, keep: bool) -> None:
        """The gateway is done with the request; `keep`: the response allows another one."""
        if not self.engine.threaded:
            self._finish(keep)
            return
        with self.engine.guard:
            self._finish(keep)

    def conclude(self, keep: bool) -> bool:
        if self.processing:
            self.finish(keep)
            return False
        self.processing = True
        try:
            self.finish(keep)
        finally:
            self.processing = False
        if self.state != READING:
            return False
        self.watch()
        return True

    def _finish(self, keep: bool) -> None:
        if self.state != RUNNING:
            if self.engine.stray is not None:
                self.engine.stray()
            return
        if self.body is not None:
            self.body.close()
            self.body = None
        request = self.request
        self.request = None
        self.response = None
        self.begun = self.held = None
        self.driver = None
        if self.stream is not None:
            keep = keep and self._may_skip(request)
            # Whoever still holds it must not wait for more.
            self.give_up_body()
        self.keep = keep and request is not None and not self.broken
        if self.broken:
            self.close()
            return
        self.engine.running -= 1
        # Counted: should the connection be closed in here, it must not be counted as running once more.
        self.state = FLUSHING
        if self.out is None:
            self._next()

    def _may_skip(self, request: Request | None) -> bool:
        """Whether the rest of a body that the application did not want is thrown away, to keep the connection."""
        if request is None or self.hangup or self.protocol.outstanding() > SKIPPED:
            return False
        if request.expect_continue and not self.protocol.is_pending():
            # A client that waits for `100 Continue` may never send its body (RFC 9110 section 10.1.1).
            return False
        self.skipping = True
        self.body_size = 0
        return True

    def _next(self) -> None:
        """Everything is sent: wait for another request, or end."""
        if not self.keep:
            self.end()
            return
        engine = self.engine
        self.state = READING
        self.skipping = self.protocol.has_unread_body()
        if not self.skipping:
            self.protocol.next_request()
        self.deadline = engine.deadline_of(engine.body_timeout if self.skipping else engine.keepalive)
        if not self.processing:
            # What goes wrong from here on is no affair of whoever has just ended the request before.
            engine.attend(self)

    def flush(self) -> None:
        """Send what is queued as far as the client takes it."""
        out = self.out
        if out is None:
            return
        try:
            sent = out.flush(self.fd)
        except OSError:
            self.broken = True
            out.close()
            self.out = None
            if self.state != RUNNING:
                self.close()
            else:
                self.engine.handler.writable(self)
            return
        if self.state != READING:
            if not out.segments:
                self.deadline = 0.0
            elif sent:
                self.deadline = self.engine.send_deadline()
        if not out.segments:
            self.out = None
            if self.state == FLUSHING:
                self._next()
                return
        else:
            self.await_room(sent)
        if self.multiplexer is not None:
            if sent:
                self.multiplexer.writable()
        elif self.state == RUNNING and not self.must_wait():
            self.engine.handler.writable(self)

    # The end.

    def abort(self) -> None:
        self.close()

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
            self.give_up_body()
            return
        if self.body is not None:
            self.body.close()
            self.body = None
        try:
            self.answer(self.engine.handler.refused(self, error))
        except ClientDisconnected:
            self.close()
            return
        self.keep = False
        if self.out is not None:
            self.state = FLUSHING
            self.deadline = self.engine.send_deadline()
        else:
            self.end()

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
        self._discard()

    def _nothing_unread(self) -> bool:
        """Whether the client has sent all it is going to: it asked for the close and nothing is left over."""
        protocol = self.protocol
        request = protocol.request
        return (
            request is not None and request.close and not self.readable
            and not protocol.is_pending() and not protocol.has_unread_body()
        )

    def _discard(self) -> None:
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

    def expire(self) -> None:
        """The deadline has passed."""
        if self.state == READING and not self.protocol.is_idle():
            self.refuse(RequestTimeout("the request took too long to arrive"))
        elif self.state == RUNNING:
            self.broken = True
            self.deadline = 0.0
            if self.out is not None:
                self.out.close()
                self.out = None
            self.engine.handler.writable(self)
        elif self.multiplexer is not None:
            self.multiplexer.expire()
        else:
            self.close()

    def shorten(self, latest: float, lingers: float) -> None:
        if self.multiplexer is not None:
            self.multiplexer.shorten(latest)
        elif self.state == LINGERING:
            self.deadline = min(self.deadline, lingers)
        elif self.state == READING and (self.skipping or self.protocol.is_idle()):
            # While it skips, the answer is sent.
            self.deadline = min(self.deadline or latest, latest)

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
