"""What an application says of its response, before it reaches the wire: statuses, fields, lengths, framing."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunicorn.http import response
from gunicorn.http.errors import (
    HTTPError,
    InvalidResponseHeader,
    InvalidResponseHeaderName,
    InvalidResponseStatus,
)
from gunicorn.http.response import (
    LONGEST_REMEMBERED,
    REASONS,
    REMEMBERED,
    FieldLines,
    check_status,
    content_length,
    http_date,
    status_line,
)
from gunicorn.wire.http1_response import error_response, frame
from tests.support.twins import Octets, Words

PAIRS: dict[str, tuple[Any, bytes]] = {
    "a field": (("X-Own", "value"), b"X-Own: value\r\n"),
    "spaces around a value": (("X", " \t a b\t "), b"X: a b\r\n"),
    "an empty value": (("X", ""), b"X: \r\n"),
    "a tab within": (("X", "a\tb"), b"X: a\tb\r\n"),
    "octets above ASCII": (("X", "\xe9\xff\x80"), b"X: \xe9\xff\x80\r\n"),
    "every sign of a name": (("!#$%&'*+-.^_`|~09azAZ", "v"), b"!#$%&'*+-.^_`|~09azAZ: v\r\n"),
    "octets": ((b"X-Own", b"value"), b"X-Own: value\r\n"),
    "other octets": ((bytearray(b"X"), memoryview(b"v")), b"X: v\r\n"),
    "a subclass of str": ((Words("X"), Words("v")), b"X: v\r\n"),
    "a subclass of bytes": ((Octets(b"X"), Octets(b"v")), b"X: v\r\n"),
    "a list": (["X", "v"], b"X: v\r\n"),
}
WRONG: dict[str, tuple[Any, type[HTTPError]]] = {
    "a line break": (("X", "a\r\nSet-Cookie: b"), InvalidResponseHeader),
    "LF": (("X", "a\nb"), InvalidResponseHeader), "CR": (("X", "a\rb"), InvalidResponseHeader),
    "LF at the end": (("X", "a\n"), InvalidResponseHeader), "NUL": (("X", "a\0"), InvalidResponseHeader),
    "DEL": (("X", "\x7f"), InvalidResponseHeader), "a control": (("X", "\x1b"), InvalidResponseHeader),
    "a wide character": (("X", "\u2603"), InvalidResponseHeader),
    "a lone surrogate": (("X", "\udc80"), InvalidResponseHeader),
    "an empty name": (("", "v"), InvalidResponseHeaderName), "a colon": (("X:", "v"), InvalidResponseHeaderName),
    "a space": (("X Y", "v"), InvalidResponseHeaderName), "a name with LF": (("X\n", "v"), InvalidResponseHeaderName),
    "a name with CRLF": (("X: y\r\nZ", "v"), InvalidResponseHeaderName),
    "a name above ASCII": (("\xe9", "v"), InvalidResponseHeaderName),
    "octets with LF": ((b"X", b"a\nb"), InvalidResponseHeader),
    "octets, no name": ((b"", b"v"), InvalidResponseHeaderName),
    "a number": (("X", 5), InvalidResponseHeader), "None": (("X", None), InvalidResponseHeader),
    "a name of octets": ((b"X", "v"), InvalidResponseHeaderName),
    "a value of octets": (("X", b"v"), InvalidResponseHeader),
    "one": (("X",), InvalidResponseHeader), "three": (("X", "v", "w"), InvalidResponseHeader),
    "no pair": (5, InvalidResponseHeader), "nothing": (None, InvalidResponseHeader),
}


@pytest.mark.parametrize("name", PAIRS)
def test_fields(name: str) -> None:
    pair, line = PAIRS[name]
    lines = FieldLines()
    for _ in range(2):
        found = lines.learn(pair)
        assert (found.line, found.value.encode("latin-1")) == (line, line.partition(b": ")[2][:-2])
    # Remembered is only what can be found again and will not change.
    assert all(type(key) is tuple and {type(part) for part in key} in ({str}, {bytes}) for key in lines.lines)


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_field(name: str) -> None:
    pair, error = WRONG[name]
    lines = FieldLines()
    with pytest.raises(error) as caught:
        lines.learn(pair)
    assert caught.value.status == 500
    assert not lines.lines
    assert "Set-Cookie" not in repr(caught.value.detail)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Content-Length", response.CONTENT_LENGTH), ("CONTENT-LENGTH", response.CONTENT_LENGTH),
        ("date", response.DATE), ("Server", response.SERVER), ("Connection", response.CONNECTION),
        ("Upgrade", response.UPGRADE), ("Content-Type", response.ORDINARY), ("X-Date", response.ORDINARY),
    ],
)
def test_the_rule_of_a_field(name: str, kind: int) -> None:
    for pair in ((name, "5"), (name.encode(), b"5")):
        found = FieldLines().learn(pair)
        assert found.kind == kind
        assert found.length == (5 if kind == response.CONTENT_LENGTH else -1)


def test_fields_of_this_hop_are_ours() -> None:
    kinds = {FieldLines().learn((name, "x")).kind for name in (
        "Transfer-Encoding", "keep-alive", "Proxy-Connection", "TE", "Trailer")}
    assert len(kinds) == 1
    assert kinds.isdisjoint({response.ORDINARY, response.CONTENT_LENGTH, response.CONNECTION, response.UPGRADE})


def test_fields_that_are_remembered_have_a_bound() -> None:
    lines = FieldLines()
    for number in range(3 * REMEMBERED):
        lines.learn(("X", str(number)))
        assert 0 < len(lines.lines) <= REMEMBERED
    for size, kept in ((LONGEST_REMEMBERED, True), (LONGEST_REMEMBERED + 1, False)):
        lines.learn(("Y", "v" * size))
        assert (("Y", "v" * size) in lines.lines) == kept


@pytest.mark.parametrize(
    ("value", "length"),
    [("0", 0), ("5", 5), ("007", 7), ("9" * 18, 10**18 - 1), ("9" * 19, None), ("", None), ("-1", None), ("+1", None),
     ("1.0", None), ("1 ", None), ("0x1", None), ("1_0", None), ("\u0661", None), ("\xb2", None), ("5, 5", None)],
)
def test_lengths(value: str, length: int | None) -> None:
    if length is None:
        with pytest.raises(InvalidResponseHeader):
            content_length(value)
    else:
        assert content_length(value) == length


@pytest.mark.parametrize("status", ["200 OK", "200", "200 ", "999 \xe9", "100 a\tb", Words("404 Not Found")])
def test_statuses(status: str) -> None:
    checked = check_status(status)
    assert (checked, type(checked)) == (str.__str__(status), str)
    assert status_line(checked) == b"HTTP/1.1 " + status.encode("latin-1") + b"\r\n"


@pytest.mark.parametrize("status", [
    "", "20", "2000", "200OK", "099 x", "000", " 200", "200\r\nX: y", "200 a\n", "200 \0", "200 \u2603",
    "\u0662\u0660\u0660", b"200 OK", 200, None,
])
def test_what_is_no_status(status: Any) -> None:
    with pytest.raises(InvalidResponseStatus):
        check_status(status)


N, L, C, U = response.NO_BODY, response.LENGTH, response.CHUNKED, response.UNTIL_CLOSE


@pytest.mark.parametrize(
    ("method", "minor", "status", "length", "expected"),
    [
        ("GET", 1, 200, 5, L), ("GET", 1, 200, 0, L), ("GET", 1, 200, -1, C), ("GET", 0, 200, 5, L),
        ("GET", 0, 200, -1, U), ("POST", 1, 500, -1, C), ("HEAD", 1, 200, 5, N), ("HEAD", 0, 200, -1, N),
        ("GET", 1, 204, 5, N), ("GET", 1, 304, 5, N), ("GET", 1, 205, -1, N), ("GET", 1, 199, 5, N),
        ("GET", 1, 100, -1, N),
        ("CONNECT", 1, 200, 5, U), ("CONNECT", 1, 299, -1, U), ("CONNECT", 1, 300, 5, L), ("CONNECT", 1, 403, -1, C),
        ("CONNECT", 1, 204, -1, N), ("head", 1, 200, 5, L),
    ],
)
def test_how_the_end_of_the_content_is_told(method: str, minor: int, status: int, length: int, expected: int) -> None:
    assert frame(method, minor, status, length) == expected


def test_dates() -> None:
    # RFC 9110 section 5.6.7
    assert http_date(time.gmtime(784111777)) == b"Sun, 06 Nov 1994 08:49:37 GMT"
    assert http_date(time.gmtime(0)) == b"Thu, 01 Jan 1970 00:00:00 GMT"
    assert http_date(time.gmtime(951782399)) == b"Mon, 28 Feb 2000 23:59:59 GMT"


@pytest.mark.parametrize("status", [*REASONS, 599])
def test_pages(status: int) -> None:
    octets = error_response(status, "Title", b"<date>", b"<server>", fields=b"X: y\r\n")
    head, _, body = octets.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == f"HTTP/1.1 {status} {REASONS.get(status, 'Error')}".encode()
    assert set(lines[1:]) == {
        b"Server: <server>", b"X: y", b"Date: <date>", b"Connection: close", b"Content-Type: text/html",
        b"Content-Length: %d" % len(body)}
    assert body.isascii()
    assert error_response(status, "Title", b"<date>", b"", True) == b"\r\n".join(
        line for line in lines if not line.startswith((b"Server", b"X"))) + b"\r\n\r\n"


@given(st.text(max_size=6), st.text(max_size=9))
def test_whatever_is_said_no_line_holds_another(name: str, value: str) -> None:
    for pair in ((name, value), (name.encode("utf-8", "replace"), value.encode("utf-8", "replace"))):
        with contextlib.suppress(InvalidResponseHeader, InvalidResponseHeaderName):
            found = FieldLines().learn(pair)
            assert found.line.endswith(b"\r\n")
            assert not set(found.line[:-2]) & {0, 10, 13}
            assert found.line.count(b": ") >= 1
