"""What the engine hands requests to."""

from __future__ import annotations

from gunicorn.http.errors import HTTPError
from gunicorn.http.response_head import Page

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gunicorn._types import Peer
    from gunicorn.http.request import Request


class Handler:
    """A gateway, as the engine sees it. It answers through the exchange, at once or later."""

    __slots__ = ()

    def handle(self, exchange: Any, request: Any) -> None:
        """A complete request, or its head with a body stream."""
        raise NotImplementedError

    def refused(self, exchange: Any, error: HTTPError) -> Page:
        """The answer to what cannot be served."""
        raise NotImplementedError

    def disconnected(self, exchange: Any) -> None:
        """The client of a running request has left, or has shut its side."""

    def connection_failed(self, exchange: Any, error: BaseException) -> None:
        """What serves this connection has raised what it should not: tell of it, and answer if that is possible.

        The engine ends the connection afterwards, and goes on with the others.
        """

    def body_is_wrong(self, exchange: Any, error: HTTPError) -> None:
        """The streamed body of a running request breaks the rules: its reader is told that it ends here."""

    def tell(self, peer: Peer, protocol: str, what: str) -> None:
        """For the log, of a client: it breaks the rules of the protocol that it speaks, or wants what it may not, and
        gets no answer that says so."""

    def streams(self, request: Request) -> bool:
        """Whether this request is handed on before its body is there: asked where the worker type wants it so."""
        return True

    def answers(self, request: Request) -> bool:
        """Whether this request is answered at once by its head alone: asked where no more may run, and where the client
        waits to be asked for the body."""
        return False

    def answered(self) -> int:
        """How many running requests have their whole response and are ended in a moment, by another thread."""
        return 0

    def unfinished(self) -> bool:
        """Whether there is work that can wait until no request does."""
        return False

    def idle(self) -> None:
        """Do that work: nothing else is to be done now."""

    def writable(self, exchange: Any) -> None:
        """A running request may write again, or never (`broken`)."""
