"""The base of workers of third parties that have a loop of their own, and give each connection to `handle`.

The worker types of this package are no subclasses of it.
"""

from __future__ import annotations

from contextlib import nullcontext

from gunicorn.blocking.cycle import ALREADY_HANDLED, answer, converse

from .base import Worker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["ALREADY_HANDLED", "AsyncWorker"]


class AsyncWorker(Worker):
    """A subclass accepts in its `run` and calls `handle`, in a greenlet or thread a connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.worker_connections: int = self.cfg.worker_connections

    def timeout_ctx(self) -> Any:
        """A context manager around the wait for a request. One that ends the wait ends the connection, too."""
        return nullcontext()

    def is_already_handled(self, respiter: Any) -> bool:
        """Whether the application has answered on the socket by itself, which its result says."""
        return respiter is ALREADY_HANDLED

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Serve the connection `client`, a socket that waits for its peer, until it ends; closes it."""
        converse(self, listener.getsockname(), client, addr, bool(self.cfg.keepalive), self.timeout_ctx)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> bool:
        """Serve one request; whether the connection goes on."""
        return answer(self, listener_name, req, sock, addr, True, True)
