"""What comes on a connection of uwsgi, SCGI or FastCGI becomes requests or an HTTPError, the same in both builds."""

from __future__ import annotations

from typing import Any

from tests.fuzz.rooms import Rooms
from tests.support import cgi
from tests.support.cgi import PACKERS, VARIABLES, changed

POST = changed(("REQUEST_METHOD", "POST"), ("CONTENT_LENGTH", "3"))
FEW = [("REQUEST_METHOD", "GET"), ("REQUEST_URI", "/m/x?a"), ("SCRIPT_NAME", "/m"), ("PATH_INFO", "/x")]
SPECIMENS = [
    *[pack(pairs, body) for pack in PACKERS.values() for pairs, body in ((VARIABLES, b""), (POST, b"abc"), (FEW, b""))],
    cgi.uwsgi(FEW, modifier=30),
    cgi.fastcgi(POST, b"abc", 1, True) + cgi.fastcgi(FEW, b"", 2, True) + cgi.fastcgi(POST, b"abc"),
    cgi.record(9, cgi.pair_of(b"FCGI_MPXS_CONNS", b""), 0) + cgi.fastcgi(FEW, b"abc"),
]
WORDS = [
    b"REQUEST_METHOD", b"REQUEST_URI", b"PATH_INFO", b"SCRIPT_NAME", b"CONTENT_LENGTH", b"HTTP_HOST", b"HTTP_X",
    b"\x80\0\0\1", b"\xff\xff\xff\xff", b"\xff\xff", cgi.begin(), cgi.begin(2), cgi.record(4), cgi.record(5), b"70:",
    b",", b"\0\0", cgi.record(2), cgi.record(77, b"a", 0), b"\3\0\1\0", b"\x14\0REQUEST_SCHEME\5\0https",
    b"GET / HTTP/1.1\r\n",
]
#: Which of the three begins so; SCGI otherwise.
OF_FIRST = {b"\0": 0, b"\x1e": 0, b"\1": 2}
LIMITS: list[dict[str, Any]] = [
    {}, {"header_map": "dangerous", "casefold_http_method": True}, {"request_line": 40, "fields": 2, "body": 2},
    {"secure_scheme_headers": (("X-Any", "thing"),), "field_size": 20, "head": 40},
]


def make(rooms: Rooms) -> Any:
    protocol, errors = rooms("wire.protocol"), rooms("http.errors")
    fields, limits, variables = rooms("http.fields"), rooms("http.limits"), rooms("http.variables")
    kinds = [rooms("wire.uwsgi").Uwsgi, rooms("wire.scgi").Scgi, rooms("wire.fastcgi").FastCGI]
    tables = [variables.VariableTable(fields.FieldTable(limits.Limits(**each))) for each in LIMITS]
    need, request_event, reply_event, end_event = protocol.NEED_DATA, protocol.REQUEST, protocol.REPLY, protocol.END
    http_error = errors.HTTPError

    def run(pieces: list[bytes], choice: int) -> object:
        # Most often that which it is like.
        kind = OF_FIRST.get(pieces[0][:1], 1) if choice & 3 else choice % 3
        reader = kinds[kind](tables[(choice >> 4) % len(tables)])
        events: list[object] = []
        size = 0
        try:
            for piece in pieces:
                reader.receive(piece)
                while (event := reader.next_event()) != need:
                    request = reader.request
                    if event == request_event:
                        events.append((
                            request.method, request.uri, request.path, request.query, request.version, request.headers,
                            request.content_length, request.chunked, request.close, request.host, request.scheme,
                            request.variables,
                        ))
                        size = 0
                        assert request.variables["PATH_INFO"] == "" or request.variables["PATH_INFO"][0] in "/*"
                        assert request.upgrade is None
                    elif event == reply_event:
                        events.append(reader.reply)
                    elif event == end_event:
                        assert request.content_length in (-1, size)
                    else:
                        size += len(reader.data)
                        events.append(reader.data)
                    if not reader.has_unread_body() and event in (request_event, end_event) and kind == 2:
                        reader.next_request()
                assert 0 <= reader.position <= len(reader.buffer)
        except http_error as error:
            events.append((type(error).__name__, repr(error.detail), reader.manner))
            assert len(events[-1][1]) < 500  # type: ignore[index]
        return events

    return run
