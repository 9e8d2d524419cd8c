"""Where a user's running servers are found."""

from __future__ import annotations

import os

__all__ = ["default_control_socket"]


def default_control_socket() -> str:
    """The path in the user's runtime folder, or in the home folder where there is none."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return os.path.join(runtime or os.path.expanduser("~/.gunicorn"), "gunicorn.ctl")
