"""A body in chunks is what its framing says or an HTTPError, and no octet of it comes from anywhere else."""

from __future__ import annotations

from typing import Any

from tests.fuzz.rooms import Rooms
from tests.system.wire import bodies

SPECIMENS = [case.data.partition(b"\r\n\r\n")[2] for case in bodies.CHUNKS if len(case.data) < 1000]
WORDS = [b"0\r\n", b"1;a=b\r\n", b"FFFFFFFFFFFFFFFF\r\n", b"7fffffffffffffff\r\n", b'"', b";", b"=", b"\\", b"a" * 40,
         b"000000000000000000000000\r\n", b"5\r\nabcde\r\n", b"X: y\r\n"]


def make(rooms: Rooms) -> Any:
    body, fields, limits = rooms("wire.http1_body"), rooms("http.fields"), rooms("http.limits")
    message, errors = rooms("http.request"), rooms("http.errors")
    tables = [fields.FieldTable(limits.Limits(body=most)) for most in (0, 20, 1 << 40)]
    http_error = errors.HTTPError

    def run(pieces: list[bytes], choice: int) -> object:
        request = message.Request()
        reader = body.ChunkedBody(request, tables[choice % 3], False)
        before = bytes(choice & 7)
        data, found, size = b"", [], 0
        try:
            for piece in pieces:
                data += piece
                if not data:
                    continue
                stop = reader.decode(before + data + b"behind", len(before), len(before) + len(data)) - len(before)
                assert 0 <= stop <= len(data)
                content = reader.piece
                size += len(content)
                found.append(content)
                data = data[stop:]
                if reader.complete:
                    break
            assert size <= reader.taken
        except http_error as error:
            return found, type(error).__name__, repr(error.detail)
        return found, reader.complete, reader.taken, request.trailers, len(data)

    return run
