"""A response on its way to the client: its head, its framing, and the content as the framing says."""

from __future__ import annotations

from gunicorn.engine._leaf import is_leaving
from gunicorn.engine.exchange import Exchange
from gunicorn.http.errors import InvalidResponseHeader
from gunicorn.http.request import Request
from gunicorn.http.response import (
    CHUNKED,
    CONNECTION,
    CONTENT_LENGTH,
    DATE,
    LENGTH,
    NO_BODY,
    ORDINARY,
    SERVER,
    UPGRADE,
    FieldLine,
    plain_text,
)
from gunicorn.http.response_head import ResponseHead

from .state import GatewayState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Response(ResponseHead):
    """One response. Hooks and the access log read `status`, `status_code`, `headers`, `sent` and `headers_sent`."""

    __slots__ = (
        "complete", "exchange", "gateway", "has_date", "has_server", "headers", "headers_sent", "logged", "sent",
        "silent_since", "status", "__dict__",
    )

    def __init__(self, gateway: GatewayState, exchange: Exchange, request: Request, close: bool) -> None:
        self.begin(gateway, exchange, request, close)

    def begin(self, gateway: GatewayState, exchange: Exchange, request: Request, close: bool) -> None:
        """What `__init__` does; the gateway calls it alone, on an object made by `__new__`."""
        self.begin_head(request, close)
        self.gateway = gateway
        self.exchange = exchange
        self.status: Any = None
        self.headers: Any = None
        self.headers_sent = False
        # The access log has its line although it has not ended.
        self.logged = False
        # Nothing more of the content can be sent.
        self.complete = False
        self.sent = 0
        # When the application began to give empty pieces; 0 while it gives others.
        self.silent_since = 0.0
        self.has_date = False
        self.has_server = False

    @property
    def status_code(self) -> int:
        """The status as a number; 0 before start_response."""
        return int(self.status[:3]) if self.status else 0

    @property
    def chunked(self) -> bool:
        """Whether the content goes in chunks."""
        return self.framing == CHUNKED

    @property
    def must_close(self) -> bool:
        """Whether the connection ends with this response."""
        return self.close

    @property
    def whole(self) -> bool:
        """Whether the client has all that it waits for; this turns true before its last octets go, never after."""
        framing = self.framing
        if framing == LENGTH:
            return self.headers_sent and self.sent >= self.response_length
        return self.complete or (framing == NO_BODY and self.headers_sent)

    @property
    def req(self) -> Request:
        """The request, under the name hooks know."""
        return self.request

    def force_close(self) -> None:
        """Close the connection after this response."""
        self.close = True

    def should_close(self) -> bool:
        """Whether the connection ends with this response."""
        return self.close

    def _start(self, status: Any, headers: Any) -> None:
        gateway = self.gateway
        known = gateway.field_lines.lines
        fields: list[FieldLine] = []
        self.fields = fields
        for pair in headers:
            try:
                line = known.get(pair)
            except TypeError:
                line, pair = None, tuple(pair)
            field = gateway.field_lines.learn(pair) if line is None else line
            if field.kind == ORDINARY:
                fields.append(field)
            elif field.kind == CONTENT_LENGTH:
                if self.response_length >= 0 and self.response_length != field.length:
                    raise InvalidResponseHeader("Content-Length")
                self.response_length = field.length
                self.length_line = field.line
            else:
                self._special(field)
        self.prefix = gateway.prefixes.of(status, gateway.engine.now)
        self.status = status if type(status) is str else plain_text(status)
        self.headers = headers

    def _restart(self) -> None:
        self.response_length = -1
        self.length_line = None
        self.has_date = self.has_server = self.upgrade = False

    def _special(self, line: FieldLine) -> None:
        """Fields that the server has a say in."""
        kind = line.kind
        if kind == DATE:
            self.has_date = True
            self.fields.append(line)
        elif kind == SERVER:
            self.has_server = True
            self.fields.append(line)
        elif kind == CONNECTION:
            words = line.value.lower()
            if "close" in words:
                self.close = True
            elif "upgrade" in words:
                self.upgrade = True
        elif kind == UPGRADE:
            self.fields.append(line)

    def _begin(self, length: int) -> None:
        """The response begins, with content of `length` octets (-1: not known)."""
        if self.prefix is None:
            raise AssertionError("the application sent content before it called start_response")
        exchange = self.exchange
        if exchange.engine.closing or is_leaving():
            # Asked now, not when the request came: the worker may have been told to leave meanwhile.
            self.close = True
        if self.response_length < 0:
            self.response_length = length
        if self.has_date or self.has_server:
            self.prefix = self.gateway.prefixes.partial(self.status, not self.has_server, not self.has_date)
        if self.gateway.request_ids is not None:
            self._name_request()
        exchange.start(self)
        self.headers_sent = True

    def _name_request(self) -> None:
        """The client is told the id of its request, unless the application does so."""
        ids = self.gateway.request_ids
        given = self.request.request_id
        if ids is not None and given is not None and not ids.is_in(self.fields):
            self.fields.append(ids.line(given))

    def _send(self, data: bytes, last: bool) -> None:
        """A part of the content; `last`: there is no more."""
        exchange = self.exchange
        excess = False
        if self.framing == NO_BODY:
            self.complete = True
        else:
            if self.framing == LENGTH:
                room = self.response_length - self.sent
                if len(data) > room:
                    # What exceeds the promised length would be read as the next response.
                    data = data[:room]
                    excess = True
            self.sent += len(data)
        exchange.send(self, data, last)
        if excess:
            self.complete = True
        if exchange.must_wait():
            self.gateway.wait_writable(exchange)

    def early_hints(self, headers: Any) -> None:
        """A 103 response with these fields, now (RFC 8297)."""
        # A client of HTTP/1.0 knows no interim responses (RFC 9110 section 15.2).
        if not self.headers_sent and self.request.version != (1, 0):
            self.exchange.inform(103, [self.gateway.field_lines.learn(tuple(pair)) for pair in headers])


def count_whole(connections: Any) -> int:
    """How many of these connections have a response that is `whole`. Under the engine's guard: requests end there."""
    responses = [exchange.response for exchange in set(connections)]
    return sum(response is not None and response.whole for response in responses)


def status_number(status: object) -> int:
    """The number in a status as applications say it; 0 where there is none."""
    return int(status[:3]) if isinstance(status, str) and status[:3].isascii() and status[:3].isdigit() else 0
