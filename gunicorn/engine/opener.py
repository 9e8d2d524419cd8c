"""What the engine makes of what it has accepted."""

from __future__ import annotations

from gunicorn.http.fields import FieldTable

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
