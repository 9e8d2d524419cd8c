"""Public names: the master of task processes (`master/pool_master.py`)."""

from __future__ import annotations

from gunicorn.master.pool_master import DirtyArbiter

__all__ = ["DirtyArbiter"]
