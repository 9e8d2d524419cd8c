"""Public names: the master (`master/arbiter.py`)."""

from __future__ import annotations

from gunicorn import SERVER_SOFTWARE
from gunicorn.master.arbiter import Arbiter

__all__ = ["SERVER_SOFTWARE", "Arbiter"]
