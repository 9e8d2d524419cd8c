"""Where one who looks into the server, or has something to tell it, is received: in the master's own loop."""

from __future__ import annotations

import time
from collections.abc import Iterable

from gunicorn.control import place
from gunicorn.control.server import Endpoint, Server
from gunicorn.control.session import Session
from gunicorn.control.view import ServerView
from gunicorn.unix.interest import Interest

from .orders import Orders
from .overview import view_of
from .state import MasterState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn.config.config import Config
    from gunicorn.control.conversation import Peer

__all__ = ["Reception"]

OWNER_ONLY = 0o600


class Reception:
    """The conversations of `master`, and what they may see and do. `interest` is what the master's loop sleeps on."""

    def __init__(self, master: MasterState, interest: Interest) -> None:
        self._master = master
        self._started_at = time.monotonic()
        self._server = Server(interest, lambda: master.log)
        self.orders = Orders(master, self.view)
        self._control: tuple[place.Place, Endpoint] | None = None
        # The settings that the control socket was opened for.
        self._settings: tuple[object, ...] = ()

    def view(self) -> ServerView:
        """The server of now."""
        return view_of(self._master, self._started_at, self.orders.draining)

    def receive_at(self, endpoint: Endpoint) -> None:
        """Receive there from now on."""
        self._server.add(endpoint)

    def shut(self, endpoint: Endpoint) -> None:
        """Close a listener, and the connections that came by it."""
        self._server.remove(endpoint)

    def cut(self, endpoint: Endpoint) -> None:
        """Close the connections that came by a listener."""
        self._server.cut(endpoint)

    # In the loop.

    @property
    def due(self) -> float | None:
        """The monotonic moment of the next turn that this wants; None: none."""
        return self._server.due

    def take(self, events: Iterable[tuple[int, int]]) -> None:
        """Hear what was said, and answer what can be answered at once."""
        self._server.take(events)

    def take_signals(self) -> list[int]:
        """What was ordered by the name of a signal."""
        return self.orders.take_signals()

    def settle(self) -> None:
        """The master has acted: answer those who wait for that."""
        self._server.settle()

    # The control socket.

    def open(self) -> None:
        """Listen at the control socket, if there is to be one. Where it cannot be had, the server goes on without."""
        cfg, log = self._master.cfg, self._master.log
        self._settings = _settings(cfg)
        if cfg.control_socket_disable or not cfg.control_socket:
            return
        is_chosen = "control_socket" in cfg.sources
        mode = cfg.control_socket_mode
        try:
            found = place.claim(cfg.control_socket, mode, self._master.pid, is_chosen, bool(self._master.master_pid))
        except (OSError, ValueError) as error:
            say = log.error if is_chosen else log.debug
            say("No control socket: %s", error)
            return

        def converse(peer: Peer) -> Session:
            return Session(self.orders, peer, mode != OWNER_ONLY)

        endpoint = Endpoint(found.listener, converse)
        self._server.add(endpoint)
        self._control = found, endpoint
        log.info("Control socket listening at %s", found.path)

    def follow(self) -> None:
        """The configuration was read again: the socket moves where the settings have changed."""
        if _settings(self._master.cfg) != self._settings:
            self._leave()
            self.open()

    def promoted(self) -> None:
        """The other master is gone: its place is taken."""
        if self._control is None:
            return
        try:
            self._control[0].move_in(self._master.pid)
        except OSError as error:
            self._master.log.error("The control socket stays %s: %s", self._control[0].path, error)

    def _leave(self) -> None:
        control, self._control = self._control, None
        if control is not None:
            control[0].remove()
            self._server.remove(control[1])

    # The end.

    def end(self) -> None:
        """The server is at its end: who has wanted that is answered, nobody comes any more, and no file is left."""
        self._server.settle()
        self._leave()
        self._server.close()

    def put_down(self) -> None:
        """In a child, to which nothing of all this belongs."""
        self._control = None
        self._server.close()


def _settings(cfg: Config) -> tuple[object, ...]:
    return cfg.control_socket_disable, cfg.control_socket, cfg.control_socket_mode
