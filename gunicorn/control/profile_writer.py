"""What `gunicornc profile` makes of an answer: a file, and lines about it."""

from __future__ import annotations

import sys
import time

from . import flame
from .lines import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["render", "summary", "write"]


def write(data: Mapping[str, object], path: str, collapsed: bool) -> list[str]:
    """Write a profile to `path`, `-` for the standard output; without a path to a new file with the time in its name.
    What is to be said about it. Raises OSError."""
    now = time.localtime()
    text = render(data, collapsed, time.strftime("%Y-%m-%d %H:%M:%S", now))
    if path == "-":
        sys.stdout.write(text)
        sys.stdout.flush()
        return _problems(data)
    name = path or time.strftime("profile-%Y%m%d-%H%M%S", now) + (".txt" if collapsed else ".svg")
    # One that nobody has named is in nobody's way.
    with open(name, "w" if path else "x", encoding="utf-8") as file:
        file.write(text)
    return [f"Wrote {name}: {summary(data)}", *_problems(data)]


def render(data: Mapping[str, object], collapsed: bool, when: str) -> str:
    """A profile as collapsed stacks, the heaviest first, or as a flame graph."""
    stacks = _stacks(data)
    if collapsed:
        lines = sorted(stacks.items(), key=lambda pair: (-pair[1], pair[0]))
        return "".join(f"{stack} {count}\n" for stack, count in lines)
    return flame.draw(stacks, f"gunicorn profile, {when}", "; ".join([summary(data), *_problems(data)]))


def summary(data: Mapping[str, object]) -> str:
    """How much there is, in a line."""
    workers, samples = _workers(data), data.get("samples", 0)
    idle = sum(each.get("idle", 0) for each in workers)
    plural = "" if len(workers) == 1 else "s"
    return (
        f"{samples} samples of {len(workers)} worker{plural} in {data.get('seconds')} s at {data.get('hertz')} Hz, "
        f"and {idle} of threads that waited for work"
    )


def _problems(data: Mapping[str, object]) -> list[str]:
    return [f"Worker {each.get('pid')}: {each['problem']}" for each in _workers(data) if each.get("problem")]


def _workers(data: Mapping[str, object]) -> Sequence[dict[str, int]]:
    rows = data.get("workers")
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _stacks(data: Mapping[str, object]) -> dict[str, int]:
    """The stacks of an answer, fit to be shown to a terminal."""
    stacks = data.get("stacks")
    pairs = stacks.items() if isinstance(stacks, dict) else ()
    return {printable(str(stack)): int(count) for stack, count in pairs}
