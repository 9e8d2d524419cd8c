"""What a request asked for, of whatever kind the object is that a log is given."""

from __future__ import annotations

from collections.abc import Mapping

from .atoms import printable

__all__ = ["target_of"]


def target_of(req: object, environ: Mapping[str, object]) -> tuple[str, str]:
    """Path and query as the client has sent them; of a request that does not know them, as the environ tells."""
    path, query = getattr(req, "path", None), getattr(req, "query", None)
    if type(path) is str and path:
        return path, printable(query)
    raw = printable(environ.get("RAW_URI"))
    if not raw.startswith("/"):
        return printable(environ.get("PATH_INFO", "")), printable(environ.get("QUERY_STRING", ""))
    path, _, query = raw.partition("?")
    return path, query
