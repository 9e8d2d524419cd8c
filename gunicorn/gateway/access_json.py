"""Access lines as JSON on the hot path: what `logs/json_lines.py` says of our own responses, made in one go."""

from __future__ import annotations

import os
import time

from gunicorn.http._octets import is_plain
from gunicorn.logs.atoms import printable
from gunicorn.logs.json_lines import decimal, member, stamp_of_second
from gunicorn.logs.queue_time import seconds_since

from .access_lines import LONG_VALUE, AccessLines, writer_of
from .response import Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gunicorn._types import Clock, Environ, Log
    from gunicorn.logs.selection import Selection

_BEGIN = "Z\",\"level\":\"INFO\",\"logger\":\"gunicorn.access\",\"message\":\""


class JSONLines(AccessLines):
    """Gathers lines that are objects of JSON."""

    __slots__ = ("_pid", "_second", "_stamp", "_wall_clock")

    def __init__(
        self, log: Log, write: Callable[[str], bool], selection: Selection | None, wall_clock: Clock = time.time
    ) -> None:
        AccessLines.__init__(self, log, [], write, selection)
        self._pid = f'","pid":{os.getpid()},"method":"'
        self._wall_clock = wall_clock
        self._second = -1
        self._stamp = ""

    def _add(self, response: Response, environ: Environ, seconds: float) -> None:
        request = response.request
        wall = self._wall_clock()
        method = _text(request.method)
        path = _text(request.path)
        code = _code(response.status)
        line = (
            f'{self._moment(wall)}{_BEGIN}{method} {path} {code}{self._pid}{method}","path":"{path}'
            f'","query":"{_text(request.query)}","status":{code},"duration":{_duration(seconds)}'
            f',"bytes":{response.sent},"remote":{_remote(environ.get("REMOTE_ADDR"))}'
            f',"user_agent":{_value(environ.get("HTTP_USER_AGENT"))}'
            f',"referer":{_value(environ.get("HTTP_REFERER"))},"host":{_value(environ.get("HTTP_HOST"))}'
            f',"protocol":{_value(environ.get("SERVER_PROTOCOL"))}'
            f',"request_id":{_value(environ.get("gunicorn.request_id"))}{_span(environ)}'
            f'{_queue(environ, wall - seconds) if request.forwarder_trusted else ""}}}\n'
        )
        self._parts.append(line)
        self._count += len(line) // LONG_VALUE

    def _moment(self, wall: float) -> str:
        """How a line of this moment (seconds since the epoch) begins, up to its microseconds."""
        micros = int(wall * 1000000 + 0.5)
        second = micros // 1000000
        if second != self._second:
            self._second = second
            self._stamp = f'{{"time":"{stamp_of_second(second)}.'
        return f"{self._stamp}{micros - second * 1000000:06d}"


def json_lines(log: Log) -> JSONLines | None:
    """For a logger whose lines can be made here."""
    write = writer_of(log)
    return None if write is None else JSONLines(log, write, getattr(log, "selection", None))


def _text(value: str) -> str:
    """What stands between the quotes of a string."""
    if is_plain(value):
        return value
    quoted = member(value)
    return quoted[1:len(quoted) - 1]


def _value(value: object) -> str:
    if value is None:
        return "null"
    if type(value) is str and is_plain(value):
        return f'"{value}"'
    return member(value)


def _remote(address: object) -> str:
    """Of a unix socket there is no address."""
    return "null" if type(address) is str and not address else _value(address)


def _code(status: object) -> str:
    """The digits of a status line, and null for what is none."""
    text = status if type(status) is str else printable(status)
    code = text[:3]
    return code if len(code) == 3 and code.isascii() and code.isdigit() else "null"


def _duration(seconds: float) -> str:
    """Seconds and microseconds; none where it is no time that passes."""
    micros = 0
    if seconds > 0.0:
        micros = int(seconds * 1000000 + 0.5)
    return f"{micros // 1000000}.{micros % 1000000:06d}"


def _span(environ: Environ) -> str:
    """The members of a request that is a span of a trace."""
    trace = environ.get("gunicorn.trace_id")
    if trace is None:
        return ""
    return f',"trace_id":{_value(trace)},"span_id":{_value(environ.get("gunicorn.span_id"))}'


def _queue(environ: Environ, began: float) -> str:
    value = environ.get("HTTP_X_REQUEST_START")
    if not isinstance(value, str):
        return ""
    seconds = seconds_since(value, began)
    return "" if seconds is None else f',"queue":{decimal(seconds)}'
