"""A connection of a worker that accepts for itself: read a request, have it answered, read the next one."""

from __future__ import annotations

import time

from gunicorn.errors import OwnSignal
from gunicorn.gateway.gateway import shown
from gunicorn.http.errors import NoMoreData
from gunicorn.tls.wrapping import ssl_wrap_socket
from gunicorn.unix.closing import close, close_graceful

from .answering import ids_of
from .body import fault_of
from .parser import MOST_THROWN_AWAY, get_parser
from .response import ClientGone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from socket import socket
    from ssl import SSLContext, SSLSocket
    from typing import Protocol, TypeVar

    from gunicorn._types import Peer
    from gunicorn.config import Config

    from .answering import BlockingWorker
    from .parser import RequestParser
    from .request import Request

    # What a worker calls the server's end: an address, or a listener.
    Server = TypeVar("Server", contravariant=True)

    class ConversingWorker(BlockingWorker, Protocol[Server]):
        """One whose connections are served from their first request to their last."""

        def handle_request(self, server: Server, req: Request, client: socket, addr: Peer, /) -> object:
            """Serve one request."""

__all__ = ["converse", "next_request", "secured", "tell_failure"]


def converse(
    worker: ConversingWorker[Server],
    server: Server,
    client: socket,
    addr: Peer,
    persistent: bool,
    context: Callable[[], AbstractContextManager[object]],
) -> None:
    """Serve the requests of a connection and close it; never raises what a client or an application can cause.

    `server` is what the worker's `handle_request` is told of this end, its address or its listener, `addr` the address
    of the client. Without `persistent` one request is served. `context` makes what surrounds the wait for a request;
    where it ends the wait, the connection ends. Each request goes through the worker's `handle_request`, and what goes
    wrong through its `handle_error`.
    """
    request: Request | None = None
    unread = True
    try:
        client.settimeout(worker.cfg.header_timeout or None)
        if worker.cfg.is_ssl:
            client = secured(client, worker.cfg)
        parser = get_parser(worker.cfg, client, addr)
        while True:
            # What goes wrong while the next one is read is not the last one's.
            request = None
            request = next_request(worker, parser, client, context)
            if request is None:
                break
            if request.proxy_protocol_info:
                told = request.proxy_protocol_info
                addr = (told["client_addr"], told["client_port"])
            worker.handle_request(server, request, client, addr)
            if not persistent:
                break
        # Closing on what has not been read would reset the connection, and could destroy the answer.
        unread = not parser.finish_body(time.monotonic(), MOST_THROWN_AWAY)
    except StopIteration:
        # How a subclass's own `handle_request` says that the connection ends.
        unread = False
    except BaseException as error:  # noqa: BLE001  # the boundary around one connection
        unread = not _is_ours(worker, error)
        tell_failure(worker, request, client, addr, error)
    finally:
        if unread:
            close_graceful(client)
        else:
            close(client)


def secured(sock: socket, cfg: Config) -> SSLSocket:
    """A connection as the server's end of TLS, its handshake done. Raises OSError."""
    terminators = getattr(cfg, "terminators", None)
    if not terminators:
        wrapped: SSLSocket = ssl_wrap_socket(sock, cfg)
        return wrapped
    # Made by the master, which may have been the one that may read the key.
    context: SSLContext = next(iter(terminators.values())).context
    return context.wrap_socket(sock, server_side=True, suppress_ragged_eofs=cfg.suppress_ragged_eofs)


def _is_ours(worker: BlockingWorker, error: BaseException) -> bool:
    """Whether the server, or a stop in a worker of somebody else's making, ends what this process does."""
    return isinstance(error, OwnSignal) or (not isinstance(error, Exception) and not worker.alive)


def next_request(
    worker: BlockingWorker,
    parser: RequestParser,
    client: socket,
    context: Callable[[], AbstractContextManager[object]],
) -> Request | None:
    """The next request of a connection, None at its end. Waits as long as the settings say."""
    cfg = worker.cfg
    first = parser.req_count == 0
    patience = cfg.header_timeout if first else cfg.keepalive
    client.settimeout(patience or None)
    if cfg.header_timeout:
        # Nobody holds a worker by an octet now and then.
        parser.unreader.deadline = time.monotonic() + cfg.header_timeout + (0 if first else patience)
    request = None
    try:
        with context():
            request = next(parser)
    except StopIteration:
        return None
    except TimeoutError:
        if first:
            raise
        return None
    finally:
        parser.unreader.deadline = None
    client.settimeout(max(cfg.body_timeout, cfg.send_timeout) or None)
    return request


def tell_failure(
    worker: BlockingWorker, request: Request | None, client: socket, addr: Peer, error: BaseException
) -> None:
    """What has ended a connection early: the client's leaving is no error, all else goes to `handle_error`.

    With a `request` under way, an OSError may be the application's own: a client that has left is told of by
    `ClientGone` and `NoMoreData` then. Raises `error` where it is no Exception and the worker is leaving: then
    it is the worker's own.
    """
    if _is_ours(worker, error):
        raise error
    log = worker.log
    if request is not None:
        error = fault_of(error)
    if isinstance(error, ClientGone | NoMoreData) or (request is None and isinstance(error, OSError)):
        log.debug("The connection of %s has ended: %s", shown(addr), error)
    else:
        worker.handle_error(request, client, addr, error)
    ids = ids_of(worker)
    if ids is not None:
        ids.leave()
