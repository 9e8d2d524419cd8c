"""Settings that are accepted and checked, but whose feature this release does not have yet.

The only place that knows them: a feature that arrives takes its names out of this table.
"""

from __future__ import annotations

_TASKS = "task processes are not available yet"
_IGNORED = "use ssl_minimum_version to restrict versions"

PENDING: dict[str, str] = {
    "ssl_version": _IGNORED,
    "dirty_apps": _TASKS,
    "dirty_workers": _TASKS,
    "dirty_timeout": _TASKS,
    "dirty_threads": _TASKS,
    "dirty_graceful_timeout": _TASKS,
    "on_dirty_starting": _TASKS,
    "dirty_post_fork": _TASKS,
    "dirty_worker_init": _TASKS,
    "dirty_worker_exit": _TASKS,
}
