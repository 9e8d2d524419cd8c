"""The words between the two halves of the master: what the one that decides is told, and what it answers."""

from __future__ import annotations

from gunicorn._record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Vitals(Protocol):
        """What the scoreboard tells of one worker."""

        @property
        def state(self) -> int: ...
        @property
        def heartbeat(self) -> float: ...
        @property
        def started(self) -> float: ...
        @property
        def wants_recycling(self) -> bool: ...
        @property
        def breaks_requests(self) -> bool: ...

__all__ = [
    "Action", "Adjusted", "Decision", "Dismissed", "Exit", "Gone", "Halt", "Kill", "Leaving", "Log", "Measured",
    "Policy", "Reconfigured", "Reexec", "Reload", "ReloadDone", "ReloadFailed", "ReloadRefused", "ReopenLogs",
    "Report", "Resize", "Resized", "Restored", "Spawn", "SpawnFailed", "Spawned", "StopListening", "Stuck", "TimedOut",
    "Vitals", "Worn",
]


class Policy(Record):
    """Settings the decisions rest on. Times in seconds, memory in bytes; 0 means no limit.

    `breaks_requests`: workers keep to `request_timeout` themselves; those of other types are ended, unless one says
    on its page that it does, as an asgi worker in the place of another type.
    `reload_batch`: workers that are exchanged at a time, a share of all when below 1; 0 means all. `reload_replaces`:
    there is no room for one more, so an old one goes before the new one in its place is started, one at a time.
    """

    workers: int
    timeout: float
    graceful_timeout: float
    boot_timeout: float
    request_timeout: float = 0.0
    breaks_requests: bool = True
    lifetime: float = 0.0
    memory: int = 0
    memory_hard: int = 0
    shutdown_delay: float = 0.0
    reload_batch: float = 0.0
    reload_replaces: bool = False


class Exit(Record):
    """A child that ended; `status` as waitpid() gives it."""

    pid: int
    status: int


# Reports.


class Report(Record):
    """Something that the master has done or found since the last step."""


class Spawned(Report):
    """A worker was forked at the monotonic time `at`; `jitter` seconds are added to its lifetime."""

    pid: int
    age: int
    generation: int
    at: float
    jitter: float = 0.0


class SpawnFailed(Report):
    """The fork itself failed (no memory, no process slot)."""


class Measured(Report):
    """A worker has `used` bytes of memory."""

    pid: int
    used: int


class Resize(Report):
    """Somebody wants this number of workers (the hook is the master's business)."""

    wanted: int


class Adjusted(Report):
    """Somebody wants so many workers more, or less; one stays."""

    by: int


class Dismissed(Report):
    """Somebody wants this worker to end; what is missing then is started."""

    pid: int


class Stuck(Report):
    """A worker has run into the limit `limit` with a call, and is told to go; `hopeless`: nothing else runs there."""

    pid: int
    limit: str
    hopeless: bool


class Worn(Report):
    """Somebody wants these workers replaced, each when the one in its place is ready."""

    pids: frozenset[int]


class Reconfigured(Report):
    """After Reload: the configuration was read again."""

    policy: Policy


class ReloadRefused(Report):
    """After Reload: the configuration could not be read again."""


class Restored(Report):
    """After ReloadFailed: the configuration of the old generation is back."""

    policy: Policy


# Actions.


class Action(Record):
    """Something for the master to do."""


class Spawn(Action):
    """Start a worker of this generation."""

    generation: int


class Kill(Action):
    """Send a signal to one worker."""

    pid: int
    signal: int


class Log(Action):
    """A line of the error log."""

    level: str
    message: str
    args: tuple[object, ...] = ()


class TimedOut(Action):
    """A worker has run into a time limit (the name of the setting); it is about to get SIGABRT."""

    pid: int
    silent_for: float
    limit: str = "timeout"


class Leaving(Action):
    """The stop is decided and delayed: the workers may know."""


class Gone(Action):
    """A worker of ours ended and is forgotten; `cause` is why, as `instrument.metric_families.CAUSES` has it, and empty
    while the server stops."""

    pid: int
    cause: str = ""


class Resized(Action):
    """The wanted number of workers changed."""

    new: int
    old: int


class Reload(Action):
    """Read the configuration again and open a generation."""


class ReloadDone(Action):
    """The new generation serves; what only the old one needed can go."""


class ReloadFailed(Action):
    """The new generation cannot boot; go back to the configuration of the old one, unless some of the new workers
    serve already (`halfway`)."""

    reason: str
    halfway: bool = False


class ReopenLogs(Action):
    """Reopen the master's log files."""


class Reexec(Action):
    """Start a new master on the same sockets."""


class StopListening(Action):
    """The stop has begun: the master's copies of the listeners can go."""


class Halt(Action):
    """No worker is left, or none can be started: end with this status."""

    reason: str | None
    status: int


class Decision(Record):
    """Actions in order, and the monotonic time of the next step (None: when something happens)."""

    actions: list[Action]
    deadline: float | None
