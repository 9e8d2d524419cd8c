"""The loop of one process: poll, serve what is ready, accept when nothing is, and look at deadlines once a second.

`poll` does one turn and can be called by a worker in a loop, or by a host loop whenever the descriptor `fileno()` is
readable. The `Handler` is given every complete request.
"""

from __future__ import annotations

import os

from gunicorn.errors import OwnSignal
from gunicorn.http.limits import Limits
from gunicorn.http.peers import Peers
from gunicorn.unix.unpatched import read, select, write

from ._leaf import Poller, monotonic
from ._leaf import close as close_descriptor
from .exchange import Exchange
from .handler import Handler
from .intake import Intake
from .opener import Opener
from .pollers import Nowhere, make_poller
from .settings import LAST_LINGER_SECONDS, SHORT_SWEEP_SECONDS, SWEEP_SECONDS, Settings, has_short_limits
from .share import Share
from .state import NoGuard
from .transport import Transport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from gunicorn._types import Clock

# So long at most what there is to send waits in a turn for that of other connections.
DELAY_SECONDS = 0.001
# Where an event takes less than this, a client of many connections has hardly the time to fall asleep.
PACE_SECONDS = 0.00002
# So long nothing must come before the moment counts as a quiet one.
QUIET_SECONDS = 0.02


class Engine(Intake):
    """All connections of one process, and the loop that serves them.

        EngineState      what connections see of it
        Connections      those there are
        Intake           which are taken on, and when
        Engine           here
    """

    __slots__ = ("delayed", "delayed_since", "left", "next_sweep", "wakeup_fds")

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
        self.begin_connections(opener, limits, trusted, proxies)
        self.begin_intake(settings.max_connections)
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

    # What wakes it.

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

    def _read_wakeups(self) -> None:
        try:
            while read(self.wakeup_fds[0], 4096):
                pass
        except BlockingIOError:
            pass

    def _close_wakeup(self) -> None:
        fds, self.wakeup_fds = self.wakeup_fds, (-1, -1)
        for fd in fds:
            if fd >= 0:
                close_descriptor(fd)

    # A turn.

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
        for index in range(events):
            self.left = events - index - 1
            if self.delayed:
                self._look_at_delayed()
            fd = poller.fd_at(index)
            if fd >= 0:
                self._act_on(fd, poller.flags_at(index))
        if self.delays and events > 1:
            self.holds = self.clock() - began > PACE_SECONDS * events
        if self.delayed:
            # What has come last may have taken long, too.
            self._look_at_delayed()
            self.send_delayed()
        if self.again:
            self._run_again()
        # Last, so that a worker with requests to run leaves new connections to an idle one.
        if self.parked_ready or self.ready_listeners:
            self.take_waiting()
        if self.now >= self.next_sweep:
            self.sweep()
        return events

    def _act_on(self, fd: int, flags: int) -> None:
        connections = self.connections
        connection = None
        if fd < len(connections):
            # Not as one expression: the compiled form would ask twice whether it is a connection.
            connection = connections[fd]
        if connection is None:
            self._other_event(fd)
            return
        try:
            connection.on_event(flags)
        except OwnSignal:
            raise
        except BaseException as error:  # noqa: BLE001  # the boundary around one connection
            self.failed(connection, error)

    def _other_event(self, fd: int) -> None:
        listener = self.listener_at.get(fd)
        if listener is not None:
            self.ready_listeners.append(listener)
        elif fd == self.parking.fd:
            self.parked_ready = True
        elif fd == self.wakeup_fds[0]:
            self._read_wakeups()

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

    # What waits for the end of the turn.

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

    # Time limits.

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
                self._expire(connection)
        for listener in self.listeners:
            if listener.terminator is not None:
                listener.terminator.renew()
        self.look_for_room()

    def _expire(self, connection: Transport) -> None:
        try:
            connection.expire()
        except OwnSignal:
            raise
        except BaseException as error:  # noqa: BLE001  # the boundary around one connection
            self.failed(connection, error)

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

    # The end.

    def abandon(self, ended: Callable[..., object]) -> None:
        """In a child that the application has forked: let go of everything, and have nothing notice, neither a client
        nor the parent, whose sockets and whose set in the kernel these are.

        `ended` is called where the child would go on with the engine: it ends the process.
        """
        self.stray = ended
        # Its descriptor is a copy, what it stands for is the parent's: to take anything out would be to take it out
        # there.
        self.poller.close()
        self.poller = nowhere = Nowhere()
        nowhere.ended = ended
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
        self._close_wakeup()

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
            self._close_wakeup()
