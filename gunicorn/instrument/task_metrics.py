"""The families of `/metrics` about task processes, where there are any.

A call is counted once, when its caller has its answer or has gone; how long it ran, when the process is done with it.
The label `app` is what the setting `dirty_apps` says, and empty for calls of applications that there are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .exposition import COUNTER, GAUGE, Family, Sample
from .metric_families import CAUSES, by, counted, gauge, powers, times
from .task_readings import RESULTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .task_readings import PoolReading

__all__ = ["STATES", "families_of_tasks"]

STATES = ("booting", "ready", "busy", "draining")


def families_of_tasks(pool: PoolReading, memory: Mapping[int, int | None]) -> Iterable[Family]:
    """All that there is to tell of a pool; `memory`: bytes of its processes, by their places."""
    states = [process.state for process in pool.processes]
    yield by("gunicorn_task_processes", GAUGE, "Task processes, by what they are doing.", "state",
             [(state, states.count(state)) for state in STATES])
    yield gauge("gunicorn_task_processes_target", "Task processes that are wanted.", pool.target)
    yield Family("gunicorn_task_spawns", COUNTER, "Task processes that were started.", (Sample(pool.spawned),))
    yield counted("gunicorn_task_restarts", "Task processes that ended while the pool went on, by cause.", "cause",
                  CAUSES, pool.restarts)
    yield Family("gunicorn_task_master_starts", COUNTER, "Processes that were started to lead the tasks.",
                 (Sample(pool.starts),))
    yield by("gunicorn_task_memory_bytes", GAUGE, "Memory of a task process, what it shares divided among its "
             "users.", "process", [(str(place), used) for place, used in memory.items() if used is not None])
    yield from _of_calls(pool)
    stash = pool.stash
    yield gauge("gunicorn_stash_tables", "Tables of the stash.", stash.tables)
    yield gauge("gunicorn_stash_entries", "Entries in the tables of the stash.", stash.entries)
    yield gauge("gunicorn_stash_bytes", "Octets that the stash has, keys and all.", stash.octets)
    yield gauge("gunicorn_stash_limit_bytes", "Octets that the stash may have.", stash.most)


def _of_calls(pool: PoolReading) -> Iterable[Family]:
    apps = pool.apps
    yield Family("gunicorn_task_calls", COUNTER, "Calls of task applications that have ended, by what they came to.",
                 tuple(Sample(app.results[result], (("app", app.path), ("result", result)))
                       for app in apps for result in RESULTS))
    yield by("gunicorn_task_calls_running", GAUGE, "Calls that run.", "app",
             [(app.path, app.running) for app in apps])
    yield by("gunicorn_task_calls_waiting", GAUGE, "Calls that wait for a process.", "app",
             [(app.path, app.waiting) for app in apps])
    yield times("gunicorn_task_duration_seconds", "How long calls ran, streams from the call to their end.",
                [((("app", app.path),), powers(app.histogram), app.nanoseconds) for app in apps])
    yield times("gunicorn_task_queue_seconds", "How long calls had waited for a process when they were run.",
                [((("app", app.path),), powers(app.queued), app.queued_nanoseconds) for app in apps])
