"""Which connections a process takes, and when: new ones from its listeners, waiting ones from the parking place.

It takes none while it has as many as it may have, while the system has no descriptor or memory for another one, and
while it is told to leave them to others; and no more when it stops.
"""

from __future__ import annotations

import errno

from gunicorn.errors import OwnSignal
from gunicorn.unix.unpatched import select

from ._leaf import READABLE, accept, is_readable
from ._leaf import close as close_descriptor
from .connections import Connections
from .listener import Listener
from .parking import Parked
from .settings import LAST_LINGER_SECONDS
from .share import HANDSHAKE_PATIENCE_MILLISECONDS, PATIENCE_MILLISECONDS
from .transport import Transport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from gunicorn._types import Peer

# At the end all that wait are taken, and a queue is hardly longer; where neighbours serve on, only a few, which would
# be lost if this were the last copy of a socket after all.
MOST_DRAINED = 4096
FEW_DRAINED = 16
# So often what a client of TLS says comes behind our words: the end of its handshake, and its request.
MOST_FLIGHTS = 3
# Events of a turn that goes on.
SEVERAL = 2
# accept() fails for lack of descriptors or memory: trying again at once would burn the processor.
_SCARCE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Intake(Connections):
    """Takes connections on, and begins to serve them."""

    __slots__ = (
        "held", "lacked", "limit", "listener_at", "listeners", "listening", "parked_first", "parked_ready",
        "parked_watched", "ready_listeners", "scarce",
    )

    def begin_intake(self, limit: int) -> None:
        """This part of what `__init__` would do."""
        # The most connections at a time; 0: any number.
        self.limit = limit
        self.listeners: list[Listener] = []
        self.listener_at: dict[int, Listener] = {}
        # Those for which somebody waits in this turn.
        self.ready_listeners: list[Listener] = []
        # The listeners are watched; what forbids it: a lack of descriptors, an order.
        self.listening = False
        self.scarce = False
        self.held = False
        # There was such a lack; who tells of it takes that back.
        self.lacked = False
        # Parked connections can be taken up; whether they come before new ones in this turn.
        self.parked_watched = False
        self.parked_ready = False
        self.parked_first = False

    # What is watched.

    def listen(self, listeners: Iterable[Any]) -> None:
        """Begin to accept on these sockets."""
        self.listeners = [Listener(sock) for sock in listeners]
        self.listener_at = {listener.fd: listener for listener in self.listeners}
        self._watch_listeners()

    def _watch_listeners(self) -> None:
        for listener in self.listeners:
            if not listener.watched:
                self.poller.add_listener(listener.fd)
                listener.watched = True
        self._watch_parking()
        self.listening = True

    def _watch_parking(self) -> None:
        if self.parking.fd >= 0 and not self.parked_watched:
            self.poller.add_listener(self.parking.fd)
            self.parked_watched = True

    def _pause_listeners(self) -> None:
        for listener in self.listeners:
            if listener.watched:
                listener.watched = False
                self.poller.remove(listener.fd)
        self.ready_listeners.clear()
        self._pause_parking()
        self.listening = False

    def _pause_parking(self) -> None:
        if self.parked_watched:
            self.parked_watched = False
            self.poller.remove(self.parking.fd)
        self.parked_ready = False

    def _resume_listeners(self) -> None:
        full = self.limit and self.count >= self.limit
        if not (self.listening or self.stopped or self.scarce or self.held or full):
            try:
                self._watch_listeners()
            except OSError:
                # No place in the poller's set.
                self._run_short()

    def _run_short(self) -> None:
        """The next sweep tries again; connections wait in the kernel till then."""
        self.scarce = self.lacked = True
        self._pause_listeners()

    def hold_accepting(self) -> None:
        """Leave new connections in the kernel's queue, or to a neighbour, until `resume_accepting`."""
        self.held = True
        self._pause_listeners()

    def resume_accepting(self) -> None:
        """Accept again, if nothing else forbids it."""
        self.held = False
        self._resume_listeners()

    def look_for_room(self) -> None:
        """Some time has passed: the system may have descriptors again."""
        if self.scarce and not self.stopped:
            self.scarce = False
            self._resume_listeners()

    def open(self, fd: int, peer: Peer, listener: Listener) -> Transport:
        """Take on a connected, non-blocking socket; `process` begins to serve it."""
        connection = Connections.open(self, fd, peer, listener)
        if self.limit and self.count >= self.limit and self.listening:
            self._pause_listeners()
        return connection

    def forget(self, connection: Transport, fd: int) -> None:
        """A connection is being closed."""
        Connections.forget(self, connection, fd)
        if not self.listening:
            self._resume_listeners()

    # What is taken in a turn.

    def take_waiting(self) -> None:
        """Take on clients that wait. Some may have a connection, and others wait for one: by turns, where a turn
        serves only one."""
        if not self.parked_ready:
            self._accept_ready()
            return
        self.parked_ready = False
        self.parked_first = not self.parked_first
        taken = self._take_parked() if self.parked_first or not self.ready_listeners else 0
        if taken and not self.share.accepts_more(taken, self.now):
            self.ready_listeners.clear()
        if self.ready_listeners:
            self._accept_ready()

    def _accept_ready(self) -> None:
        listeners, self.ready_listeners = self.ready_listeners, []
        for listener in listeners:
            taken = 0
            while self.listening and self._accept(listener):
                taken += 1
                # To accept where nobody waits costs ten times as much as to ask.
                if not self.share.accepts_more(taken, self.now) or not is_readable(listener.fd):
                    break

    def _accept(self, listener: Listener) -> bool:
        """Take one connection, and serve it at once if its request is here already."""
        try:
            accepted = accept(listener.sock, listener.fd)
        except OSError as error:
            # Anything else is the fate of that one connection before it was ours (accept(2), "Error handling").
            if error.errno in _SCARCE:
                self._run_short()
            return False
        if accepted is None:
            return False
        self._take_on(accepted[0], accepted[1], listener, None)
        return True

    def _take_parked(self) -> int:
        """Take up parked connections on which something has come; how many there were."""
        taken = 0
        while self.parked_watched and self._take_up():
            taken += 1
            if not self.share.accepts_more(taken, self.now):
                break
        return taken

    def _take_up(self) -> bool:
        found = self.parking.take()
        if found is None:
            if self.parking.ended:
                self._pause_parking()
                self.parking.close()
            return False
        fd, parked = found
        listener = self._listener_named(parked.listener)
        if listener is None:
            # A reload has taken it away.
            close_descriptor(fd)
            return True
        self.share.heard(parked.parks_until)
        self._take_on(fd, parked.peer, listener, parked)
        return True

    def _listener_named(self, name: str) -> Listener | None:
        for listener in self.listeners:
            if listener.name == name:
                return listener
        return None

    # What is taken on.

    def _take_on(self, fd: int, peer: Peer, listener: Listener, parked: Parked | None) -> None:
        """A connection of ours from here on, whatever becomes of it."""
        connection = None
        try:
            connection = self.open(fd, peer, listener)
            if parked is not None:
                self._resume(connection, parked)
            elif self.stopped:
                # The listener must be closed before more comes: this one is served later.
                connection.take_turn()
            else:
                self._begin(connection, listener)
        except OwnSignal:
            raise
        except BaseException as error:  # noqa: BLE001  # the boundary around one connection
            self._not_taken(fd, connection, error)

    def _begin(self, connection: Transport, listener: Listener) -> None:
        if self.share.is_slow(self.now):
            self._begin_in_turn(connection)
        elif listener.looks():
            connection.process()
            listener.looked(connection.active)
        else:
            connection.watch()

    def _begin_in_turn(self, connection: Transport) -> None:
        """What has been accepted is served next, before another slow request."""
        if self.share.awaits_request(self.now):
            self._comes(connection.fd, False)
        connection.process()
        if connection.is_greeted() and self.share.awaits_request(self.now):
            self._await_handshake(connection)

    def _resume(self, connection: Transport, parked: Parked) -> None:
        connection.resume(parked)
        if self.stopped:
            connection.shorten(self.now + self.keepalive, self.now + LAST_LINGER_SECONDS)
        connection.process()

    def _not_taken(self, fd: int, connection: Transport | None, error: BaseException) -> None:
        """What was accepted could not be taken on, or not be served."""
        if connection is None and fd < len(self.connections):
            connection = self.connections[fd]
        if connection is not None:
            self.failed(connection, error)
        else:
            close_descriptor(fd)

    def _await_handshake(self, connection: Transport) -> None:
        """Go on with a handshake until the request is served that comes behind it. Who waited for its next part beside
        other work would let the client wait for two slow requests, before its own part and behind it."""
        for _ in range(MOST_FLIGHTS):
            if not connection.is_greeted() or not self._comes(connection.fd, True):
                break
            connection.on_event(READABLE)

    def _comes(self, fd: int, greeted: bool) -> bool:
        """What is on its way comes a moment later: let it; whether it has."""
        looker = select.poll()
        looker.register(fd, select.POLLIN)
        came = looker.poll(HANDSHAKE_PATIENCE_MILLISECONDS if greeted else PATIENCE_MILLISECONDS)
        # Neither is the wait a part of the request, nor has the application waited.
        self.share.turn(SEVERAL, self.tick())
        if not came:
            self.share.was_silent(self.now, greeted)
        return bool(came)

    # The end.

    def stop_accepting(self, neighbours: bool = False) -> None:
        """Accept what waits in the kernel's queue, then no more. Answers say `Connection: close` from now on.

        `neighbours`: others accept from the same sockets, and are quicker than a process that leaves.

        The listeners are closed: while one of them is open in any process, the kernel goes on completing connections
        that nobody will take, and resets them in the end.
        """
        if self.stopped:
            return
        self.closing = self.stopped = True
        self._pause_listeners()
        for listener in self.listeners:
            self._drain(listener, FEW_DRAINED if neighbours and not listener.own else MOST_DRAINED)
            listener.sock.close()
        if neighbours:
            # Who is parked there is theirs.
            self.parking.close()
        else:
            self._watch_parking()

    def _drain(self, listener: Listener, most: int) -> None:
        """Take what waits in the kernel's queue."""
        for _ in range(most):
            try:
                accepted = accept(listener.sock, listener.fd)
            except OSError:
                return
            if accepted is None:
                return
            self._take_on(accepted[0], accepted[1], listener, None)
