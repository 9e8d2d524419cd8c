"""Measurements of the master itself, sent through its log; a logger that knows metrics passes them on."""

from __future__ import annotations

from collections.abc import Iterable, Sized

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn._types import Log
    from gunicorn.unix.sockets import BaseSocket

__all__ = ["BACKLOG_SECONDS", "Gauges"]

BACKLOG_SECONDS = 1.0
"""How often the accept queues are measured, where that is wanted."""


class Gauges:
    """`due`: monotonic time of the next look at the accept queues; None when they are not measured."""

    def __init__(self, log: Log, backlog: bool) -> None:
        self.due: float | None = 0.0 if backlog else None
        self._log = log
        self._workers = 0

    def report(self, now: float, workers: Sized, listeners: Iterable[BaseSocket]) -> None:
        """Send what is due: the number of living workers when it changed, the accept queues by the clock."""
        if len(workers) != self._workers:
            self._workers = len(workers)
            self._send("%s workers", "gunicorn.workers", self._workers, "gauge")
        if self.due is not None and now >= self.due:
            self.due = now + BACKLOG_SECONDS
            lengths = [listener.get_backlog() for listener in listeners if listener.fileno() >= 0]
            known = [length for length in lengths if length >= 0]
            if known:
                self._send("socket backlog: %s", "gunicorn.backlog", sum(known), "histogram")

    def _send(self, text: str, metric: str, value: int, mtype: str) -> None:
        self._log.debug(text, value, extra={"metric": metric, "value": value, "mtype": mtype})
