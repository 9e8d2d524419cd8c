"""Where the pool is reached: the path of its socket, which the server tells its processes by the environment."""

from __future__ import annotations

import os

from .errors import DirtyError, StashError

__all__ = [
    "VARIABLE", "get_dirty_socket_path", "get_stash_socket_path", "remove_place", "set_dirty_socket_path",
    "set_stash_socket_path",
]

VARIABLE = "GUNICORN_DIRTY_SOCKET"

_HINT = "socket path not configured. Make sure dirty_workers > 0 and dirty_apps are configured."
# What somebody has said instead, by whom it is for.
_said: dict[str, str | None] = {"dirty": None, "stash": None}


def set_dirty_socket_path(path: str | None) -> None:
    """From now on, the pool is at `path`; None: where the environment says."""
    _said["dirty"] = path


def set_stash_socket_path(path: str | None) -> None:
    """From now on, the stash is at `path`; None: where the pool is."""
    _said["stash"] = path


def get_dirty_socket_path() -> str:
    """The path of the pool's socket. Raises DirtyError where nobody has said it."""
    path = _said["dirty"] or os.environ.get(VARIABLE)
    if not path:
        raise DirtyError(f"Dirty {_HINT}")
    return path


def get_stash_socket_path() -> str:
    """The path of the stash's socket. Raises StashError where nobody has said it."""
    path = _said["stash"] or _said["dirty"] or os.environ.get(VARIABLE)
    if not path:
        raise StashError(f"Stash {_HINT}")
    return path


def remove_place(path: str) -> None:
    """Remove a pool's socket and the folder that it has for itself; whatever of them is there."""
    for remove, name in ((os.unlink, path), (os.rmdir, os.path.dirname(path))):
        try:
            remove(name)
        except OSError:
            # Somebody has tidied up.
            continue
