"""How a worker on our engine takes its leave: nobody new comes, those who are there go in good order, then all is shut.

The worker types differ in how they wait meanwhile. Each goes through `pauses`, and at each of them waits a moment in
its own way: in the poller, in a loop that others turn, in a greenlet.
"""

from __future__ import annotations

import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Protocol

    from gunicorn.engine.engine import Engine
    from gunicorn.engine.exchange import Exchange

    class Leaver(Protocol):
        """A worker that stops; `hurried`: quickly. `abandoned`: requests that were given up and are not waited for."""

        engine: Engine
        hurried: bool
        abandoned: set[Exchange]

        @property
        def stop_seconds(self) -> float:
            """How long the stop may take; less when it is told to hurry meanwhile."""

        def stop_accepting(self) -> None:
            """Take no new connections."""


# A kept-alive client that was promised more requests may send the next one for so long after a stop began.
FAREWELL_SECONDS = 1.0
# The same for a quick stop.
QUICK_FAREWELL_SECONDS = 0.2
# So long the process of parked connections may take to hand them over: it does so at once, when it gets to run.
PARKED_SECONDS = 5.0


class Farewell:
    """The stop of one worker, which begins here. `began`: when, by the engine's clock; `idle_seconds`: how long clients
    of whom no request runs may stay."""

    def __init__(self, worker: Leaver) -> None:
        engine = worker.engine
        self._worker = worker
        self.idle_seconds = QUICK_FAREWELL_SECONDS if worker.hurried else FAREWELL_SECONDS
        with engine.guard:
            worker.stop_accepting()
            engine.shorten_idle(self.idle_seconds)
        self.began = engine.clock()

    def pauses(self, seconds: float | None = None, busy: Callable[[float], bool] | None = None) -> Iterator[float]:
        """The moments at which somebody is still waited for; the caller waits a little at each.

        There is no further one when the engine has nobody any more and `busy`, asked with the moment, says no; or when
        `seconds` are over since the stop began, or else the worker's `stop_seconds` as they are then.
        """
        worker = self._worker
        engine = worker.engine
        while (now := engine.clock()) < self.began + (worker.stop_seconds if seconds is None else seconds):
            if self._nobody_is_left(now) and not (busy is not None and busy(now)):
                return
            yield now

    def _nobody_is_left(self, now: float) -> bool:
        engine = self._worker.engine
        if engine.count > len(self._worker.abandoned):
            return False
        # Clients that were parked are still to come, until the channel says that all have.
        return engine.parking.fd < 0 or now >= self.began + PARKED_SECONDS


def silence_signals() -> None:
    """No alarm any more; and a signal that still comes is not written to the engine's descriptor, which is closed."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.set_wakeup_fd(-1)
