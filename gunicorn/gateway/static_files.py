"""Static files on our own connections: answered where the engine finds the request complete, whatever the worker type.

Files of the machine are opened at once. Their content goes from the file to the client as the client takes it: a slow
one holds a descriptor, and neither a thread nor memory.
"""

from __future__ import annotations

import os

from gunicorn.engine.exchange import ClientDisconnected, Exchange
from gunicorn.engine.handler import Handler
from gunicorn.http.errors import HTTPError, InternalError
from gunicorn.http.request import Request
from gunicorn.http.response import NO_BODY
from gunicorn.http.response_head import Page

from .board_entries import enter
from .front import Front
from .response import Response
from .static_site import Answer, StaticSite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .gateway import Gateway

__all__ = ["StaticFiles"]


class StaticFiles(Front):
    """Answers requests for the files of a site."""

    def __init__(self, handler: Handler, gateway: Gateway, site: StaticSite) -> None:
        super().__init__(handler, gateway)
        self._site = site

    def answers(self, request: Request) -> bool:
        try:
            decided = self._site.decides(request.path, self._gateway.engine.now)
        except HTTPError:
            # It is said to whoever asks for the file when there is room for it.
            decided = False
        return decided or self._handler.answers(request)

    def handle(self, exchange: Exchange, request: Request) -> None:
        site = self._site
        if not site.covers(request.path):
            self._handler.handle(exchange, request)
            return
        try:
            answer = site.answer(request, self._gateway.engine.now)
        except HTTPError as error:
            if isinstance(error, InternalError):
                self._gateway.log.error("%s: %s", error, error.__cause__)
            self.reply(exchange, self._gateway.refused(exchange, error, request))
            return
        if answer is None:
            self._handler.handle(exchange, request)
        else:
            self._serve(exchange, request, answer)

    def _serve(self, exchange: Exchange, request: Request, answer: Answer) -> None:
        gateway = self._gateway
        engine, board, ids = gateway.engine, gateway.board, gateway.request_ids
        started = engine.now
        lines = answer.lines if ids is None else [*answer.lines, ids.line(ids.give(request))]
        if board is not None:
            enter(board, request, started, ids)
        page = Page(request, gateway.prefixes.of(answer.status, started), lines, b"")
        page.response_length = answer.length
        page.close = self.ends(request)
        sent = 0
        try:
            sent = self._send(exchange, page, answer)
        finally:
            if answer.fd >= 0:
                os.close(answer.fd)
            now = engine.tick()
            if board is not None:
                board.end(request.method, int(answer.status[:3]), started, now, sent)
        if gateway.logs_access:
            self._log(exchange, page, answer, sent, now - started)
        exchange.finish(not page.close)

    def _send(self, exchange: Exchange, page: Page, answer: Answer) -> int:
        """Send or queue all of it; octets of content. Sets `close` of the page where no other answer can follow."""
        sent = 0
        try:
            exchange.start(page)
            if page.framing == NO_BODY or not answer.length:
                exchange.send(page, b"", True)
                return 0
            for part in answer.parts:
                if isinstance(part, bytes):
                    exchange.send(page, part, len(part) == answer.length)
                    sent += len(part)
                    continue
                taken = self._send_part(exchange, answer.fd, part)
                sent += taken
                if taken < part[1]:
                    # The file has become shorter: nobody is to take what has gone for all of it.
                    page.close = True
                    exchange.break_off(page)
                    break
        except ClientDisconnected:
            page.close = True
        return sent

    def _send_part(self, exchange: Exchange, fd: int, part: tuple[int, int]) -> int:
        """Octets sent or queued, fewer where the file has become shorter."""
        taken = exchange.send_file(fd, *part) if self._gateway.use_sendfile else -1
        return exchange.read_file(fd, *part) if taken < 0 else taken

    def _log(self, exchange: Exchange, page: Page, answer: Answer, sent: int, seconds: float) -> None:
        gateway = self._gateway
        response = Response(gateway, exchange, page.request, page.close)
        response.status = answer.status
        response.headers = [line.pair() for line in page.fields]
        response.headers_sent = True
        response.sent = sent
        response.response_length = answer.length
        gateway.log_answer(response, page.request, seconds)
