"""The head of a response of HTTP/2 (RFC 9113 section 8.3.2): the fields that HTTP/1 has as lines, packed.

Nothing is packed twice: a field, a status with its Server and Date, and a length keep their octets, which mean the
same on every stream of every connection (`hpack`).
"""

from __future__ import annotations

from gunicorn.http._octets import joined
from gunicorn.http.errors import InvalidResponseStatus
from gunicorn.http.response import LENGTH, NO_BODY, UNTIL_CLOSE, UPGRADE, FieldLine, told_length
from gunicorn.http.response_head import Prefix, ResponseHead

from .hpack import packed

# Lengths up to this many different ones are remembered.
REMEMBERED = 1024
_LENGTHS: dict[int, bytes] = {}
_STATUSES: dict[int, bytes] = {}


def settle(head: ResponseHead) -> None:
    """Say how the end of the content is told: set `framing`. Raises AssertionError for a head without a status, and
    `InvalidResponseStatus` for one below 200."""
    prefix = head.prefix
    if prefix is None:
        raise AssertionError("a response begins with a status")
    code = prefix.code
    if code < 200:
        # It would promise another response, and end the stream (RFC 9113 section 8.1): malformed, for every client.
        raise InvalidResponseStatus(f"{code}, which ends no response of HTTP/2")
    if head.request.method == "HEAD" or code == 204 or code == 304 or code == 205:
        head.framing = NO_BODY
        if code == 205:
            head.response_length = 0
    else:
        head.framing = LENGTH if head.response_length >= 0 else UNTIL_CLOSE


def block_of(head: ResponseHead) -> bytes:
    """The field section of a head that was settled. Raises AssertionError for one without a status."""
    prefix = head.prefix
    if prefix is None:
        raise AssertionError("a response begins with a status")
    octets = prefix.packed
    if octets is None:
        octets = _pack_prefix(prefix)
    parts = [octets]
    for line in head.fields:
        if line.kind != UPGRADE:
            octets = line.packed
            parts.append(_pack_line(line) if octets is None else octets)
    length = head.response_length
    if head.framing == NO_BODY:
        length = told_length(prefix.code, length, head.length_line is not None)
    if length >= 0:
        octets = _LENGTHS.get(length)
        parts.append(_pack_length(length) if octets is None else octets)
    return joined(parts)


def block_of_status(code: int, fields: list[FieldLine]) -> bytes:
    """The field section of an interim response."""
    return _packed_status(code) + block_of_fields(fields)


def block_of_fields(fields: list[FieldLine]) -> bytes:
    """A trailer section."""
    return b"".join([line.packed or _pack_line(line) for line in fields])


def _packed_status(code: int) -> bytes:
    octets = _STATUSES.get(code)
    if octets is None:
        octets = _STATUSES[code] = packed(b":status", b"%d" % code)
    return octets


def _pack_prefix(prefix: Prefix) -> bytes:
    # Behind the status line stand fields, each with its CRLF.
    lines = prefix.octets.split(b"\r\n")[1:]
    octets = _packed_status(prefix.code) + b"".join([_packed_field(line) for line in lines if line])
    prefix.packed = octets
    return octets


def _pack_line(line: FieldLine) -> bytes:
    octets = _packed_field(line.line[:len(line.line) - 2])
    line.packed = octets
    return octets


def _pack_length(length: int) -> bytes:
    octets = packed(b"content-length", b"%d" % length)
    if len(_LENGTHS) < REMEMBERED:
        _LENGTHS[length] = octets
    return octets


def _packed_field(line: bytes) -> bytes:
    name, _, value = line.partition(b": ")
    return packed(name.lower(), value)
