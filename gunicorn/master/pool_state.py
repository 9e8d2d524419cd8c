"""What a pool of task processes is: its state, on which its parts rest (`pool_processes.py`, `pool_reload.py`)."""

from __future__ import annotations

import os

from gunicorn.instrument.scoreboard import Scoreboard
from gunicorn.logs import atoms
from gunicorn.tasks.passing import opened
from gunicorn.tasks.switchboard import Switchboard
from gunicorn.tasks.values import decode
from gunicorn.unix.interest import Interest

from . import signals
from .decisions import Stuck, Worn
from .memory import MemoryWatch
from .news import News
from .pool_policy import limits_of, policy_of, specs_of
from .pool_supervisor import PoolSupervisor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gunicorn._types import Log
    from gunicorn.instrument.task_board import TaskBoard
    from gunicorn.tasks.passing import Passed
    from gunicorn.tasks.process import DirtyWorker
    from gunicorn.tasks.router import Call
    from gunicorn.unix.unpatched import Socket

    from .state import ServedApplication

__all__ = ["PoolState"]


class PoolState:
    """`app` can read the configuration again; `listener` is where callers come, `orders` where the master speaks.

    Hooks know `cfg`, `log`, `pid`, `ppid`, `socket_path`, and `workers`, task processes by their PIDs.
    """

    def __init__(
        self, app: ServedApplication, log: Log, listener: Socket, socket_path: str, orders: int, ppid: int,
        board: TaskBoard,
    ) -> None:
        self.cfg = app.cfg
        self.log = log
        self.pid = os.getpid()
        self.ppid = ppid
        self.socket_path = socket_path
        self.workers: dict[int, DirtyWorker] = {}
        self._app = app
        self._listener = listener
        self._orders = orders
        self._board = board
        self._specs = specs_of(self.cfg)
        board.begin(self.pid)
        board.expect(self._specs)
        self._books = PoolSupervisor(policy_of(self.cfg), self._specs)
        self._scoreboard = Scoreboard()
        self._memory = MemoryWatch()
        self._interest = Interest()
        self._switchboard = Switchboard(
            self, self._interest, board, limits_of(self.cfg), self._specs, self.cfg.dirty_stash_memory
        )
        self._router = self._switchboard.router
        self._pipe = signals.open_pipe()
        # What is done when something comes on a descriptor that is no line of the switchboard's.
        self._sources: dict[int, Callable[[int, int], None]] = {}
        # Processes that were told to go before they were ready.
        self._unwanted: set[int] = set()
        self._age = 0
        # The master has ended without a word.
        self._is_orphan = False
        self._news = News()
        # Orders that have come, and are not done yet.
        self._heard = 0
        self._deadline: float | None = 0.0

    @property
    def wanted(self) -> int:
        """How many task processes the configuration wants here."""
        return self.cfg.dirty_workers

    @property
    def has_served(self) -> bool:
        """Whether a task process has ever been ready."""
        return self._books.ever_ready

    # What the switchboard tells.

    def on_ready(self, place: int, payload: bytes | Passed, now: float) -> None:
        """A task process can take calls; `payload`: applications, and what their classes say of the number of
        processes."""
        limits = decode(opened(payload))
        assert isinstance(limits, dict)
        for path, limit in limits.items():
            if self._books.limits.get(path) is None:
                self._books.limits[path] = limit
        worker = self.workers.get(place)
        if place in self._unwanted:
            # Told to go before it could be told.
            self._switchboard.dismiss(place)
        elif worker is not None:
            worker.booted = True
            worker.app_paths = list(limits)
            self._board.expect(self._shown_limits())
            self._board.ready(place, limits)
            self._router.ready(place, limits, self.cfg.dirty_threads, now)
        # The supervisor reads on the board that it is ready.
        self._news.signals.append(signals.POKE)

    def on_worn(self, place: int) -> None:
        """A task process wants to be replaced."""
        self._news.reports.append(Worn(frozenset([place])))

    def on_late(self, place: int, call: Call) -> None:
        """A call has run for too long: its process is replaced, and the log says what it was doing."""
        stacks = self._stacks_of(place)
        text = "TASK TIMEOUT (pid:%s) after %g s in: %s" + ("\nIt is here:\n%s" if stacks else "")
        name = atoms.escape(call.name)
        self.log.critical(text, place, self.cfg.dirty_timeout, name, *([stacks] if stacks else []))
        self._news.reports.append(Stuck(place, "dirty_timeout", False))

    def on_stuck(self, place: int) -> None:
        """A task process that is to go has only calls that do not end."""
        self._news.reports.append(Stuck(place, "dirty_timeout", True))

    def identity_of(self, place: int) -> tuple[int | str, str]:
        """What callers know a place by, and on which node that is; empty: on this machine."""
        return place, ""

    def _stacks_of(self, pid: int) -> str:
        """Where the threads of a task process are."""
        raise NotImplementedError

    def _shown_limits(self) -> dict[str, int | None]:
        """The applications that there are to be, with what their classes say of the number of processes."""
        return {path: self._books.limits.get(path) for path in self._specs}
