"""Requests of HTTP/1 on a connection, one after the other: each is given to the gateway with its body, and when that is
done with it, the next one is waited for."""

from __future__ import annotations

from gunicorn.engine.buffers import BodyStore, BodyStream
from gunicorn.engine.parking import Parked
from gunicorn.http.request import Request
from gunicorn.http.target import elsewhere
from gunicorn.wire.protocol import DATA, REQUEST

from .http1_ending import FLUSHING, READING, RUNNING, Ending

# A body of which so much is still to come is read to its place without a copy.
DIRECT = 16384
# So much of a body that the application did not want is waited for and thrown away, to keep the connection.
SKIPPED = 65536
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

# In the compiled form this is a C integer, which other modules could not import by name.
globals().update(DIRECT=DIRECT)


class RequestSequence(Ending):
    """Serves the requests of one connection."""

    __slots__ = ()

    # A request comes.

    def take(self, event: int) -> None:
        """One event of the protocol. Raises `HTTPError` for a request that cannot be served."""
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
            self._take_content(self.protocol.data)
        else:
            self._end_body()

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

    def _take_content(self, data: bytes) -> None:
        """A piece of a body: for whoever reads it, for its store, or for nobody."""
        if self.stream is not None:
            self.stream.feed(data)
        elif self.body is not None:
            self.body.write(data)
        elif self.skipping:
            self.body_size += len(data)
            if self.body_size > SKIPPED:
                self.end()

    def _end_body(self) -> None:
        """A body is whole."""
        if self.stream is not None:
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

    def _dispatch(self, request: Request) -> None:
        engine = self.engine
        if request.upgrade is not None and self.opener.upgrades(self, request):
            return
        if engine.most_running and engine.running >= engine.most_running:
            engine.refuse_beyond(request)
        engine.running += 1
        self.state = RUNNING
        self.deadline = 0.0 if self.out is None else engine.send_deadline()
        self.number += 1
        self.active = True
        request.peer = self.peer
        request.started = engine.now
        engine.handler.handle(self, request)

    # The gateway is done with it.

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
            self.close_body()
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
            self._cannot_send()
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
        self._tell_of_room(sent)

    def _tell_of_room(self, sent: int) -> None:
        """Whoever has more to send may do so; `sent`: octets that the client has just taken."""
        if self.multiplexer is not None:
            if sent:
                self.multiplexer.writable()
        elif self.state == RUNNING and not self.must_wait():
            self.engine.handler.writable(self)

    def _cannot_send(self) -> None:
        """What is queued reaches nobody."""
        self.broken = True
        self.forget_queued()
        if self.state != RUNNING:
            self.close()
        else:
            self.engine.handler.writable(self)

    # Between two requests.

    def await_request(self) -> None:
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
        """Leave the connection where every worker finds it again; whether it is there. TLS stays here, whose state is
        in this process."""
        engine, protocol = self.engine, self.protocol
        if self._is_under_way() or engine.closing or self.is_secure():
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

    def _is_under_way(self) -> bool:
        """Whether anything has come that is not used yet, or is still to go out."""
        protocol = self.protocol
        return (
            self.body is not None or self.skipping or self.out is not None or self.delayed
            or protocol.awaits_proxy_header() or not protocol.is_idle()
        )

    def leave(self) -> bool:
        return self.state == READING and not self.waits_turn and not self.processing and self._park()

    def resume(self, parked: Parked) -> None:
        self.number = parked.number
        self.keep = parked.number > 0
        self.deadline = parked.deadline
        self.protocol.resume(parked.proxy_info)
