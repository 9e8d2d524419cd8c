"""Public names: parsers over blocking sockets (`blocking/parser.py`)."""

from __future__ import annotations

from gunicorn.blocking.parser import Parser, RequestParser

__all__ = ["Parser", "RequestParser"]
