"""Public names: what callers of tasks are told when something goes wrong (`tasks/errors.py`)."""

from __future__ import annotations

from gunicorn.tasks.errors import (
    DirtyAppError,
    DirtyAppNotFoundError,
    DirtyConnectionError,
    DirtyError,
    DirtyNoWorkersAvailableError,
    DirtyProtocolError,
    DirtyQueueFullError,
    DirtyTimeoutError,
    DirtyWorkerError,
)

__all__ = [
    "DirtyAppError", "DirtyAppNotFoundError", "DirtyConnectionError", "DirtyError", "DirtyNoWorkersAvailableError",
    "DirtyProtocolError", "DirtyQueueFullError", "DirtyTimeoutError", "DirtyWorkerError",
]
