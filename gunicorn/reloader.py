"""Public names: watchers of files (`loading/reloader.py`)."""

from __future__ import annotations

from gunicorn.loading.reloader import (
    COMPILED_EXT_RE,
    InotifyReloader,
    Reloader,
    ReloaderBase,
    has_inotify,
    preferred_reloader,
    reloader_engines,
)

__all__ = [
    "COMPILED_EXT_RE", "InotifyReloader", "Reloader", "ReloaderBase", "has_inotify", "preferred_reloader",
    "reloader_engines",
]
