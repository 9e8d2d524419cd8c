"""Heads of HTTP/1 as they go on the wire: how content is framed, what is said of its length and the connection."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from gunicorn.http.request import Request
from gunicorn.http.response import CHUNKED, LENGTH, NO_BODY, UNTIL_CLOSE, FieldLines
from gunicorn.http.response_head import Page, Prefix
from gunicorn.wire.http1_response import inform, octets_of, refusal, settle

KNOWN = FieldLines()
CONTENT = b"<content>"


class Specimen(NamedTuple):
    """A status and what is known of its request and content, and what must come of it behind the fields."""

    code: int
    framing: int
    end: bytes
    method: str = "GET"
    minor: int = 1
    length: int = len(CONTENT)
    line: bytes | None = None
    close: bool = False
    upgrade: bool = False
    closes: bool = False


KEPT, CLOSED = b"\r\n", b"Connection: close\r\n\r\n"
NINE = b"Content-Length: 9\r\n"
SPECIMENS = {
    "a length": Specimen(200, LENGTH, NINE + KEPT),
    "a length as the application writes it": Specimen(
        200, LENGTH, b"content-length: 09\r\n" + KEPT, line=b"content-length: 09\r\n"),
    "a length, and the last answer": Specimen(200, LENGTH, NINE + CLOSED, close=True, closes=True),
    "no length": Specimen(200, CHUNKED, b"Transfer-Encoding: chunked\r\n" + KEPT, length=-1),
    "no length, HTTP/1.0": Specimen(200, UNTIL_CLOSE, CLOSED, minor=0, length=-1, closes=True),
    "a length, HTTP/1.0": Specimen(200, LENGTH, NINE + b"Connection: keep-alive\r\n\r\n", minor=0),
    "nothing": Specimen(200, LENGTH, b"Content-Length: 0\r\n" + KEPT, length=0),
    "HEAD": Specimen(200, NO_BODY, NINE + KEPT, method="HEAD"),
    "HEAD, no length": Specimen(200, NO_BODY, KEPT, method="HEAD", length=-1),
    "204": Specimen(204, NO_BODY, KEPT),
    "205": Specimen(205, NO_BODY, b"Content-Length: 0\r\n" + KEPT),
    "304": Specimen(304, NO_BODY, KEPT),
    "304, with a length": Specimen(304, NO_BODY, NINE + KEPT, line=NINE),
    "304, of nothing": Specimen(304, NO_BODY, KEPT, length=0),
    "103": Specimen(103, NO_BODY, KEPT),
    "101": Specimen(101, NO_BODY, b"Connection: upgrade\r\n\r\n", upgrade=True, closes=True),
    "CONNECT": Specimen(200, UNTIL_CLOSE, CLOSED, method="CONNECT", closes=True),
    "CONNECT, refused": Specimen(403, LENGTH, NINE + KEPT, method="CONNECT"),
}


def head_of(specimen: Specimen, fields: tuple[tuple[str, str], ...] = (("X-A", "b"), ("X-C", "d"))) -> Page:
    request = Request()
    request.method, request.version_minor = specimen.method, specimen.minor
    prefix = Prefix(specimen.code, b"HTTP/1.1 %d Words\r\nServer: s\r\n" % specimen.code)
    head = Page(request, prefix, [KNOWN.learn(pair) for pair in fields], b"")
    head.close, head.upgrade = specimen.close, specimen.upgrade
    head.response_length, head.length_line = specimen.length, specimen.line
    return head


@pytest.mark.parametrize("case", SPECIMENS)
def test_heads(case: str) -> None:
    specimen = SPECIMENS[case]
    head = head_of(specimen)
    settle(head)
    assert (head.framing, head.close) == (specimen.framing, specimen.closes)
    begin = b"HTTP/1.1 %d Words\r\nServer: s\r\nX-A: b\r\nX-C: d\r\n" % specimen.code
    assert octets_of(head, CONTENT) == begin + specimen.end + CONTENT
    # Said twice it is the same.
    settle(head)
    assert octets_of(head, b"") == begin + specimen.end


def test_a_head_that_was_not_settled() -> None:
    head: Any = head_of(SPECIMENS["a length"])
    with pytest.raises(AssertionError, match="settled"):
        octets_of(head, b"")


def test_interim_responses() -> None:
    fields = [KNOWN.learn(("Link", "</a>")), KNOWN.learn(("Link", "</b>"))]
    assert inform(103, fields) == b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nLink: </b>\r\n\r\n"
    assert inform(103, []) == b"HTTP/1.1 103 Early Hints\r\n\r\n"


def test_a_refusal_has_the_fields_of_its_error() -> None:
    from gunicorn.http.errors import Overloaded

    octets = refusal(Overloaded(), b"<date>", b"", head_only=True, fields=b"X: y\r\n")
    assert octets.startswith(b"HTTP/1.1 503 Service Unavailable\r\nX: y\r\nRetry-After: 1\r\nDate: <date>\r\n")
    assert octets.endswith(b"\r\n\r\n")
