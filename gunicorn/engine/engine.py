"""The loop of one process: poll, serve what is ready, accept when nothing is, and look at deadlines once a second.

`poll` does one turn and can be called by a worker in a loop, or by a host loop whenever the descriptor `fileno()` is
readable. The `Handler` is given every complete request.
"""

from __future__ import annotations

import errno
import os

from gunicorn.errors import OwnSignal
from gunicorn.http.fields import FieldTable
from gunicorn.http.limits import Limits
from gunicorn.http.peers import Peers
from gunicorn.unix.unpatched import read, select, write

from ._leaf import READABLE, Poller, accept, monotonic, show_connections
from ._leaf import close as close_descriptor
from .exchange import Exchange
from .handler import Handler
from .listener import Listener
from .opener import Opener
from .settings import LAST_LINGER_SECONDS, Settings
from .share import HANDSHAKE_PATIENCE_MILLISECONDS, PATIENCE_MILLISECONDS, Share
from .state import EngineState, NoGuard
from .transport import Transport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from gunicorn._types import Clock, Peer

# At the end all that wait are taken, and a queue is hardly longer; where neighbours serve on, only a few, which would
# be lost if this were the last copy of a socket after all.
MOST_DRAINED = 4096
FEW_DRAINED = 16
SWEEP_SECONDS = 1.0
# Where somebody has set a limit of a few seconds, which should be kept to a quarter of one.
SHORT_LIMIT = 5.0
SHORT_SWEEP_SECONDS = 0.15
# So long at most what there is to send waits in a turn for that of other connections.
DELAY_SECONDS = 0.001
# Where an event takes less than this, a client of many connections has hardly the time to fall asleep.
PACE_SECONDS = 0.00002
# So long nothing must come before the moment counts as a quiet one.
QUIET_SECONDS = 0.02
REMEMBERED_PEERS = 1024
# So often what a client of TLS says comes behind our words: the end of its handshake, and its request.
MOST_FLIGHTS = 3
# Events of a turn that goes on.
SEVERAL = 2
# What a peer may tell us about its client: by fields, by the PROXY protocol.
TRUSTED = 1
MAY_PROXY = 2
# accept() fails for lack of descriptors or memory: trying again at once would burn the processor.
_SCARCE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


def make_poller() -> Poller:
    """The best poller of the platform."""
    if hasattr(select, "epoll"):
        return Poller()
    from .portable import PortablePoller

    return PortablePoller()


class Nowhere(Poller):
    """In the place of a poller, in a process that is not to serve: whoever would wait for clients there is ended."""

    ended: Callable[[], object]

    def __init__(self) -> None:
        """It has no descriptor."""

    def add(self, fd: int) -> None:
        """Nothing comes of it."""

    add_listener = add_level = arm_read = arm_write = remove = forget = add

    def wait(self, timeout: float) -> int:
        """Does not return."""
        self.ended()
        return 0


def is_short(seconds: float) -> bool:
    """Whether this is a time limit of a few seconds; 0 is none."""
    return 0.0 < seconds < SHORT_LIMIT


def has_short_limits(settings: Settings) -> bool:
    """Whether somebody has asked for a limit of a few seconds; `keepalive` as nobody has set it does not count."""
    limits = [settings.header_timeout, settings.body_timeout, settings.send_timeout]
    if settings.keepalive != Settings().keepalive:
        limits.append(settings.keepalive)
    return any(map(is_short, limits))


class Engine(EngineState):
    """All connections of one process."""

    __slots__ = (
        "connections", "delayed", "delayed_since", "held", "known_peers", "left", "limit", "listener_at", "listeners",
        "listening", "next_sweep", "opener", "parked_first", "parked_ready", "parked_watched", "proxies",
        "ready_listeners", "scarce", "table", "trusted", "wakeup_fds",
    )

    def __init__(
        self,
        opener: Opener,
        handler: Handler | None,
        settings: Settings,
        limits: Limits,
        trusted: Peers,
        proxies: Peers,
        clock: Clock = monotonic,
        poller: Poller | None = None,
        share: Share | None = None,
    ) -> None:
        super().__init__(handler, settings, make_poller() if poller is None else poller, clock, share)
        self.opener = opener
        self.table = FieldTable(limits)
        self.trusted = trusted
        self.proxies = proxies
        self.known_peers: dict[str, int] = {}
        self.connections: list[Transport | None] = [None] * 64
        self.limit = settings.max_connections
        self.listeners: list[Listener] = []
        self.listener_at: dict[int, Listener] = {}
        self.ready_listeners: list[Listener] = []
        self.listening = False
        self.scarce = False
        self.held = False
        # Parked connections can be taken up; whether they come before new ones in this turn.
        self.parked_watched = False
        self.parked_ready = False
        self.parked_first = False
        # Events of this turn that are still to be acted on.
        self.left = 0
        # Connections with something to send at the end of this turn, and when the first of them was told to wait.
        self.delayed: list[Transport | None] = []
        self.delayed_since = 0.0
        self.now = self.clock()
        self.sweep_seconds = SHORT_SWEEP_SECONDS if has_short_limits(settings) else SWEEP_SECONDS
        self.next_sweep = self.now + self.sweep_seconds
        self.wakeup_fds: tuple[int, int] = os.pipe()
        for fd in self.wakeup_fds:
            os.set_blocking(fd, False)
        self.poller.add_level(self.wakeup_fds[0])

    def fileno(self) -> int:
        """The one descriptor a host loop watches."""
        return int(self.poller.fileno())

    @property
    def wakeup_fd(self) -> int:
        """Writing an octet here ends a `poll` that waits; fit for `signal.set_wakeup_fd`."""
        return self.wakeup_fds[1]

    def wake(self) -> None:
        """End a `poll` that waits in another thread. After `close`, which a late signal may follow, there is none.

        Under the guard, as `close` is: a thread that ends its request meanwhile must not write to a number that is
        closed, or another file's by now.
        """
        with self.guard:
            fd = self.wakeup_fds[1]
            try:
                if fd >= 0:
                    write(fd, b"\0")
            except BlockingIOError:
                pass

    def open_by(self, opener: Opener) -> None:
        """Connections are what this opener makes of them, from now on."""
        if opener is None:
            raise TypeError("an opener is needed")
        self.opener = opener

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

    def _pause_parking(self) -> None:
        if self.parked_watched:
            self.parked_watched = False
            self.poller.remove(self.parking.fd)
        self.parked_ready = False

    def _pause_listeners(self) -> None:
        for listener in self.listeners:
            if listener.watched:
                listener.watched = False
                self.poller.remove(listener.fd)
        self.ready_listeners.clear()
        self._pause_parking()
        self.listening = False

    def poll(self, timeout: float) -> int:
        """One turn: wait up to `timeout` seconds for events and act on them; how many there were."""
        return self.dispatch(self.wait(timeout))

    def wait(self, timeout: float) -> int:
        """Wait up to `timeout` seconds for events; how many there are. In a quiet moment the handler may tidy up."""
        if self.again:
            timeout = 0.0
        elif self.count and timeout > self.sweep_seconds:
            timeout = self.sweep_seconds
        if timeout > QUIET_SECONDS and self.handler.unfinished():
            events: int = self.poller.wait(QUIET_SECONDS)
            if events:
                return events
            with self.guard:
                self.handler.idle()
        return self.poller.wait(timeout)

    def dispatch(self, events: int) -> int:
        """Act on what `poller.wait` has found."""
        began = self.now = self.clock()
        self.share.turn(events, began)
        poller = self.poller
        connections = self.connections
        for index in range(events):
            self.left = events - index - 1
            if self.delayed:
                self._look_at_delayed()
            fd = poller.fd_at(index)
            if fd < 0:
                continue
            connection = connections[fd] if fd < len(connections) else None
            if connection is not None:
                try:
                    connection.on_event(poller.flags_at(index))
                except OwnSignal:
                    raise
                except BaseException as error:  # noqa: BLE001  # the boundary around one connection
                    self.failed(connection, error)
            else:
                self._other_event(fd)
        if self.delays and events > 1:
            self.holds = self.clock() - began > PACE_SECONDS * events
        if self.delayed:
            # What has come last may have taken long, too.
            self._look_at_delayed()
            self.send_delayed()
        if self.again:
            self._run_again()
        # Last, so that a worker with requests to run leaves new connections to an idle one.
        if self.parked_ready:
            self._take_and_accept()
        elif self.ready_listeners:
            self._accept_ready()
        if self.now >= self.next_sweep:
            self.sweep()
        return events

    def _other_event(self, fd: int) -> None:
        listener = self.listener_at.get(fd)
        if listener is not None:
            self.ready_listeners.append(listener)
        elif fd == self.parking.fd:
            self.parked_ready = True
        elif fd == self.wakeup_fds[0]:
            try:
                while read(fd, 4096):
                    pass
            except BlockingIOError:
                pass

    def delay(self, connection: object) -> bool:
        # A client of many connections is woken once for all of them: that costs more than what it is sent.
        if not self.holds or not self.left or not isinstance(connection, Transport):
            return False
        if not self.share.is_quick(self.now) or self.share.parks(self.now):
            return False
        if not self.delayed:
            self.delayed_since = self.clock()
        self.delayed.append(connection)
        return True

    def _look_at_delayed(self) -> None:
        """In the middle of a turn: some have waited long enough."""
        waited = self.clock() - self.delayed_since
        if waited > DELAY_SECONDS:
            now = self.delayed_since + waited
            self.send_delayed()
            self.share.has_run(waited - DELAY_SECONDS, now)

    def send_delayed(self) -> None:
        delayed, self.delayed = self.delayed, []
        for connection in delayed:
            if connection is None:
                continue
            try:
                connection.send_delayed()
            except OwnSignal:
                raise
            except BaseException as error:  # noqa: BLE001  # the boundary around one connection
                self.failed(connection, error)

    def _run_again(self) -> None:
        for _ in range(len(self.again)):
            connection = self.again.popleft()
            if connection is None:
                continue
            connection.waits_turn = False
            self.attend(connection)

    def attend(self, connection: Any) -> None:
        """Serve what has come on a connection; whatever goes wrong ends that connection and nothing else."""
        if connection is None:
            return
        # A name of its own, which the compiled form knows the type of.
        attended: Exchange = connection
        try:
            attended.go_on()
        except OwnSignal:
            raise
        except BaseException as error:  # noqa: BLE001  # the boundary around one connection
            self.failed(connection, error)

    def failed(self, exchange: Exchange, error: BaseException) -> None:
        """What serves a connection has raised what it should not: tell of it once, and end that connection."""
        try:
            self.handler.connection_failed(exchange, error)
        except OwnSignal:
            raise
        except BaseException:  # noqa: BLE001  # the boundary around a logger of the user's: nobody is left to be told
            pass
        exchange.drop()

    def _accept_ready(self) -> None:
        listeners, self.ready_listeners = self.ready_listeners, []
        for listener in listeners:
            taken = 0
            while self.listening and self._accept(listener):
                taken += 1
                if not self.share.accepts_more(taken, self.now):
                    break

    def _take_and_accept(self) -> None:
        """Clients wait that have a connection, and perhaps others for one: by turns, where a turn serves only one."""
        self.parked_ready = False
        self.parked_first = not self.parked_first
        taken = self._take_parked() if self.parked_first or not self.ready_listeners else 0
        if taken and not self.share.accepts_more(taken, self.now):
            self.ready_listeners.clear()
        if self.ready_listeners:
            self._accept_ready()

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
        connection = None
        try:
            listener = self._listener_named(parked.listener)
            if listener is None:
                # A reload has taken it away.
                close_descriptor(fd)
                return True
            self.share.heard(parked.parks_until)
            connection = self.open(fd, parked.peer, listener)
            connection.resume(parked)
            if self.stopped:
                connection.shorten(self.now + self.keepalive, self.now + LAST_LINGER_SECONDS)
            connection.process()
        except OwnSignal:
            raise
        except BaseException as error:  # noqa: BLE001  # the boundary around one connection
            self._not_taken(fd, connection, error)
        return True

    def _listener_named(self, name: str) -> Listener | None:
        for listener in self.listeners:
            if listener.name == name:
                return listener
        return None

    def _accept(self, listener: Listener) -> bool:
        """Take one connection, and serve it at once if its request is here already."""
        try:
            accepted = accept(listener.sock, listener.fd)
        except OSError as error:
            # Anything else is the fate of that one connection before it was ours (accept(2), "Error handling").
            if error.errno in _SCARCE:
                self.scarce = True
                self._pause_listeners()
            return False
        if accepted is None:
            return False
        connection = None
        try:
            connection = self.open(accepted[0], accepted[1], listener)
            if self.share.awaits_request(self.now):
                self._comes(connection.fd, False)
            connection.process()
            if connection.is_greeted() and self.share.awaits_request(self.now):
                self._await_handshake(connection)
        except OwnSignal:
            raise
        except BaseException as error:  # noqa: BLE001  # the boundary around one connection
            self._not_taken(accepted[0], connection, error)
        return True

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

    def open(self, fd: int, peer: Peer, listener: Listener) -> Transport:
        """Take on a connected, non-blocking socket; `process` begins to serve it."""
        if fd < 0:
            raise ValueError("a connection needs a descriptor")
        trust = self._trust(peer)
        connection = self.opener.open(
            self, fd, peer, listener, self.table, trust & TRUSTED != 0, trust & MAY_PROXY != 0
        )
        connections = self.connections
        if fd >= len(connections):
            connections.extend([None] * (fd + 64 - len(connections)))
        connections[fd] = connection
        self.count += 1
        show_connections(self.count)
        if self.limit and self.count >= self.limit and self.listening:
            self._pause_listeners()
        return connection

    def _trust(self, peer: Peer) -> int:
        """What a peer may tell us: TRUSTED and MAY_PROXY as bits; the same few peers come again and again."""
        host = peer[0] if type(peer) is tuple else ""
        known = self.known_peers.get(host)
        if known is None:
            known = (TRUSTED if self.trusted.allows(peer) else 0) | (MAY_PROXY if self.proxies.allows(peer) else 0)
            if len(self.known_peers) >= REMEMBERED_PEERS:
                self.known_peers.clear()
            self.known_peers[host] = known
        return known

    def others_wait(self) -> bool:
        if self.left or self.again:
            return True
        # A set of epoll or kqueue is readable itself while it has events; one of them may be no more than a `wake`.
        wakeup, events = self.wakeup_fds[0], self.poller.fileno()
        looker = select.poll()
        for fd in (wakeup, events, self.parking.fd, *self.listener_at):
            if fd >= 0:
                looker.register(fd, select.POLLIN)
        ready = {fd for fd, _ in looker.poll(0)}
        return ready not in (set(), {wakeup}, {wakeup, events})

    def forget(self, connection: Transport, fd: int) -> None:
        """A connection is being closed."""
        if connection.watched:
            self.poller.forget(fd)
        connections = self.connections
        if 0 <= fd < len(connections) and connections[fd] is connection:
            connections[fd] = None
            self.count -= 1
            show_connections(self.count)
        if not self.listening:
            self._resume_listeners()

    def sweep(self) -> None:
        """Look at all deadlines: one loop a second costs less than keeping them in order."""
        self.next_sweep = self.now + self.sweep_seconds
        now = self.now
        # Those that were idle here before it became slow.
        parks = self.share.parks(now)
        for connection in self.connections:
            if connection is None or (parks and connection.leave()):
                continue
            if connection.active:
                connection.active = False
            else:
                connection.shared = None
                connection.handed = None
            if connection.deadline and connection.deadline <= now:
                try:
                    connection.expire()
                except OwnSignal:
                    raise
                except BaseException as error:  # noqa: BLE001  # the boundary around one connection
                    self.failed(connection, error)
        for listener in self.listeners:
            if listener.terminator is not None:
                listener.terminator.renew()
        if self.scarce and not self.stopped:
            self.scarce = False
            self._resume_listeners()

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
        """Take what waits in the kernel's queue, to be served later: the listener must be closed before more comes."""
        for _ in range(most):
            try:
                accepted = accept(listener.sock, listener.fd)
            except OSError:
                return
            if accepted is None:
                return
            try:
                self.open(accepted[0], accepted[1], listener).take_turn()
            except OwnSignal:
                raise
            except BaseException as error:  # noqa: BLE001  # the boundary around one connection
                self._not_taken(accepted[0], None, error)

    def hold_accepting(self) -> None:
        """Leave new connections in the kernel's queue, or to a neighbour, until `resume_accepting`."""
        self.held = True
        self._pause_listeners()

    def resume_accepting(self) -> None:
        """Accept again, if nothing else forbids it."""
        self.held = False
        self._resume_listeners()

    def _resume_listeners(self) -> None:
        full = self.limit and self.count >= self.limit
        if not (self.listening or self.stopped or self.scarce or self.held or full):
            try:
                self._watch_listeners()
            except OSError:
                # No place in the poller's set: the next sweep tries again, connections wait in the kernel till then.
                self.scarce = True
                self._pause_listeners()

    def shorten_idle(self, seconds: float) -> None:
        """The process is to end: connections on which nothing is asked may ask for so long yet, and the answer closes
        them.

        So may those whose answer is sent, as a thread that comes to its end just now has it.
        """
        self.keepalive = min(self.keepalive, seconds)
        self.now = self.clock()
        latest = self.now + seconds
        # From here on the end of the process waits for the last of them.
        self.sweep_seconds = min(self.sweep_seconds, SHORT_SWEEP_SECONDS)
        self.next_sweep = min(self.next_sweep, self.now + self.sweep_seconds)
        for connection in self.connections:
            if connection is not None:
                connection.shorten(latest, self.now + LAST_LINGER_SECONDS)

    def exchanges(self) -> list[Exchange]:
        """The requests that run."""
        found: list[Exchange] = []
        for connection in self.connections:
            if connection is not None:
                found += connection.exchanges()
        return found

    def abandon(self, ended: Callable[..., object]) -> None:
        """In a child that the application has forked: let go of everything, and have nothing notice, neither a client
        nor the parent, whose sockets and whose set in the kernel these are.

        `ended` is called where the child would go on with the engine: it ends the process.
        """
        self.stray = ended
        # Its descriptor is a copy, what it stands for is the parent's: to take anything out would be to take it out
        # there.
        self.poller.close()
        nowhere = Nowhere()
        nowhere.ended = ended
        self.poller = nowhere
        self.guard = NoGuard()
        for connection in self.connections:
            if connection is not None:
                connection.abandon()
        for listener in self.listeners:
            listener.sock.close()
        self.parking.close()
        self.again.clear()
        self.ready_listeners.clear()
        self.count = 0
        fds, self.wakeup_fds = self.wakeup_fds, (-1, -1)
        for fd in fds:
            if fd >= 0:
                close_descriptor(fd)

    def close(self) -> None:
        """Drop everything."""
        for connection in list(self.connections):
            if connection is not None:
                try:
                    connection.close()
                except OwnSignal:
                    raise
                except BaseException as error:  # noqa: BLE001  # the boundary around one connection
                    self.failed(connection, error)
        self.parking.close()
        self.poller.close()
        with self.guard:
            fds, self.wakeup_fds = self.wakeup_fds, (-1, -1)
            for fd in fds:
                if fd >= 0:
                    os.close(fd)
