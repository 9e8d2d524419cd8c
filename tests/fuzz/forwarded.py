"""What a proxy says of its client is an address or nothing, whatever stands in the field."""

from __future__ import annotations

from typing import Any

from tests.fuzz.rooms import Rooms

SPECIMENS = [
    b"192.0.2.1", b"192.0.2.1, 10.0.0.1", b"[2001:db8::1]:4711, 127.0.0.1", b"2001:db8::1", b"unknown, 10.0.0.1:80",
    b"",
    b"for=192.0.2.1", b'for="[2001:db8::1]:4711";proto=https, for=10.0.0.1;by=203.0.113.43', b'For="_gazonk"',
    b"for=192.0.2.43, for=198.51.100.17;host=a", b'for="a\\"b", for=unknown', b",,,", b"10.0.0.1," * 80,
]
WORDS = [b"for=", b"proto=", b";", b",", b'"', b"\\", b"[", b"]", b":", b"%eth0", b"::", b"10.0.0.1", b"999.1.1.1",
         b"65536", b"_x"]


def make(rooms: Rooms) -> Any:
    forwarded, peers_of = rooms("http.forwarded"), rooms("http.peers")
    message, fields = rooms("http.request"), rooms("http.fields")
    peers = peers_of.Peers(["127.0.0.1", "10.0.0.0/8"])
    readers = [
        forwarded.Forwarded(name, hops, peers) for name in ("x-forwarded-for", "forwarded") for hops in (0, 1, 3)
    ]
    names = [fields.FieldName(name, 0, "") for name in (b"X-Forwarded-For", b"Forwarded")]

    def run(pieces: list[bytes], choice: int) -> object:
        request = message.Request()
        request.fields = [(names[choice % 6 // 3], str(piece, "latin-1")) for piece in pieces]
        found = readers[choice % 6].client(request)
        if found is not None:
            assert 0 <= found[1] <= 99999
            assert len(found[0]) < 100
        return found

    return run
