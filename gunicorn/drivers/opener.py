"""Which driver serves a connection: HTTP/1, in TLS or without."""

from __future__ import annotations

from gunicorn.engine.listener import Listener
from gunicorn.engine.opener import Opener
from gunicorn.engine.state import EngineState
from gunicorn.engine.transport import Transport
from gunicorn.http.fields import FieldTable
from gunicorn.wire.http1 import HTTP1

from .http1 import Connection
from .secure import SecureConnection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class HTTPOpener(Opener):
    """HTTP on every listener; one with a terminator makes connections that speak TLS."""

    __slots__ = ()

    def open(
        self, engine: EngineState, fd: int, peer: Any, listener: Listener, table: FieldTable, trusted: bool,
        may_proxy: bool,
    ) -> Transport:
        protocol = HTTP1.__new__(HTTP1)
        protocol.begin(table, trusted, may_proxy)
        connection: Connection
        if listener.terminator is None:
            connection = Connection.__new__(Connection)
        else:
            secure = SecureConnection.__new__(SecureConnection)
            secure.tls = listener.terminator.open()
            connection = secure
        connection.begin(engine, fd, peer, listener, protocol)
        return connection
