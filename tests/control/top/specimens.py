"""Answers of `watch`: a server with three workers that is well, ten seconds apart."""

from __future__ import annotations

from typing import Any

from gunicorn.control.top.reading import Reading, read


def worker(pid: int, slot: int, **more: Any) -> dict[str, Any]:
    row = {
        "pid": pid, "slot": slot, "phase": "ready", "state": "ready", "uptime": 3700.0, "last_heartbeat": 0.4,
        "requests": 1000, "errors": 0, "running": 0, "places": 4, "connections": 2, "busy_seconds": 10.0,
        "memory": 30 << 20,
    }
    return {**row, **more}


def histogram(**counts: int) -> list[int]:
    """Buckets of 64, by `_N`."""
    buckets = [0] * 64
    for name, count in counts.items():
        buckets[int(name[1:])] = count
    return buckets


def answer(**changes: Any) -> dict[str, Any]:
    """The later one of the two; `stats` are added to those of it."""
    stats = {
        "uptime": 3725.0, "pid": 1200, "ready": True, "not_ready_because": None, "workers_target": 3,
        "workers_ready": 3, "requests_running": 3, "connections": 6, "requests": 3400,
        "responses": {"2xx": 3300, "5xx": 20}, "refused": 5, "reloading": False, "restarts": {"crash": 2, "timeout": 1},
    }
    data: dict[str, Any] = {
        "version": "28.0.0", "moment": 5010.0,
        "histogram": histogram(_10=600, _12=300, _20=100),
        "workers": [
            worker(1208, 0, requests=1200, busy_seconds=30.0, running=2, state="busy"),
            worker(1209, 1, requests=1100, memory=90 << 20, last_heartbeat=12.0, running=1, state="busy", errors=3),
            worker(1215, 2, requests=100, uptime=5.0, busy_seconds=1.0, memory=None),
        ],
        "requests": [
            {"pid": 1209, "worker": 2, "age": 12.3, "line": "GET /reports/yearly", "running": 1},
            {"pid": 1208, "worker": 1, "age": 0.25, "line": "POST /orders", "running": 2},
        ],
        "listeners": [{"address": "http://127.0.0.1:8000", "fd": 5, "type": "tcp", "waiting": 0}],
        "events": [{"at": 86400.0 + 60 * each, "text": f"Event {each}"} for each in range(12)],
    }
    changes["stats"] = {**stats, **changes.get("stats", {})}
    return {**data, **changes}


def later(**changes: Any) -> Reading:
    return read(answer(**changes))


def earlier(**changes: Any) -> Reading:
    stats = {"uptime": 3715.0, "requests": 2400, "responses": {"2xx": 2400, "5xx": 0}, "refused": 5}
    workers = [worker(1208, 0), worker(1209, 1), worker(1210, 2)]
    return read(answer(**{"stats": stats, "moment": 5000.0, "histogram": histogram(), "workers": workers, **changes}))


def tasks(calls: int = 400, failed: int = 2, **changes: Any) -> dict[str, Any]:
    """A pool of two processes, with a call that runs and two that wait."""
    workers = [
        {"pid": 1301, "phase": "ready", "state": "busy", "memory": 600 << 20},
        {"pid": 1302, "phase": "ready", "state": "ready", "memory": 500 << 20},
    ]
    app = {
        "import_path": "model:Languages", "worker_count": None, "current_workers": 2, "running": 1, "waiting": 2,
        "calls": calls, "results": {"ok": calls - failed, "error": failed},
    }
    call = {"pid": 1301, "call": "model:Languages.train", "age": 75.0, "request_id": "an\x1b.id"}
    data = {
        "enabled": True, "pid": 1300, "target": 2, "workers": workers, "apps": [app], "calls": [call],
        "stash": {"tables": 1, "entries": 3, "bytes": 10, "limit": 100},
    }
    return {**data, **changes}
