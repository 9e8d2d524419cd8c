"""Field sections of HTTP/2 are requests, or errors that a peer is told of; the table stays within its bound."""

from __future__ import annotations

from typing import Any

from tests.fuzz.rooms import Rooms

SPECIMENS = [
    b"\x82\x86\x84\x41\x01a", b"\x82\x87\x84\x01\x03a:1",
    b"\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff",
    b"\x40\x0acustom-key\x0dcustom-header\xbe\xbe", b"\x04\x0c/sample/path", b"\x10\x08password\x06secret",
    b"\x83\x86\x84\x41\x01a\x5c\x013\x40\x06expect\x0c100-continue", b"\x20\x3f\xe1\x1f\x82\x86\x84\x41\x01a",
    b"\x82\x86\x84\x41\x01a\x60\x03a=1\x60\x03b=2\xbe\xbf",
    b"\x02\x07CONNECT\x00\x09:protocol\x09websocket\x86\x84\x41\x01a",
    b"\x82\x86\x84\x41\x01a\x40\x02te\x08trailers\x40\x08priority\x06u=1, i", b"\xff\xff\xff\xff\x0f\x80",
    b"\x3f\xff\xff\xff\x7f", b"\x82\x86\x84\x66\x01a\x40\x04host\x01b", b"\x82\x86\x04\x02*/\x41\x01a",
    b"\x00\x01A\x01b", b"\x40\x84\xff\xff\xff\xff\x01a", b"\x82\x86\x84\x41\x01a\x00\x03x_a\x091234567890",
    b"\x82\x86\x84\x41\x01a\x00\x01x\x011\x00\x01y\x011\x00\x03x_a\x011",
]
WORDS = [
    b"\x82", b"\x83", b"\x84", b"\x86", b"\x87", b"\x41\x01a", b"\xbe", b"\xbf", b"\xc0", b"\x20", b"\x3f\xe1\x1f",
    b"\x80", b"\x60\x03a=1", b"\x0f\x0d\x013", b"\x00\x01:\x00", b"\x40\x01\r\x01b", b"\x00\x03x_a\x011",
    b"\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff", b"\xff" * 6,
]
LIMITS: list[dict[str, Any]] = [
    {}, {"header_map": "dangerous", "permit_unconventional_http_method": True},
    {"request_line": 20, "fields": 3, "field_size": 8, "body": 2, "header_map": "refuse"},
    {"fields": 3, "field_size": 8},
    {"request_line": 0, "field_size": 0, "secure_scheme_headers": (("X-A", "b"),)},
]


def make(rooms: Rooms) -> Any:
    hpack, head, fields = rooms("wire.hpack"), rooms("wire.http2_head"), rooms("http.fields")
    limits, errors = rooms("http.limits"), rooms("http.errors")
    tables = [fields.FieldTable(limits.Limits(**each)) for each in LIMITS]
    statics = [hpack.Static(table) for table in tables]
    compression_error, http_error = hpack.CompressionError, errors.HTTPError

    def run(pieces: list[bytes], choice: int) -> object:
        which = choice % len(tables)
        bound = (4096, 100, 0)[(choice >> 3) % 3]
        decoder = hpack.Decoder(statics[which], bound)
        reader = head.HeadReader(tables[which], bool(choice & 64), (65536, 200)[choice >> 7 & 1], bool(choice & 256))
        found: list[object] = []
        for piece in pieces:
            try:
                fields = decoder.decode(piece, 0, len(piece), reader.limit)
                request = reader.read(fields, decoder.total, bool(choice & 512))
            except compression_error as error:
                found.append(str(error))
                return found
            except http_error as error:
                found.append((type(error).__name__, repr(error.detail)))
                continue
            assert request.host
            assert request.uri[:1] in ("/", "*")
            if request.octets is not None:
                assert request.octets == [(name.lower, value.encode("latin-1")) for name, value in request.fields]
            found.append((
                request.method, request.uri, request.path, request.query, request.headers, request.content_length,
                request.host, request.scheme, request.expect_continue, request.priority, request.upgrade,
                request.takes_trailers,
            ))
        return found

    return run
