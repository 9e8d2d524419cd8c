"""What configurations of old say by writing over names: there was no other way to change the Server field."""

from __future__ import annotations

from gunicorn.http.errors import HTTPError
from gunicorn.http.request import Request
from gunicorn.http.response import ORDINARY, SERVER

from . import response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn._types import Log
    from gunicorn.config import Config

__all__ = ["said"]


def said(cfg: Config, log: Log) -> tuple[str, bytes]:
    """The Server field's value, empty for none, and the field lines that a patch of `Response.default_headers` adds."""
    server = response.server_name(cfg)
    if response.Response.default_headers is response.DEFAULT_HEADERS:
        return server, b""
    try:
        return _lines_of(cfg, server)
    except Exception as error:  # noqa: BLE001  # the boundary around the user's code
        log.warning("The patch of gunicorn.http.wsgi.Response.default_headers has no effect: %r", error)
        return server, b""


def _lines_of(cfg: Config, server: str) -> tuple[str, bytes]:
    """What a patched `default_headers` says besides what belongs to each response. Raises what it raises."""
    request = Request()
    request.method = "GET"
    answer = response.Response(request, None, cfg)
    answer.version = server
    answer.status = "200 OK"
    answer.response_length = 0
    server, lines = "", []
    for text in answer.default_headers()[1:]:
        name, colon, value = text.partition(":")
        if not colon:
            raise HTTPError(text)
        line = response._LINES.learn((name, value.strip(" \t\r\n")))
        if line.kind == SERVER:
            server = line.value
        elif line.kind == ORDINARY:
            lines.append(line.line)
    return server, b"".join(lines)
