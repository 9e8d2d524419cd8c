"""The requests of one connection, one after another."""

from __future__ import annotations

import time

from gunicorn.http.errors import HTTPError, NoMoreData

from .body import STEP, Body
from .request import Request
from .unreader import IterUnreader, SocketUnreader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from socket import socket
    from typing import Any, Self

    from gunicorn._types import Peer
    from gunicorn.config import Config

    from .request import Message
    from .unreader import Unreader

__all__ = ["Parser", "RequestParser", "get_parser"]

# What an application did not read of a body is read and thrown away, up to so much; beyond it the connection ends.
MOST_THROWN_AWAY = 65536


class Parser:
    """Iterates over the messages of `source`, a socket or an iterable of octets.

    The iteration ends when the peer has left between two messages, or the one before ends the connection. Raises what
    `mesg_class` raises.
    """

    mesg_class: Callable[[Config, Unreader, Peer, int], Message] | None = None

    def __init__(self, cfg: Config, source: socket | Iterable[bytes], source_addr: Peer) -> None:
        self.cfg = cfg
        self.unreader: Unreader = _unreader_of(source)
        self.source_addr = source_addr
        self.mesg: Message | None = None
        self.req_count = 0

    def finish_body(self, deadline: float | None = None, max_bytes: int | None = None) -> bool:
        """Read and throw away the rest of the present message's body; whether it has ended.

        `deadline`: moment of `time.monotonic()` until which is waited; `max_bytes`: how much is read.
        """
        body = self.mesg.body if self.mesg is not None else None
        if body is None:
            return True
        sock: socket | None = getattr(self.unreader, "sock", None)
        if sock is None or deadline is None:
            return _throw_away(body, max_bytes, _nothing)
        before = sock.gettimeout()
        try:
            return _throw_away(body, max_bytes, lambda: sock.settimeout(max(0.0, deadline - time.monotonic())))
        finally:
            sock.settimeout(before)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Message:
        before = self.mesg
        if before is not None and (before.should_close() or not self._pass_over()):
            raise StopIteration
        if self.mesg_class is None:
            raise NotImplementedError("a parser needs a mesg_class")
        self.req_count += 1
        message = self.mesg = self.mesg_class(self.cfg, self.unreader, self.source_addr, self.req_count)
        if before is not None and before.proxy_protocol_info is not None:
            # It was said once, for the connection.
            message.proxy_protocol_info = before.proxy_protocol_info
        return message

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

    if TYPE_CHECKING:

        def __next__(self) -> Request: ...


def get_parser(
    cfg: Config, source: socket | Iterable[bytes], source_addr: Peer, http2_connection: bool = False
) -> RequestParser:
    """The parser of a new connection; HTTP/1 in any case."""
    return RequestParser(cfg, source, source_addr)


def _unreader_of(source: Any) -> Unreader:
    # What reads like a socket is one, of whatever library.
    return SocketUnreader(source) if hasattr(source, "recv") else IterUnreader(source)


def _nothing() -> None:
    pass


def _throw_away(body: Body, most: int | None, prepare: Callable[[], object]) -> bool:
    """Read a body to its end, or not much more than `most` octets of it; whether it has ended. Calls `prepare` in front
    of each read."""
    count = 0
    try:
        while most is None or count <= most:
            prepare()
            data = body.read(STEP)
            if not data:
                return True
            count += len(data)
    except (NoMoreData, BlockingIOError, TimeoutError):
        pass
    return False
