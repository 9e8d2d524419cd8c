"""Slow requests of workers that cannot look at themselves while one runs: the master looks, and asks where they are.
"""

from __future__ import annotations

import time

from gunicorn.instrument.stacks import SLOW_LINE, StackQuestion
from gunicorn.logs import atoms

from .state import MasterState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn._types import Clock, LogOptions
    from gunicorn.instrument.scoreboard import Slot

__all__ = ["SlowWatch"]

SHORTEST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
ANSWER_PAUSE = 0.005
QUIET_SECONDS = 2.0
"""A worker that tells of slow requests by itself is asked when it shows no sign of life for so long."""


class SlowWatch:
    """`due`: monotonic moment of the next look; None while nobody wants one."""

    def __init__(self, master: MasterState, clock: Clock = time.monotonic) -> None:
        self.due: float | None = None
        self._master = master
        self._clock = clock
        self._next = 0.0
        # By worker, the begin of the request that was told of last; and where that is, where it was asked.
        self._told: dict[int, float] = {}
        self._asked: dict[int, StackQuestion] = {}

    def look(self, now: float) -> None:
        """Tell of what has become slow, if it is time to look."""
        limit = float(self._master.cfg.request_slow)
        if not limit:
            self.due = None
            return
        pages = {pid: worker.tmp.slot for pid, worker in self._master.WORKERS.items()}
        if now >= self._next:
            self._next = now + min(max(limit / 4, SHORTEST_PAUSE), LONGEST_PAUSE)
            self._told = {pid: began for pid, began in self._told.items() if pid in pages}
            for pid, page in pages.items():
                self._look_at(pid, page, now, limit)
        for pid, question in list(self._asked.items()):
            if self._is_settled(pid, question, pages.get(pid), now):
                del self._asked[pid]
        self.due = now + ANSWER_PAUSE if self._asked else self._next

    def _look_at(self, pid: int, page: Slot, now: float, limit: float) -> None:
        began = page.started
        if not began or now - began < limit or self._told.get(pid) == began:
            return
        if page.tells_slow and now - page.heartbeat < max(limit, QUIET_SECONDS):
            return
        self._told[pid] = began
        self._asked[pid] = StackQuestion(self._master.stacks, pid, self._clock)

    def _is_settled(self, pid: int, question: StackQuestion, page: Slot | None, now: float) -> bool:
        running = None if page is None else page.in_flight()
        if page is None or running is None or running[1] != self._told.get(pid):
            # It has ended meanwhile, and what is answered is not where it was.
            return True
        where = question.look()
        if where is None:
            return False
        line, began = running
        what = atoms.escape(line.decode("latin-1"))
        known: LogOptions = {"extra": {"request_id": page.request_id}} if page.request_id else {}
        self._master.log.warning(SLOW_LINE, pid, now - began, what, where or "(unknown)", **known)
        return True
