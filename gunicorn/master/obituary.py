"""What is said of a worker that has ended: its line in the log, its cause in the metrics, why a reload fails by it."""

from __future__ import annotations

import signal

from .crew import BOOTING, KILLED, RETIRING, Member
from .decisions import Log

__all__ = ["HALT_REASONS", "boot_problem", "cause_of", "obituary"]

WORKER_BOOT_ERROR, APP_LOAD_ERROR = 3, 4

HALT_REASONS = {WORKER_BOOT_ERROR: "Worker failed to boot.", APP_LOAD_ERROR: "App failed to load."}
"""By exit codes with which the first worker ends the server."""

_BOOT_PROBLEMS = {WORKER_BOOT_ERROR: "failed to boot", APP_LOAD_ERROR: "could not load the application"}

# Signals by which a process ends that has done something wrong itself.
_OWN_FAULTS = frozenset({signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV})


def obituary(member: Member, code: int) -> Log | None:
    """The line for the end of a worker by an exit code, negative for a signal; None for an end that was to be."""
    return _after_signal(member, -code) if code < 0 else _after_exit(member, code) if code else None


def _after_exit(member: Member, code: int) -> Log | None:
    args = member.pid, code
    if member.timed_out:
        return Log("error", "Worker (pid:%s) exited with code %s: killed by the timeout.", args)
    return None if member.is_being_ended else Log("error", "Worker (pid:%s) exited with code %s.", args)


def _after_signal(member: Member, number: int) -> Log:
    args = member.pid, _name_of(number)
    if member.phase == RETIRING and number == signal.SIGTERM:
        return Log("debug", "Worker (pid:%s) was ended by %s.", args)
    if number != signal.SIGKILL:
        return Log("error", "Worker (pid:%s) was sent %s!", args)
    if member.phase != KILLED:
        return Log("error", "Worker (pid:%s) was sent %s! Perhaps out of memory?", args)
    if member.timed_out:
        return Log("error", "Worker (pid:%s) was sent %s by the master: killed by the timeout.", args)
    return Log("error", "Worker (pid:%s) was sent %s by the master: it did not end in time.", args)


def cause_of(member: Member, code: int) -> str:
    """Why a worker has ended, in one word: what has led to its end, or else how it has come."""
    if member.timed_out:
        return "timeout" if member.was_ready else "boot"
    if not member.counts:
        return member.cause
    if member.phase == BOOTING:
        return "boot"
    if code == 0:
        return "exit"
    return "signal" if code < 0 and -code not in _OWN_FAULTS else "crash"


def boot_problem(pid: int, code: int | None) -> str:
    """Why a worker has not come up; `code` as for an obituary, None when the master itself had to end it."""
    if code is None:
        return f"worker (pid:{pid}) was not ready in time"
    if code < 0:
        return f"worker (pid:{pid}) was ended by {_name_of(-code)} before it was ready"
    return f"worker (pid:{pid}) {_BOOT_PROBLEMS.get(code, f'exited with code {code} before it was ready')}"


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
