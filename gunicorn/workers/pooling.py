"""The methods of a worker that gives each of its connections to a pool of threads.

Our own thread worker serves by its engine and calls none of them. A subclass that replaces one wants to be called where
it stands: such a worker runs the loop that these methods make.
"""

from __future__ import annotations

import os
import signal
import time
from collections import deque
from contextlib import nullcontext

from gunicorn.tls.entrance import check_guest
from gunicorn.unix.closing import close, close_graceful
from gunicorn.unix.process import close_on_exec

from .accepting import LONGEST_WAIT, is_replaced
from .base import Worker

TYPE_CHECKING = False
if TYPE_CHECKING:
    import selectors
    from concurrent.futures import Future, ThreadPoolExecutor
    from socket import socket
    from typing import Any

    from gunicorn._types import Peer
    from gunicorn.blocking.parser import RequestParser
    from gunicorn.blocking.request import Request
    from gunicorn.config import Config
    from gunicorn.engine.exchange import Exchange
    from gunicorn.unix.sockets import BaseSocket

    # Whether a connection goes on, as `handle` says it; those who know the old way, with the connection behind it.
    GoesOn = bool | tuple[bool, "TConn"]

__all__ = ["POOLING", "Pooling", "TConn"]

# What a subclass may replace.
POOLING = ("accept", "enqueue_req", "finish_request", "get_thread_pool", "handle")


class TConn:
    """A connection: its socket `sock`, and the addresses of the two ends as `client` and `server`.

    What `handle_request` of a thread worker is given. `view`: the exchange, on a connection that the engine serves.
    """

    def __init__(self, cfg: Config, sock: Any, client: Peer, server: Peer, view: Exchange | None = None) -> None:
        self.cfg = cfg
        # A socket, or the `SocketView` of one.
        self.sock = sock
        self.client = client
        self.server = server
        self.exchange = view
        self.parser: RequestParser | None = None
        self.initialized = False
        # Moment until which the next request may begin.
        self.timeout: float | None = None

    def init(self) -> None:
        """Get ready to read requests: with TLS, by a handshake. Raises OSError."""
        if self.initialized:
            return
        from gunicorn.blocking.cycle import secured
        from gunicorn.blocking.parser import get_parser

        self.initialized = True
        self.sock.settimeout(self.cfg.header_timeout or None)
        if self.cfg.is_ssl:
            self.sock = secured(self.sock, self.cfg)
        self.parser = get_parser(self.cfg, self.sock, self.client)

    def set_timeout(self) -> None:
        """Let the next request begin within `keepalive` seconds from now."""
        self.timeout = time.monotonic() + self.cfg.keepalive

    def is_pending(self) -> bool:
        """Whether octets have come that the socket does not tell of any more."""
        if self.parser is None:
            # A subclass's own `handle` reads by itself.
            return False
        return self.parser.unreader.is_pending() or bool(self.cfg.is_ssl and self.sock.pending())

    def close(self, graceful: bool = False) -> None:
        """Close the connection; `graceful`: its peer may still be sending."""
        (close_graceful if graceful else close)(self.sock)


class Pooling(Worker):
    """Connections that wait are watched by the main thread, those with something to read are given to the pool."""

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if is_replaced(cls, Pooling, POOLING):
            cls.honours_bind_options = False

    honours_bind_options = False
    tpool: ThreadPoolExecutor
    poller: selectors.BaseSelector

    def run_pooling(self) -> None:
        """Serve by `accept`, `enqueue_req`, `handle` and `finish_request` until the worker is told to stop."""
        check_guest(self.cfg)
        from selectors import EVENT_READ, DefaultSelector

        self._readable = EVENT_READ
        self.poller = DefaultSelector()
        self.tpool = self.get_thread_pool()
        self._kept: dict[TConn, socket] = {}
        self._ended: deque[tuple[TConn, Future[GoesOn]]] = deque()
        self._count = 0
        self.PIPE = list(os.pipe())
        for fd in self.PIPE:
            os.set_blocking(fd, False)
        # A signal ends the wait, and so does a thread that is done with a connection.
        signal.set_wakeup_fd(self.PIPE[1], warn_on_full_buffer=False)
        self.poller.register(self.PIPE[0], self._readable, None)
        for listener in self.sockets:
            listener.setblocking(False)
            self.poller.register(listener, self._readable, listener)
        try:
            while self.alive and self.is_parent_alive():
                self._look(min(self.timeout or LONGEST_WAIT, LONGEST_WAIT))
            self._leave()
        finally:
            signal.set_wakeup_fd(-1)
            self.poller.close()

    def _look(self, timeout: float) -> None:
        self.notify()
        for key, _ in self.poller.select(timeout):
            if isinstance(key.data, TConn):
                self._forget(key.data)
                self.enqueue_req(key.data)
            elif key.data is None:
                os.read(self.PIPE[0], 4096)
            elif self._count < self.cfg.worker_connections:
                self.accept(key.data)
        while self._ended:
            self.finish_request(*self._ended.popleft())
        now = time.monotonic()
        for connection in [each for each in self._kept if each.timeout is not None and each.timeout < now]:
            self._forget(connection)
            self._close(connection)

    def _leave(self) -> None:
        """Let requests end for `graceful_timeout`; who has none under way is not waited for."""
        for listener in self.sockets:
            self.poller.unregister(listener)
            listener.close()
        for connection in list(self._kept):
            self._forget(connection)
            self._close(connection)
        deadline = time.monotonic() + self.cfg.graceful_timeout
        while self._count and (left := deadline - time.monotonic()) > 0:
            self._look(min(left, LONGEST_WAIT))
        self.tpool.shutdown(wait=False, cancel_futures=True)

    def _forget(self, connection: TConn) -> None:
        self.poller.unregister(self._kept.pop(connection))

    def _close(self, connection: TConn) -> None:
        self._count -= 1
        connection.close()

    def get_thread_pool(self) -> ThreadPoolExecutor:
        """The threads that run `handle`."""
        from concurrent.futures import ThreadPoolExecutor

        return ThreadPoolExecutor(max_workers=max(1, self.cfg.threads))

    def accept(self, listener: BaseSocket) -> None:
        """Take a connection and have it served."""
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            # A sibling took it, or the client has left again.
            return
        close_on_exec(client.fileno())
        self._count += 1
        self.enqueue_req(TConn(self.cfg, client, address, listener.getsockname()))

    def enqueue_req(self, conn: TConn) -> None:
        """Have a thread of the pool serve a connection that has something to read."""
        future = self.tpool.submit(self.handle, conn)
        future.add_done_callback(lambda done: self._tell(conn, done))

    def _tell(self, conn: TConn, done: Future[GoesOn]) -> None:
        """In the thread: the main one goes on with the connection."""
        self._ended.append((conn, done))
        try:
            os.write(self.PIPE[1], b"\0")
        except BlockingIOError:
            return

    def finish_request(self, conn: TConn, fs: Future[GoesOn]) -> None:
        """In the main thread: `handle` has ended, and says whether the connection goes on."""
        goes_on = False
        if not fs.cancelled() and fs.exception() is None:
            result = fs.result()
            goes_on = bool(result[0] if isinstance(result, tuple) else result)
        elif not fs.cancelled():
            self.log.error("Error on the connection of %s", conn.client, exc_info=fs.exception())
        if not (goes_on and self.alive):
            self._close(conn)
            return
        if conn.is_pending():
            self.enqueue_req(conn)
            return
        conn.set_timeout()
        self._kept[conn] = conn.sock
        self.poller.register(conn.sock, self._readable, conn)

    def handle(self, conn: TConn) -> GoesOn:
        """In a thread: serve a request of a connection; whether the connection goes on."""
        from gunicorn.blocking.cycle import next_request, tell_failure

        request: Request | None = None
        try:
            conn.init()
            assert conn.parser is not None
            request = next_request(self, conn.parser, conn.sock, nullcontext)
            return request is not None and self._serve_request(request, conn)
        except BaseException as error:  # noqa: BLE001  # the boundary around one connection
            tell_failure(self, request, conn.sock, conn.client, error)
            # Here, where it may take a moment.
            conn.close(graceful=True)
            return False

    def _serve_request(self, request: Request, conn: TConn) -> bool:
        self.handle_request(request, conn)
        return not request.should_close()

    if TYPE_CHECKING:

        def handle_request(self, req: Request, conn: TConn) -> object:
            """Serve one request: the worker type's own."""

    def answer(self, req: Request, conn: TConn) -> bool:
        """Run the application for a request that `handle` has read; whether the connection goes on."""
        from gunicorn.blocking.answering import answer

        if req.proxy_protocol_info:
            conn.client = (req.proxy_protocol_info["client_addr"], req.proxy_protocol_info["client_port"])
        return answer(self, conn.server, req, conn.sock, conn.client, True, True)
