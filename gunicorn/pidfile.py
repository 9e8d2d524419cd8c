"""Public names: the PID file (`unix/pidfile.py`)."""

from __future__ import annotations

from gunicorn.unix.pidfile import Pidfile

__all__ = ["Pidfile"]
