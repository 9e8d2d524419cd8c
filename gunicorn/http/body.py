"""Public names: bodies over blocking sockets (`blocking/body.py`)."""

from __future__ import annotations

from gunicorn.blocking.body import Body, ChunkedReader, EOFReader, LengthReader

__all__ = ["Body", "ChunkedReader", "EOFReader", "LengthReader"]
