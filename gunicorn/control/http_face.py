"""HTTP/1 spoken by the master itself: a conversation that answers GET and HEAD from a table of pages.

Requests are read by the parser that serves applications, and judged by the same rules; answers are framed by the same
writer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from gunicorn._record import Record
from gunicorn.http.errors import HTTPError, LimitRequestBody
from gunicorn.http.fields import FieldTable
from gunicorn.http.limits import Limits
from gunicorn.http.request import Request
from gunicorn.http.response import NO_BODY, REASONS, FieldLines, error_body, http_date, status_line
from gunicorn.http.response_head import Page, Prefix
from gunicorn.wire.http1 import HTTP1
from gunicorn.wire.http1_response import octets_of, settle
from gunicorn.wire.protocol import DATA, NEED_DATA, REQUEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn._types import Clock

__all__ = ["LIMITS", "HTTPFace", "Reply", "Resource"]

MOST_CONTENT = 8192
"""Octets of content that are read; what nobody reads may be as long as the limits say."""

LIMITS = Limits(request_line=4096, fields=64, field_size=8190, head=16384, body=65536)

# What may be asked for, and how an answer says so.
_METHODS = ("GET", "HEAD")
_ALLOW = (("Allow", ", ".join(_METHODS)),)
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Reply(Record):
    """An answer: its status, what its content is, and that."""

    status: int
    content_type: str
    body: bytes
    fields: tuple[tuple[str, str], ...] = ()


Resource = Callable[[Request], Reply]


class HTTPFace:
    """One connection; see `conversation.Conversation`. `resources`: by their paths. `table` may be shared.

    A face that has more to offer than pages says so by the methods of its own that stand last here.
    """

    def __init__(
        self, resources: Mapping[str, Resource], table: FieldTable | None = None, wall_clock: Clock = time.time
    ) -> None:
        self.output = bytearray()
        self.finished = False
        self.due: float | None = None
        self._resources = resources
        self._protocol = HTTP1(FieldTable(LIMITS) if table is None else table)
        self._wall_clock = wall_clock
        self._lines = FieldLines()
        # The one whose content is still coming.
        self._request: Request | None = None
        # That content, where anybody reads it.
        self._content = bytearray()

    def receive(self, data: bytes) -> None:
        if data:
            self._protocol.receive(bytes(data))

    def tick(self, now: float) -> None:
        """Nothing is waited for here."""

    def answer(self) -> bool:
        if self.finished:
            return False
        try:
            request = self._next()
        except HTTPError as error:
            refusal = self._error(error.status, error.title, error.fields)
            self._say(self._protocol.head.request or Request(), refusal, True)
            return True
        if request is None:
            return False
        # A client that waits to be asked for its content is not: the answer is the same without.
        self._handle(request, request.close or self._protocol.has_unread_body())
        self._protocol.next_request()
        return True

    def _next(self) -> Request | None:
        """The next request, when all of it is here. Raises `HTTPError`."""
        protocol = self._protocol
        while (event := protocol.next_event()) != NEED_DATA:
            if event == REQUEST:
                self._request = protocol.request
                if self._request is not None and not self._wants_content(self._request):
                    break
            elif event != DATA:
                break
            elif self._request is not None and self._reads(self._request):
                self._content += protocol.data
                if len(self._content) > MOST_CONTENT:
                    raise LimitRequestBody(MOST_CONTENT)
        else:
            return None
        request, self._request = self._request, None
        return request

    def _wants_content(self, request: Request) -> bool:
        """Whether the answer waits for what comes behind the head."""
        self._content.clear()
        if not request.content_length:
            return False
        if request.expect_continue and self._reads(request):
            self.output += _CONTINUE
        return self._reads(request) or not request.expect_continue

    def _reply(self, request: Request) -> Reply:
        resource = self._resources.get(request.path)
        if resource is None:
            return self._error(404, "There is nothing here")
        if request.method not in _METHODS:
            return self._error(405, "Only GET and HEAD are possible here", _ALLOW)
        return resource(request)

    def _say(self, request: Request, reply: Reply, close: bool) -> None:
        page = self._begin(request, reply, len(reply.body), close)
        if page.framing != NO_BODY:
            self.output += reply.body

    def _begin(self, request: Request, reply: Reply, length: int, close: bool) -> Page:
        """Send the head of an answer; `length` is -1 when nobody knows how long its content will be."""
        date = http_date(time.gmtime(self._wall_clock()))
        line = status_line(f"{reply.status} {REASONS.get(reply.status, 'Error')}")
        # What is true now is not true later.
        fields = [("Cache-Control", "no-store"), ("Content-Type", reply.content_type), *reply.fields]
        learned = [self._lines.learn(field) for field in fields]
        page = Page(request, Prefix(reply.status, line + b"Date: %s\r\n" % date), learned, b"")
        page.response_length, page.close = length, close
        settle(page)
        self.output += octets_of(page, b"")
        self.finished = page.close
        return page

    # What another face may do in its own way.

    def _handle(self, request: Request, close: bool) -> None:
        """Answer a request that is complete; `close`: the connection ends with it."""
        self._say(request, self._reply(request), close)

    def left(self) -> None:
        """The client has gone."""

    def _reads(self, request: Request) -> bool:
        """Whether it matters what the content of a request is."""
        return False

    def _error(self, status: int, title: str, fields: tuple[tuple[str, str], ...] = ()) -> Reply:
        return Reply(status, "text/html", error_body(status, title), fields)
