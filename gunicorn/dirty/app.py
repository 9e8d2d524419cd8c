"""Public names: applications of tasks (`tasks/apps.py`)."""

from __future__ import annotations

from gunicorn.tasks.apps import (
    DirtyApp,
    get_app_workers_attribute,
    load_dirty_app,
    load_dirty_apps,
    parse_dirty_app_spec,
)
from gunicorn.tasks.errors import DirtyAppError, DirtyAppNotFoundError

__all__ = [
    "DirtyApp", "DirtyAppError", "DirtyAppNotFoundError", "get_app_workers_attribute", "load_dirty_app",
    "load_dirty_apps", "parse_dirty_app_spec",
]
