"""What the master knows in numbers: what those have counted that are gone, why they went, and what is dear to find out.

Nothing is asked of a worker. What a look costs (memory, a certificate) is looked at again only after a while.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping

import gunicorn
from gunicorn import _build
from gunicorn.instrument import scoreboard
from gunicorn.instrument.busy import BusyShare
from gunicorn.instrument.totals import Ledger
from gunicorn.tls import entrance
from gunicorn.tls.expiry import end_of
from gunicorn.unix import resources

from .crew import BOOTING, READY
from .state import MasterState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gunicorn._types import Clock
    from gunicorn.control.view import ServerView, WorkerView
    from gunicorn.instrument.metrics import Readings, WorkerReading
    from gunicorn.instrument.scoreboard import Slot
    from gunicorn.instrument.totals import Totals
    from gunicorn.unix.sockets import BaseSocket

__all__ = ["Measures"]

MEMORY_SECONDS = 15.0
"""The kernel goes through all pages of a process to tell its memory: once in so many seconds is often enough."""

MOST_LOOKS = 16
"""So many processes are looked at for one answer; the others wait for the next one."""


class Measures:
    """The books of `master`. `memory_of`: bytes of a process."""

    def __init__(
        self, master: MasterState, clock: Clock = time.monotonic, wall_clock: Clock = time.time,
        memory_of: Callable[[int], int | None] = resources.proportional_memory,
    ) -> None:
        self._master = master
        self._clock, self._wall_clock = clock, wall_clock
        self._memory_of = memory_of
        self._started_at = wall_clock()
        self._ledger = Ledger()
        self._busy = BusyShare(clock())
        # Seconds that requests have run in workers that are gone.
        self._busy_before = 0.0
        self._restarts: Counter[str] = Counter()
        self._reloads: Counter[str] = Counter()
        self._reloaded_at = 0.0
        # By PID: when it was looked at, and what was found.
        self._memory: dict[int, tuple[float, int | None]] = {}
        # By file: what tells it from a later one, and when its certificate ends.
        self._ends: dict[str, tuple[tuple[int, int], float | None]] = {}

    def worker_gone(self, page: Slot, cause: str) -> None:
        """A worker has ended; its page is about to be another one's."""
        self._ledger.retire(page)
        self._busy_before += page.busy(self._clock())
        if cause:
            self._restarts[cause] += 1

    def reloaded(self, result: str) -> None:
        """A reload is over; `result` is one of `instrument.metrics.RELOADS`."""
        self._reloads[result] += 1
        if result == "success":
            self._reloaded_at = self._wall_clock()

    @property
    def restarts(self) -> Mapping[str, int]:
        """How many workers have ended while the server went on, by cause."""
        return self._restarts

    def sums(self, pages: Iterable[Slot]) -> Totals:
        """Everything that was counted; `pages` are those of the workers that live."""
        return self._ledger.sums(pages)

    def memory(self, pids: list[int]) -> Mapping[int, int]:
        """What is known of the bytes that these processes use."""
        self._look_at_memory(pids, self._clock())
        return {pid: used for pid, (_, used) in self._memory.items() if used is not None}

    def busy_share(self, view: ServerView) -> float:
        """The share of all places that requests have had lately."""
        pages = [worker.slot for worker in view.workers]
        now = self._clock()
        ran = self._busy_before + sum(page.busy(now) for page in pages)
        return self._busy.look(now, ran, sum(page.places for page in pages))

    def read(self, view: ServerView) -> Readings:
        """All numbers of now."""
        from gunicorn.instrument.metrics import Readings

        pages = [worker.slot for worker in view.workers]
        now = self._clock()
        tasks = view.tasks
        processes = () if tasks is None or not tasks.is_here else tasks.processes
        self._look_at_memory([*(worker.pid for worker in view.workers), *(each.pid for each in processes)], now)
        return Readings(
            version=gunicorn.__version__,
            python=sys.version.split()[0],
            compiled=_build.build_kind() == "compiled",
            started_at=self._started_at,
            ready=not view.not_ready,
            target=view.target,
            workers=tuple(map(self._reading_of, view.workers)),
            totals=self.sums(pages),
            in_flight=sum(page.running for page in pages),
            oldest=_oldest(pages, now),
            connections=sum(page.connections for page in pages) + self._master.parking.count,
            parked=self._master.parking.count,
            busy_ratio=self.busy_share(view),
            listeners=tuple(self._listeners(self._master.LISTENERS)),
            queue_limits=tuple(_queue_limits(self._master.LISTENERS)),
            places=_places(pages),
            websockets=sum(page.websockets for page in pages),
            process=resources.usage(),
            buckets=self._master.cfg.metrics_buckets,
            spawned=view.counters.spawned,
            restarts=self._restarts,
            reloads=self._reloads,
            reloaded_at=self._reloaded_at,
            tasks=tasks,
            task_memory={each.place: self._memory[each.pid][1] for each in processes if each.pid in self._memory},
        )

    def _look_at_memory(self, pids: list[int], now: float) -> None:
        """Look at those whose last look is too old, the longest ago first; and forget those that are gone."""
        known = {pid: self._memory[pid] for pid in pids if pid in self._memory}
        due = [pid for pid in pids if pid not in known or now - known[pid][0] >= MEMORY_SECONDS]
        due.sort(key=lambda pid: known[pid][0] if pid in known else 0.0)
        for pid in due[:MOST_LOOKS]:
            known[pid] = now, self._memory_of(pid)
        self._memory = known

    def _reading_of(self, worker: WorkerView) -> WorkerReading:
        from gunicorn.instrument.metrics import WorkerReading

        _, memory = self._memory.get(worker.pid, (0.0, None))
        place = worker.slot.index
        return WorkerReading(place, worker.pid, worker.age, worker.generation, _state_of(worker), memory)

    def _listeners(self, sockets: Iterable[BaseSocket]) -> Iterable[tuple[str, int, float | None]]:
        for place, listener in enumerate(sockets):
            if listener.fileno() >= 0:
                # With `reuse_port` the queues are those of the workers' own sockets.
                waiting = -1 if listener.shares_port else listener.get_backlog()
                yield str(listener), waiting, self._end_of_certificate(listener, place)

    def _end_of_certificate(self, listener: BaseSocket, place: int) -> float | None:
        path = entrance.certificate_file(listener, place, self._master.cfg)
        if path is None:
            return None
        try:
            status = os.stat(path)
            mark = status.st_mtime_ns, status.st_ino
            if self._ends.get(path, (None, None))[0] != mark:
                with open(path, encoding="latin-1") as file:
                    self._ends[path] = mark, end_of(file.read())
        except OSError:
            # What was known of it before, if anything was.
            pass
        known = self._ends.get(path)
        return None if known is None else known[1]


def _queue_limits(sockets: Iterable[BaseSocket]) -> Iterable[tuple[str, int]]:
    for listener in sockets:
        most = -1 if listener.fileno() < 0 or listener.shares_port else listener.queue()[1]
        if most >= 0:
            yield str(listener), most


def _places(pages: Iterable[Slot]) -> tuple[int, int]:
    """How many places for requests have one, and how many have none."""
    busy = idle = 0
    for page in pages:
        taken = min(page.running, page.places)
        busy += taken
        idle += page.places - taken
    return busy, idle


def _oldest(pages: Iterable[Slot], now: float) -> float:
    """For how many seconds the request runs that has run the longest; 0.0: none does."""
    moments = [page.started for page in pages]
    return max((now - moment for moment in moments if moment), default=0.0)


def _state_of(worker: WorkerView) -> str:
    """In the words of the metrics: one that is told to go drains, whatever it is busy with."""
    if worker.phase not in (BOOTING, READY):
        return "draining"
    name = scoreboard.STATE_NAMES[worker.slot.state]
    return "booting" if name == "free" else name
