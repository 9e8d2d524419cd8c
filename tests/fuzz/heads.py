"""Whatever comes on a connection, the protocol makes requests of it or raises an HTTPError, the same in both builds.

The octets are those of whole exchanges: heads, bodies of both framings, pipelined, with the dialects of the settings.
"""

from __future__ import annotations

from typing import Any

from tests.fuzz.rooms import Rooms
from tests.system.wire.test_wire import CASES

SPECIMENS = [each.values[0].data for each in CASES if len(each.values[0].data) < 1500]  # type: ignore[union-attr]
WORDS = [
    b"GET / HTTP/1.1\r\nHost: a\r\n", b"POST / HTTP/1.1\r\nHost: a\r\n", b"Transfer-Encoding: chunked\r\n", b"chunked",
    b"Content-Length: 3\r\n", b"Host: b\r\n", b"Connection: close\r\n", b"Expect: 100-continue\r\n", b"HTTP/1.0",
    b"Upgrade: websocket\r\n", b"X_Y: z\r\n", b"http://a/", b"*", b"#", b"?", b"%00", b"3\r\nabc\r\n", b"0\r\n\r\n",
    b"PROXY TCP4 1.2.3.4 5.6.7.8 9 10\r\n", b"\r\n\r\n\0\r\nQUIT\n", b"FFFFFFFFFFFFFFFF\r\n", b"\r\n x", b" : ",
]
LIMITS: list[dict[str, Any]] = [
    {},
    {"permit_obsolete_folding": True, "strip_header_spaces": True, "header_map": "dangerous"},
    {"permit_unconventional_http_method": True, "permit_unconventional_http_version": True,
    "casefold_http_method": True},
    {"request_line": 60, "fields": 5, "field_size": 60, "body": 100, "header_map": "refuse"},
    {"request_line": 0, "field_size": 0, "secure_scheme_headers": (("X-A", "b"), ("X-B", "c"))},
    {"proxy_protocol": "auto"},
]


def make(rooms: Rooms) -> Any:
    http1, events, fields = rooms("wire.http1"), rooms("wire.protocol"), rooms("http.fields")
    limits, errors = rooms("http.limits"), rooms("http.errors")
    tables = [fields.FieldTable(limits.Limits(**each)) for each in LIMITS]
    protocol_of, need, request_event, end_event = http1.HTTP1, events.NEED_DATA, events.REQUEST, events.END
    http_error = errors.HTTPError

    def run(pieces: list[bytes], choice: int) -> object:
        protocol = protocol_of(tables[choice % len(tables)], bool(choice & 64), bool(choice & 128))
        events: list[object] = []
        try:
            for piece in pieces:
                protocol.receive(piece)
                while (event := protocol.next_event()) != need:
                    request = protocol.request
                    if event == request_event:
                        events.append((
                            request.method, request.uri, request.path, request.query, request.version,
                            request.headers, request.content_length, request.chunked, request.close, request.host,
                            request.authority, request.upgrade, request.scheme, request.expect_continue,
                            request.proxy_info,
                        ))
                        if request.content_length == 0:
                            protocol.next_request()
                    elif event == end_event:
                        events.append(request.trailers)
                        protocol.next_request()
                    else:
                        events.append(protocol.data)
                assert 0 <= protocol.position <= len(protocol.buffer)
        except http_error as error:
            events.append((type(error).__name__, repr(error.detail)))
            assert len(events[-1][1]) < 500 or "X" in events[-1][1]  # type: ignore[index]
        return events

    return run
