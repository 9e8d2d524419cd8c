"""Sums over all workers that there are and were: what never goes back while the server lives.

A page is that of one worker, and is cleaned for the next one. Before that the master takes what it has counted into its
own books (`Ledger.retire`), so that the sum of these and of the pages in use is always that of everything.
"""

from __future__ import annotations

from operator import add

from .scoreboard import BOUNDS, HISTOGRAM_BUCKETS, METHODS, SHED_REASONS, STATUSES, VERSIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol

    class Page(Protocol):
        """What one worker has counted, as `scoreboard.Slot` has it."""

        @property
        def counts(self) -> list[int]: ...
        @property
        def histogram(self) -> list[int]: ...
        @property
        def nanoseconds(self) -> int: ...
        @property
        def octets(self) -> tuple[int, int]: ...
        @property
        def refused(self) -> int: ...
        @property
        def bounded(self) -> list[int]: ...
        @property
        def queued(self) -> list[int]: ...
        @property
        def queued_nanoseconds(self) -> int: ...
        @property
        def versions(self) -> list[int]: ...
        @property
        def shed(self) -> list[int]: ...

__all__ = ["Ledger", "Totals"]


class Totals:
    """Sums of the counters of pages, by their names there."""

    __slots__ = (
        "bounded", "counts", "histogram", "nanoseconds", "queued", "queued_nanoseconds", "received", "refused", "sent",
        "shed", "versions",
    )

    def __init__(self) -> None:
        self.counts = [0] * (len(METHODS) * len(STATUSES))
        self.histogram = [0] * HISTOGRAM_BUCKETS
        self.nanoseconds = 0
        self.received = self.sent = 0
        self.refused = 0
        self.bounded = [0] * (len(BOUNDS) + 1)
        self.queued = [0] * HISTOGRAM_BUCKETS
        self.queued_nanoseconds = 0
        self.versions = [0] * len(VERSIONS)
        self.shed = [0] * len(SHED_REASONS)

    def take(self, page: Page) -> None:
        """Add what a page has counted."""
        self.counts = list(map(add, self.counts, page.counts))
        self.histogram = list(map(add, self.histogram, page.histogram))
        self.nanoseconds += page.nanoseconds
        received, sent = page.octets
        self.received += received
        self.sent += sent
        self.refused += page.refused
        self.bounded = list(map(add, self.bounded, page.bounded))
        self.queued = list(map(add, self.queued, page.queued))
        self.queued_nanoseconds += page.queued_nanoseconds
        self.versions = list(map(add, self.versions, page.versions))
        self.shed = list(map(add, self.shed, page.shed))

    def copy(self) -> Totals:
        """The same, to be added to."""
        twin = Totals()
        for name in self.__slots__:
            value = getattr(self, name)
            setattr(twin, name, list(value) if isinstance(value, list) else value)
        return twin

    def requests(self) -> dict[tuple[str, str], int]:
        """How many requests have ended, by method and class of status."""
        keys = [(method, status) for method in METHODS for status in STATUSES]
        return dict(zip(keys, self.counts, strict=True))


class Ledger:
    """The books of a master."""

    def __init__(self) -> None:
        self._retired = Totals()

    def retire(self, page: Page) -> None:
        """A worker is gone, and its page is about to be cleaned."""
        self._retired.take(page)

    def sums(self, living: Iterable[Page]) -> Totals:
        """Everything so far; `living`: the pages in use."""
        totals = self._retired.copy()
        for page in living:
            totals.take(page)
        return totals
