"""What the master tells systemd: READY and STATUS, the course of a reload and of a stop, the sign of life.

How such a message is sent stands in `unix/systemd.py`. Without a service manager every word goes nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping

from gunicorn.unix import systemd

from .crew import READY
from .state import MasterState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .decisions import Vitals

__all__ = ["ServiceManager"]


class ServiceManager:
    """The service manager, as the master speaks to it."""

    def __init__(self, master: MasterState) -> None:
        self._master = master
        self._watchdog = systemd.Watchdog()
        self._told_ready = False
        # How many workers were ready, of how many, when that was told last.
        self._told_count: tuple[int, int] | None = None

    @property
    def due(self) -> float | None:
        """Monotonic time of the next sign of life; None when none is wanted."""
        return self._watchdog.due

    def _tell(self, state: str) -> None:
        systemd.sd_notify(state, self._master.log)

    def report(self, now: float, board: Mapping[int, Vitals], reload_runs: bool) -> None:
        """READY=1 once all workers are: what cannot serve is not started. Then how many there are, and, while they
        are well, the sign of life."""
        books = self._master.supervisor
        if books.stopping:
            self._watchdog.due = None
            return
        ready = sum(member.phase == READY for member in books.members.values())
        if not self._told_ready and ready >= books.target:
            self._told_ready = True
            self._tell(f"READY=1\nMAINPID={self._master.pid}\nSTATUS={ready} workers ready")
            self._told_count = ready, books.target
        elif self._told_ready and not reload_runs and self._told_count != (ready, books.target):
            # The count alone decides, so that what a reload has left in STATUS can be read.
            self._told_count = ready, books.target
            self._tell(f"STATUS={ready} of {books.target} workers ready")
        if self._watchdog.due is not None:
            self._watchdog.beat(now, self._told_ready and books.is_well(now, board), self._master.log)

    # A reload.

    def reload_begins(self) -> None:
        """The configuration is about to be read again."""
        self._tell(systemd.reloading_state())

    def reload_is_over(self, problem: str | None) -> None:
        """Tell how a reload went, and tell whoever waits for it; `problem` is why the old workers stay."""
        status = "Reloaded" if problem is None else f"Reload failed, {problem}"
        status = " ".join(status.split())
        self._tell(f"READY=1\nSTATUS={status}")
        systemd.report_reload(problem, self._master.log)

    # An upgrade.

    def promoted(self) -> None:
        """The old master is gone, and this one is the service."""
        self._tell(f"MAINPID={self._master.pid}")

    def successor_ended(self) -> None:
        """A new master has ended before this one did."""
        if self._told_ready:
            self._tell(f"READY=1\nMAINPID={self._master.pid}")

    # The end.

    def leaving(self) -> None:
        """The stop is decided, and delayed."""
        self._tell("STOPPING=1\nSTATUS=Stopping soon, still serving")

    def stopping(self) -> None:
        """This master ends, and the service with it unless there is another one."""
        successor = self._master.reexec_pid
        if successor:
            self._tell(f"MAINPID={successor}\nSTATUS=Handed over to {successor}")
        else:
            self._tell("STOPPING=1\nSTATUS=Shutting down")
