"""The workers in the books of the master: whom the parts of the supervisor share, and what they decide of each.

The life of a worker, as the master sees it::

    booting -> ready -> retiring -> (gone)
       \\         \\________/__ aborting -> killed -> (gone)

A worker is of a generation; a reload opens the next one.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator

from .decisions import Action, Kill, Log, Policy

__all__ = ["ABORTING", "BOOTING", "KILLED", "READY", "RETIRING", "STOP_GRACE", "Crew", "Member"]

STOP_GRACE = 0.5
"""So long (seconds) past `graceful_timeout` a worker may take to leave: it cuts off what is left itself."""

BOOTING, READY, RETIRING, ABORTING, KILLED = "booting", "ready", "retiring", "aborting", "killed"


class Member:
    """One worker in the books of the master."""

    __slots__ = (
        "age", "cause", "expires_at", "generation", "is_told", "kill_at", "looks", "phase", "pid", "ready_at",
        "recycling", "spawned_at", "timed_out",
    )

    def __init__(self, pid: int, age: int, generation: int, now: float, expires_at: float | None = None) -> None:
        self.pid = pid
        self.age = age
        self.generation = generation
        self.phase = BOOTING
        self.spawned_at = now
        self.ready_at = 0.0
        # Whether it was said that its boot takes long.
        self.is_told = False
        self.kill_at: float | None = None
        self.recycling = False
        self.expires_at = expires_at
        # How many looks in a row have found too much memory.
        self.looks = 0
        # The name of the limit it has run into.
        self.timed_out = ""
        # Why it is to be replaced, or was told to go.
        self.cause = ""

    @property
    def counts(self) -> bool:
        """True while it serves or will."""
        return self.phase in (BOOTING, READY)

    @property
    def was_ready(self) -> bool:
        """Whether its boot came to its end."""
        return self.ready_at != 0.0

    @property
    def is_being_ended(self) -> bool:
        """Whether the master does not wait for it to leave by itself any more."""
        return self.phase in (ABORTING, KILLED)

    def replace_for(self, cause: str) -> None:
        """It is to go when there is another one."""
        self.recycling = True
        self.cause = self.cause or cause


class Crew:
    """All workers and how many are wanted, and what was decided in this step. `members` is keyed by PID."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.target = policy.workers
        self.members: dict[int, Member] = {}
        self.generation = 1
        # The one that a reload has opened, until it has taken the place of the other.
        self.incoming: int | None = None
        # How far the stop has come: 0 not at all, 1 by TERM, 2 by QUIT, 3 by KILL.
        self.stopping = 0
        self.ever_ready = False
        self._actions: list[Action] = []

    def do(self, action: Action) -> None:
        """Decide this."""
        self._actions.append(action)

    def log(self, level: str, message: str, *args: object) -> None:
        """Have the error log say this."""
        self.do(Log(level, message, args))

    def of(self, generation: int | None) -> Iterator[Member]:
        """The workers of a generation."""
        return (member for member in self.members.values() if member.generation == generation)

    def retire(self, member: Member, now: float, cause: str = "asked") -> None:
        """Tell a worker to leave, which it may take `graceful_timeout` for."""
        if not member.counts:
            return
        member.cause = member.cause or cause
        member.phase = RETIRING
        member.kill_at = now + self.policy.graceful_timeout + STOP_GRACE
        self.do(Kill(member.pid, signal.SIGTERM))

    def kill(self, member: Member) -> None:
        """End a worker at once."""
        member.phase = KILLED
        member.kill_at = None
        self.do(Kill(member.pid, signal.SIGKILL))
