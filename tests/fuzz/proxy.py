"""A PROXY header names a client, says that more octets are needed, or is an HTTPError; nothing else comes of it."""

from __future__ import annotations

import ipaddress
from typing import Any

from tests.fuzz.rooms import Rooms
from tests.system.wire import bodies

SPECIMENS = [case.data for case in bodies.PROXY if len(case.data) < 400]
WORDS = [b"PROXY ", b"TCP4 ", b"TCP6 ", b"UNKNOWN", b"1.2.3.4 ", b"::1 ", b"fe80::1%lo ", b"65535", b"\x21\x11\x00\x0c",
         b"\x20\x00\x00\x00", b"\x21\x21\x00\x24", b"\x00", b"\r\n\r\n\x00\r\nQUIT\n", b"0x1.2.3.4 ", b"\xff\xff"]


def make(rooms: Rooms) -> Any:
    proxy, errors = rooms("wire.proxy_protocol"), rooms("http.errors")
    http_error = errors.HTTPError

    def run(pieces: list[bytes], choice: int) -> object:
        data, header = b"", None
        try:
            for piece in pieces:
                data += piece
                header = proxy.parse_proxy(data, ("v1", "v2", "auto")[choice % 3], bool(choice & 8))
                if header is not None:
                    break
        except http_error as error:
            return type(error).__name__, repr(error.detail)
        if header is None:
            assert len(data) < 5000
            return None
        assert 0 <= header.end <= len(data)
        info = header.info
        if info is not None:
            for name in ("client", "proxy"):
                ipaddress.ip_address(info[f"{name}_addr"])
                assert 0 <= info[f"{name}_port"] <= 65535
        return header.end, info

    return run
