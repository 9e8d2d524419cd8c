"""Task processes as the data of answers."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from gunicorn.instrument.task_readings import AppReading, CallReading, PoolReading, ProcessReading

    from .view import ServerView

    Data = dict[str, object]

__all__ = ["everything_of_tasks", "of_tasks", "pid_of_tasks"]

_NOT_WANTED = -1


def of_tasks(view: ServerView) -> Data:
    """`show dirty`"""
    pool = view.tasks
    if pool is None:
        return {"enabled": False, "pid": None, "workers": [], "apps": []}
    memory = view.probe().memory if view.probe is not None else {}
    workers = [_process(view, each, memory) for each in pool.processes]
    return {
        "enabled": True,
        "pid": pool.pid or None,
        "target": pool.target,
        "workers": workers,
        "count": len(workers),
        "apps": [_app(pool, each) for each in pool.apps if each.limit != _NOT_WANTED],
        "calls": [_call(view, each) for each in pool.calls],
        "spawned": pool.spawned,
        "starts": pool.starts,
        "restarts": {cause: count for cause, count in pool.restarts.items() if count},
        "stash": {
            "tables": pool.stash.tables, "entries": pool.stash.entries, "bytes": pool.stash.octets,
            "limit": pool.stash.most,
        },
    }


def everything_of_tasks(view: ServerView) -> Data:
    """Of `show all` what is about tasks."""
    pool = view.tasks
    if pool is None:
        return {"dirty_arbiter": None, "dirty_workers": [], "dirty_worker_count": 0}
    rows: list[Data] = [{"type": "dirty", **_process(view, each, {})} for each in pool.processes]
    leader: Data = {"pid": pool.pid, "type": "dirty_arbiter", "role": "dirty master"}
    return {
        "dirty_arbiter": leader if pool.pid else None, "dirty_workers": rows, "dirty_worker_count": len(rows),
    }


def pid_of_tasks(view: ServerView) -> int | None:
    """The process that leads them."""
    pool = view.tasks
    return (pool.pid or None) if pool is not None else None


def _app(pool: PoolReading, app: AppReading) -> Data:
    return {
        "import_path": app.path,
        # None: in all.
        "worker_count": app.limit or None,
        "current_workers": app.processes,
        "worker_pids": [each.pid for each in pool.processes if app.path in each.apps],
        "running": app.running,
        "waiting": app.waiting,
        "calls": sum(app.results.values()),
        "results": dict(app.results),
    }


def _process(view: ServerView, process: ProcessReading, memory: Mapping[int, int]) -> Data:
    return {
        "pid": process.pid,
        "age": process.age,
        "apps": list(process.apps),
        "booted": process.ready_at > 0.0,
        "last_heartbeat": _ago(view, process.beat_at),
        "phase": process.phase,
        "state": process.state,
        "generation": process.generation,
        "uptime": _ago(view, process.spawned_at),
        "running": process.running,
        "calls": process.calls,
        "errors": process.errors,
        "memory": memory.get(process.pid),
    }


def _call(view: ServerView, call: CallReading) -> Data:
    return {
        "pid": call.pid, "call": f"{call.app}.{call.action}", "app": call.app, "action": call.action,
        "age": _ago(view, call.started), "request_id": call.request_id or None,
    }


def _ago(view: ServerView, moment: float) -> float:
    return round(max(0.0, view.now - moment), 2)
