"""Access lines on the hot path: the format taken apart once, lines gathered and written together.

This serves the ordinary case: our own `Logger`, nobody else at its access log, atoms of the fixed kind. Whatever
is different goes through `Logger.access`, line by line. Lines are whole and in order; they wait in memory for at most
`LONGEST_WAIT` seconds, and not at all when the worker has nothing else to do.
"""

from __future__ import annotations

import os
import time

from gunicorn.http._octets import is_plain
from gunicorn.http.request import Request
from gunicorn.logs.atoms import (
    ATOMS,
    DECIMAL,
    ENVIRON,
    LENGTH,
    LITERAL,
    MILLISECONDS,
    PROCESS,
    QUEUE,
    REQUEST_LINE,
    SECONDS,
    STATUS,
    TIME,
    USER,
    basic_user,
    escape,
    printable,
    take_apart,
    what_is_wrong,
)
from gunicorn.logs.logger import Logger
from gunicorn.logs.queue_time import queue_seconds

from .prefixes import Prefixes
from .response import Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from gunicorn._types import Environ, Log
    from gunicorn.config import Config
    from gunicorn.logs.selection import Selection

LONGEST_WAIT = 0.25
MOST_LINES = 512
# A value that is longer counts as a line for each so many characters.
LONG_VALUE = 1024

# In the compiled form these are no Python objects, which other modules could import by name.
globals().update(LONGEST_WAIT=LONGEST_WAIT, LONG_VALUE=LONG_VALUE, MOST_LINES=MOST_LINES)


def compile_steps(text: str) -> list[tuple[int, str]] | None:
    """The steps that make a line of this format; None when it holds something that is not made here."""
    if what_is_wrong(text):
        # What is no field stands for itself there.
        return None
    steps: list[tuple[int, str]] = []
    for piece in take_apart(text):
        if isinstance(piece, str):
            steps.append((LITERAL, piece))
            continue
        name, conversion = piece
        if name not in ATOMS or conversion != "s":
            return None
        kind, what, _ = ATOMS[name]
        steps.append((LITERAL, f"<{os.getpid()}>") if kind == PROCESS else (kind, what))
    steps.append((LITERAL, "\n"))
    return _merged(steps)


def _merged(steps: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Neighbouring literals as one."""
    merged: list[tuple[int, str]] = []
    literal = ""
    for kind, text in steps:
        if kind == LITERAL:
            literal += text
            continue
        if literal:
            merged.append((LITERAL, literal))
            literal = ""
        merged.append((kind, text))
    merged.append((LITERAL, literal))
    return merged


class AccessLines:
    """Gathers the lines of one worker. `flush` writes them through `write`, which answers whether it may go on so."""

    __slots__ = ("_count", "_date", "_log", "_now", "_parts", "_selection", "_since", "_steps", "_write")

    def __init__(
        self, log: Any, steps: list[tuple[int, str]], write: Callable[[str], bool], selection: Selection | None = None
    ) -> None:
        self._log = log
        # Who says which requests have a line; None where all of them have one.
        self._selection = selection
        self._steps = steps
        self._write = write
        # The lines that wait, in pieces, and how many lines of an ordinary length that is.
        self._parts: list[str] = []
        self._count = 0
        self._since = 0.0
        self._date: bytes | None = None
        self._now = ""

    def add(self, response: Response, environ: Environ, prefixes: Prefixes, seconds: float, now: float) -> None:
        """Make the line of a finished request that took `seconds`; `now` is the engine's time."""
        selection = self._selection
        if selection is not None and not selection.wants(response, response.request, environ, seconds):
            return
        if prefixes.date is not self._date:
            # The response's Date has changed: so has the time of the line.
            self._date = prefixes.date
            self._now = self._log.now()
        before = len(self._parts)
        count = self._count
        try:
            self._add(response, environ, seconds)
        except BaseException:
            # No half a line, whatever the application has put into its environ.
            del self._parts[before:]
            self._count = count
            raise
        if count == 0:
            self._since = now
        self._count += 1

    def _add(self, response: Response, environ: Environ, seconds: float) -> None:
        for step in self._steps:
            kind, text = step
            if kind != LITERAL:
                text = self._value(kind, text, response, environ, seconds)
                if len(text) > LONG_VALUE:
                    self._count += len(text) // LONG_VALUE
            self._parts.append(text)

    def _value(self, kind: int, name: str, response: Response, environ: Environ, seconds: float) -> str:
        """What stands in the place of a field. A chain, which C makes a jump of."""
        if kind == ENVIRON:
            return _variable(environ, name)
        if kind == TIME:
            return self._now
        if kind == STATUS:
            return _status(response.status)
        if kind == REQUEST_LINE:
            return _request_line(response.request)
        if kind == LENGTH:
            return f"{response.sent}"
        if kind == USER:
            return _user(environ)
        if kind == QUEUE:
            return _queue(response.request, environ, seconds)
        return _measure(kind, response, seconds)

    def due(self, now: float) -> bool:
        """Whether lines have waited long enough."""
        return self._count >= MOST_LINES or (self._count > 0 and now - self._since >= LONGEST_WAIT)

    def waiting(self) -> bool:
        """Whether there are lines to write."""
        return self._count > 0

    def flush(self) -> bool:
        """Write what was gathered; whether more may be gathered."""
        if not self._count:
            return True
        parts, self._parts = self._parts, []
        self._count = 0
        return bool(self._write("".join(parts)))


def writer_of(log: Log) -> Callable[[str], bool] | None:
    """What writes the finished lines of a logger; None where it wants to be called for every line."""
    make_writer: Callable[[], Callable[[str], bool] | None] | None = getattr(log, "line_writer", None)
    return None if make_writer is None else make_writer()


def access_lines(log: Log, cfg: Config) -> AccessLines | None:
    """For a logger and a format that can be served here."""
    write = writer_of(log)
    if write is None:
        return None
    steps = compile_steps(cfg.access_log_format)
    return None if steps is None else AccessLines(log, steps, write, getattr(log, "selection", None))


def logs_access(log: Log) -> bool:
    """Whether `log.access` can have an effect."""
    return not isinstance(log, Logger) or type(log).access is not Logger.access or log.access_log_enabled


def _variable(environ: Environ, name: str) -> str:
    value = environ.get(name)
    if value is None:
        return "-"
    # The application had the environ in its hands: anything may be in it.
    text = value if type(value) is str else printable(value)
    return text if is_plain(text) else escape(text)


def _status(status: object) -> str:
    """The code of a status line, and a dash for what is none: hooks and middleware may have set it."""
    text = status if type(status) is str else printable(status)
    code = text[:3]
    return code if is_plain(code) and code else "-"


def _request_line(request: Request) -> str:
    line = f"{request.method} {request.uri} HTTP/{request.version_major}.{request.version_minor}"
    return line if is_plain(line) else escape(line)


def _user(environ: Environ) -> str:
    if "HTTP_AUTHORIZATION" not in environ:
        return "-"
    return escape(basic_user(environ) or "-")


def _queue(request: Request, environ: Environ, seconds: float) -> str:
    """What stands in the place of the seconds between a proxy and this server."""
    waited = queue_seconds(request, environ, time.time() - seconds)
    return "-" if waited is None else f"{waited:.6f}"


def _measure(kind: int, response: Response, seconds: float) -> str:
    if kind == DECIMAL:
        return f"{seconds:.6f}"
    # The other three tell the same time as the decimal one, and as the `timedelta` of other loggers.
    microseconds = round(seconds * 1000000)
    if kind == SECONDS:
        return str(microseconds // 1000000)
    if kind == MILLISECONDS:
        return str(microseconds // 1000)
    return str(microseconds)
