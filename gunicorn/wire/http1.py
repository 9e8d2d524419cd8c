"""The receiving side of an HTTP/1 connection (RFC 9112): a `Protocol`, and pipelining is what stays in its buffer
(section 9.3.2)."""

from __future__ import annotations

from gunicorn.http.errors import ForbiddenProxyRequest, MissingProxyHeader
from gunicorn.http.fields import FieldTable
from gunicorn.http.request import Request

from .http1_body import body_of
from .http1_head import HeadParser
from .protocol import BODY, COMPLETE, HEAD, NEED_DATA, PROXY, REQUEST, Protocol
from .proxy_protocol import parse_proxy

_MISSING = "set permit_missing_proxy_header to serve connections that come without the proxy"


class HTTP1(Protocol):
    """One connection's stream of requests. `request` and `data` belong to the last event."""

    __slots__ = ("head", "proxy_allowed")

    def __init__(self, table: FieldTable, trusted: bool = False, proxy_allowed: bool = False) -> None:
        self.begin(table, trusted, proxy_allowed)

    def begin(self, table: FieldTable, trusted: bool, proxy_allowed: bool) -> None:
        """What `__init__` does, for an object made by `__new__`, which is a plain allocation when compiled."""
        self.begin_protocol(table, trusted, PROXY if table.proxied else HEAD)
        self.head = HeadParser.__new__(HeadParser)
        self.head.begin(table, trusted)
        self.proxy_allowed = proxy_allowed

    def next_event(self) -> int:
        state = self.state
        if state == HEAD:
            end = len(self.buffer)
            if self.position >= end:
                return NEED_DATA
            head = self.head
            self.position = head.parse(self.buffer, self.position, end)
            if not head.complete:
                return NEED_DATA
            return self._begin()
        if state == BODY:
            return self.next_of_body()
        if state == PROXY and self._take_proxy_header():
            return self.next_event()
        return NEED_DATA

    def _begin(self) -> int:
        request = self.head.finish()
        request.proxy_info = self.proxy_info
        self.request = request
        if request.content_length:
            self.body = body_of(request, self.table, self.head.trusted)
            self.state = BODY
        else:
            self.state = COMPLETE
        return REQUEST

    def partial(self) -> Request | None:
        return self.head.request

    def awaits_proxy_header(self) -> bool:
        return self.state == PROXY

    def take_proxy_header(self, data: bytes) -> bytes:
        self.receive(data)
        return self.rest() if self._take_proxy_header() else b""

    def _take_proxy_header(self) -> bool:
        header = parse_proxy(self.buffer[self.position:], self.table.limits.proxy_protocol, self.proxy_allowed)
        if header is None:
            return False
        if not header.end and not self.table.limits.permit_missing_proxy_header:
            raise MissingProxyHeader(_MISSING) if self.proxy_allowed else ForbiddenProxyRequest(None)
        self.position += header.end
        self.proxy_info = header.info
        self.state = HEAD
        return True

    def next_request(self) -> None:
        self.head.reset()
        Protocol.next_request(self)

    def is_idle(self) -> bool:
        return self.state <= HEAD and self.head.request is None and self.position >= len(self.buffer)
