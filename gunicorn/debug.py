"""Public names: tracing (`loading/spew.py`)."""

from __future__ import annotations

from gunicorn.loading.spew import Spew, spew, unspew

__all__ = ["Spew", "spew", "unspew"]
