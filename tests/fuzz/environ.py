"""An environ says what octets, connection and settings say, in strings of an octet a character, or is an HTTPError."""

from __future__ import annotations

import socket
from typing import Any

from tests.fuzz.rooms import Rooms
from tests.system.wire import requests

SPECIMENS = [
    case.data for table in (requests.TARGETS, requests.FIELDS, requests.HOSTS, requests.HEADER_MAP, requests.SCHEME)
    for case in table if case.status == 200 and len(case.data) < 500
] + [
    b"GET /app/%41%zz?q HTTP/1.1\r\nHost: a:81\r\nSCRIPT_NAME: /app\r\nX: 1\r\nX: 2\r\n\r\n",
    b"PROXY TCP4 203.0.113.9 198.51.100.1 1 2\r\nGET /a HTTP/1.0\r\nX-Forwarded-For: 203.0.113.8, 10.0.0.1\r\n\r\n",
    b"GET /app HTTP/1.1\r\nHost: [::1]\r\nForwarded: for=\"[2001:db8::1]:99\", for=10.0.0.1\r\n\r\n",
]
WORDS = [b"/app", b"/app/", b"%2F", b"%61", b"%", b"?", b"SCRIPT_NAME: /app\r\n", b"Script-Name: /x\r\n",
         b"X: y\r\n", b"X_Y: z\r\n", b"X-Y: z\r\n", b"Content-Type: a/b\r\n", b"Content_Type: c\r\n",
         b"X-Forwarded-For: 1.2.3.4\r\n", b"X-Forwarded-Proto: https\r\n", b"Host: b\r\n",
         b"PROXY TCP6 ::1 ::2 3 4\r\n", b"HTTP/1.0", b"\xe9"]
OBJECTS = ("wsgi.input", "gunicorn.socket", "gunicorn.client_disconnected", "wsgi.early_hints")
LIMITS: list[dict[str, Any]] = [
    {}, {"header_map": "dangerous"}, {"proxy_protocol": "auto", "permit_missing_proxy_header": True},
    {"secure_scheme_headers": (("X-FORWARDED-PROTO", "https"),), "forwarder_headers": frozenset({"*"})},
]


class Address:
    """A listening socket as far as a listener asks: where it listens."""

    def __init__(self, family: int, name: Any) -> None:
        self.family = family
        self.name = name

    def fileno(self) -> int:
        return 10_000 + self.family

    def getsockname(self) -> Any:
        return self.name

    def setblocking(self, blocking: bool) -> None:
        pass

    def setsockopt(self, *arguments: int) -> None:
        pass


ADDRESSES = (
    (Address(socket.AF_INET, ("127.0.0.1", 80)), ("192.0.2.1", 4711)), (Address(socket.AF_UNIX, "/run/a"), ""),
)


def make(rooms: Rooms) -> Any:
    http1, events, fields = rooms("wire.http1"), rooms("wire.protocol"), rooms("http.fields")
    limits, errors = rooms("http.limits"), rooms("http.errors")
    settings, forwarded = rooms("engine.settings"), rooms("http.forwarded")
    builder_of, http_error = rooms("wsgi.environ").EnvironBuilder, errors.HTTPError
    peers = rooms("http.peers").Peers(["192.0.2.1", "10.0.0.0/8"])
    engine = rooms("engine.engine").Engine(
        rooms("drivers.opener").HTTPOpener(), rooms("engine.handler").Handler(), settings.Settings(), limits.Limits(),
        peers, peers)
    listener_of = rooms("engine.listener").Listener
    tables = [fields.FieldTable(limits.Limits(**each)) for each in LIMITS]
    served: list[Any] = []
    for script_name in ("", "/app"):
        for kind in ("", "x-forwarded-for", "forwarded", "x-forwarded-for"):
            builder = builder_of({"wsgi.version": (1, 0)}, script_name, None)
            if kind:
                builder.forwarded = forwarded.Forwarded(kind, 0, peers)
            for address, peer in ADDRESSES:
                # A connection has one gateway, and keeps what that has made for it. No descriptor has these numbers:
                # nobody drives the engine, so nothing is read, written or closed.
                served.append((builder, engine.open(20_000 + len(served), peer, listener_of(address))))

    def run(pieces: list[bytes], choice: int) -> object:
        protocol = http1.HTTP1(tables[choice % len(tables)], bool(choice & 64), True)
        builder, connection = served[(choice >> 7) % len(served)]
        # The first request of a connection, or one that shares what is the same in all of them.
        connection.number = 1 + (choice >> 4 & 1)
        try:
            for piece in pieces:
                protocol.receive(piece)
                if protocol.next_event() == events.REQUEST:
                    break
            request = protocol.request
            if request is None:
                return None
            environ = builder.build(connection, request)
        except http_error as error:
            return type(error).__name__, repr(error.detail)
        found = {name: value for name, value in environ.items() if name not in OBJECTS}
        for name, value in found.items():
            assert type(name) is str
            if type(value) is str:
                value.encode("latin-1")
            else:
                assert name == "wsgi.version"
        sent = {field.variable for field, _ in request.fields} | {"HTTP_HOST"}
        of_fields = {name for name in found if name.startswith("HTTP_") or name in ("CONTENT_TYPE", "CONTENT_LENGTH")}
        assert of_fields <= sent
        if "%" not in request.path and request.path != "*":
            assert found["SCRIPT_NAME"] + found["PATH_INFO"] == request.path
        return sorted((name, repr(value)) for name, value in found.items())

    return run
