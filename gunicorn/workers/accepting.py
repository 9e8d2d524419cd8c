"""The methods of a worker that accepts its connections one by one and gives each to `handle`.

Our own sync worker serves by its engine and calls none of them. A subclass that replaces one wants to be called where
it stands: such a worker runs the loop that these methods make.
"""

from __future__ import annotations

import os
import select
import signal
from contextlib import nullcontext

from gunicorn.tls.entrance import check_guest
from gunicorn.unix.process import close_on_exec

from .base import Worker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from socket import socket

    from gunicorn._types import Peer
    from gunicorn.blocking.request import Request
    from gunicorn.unix.sockets import BaseSocket

__all__ = ["Accepting", "StopWaiting", "is_replaced"]

# The longest wait of a worker that no `timeout` asks for a sign of life.
LONGEST_WAIT = 0.5

_LOOP = ("accept", "handle", "run_for_multiple", "run_for_one", "wait")


class StopWaiting(Exception):
    """The worker is to leave: there is nothing to wait for any more."""


def is_replaced(kind: type[Worker], original: type[Worker], names: tuple[str, ...] = _LOOP) -> bool:
    """Whether a class has methods of its own, or of somebody's patch, in the place of the original ones."""
    return any(getattr(kind, name) is not getattr(original, name) for name in names)


class Accepting(Worker):
    """One connection at a time, one request a connection."""

    # This loop has one way in for all listeners.
    honours_bind_options = False

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if is_replaced(cls, Accepting):
            cls.honours_bind_options = False

    def run_accepting(self) -> None:
        """Serve by `accept` and `handle` until the worker is told to stop."""
        check_guest(self.cfg)
        self.PIPE = list(os.pipe())
        try:
            for fd in self.PIPE:
                os.set_blocking(fd, False)
            # A signal ends the wait.
            signal.set_wakeup_fd(self.PIPE[1], warn_on_full_buffer=False)
            for listener in self.sockets:
                listener.setblocking(False)
            self.wait_fds: list[BaseSocket | int] = [*self.sockets, self.PIPE[0]]
            timeout = self.timeout or LONGEST_WAIT
            if len(self.sockets) > 1:
                self.run_for_multiple(timeout)
            else:
                self.run_for_one(timeout)
        finally:
            signal.set_wakeup_fd(-1)
            for fd in self.PIPE:
                os.close(fd)

    def run_for_one(self, timeout: float) -> None:
        """Serve the one listener."""
        self._serve_by_turns(timeout)

    def run_for_multiple(self, timeout: float) -> None:
        """Serve several listeners."""
        self._serve_by_turns(timeout)

    def _serve_by_turns(self, timeout: float) -> None:
        ready = self.sockets
        while self.alive:
            self.notify()
            served = False
            for listener in ready:
                try:
                    self.accept(listener)
                    served = True
                except (BlockingIOError, ConnectionAbortedError):
                    # A sibling took it, or the client has left again.
                    continue
            if served:
                # Others wait perhaps, and to ask them costs less than to ask who is there.
                continue
            if not self.is_parent_alive():
                return
            try:
                ready = self.wait(timeout) or self.sockets
            except StopWaiting:
                return

    def wait(self, timeout: float) -> list[BaseSocket]:
        """Wait until somebody connects, at most so many seconds; the listeners to look at.

        Raises StopWaiting when the worker is to leave.
        """
        self.notify()
        ready = select.select(self.wait_fds, [], [], timeout)[0]
        if self.PIPE[0] in ready:
            os.read(self.PIPE[0], 4096)
        if not self.alive:
            raise StopWaiting
        return [listener for listener in ready if not isinstance(listener, int)]

    def accept(self, listener: BaseSocket) -> None:
        """Take a connection and serve it. Raises BlockingIOError when nobody waits."""
        client, address = listener.accept()
        client.setblocking(True)
        close_on_exec(client.fileno())
        self.handle(listener, client, address)

    def handle(self, listener: BaseSocket, client: socket, addr: Peer) -> None:
        """Serve a request of the connection `client`, and close it."""
        from gunicorn.blocking.cycle import converse

        # A client that stays would be alone with this worker.
        converse(self, listener, client, addr, False, nullcontext)

    if TYPE_CHECKING:

        def handle_request(self, listener: BaseSocket, req: Request, client: socket, addr: Peer) -> object:
            """Serve one request: each worker type has its own."""

    def answer(self, listener: BaseSocket, req: Request, client: socket, addr: Peer) -> None:
        """Run the application for a request that `handle` has read."""
        from gunicorn.blocking.answering import answer

        answer(self, listener.getsockname(), req, client, addr, False, False)
