"""What responses see of their gateway."""

from __future__ import annotations

from gunicorn.engine.handler import Handler
from gunicorn.engine.state import EngineState
from gunicorn.http.response import FieldLines

from .prefixes import Prefixes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gunicorn.engine.exchange import Exchange

    from .request_ids import RequestIds


class GatewayState(Handler):
    """The part of a gateway that its responses share."""

    __slots__ = (
        "ends_at_once", "engine", "field_lines", "prefixes", "request_ids", "use_sendfile", "wait_readable",
        "wait_writable",
    )

    def __init__(self, server: bytes, use_sendfile: bool) -> None:
        # `attach` sets it, before the first request.
        self.engine: EngineState = None  # type: ignore[assignment]
        self.prefixes = Prefixes(server)
        self.field_lines = FieldLines()
        self.use_sendfile = use_sendfile
        # Nothing of the user's is called between the last octets of a response and the end of its connection, and no
        # other thread gets the interpreter.
        self.ends_at_once = False
        # Who gives requests their ids; None where they have none.
        self.request_ids: RequestIds | None = None
        # How the worker type waits for a client: callables that take the connection.
        self.wait_readable: Callable[[Exchange], None] = None  # type: ignore[assignment]
        self.wait_writable: Callable[[Exchange], None] = None  # type: ignore[assignment]

    def attach(self, engine: EngineState) -> None:
        """The engine whose requests come here. Read-only otherwise: C code goes through it without a look."""
        if engine is None:
            raise TypeError("an engine is needed")
        self.engine = engine
