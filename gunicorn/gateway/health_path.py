"""Health of a worker on the public listeners (`health_path`): answered in front of the gateway, without an application.

It asks nobody: that the engine answers is the news. So it also answers while all threads are taken, and where there are
as many requests as may be (`limit_concurrency`); no hook, access line or count of `max_requests` knows of it.
"""

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

__all__ = ["HealthPath", "asks_for_health", "health"]

_FIELDS = (("Content-Type", "text/plain"), ("Cache-Control", "no-store"))


def asks_for_health(method: str, path: str, wanted: str | None) -> bool:
    """Whether a request with this path, without its query, is one that the server answers; `wanted`: the setting."""
    return path == wanted and method in ("GET", "HEAD")


def health(leaving: bool) -> tuple[str, list[tuple[str, str]], bytes]:
    """Status line, fields and content of the answer. `leaving`: the server stops soon, no new clients should come."""
    status, content = ("503 Service Unavailable", b"leaving") if leaving else ("200 OK", b"ok")
    return status, [*_FIELDS, ("Content-Length", str(len(content)))], content


class HealthPath(Handler):
    """Stands in front of `gateway`, and answers requests for `path` itself."""

    def __init__(self, gateway: Gateway, path: str) -> None:
        self._gateway = gateway
        self._path = path

    def handle(self, exchange: Exchange, request: Request) -> None:
        if not self.answers(request):
            self._gateway.handle(exchange, request)
            return
        engine = self._gateway.engine
        status, _, content = health(is_leaving())
        page = self._page(request, status, content)
        page.close = request.close or engine.keepalive == 0 or engine.closing or is_leaving()
        board = self._gateway.board
        if board is not None:
            board.speak(request.version_major * 10 + request.version_minor)
            board.count(request.method, int(status[:3]))
        try:
            exchange.answer(page)
        except ClientDisconnected:
            page.close = True
        exchange.finish(not page.close)

    def _page(self, request: Request, status: str, content: bytes) -> Page:
        gateway = self._gateway
        lines = [gateway.field_lines.learn(pair) for pair in _FIELDS]
        return Page(request, gateway.prefixes.of(status, gateway.engine.now), lines, content)

    def answers(self, request: Request) -> bool:
        return asks_for_health(request.method, request.path, self._path)

    # All else is the gateway's.

    def refused(self, exchange: Exchange, error: HTTPError) -> Page:
        return self._gateway.refused(exchange, error)

    def disconnected(self, exchange: Exchange) -> None:
        self._gateway.disconnected(exchange)

    def connection_failed(self, exchange: Exchange, error: BaseException) -> None:
        self._gateway.connection_failed(exchange, error)

    def body_is_wrong(self, exchange: Exchange, error: HTTPError) -> None:
        self._gateway.body_is_wrong(exchange, error)

    def tell(self, peer: Peer, protocol: str, what: str) -> None:
        self._gateway.tell(peer, protocol, what)

    def streams(self, request: Request) -> bool:
        return self._gateway.streams(request)

    def answered(self) -> int:
        return self._gateway.answered()

    def unfinished(self) -> bool:
        return self._gateway.unfinished()

    def idle(self) -> None:
        self._gateway.idle()

    def writable(self, exchange: Exchange) -> None:
        self._gateway.writable(exchange)
