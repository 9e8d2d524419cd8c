"""What the engine makes of what it has accepted."""

from __future__ import annotations

from gunicorn.http.errors import HTTPError
from gunicorn.http.fields import FieldTable
from gunicorn.http.request import Request

from .listener import Listener
from .state import EngineState
from .transport import Transport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Opener:
    """Knows the protocols: a driver for each connection."""

    __slots__ = ()

    def open(
        self, engine: EngineState, fd: int, peer: Any, listener: Listener, table: FieldTable, trusted: bool,
        may_proxy: bool,
    ) -> Transport:
        """What serves a connection. `trusted`: what the peer says of its clients is believed; `may_proxy`: it may begin
        with a header of the PROXY protocol."""
        raise NotImplementedError

    # Where a connection is to become one of another protocol than the one it was opened for.

    def negotiated(self, connection: Transport) -> None:
        """The TLS of a connection has settled on another protocol."""

    def serves_preface(self, connection: Transport, error: HTTPError) -> HTTPError | None:
        """The first octets of a connection were refused by `error`. None when they begin a protocol that is served
        from now on; otherwise the error to answer with."""
        return error

    def upgrades(self, connection: Transport, request: Request) -> bool:
        """Whether a whole request is answered in another protocol, which it asks for."""
        return False
