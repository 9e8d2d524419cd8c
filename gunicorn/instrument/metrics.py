"""What a server tells in numbers: the families of `/metrics`, made of readings that the master has taken.

No label has a path or a client in it, and only `gunicorn_worker_info` a PID: those grow without end. A worker is known
by its place on the scoreboard, which another one takes after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gunicorn._record import Record

from .exposition import COUNTER, GAUGE, INFO, Family, Sample
from .metric_families import CAUSES, by, counted, gauge, powers, times
from .scoreboard import BOUNDS, METHODS, SHED_REASONS, STATUSES, VERSIONS
from .task_metrics import families_of_tasks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn.unix.resources import Usage

    from .task_readings import PoolReading
    from .totals import Totals

__all__ = ["CAUSES", "OTEL", "POWERS", "RELOADS", "STATES", "Readings", "WorkerReading", "families"]

STATES = ("booting", "ready", "busy", "draining")
#: What a reload has come to.
RELOADS = ("success", "refused", "failed", "halfway")

#: The bounds of the buckets of durations: powers of two of microseconds, or those of OpenTelemetry's conventions.
POWERS, OTEL = "powers", "otel"


class WorkerReading(Record):
    """One worker: its place on the scoreboard, PID, running number, generation, one of `STATES`, and its memory in
    bytes where that is known."""

    place: int
    pid: int
    age: int
    generation: int
    state: str
    memory: int | None


class Readings(Record):
    """What was read at one moment. Times are seconds since the epoch.

    `listeners`: name, connections that wait there (-1: not known), and the end of the certificate that is shown there
    (None: no TLS); `queue_limits`: by such a name, how many connections can wait; `busy_ratio`: the share of all places
    that requests have had lately; `places`: how many of them have a request now, and how many have none; `process`:
    what the master uses; `buckets`: by which bounds durations are told; `tasks`: of the pool, where there is one, and
    `task_memory` bytes of its processes, by their places.
    """

    version: str
    python: str
    compiled: bool
    started_at: float
    ready: bool
    target: int
    workers: tuple[WorkerReading, ...]
    totals: Totals
    in_flight: int
    oldest: float
    connections: int
    busy_ratio: float
    listeners: tuple[tuple[str, int, float | None], ...]
    spawned: int
    restarts: Mapping[str, int]
    reloads: Mapping[str, int]
    reloaded_at: float
    queue_limits: tuple[tuple[str, int], ...] = ()
    places: tuple[int, int] = (0, 0)
    websockets: int = 0
    parked: int = 0
    process: Usage | None = None
    buckets: str = POWERS
    tasks: PoolReading | None = None
    task_memory: Mapping[int, int | None] = {}


def families(read: Readings) -> list[Family]:
    """All there is to tell."""
    build = (("version", read.version), ("python", read.python), ("compiled", str(read.compiled).lower()))
    return [
        Family("gunicorn_build", INFO, "The program that serves.", (Sample(1, build),)),
        gauge("gunicorn_start_time_seconds", "When the master started, in seconds since the epoch.", read.started_at),
        gauge("gunicorn_ready", "1 while new clients are welcome: workers serve, and no stop is decided.",
              int(read.ready)),
        *_of_workers(read),
        *_of_requests(read),
        *_of_listeners(read),
        *(() if read.tasks is None else families_of_tasks(read.tasks, read.task_memory)),
        *_of_process(read),
        counted("gunicorn_reloads", "Reloads, by what they came to.", "result", RELOADS, read.reloads),
        gauge("gunicorn_last_reload_success_timestamp_seconds",
              "When a reload last succeeded, in seconds since the epoch; 0 before the first one.", read.reloaded_at),
    ]


def _of_workers(read: Readings) -> Iterable[Family]:
    states = [worker.state for worker in read.workers]
    yield by("gunicorn_workers", GAUGE, "Workers, by what they are doing.", "state",
             [(state, states.count(state)) for state in STATES])
    yield gauge("gunicorn_workers_target", "Workers that are wanted.", read.target)
    yield Family("gunicorn_worker_spawns", COUNTER, "Workers that were started.", (Sample(read.spawned),))
    yield counted("gunicorn_worker_restarts", "Workers that ended while the server went on, by cause.", "cause",
                  CAUSES, read.restarts)
    yield by("gunicorn_worker_memory_bytes", GAUGE, "Memory of a worker, what it shares divided among its users.",
             "worker", [(str(each.place), each.memory) for each in read.workers if each.memory is not None])
    yield Family("gunicorn_worker", INFO, "Which process a worker is.", tuple(
        Sample(1, (("worker", str(each.place)), ("pid", str(each.pid)), ("age", str(each.age)),
                   ("generation", str(each.generation))))
        for each in read.workers
    ))


def _of_requests(read: Readings) -> Iterable[Family]:
    totals = read.totals
    counts = totals.requests()
    samples = [
        Sample(counts[method, status], (("method", method), ("status", status)))
        for method in METHODS for status in (*STATUSES[1:], STATUSES[0])
    ]
    yield Family("gunicorn_requests", COUNTER, "Requests that have ended, refused ones too.", tuple(samples))
    yield Family("gunicorn_requests_refused", COUNTER, "Requests that ended without an application.",
                 (Sample(totals.refused),))
    yield by("gunicorn_requests_shed", COUNTER, "Requests that were refused because there were too many, by the limit "
             "that they met.", "reason", zip(SHED_REASONS, totals.shed, strict=True))
    yield by("gunicorn_requests_by_protocol", COUNTER, "Requests that applications got, by version of HTTP.",
             "network_protocol_version", zip(VERSIONS, totals.versions, strict=True))
    durations = _bounds(totals.bounded) if read.buckets == OTEL else powers(totals.histogram)
    yield times("gunicorn_request_duration_seconds", "How long applications took, until all was said.",
                [((), durations, totals.nanoseconds)])
    yield times("gunicorn_request_queue_seconds", "How long requests had waited when they were run, where a trusted "
                "proxy tells since when.", [((), powers(totals.queued), totals.queued_nanoseconds)])
    yield gauge("gunicorn_requests_in_flight", "Requests that applications work on.", read.in_flight)
    yield gauge("gunicorn_oldest_request_seconds", "For how long the longest-running of the requests begun last in "
                "their workers has run.", read.oldest)
    yield gauge("gunicorn_busy_ratio", "Share of the workers' places that requests have taken lately.",
                read.busy_ratio)
    yield by("gunicorn_threads", GAUGE, "Places for requests in the workers, by whether one has a request.", "state",
             zip(("busy", "idle"), read.places, strict=True))
    yield gauge("gunicorn_connections", "Connections of clients that are open.", read.connections)
    yield gauge("gunicorn_connections_parked", "Connections that wait for their next request where every worker finds "
                "them.", read.parked)
    yield gauge("gunicorn_websockets", "Connections that are WebSockets.", read.websockets)
    yield Family("gunicorn_received_bytes", COUNTER, "Octets that clients have sent.", (Sample(totals.received),))
    yield Family("gunicorn_sent_bytes", COUNTER, "Octets that were sent to clients.", (Sample(totals.sent),))


def _of_listeners(read: Readings) -> Iterable[Family]:
    yield by("gunicorn_listen_queue", GAUGE, "Connections that wait to be accepted.", "listener",
             [(name, waiting) for name, waiting, _ in read.listeners if waiting >= 0])
    yield by("gunicorn_listen_queue_limit", GAUGE, "Connections that can wait to be accepted.", "listener",
             read.queue_limits)
    yield by("gunicorn_tls_certificate_expiry_timestamp_seconds", GAUGE,
             "When the certificate of a listener ends, in seconds since the epoch.", "listener",
             [(name, ends) for name, _, ends in read.listeners if ends is not None])


def _of_process(read: Readings) -> Iterable[Family]:
    """The master, in the words of Prometheus' own libraries."""
    used = read.process
    if used is None:
        return
    yield Family("process_cpu_seconds", COUNTER, "Seconds of processors that the master has used.",
                 (Sample(used.cpu_seconds),))
    yield gauge("process_start_time_seconds", "When the master started, in seconds since the epoch.", read.started_at)
    known = {
        "process_resident_memory_bytes": ("Memory of the master that is in the machine's own.", used.resident),
        "process_virtual_memory_bytes": ("Addresses that the master has taken.", used.virtual),
        "process_open_fds": ("Descriptors that the master has open.", used.open_files),
        "process_max_fds": ("Descriptors that the master may have open.", used.most_files),
    }
    for name, (help, value) in known.items():
        if value is not None:
            yield gauge(name, help, value)


def _bounds(counts: list[int]) -> list[tuple[str, int]]:
    return list(zip([*map(repr, BOUNDS), "+Inf"], counts, strict=True))
