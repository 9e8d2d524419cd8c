"""A request line is taken apart or refused with an HTTPError, and its parts stand in what was sent."""

from __future__ import annotations

from typing import Any

from tests.fuzz.rooms import Rooms
from tests.system.wire import requests

SPECIMENS = [
    case.data.partition(b"\n")[0] + b"\n" for table in (requests.TARGETS, requests.METHODS, requests.VERSIONS)
    for case in table if len(case.data) < 300
]
WORDS = [b"GET ", b"CONNECT ", b"OPTIONS ", b" HTTP/1.1", b"HTTP/1.0", b"/", b"*", b"http://", b"[::1]", b":80", b"?",
         b"#",
         b"%", b"@", b"\t", b"\x7f"]


def make(rooms: Rooms) -> Any:
    parser, fields = rooms("wire.http1_head"), rooms("http.fields")
    limits, errors = rooms("http.limits"), rooms("http.errors")
    tables = [
        fields.FieldTable(limits.Limits(
            permit_unconventional_http_method=bool(bits & 1), permit_unconventional_http_version=bool(bits & 2),
            casefold_http_method=bool(bits & 4), request_line=(4094, 30)[bits >> 3]))
        for bits in range(16)
    ]
    http_error = errors.HTTPError

    def run(pieces: list[bytes], choice: int) -> object:
        head = parser.HeadParser(tables[choice & 15], False)
        data = b""
        try:
            for piece in pieces:
                data += piece
                # The octets are a part of more, as they are in a buffer.
                stop = head.parse(b"--" + data + b"HTTP/1.1\r\nX", 2, 2 + len(data)) - 2
                assert 0 <= stop <= len(data)
                if head.request is not None:
                    break
        except http_error as error:
            return type(error).__name__, repr(error.detail)
        request = head.request
        if request is None:
            return None
        assert request.uri.encode("latin-1") in data
        assert request.path in request.uri or request.path in ("/", "*")
        return request.method, request.uri, request.path, request.query, request.authority, request.version, stop

    return run
