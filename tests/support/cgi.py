"""Requests as a server in front sends them by uwsgi, SCGI and FastCGI, and the answers of FastCGI taken apart.

Written from the specifications, without code of the server under test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

Pair = tuple[str, str]

#: What nginx' own files have, of a GET.
VARIABLES: list[Pair] = [
    ("QUERY_STRING", "q=1"), ("REQUEST_METHOD", "GET"), ("CONTENT_TYPE", ""), ("CONTENT_LENGTH", ""),
    ("REQUEST_URI", "/a%2541?q=1"), ("PATH_INFO", "/a%41"), ("DOCUMENT_ROOT", "/srv"),
    ("SERVER_PROTOCOL", "HTTP/1.1"), ("REQUEST_SCHEME", "http"), ("REMOTE_ADDR", "192.0.2.7"),
    ("REMOTE_PORT", "4711"), ("SERVER_PORT", "80"), ("SERVER_NAME", "site.example"), ("HTTP_HOST", "site.example"),
    ("HTTP_X_ANY", "thing"),
]


def changed(*pairs: Pair, without: Sequence[str] = ()) -> list[Pair]:
    """`VARIABLES` with these in the place of those of the same name, or behind them."""
    new = dict(pairs)
    names = {name for name, _ in VARIABLES}
    found = [(name, new.get(name, value)) for name, value in VARIABLES if name not in without]
    return found + [pair for pair in pairs if pair[0] not in names]


def octets(text: str) -> bytes:
    return text.encode("latin-1")


def uwsgi(pairs: Sequence[Pair], body: bytes = b"", modifier: int = 0) -> bytes:
    packet = b"".join(
        len(octets(word)).to_bytes(2, "little") + octets(word) for pair in pairs for word in pair)
    return bytes((modifier,)) + len(packet).to_bytes(2, "little") + b"\0" + packet + body


def scgi(pairs: Sequence[Pair], body: bytes = b"") -> bytes:
    length = dict(pairs).get("CONTENT_LENGTH") or "0"
    rest = [pair for pair in pairs if pair[0] != "CONTENT_LENGTH"]
    packet = b"".join(
        octets(word) + b"\0" for pair in [("CONTENT_LENGTH", length), ("SCGI", "1"), *rest] for word in pair)
    return b"%d:%s," % (len(packet), packet) + body


def record(kind: int, content: bytes = b"", number: int = 1, padding: int = 0, version: int = 1) -> bytes:
    head = bytes((version, kind)) + number.to_bytes(2, "big") + len(content).to_bytes(2, "big")
    return head + bytes((padding, 0)) + content + b"\0" * padding


def begin(number: int = 1, keep: bool = False, role: int = 1) -> bytes:
    return record(1, role.to_bytes(2, "big") + bytes((keep, 0, 0, 0, 0, 0)), number)


def pair_of(name: bytes, value: bytes) -> bytes:
    def size(word: bytes) -> bytes:
        return bytes((len(word),)) if len(word) < 128 else (len(word) | 1 << 31).to_bytes(4, "big")

    return size(name) + size(value) + name + value


def params(pairs: Sequence[Pair]) -> bytes:
    return b"".join(pair_of(octets(name), octets(value)) for name, value in pairs)


def stream(kind: int, content: bytes, number: int = 1, size: int = 32768) -> bytes:
    pieces = [content[start:start + size] for start in range(0, len(content), size)]
    return b"".join(record(kind, piece, number, -len(piece) % 8) for piece in pieces) + record(kind, b"", number)


def fastcgi(pairs: Sequence[Pair], body: bytes = b"", number: int = 1, keep: bool = False) -> bytes:
    return begin(number, keep) + stream(4, params(pairs), number) + stream(5, body, number)


#: Each by the name that settings have for it.
PACKERS: dict[str, Callable[..., bytes]] = {"uwsgi": uwsgi, "scgi": scgi, "fastcgi": fastcgi}


class Record(NamedTuple):
    kind: int
    number: int
    content: bytes


def records(data: bytes) -> Iterator[Record]:
    """All records of these octets. Raises AssertionError for a part of one, or what is none."""
    position = 0
    while position < len(data):
        head = data[position:position + 8]
        assert (len(head), head[:1], head[7:]) == (8, b"\1", b"\0"), data[position:position + 80]
        size, padding = int.from_bytes(head[4:6], "big"), head[6]
        content = data[position + 8:position + 8 + size]
        assert len(content) == size, "a record that is cut off"
        yield Record(head[1], int.from_bytes(head[2:4], "big"), content)
        position += 8 + size + padding


def content_of(data: bytes, number: int = 1) -> bytes:
    """What the STDOUT of the one request in these octets says; it has an end, and so has the request."""
    found = [each for each in records(data) if each.number == number]
    assert found[-2:] == [Record(6, number, b""), Record(3, number, bytes(8))], found[-2:]
    assert all(each.kind == 6 and each.content for each in found[:-2]), found
    return b"".join(each.content for each in found[:-2])
