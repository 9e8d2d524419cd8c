"""How much may be sent at once; the server says it to all its processes by the environment (`dirty_max_message`)."""

from __future__ import annotations

import os

__all__ = ["LONGEST", "SHORT", "VARIABLE_OF_LIMIT", "longest"]

LONGEST = 64 * 1024 * 1024
"""Octets of the longest text, of the longest bytes, and of all that is sent at once, unless somebody says otherwise."""

VARIABLE_OF_LIMIT = "GUNICORN_DIRTY_LIMIT"
"""In the environment: what the server says."""

SHORT = 1024
"""What is shorter than that needs no look at the limit, which cannot be less."""


def longest() -> int:
    """So many octets may be sent at once."""
    said = os.environ.get(VARIABLE_OF_LIMIT, "")
    return max(int(said), SHORT) if said.isascii() and said.isdigit() and len(said) < 12 else LONGEST
