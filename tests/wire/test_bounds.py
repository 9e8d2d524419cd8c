"""Bounds and numbers: what decodes octets asks whether they are there, and what a client says is never believed."""

from __future__ import annotations

from typing import Any

import pytest

from gunicorn.http.errors import HTTPError, LimitRequestBody
from gunicorn.http.fields import FieldTable
from gunicorn.http.limits import Limits
from gunicorn.http.request import Request
from gunicorn.wire.http1 import HTTP1
from gunicorn.wire.http1_body import ChunkedBody, LengthBody
from gunicorn.wire.http1_head import HeadParser
from gunicorn.wire.websocket import Frames
from tests.support.twins import EDGES, WRONG

TABLE = FieldTable(Limits())
HEAD = b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n"


def parse(data: Any, start: int, end: int) -> int:
    return HeadParser(TABLE, False).parse(data, start, end)


def parse_fields(data: Any, start: int, end: int) -> int:
    parser = HeadParser(TABLE, False)
    parser.begin_section()
    return parser.parse_fields(data, start, end)


def length(data: Any, start: int, end: int) -> int:
    return LengthBody(5).decode(data, start, end)


def chunked(data: Any, start: int, end: int) -> int:
    return ChunkedBody(Request(), TABLE, False).decode(data, start, end)


READERS = [
    (parse, HEAD), (parse_fields, HEAD[16:]), (length, b"abcde"), (chunked, b"1\r\na\r\n0\r\n\r\n"),
]
NAMES = [reader.__name__ for reader, _ in READERS]


@pytest.mark.parametrize(("reader", "data"), READERS, ids=NAMES)
def test_any_bounds(reader: Any, data: bytes) -> None:
    for start in EDGES:
        for end in EDGES:
            try:
                stop = reader(data, start, end)
            except HTTPError:
                assert 0 <= start <= end <= len(data)
            except (ValueError, OverflowError):
                assert not 0 <= start <= end <= len(data)
            else:
                assert 0 <= start <= stop <= end <= len(data)


@pytest.mark.parametrize(
    "wrong", [each for each in WRONG if not isinstance(each, bytes)], ids=lambda each: type(each).__name__)
@pytest.mark.parametrize(("reader", "data"), READERS, ids=NAMES)
def test_what_is_not_bytes(reader: Any, data: bytes, wrong: Any) -> None:
    with pytest.raises((TypeError, ValueError, AttributeError)):
        reader(wrong, 0, 3)


def test_fields_before_there_is_a_request() -> None:
    with pytest.raises(ValueError, match="no request"):
        HeadParser(TABLE, False).parse_fields(HEAD, 16, len(HEAD))
    with pytest.raises(ValueError, match="no request"):
        HeadParser(TABLE, False).finish()


def test_a_protocol_that_is_handed_nothing() -> None:
    for protocol in (HTTP1(TABLE), Frames(0)):
        with pytest.raises(TypeError):
            protocol.receive(None)  # type: ignore[arg-type]
            protocol.next_event()


@pytest.mark.parametrize("size", [
    b"F" * 16, b"f" * 40, b"8000000000000000", b"7FFFFFFFFFFFFFFF", b"1000000000000000", b"10000000000000000",
    b"0" * 30 + b"F" * 16,
])
def test_a_chunk_size_beyond_all_bodies(size: bytes) -> None:
    """It is refused, and what is said of it is what stands in its line, whatever lies behind that."""
    for behind in (b"", b"x", b"Cookie: secret=1\r\n" * 9):
        for filling in (b"", b"leading octets "):
            data = filling + size + b"\r\n" + behind
            body = ChunkedBody(Request(), TABLE, False)
            with pytest.raises(LimitRequestBody) as caught:
                body.decode(data, len(filling), len(data))
            assert caught.value.detail == (size.decode() + "\r")[:40]
