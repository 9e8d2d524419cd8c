"""Names that workers of third parties import: the octets of a peer."""

from __future__ import annotations

from gunicorn.blocking.unreader import IterUnreader, SocketUnreader, Unreader

__all__ = ["IterUnreader", "SocketUnreader", "Unreader"]
