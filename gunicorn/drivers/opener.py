"""Which driver serves a connection: HTTP/1, in TLS or without, HTTP/2 where it begins, or what the listener says."""

from __future__ import annotations

from gunicorn.engine.listener import Listener
from gunicorn.engine.opener import Opener
from gunicorn.engine.state import EngineState
from gunicorn.engine.transport import Transport
from gunicorn.http.errors import (
    AnotherProtocol,
    HTTP2NotServed,
    HTTPError,
    InvalidRequestLine,
    UnsupportedHTTPVersion,
)
from gunicorn.http.fields import FieldTable
from gunicorn.http.request import Request
from gunicorn.wire.http1 import HTTP1
from gunicorn.wire.looks import HTTP, looks_like

from .http1 import Connection
from .secure import SecureConnection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


# What the preface of HTTP/2 looks like to HTTP/1 (RFC 9113 section 3.4), and what is said where it begins nothing.
PREFACE_LINE = b"PRI * HTTP/2.0\r\n"
NOT_ALLOWED = "HTTP/2 without TLS, which http2_cleartext does not allow"


class Entry:
    """Where a connection of HTTP/1 becomes one of HTTP/2: as it stands here, nowhere."""

    __slots__ = ()

    #: Whether it may inside TLS, by ALPN.
    negotiates = False

    def negotiated(self, connection: Connection) -> None:
        """ALPN has settled on HTTP/2."""

    def serves_preface(self, connection: Connection, error: HTTPError) -> HTTPError | None:
        """A connection has begun with something that is not HTTP/1, which is `error`. None when it is HTTP/2, and is
        served as that from now on; otherwise the error that tells why not."""
        if isinstance(error, UnsupportedHTTPVersion) and connection.protocol.begins_with(PREFACE_LINE):
            return HTTP2NotServed(NOT_ALLOWED)
        return error

    def upgrades(self, connection: Connection, request: Request) -> bool:
        """Whether a request that is whole asks for HTTP/2 and gets its answer there. Raises `ClientDisconnected`."""
        return False


class HTTPOpener(Opener):
    """HTTP on every listener, but for those of `others`, by their descriptors; one with a terminator makes connections
    that speak TLS."""

    __slots__ = ("entry", "others")

    def __init__(self, entry: Entry | None = None, others: dict[int, Opener] | None = None) -> None:
        self.entry = Entry() if entry is None else entry
        self.others = {} if others is None else others

    def open(
        self, engine: EngineState, fd: int, peer: Any, listener: Listener, table: FieldTable, trusted: bool,
        may_proxy: bool,
    ) -> Transport:
        other = self.others.get(listener.fd) if self.others else None
        if other is not None:
            return other.open(engine, fd, peer, listener, table, trusted, may_proxy)
        protocol = HTTP1.__new__(HTTP1)
        protocol.begin(table, trusted, may_proxy)
        connection: Connection
        if listener.terminator is None:
            connection = Connection.__new__(Connection)
        else:
            secure = SecureConnection.__new__(SecureConnection)
            secure.tls = listener.terminator.open()
            secure.settled = not self.entry.negotiates
            connection = secure
        connection.begin(engine, fd, peer, listener, protocol)
        connection.opener = self
        return connection

    def negotiated(self, connection: Transport) -> None:
        if isinstance(connection, Connection):
            self.entry.negotiated(connection)

    def serves_preface(self, connection: Transport, error: HTTPError) -> HTTPError | None:
        if not isinstance(connection, Connection):
            return error
        told = self.entry.serves_preface(connection, error)
        if type(told) is InvalidRequestLine:
            looks = looks_like(connection.protocol.first_octets())
            if looks and looks != HTTP:
                return AnotherProtocol(f"{looks} on a port for HTTP")
        return told

    def upgrades(self, connection: Transport, request: Request) -> bool:
        return isinstance(connection, Connection) and self.entry.upgrades(connection, request)
