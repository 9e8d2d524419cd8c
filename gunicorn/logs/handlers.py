"""Handlers of both logs: a line in one system call, files that are opened anew, and what befell the ones of others."""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext

from gunicorn._standard import standard_first
from gunicorn.errors import OwnSignal
from gunicorn.unix import unpatched
from gunicorn.unix.files import MODE, open_log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from gunicorn._types import Log

_NO_IMPORTS = nullcontext()
COMPLAIN_EVERY = 10.0
"""Seconds between two complaints of a log that cannot be written."""
LONGEST_PRINTED = 65536
"""Of a line that an application prints piece by piece so many characters are kept until its end comes."""

# Least level of `logging`: the priority of syslog(3) that systemd's journal is told, see sd-daemon(3).
PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
DEBUG_PRIORITY = 7


def reopen(log: Log) -> None:
    """Have a logger object open its files anew, at USR1; where one of the user's raises, that is one line."""
    try:
        log.reopen_files()
    except OwnSignal:
        raise
    except BaseException as error:  # noqa: BLE001  # the boundary around a logger of the user's
        log.error("The log files were not reopened: %s", error or type(error).__name__)


def loggers() -> list[logging.Logger]:
    """Every logger that exists, the root first."""
    names = list(logging.root.manager.loggerDict)
    return [logging.root, *(logging.getLogger(name) for name in names)]


class LineHandler(logging.StreamHandler["TextIO"]):
    """Writes each record as one line with one write().

    One write to a file opened for appending is not interleaved with those of other processes. A pipe that
    another program made non-blocking is waited for, where `logging` would print a traceback and lose the
    line.
    """

    # Found by Logger when it looks for what it made itself.
    _gunicorn = True

    def __init__(
        self, path: str | None = None, stream: TextIO | None = None, owner: tuple[int, int] | None = None,
        umask: int = 0,
    ) -> None:
        self.path = path
        # (user, group) whom the file is given, by root.
        self.owner = owner
        # What a file that is made does not get of permissions, besides what the process's own umask takes.
        self.umask = umask
        self._own_fd = -1
        self._quiet_until = 0.0
        # Whether the journal of systemd reads the lines: it is told how urgent each is.
        self.journal = False
        # What was printed of a line that has no end yet, by the name of the stream.
        self._printed: dict[str, str] = {}
        super().__init__(stream if path is None else sys.stderr)
        if path is not None:
            self.reopen()

    def reopen(self) -> None:
        """Open the file anew, after somebody moved it away. Raises OSError."""
        if self.path is None:
            return
        fresh = open_log(self.path, mode=MODE & ~self.umask)
        try:
            give_away(fresh, self.owner)
        except BaseException:
            os.close(fresh)
            raise
        self.acquire()
        try:
            stale, self._own_fd = self._own_fd, fresh
        finally:
            self.release()
        if stale >= 0:
            os.close(stale)

    def fileno(self) -> int:
        """Descriptor that the lines go to; -1 when the stream has none (a test's StringIO)."""
        if self._own_fd >= 0:
            return self._own_fd
        try:
            return self.stream.fileno()
        except (AttributeError, OSError, ValueError):
            return -1

    def emit(self, record: logging.LogRecord) -> None:
        try:
            # Where there is a traceback, `linecache` imports what it needs.
            with standard_first() if record.exc_info else _NO_IMPORTS:
                text = self.format(record)
            self.write_line(with_priority(text, record.levelno) if self.journal else text)
        except (OSError, ValueError, TypeError):
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:
        error = sys.exception()
        if isinstance(error, OSError):
            self._complain(error)
        else:
            super().handleError(record)

    def _complain(self, error: OSError) -> None:
        if self.may_complain():
            # Where standard error is what cannot be written, there is nobody to tell.
            with contextlib.suppress(OSError, ValueError):
                print(f"gunicorn: cannot write {self.path or 'the log'}: {error}", file=sys.stderr, flush=True)

    def may_complain(self) -> bool:
        """Whether a line that cannot be written is worth one: a full disk must not fill another with complaints."""
        now = time.monotonic()
        if now < self._quiet_until:
            return False
        self._quiet_until = now + COMPLAIN_EVERY
        return True

    def write_line(self, text: str) -> None:
        """Write `text` and a newline. Raises OSError."""
        self.write_text(text + "\n")

    def write_text(self, text: str) -> None:
        """Write `text` as it is. Raises OSError."""
        fd = self.fileno()
        if fd < 0:
            self.stream.write(text)
            self.stream.flush()
            return
        data = text.encode("utf-8", "backslashreplace")
        try:
            written = unpatched.write(fd, data)
        except BlockingIOError:
            written = 0
        if written != len(data):
            _write_rest(fd, memoryview(data)[written:])

    def write_printed(self, text: str, name: str) -> None:
        """Write what an application prints to its stream `name`: as it is, or each line as an object of JSON.

        That a log cannot be written is no error of the application's, and must not fail its request.
        """
        try:
            self._write_printed(text, name)
        except OSError as error:
            self._complain(error)

    def _write_printed(self, text: str, name: str) -> None:
        as_object: Callable[[str, str], str] | None = getattr(self.formatter, "printed", None)
        if as_object is None:
            self.write_text(text)
            return
        self.acquire()
        try:
            lines = (self._printed.pop(name, "") + text).split("\n")
            if 0 < len(lines[-1]) < LONGEST_PRINTED:
                self._printed[name] = lines.pop()
        finally:
            self.release()
        told = [as_object(line, name) + "\n" for line in lines if line]
        if told:
            self.write_text("".join(told))

    def flush(self) -> None:
        for name in list(self._printed):
            self.write_printed("\n", name)
        if self._own_fd < 0 and self.fileno() < 0:
            super().flush()

    def close(self) -> None:
        if self._own_fd >= 0:
            os.close(self._own_fd)
            self._own_fd = -1
        super().close()


class SplitHandler(LineHandler):
    """Records below WARNING go to standard output, all others to standard error."""

    def __init__(self) -> None:
        self.quiet = LineHandler(stream=sys.stdout)
        super().__init__(stream=sys.stderr)

    def setFormatter(self, fmt: logging.Formatter | None) -> None:
        super().setFormatter(fmt)
        self.quiet.setFormatter(fmt)

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno < logging.WARNING:
            self.quiet.emit(record)
        else:
            super().emit(record)


def with_priority(text: str, level: int) -> str:
    """Each line with its priority in front, as the journal reads it from a standard stream (sd-daemon(3))."""
    number = next((number for least, number in PRIORITIES if level >= least), DEBUG_PRIORITY)
    return "\n".join([f"<{number}>{line}" for line in text.split("\n")])


def _write_rest(fd: int, rest: memoryview) -> None:
    """Write what a full pipe did not take; gives up when nobody reads for a second, as a log must not stop
    the server."""
    while rest:
        if not unpatched.select.select([], [fd], [], 1.0)[1]:
            return
        try:
            rest = rest[unpatched.write(fd, rest) :]
        except BlockingIOError:
            continue


def all_handlers() -> Iterator[logging.Handler]:
    seen: set[int] = set()
    for log in loggers():
        for handler in log.handlers:
            if id(handler) not in seen:
                seen.add(id(handler))
                yield handler


def reopen_file_handler(handler: logging.FileHandler, owner: tuple[int, int]) -> None:
    """Open a file of the logging configuration anew, before the old one goes. Raises OSError."""
    handler.acquire()
    try:
        stale = handler.stream
        # None until the first record of a handler made with delay=True: then there is nothing to reopen.
        if stale is None:
            return
        if type(handler)._open is logging.FileHandler._open:
            fresh: TextIO = open(  # noqa: SIM115
                handler.baseFilename, handler.mode, encoding=handler.encoding, errors=handler.errors, opener=open_log
            )  # type: ignore[assignment]
            give_away(fresh.fileno(), owner)
        else:
            fresh = handler._open()
        handler.stream = fresh  # type: ignore[assignment]
        stale.close()
    finally:
        handler.release()


def give_away(fd: int, owner: tuple[int, int] | None) -> None:
    """A master that runs as root makes the file; the workers, as `user`, must be able to reopen it."""
    if owner is None or owner == (0, 0) or os.geteuid() != 0:
        return
    user, group = owner
    facts = os.fstat(fd)
    # Nothing but a file, and none that has another name as well: who knows whose that is.
    if not stat.S_ISREG(facts.st_mode) or facts.st_nlink != 1:
        return
    # One that is the user's own keeps the group that somebody gave it.
    if facts.st_uid != user or (user == 0 and facts.st_gid != group):
        os.fchown(fd, user, group)
