"""The head of a response before anybody has said how it goes on the wire, and whole answers of the server's own."""

from __future__ import annotations

from .request import Request
from .response import UNTIL_CLOSE, FieldLine


class Prefix:
    """A status an application has used: its `code`, and status line, Server and Date as octets, each with CRLF.

    `packed` is the same for HTTP/2, whose driver fills it in when it is first sent there.
    """

    __slots__ = ("code", "octets", "packed")

    def __init__(self, code: int, octets: bytes) -> None:
        self.code = code
        self.octets = octets
        self.packed: bytes | None = None


class ResponseHead:
    """What a response begins with. Whoever sends it sets `framing`, and `close` where there is no other way.

    `fields` are those of the application without its Content-Length: that is `response_length` (-1: not known), with
    `length_line` as the application has said it. `at_once`: nothing but the end of the exchange follows the content.
    """

    __slots__ = (
        "at_once", "close", "fields", "framing", "length_line", "prefix", "request", "response_length", "upgrade",
    )

    def begin_head(self, request: Request, close: bool) -> None:
        """What `__init__` would do, for objects made by `__new__`."""
        self.request = request
        self.close = close
        self.at_once = False
        self.prefix: Prefix | None = None
        self.fields: list[FieldLine] = None  # type: ignore[assignment]
        self.response_length = -1
        self.length_line: bytes | None = None
        self.framing = UNTIL_CLOSE
        self.upgrade = False


class Page(ResponseHead):
    """A whole answer of the server's own: the head, and `body` as its content. It closes the connection."""

    __slots__ = ("body",)

    def __init__(self, request: Request, prefix: Prefix, fields: list[FieldLine], body: bytes) -> None:
        self.begin_head(request, True)
        self.prefix = prefix
        self.fields = fields
        self.response_length = len(body)
        self.body = body
