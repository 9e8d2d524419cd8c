"""What stands in front of a gateway and answers some requests itself: none of them reaches the application."""

from __future__ import annotations

from gunicorn.engine._leaf import is_leaving
from gunicorn.engine.exchange import ClientDisconnected, Exchange
from gunicorn.engine.handler import Handler
from gunicorn.http.request import Request
from gunicorn.http.response_head import Page

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn._types import Peer
    from gunicorn.http.errors import HTTPError

    from .gateway import Gateway

__all__ = ["Front"]


class Front(Handler):
    """Hands on to `handler` what it does not answer; that is `gateway`, or another one in front of it."""

    def __init__(self, handler: Handler, gateway: Gateway) -> None:
        self._handler = handler
        self._gateway = gateway

    def ends(self, request: Request) -> bool:
        """Whether the connection ends with the answer to this request: of a client that was not asked for its body,
        nobody knows whether that comes."""
        engine = self._gateway.engine
        unasked = request.expect_continue and request.content_length != 0
        return request.close or unasked or engine.keepalive == 0 or engine.closing or is_leaving()

    def reply(self, exchange: Exchange, page: Page) -> None:
        """Answer with a page, and end the exchange."""
        try:
            exchange.answer(page)
        except ClientDisconnected:
            page.close = True
        exchange.finish(not page.close)

    # All that is not answered here is the handler's.

    def handle(self, exchange: Exchange, request: Request) -> None:
        self._handler.handle(exchange, request)

    def answers(self, request: Request) -> bool:
        return self._handler.answers(request)

    def refused(self, exchange: Exchange, error: HTTPError) -> Page:
        return self._handler.refused(exchange, error)

    def disconnected(self, exchange: Exchange) -> None:
        self._handler.disconnected(exchange)

    def connection_failed(self, exchange: Exchange, error: BaseException) -> None:
        self._handler.connection_failed(exchange, error)

    def body_is_wrong(self, exchange: Exchange, error: HTTPError) -> None:
        self._handler.body_is_wrong(exchange, error)

    def tell(self, peer: Peer, protocol: str, what: str) -> None:
        self._handler.tell(peer, protocol, what)

    def streams(self, request: Request) -> bool:
        return self._handler.streams(request)

    def answered(self) -> int:
        return self._handler.answered()

    def unfinished(self) -> bool:
        return self._handler.unfinished()

    def idle(self) -> None:
        self._handler.idle()

    def writable(self, exchange: Exchange) -> None:
        self._handler.writable(exchange)
