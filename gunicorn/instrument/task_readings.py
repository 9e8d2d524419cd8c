"""What there is to see of task processes at one moment; moments are monotonic."""

from __future__ import annotations

from collections.abc import Mapping

from gunicorn._record import Record

__all__ = ["PHASES", "RESULTS", "AppReading", "CallReading", "PoolReading", "ProcessReading", "StashReading"]

PHASES = ("booting", "ready", "retiring", "aborting", "killed")
"""As `master.crew` has them."""

RESULTS = ("ok", "error", "timeout", "cancelled", "refused", "lost")
"""What has become of a call: an answer; an exception of its application; it took too long, running or waiting; nobody
waits for it any more; it was never run; its process, or the one that leads them, has ended."""


class AppReading(Record):
    """An application: in how many processes it is to be (0: in all, -1: in none any more) and is, how many calls wait
    and run, what has become of the others, by `RESULTS`, and how long they ran and had waited: histograms as those of a
    worker's page, and their sums in nanoseconds."""

    path: str
    limit: int
    processes: int
    waiting: int
    running: int
    results: Mapping[str, int]
    histogram: list[int]
    nanoseconds: int
    queued: list[int]
    queued_nanoseconds: int


class ProcessReading(Record):
    """A task process: its place, PID, running number, generation, one of `PHASES`, since when it is there and ready
    (0.0: not yet), when it was last known to live, the calls that it was given, those that ended with an error, those
    that run, and the applications that it has."""

    place: int
    pid: int
    age: int
    generation: int
    phase: str
    spawned_at: float
    ready_at: float
    beat_at: float
    calls: int
    errors: int
    running: int
    apps: tuple[str, ...]

    @property
    def state(self) -> str:
        """In the words of the metrics: one that is told to go drains, whatever it is busy with."""
        if self.phase == "ready":
            return "busy" if self.running else "ready"
        return "booting" if self.phase == "booting" else "draining"


class CallReading(Record):
    """A call that runs: where, what, since when, and the id of the request that has asked for it (empty: none)."""

    pid: int
    app: str
    action: str
    request_id: str
    started: float


class StashReading(Record):
    """Tables and entries of the stash, the octets that it has, and may have."""

    tables: int
    entries: int
    octets: int
    most: int


class PoolReading(Record):
    """All of it. `pid`: the process that leads them, 0 while there is none; `starts`: how often one was started;
    `restarts`: processes that have ended while the pool went on, by cause; `is_here`: their numbers are PIDs of this
    machine."""

    pid: int
    target: int
    starts: int
    spawned: int
    restarts: Mapping[str, int]
    apps: tuple[AppReading, ...]
    processes: tuple[ProcessReading, ...]
    calls: tuple[CallReading, ...]
    stash: StashReading
    is_here: bool = True

    @property
    def local_pids(self) -> list[int]:
        """The task processes that this machine can be asked about."""
        return [process.pid for process in self.processes] if self.is_here else []

    def process(self, pid: int) -> ProcessReading | None:
        """The task process of this PID."""
        return next((process for process in self.processes if process.pid == pid), None)
