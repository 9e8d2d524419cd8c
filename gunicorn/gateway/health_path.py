"""Health of a worker on the public listeners (`health_path`): answered in front of the gateway, without an application.

It asks nobody: that the engine answers is the news. So it also answers while all threads are taken, and where there are
as many requests as may be (`limit_concurrency`); no hook, access line or count of `max_requests` knows of it.
"""

from __future__ import annotations

from gunicorn.engine._leaf import is_leaving
from gunicorn.engine.exchange import Exchange
from gunicorn.engine.handler import Handler
from gunicorn.http.request import Request
from gunicorn.http.response_head import Page

from .front import Front

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .gateway import Gateway

__all__ = ["HealthPath", "asks_for_health", "health"]

_FIELDS = (("Content-Type", "text/plain"), ("Cache-Control", "no-store"))


def asks_for_health(method: str, path: str, wanted: str | None) -> bool:
    """Whether a request with this path, without its query, is one that the server answers; `wanted`: the setting."""
    return path == wanted and method in ("GET", "HEAD")


def health(leaving: bool) -> tuple[str, list[tuple[str, str]], bytes]:
    """Status line, fields and content of the answer. `leaving`: no new clients should come; the server stops soon, or
    is drained."""
    status, content = ("503 Service Unavailable", b"leaving") if leaving else ("200 OK", b"ok")
    return status, [*_FIELDS, ("Content-Length", str(len(content)))], content


class HealthPath(Front):
    """Answers requests for `path`."""

    def __init__(self, handler: Handler, gateway: Gateway, path: str) -> None:
        super().__init__(handler, gateway)
        self._path = path

    def handle(self, exchange: Exchange, request: Request) -> None:
        if not asks_for_health(request.method, request.path, self._path):
            self._handler.handle(exchange, request)
            return
        board = self._gateway.board
        status, _, content = health(is_leaving() if board is None else not board.welcomes())
        page = self._page(request, status, content)
        page.close = self.ends(request)
        if board is not None:
            board.speak(request.version_major * 10 + request.version_minor)
            board.count(request.method, int(status[:3]))
        self.reply(exchange, page)

    def _page(self, request: Request, status: str, content: bytes) -> Page:
        gateway = self._gateway
        lines = [gateway.field_lines.learn(pair) for pair in _FIELDS]
        return Page(request, gateway.prefixes.of(status, gateway.engine.now), lines, content)

    def answers(self, request: Request) -> bool:
        return asks_for_health(request.method, request.path, self._path) or self._handler.answers(request)
