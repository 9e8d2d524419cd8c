"""The base of workers of third parties that have a loop of their own, and give each connection to `handle`.

The worker types of this package are no subclasses of it.
"""

from __future__ import annotations

from contextlib import nullcontext

from gunicorn.blocking.answering import ALREADY_HANDLED, answer
from gunicorn.blocking.cycle import converse

from .base import Worker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from socket import socket

    from gunicorn._types import Peer
    from gunicorn.blocking.request import Request
    from gunicorn.unix.sockets import BaseSocket

__all__ = ["ALREADY_HANDLED", "AsyncWorker"]


class AsyncWorker(Worker):
    """A subclass accepts in its `run` and calls `handle`, in a greenlet or thread a connection."""

    worker_connections: int

    if not TYPE_CHECKING:
        # Hidden from type checkers, so that they see what `Worker` takes.
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.worker_connections = self.cfg.worker_connections

    def timeout_ctx(self) -> AbstractContextManager[object]:
        """A context manager around the wait for a request. One that ends the wait ends the connection, too."""
        return nullcontext()

    def is_already_handled(self, respiter: object) -> bool:
        """Whether the application has answered on the socket by itself, which its result says."""
        return respiter is ALREADY_HANDLED

    def handle(self, listener: BaseSocket, client: socket, addr: Peer) -> None:
        """Serve the connection `client`, a socket that waits for its peer, until it ends; closes it."""
        converse(self, listener.getsockname(), client, addr, bool(self.cfg.keepalive), self.timeout_ctx)

    def handle_request(self, listener_name: Peer, req: Request, sock: socket, addr: Peer) -> bool:
        """Serve one request; whether the connection goes on."""
        return answer(self, listener_name, req, sock, addr, True, True)
