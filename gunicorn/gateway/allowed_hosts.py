"""Requests for other hosts than those that the server is for (`allowed_hosts`) are answered before the application."""

from __future__ import annotations

from gunicorn.engine.exchange import Exchange
from gunicorn.engine.handler import Handler
from gunicorn.http.errors import HTTPError, Redirected
from gunicorn.http.hosts import Hosts
from gunicorn.http.request import Request
from gunicorn.http.response_head import Page

from .front import Front

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .gateway import Gateway

__all__ = ["AllowedHosts"]


class AllowedHosts(Front):
    """Answers requests that name none of `hosts`."""

    def __init__(self, handler: Handler, gateway: Gateway, hosts: Hosts) -> None:
        super().__init__(handler, gateway)
        self._hosts = hosts

    def handle(self, exchange: Exchange, request: Request) -> None:
        error = self._hosts.complaint(request)
        if error is None:
            self._handler.handle(exchange, request)
        else:
            self.reply(exchange, self._gateway.refused(exchange, error, request))

    def answers(self, request: Request) -> bool:
        return self._hosts.complaint(request) is not None or self._handler.answers(request)

    def refused(self, exchange: Exchange, error: HTTPError) -> Page:
        request = exchange.request
        if isinstance(error, Redirected) and request is not None:
            # Nobody is sent to a host of the client's making.
            error = self._hosts.complaint(request) or error
        return self._handler.refused(exchange, error)
