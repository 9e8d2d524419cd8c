"""A server as one sees it who asks: made by its master when somebody does, and read by everything that tells of it."""

from __future__ import annotations

from gunicorn._record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gunicorn.config.config import Config
    from gunicorn.instrument.scoreboard import Slot
    from gunicorn.instrument.task_readings import PoolReading
    from gunicorn.instrument.totals import Totals

__all__ = ["Counters", "Event", "ListenerView", "Probes", "ReloadView", "ServerView", "WorkerView"]


class WorkerView(Record):
    """A worker: its running number, its generation, what the master has seen of it, and its page.

    `phase` is one of `gunicorn.master.crew`: booting, ready, retiring, aborting, killed. Times are monotonic;
    `ready_at` is 0.0 for one that was never ready.
    """

    pid: int
    age: int
    generation: int
    phase: str
    spawned_at: float
    ready_at: float
    slot: Slot


class ListenerView(Record):
    """A listener: its address as logged, its descriptor, and the kind of socket."""

    address: str
    fd: int
    kind: str


class Event(Record):
    """Something that has happened: seconds since the epoch, and a line about it."""

    at: float
    text: str


class Counters(Record):
    """What the master has done since it started."""

    spawned: int = 0
    killed: int = 0
    reloads: int = 0


class ReloadView(Record):
    """Reloads: whether one is under way, how many have ended, and why the last of them failed."""

    running: bool = False
    ended: int = 0
    problem: str | None = None


class Probes(Record):
    """What is dear to find out: the bytes that workers and task processes use, by PID, and how many connections wait to
    be accepted, by the descriptor of the listener. What nobody knows is missing."""

    memory: Mapping[int, int] = {}
    waiting: Mapping[int, int] = {}


class ServerView(Record):
    """All of it. `now` and `started_at` are monotonic; `not_ready` says why no new clients should come, and is empty
    when they may. `add_up` makes `totals`; `restarts` are workers that ended while the server went on, by cause.
    `stopping`: the stop is decided, be it that it begins later. `probe`: find out what is dear. `look_at_tasks`: find
    out what task processes do."""

    now: float
    pid: int
    started_at: float
    workers: tuple[WorkerView, ...]
    target: int
    counters: Counters
    reload: ReloadView
    events: tuple[Event, ...]
    listeners: tuple[ListenerView, ...]
    settings: Config
    not_ready: str
    add_up: Callable[[], Totals]
    restarts: Mapping[str, int]
    probe: Callable[[], Probes] | None = None
    stopping: bool = False
    draining: bool = False
    look_at_tasks: Callable[[], PoolReading | None] | None = None

    @property
    def tasks(self) -> PoolReading | None:
        """The pool of task processes; None: there is none. Looked at by each who asks."""
        return self.look_at_tasks() if self.look_at_tasks is not None else None

    @property
    def ready(self) -> tuple[bool, str]:
        """Whether new clients may come, and why not."""
        return not self.not_ready, self.not_ready

    @property
    def totals(self) -> Totals:
        """What all workers have counted that there are and were; added up by each who asks."""
        return self.add_up()

    @property
    def uptime(self) -> float:
        """Seconds since the master started."""
        return self.now - self.started_at

    def worker(self, pid: int) -> WorkerView | None:
        """The worker of this process."""
        return next((worker for worker in self.workers if worker.pid == pid), None)
