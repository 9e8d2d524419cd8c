"""Task processes on the screen, where there are any: one line of all, one an application, one a call that runs."""

from __future__ import annotations

from .reading import since
from .table import rate
from .text import duration, escaped, left, right, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .keys import State
    from .reading import Reading, TaskApp, TaskCall, Tasks
    from .table import Section
    from .text import Line

__all__ = ["sections"]

SLOW_SECONDS = 60.0
"""What runs in a task process may take long; a call that is older is worth a look."""


def sections(now: Reading, before: Reading | None, state: State) -> Iterable[Section]:
    """The head with the numbers of all, applications below it, and the calls that run, the oldest first."""
    tasks = now.tasks
    if tasks is None:
        return []
    rows = [_app(app, tasks, before, since(before, now), state) for app in tasks.apps]
    return [(_head(tasks), [*rows, *(_call(call, state) for call in tasks.calls)])]


def _head(tasks: Tasks) -> Line:
    lacking = "warn" if tasks.processes < tasks.wanted else "bold"
    memory = f"  {size(tasks.memory)}" if tasks.memory else ""
    return [
        ("bold", "TASKS  "), (lacking, f"processes {tasks.processes}/{tasks.wanted}"),
        ("bold", f"  busy {tasks.busy}{memory}"),
    ]


def _app(app: TaskApp, tasks: Tasks, before: Reading | None, seconds: float, state: State) -> Line:
    earlier = before.tasks if before is not None else None
    then = earlier.app(app.path) if earlier is not None else None
    calls = failed = None
    if then is not None and seconds:
        calls = max(0.0, app.calls - then.calls) / seconds
        failed = max(0.0, app.failed - then.failed)
    wanted = app.wanted or tasks.wanted
    return [
        ("warn" if app.processes < wanted else "", f"  {left(escaped(app.path, state.ascii_only), 30)}"),
        ("", f" {right(f'{app.processes}/{wanted}', 7)}  {right(rate(calls), 6)} calls/s  running {app.running}"),
        ("warn" if app.waiting else "", f"  queue {app.waiting}"),
        ("bad" if failed else "", f"  not ok {failed or 0.0:.0f}"),
    ]


def _call(call: TaskCall, state: State) -> Line:
    identity = f"  {escaped(call.request_id, state.ascii_only)}" if call.request_id else ""
    return [
        ("warn" if call.age >= SLOW_SECONDS else "", right(duration(call.age), 8)),
        ("", f" {call.pid:>8} {escaped(call.name, state.ascii_only)}"), ("dim", identity),
    ]
