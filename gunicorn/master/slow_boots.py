"""Who is still loading the application is named once, for those who watch: nothing is wrong yet, only slow."""

from __future__ import annotations

from collections.abc import Iterator

from .crew import BOOTING, Crew, Member

__all__ = ["SLOW_BOOT", "moments", "tell"]

SLOW_BOOT = 5.0
"""After so many seconds of a boot somebody who watches wonders, and is told what the server waits for."""


def tell(crew: Crew, now: float) -> None:
    """Say once of each worker that its boot takes long."""
    if not any(now >= moment for moment in moments(crew)):
        return
    # Those that were forked just behind it are in the same line.
    slow = [member for member in _untold(crew) if now >= member.spawned_at + SLOW_BOOT - 1]
    for member in slow:
        member.is_told = True
    limit = crew.policy.boot_timeout
    until = f"; boot_timeout ends that after {limit:g} s" if limit else ""
    which = ", ".join(str(member.pid) for member in slow)
    text = "Still loading the application after %d s (pid: %s)%s."
    crew.log("info", text, now - min(member.spawned_at for member in slow), which, until)


def moments(crew: Crew) -> Iterator[float]:
    """When there is something to say."""
    return (member.spawned_at + SLOW_BOOT for member in _untold(crew))


def _untold(crew: Crew) -> Iterator[Member]:
    return (member for member in crew.members.values() if member.phase == BOOTING and not member.is_told)
