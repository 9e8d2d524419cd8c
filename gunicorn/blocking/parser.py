"""The requests of one connection, one after another."""

from __future__ import annotations

import time

from gunicorn.http.errors import HTTPError, NoMoreData

from .body import STEP
from .request import Request
from .unreader import IterUnreader, SocketUnreader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

__all__ = ["Parser", "RequestParser", "get_parser"]

# What an application did not read of a body is read and thrown away, up to so much; beyond it the connection ends.
MOST_THROWN_AWAY = 65536


class Parser:
    """Iterates over the messages of `source`, a socket or an iterable of octets.

    The iteration ends when the peer has left between two messages, or the one before ends the connection. Raises what
    `mesg_class` raises.
    """

    mesg_class: Any = None

    def __init__(self, cfg: Any, source: Any, source_addr: Any) -> None:
        self.cfg = cfg
        self.unreader = SocketUnreader(source) if hasattr(source, "recv") else IterUnreader(source)
        self.source_addr = source_addr
        self.mesg: Any = None
        self.req_count = 0

    def finish_body(self, deadline: float | None = None, max_bytes: int | None = None) -> bool:
        """Read and throw away the rest of the present message's body; whether it has ended.

        `deadline`: moment of `time.monotonic()` until which is waited; `max_bytes`: how much is read.
        """
        if self.mesg is None or self.mesg.body is None:
            return True
        sock = getattr(self.unreader, "sock", None)
        before = sock.gettimeout() if sock is not None and deadline is not None else None
        count = 0
        try:
            while max_bytes is None or count <= max_bytes:
                if sock is not None and deadline is not None:
                    sock.settimeout(max(0.0, deadline - time.monotonic()))
                data = self.mesg.body.read(STEP)
                if not data:
                    return True
                count += len(data)
        except (NoMoreData, BlockingIOError, TimeoutError):
            return False
        finally:
            if sock is not None and deadline is not None:
                sock.settimeout(before)
        return False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        before = self.mesg
        if before is not None and (before.should_close() or not self._pass_over()):
            raise StopIteration
        self.req_count += 1
        self.mesg = self.mesg_class(self.cfg, self.unreader, self.source_addr, self.req_count)
        if before is not None and before.proxy_protocol_info is not None:
            # It was said once, for the connection.
            self.mesg.proxy_protocol_info = before.proxy_protocol_info
        return self.mesg

    next = __next__

    def _pass_over(self) -> bool:
        try:
            return self.finish_body(max_bytes=MOST_THROWN_AWAY)
        except HTTPError:
            # Nobody knows where the next message begins.
            return False


class RequestParser(Parser):
    """The requests of a connection: `for request in RequestParser(cfg, socket, address): ...`."""

    mesg_class = Request


def get_parser(cfg: Any, source: Any, source_addr: Any, http2_connection: bool = False) -> RequestParser:
    """The parser of a new connection; HTTP/1 in any case."""
    return RequestParser(cfg, source, source_addr)
