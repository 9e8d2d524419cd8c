"""How a connection of HTTP/2 ends: with a farewell, for being slow or idle, or at once (RFC 9113 sections 5.4, 6.8)."""

from __future__ import annotations

from gunicorn.engine.exchange import Exchange
from gunicorn.wire.http2_frames import ENHANCE_YOUR_CALM, LARGEST_WINDOW, SETTINGS_TIMEOUT, ping_frame

from .http2_output import SharedOutput
from .http2_stream import StreamExchange

# A client has acknowledged our settings in this time, and answers the PING of a farewell in that.
SETTINGS_SECONDS = 10.0
FAREWELL_SECONDS = 1.0
FAREWELL = b"farewell"
# With `keepalive = 0` a client has its time all the same to send its first request.
SHORTEST_IDLE = 1.0
# Steps of a farewell (RFC 9113 section 6.8): nothing said; the client is to open no more streams; it knows.
STAYING = 0
LEAVING = 1
LAST = 2


class SessionEnding(SharedOutput):
    """What is known of a session's age, and of how it ends. `free`: exchanges that may serve another request."""

    __slots__ = (
        "began", "block_of", "block_since", "farewell_by", "free", "highest", "idle_since", "keepalive", "leave_by",
        "proxied", "step", "taken_at",
    )

    def begin_ending(self, keepalive: float) -> None:
        """This part of what `__init__` would do."""
        now = self.engine.now
        self.free: list[StreamExchange] = []
        # A trusted proxy is at the other end: it is told no farewell, which it would take for a failure.
        self.proxied = False
        self.keepalive = keepalive
        self.began = now
        self.idle_since = now
        # When the client last took something of what was queued, or nothing was.
        self.taken_at = now
        # The last stream of those seen when it was not idle; the stream whose head is half there, and since when.
        self.highest = 0
        self.block_of = 0
        self.block_since = 0.0
        self.step = STAYING
        self.farewell_by = 0.0
        self.leave_by = 0.0

    def exchanges(self) -> list[Exchange]:
        found: list[Exchange] = []
        for stream in self.protocol.streams.values():
            exchange: StreamExchange | None = stream.owner
            if exchange is not None and exchange.running:
                found.append(exchange)
        return found

    # A farewell.

    def pumped(self) -> None:
        if self.step == LAST and self.protocol.is_over():
            self._part()

    def leave(self, latest: float) -> None:
        """Have the client open no more streams, and end when the last one has; at once it is told of none that it has
        opened already. `latest`: when that must be known; 0.0: as usual."""
        now = self.engine.now
        by = min(latest or now + FAREWELL_SECONDS, now + FAREWELL_SECONDS)
        if self.step == STAYING and not self.proxied:
            self.step = LEAVING
            self.farewell_by = by
            self.protocol.goaway(LARGEST_WINDOW)
            self.protocol.out.append(ping_frame(FAREWELL, 0))
        elif self.step == LEAVING:
            self.farewell_by = min(self.farewell_by, by)

    def pong(self, octets: bytes) -> None:
        """The answer to a PING of ours."""
        if self.step == LEAVING and octets == FAREWELL:
            self._settle_farewell()

    def _settle_farewell(self) -> None:
        """Whatever the client opens from here on is not served."""
        self.step = LAST
        if self.proxied:
            self.protocol.refuse_further()
        else:
            self.protocol.goaway(self.protocol.highest)

    def shorten(self, latest: float) -> None:
        self.leave_by = latest
        self.leave(latest)
        self.pump()

    # The end.

    def end_failed(self) -> None:
        """The client has broken the rules of the connection: it was told so."""
        self.engine.handler.tell(self.connection.peer, "HTTP/2", f"connection ended: {self.protocol.fault}")
        self._part()

    def _part(self) -> None:
        if self.connection.multiplexer is self:
            self.connection.part()
            self.closed()

    def closed(self) -> None:
        for stream in list(self.protocol.streams.values()):
            exchange: StreamExchange | None = stream.owner
            if exchange is not None and not exchange.broken:
                exchange.lose()
        self.waiting.clear()
        self.free.clear()

    def abandon(self) -> None:
        for stream in self.protocol.streams.values():
            exchange: StreamExchange | None = stream.owner
            if exchange is not None:
                exchange.broken = True
                exchange.response = None

    # Time limits.

    def writable(self) -> None:
        self.taken_at = self.engine.now
        self.pump()

    def expire(self) -> None:
        """The engine looks at deadlines."""
        connection, now = self.connection, self.engine.now
        connection.deadline = now
        if connection.out is None:
            self.taken_at = now
        elif self.engine.send_timeout and now - self.taken_at >= self.engine.send_timeout:
            connection.close()
            return
        fault = self._overdue(now)
        if fault:
            self.protocol.fail(fault, "too slow")
            self.pump()
            self.end_failed()
            return
        self._expire_streams(now)
        self.protocol.tire()
        self.look_at_queues(now)
        if self.step == LEAVING and self.farewell_by <= now:
            self._settle_farewell()
        self._look_at_idle(now)
        self.pump()

    def _expire_streams(self, now: float) -> None:
        for stream in list(self.protocol.streams.values()):
            exchange: StreamExchange | None = stream.owner
            if exchange is not None and exchange.deadline and exchange.deadline <= now:
                exchange.expire()

    def _overdue(self, now: float) -> int:
        """The error of a client that is too slow in what concerns all streams; 0 of one that is not."""
        protocol, engine = self.protocol, self.engine
        limit = engine.header_timeout
        if not protocol.started:
            return SETTINGS_TIMEOUT if limit and now - self.began >= min(limit, SETTINGS_SECONDS) else 0
        if not protocol.acknowledged and now - self.began >= SETTINGS_SECONDS:
            return SETTINGS_TIMEOUT
        if protocol.open_block != self.block_of:
            self.block_of, self.block_since = protocol.open_block, now
        elif protocol.open_block and limit and now - self.block_since >= limit:
            return ENHANCE_YOUR_CALM
        return 0

    def _look_at_idle(self, now: float) -> None:
        protocol = self.protocol
        if self.proxied and self.leave_by and now >= self.leave_by + FAREWELL_SECONDS and self.step != LAST:
            # A proxy that always asks for something is never idle: what it asks for from now on it asks another worker.
            self._settle_farewell()
        if protocol.streams or self.waiting or self.highest != protocol.highest:
            self.highest = protocol.highest
            self.idle_since = now
            return
        self.free.clear()
        idle = now - self.idle_since >= max(self.keepalive, SHORTEST_IDLE)
        if self.step != LAST and (idle or (self.leave_by and now >= self.leave_by)):
            self._settle_farewell()
