"""Public names: the master (`master/arbiter.py`)."""

from __future__ import annotations

from gunicorn.master.arbiter import Arbiter

__all__ = ["Arbiter"]
