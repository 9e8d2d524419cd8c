"""A field section is a list of fields or an HTTPError; in a trailer nothing steers."""

from __future__ import annotations

from typing import Any

from tests.fuzz.rooms import Rooms
from tests.system.wire import requests

SPECIMENS = [
    case.data.partition(b"\r\n")[2] for table in (requests.FIELDS, requests.HOSTS, requests.HEADER_MAP,
    requests.CONNECTION)
    for case in table if len(case.data) < 500
]
WORDS = [b"Host: a\r\n", b"X: y\r\n", b"\r\n z\r\n", b"X : y\r\n", b"Content-Length: 1\r\n", b"X_Y: z\r\n",
         b"\r\n\tz", b"a" * 130,
         b"N" * 65 + b": v\r\n", b"Transfer-Encoding: chunked\r\n"]


def make(rooms: Rooms) -> Any:
    parser, fields, limits = rooms("wire.http1_head"), rooms("http.fields"), rooms("http.limits")
    errors = rooms("http.errors")
    tables = [
        fields.FieldTable(limits.Limits(
            permit_obsolete_folding=bool(bits & 1), strip_header_spaces=bool(bits & 2),
            header_map=("drop", "refuse", "dangerous", "drop")[bits >> 2], fields=(100, 3)[bits >> 3]))
        for bits in range(16)
    ]
    http_error = errors.HTTPError

    def run(pieces: list[bytes], choice: int) -> object:
        reader = parser.HeadParser(tables[choice & 15], bool(choice & 16))
        reader.interprets = bool(choice & 32)
        reader.begin_section()
        data = b""
        try:
            for piece in pieces:
                data += piece
                stop = reader.parse_fields(data, 0, len(data))
                assert 0 <= stop <= len(data)
                data = data[stop:]
                if reader.complete:
                    break
            if reader.complete and reader.interprets:
                reader.finish()
        except http_error as error:
            return type(error).__name__, repr(error.detail)
        request = reader.request
        return request.headers, reader.complete, request.content_length, request.close, request.host, len(data)

    return run
