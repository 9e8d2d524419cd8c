"""Public names: watchers of files (`loading/reloader.py`)."""

from __future__ import annotations

from gunicorn.loading.reloader import (
    InotifyReloader,
    Reloader,
    ReloaderBase,
    has_inotify,
    preferred_reloader,
    reloader_engines,
)

__all__ = ["InotifyReloader", "Reloader", "ReloaderBase", "has_inotify", "preferred_reloader", "reloader_engines"]
