"""Where one who looks into the server, or has something to tell it, is received: in the master's own loop."""

from __future__ import annotations

import time
from collections.abc import Iterable

from gunicorn.control.server import Endpoint, Server
from gunicorn.control.view import ServerView
from gunicorn.unix.interest import Interest

from .history import History
from .overview import view_of
from .state import MasterState

__all__ = ["Reception"]


class Reception:
    """The conversations of `master`, and what they may see and do. `interest` is what the master's loop sleeps on."""

    def __init__(self, master: MasterState, interest: Interest, history: History) -> None:
        self._master = master
        self._history = history
        self._started_at = time.monotonic()
        self._server = Server(interest, lambda: master.log)
        # Whether no new clients should come, by a command.
        self.draining = False

    def view(self) -> ServerView:
        """The server of now."""
        return view_of(self._master, self._history, self._started_at, self.draining)

    def receive_at(self, endpoint: Endpoint) -> None:
        """Receive there from now on."""
        self._server.add(endpoint)

    def shut(self, endpoint: Endpoint) -> None:
        """Close a listener, and the connections that came by it."""
        self._server.remove(endpoint)

    # In the loop.

    @property
    def due(self) -> float | None:
        """The monotonic moment of the next turn that this wants; None: none."""
        return self._server.due

    def take(self, events: Iterable[tuple[int, int]]) -> None:
        """Hear what was said, and answer what can be answered at once."""
        self._server.take(events)

    def settle(self) -> None:
        """The master has acted: answer those who wait for that."""
        self._server.settle()

    def close(self) -> None:
        """Close everything here; also in a child, to which nothing of it belongs."""
        self._server.close()
