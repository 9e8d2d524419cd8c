"""A view of the server as the data of answers. Keys are added where there is more to say; none is ever taken away."""

from __future__ import annotations

from gunicorn import __version__
from gunicorn.instrument.profiles import HERTZ
from gunicorn.instrument.scoreboard import SHED_REASONS, STATE_NAMES, STATUSES

from .task_facts import everything_of_tasks, of_tasks, pid_of_tasks
from .view import Probes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn.instrument.profile_file import Profiled
    from gunicorn.instrument.totals import Totals

    from .view import ServerView, WorkerView

    Data = dict[str, object]

__all__ = [
    "everything", "listeners", "of_profile", "of_settings", "of_tasks", "requests", "snapshot", "stats", "workers",
]

SETTINGS_ON_TOP = (
    "bind", "workers", "worker_class", "threads", "timeout", "graceful_timeout", "keepalive", "max_requests",
    "max_requests_jitter", "worker_connections", "preload_app", "daemon", "pidfile", "proc_name", "reload",
    "dirty_workers", "dirty_apps", "dirty_timeout", "control_socket", "control_socket_disable",
)
_OF_JSON = (bool, int, float, str, type(None))


def _ago(view: ServerView, moment: float) -> float:
    return round(max(0.0, view.now - moment), 2)


def _worker(view: ServerView, worker: WorkerView) -> Data:
    page = worker.slot
    return {
        "pid": worker.pid,
        "age": worker.age,
        "booted": worker.ready_at > 0.0,
        "aborted": worker.phase in ("aborting", "killed"),
        "last_heartbeat": _ago(view, max(page.heartbeat, worker.spawned_at)),
        "phase": worker.phase,
        "state": STATE_NAMES[page.state] if page.state < len(STATE_NAMES) else "",
        "slot": page.index,
        "generation": worker.generation,
        "uptime": _ago(view, worker.spawned_at),
        "requests": page.requests,
        "errors": page.errors,
        "running": page.running,
        "connections": page.connections,
        "bytes_sent": page.bytes_sent,
    }


def workers(view: ServerView) -> Data:
    """`show workers`"""
    return {"workers": [_worker(view, each) for each in view.workers], "count": len(view.workers)}


def everything(view: ServerView) -> Data:
    """`show all`"""
    return {
        "arbiter": {"pid": view.pid, "type": "arbiter", "role": "master"},
        "web_workers": [{"type": "web", **_worker(view, each)} for each in view.workers],
        "web_worker_count": len(view.workers),
        **everything_of_tasks(view),
    }


def stats(view: ServerView) -> Data:
    """`show stats`"""
    ready, reason = view.ready
    pages, totals = [worker.slot for worker in view.workers], view.totals
    return {
        "uptime": round(view.uptime, 2),
        "pid": view.pid,
        "workers_current": len(view.workers),
        "workers_target": view.target,
        "workers_spawned": view.counters.spawned,
        "workers_killed": view.counters.killed,
        "reloads": view.counters.reloads,
        "dirty_arbiter_pid": pid_of_tasks(view),
        "ready": ready,
        "not_ready_because": reason or None,
        "draining": view.draining,
        "workers_ready": sum(worker.phase == "ready" for worker in view.workers),
        "requests_running": sum(page.running for page in pages),
        "connections": sum(page.connections for page in pages),
        "requests": sum(totals.counts),
        "responses": _by_status(totals),
        "refused": totals.refused,
        "shed": dict(zip(SHED_REASONS, totals.shed, strict=True)),
        "websockets": sum(page.websockets for page in pages),
        "bytes_received": totals.received,
        "bytes_sent": totals.sent,
        "restarts": dict(view.restarts),
        "reloading": view.reload.running,
        "reload_problem": view.reload.problem,
    }


def _by_status(totals: Totals) -> dict[str, int]:
    """How many requests have ended with each class of status."""
    sums = dict.fromkeys(STATUSES, 0)
    for (_, status), count in totals.requests().items():
        sums[status] += count
    return sums


def listeners(view: ServerView) -> Data:
    """`show listeners`: and what stands behind them, where that is more than one application."""
    found = [{"address": each.address, "fd": each.fd, "type": each.kind} for each in view.listeners]
    mounts = [{"place": place, "application": target} for place, target in view.settings.mount.items()]
    return {"listeners": found, "count": len(found), **({"mounts": mounts} if mounts else {})}


def requests(view: ServerView) -> Data:
    """`show requests`: of each worker the one that was begun last, the oldest first."""
    found: list[tuple[float, Data]] = []
    for worker in view.workers:
        running = worker.slot.in_flight()
        if running is not None:
            line, started = running
            age = _ago(view, started)
            row: Data = {
                "pid": worker.pid, "worker": worker.age, "age": age, "line": line.decode("latin-1"),
                "running": worker.slot.running, "request_id": worker.slot.request_id or None,
            }
            found.append((age, row))
    found.sort(key=lambda pair: -pair[0])
    return {"requests": [row for _, row in found], "count": sum(worker.slot.running for worker in view.workers)}


def of_settings(view: ServerView) -> Data:
    """`show config`: what was always there on top, all of it under `settings`."""
    cfg = view.settings
    top: Data = {name: _value(view, name) for name in SETTINGS_ON_TOP}
    top["settings"] = {
        name: {"value": _value(view, name), "source": cfg.sources.get(name, "default")} for name in sorted(cfg.settings)
    }
    return top


def _value(view: ServerView, name: str) -> object:
    cfg = view.settings
    if name == "workers":
        return cfg.workers
    if name == "worker_class":
        return cfg.worker_class_str
    if name == "proc_name":
        return cfg.proc_name
    value = cfg.settings[name].get()
    if value and name.endswith("_password"):
        return cfg.shown(name)
    if isinstance(value, _OF_JSON):
        return value
    if isinstance(value, list) and all(isinstance(item, _OF_JSON) for item in value):
        return value
    return cfg.shown(name)


def of_profile(found: Profiled, seconds: float) -> Data:
    """`profile`: how often each stack was seen, and what of it is missing."""
    shares = [
        {"pid": each.pid, "seconds": each.seconds, "idle": each.idle, "problem": each.problem or None}
        for each in found.shares
    ]
    return {
        "seconds": seconds, "hertz": HERTZ, "samples": sum(found.counts.values()), "workers": shares,
        "stacks": dict(found.counts),
    }


def snapshot(view: ServerView) -> Data:
    """`watch`: all that changes."""
    probes = Probes() if view.probe is None else view.probe()
    rows = [
        {
            **_worker(view, each),
            # Seconds that requests have run so far, each for itself, and how many can run at once (0: nobody knows).
            "busy_seconds": round(each.slot.busy(view.now), 4),
            "places": each.slot.places,
            "memory": probes.memory.get(each.pid),
        }
        for each in view.workers
    ]
    return {
        "version": __version__,
        # Seconds that only grow, for rates between two of these.
        "moment": round(view.now, 4),
        "stats": stats(view),
        # Requests by duration, of all time: bucket n has those of less than 2**n microseconds.
        "histogram": view.totals.histogram,
        "workers": rows,
        "count": len(rows),
        "requests": requests(view)["requests"],
        "listeners": [
            {"address": each.address, "fd": each.fd, "type": each.kind, "waiting": probes.waiting.get(each.fd)}
            for each in view.listeners
        ],
        "events": [{"at": round(event.at, 3), "text": event.text} for event in view.events],
        # Where there are tasks.
        **({} if view.tasks is None else {"tasks": of_tasks(view)}),
    }
