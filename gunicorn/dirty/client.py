"""Public names: callers of tasks (`tasks/client.py`)."""

from __future__ import annotations

from gunicorn.tasks.client import (
    DirtyAsyncStreamIterator,
    DirtyClient,
    DirtyStreamIterator,
    close_dirty_client,
    close_dirty_client_async,
    get_dirty_client,
    get_dirty_client_async,
)
from gunicorn.tasks.errors import DirtyConnectionError, DirtyError, DirtyTimeoutError
from gunicorn.tasks.place import get_dirty_socket_path, set_dirty_socket_path

__all__ = [
    "DirtyAsyncStreamIterator", "DirtyClient", "DirtyConnectionError", "DirtyError", "DirtyStreamIterator",
    "DirtyTimeoutError", "close_dirty_client", "close_dirty_client_async", "get_dirty_client",
    "get_dirty_client_async", "get_dirty_socket_path", "set_dirty_socket_path",
]
