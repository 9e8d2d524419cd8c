"""One answer of `watch` as numbers, and what came of them between two answers.

The answer may be that of another version: what is missing or of another kind is as if it were nothing.
"""

from __future__ import annotations

from gunicorn._record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Data = Mapping[str, object]

__all__ = [
    "Reading", "Running", "TaskApp", "TaskCall", "Tasks", "Worker", "percentile", "read", "share", "since",
]


class Worker(Record):
    """A row of the table. `busy` is seconds that requests have run; None is what nobody knows."""

    pid: int
    slot: int
    state: str
    age: float
    beat: float
    requests: float
    errors: float
    running: int
    places: int
    connections: int
    busy: float
    memory: float | None


class Running(Record):
    """A request that runs, and how many its worker has."""

    pid: int
    age: float
    line: str
    running: int
    # Empty where requests have none.
    request_id: str = ""


class TaskApp(Record):
    """A task application: how many processes it has, of how many (0: of all), and its calls."""

    path: str
    processes: int
    wanted: int
    running: int
    waiting: int
    calls: float
    failed: float


class TaskCall(Record):
    """A call that runs."""

    pid: int
    age: float
    name: str
    request_id: str


class Tasks(Record):
    """The pool of task processes."""

    pid: int
    wanted: int
    processes: int
    busy: int
    memory: float
    apps: tuple[TaskApp, ...]
    calls: tuple[TaskCall, ...]

    def app(self, path: str) -> TaskApp | None:
        """The application of this path."""
        return next((app for app in self.apps if app.path == path), None)


class Reading(Record):
    """All of an answer. `waiting` is None where no listener tells; `moment` only grows, in one server; `tasks` is None
    where there are none."""

    version: str
    pid: int
    moment: float
    uptime: float
    ready: bool
    reason: str
    wanted: int
    healthy: int
    connections: int
    running: int
    ended: float
    failed: float
    refused: float
    reloading: bool
    restarts: tuple[tuple[str, int], ...]
    listeners: tuple[str, ...]
    waiting: int | None
    histogram: tuple[float, ...]
    workers: tuple[Worker, ...]
    requests: tuple[Running, ...]
    events: tuple[tuple[float, str], ...]
    tasks: Tasks | None = None

    def worker(self, pid: int) -> Worker | None:
        """The worker of this process."""
        return next((worker for worker in self.workers if worker.pid == pid), None)


def _number(value: object) -> float:
    # Infinity, and what is no number, are JSON to some.
    return float(value) if isinstance(value, int | float) and -1e18 < value < 1e18 else 0.0


def _whole(value: object) -> int:
    return int(_number(value))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _object(value: object) -> Data:
    return value if isinstance(value, dict) else {}


def _rows(value: object) -> list[Data]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def read(data: Data) -> Reading:
    """What an answer says."""
    stats, listeners = _object(data.get("stats")), _rows(data.get("listeners"))
    responses, histogram = _object(stats.get("responses")), data.get("histogram")
    queues = [_whole(row["waiting"]) for row in listeners if row.get("waiting") is not None]
    return Reading(
        version=_text(data.get("version")),
        pid=_whole(stats.get("pid")),
        moment=_number(data.get("moment", stats.get("uptime"))),
        uptime=_number(stats.get("uptime")),
        ready=stats.get("ready") is True,
        reason=_text(stats.get("not_ready_because")),
        wanted=_whole(stats.get("workers_target")),
        healthy=_whole(stats.get("workers_ready")),
        connections=_whole(stats.get("connections")),
        running=_whole(stats.get("requests_running")),
        ended=_number(stats.get("requests")),
        failed=_number(responses.get("5xx")),
        refused=_number(stats.get("refused")),
        reloading=stats.get("reloading") is True,
        restarts=tuple((cause, _whole(count)) for cause, count in _object(stats.get("restarts")).items()),
        listeners=tuple(_text(row.get("address")) for row in listeners),
        waiting=sum(queues) if queues else None,
        histogram=tuple(map(_number, histogram)) if isinstance(histogram, list) else (),
        workers=tuple(map(_worker, _rows(data.get("workers")))),
        requests=tuple(map(_running, _rows(data.get("requests")))),
        events=tuple((_number(row.get("at")), _text(row.get("text"))) for row in _rows(data.get("events"))),
        tasks=_tasks(_object(data.get("tasks"))),
    )


def _tasks(data: Data) -> Tasks | None:
    if data.get("enabled") is not True:
        return None
    workers = _rows(data.get("workers"))
    return Tasks(
        pid=_whole(data.get("pid")),
        wanted=_whole(data.get("target")),
        processes=sum(row.get("phase") == "ready" for row in workers),
        busy=sum(row.get("state") == "busy" for row in workers),
        memory=sum(_number(row.get("memory")) for row in workers),
        apps=tuple(map(_task_app, _rows(data.get("apps")))),
        calls=tuple(
            TaskCall(_whole(row.get("pid")), _number(row.get("age")), _text(row.get("call")),
                     _text(row.get("request_id")))
            for row in _rows(data.get("calls"))
        ),
    )


def _task_app(row: Data) -> TaskApp:
    calls = _number(row.get("calls"))
    return TaskApp(
        path=_text(row.get("import_path")),
        processes=_whole(row.get("current_workers")),
        wanted=_whole(row.get("worker_count")),
        running=_whole(row.get("running")),
        waiting=_whole(row.get("waiting")),
        calls=calls,
        failed=calls - _number(_object(row.get("results")).get("ok")),
    )


def _worker(row: Data) -> Worker:
    memory = row.get("memory")
    return Worker(
        pid=_whole(row.get("pid")),
        slot=_whole(row.get("slot")),
        state=_state(_text(row.get("phase")), _text(row.get("state"))),
        age=_number(row.get("uptime")),
        beat=_number(row.get("last_heartbeat")),
        requests=_number(row.get("requests")),
        errors=_number(row.get("errors")),
        running=_whole(row.get("running")),
        places=_whole(row.get("places")),
        connections=_whole(row.get("connections")),
        busy=_number(row.get("busy_seconds")),
        memory=None if memory is None else _number(memory),
    )


def _state(phase: str, state: str) -> str:
    """One word: what the master thinks of it, and where that is all well, what it is doing."""
    if phase == "ready":
        return state or phase
    return "draining" if phase == "retiring" else phase


def _running(row: Data) -> Running:
    # What a client has sent are octets, which JSON has as latin-1.
    line = _text(row.get("line"))
    try:
        line = line.encode("latin-1").decode("utf-8", "backslashreplace")
    except UnicodeError:
        pass
    return Running(
        _whole(row.get("pid")), _number(row.get("age")), line, _whole(row.get("running")), _text(row.get("request_id"))
    )


# Between two readings.


def since(before: Reading | None, now: Reading) -> float:
    """The seconds between two answers of one server; 0.0 where there are none to divide by."""
    if before is None or before.pid != now.pid:
        return 0.0
    return max(0.0, now.moment - before.moment)


def share(worker: Worker, before: Reading, seconds: float) -> float | None:
    """Which share of its places requests have had, of one that was there before or has come since."""
    then = before.worker(worker.pid)
    lived = seconds if then is not None else min(seconds, worker.age)
    most = lived * worker.places
    if most <= 0.0:
        return None
    return min(max((worker.busy - (0.0 if then is None else then.busy)) / most, 0.0), 1.0)


def percentile(part: float, before: Sequence[float], now: Sequence[float]) -> float | None:
    """The duration in seconds that this part of the requests did not exceed; None when there were none.

    Bucket n of a histogram has those of less than 2**n microseconds, and not less than half of that; within it they
    are taken to lie evenly.
    """
    if len(before) != len(now):
        return None
    counts = [max(0.0, later - earlier) for earlier, later in zip(before, now, strict=True)]
    wanted = sum(counts) * part
    if wanted <= 0.0:
        return None
    for bucket, count in enumerate(counts):
        if count and wanted <= count:
            lowest = 2.0 ** (bucket - 1) if bucket else 0.0
            return float(lowest + (2.0**bucket - lowest) * wanted / count) / 1e6
        wanted -= count
    # What rounding has left.
    return float(2.0 ** (len(counts) - 1)) / 1e6
