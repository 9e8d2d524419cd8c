"""What has happened in a server since its master started: numbers, and the last events in words."""

from __future__ import annotations

import time
from collections import deque

from gunicorn.control.view import Counters, Event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn._types import Clock

__all__ = ["History"]

KEPT = 50


class History:
    """Written by the parts of the master, read by whoever looks at the server."""

    def __init__(self, clock: Clock = time.time) -> None:
        self._clock = clock
        self._events: deque[Event] = deque(maxlen=KEPT)
        self.counters = Counters()
        # How many reloads have come to an end, and why the last one failed.
        self.reloads_ended = 0
        self.reload_problem: str | None = None

    @property
    def events(self) -> tuple[Event, ...]:
        """The oldest first."""
        return tuple(self._events)

    def note(self, text: str) -> None:
        """Something has happened; only the first line of `text` is kept."""
        self._events.append(Event(self._clock(), text.partition("\n")[0]))

    def count(self, **more: int) -> None:
        """Add to counters, by their names."""
        self.counters = self.counters.replaced(
            **{name: getattr(self.counters, name) + number for name, number in more.items()}
        )

    def reload_has_ended(self, problem: str | None) -> None:
        """A reload is over; `problem` is why it changed nothing, or not all."""
        self.reloads_ended += 1
        self.reload_problem = problem
        self.note("Reload done" if problem is None else f"Reload failed: {problem}")
