"""The sync worker: one application call at a time, any number of connections."""

from __future__ import annotations

from gunicorn.engine.manners import Manners
from gunicorn.errors import OwnSignal
from gunicorn.gateway.gateway import Gateway
from gunicorn.gateway.socket_view import SocketView
from gunicorn.wsgi.gateway import WSGIGateway

from .accepting import Accepting, StopWaiting, is_replaced
from .engine_worker import EngineWorker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from socket import socket
    from typing import Any

    from gunicorn._types import Peer
    from gunicorn.engine.exchange import Exchange
    from gunicorn.engine.listener import Listener
    from gunicorn.http.request import Request
    from gunicorn.unix.sockets import BaseSocket

__all__ = ["StopWaiting", "SyncWorker"]


class SyncWorker(EngineWorker, Accepting):
    """Runs each request where the engine finds it complete, in the loop itself."""

    # The one thread is in the application: only the master can tell that it takes too long.
    breaks_requests = False
    parks = True
    manners = Manners(gathers=True, fair=True, delays=True)
    gateway: WSGIGateway

    def handle_request(self, listener: BaseSocket, req: Any, client: socket | SocketView, addr: Peer) -> None:
        """Serve one request; subclasses put something of their own around it.

        A view of a connection comes with the engine's request, a socket with a request that was read off it.
        """
        if isinstance(client, SocketView):
            self.gateway.run(client.exchange, req)
        else:
            self.answer(listener, req, client, addr)

    def socket_of(self, listener: Listener) -> BaseSocket:
        """One of `sockets`: that which the engine listens by."""
        return next(own for own in self.sockets if own.sock is listener.sock)

    def run(self) -> None:
        if is_replaced(type(self), Accepting):
            self.run_accepting()
        else:
            super().run()

    def make_gateway(self) -> Gateway:
        if type(self).handle_request is not _HANDLE_REQUEST:
            self.gateway_class = RoundaboutGateway
        return super().make_gateway()


# By this a subclass is found that has one of its own, and a patch of this one, as tracers make it.
_HANDLE_REQUEST = SyncWorker.handle_request


class RoundaboutGateway(WSGIGateway):
    """Serves requests by way of a subclass's own `handle_request`."""

    worker: SyncWorker

    def handle(self, exchange: Exchange, request: Request) -> None:
        worker = self.worker
        try:
            listener = worker.socket_of(exchange.listener)
            worker.handle_request(listener, request, SocketView(exchange), exchange.peer)
            worker.close_if_unserved(exchange, request)
        except OwnSignal:
            raise
        except BaseException as error:  # noqa: BLE001  # the boundary around one connection
            self.run_failed(exchange, request, error)
