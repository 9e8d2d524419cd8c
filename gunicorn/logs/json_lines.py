"""Both logs as JSON (RFC 8259): one object a line, whatever a client or an application sends.

A line is US-ASCII: all else is escaped, so that no control, no separator and no character that turns the direction of a
text is in it, whatever reads lines. Text of a client is UTF-8 where it can be read so; of its other octets is written
`\\xNN`, as is `\\uNNNN` of a lone surrogate, which many readers of JSON refuse.

The access line is made here for every logger and response that there can be, and by `gateway/access_json.py`, quicker,
for our own. Both say the same.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from datetime import timedelta

from gunicorn._standard import standard_first

from .atoms import printable
from .queue_time import queue_seconds
from .request_ids import current_request_id
from .targets import target_of
from .traces import traces

with standard_first():
    from json.encoder import encode_basestring_ascii

__all__ = [
    "FINISHED", "JSONAccessFormatter", "JSONFormatter", "access_line", "decimal", "member", "stamp", "stamp_of_second",
    "status_code",
]


# The message of a record whose args have a finished access line, besides the atoms, for handlers of others.
FINISHED = "%(line)s"


# Values.


def string(text: str) -> str:
    """A string of JSON, with its quotes."""
    if not text.isascii():
        text = text.encode("utf-8", "backslashreplace").decode()
    return encode_basestring_ascii(text)


def member(value: object) -> str:
    """What has come from a client, or has been in the application's hands, as a value of JSON; null for None.

    Native strings (PEP 3333) have one character an octet; what has others has them from the application.
    """
    if value is None:
        return "null"
    text = printable(value)
    if not text.isascii():
        try:
            text = text.encode("latin-1").decode("utf-8", "backslashreplace")
        except UnicodeEncodeError:
            pass
    return string(text)


def stamp(seconds: float) -> str:
    """A moment (seconds since the epoch) as RFC 3339 has it: UTC, microseconds."""
    second, micros = divmod(int(seconds * 1_000_000 + 0.5), 1_000_000)
    return f"{stamp_of_second(second)}.{micros:06d}Z"


def stamp_of_second(second: int) -> str:
    """The same without the fraction and what follows it."""
    now = time.gmtime(second)
    return f"{now[0]:04d}-{now[1]:02d}-{now[2]:02d}T{now[3]:02d}:{now[4]:02d}:{now[5]:02d}"


# The error log.


class JSONFormatter(logging.Formatter):
    """A record as an object. `prefix` stands in front of it, for syslog."""

    def __init__(self, prefix: str = "") -> None:
        super().__init__()
        self._prefix = prefix

    def format(self, record: logging.LogRecord) -> str:
        # `created` is a float, and good to a microsecond.
        parts = [
            f'"time":"{stamp(record.created)}"', f'"level":{string(printable(record.levelname))}',
            f'"logger":{string(printable(record.name))}', f'"message":{string(message_of(record))}',
            f'"pid":{record.process or os.getpid()}',
        ]
        known = getattr(record, "request_id", None) or current_request_id()
        if known is not None and known != "-":
            parts.append(f'"request_id":{member(known)}')
        trace = traces.of(record.exc_info[1] if record.exc_info else None)
        if trace is not None:
            parts.append(f'"trace_id":"{trace[0]}","span_id":"{trace[1]}"')
        if record.exc_info:
            parts.append(f'"exception":{self._exception(record)}')
        if record.stack_info:
            parts.append(f'"stack":{string(printable(record.stack_info))}')
        return f"{self._prefix}{{{','.join(parts)}}}"

    def printed(self, line: str, name: str) -> str:
        """A line that an application has printed to one of its streams, as an object."""
        known = current_request_id()
        level = "INFO" if name == "stdout" else "ERROR"
        return (
            f'{self._prefix}{{"time":"{stamp(time.time())}","level":"{level}","logger":{string(name)},'
            f'"message":{string(line)},"pid":{os.getpid()}'
            f'{"" if known is None else f""","request_id":{member(known)}"""}}}'
        )

    def _exception(self, record: logging.LogRecord) -> str:
        kind, error = record.exc_info[:2]  # type: ignore[index]
        if kind is None:
            return "null"
        if not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)  # type: ignore[arg-type]
        name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
        told = string(printable(error))
        return f'{{"type":{string(name)},"message":{told},"stack":{string(printable(record.exc_text))}}}'


class JSONAccessFormatter(JSONFormatter):
    """The same for the access log: a finished line (`FINISHED`) is an object already."""

    def format(self, record: logging.LogRecord) -> str:
        if record.msg == FINISHED and isinstance(record.args, Mapping):
            return self._prefix + printable(record.args.get("line"))
        return super().format(record)


def message_of(record: logging.LogRecord) -> str:
    """The text of a record; what was given to a message that does not go with it is shown behind it."""
    try:
        return printable(record.getMessage())
    except Exception:  # noqa: BLE001  # the boundary around an object of the application's
        given = f" {printable(record.args)}" if record.args else ""
        return printable(record.msg) + given


# The access log.


def status_code(resp: object) -> str:
    """The three digits of a status, or null: hooks and middleware may have set it."""
    code = printable(getattr(resp, "status", None))[:3]
    return code if len(code) == 3 and code.isascii() and code.isdigit() else "null"


def _remote(value: object) -> str:
    """Of a unix socket there is no address."""
    return "null" if type(value) is str and not value else member(value)


def decimal(seconds: float) -> str:
    """A number of seconds, with its microseconds."""
    whole, micros = divmod(int(seconds * 1_000_000 + 0.5) if seconds > 0.0 else 0, 1_000_000)
    return f"{whole}.{micros:06d}"


def access_line(
    resp: object, req: object, environ: Mapping[str, object], took: timedelta, wall: float | None = None
) -> str:
    """The line of one finished request. `wall`: the moment, in seconds since the epoch."""
    moment = time.time() if wall is None else wall
    path, query = target_of(req, environ)
    method = member(getattr(req, "method", None) or environ.get("REQUEST_METHOD", ""))
    shown_path = member(path)
    code = status_code(resp)
    sent = getattr(resp, "sent", None)
    protocol = member(environ.get("SERVER_PROTOCOL"))
    queued = queue_seconds(req, environ, moment - took.total_seconds())
    trace, span = environ.get("gunicorn.trace_id"), environ.get("gunicorn.span_id")
    return (
        f'{{"time":"{stamp(moment)}","level":"INFO","logger":"gunicorn.access",'
        f'"message":"{method[1:-1]} {shown_path[1:-1]} {code}","pid":{os.getpid()},'
        f'"method":{method},"path":{shown_path},"query":{member(query)},"status":{code},'
        f'"duration":{decimal(took.total_seconds())},"bytes":{sent if type(sent) is int else "null"},'
        f'"remote":{_remote(environ.get("REMOTE_ADDR"))},"user_agent":{member(environ.get("HTTP_USER_AGENT"))},'
        f'"referer":{member(environ.get("HTTP_REFERER"))},"host":{member(environ.get("HTTP_HOST"))},'
        f'"protocol":{protocol},"request_id":{member(environ.get("gunicorn.request_id"))}'
        f'{"" if trace is None else f""","trace_id":{member(trace)},"span_id":{member(span)}"""}'
        f'{"" if queued is None else f""","queue":{decimal(queued)}"""}}}'
    )
