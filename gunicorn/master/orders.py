"""What one who is received may have the master do: each order is taken by its next step, as a signal would be."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable

from gunicorn.control.view import ServerView
from gunicorn.instrument.profile_file import Profile
from gunicorn.instrument.stacks import StackQuestion
from gunicorn.logs.levels import set_level

from .decisions import Adjusted, Dismissed, Worn
from .state import MasterState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn.control.orders import Question, TaskOrder

__all__ = ["Orders"]


class Orders:
    """The orders to `master`. `view` makes one of the server of now."""

    def __init__(self, master: MasterState, view: Callable[[], ServerView]) -> None:
        self._master = master
        self.view = view
        # Whether no new clients should come.
        self.draining = False
        self._signals: list[int] = []

    def take_signals(self) -> list[int]:
        """The signals that were ordered since this was asked last."""
        taken, self._signals = self._signals, []
        return taken

    def signal(self, number: int) -> None:
        """Do what the master does at this signal."""
        self._signals.append(signal.Signals(number))

    def resize(self, by: int) -> None:
        """So many workers more, or less; one stays."""
        self._master.tell_supervisor(Adjusted(by))

    def resize_tasks(self, by: int) -> TaskOrder | None:
        """So many task processes more, or less; None: there are no tasks."""
        return self._master.pool.order(signal.SIGTTIN if by > 0 else signal.SIGTTOU, abs(by))

    def dismiss(self, pid: int) -> None:
        """End a worker by TERM; what is missing then is started."""
        self._master.tell_supervisor(Dismissed(pid))

    def renew(self, pids: Iterable[int]) -> None:
        """Replace workers, each when the one in its place is ready."""
        self._master.tell_supervisor(Worn(frozenset(pids)))

    def drain(self, on: bool) -> None:
        """Say to whoever asks that no new clients should come, or take it back."""
        if on != self.draining:
            self.draining = on
            for worker in self._master.WORKERS.values():
                worker.tmp.slot.drained = on
            self._master.log.info("Drained by a command" if on else "No longer drained")
            self._master.history.note("Drained by a command" if on else "No longer drained")

    def set_log_level(self, level: int) -> bool:
        """Give the error logs of master and workers this level; whether they have one. Workers are told by the signal
        that has them look after their log files."""
        if not set_level(self._master.log, level):
            return False
        for worker in self._master.WORKERS.values():
            worker.tmp.slot.log_level = level
        for pid in self._master.WORKERS:
            self._master.kill_worker(pid, signal.SIGUSR1)
        return True

    def ask_stacks(self, pid: int) -> Question:
        """Ask a worker what it is doing."""
        return StackQuestion(self._master.stacks, pid)

    def profile(self, pids: Iterable[int], seconds: float) -> Profile:
        """Have workers profiled. Raises ProfileInUse."""
        pages = {pid: self._master.WORKERS[pid].tmp.slot for pid in pids if pid in self._master.WORKERS}
        return self._master.profiles.begin(pages, seconds)

    def note(self, text: str) -> None:
        """Write a line about who has wanted what."""
        self._master.log.info("Control: %s", text)
