"""The parking place for idle connections, as the master sees it: a process of its own that is started when one comes.

The channels to it and from it are the master's, so that they outlive that process and every worker. It ends with the
master, whose end of a pipe it watches.
"""

from __future__ import annotations

import mmap
import os
import signal
import time

from gunicorn.unix import forks, handover, unpatched
from gunicorn.unix.interest import READ, Interest
from gunicorn.unix.process import set_owner_process, set_process_title

from .parking_lot import Lot
from .state import MasterState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from gunicorn._types import Clock
    from gunicorn.unix.unpatched import Socket

__all__ = ["Parking"]

PAUSE = 1.0
"""So long (seconds) nothing is started after a process that has ended by itself."""

CLOSING_SECONDS = 2.0
"""How long a stop waits for the process."""

LOOK_SECONDS = 0.01


class Parking:
    """`due`: monotonic moment of the next turn that this wants; None: none. `interest`: what the master's loop sleeps
    on."""

    def __init__(self, master: MasterState, interest: Interest, clock: Clock = time.monotonic) -> None:
        self.due: float | None = None
        self._master = master
        self._interest = interest
        self._clock = clock
        self._pid = 0
        # Its life: closing this end ends it.
        self._life = -1
        # Where workers leave connections, and where these go in; where they come out, and where workers take them.
        self._entrance: tuple[Socket, Socket] | None = None
        self._exit: tuple[Socket, Socket] | None = None
        # How many connections there are, as that process says.
        self._board = memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("q")

    def open(self) -> None:
        """Make the channels, before there is a worker. Where they cannot be had, the server goes on without."""
        if not handover.IS_POSSIBLE or not getattr(self._master.worker_class, "parks", False):
            return
        try:
            self._entrance, self._exit = handover.pair(), handover.pair()
        except OSError as error:
            self._master.log.error("Idle connections stay with their workers: %s", error)
            self._shut()
            return
        self._listen()

    def ends_for_worker(self) -> tuple[Socket, Socket] | None:
        """Where to leave connections and where to take them: in the process of a worker, whose own these are then."""
        if self._entrance is None or self._exit is None:
            return None
        ends = self._entrance[0], self._exit[1]
        for mine in (self._entrance[1], self._exit[0]):
            mine.close()
        self._entrance = self._exit = None
        return ends

    @property
    def count(self) -> int:
        """How many connections are parked."""
        return self._board[0]

    # The process.

    def look(self, now: float) -> None:
        """Start the process where somebody waits to be let in and it is missing."""
        entrance, exit = self._entrance, self._exit
        if entrance is None or exit is None or self._pid or (self.due is not None and now < self.due):
            return
        if self.due is not None:
            self.due = None
            self._listen()
        looker = unpatched.select.poll()
        looker.register(entrance[1].fileno(), unpatched.select.POLLIN)
        if looker.poll(0):
            self._start(now, entrance, exit)

    def ended(self, pid: int, status: int) -> bool:
        """A child has ended; whether it was this one. Another one is started when it is needed."""
        if pid != self._pid or not pid:
            return False
        self._pid = 0
        self._board[0] = 0
        self._close_life()
        if self._entrance is not None:
            self._master.log.warning(
                "The process of parked connections (pid:%s) ended with %s", pid, os.waitstatus_to_exitcode(status)
            )
            self.due = self._clock() + PAUSE
        return True

    def _listen(self) -> None:
        if self._entrance is not None:
            self._interest.watch(self._entrance[1].fileno(), READ)

    def _unlisten(self) -> None:
        if self._entrance is not None:
            self._interest.forget(self._entrance[1].fileno())

    def _start(self, now: float, entrance: tuple[Socket, Socket], exit: tuple[Socket, Socket]) -> None:
        master = self._master
        self._unlisten()
        reader, self._life = os.pipe()
        # A signal between the fork and the child's own dispositions would be written into the master's pipe.
        signal.pthread_sigmask(signal.SIG_BLOCK, master.SIGNALS)
        try:
            self._pid = forks.fork()
        except OSError as error:
            master.log.error("The process of parked connections cannot be started: %s", error)
            self._close_life()
            self.due = now + PAUSE
        finally:
            if os.getpid() == master.pid:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, master.SIGNALS)
                os.close(reader)
        if os.getpid() != master.pid:
            self._live(reader, entrance, exit)
        if self._pid:
            master.log.debug("Idle connections are parked in a process of their own (pid:%s)", self._pid)

    def _live(self, life: int, entrance: tuple[Socket, Socket], exit: tuple[Socket, Socket]) -> NoReturn:
        """Be that process, to its end: nothing of the master may go on here."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            master = self._master
            # It ends with the pipe and in no other way, so that all that a terminal or a manager signals to the whole
            # server finds clients served to the last.
            for number in master.SIGNALS:
                unpatched.set_handler(number, int(signal.SIG_DFL if number == signal.SIGCHLD else signal.SIG_IGN))
            signal.pthread_sigmask(signal.SIG_UNBLOCK, master.SIGNALS)
            arrivals, departures = entrance[1], exit[0]
            close_all_but(2, life, arrivals.fileno(), departures.fileno())
            set_process_title(f"parking [{master.proc_name}]")
            set_owner_process(master.cfg.uid, master.cfg.gid, initgroups=master.cfg.has_groups_of_user)
            Lot(arrivals, departures, life, board=self._board).run()
            status = 0
        finally:
            os._exit(status)

    # The end.

    def stop(self) -> None:
        """The server stops: what is parked goes to the workers, and nobody parks any more."""
        self._shut()
        self._close_life()

    def end(self) -> None:
        """The last worker is gone."""
        self.stop()
        until = self._clock() + CLOSING_SECONDS
        while self._pid:
            if forks.has_ended(self._pid, kill=self._clock() >= until):
                self._pid = 0
            else:
                unpatched.select.select([], [], [], LOOK_SECONDS)

    def put_down(self) -> None:
        """In a child, to which nothing of this belongs."""
        self._shut()
        self._close_life()
        self._pid = 0

    def _shut(self) -> None:
        self._unlisten()
        for ends in (self._entrance, self._exit):
            for end in ends or ():
                end.close()
        self._entrance = self._exit = None
        self.due = None

    def _close_life(self) -> None:
        life, self._life = self._life, -1
        if life >= 0:
            os.close(life)


def close_all_but(last_standard: int, *kept: int) -> None:
    """Close all descriptors above the standard ones but for some: log files that are rotated, listeners, the rest."""
    below = last_standard
    for fd in sorted(kept):
        os.closerange(below + 1, fd)
        below = fd
    os.closerange(below + 1, os.sysconf("SC_OPEN_MAX"))
