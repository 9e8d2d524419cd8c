"""A connection of HTTP/2: its streams run side by side, share its windows, and end with it (RFC 9113).

    octets -> protocol -> `Requests` -> `ready` -> the handler, a stream at a time
    a stream's answer -> frames in the protocol -> `pump` -> the connection

    MultiplexedConnection    what streams ask of it
    SharedOutput             what is sent
    SessionEnding            how it ends
    Session                  here

No application is called while the protocol looks at octets: those that may be served wait in `ready` until it has. What
an application does in its turn may bring further octets here (it waits for a window, or for its body); their requests
wait until that turn is over where the worker runs one at a time, and are given to others at once where it can.
"""

from __future__ import annotations

from gunicorn.engine._leaf import is_leaving
from gunicorn.engine.state import EngineState
from gunicorn.http.errors import HTTPError, Misdirected, Overloaded, RequestTimeout
from gunicorn.http.request import Request
from gunicorn.http.target import elsewhere
from gunicorn.wire.hpack import Static
from gunicorn.wire.http2 import HTTP2
from gunicorn.wire.http2_frames import HTTP2Settings
from gunicorn.wire.http2_streams import Recipient, Stream
from gunicorn.wire.priority import LONGEST, Priority, parse_priority

from .http1 import Connection
from .http2_answers import StreamAnswers
from .http2_ending import SessionEnding
from .http2_output import place_among
from .http2_stream import StreamExchange

# Fields by which a proxy tells of itself.
_OF_PROXIES = frozenset({"X-FORWARDED-FOR", "X-FORWARDED-PROTO", "X-FORWARDED-HOST", "X-REAL-IP", "FORWARDED", "VIA"})

# Priorities of streams that are not open yet, as many as are remembered.
EARLY = 100

# Pieces of frames, four of an answer, that are worth waiting for others: who has asked for one thing waits for that.
MANY = 16


class Session(SessionEnding):
    """The streams of one connection, and what they share."""

    __slots__ = ("dispatching", "keeps_apart", "later", "ready", "requests", "soon")

    def __init__(
        self, connection: Connection, static: Static, trusted: bool, settings: HTTP2Settings, keepalive: float
    ) -> None:
        engine: EngineState = connection.engine
        self.connection = connection
        self.engine = engine
        self.requests = Requests(self)
        self.protocol = HTTP2(static, trusted, settings, self.requests)
        # Where clients show certificates, a name may stand for another rule: see `is_misdirected`.
        terminator = connection.listener.terminator
        self.keeps_apart = terminator is not None and bool(terminator.options.cert_reqs)
        self.inside = False
        self.size = 0
        self.bodies = 0
        self.spilled = None
        self.moved = 0
        self.moved_at = 0.0
        # The protocol looks at octets; those that came meanwhile.
        self.receiving = False
        self.later: list[bytes] = []
        # Streams whose requests may be served, the most urgent first; and whether one is being given away.
        self.ready: list[StreamAnswers] = []
        self.dispatching = False
        # Streams that have become something else, and were sent something before.
        self.soon: list[StreamAnswers] = []
        self.waiting = []
        self.begin_ending(keepalive)

    # What comes.

    def receive(self, data: bytes) -> None:
        if self.receiving:
            # A logger of the user's has let others run: they may bring octets, in their order.
            self.later.append(data)
            return
        nested, self.inside = self.inside, True
        try:
            self._take_in(data)
            self._serve_ready()
            while self.soon:
                self.soon.pop().go_on()
        finally:
            self.inside = nested
        protocol = self.protocol
        # Only where nothing that runs in a turn is waited for: this is kept here, and not in the kernel.
        many = self.engine.stream_bodies and len(protocol.out) >= MANY and not protocol.failed
        if many and self.engine.delay(self.connection):
            return
        self.pump()
        if protocol.failed:
            self.end_failed()

    def send_delayed(self) -> None:
        self.pump()

    def _take_in(self, data: bytes) -> None:
        self.receiving = True
        try:
            self.protocol.receive(data, self.engine.now)
            while self.later:
                self.protocol.receive(self.later.pop(0), self.engine.now)
        finally:
            self.receiving = False

    def look(self) -> None:
        if self.receiving:
            return
        engine = self.engine
        running = engine.running
        self.connection.look()
        self.pump()
        if engine.threaded and engine.running > running:
            # Threads that wait for a request must hear of it.
            engine.wake()

    # Requests.

    def open(self, state: Stream, request: Request) -> StreamExchange:
        """An exchange for a request that has come."""
        if self.free:
            exchange = self.free.pop()
        else:
            exchange = StreamExchange.__new__(StreamExchange)
            exchange.begin(self)
        request.proxy_info = self.connection.protocol.proxy_info
        exchange.open(state, request)
        if state.identifier == 1 and request.forwarder_trusted:
            self.proxied = tells_of_a_proxy(request)
        return exchange

    def is_misdirected(self, request: Request) -> bool:
        """Whether a client has taken this connection, which it has for one host, for another one."""
        if not self.keeps_apart:
            return False
        terminator = self.connection.listener.terminator
        name = self.connection.facts().server_name
        host = (request.host or "").rpartition(":")[0] or request.host or ""
        return bool(terminator.keeps_apart(name, host))

    def is_ready(self, exchange: StreamAnswers) -> None:
        """A request may be served: behind those that are as urgent."""
        ready = self.ready
        request = exchange.request
        if request is not None and request.priority is not None:
            priority = parse_priority(request.priority)
            exchange.urgency, exchange.incremental = priority.urgency, priority.incremental
        if ready:
            ready.insert(place_among(ready, exchange.urgency), exchange)
        else:
            ready.append(exchange)

    def _serve_ready(self) -> None:
        if self.dispatching:
            return
        self.dispatching = True
        try:
            while self.ready:
                # By way of the engine: what goes wrong with one ends that one.
                exchange = self.ready[0]
                # What `pop` does, without a call of it by its name in the compiled form.
                del self.ready[0]
                self.engine.attend(exchange)
        finally:
            self.dispatching = False

    def serve(self, exchange: StreamAnswers) -> None:
        engine, request = self.engine, exchange.request
        if request is None:
            # Its client has reset it before its turn came.
            return
        if engine.most_running and engine.running >= engine.most_running:
            try:
                engine.refuse_beyond(request)
            except Overloaded as error:
                exchange.refuse(error)
                return
        engine.running += 1
        exchange.running = True
        self.connection.active = True
        engine.handler.handle(exchange, request)
        if self.protocol.out and not engine.share.is_quick(engine.now):
            # Nobody waits for the next one's answer to get this one's.
            self.pump()

    def complain(self, request: Request, error: HTTPError) -> None:
        """Have the log tell of a request that is none."""
        exchange = StreamExchange.__new__(StreamExchange)
        exchange.begin(self)
        exchange.request = request
        self.engine.handler.refused(exchange, error)

    def adopt(self, request: Request) -> None:
        """Serve a request that has come by HTTP/1, and asks for its answer here."""
        connection = self.connection
        exchange = self.open(self.protocol.adopt(), request)
        exchange.body, exchange.body_size = connection.give_body(), connection.body_size
        self.bodies += exchange.body is not None
        self.is_ready(exchange)

    def attend_soon(self, exchange: StreamAnswers) -> None:
        self.soon.append(exchange)

    # The end of streams.

    def lost(self, exchange: StreamAnswers) -> None:
        """The protocol has ended a stream in the middle."""
        exchange.lose()
        if not exchange.running:
            self._release(exchange)

    def reset(self, exchange: StreamAnswers, code: int) -> None:
        if not exchange.broken or exchange.state.sending:
            self.protocol.reset(exchange.state, code)
            self.lost(exchange)
            self.gathered(True)

    def time_is_up(self, exchange: StreamAnswers) -> None:
        exchange.refuse(RequestTimeout("the request took too long to arrive"))

    def finished(self, exchange: StreamAnswers, keep: bool) -> None:
        self._release(exchange)
        engine = self.engine
        if not keep and (engine.closing or is_leaving() or engine.share.is_slow(engine.now)):
            self.leave(0.0)
        self.gathered(True)

    def _release(self, exchange: StreamAnswers) -> None:
        """Nobody works for the stream any more: another one may have its place, and its exchange another request."""
        self.protocol.release(exchange.state)
        if exchange.out is None and not exchange.broken:
            self._recycle(exchange)

    def _recycle(self, exchange: StreamAnswers) -> None:
        owner: StreamExchange | None = exchange.state.owner
        if owner is None:
            # What was queued has gone within the call that ends it.
            return
        exchange.state.owner = None
        if len(self.free) < self.protocol.most_streams:
            self.free.append(owner)

    # What goes.

    def drained(self, exchange: StreamAnswers) -> None:
        self._recycle(exchange)

    def prioritize(self, exchange: StreamAnswers, priority: Priority) -> None:
        """The client has said how urgent a stream is."""
        exchange.urgency, exchange.incremental = priority.urgency, priority.incremental
        if exchange in self.waiting:
            self.waiting.remove(exchange)
            self.wait_for(exchange)
        elif exchange in self.ready:
            self.ready.remove(exchange)
            self.is_ready(exchange)


class Requests(Recipient):
    """The recipient of one session's protocol. No application is called in here: what may be served is put into
    `session.ready`."""

    __slots__ = ("early", "session")

    def __init__(self, session: Session) -> None:
        self.session = session
        self.early: dict[int, bytes] = {}

    def head(self, stream: Stream, request: Request) -> None:
        session = self.session
        exchange = session.open(stream, request)
        if self.early:
            value = self.early.pop(stream.identifier, None)
            if value is not None:
                request.priority = value.decode("latin-1")
        redirect = exchange.listener.redirect
        if redirect:
            exchange.refuse(elsewhere(request, redirect))
        elif session.is_misdirected(request):
            exchange.refuse(Misdirected(request.host))
        elif request.upgrade is not None:
            exchange.expect_driver()
            session.is_ready(exchange)
        elif not stream.receiving or exchange.expect_body(request):
            session.is_ready(exchange)

    def refused(self, stream: Stream, request: Request, error: HTTPError) -> None:
        exchange = self.session.open(stream, request)
        exchange.refuse(error)

    def malformed(self, request: Request, error: HTTPError) -> None:
        self.session.complain(request, error)

    def content(self, stream: Stream, data: bytes) -> None:
        exchange: StreamExchange | None = stream.owner
        if exchange is None:
            self.session.protocol.consumed(stream, len(data))
            return
        try:
            exchange.feed(data)
        except HTTPError as error:
            exchange.refuse(error)

    def end(self, stream: Stream, trailers: list[tuple[str, str]] | None) -> None:
        exchange: StreamExchange | None = stream.owner
        if exchange is None:
            return
        try:
            if exchange.end_body(trailers):
                self.session.is_ready(exchange)
        except HTTPError as error:
            exchange.refuse(error)

    def reset(self, stream: Stream, code: int) -> None:
        exchange: StreamExchange | None = stream.owner
        if exchange is not None:
            self.session.lost(exchange)

    def writable(self, stream: Stream | None) -> None:
        """What waits is sent when all octets of now were looked at."""

    def prioritize(self, identifier: int, value: bytes) -> None:
        session = self.session
        stream: Stream | None = session.protocol.streams.get(identifier)
        if stream is None:
            if identifier > session.protocol.highest and len(self.early) < EARLY and len(value) <= LONGEST:
                self.early[identifier] = value
            return
        exchange: StreamExchange | None = stream.owner
        if exchange is not None:
            session.prioritize(exchange, parse_priority(value.decode("latin-1")))

    def pong(self, octets: bytes) -> None:
        self.session.pong(octets)


def tells_of_a_proxy(request: Request) -> bool:
    """Whether a request has a field by which proxies tell of themselves, or of their clients."""
    return any(field.name in _OF_PROXIES for field, _ in request.fields)
