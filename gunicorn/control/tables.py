"""Answers as people read them: tables, `Name: value` lines, and JSON where there is nothing better.

Columns of old standing stay where they are, since scripts cut them out by their places.
"""

from __future__ import annotations

from .lines import number, printable, rows_of, table_lines
from .task_tables import task_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from .lines import Row

    Data = Mapping[str, object]

__all__ = ["as_json", "as_text"]

_LABELS = {
    "uptime": "Uptime", "pid": "PID", "workers_current": "Workers current", "workers_target": "Workers target",
    "workers_spawned": "Workers spawned", "workers_killed": "Workers killed", "reloads": "Reloads",
    "dirty_arbiter_pid": "Dirty arbiter",
}
_LABEL_WIDTH = 18
_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def as_json(data: object) -> str:
    """As JSON with an indent."""
    import json

    return json.dumps(data, indent=2)


def as_text(words: Sequence[str], data: Data) -> str:
    """What the command of these words has answered."""
    tell = _TEXTS.get(" ".join(word.lower() for word in words[:2]))
    if tell is None:
        tell = _TEXTS.get(words[0].lower() if words else "", as_json)
    return tell(data)


# Tables.


def _worker_lines(rows: Iterable[Row], rule: int) -> list[str]:
    cells = [
        (row.get("pid"), row.get("age"), "yes" if row.get("booted") else "no", _ago(row.get("last_heartbeat")))
        for row in rows
    ]
    return table_lines((10, 6, 8), rule, ("PID", "AGE", "BOOTED", "LAST_BEAT"), cells)


def _ago(seconds: object) -> str:
    return "n/a" if seconds is None else f"{seconds}s ago"


def _workers(data: Data) -> str:
    rows = rows_of(data.get("workers"))
    if not rows:
        return "No workers"
    return "\n".join([*_worker_lines(rows, 40), "", f"Total: {data.get('count', len(rows))} workers"])


def _everything(data: Data) -> str:
    arbiter, tasks = data.get("arbiter"), data.get("dirty_arbiter")
    lines = ["ARBITER (master)", f"  PID: {arbiter.get('pid') if isinstance(arbiter, dict) else '?'}", ""]
    rows = rows_of(data.get("web_workers"))
    lines += [f"WEB WORKERS ({data.get('web_worker_count', len(rows))})"]
    lines += [f"  {line}" for line in _worker_lines(rows, 38)]
    lines += ["", "DIRTY ARBITER", f"  PID: {tasks.get('pid')}" if isinstance(tasks, dict) else "  (not running)"]
    rows = rows_of(data.get("dirty_workers"))
    if rows:
        lines += ["", f"DIRTY WORKERS ({len(rows)})", *(f"  {line}" for line in _worker_lines(rows, 38))]
    return "\n".join(lines)


def _listeners(data: Data) -> str:
    rows = rows_of(data.get("listeners"))
    cells = [(row.get("address"), row.get("type"), row.get("fd")) for row in rows]
    table = table_lines((40, 8), 55, ("ADDRESS", "TYPE", "FD"), cells)
    mounts = [
        printable(f"Mounted at {row.get('place')}: {row.get('application')}") for row in rows_of(data.get("mounts"))
    ]
    return "\n".join([*table, "", *mounts, f"Total: {data.get('count', len(rows))} listeners"])


def _requests(data: Data) -> str:
    rows = rows_of(data.get("requests"))
    # One of ours has 36 characters; where there are none, there is no column.
    ids = any(row.get("request_id") for row in rows)
    cells = [
        (row.get("pid"), row.get("worker"), f"{row.get('age')}s",
         *([printable(str(row.get("request_id") or "-"))] if ids else []), printable(str(row.get("line", ""))))
        for row in rows
    ]
    widths, head = ((10, 6, 10, 36), ("ID", "REQUEST")) if ids else ((10, 6, 10), ("REQUEST", ))
    table = table_lines(widths, 40, ("PID", "WORKER", "SINCE", *head), cells)
    return "\n".join([*table, "", f"Total: {data.get('count', len(rows))} requests"])


# Lines.


def _stats(data: Data) -> str:
    lines = []
    for name, label in _LABELS.items():
        value = data.get(name)
        if value is not None or name not in ("dirty_arbiter_pid",):
            shown = _duration(number(value)) if name == "uptime" else value
            lines.append(f"{label + ':':<{_LABEL_WIDTH}}{shown}")
    if data.get("not_ready_because"):
        lines.append(f"{'Not ready:':<{_LABEL_WIDTH}}{data['not_ready_because']}")
    return "\n".join(lines)


def _duration(seconds: float) -> str:
    left = int(seconds)
    parts: list[str] = []
    for size, unit in _UNITS:
        count, left = divmod(left, size)
        if count or parts:
            parts.append(f"{count}{unit}")
    return " ".join(parts) or "0s"


def _config(data: Data) -> str:
    return "\n".join(f"{name}: {_setting(value)}" for name, value in sorted(data.items()) if name != "settings")


def _setting(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _help(data: Data) -> str:
    commands = data.get("commands")
    pairs = sorted(commands.items()) if isinstance(commands, dict) else []
    width = max((len(name) for name, _ in pairs), default=0)
    return "\n".join(["Available commands:", "", *(f"  {name:<{width}}   {text}" for name, text in pairs)])


def _stacks(data: Data) -> str:
    return str(data.get("stacks", ""))


def _snapshot(data: Data) -> str:
    """One tick of `watch`, in a line."""
    numbers = data.get("stats")
    stats = numbers if isinstance(numbers, dict) else {}
    served = sum(int(number(row.get("requests"))) for row in rows_of(data.get("workers")))
    state = "ready" if stats.get("ready") else str(stats.get("not_ready_because"))
    return (
        f"{state}: {stats.get('workers_ready')} of {stats.get('workers_target')} workers, "
        f"{stats.get('requests_running')} requests running, {served} served, {stats.get('connections')} connections"
    )


_TEXTS: dict[str, Callable[[Data], str]] = {
    "help": _help,
    "show all": _everything,
    "show workers": _workers,
    "show dirty": task_text,
    "show config": _config,
    "show stats": _stats,
    "show listeners": _listeners,
    "show requests": _requests,
    "show stacks": _stacks,
    "watch": _snapshot,
}
