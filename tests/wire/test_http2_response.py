"""Heads of responses as HTTP/2 sends them; another implementation reads them."""

from __future__ import annotations

from typing import NamedTuple

import hpack as judge
import pytest

from gunicorn.http.errors import InvalidResponseStatus
from gunicorn.http.request import Request
from gunicorn.http.response import LENGTH, NO_BODY, UNTIL_CLOSE, FieldLines
from gunicorn.http.response_head import Page, Prefix
from gunicorn.wire.http2_response import block_of, block_of_fields, block_of_status, settle

LINES = FieldLines()


class Specimen(NamedTuple):
    """A status, the length of its content, and what must come of it: the framing, and the length that is told."""

    code: int
    length: int
    framing: int
    told: int | None
    method: str = "GET"
    line: bytes | None = None


SPECIMENS = {
    "a length": Specimen(200, 9, LENGTH, 9),
    "nothing": Specimen(200, 0, LENGTH, 0),
    "no length": Specimen(200, -1, UNTIL_CLOSE, None),
    "HEAD": Specimen(200, 9, NO_BODY, 9, "HEAD"),
    "HEAD, no length": Specimen(200, -1, NO_BODY, None, "HEAD"),
    "204": Specimen(204, 9, NO_BODY, None),
    "205": Specimen(205, 9, NO_BODY, 0),
    "304": Specimen(304, 9, NO_BODY, None),
    "304, with a length": Specimen(304, 9, NO_BODY, 9, line=b"Content-Length: 9\r\n"),
    "304, of nothing": Specimen(304, 0, NO_BODY, None),
    "an error": Specimen(500, 9, LENGTH, 9),
    "a status of its own": Specimen(299, 9, LENGTH, 9),
}


def read(block: bytes) -> list[tuple[str, str]]:
    return [(str(name), str(value)) for name, value in judge.Decoder().decode(block)]


def page(specimen: Specimen, *fields: tuple[str, str], own: bytes = b"Server: s: t\r\nDate: d\r\n") -> Page:
    request = Request()
    request.method = specimen.method
    lines = [LINES.learn(field) for field in fields]
    head = Page(request, Prefix(specimen.code, b"HTTP/1.1 %d Words\r\n" % specimen.code + own), lines, b"")
    head.response_length, head.length_line = specimen.length, specimen.line
    return head


@pytest.mark.parametrize("name", SPECIMENS)
def test_how_the_content_is_told_of(name: str) -> None:
    specimen = SPECIMENS[name]
    head = page(specimen, ("X-A", "b"), ("Set-Cookie", "\xe4"))
    settle(head)
    assert head.framing == specimen.framing
    assert head.length_line == specimen.line
    expected = [(":status", str(specimen.code)), ("server", "s: t"), ("date", "d"), ("x-a", "b")]
    length = [] if specimen.told is None else [("content-length", str(specimen.told))]
    block = block_of(head)
    decoded = judge.Decoder().decode(block, raw=True)
    assert (b"set-cookie", b"\xe4") in decoded
    assert [(str(n, "latin-1"), str(v, "latin-1")) for n, v in decoded if n != b"set-cookie"] == expected + length
    assert block_of(head) == block


@pytest.mark.parametrize("code", [100, 101, 199])
def test_an_interim_status_ends_no_response(code: int) -> None:
    head = page(Specimen(code, 0, NO_BODY, None))
    with pytest.raises(InvalidResponseStatus, match=str(code)):
        settle(head)


def test_what_is_packed_is_kept() -> None:
    head = page(SPECIMENS["a length"], ("X-Kept", "b"))
    settle(head)
    block_of(head)
    (line,) = head.fields
    assert head.prefix is not None
    assert line.packed is not None
    assert line.packed in block_of(head)
    assert head.prefix.packed is not None
    assert block_of(head).startswith(head.prefix.packed)


def test_fields_of_a_connection_are_left_out() -> None:
    head = page(SPECIMENS["a length"], ("Upgrade", "websocket"), ("X", ""), own=b"")
    settle(head)
    assert read(block_of(head)) == [(":status", "200"), ("x", ""), ("content-length", "9")]


def test_an_interim_response() -> None:
    link = LINES.learn(("Link", "</a>; rel=preload"))
    assert read(block_of_status(103, [link])) == [(":status", "103"), ("link", "</a>; rel=preload")]
    assert read(block_of_status(100, [])) == [(":status", "100")]


def test_trailers() -> None:
    assert read(block_of_fields([LINES.learn(("Grpc-Status", "0"))])) == [("grpc-status", "0")]


def test_a_head_without_a_status() -> None:
    head = page(SPECIMENS["nothing"])
    request = Request()
    bare = Page(request, None, [], b"")  # type: ignore[arg-type]
    for call in (settle, block_of):
        with pytest.raises(AssertionError):
            call(bare)
    settle(head)
