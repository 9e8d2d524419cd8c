"""When the master looks at the memory of its workers."""

from __future__ import annotations

from collections.abc import Iterable

from gunicorn.unix import resources

from .supervisor import Supervisor

__all__ = ["MEMORY_EVERY", "MemoryWatch"]

MEMORY_EVERY = 2.0
"""Seconds between two looks at the memory of the workers."""


class MemoryWatch:
    """`due`: monotonic time of the next look; None while nobody wants one."""

    def __init__(self) -> None:
        self.due: float | None = None

    def look(self, now: float, books: Supervisor, pids: Iterable[int]) -> dict[int, int]:
        """How many bytes each of these workers uses, if a look is due; without those of which nothing is known."""
        if not books.looks_at_memory or books.stopping:
            self.due = None
            return {}
        if self.due is not None and now < self.due:
            return {}
        self.due = now + MEMORY_EVERY
        found = {pid: resources.proportional_memory(pid) for pid in pids}
        return {pid: used for pid, used in found.items() if used is not None}
