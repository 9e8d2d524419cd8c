"""Public names: task processes, for their applications and their callers (`tasks/`)."""

from __future__ import annotations

from gunicorn.tasks.apps import DirtyApp
from gunicorn.tasks.client import (
    DirtyClient,
    close_dirty_client,
    close_dirty_client_async,
    get_dirty_client,
    get_dirty_client_async,
)
from gunicorn.tasks.errors import (
    DirtyAppError,
    DirtyAppNotFoundError,
    DirtyConnectionError,
    DirtyError,
    DirtyProtocolError,
    DirtyQueueFullError,
    DirtyTimeoutError,
    DirtyWorkerError,
    StashError,
    StashKeyNotFoundError,
    StashTableNotFoundError,
)
from gunicorn.tasks.place import set_dirty_socket_path
from gunicorn.tasks.running import cancelled
from gunicorn.tasks.stash import StashClient, StashTable

from . import stash

__all__ = [
    "DirtyApp", "DirtyAppError", "DirtyAppNotFoundError", "DirtyArbiter", "DirtyClient", "DirtyConnectionError",
    "DirtyError", "DirtyProtocolError", "DirtyQueueFullError", "DirtyTimeoutError", "DirtyWorkerError", "StashClient",
    "StashError", "StashKeyNotFoundError", "StashTable", "StashTableNotFoundError", "cancelled", "close_dirty_client",
    "close_dirty_client_async", "get_dirty_client", "get_dirty_client_async", "set_dirty_socket_path", "stash",
]


def __getattr__(name: str) -> object:
    # A caller's process has no use for a whole master.
    if name != "DirtyArbiter":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .arbiter import DirtyArbiter

    return DirtyArbiter
