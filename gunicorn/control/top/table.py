"""The table of workers: a row each, sorted, and a mark at who is not like the others."""

from __future__ import annotations

from gunicorn._record import Record

from .keys import choice
from .reading import share, since
from .text import duration, escaped, left, percent, right, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .keys import State
    from .reading import Reading, Worker
    from .text import Line

    Section = tuple[Line, list[Line]]

__all__ = ["order", "rate", "section"]

LATE_SECONDS = 10.0
"""A heartbeat that is older is odd."""

HEAVY = 1.5
"""So many times the median of the memory is odd, among three workers and more."""

_STATES = {"booting": "warn", "draining": "dim", "aborting": "bad", "killed": "bad"}


class Row(Record):
    """A worker, and what has come of it since the earlier reading; None where there is none."""

    worker: Worker
    rate: float | None
    busy: float | None
    errors: float
    line: str
    odd: tuple[str, ...]


def rate(number: float | None) -> str:
    """How often a second, in six columns at most."""
    if number is None:
        return "-"
    if number < 99.95:
        return f"{number:.1f}"
    return f"{number:.0f}" if number < 999999.5 else f"{number / 1e6:.1f}M"


def _count(number: float) -> str:
    return f"{number:.0f}" if number < 1e7 else f"{number / 1e6:.0f}M"


def _rows(now: Reading, before: Reading | None) -> list[Row]:
    seconds = since(before, now)
    known = [worker.memory for worker in now.workers if worker.memory is not None]
    usual = sorted(known)[(len(known) - 1) // 2] if len(known) > 2 else None
    lines = {request.pid: request.line for request in now.requests}
    return [_row(worker, before, seconds, usual, lines.get(worker.pid, "")) for worker in now.workers]


def _row(worker: Worker, before: Reading | None, seconds: float, usual: float | None, line: str) -> Row:
    if before is None or not seconds:
        return Row(worker, None, None, 0.0, line, _odd(worker, usual, 0.0))
    then = before.worker(worker.pid)
    done = worker.requests - (0.0 if then is None else then.requests)
    errors = max(0.0, worker.errors - (0.0 if then is None else then.errors))
    return Row(
        worker, max(0.0, done) / seconds, share(worker, before, seconds), errors, line, _odd(worker, usual, errors)
    )


def _odd(worker: Worker, usual: float | None, errors: float) -> tuple[str, ...]:
    """The columns in which a worker is not as it should be, or not as the others are."""
    found = []
    if worker.state in ("aborting", "killed"):
        found.append("STATE")
    if worker.beat >= LATE_SECONDS:
        found.append("BEAT")
    if usual is not None and worker.memory is not None and worker.memory > HEAVY * usual:
        found.append("PSS")
    if errors:
        found.append("ERR")
    return tuple(found)


_SORTED_BY: dict[str, Callable[[Row], float]] = {
    "r": lambda row: -(row.rate or 0.0),
    "b": lambda row: -(row.busy or 0.0),
    "m": lambda row: -(row.worker.memory or 0.0),
    "a": lambda row: -row.worker.age,
}


def _sorted(now: Reading, before: Reading | None, sort: str) -> list[Row]:
    # Rows that are alike keep their places from one second to the next.
    return sorted(_rows(now, before), key=lambda row: (_SORTED_BY[sort](row), row.worker.slot))


def order(now: Reading, before: Reading | None, sort: str) -> tuple[int, ...]:
    """The PIDs as the table has them."""
    return tuple(row.worker.pid for row in _sorted(now, before, sort))


# Columns: head, width, what is in it. The first ones stay the longest.

_COLUMNS: tuple[tuple[str, int, Callable[[Row], str]], ...] = (
    ("PID", 8, lambda row: str(row.worker.pid)),
    ("STATE", 8, lambda row: escaped(row.worker.state)),
    ("REQ/S", 6, lambda row: rate(row.rate)),
    ("BUSY", 4, lambda row: percent(row.busy)),
    ("PSS", 5, lambda row: size(row.worker.memory)),
    ("RUN", 7, lambda row: f"{row.worker.running}/{row.worker.places or '-'}"),
    ("CONN", 5, lambda row: str(row.worker.connections)),
    ("AGE", 6, lambda row: duration(row.worker.age)),
    ("BEAT", 6, lambda row: duration(row.worker.beat)),
    ("ERR", 4, lambda row: _count(row.errors)),
    ("REQS", 8, lambda row: _count(row.worker.requests)),
)
_LEFT = ("STATE",)
_SORT_COLUMNS = {"r": "REQ/S", "b": "BUSY", "m": "PSS", "a": "AGE"}
_MARK = 2
_LINE = 12
"""So many columns are left for the request at least, where it is shown."""


def section(now: Reading, before: Reading | None, state: State, columns: int) -> Section:
    """The head of the table, and its rows."""
    shown, used = 0, _MARK
    for _, wide, _ in _COLUMNS:
        if used + 1 + wide > columns:
            break
        shown, used = shown + 1, used + 1 + wide
    has_line = columns - used >= _LINE
    rows = _sorted(now, before, state.sort)
    chosen = choice(state.chosen, [row.worker.pid for row in rows])
    head: Line = [("", " " * _MARK)]
    for name, wide, _ in _COLUMNS[:shown]:
        cell = left(name, wide) if name in _LEFT else right(name, wide)
        head += [("", " "), ("chosen" if name == _SORT_COLUMNS[state.sort] else "bold", cell)]
    head.append(("bold", " REQUEST" if has_line else ""))
    return head, [_cells(row, shown, has_line, row.worker.pid == chosen, state) for row in rows]


def _cells(row: Row, shown: int, has_line: bool, is_chosen: bool, state: State) -> Line:
    line: Line = [("bold", ">" if is_chosen else " "), ("bad", "!" if row.odd else " ")]
    for name, wide, tell in _COLUMNS[:shown]:
        text = left(tell(row), wide) if name in _LEFT else right(tell(row), wide)
        style = "bad" if name in row.odd else _STATES.get(row.worker.state, "") if name == "STATE" else ""
        line.append((style or ("chosen" if is_chosen else ""), f" {text}"))
    if has_line:
        line.append(("dim", f" {escaped(row.line, state.ascii_only)}"))
    return line
