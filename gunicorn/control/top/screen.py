"""The screen: what a person asks of a server, in the order in which it is asked.

Is it serving, and can it take more? How is it for users? What is stuck? Who is odd? What has happened? On a small
screen the later ones give way, and in a line the parts at its end.
"""

from __future__ import annotations

import time

from . import table, tasks
from .keys import HELP
from .reading import percentile, share, since
from .text import cut, duration, escaped, fit, left, percent, plain, right, spark, width

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .keys import State
    from .reading import Reading, Running
    from .text import Line

__all__ = ["busy_share", "view"]

FULL = 0.9
"""From this share of all places on a server is called full."""

SLOW_SECONDS, STUCK_SECONDS = 1.0, 10.0
KEYS = "q quit  p pause  r b m a sort  s stacks  k kill  R reload  + - workers  ? help"
_PARTS = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))


def view(now: Reading | None, before: Reading | None, state: State, columns: int, rows: int) -> list[Line]:
    """So many lines of at most so many columns. `before`: an earlier reading of the same server, since which rates are.
    """
    if rows < 1 or columns < 1:
        return []
    if state.page == "help":
        body = [[("bold", left(keys, 9)), ("", text)] for keys, text in HELP]
    elif state.page == "stacks":
        body = _text_page(state, rows)
    elif now is None:
        body = [[("bad", "NO ANSWER"), ("", f"  {escaped(state.lost, state.ascii_only)}")]]
    else:
        body = _main(now, before, state, columns, rows - 2)
    lines = [_title(now, state, columns), *body[: max(rows - 2, 0)]]
    lines += [[] for _ in range(rows - 1 - len(lines))]
    return [cut(line, columns) for line in [*lines[: max(rows - 1, 1)], _foot(state, columns)][:rows]]


def _text_page(state: State, rows: int) -> list[Line]:
    first = min(state.scroll, max(len(state.stacks) - (rows - 2), 0))
    return [[("", escaped(line.expandtabs(4), state.ascii_only))] for line in state.stacks[first:]]


def _title(now: Reading | None, state: State, columns: int) -> Line:
    parts = ["gunicorn"]
    if now is not None:
        parts = [f"gunicorn {escaped(now.version)}", f"pid {now.pid}", f"up {duration(now.uptime)}"]
    parts += ["PAUSED"] if state.paused else []
    if now is not None:
        parts += [escaped(address, state.ascii_only) for address in now.listeners]
    text = fit([[("", part)] for part in parts], columns)
    return [("bar", left("".join(each for _, each in text), columns))]


def _foot(state: State, columns: int) -> Line:
    if state.question:
        return [("warn", f"{state.question} y/n")]
    if state.note:
        return [("bold", escaped(state.note, state.ascii_only))]
    if state.page != "main":
        return [("dim", "up down to move, q to go back")]
    parts = [part for part in KEYS.split("  ") if columns >= 60 or part in ("q quit", "? help", "p pause")]
    return fit([[("dim", part)] for part in parts], columns)


# The sections.


def _main(now: Reading, before: Reading | None, state: State, columns: int, rows: int) -> list[Line]:
    lines = [_serving(now, before, state, columns), _users(now, before, columns)]
    sections: list[tuple[Line, list[Line]]] = [
        ([("bold", "RUNNING, THE OLDEST FIRST")], [_running(each, state) for each in now.requests]),
        table.section(now, before, state, columns),
        *tasks.sections(now, before, state),
        ([("bold", "EVENTS, THE LAST FIRST")], [_event(*each, state) for each in reversed(now.events)]),
    ]
    if not now.requests:
        sections[0] = ([("bold", "NO REQUEST RUNS")], [])
    if not now.events:
        sections[-1] = ([("bold", "NO EVENTS YET")], [])
    counts = _shared_out([len(section) for _, section in sections], rows - len(lines))
    for (head, section), count in zip(sections, counts, strict=True):
        if count is None:
            break
        lines += [head, *section[:count]]
    return lines


#: How many rows a section gets in a round: of requests, workers, and each other one.
_ROUND = (1, 3)


def _shared_out(wanted: Sequence[int], rows: int) -> list[int | None]:
    """How many of `rows` each section gets beside its head; None: not even that."""
    counts: list[int | None] = []
    for count in wanted:
        needed = 1 + min(count, 1)
        counts.append(needed - 1 if needed <= rows else None)
        rows -= needed
        if rows < 0:
            return counts + [None] * (len(wanted) - len(counts))
    while rows > 0:
        before = rows
        for place in range(len(wanted)):
            most = _ROUND[place] if place < len(_ROUND) else 1
            more = min(most, rows, wanted[place] - (counts[place] or 0))
            counts[place] = (counts[place] or 0) + more
            rows -= more
        if rows == before:
            break
    return counts


def busy_share(now: Reading, before: Reading | None) -> float | None:
    """Which share of all places requests have had since `before`; None where nobody can say."""
    seconds = since(before, now)
    if before is None or not seconds:
        return None
    shares = [(share(worker, before, seconds), worker.places) for worker in now.workers]
    places = sum(count for part, count in shares if part is not None)
    return sum(part * count for part, count in shares if part is not None) / places if places else None


def _serving(now: Reading, before: Reading | None, state: State, columns: int) -> Line:
    busy = busy_share(now, before)
    is_busy = busy is not None and busy >= FULL
    lacking = "warn" if now.healthy < now.wanted else ""
    queue = "-" if now.waiting is None else f"{now.waiting}"
    parts: list[Line] = [
        [_verdict(now, state, bool(now.waiting) or is_busy)],
        [(lacking, f"workers {now.healthy}/{now.wanted}")],
        [("", "busy "), ("warn" if is_busy else "", percent(busy))],
        [("", "queue "), ("warn" if now.waiting else "", queue)],
        *([[("warn", "reloading")]] if now.reloading else []),
        [("", f"running {now.running}")],
        [("", f"connections {now.connections}")],
        [("", _ended(now))],
    ]
    line = fit(parts, columns)
    # How busy it was, in what is left of the line.
    room = columns - width(plain(line)) - 2
    return [*line, ("dim", "  " + spark(state.busy[-room:], state.ascii_only))] if room > 0 and state.busy else line


def _ended(now: Reading) -> str:
    """How many workers have, and how many of them why."""
    gone = sum(count for _, count in now.restarts)
    return f"{gone} ended" + "".join(f", {escaped(cause)} {count}" for cause, count in now.restarts)


def _verdict(now: Reading, state: State, is_full: bool) -> tuple[str, str]:
    if state.lost:
        return "bad", f"NO ANSWER  {escaped(state.lost, state.ascii_only)}"
    if not now.ready:
        return "bad", f"NOT READY: {escaped(now.reason, state.ascii_only)}"
    return ("warn", "SERVING, FULL") if is_full else ("good", "SERVING")


def _users(now: Reading, before: Reading | None, columns: int) -> Line:
    seconds = since(before, now)
    if before is None or not seconds:
        return fit([[("", "requests/s -")], [("dim", "numbers come with the next answer")]], columns)

    def rate(name: str) -> float:
        return max(0.0, float(getattr(now, name)) - float(getattr(before, name))) / seconds

    failed, refused = rate("failed"), rate("refused")
    times = [(name, percentile(part, before.histogram, now.histogram)) for name, part in _PARTS]
    parts: list[Line] = [
        [("bold", f"{table.rate(rate('ended'))} requests/s")],
        *([("", f"{name} {'-' if seconds is None else duration(seconds)}")] for name, seconds in times),
        [("bad" if failed else "", f"5xx {table.rate(failed)}/s")],
        [("warn" if refused else "", f"refused {table.rate(refused)}/s")],
    ]
    return fit(parts, columns)


def _running(request: Running, state: State) -> Line:
    style = "bad" if request.age >= STUCK_SECONDS else "warn" if request.age >= SLOW_SECONDS else ""
    more = f" (+{request.running - 1})" if request.running > 1 else ""
    line = escaped(request.line, state.ascii_only)
    identity = f"  {escaped(request.request_id, state.ascii_only)}" if request.request_id else ""
    return [(style, right(duration(request.age), 8)), ("", f" {request.pid:>8} {line}"), ("dim", more + identity)]


def _event(at: float, text: str, state: State) -> Line:
    try:
        moment = time.strftime("%m-%d %H:%M:%S", time.localtime(at))
    except (OverflowError, ValueError, OSError):
        moment = "?"
    return [("dim", f"  {moment:<14} "), ("", escaped(text, state.ascii_only))]
