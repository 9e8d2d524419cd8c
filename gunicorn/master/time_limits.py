"""Until when a worker may be silent, boot or run one request, and what follows when it does for longer."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping

from .crew import ABORTING, KILLED, Crew, Member
from .decisions import Kill, Policy, TimedOut

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .decisions import Vitals

__all__ = ["abort_late", "is_late", "kill_overdue", "moments"]

ABORT_GRACE = 1.0
"""Seconds between SIGABRT and SIGKILL for a worker that stopped to answer."""

REQUEST_GRACE = 1.0
"""So long (seconds) past its limit a worker may take to break off a request itself."""


def is_late(policy: Policy, member: Member, vitals: Vitals, now: float) -> bool:
    """Whether a worker has run into a limit."""
    late = _late_at(policy, member, vitals)
    return late is not None and now > late[0]


def abort_late(crew: Crew, now: float, board: Mapping[int, Vitals]) -> None:
    """Have those that have run into a limit show where they are, and end."""
    for member, vitals in _watched(crew, board):
        late = _late_at(crew.policy, member, vitals)
        if late is not None and now > late[0]:
            limit = late[1]
            since = vitals.started if limit == "request_timeout" else _last_beat(member, vitals)
            crew.do(TimedOut(member.pid, now - since, limit))
            crew.do(Kill(member.pid, signal.SIGABRT))
            member.phase = ABORTING
            member.timed_out = limit
            member.kill_at = now + ABORT_GRACE


def kill_overdue(crew: Crew, now: float) -> None:
    """End those that were told to and have not."""
    for member in crew.members.values():
        if member.kill_at is not None and now >= member.kill_at and member.phase != KILLED:
            crew.kill(member)


def moments(crew: Crew, now: float, board: Mapping[int, Vitals]) -> Iterator[float]:
    """When these two may have something to do."""
    yield from (member.kill_at for member in crew.members.values() if member.kill_at is not None)
    limit = crew.policy.request_timeout
    for member, vitals in _watched(crew, board):
        late = _late_at(crew.policy, member, vitals)
        if late is not None:
            yield late[0]
        if limit and not vitals.started:
            # A request that begins now is not seen before the next look.
            yield now + limit


def _watched(crew: Crew, board: Mapping[int, Vitals]) -> Iterator[tuple[Member, Vitals]]:
    """The workers that limits are for, with their pages."""
    for pid, member in crew.members.items():
        vitals = board.get(pid)
        if vitals is not None and not member.is_being_ended:
            yield member, vitals


def _late_at(policy: Policy, member: Member, vitals: Vitals) -> tuple[float, str] | None:
    """The moment from which a worker counts as stuck, and the limit that says so; None for no limit."""
    beat = _last_beat(member, vitals)
    if not member.was_ready:
        return (beat + policy.boot_timeout, "boot_timeout") if policy.boot_timeout else None
    limits = [(beat + policy.timeout, "timeout")] if policy.timeout else []
    if policy.request_timeout and vitals.started:
        # A type that breaks requests off itself is stuck only when it does not even beat any more.
        breaks = policy.breaks_requests or vitals.breaks_requests
        late = max(vitals.started, beat) + REQUEST_GRACE if breaks else vitals.started
        limits.append((late + policy.request_timeout, "request_timeout"))
    return min(limits, default=None)


def _last_beat(member: Member, vitals: Vitals) -> float:
    return max(vitals.heartbeat, member.spawned_at)
