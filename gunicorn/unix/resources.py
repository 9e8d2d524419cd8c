"""What the machine, or the container, lets this process have: processors and memory.

Linux' control groups (cgroups(7)) of both versions are read as files below `root`; elsewhere only the number of
processors is known.
"""

from __future__ import annotations

import math
import os
import resource
from collections.abc import Iterator

from gunicorn._record import Record

__all__ = ["Usage", "automatic_workers", "memory_limit", "processors", "proportional_memory", "usage"]

WORKER_MEMORY = 64 << 20
"""Bytes that each of the automatically counted workers is to have at least."""

_UNLIMITED = 1 << 60
"""Version 1 writes "no limit" as a number near 2**63."""


def automatic_workers(one_at_a_time: bool, root: str = "/") -> int:
    """How many workers to start where nobody said; `one_at_a_time`: each runs one request and waits with it."""
    count = processors(root)
    wanted = 2 * count + 1 if one_at_a_time else count
    limit = memory_limit(root)
    return wanted if limit is None else max(1, min(wanted, limit // WORKER_MEMORY))


def processors(root: str = "/") -> int:
    """Processors this process may use: its affinity, and the quota of its control group, rounded up."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:
        count = os.cpu_count() or 1
    quota = _processor_quota(root)
    return count if quota is None else max(1, min(count, math.ceil(quota)))


def memory_limit(root: str = "/") -> int | None:
    """Bytes the control group may use; None when there is no limit."""
    limits: list[int] = []
    for folder in _folders(root, "memory"):
        for name in ("memory.max", "memory.high", "memory.limit_in_bytes"):
            value = _number(_read(folder, name))
            if value is not None and value < _UNLIMITED:
                limits.append(int(value))
    return min(limits, default=None)


def proportional_memory(pid: int) -> int | None:
    """Bytes of memory a process has, pages it shares divided by their number of users (PSS); None when the system
    does not tell. Where PSS is denied (another user's process) what it does not share is returned."""
    total = _read(f"/proc/{pid}", "smaps_rollup")
    for line in total.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    words = _read(f"/proc/{pid}", "statm").split()
    if len(words) < 3:
        return None
    return (int(words[1]) - int(words[2])) * os.sysconf("SC_PAGE_SIZE")


class Usage(Record):
    """What this process uses: seconds of processors so far, bytes, descriptors and how many of these it may have. None
    is what the system does not tell."""

    cpu_seconds: float
    resident: int | None
    virtual: int | None
    open_files: int | None
    most_files: int | None


def usage() -> Usage:
    """What this process uses now."""
    spent = resource.getrusage(resource.RUSAGE_SELF)
    page = os.sysconf("SC_PAGE_SIZE")
    words = _read("/proc/self", "statm").split()
    try:
        # One of them is that of the look itself.
        open_files = len(os.listdir("/proc/self/fd")) - 1
    except OSError:
        open_files = None
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Usage(
        spent.ru_utime + spent.ru_stime,
        int(words[1]) * page if len(words) > 1 else None,
        int(words[0]) * page if words else None,
        open_files,
        None if most == resource.RLIM_INFINITY else most,
    )


def _processor_quota(root: str) -> float | None:
    quotas: list[float] = []
    for folder in _folders(root, "cpu"):
        words = _read(folder, "cpu.max").split() or [
            _read(folder, "cpu.cfs_quota_us"), _read(folder, "cpu.cfs_period_us"),
        ]
        quota, period = _number(words[0]), _number(words[-1])
        if quota and period and quota > 0:
            quotas.append(quota / period)
    return min(quotas, default=None)


def _folders(root: str, controller: str) -> Iterator[str]:
    """Folders of the control groups this process is in, from its own up: each of them may set a limit."""
    mount = os.path.join(root, "sys/fs/cgroup")
    for line in _read(os.path.join(root, "proc/self"), "cgroup").splitlines():
        number, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        if number == "0" and not names:
            base = mount
        elif controller in names.split(","):
            base = os.path.join(mount, controller)
        else:
            continue
        parts = [part for part in path.split("/") if part and part != ".."]
        for length in range(len(parts), -1, -1):
            yield os.path.join(base, *parts[:length])


def _read(folder: str, name: str) -> str:
    try:
        with open(os.path.join(folder, name), encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
