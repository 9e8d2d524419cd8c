"""Public names: a task process (`tasks/process.py`)."""

from __future__ import annotations

from gunicorn.tasks.process import DirtyWorker

__all__ = ["DirtyWorker"]
