"""HTTP requests (the ASGI specification, "HTTP & WebSocket ASGI Message Format", part HTTP)."""

from __future__ import annotations

import os
import stat

from gunicorn.engine._leaf import monotonic
from gunicorn.engine.buffers import BodyStream
from gunicorn.engine.exchange import ClientDisconnected
from gunicorn.http.errors import HTTPError
from gunicorn.http.response import LENGTH, NO_BODY, ORDINARY, FieldLine

from .cycle import Cycle
from .gateway_state import ASGIGatewayState
from .messages import Disconnected, Misuse, kind_of, octets_of, status_of, unexpected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gunicorn._types import Message

# What the application may send next.
START = 0
CONTENT = 1
TRAILERS = 2
EXPECTED = {START: "http.response.start", CONTENT: "http.response.body", TRAILERS: "http.response.trailers"}

# An event stream may go on for so long after the last call.
DEAF_SECONDS = 0.5
# A file that the kernel cannot send is read in such parts, and one whose size is not known up to so much.
READ_AT_ONCE = 65536
MOST_READ = 1 << 20


def read_all(fd: int) -> bytes:
    """The content of a file that tells no size. Raises `Misuse` when it is longer than MOST_READ, or for ever."""
    parts = []
    size = 0
    while data := os.read(fd, READ_AT_ONCE):
        parts.append(data)
        size += len(data)
        if size > MOST_READ:
            raise Misuse(f"http.response.pathsend: a file without a size, of more than {MOST_READ} bytes")
    return b"".join(parts)


class HTTPCycle(Cycle):
    """A request, read by `receive`, and its response, made by `send`."""

    __slots__ = ("body_done", "expects", "last_call", "stream", "trailers")

    def open(self, owner: ASGIGatewayState) -> None:
        Cycle.open(self, owner)
        self.stream: BodyStream | None = self.request.body
        self.body_done = False
        self.last_call = 0.0
        self.expects = START
        # Trailer fields; None when the response has none.
        self.trailers: list[FieldLine] | None = None
        if self.stream is not None:
            cycle: Any = self
            self.stream.on_change = cycle.notice

    def make_scope(self) -> dict[str, Any]:
        return self.owner.scopes.build(self.exchange, self.request)

    # Towards the application.

    def next_message(self) -> Any:
        if not (self.concluded or self.gone or self.body_done):
            part = self.next_part()
            if part is not None:
                return part
        if not (self.concluded or self.gone):
            if not (self.body_done and self.dismissed):
                return None
            # The client is still there: whoever wants to may say how it ends.
            self.expect_end()
        return ({"type": "http.disconnect"},)

    def next_part(self) -> tuple[Message] | None:
        """The message with what has come of the body; None: nothing yet, or nothing any more, since the client is
        lost."""
        stream = self.stream
        if stream is None:
            self.body_done = True
            return ({"type": "http.request", "body": b"", "more_body": False},)
        if not stream.complete and not stream.failed:
            self.ask_for_body()
        if stream.size or stream.complete:
            self.exchange.await_body(False)
            self.body_done = stream.complete
            return ({"type": "http.request", "body": stream.take(), "more_body": not stream.complete},)
        if stream.failed:
            self.lost()
        elif not self.gone:
            self.exchange.await_body(True)
        return None

    def is_open_ended(self) -> bool:
        """Whether a response has begun, and nobody knows how long it will be."""
        return self.expects != START and self.response_length < 0 and not self.concluded

    def is_event_stream(self) -> bool:
        """Whether the response says of itself that it is one of server-sent events."""
        headers = self.headers
        return isinstance(headers, list | tuple) and any(
            bytes(name).lower() == b"content-type" and bytes(value).lower().startswith(b"text/event-stream")
            for name, value in headers
        )

    def dismiss(self, is_last_call: bool) -> None:
        """The worker stops: `receive` says `http.disconnect` from now on, when the body of the request has come."""
        if is_last_call and not self.last_call:
            self.last_call = monotonic()
        if not self.dismissed:
            self.dismissed = True
            self.notice()

    def is_deaf(self) -> bool:
        """Whether this is an event stream that goes on after the last call: `send` tells it then, as it does when a
        client has left. Starlette's `StreamingResponse` listens to nothing else."""
        return monotonic() - self.last_call > DEAF_SECONDS and self.is_event_stream()

    def ask_for_body(self) -> None:
        """Read what has come; a client that waits to be asked is asked."""
        exchange = self.exchange
        if self.request.expect_continue and not self.headers_sent:
            try:
                exchange.send_continue()
            except ClientDisconnected:
                self.lost()
                return
        exchange.pull()

    # From the application.

    def take(self, message: dict[str, Any]) -> None:
        kind = kind_of(message)
        if self.concluded:
            self.take_late(kind, message)
        elif kind == "http.response.body":
            self.take_content(message)
        elif kind == "http.response.start":
            self.take_start(message)
        else:
            self.take_other(kind, message)

    def untimely(self, kind: str) -> Misuse:
        """The error of a message whose time is not now."""
        return unexpected(kind, EXPECTED[self.expects])

    def take_start(self, message: Message) -> None:
        """Status and headers of the response."""
        if self.expects != START:
            raise self.untimely("http.response.start")
        self.begin_response(message, status_of(message))
        if message.get("trailers"):
            self.trailers = []
            self.announce_trailers(message.get("headers", ()))
        self.expects = CONTENT

    def take_content(self, message: Message) -> None:
        """A piece of the content."""
        if self.expects != CONTENT:
            raise self.untimely("http.response.body")
        body = message.get("body", b"")
        if type(body) is not bytes:
            body = octets_of(message, "body")
        more = bool(message.get("more_body", False))
        if self.last_call and more and self.is_deaf():
            raise Disconnected("the worker stops")
        self.content(body, more or self.trailers is not None)
        if not more:
            self.content_complete()
        elif self.framing == NO_BODY:
            # The client has all that it gets, and may ask for something else.
            self.silent_since = monotonic()
            self.conclude()

    def take_late(self, kind: str, message: Message) -> None:
        """The response is over. Raises `Misuse`, `Disconnected`."""
        if self.gone:
            raise Disconnected("the client has left")
        if not self.silent_since:
            raise Misuse(f"unexpected message {kind!r}: the response is complete")
        self.discard(kind, message)

    def discard(self, kind: str, message: Message) -> None:
        """More of the content that the answer to HEAD, a 204, 205 or 304 does not have. It is thrown away for as long
        as an application has that is told of a client's leaving; one that goes on, it may be for ever, is told so.

        Raises `Misuse`, `Disconnected`.
        """
        if kind != EXPECTED[self.expects]:
            raise Misuse(f"unexpected message {kind!r}: the response is complete")
        if monotonic() - self.silent_since > self.owner.grace_seconds:
            self.gone = True
            raise Disconnected("the client has the whole response, which has no content")
        if message.get("more_body" if self.expects == CONTENT else "more_trailers"):
            return
        if self.expects == CONTENT and self.trailers is not None:
            self.expects = TRAILERS
        else:
            self.silent_since = 0.0

    def detach(self) -> None:
        if self.stream is not None:
            self.stream.on_change = None

    def count(self) -> None:
        board = self.owner.board
        if board is not None:
            board.end(self.request.method, self.outcome(), self.started, monotonic(), self.sent)

    def body_is_wrong(self, error: HTTPError) -> None:
        """The body breaks the rules of its framing: say so, unless something was said already."""
        if self.concluded:
            return
        self.gone = True
        if self.headers_sent:
            self.give_up()
        else:
            self.refuse(error)
        if self.task is not None:
            self.expect_end()

    def take_other(self, kind: str, message: dict[str, Any]) -> None:
        """The messages of extensions."""
        if kind == "http.response.early_hint":
            if self.expects != START:
                raise self.untimely(kind)
            self.hint(message.get("links", ()))
        elif kind == "http.response.pathsend":
            if self.expects != CONTENT or self.headers_sent:
                raise self.untimely(kind)
            self.send_path(message.get("path"))
        elif kind == "http.response.trailers":
            if self.expects != TRAILERS:
                raise self.untimely(kind)
            self.take_trailers(message)
        else:
            raise Misuse(f"unknown message {kind!r}")

    def hint(self, links: Any) -> None:
        """A 103 response (RFC 8297). Raises `Misuse`."""
        try:
            self.early_hints([(b"Link", bytes(link)) for link in links])
        except (HTTPError, TypeError) as error:
            raise Misuse(f"'links' of a http.response.early_hint message: {error}") from None

    def content_complete(self) -> None:
        """The application has sent all of the content."""
        if self.trailers is None:
            self.conclude()
        else:
            self.expects = TRAILERS

    def send_path(self, path: Any) -> None:
        """A whole file as the content, sent by the kernel."""
        if not isinstance(path, str):
            raise Misuse("'path' of a http.response.pathsend message must be a str")
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            # Not as it is: frameworks take an OSError of `send` for a client that has left.
            raise Misuse(f"http.response.pathsend: {error}") from error
        try:
            facts = os.fstat(fd)
            if not stat.S_ISREG(facts.st_mode):
                raise Misuse(f"http.response.pathsend: {path!r} is not a regular file")
            if facts.st_blocks or facts.st_size > MOST_READ:
                self.send_file(fd, facts.st_size)
            else:
                # Files of /proc and /sys have no blocks: their octets are made when they are read, their size is none.
                self.content(read_all(fd), False)
        finally:
            os.close(fd)
        self.content_complete()

    def send_file(self, fd: int, size: int) -> None:
        """A regular file of this size as the content. Raises `ClientDisconnected`, `Misuse`."""
        exchange = self.exchange
        self._begin(size)
        if self.framing == NO_BODY:
            exchange.push()
            return
        count = min(size, self.response_length) if self.framing == LENGTH else size
        taken = exchange.send_file(fd, 0, count)
        if taken < 0:
            taken = 0
            while taken < count and (data := os.pread(fd, min(count - taken, READ_AT_ONCE), taken)):
                exchange.send(self, data, False)
                taken += len(data)
        self.sent += taken
        if taken < count or count < self.response_length:
            raise Misuse(f"a file of {taken} bytes, less than the Content-Length of {self.response_length}")

    def sends_trailers(self) -> bool:
        """Whether the client has asked for trailer fields."""
        return "trailers" in (self.request.header("TE") or "").lower()

    def announce_trailers(self, headers: Any) -> None:
        """Keep the `Trailer` fields of a response that will have trailers (RFC 9110 section 6.6.2)."""
        if not self.sends_trailers() or not self.exchange.takes_trailers(self):
            return
        for name, value in headers:
            field = self.gateway.field_lines.learn((name, value))
            if field.line.lower().startswith(b"trailer:"):
                self.fields.append(field)

    def take_trailers(self, message: Any) -> None:
        """Trailer fields (RFC 9110 section 6.5): sent when the framing has a place for them and the client asked."""
        self.must_be_made()
        fields = self.trailers
        if fields is None:
            raise Misuse("trailers were not announced")
        for pair in message.get("headers", ()):
            fields.append(self.trailer(tuple(pair)))
        if message.get("more_trailers"):
            return
        if self.framing == LENGTH and self.sent < self.response_length:
            raise Misuse(f"content of {self.sent} bytes, less than the Content-Length of {self.response_length}")
        self.exchange.send_trailers(self, fields if self.sends_trailers() else [])
        self.conclude()

    def trailer(self, pair: Any) -> FieldLine:
        """A checked trailer field. Raises `Misuse`."""
        try:
            field = self.gateway.field_lines.learn(pair)
        except HTTPError as error:
            raise Misuse(f"'headers' of a http.response.trailers message: {error}") from None
        if field.kind != ORDINARY:
            # RFC 9110 section 6.5.1: what frames or routes a message is no trailer.
            raise Misuse(f"'headers' of a http.response.trailers message: {pair[0]!r} cannot be a trailer")
        return field

    def ends_in_order(self) -> bool:
        # An event stream ends wherever it is told to: its client comes back to the next worker.
        if not self.dismissed or self.gone or self.expects != CONTENT or not self.is_event_stream():
            return False
        try:
            self.content(b"", False)
        except ClientDisconnected:
            return False
        self.conclude()
        return True

    def unanswered(self) -> None:
        log = self.owner.log
        if self.gone or self.exchange.broken:
            log.debug("The client left before its response was complete: %s", self.request.uri)
        elif self.dismissed:
            log.debug("The worker stops before a response was complete: %s", self.request.uri)
            if self.ends_in_order():
                return
        elif self.expects == START:
            log.error("ASGI: %s: the application ended without a response", self.request.uri)
        else:
            log.error("ASGI: %s: the application ended before its response was complete", self.request.uri)
        self.give_up()
