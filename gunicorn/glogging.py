"""The error log and the access log.

Both are ordinary ``logging`` loggers, "gunicorn.error" and "gunicorn.access", so that logging.config,
handlers of third parties and pytest's caplog work on them. What is ours: handlers that write a line in one
system call, and an access line that is put together by a list of getters made once from the format.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from datetime import timedelta

from gunicorn import accesslog, unpatched
from gunicorn.accesslog import SafeAtoms
from gunicorn.errors import OwnSignal
from gunicorn.logfile import MODE, open_log
from gunicorn.standard import standard_first

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TextIO

__all__ = ["CONFIG_DEFAULTS", "SYSLOG_FACILITIES", "Logger", "SafeAtoms", "loggers", "parse_syslog_address"]

SYSLOG_FACILITIES = {
    "kern": 0,
    "user": 1,
    "mail": 2,
    "daemon": 3,
    "auth": 4,
    "security": 4,
    "syslog": 5,
    "lpr": 6,
    "news": 7,
    "uucp": 8,
    "cron": 9,
    "authpriv": 10,
    "ftp": 11,
    **{f"local{number}": 16 + number for number in range(8)},
}

LEVEL_NAMES = ("debug", "info", "warning", "error", "critical")
LINE_FORMAT = "%(asctime)s [%(process)d] [%(levelname)s] %(message)s"
TIME_FORMAT = "[%Y-%m-%d %H:%M:%S %z]"

_NO_IMPORTS = nullcontext()
COMPLAIN_EVERY = 10.0
"""Seconds between two complaints of a log that cannot be written."""


def _base_config() -> dict[str, Any]:
    """What logconfig_dict and logconfig_json are laid over: both logs to the standard streams."""

    def log(name: str, handler: str) -> dict[str, Any]:
        return {"qualname": name, "propagate": True, "handlers": [handler], "level": "INFO"}

    def stream(name: str) -> dict[str, Any]:
        return {"formatter": "generic", "class": "logging.StreamHandler", "stream": f"ext://sys.{name}"}

    generic = {"class": "logging.Formatter", "datefmt": TIME_FORMAT, "format": LINE_FORMAT}
    targets = {"gunicorn.access": "console", "gunicorn.error": "error_console"}
    return {
        "disable_existing_loggers": False,
        "formatters": {"generic": generic},
        "handlers": {"console": stream("stdout"), "error_console": stream("stderr")},
        "loggers": {name: log(name, handler) for name, handler in targets.items()},
        "root": {"handlers": ["console"], "level": "INFO"},
        "version": 1,
    }


CONFIG_DEFAULTS = _base_config()


def reopen(log: Any) -> None:
    """Have a logger object open its files anew, at USR1; where one of the user's raises, that is one line."""
    try:
        log.reopen_files()
    except OwnSignal:
        raise
    except BaseException as error:  # noqa: BLE001 (the boundary around a logger of the user's)
        log.error("The log files were not reopened: %s", error or type(error).__name__)


def loggers() -> list[logging.Logger]:
    """Every logger that exists, the root first."""
    names = list(logging.root.manager.loggerDict)
    return [logging.root, *(logging.getLogger(name) for name in names)]


class LineHandler(logging.StreamHandler["TextIO"]):
    """Writes each record as one line with one write().

    One write to a file opened for appending is not interleaved with those of other processes. A pipe that
    another program made non-blocking is waited for, where ``logging`` would print a traceback and lose the
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
        super().__init__(stream if path is None else sys.stderr)
        if path is not None:
            self.reopen()

    def reopen(self) -> None:
        """Open the file anew, after somebody moved it away. Raises OSError."""
        if self.path is None:
            return
        fresh = open_log(self.path, mode=MODE & ~self.umask)
        try:
            _give_away(fresh, self.owner)
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
            self.write_line(text)
        except (OSError, ValueError, TypeError):
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:
        error = sys.exception()
        if not isinstance(error, OSError):
            super().handleError(record)
        elif self.may_complain():
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
        """Write ``text`` and a newline. Raises OSError."""
        self.write_text(text + "\n")

    def write_text(self, text: str) -> None:
        """Write ``text`` as it is. Raises OSError."""
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

    def flush(self) -> None:
        if self._own_fd < 0 and self.fileno() < 0:
            super().flush()

    def close(self) -> None:
        if self._own_fd >= 0:
            os.close(self._own_fd)
            self._own_fd = -1
        super().close()


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


class Logger:
    """Both logs. ``logger_class`` may name a subclass; whatever it overrides is used."""

    LOG_LEVELS: dict[str, int] = {name: getattr(logging, name.upper()) for name in LEVEL_NAMES}
    loglevel = logging.INFO
    error_fmt, datefmt = LINE_FORMAT, TIME_FORMAT
    access_fmt, syslog_fmt = "%(message)s", "[%(process)d] %(message)s"
    atoms_wrapper_class = SafeAtoms

    def __init__(self, cfg: Any) -> None:
        self.error_log = logging.getLogger("gunicorn.error")
        self.error_log.propagate = False
        self.access_log = logging.getLogger("gunicorn.access")
        self.access_log.propagate = False
        self.logfile: Any = None
        self.lock = threading.Lock()
        self.cfg = cfg
        self._line = accesslog.compile_format("", self)
        self._is_plain = True
        self._direct: LineHandler | None = None
        self._second = -1
        self._now = ""
        self.setup(cfg)

    # -- configuration

    @standard_first()
    def setup(self, cfg: Any) -> None:
        """Configure both logs; called again at a reload. Raises RuntimeError on a wrong logging
        configuration."""
        self.cfg = cfg
        self.loglevel = self.LOG_LEVELS.get(str(cfg.loglevel).lower(), logging.INFO)
        self.error_log.setLevel(self.loglevel)
        self.access_log.setLevel(logging.INFO)
        if cfg.capture_output and cfg.errorlog != "-":
            self._capture_output(cfg.errorlog)
        self._set_handler(self.error_log, cfg.errorlog, logging.Formatter(self.error_fmt, self.datefmt))
        if cfg.accesslog is not None:
            self._set_handler(
                self.access_log, cfg.accesslog, logging.Formatter(self.access_fmt), stream=sys.stdout
            )
        else:
            self._drop_own_handlers(self.access_log)
        if cfg.syslog:
            self._set_syslog_handler(self.error_log, cfg, self.syslog_fmt, "error")
            if not cfg.disable_redirect_access_to_syslog:
                self._set_syslog_handler(self.access_log, cfg, self.syslog_fmt, "access")
        self._apply_logging_config(cfg)
        self._prepare_access(cfg)

    def _capture_output(self, path: str) -> None:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        try:
            fd = open_log(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC)
        except OSError as error:
            raise RuntimeError(_cannot_open(self.cfg, "errorlog", error)) from error
        before, self.logfile = self.logfile, os.fdopen(fd, "a+")
        if before is not None:
            before.close()
        for fd in (1, 2):
            os.dup2(self.logfile.fileno(), fd)

    def _apply_logging_config(self, cfg: Any) -> None:
        """The first of logconfig_dict, logconfig_json and logconfig that is set."""
        if cfg.logconfig_dict:
            _dict_config(cfg.logconfig_dict, "logconfig_dict")
        elif cfg.logconfig_json:
            _dict_config(_read_json(cfg.logconfig_json), "logconfig_json")
        elif cfg.logconfig:
            _file_config(cfg.logconfig)

    def _prepare_access(self, cfg: Any) -> None:
        """Choose the cheapest way that still calls everything somebody replaced."""
        if type(self).access is Logger.access:
            self._check_format(cfg)
        self._line = accesslog.compile_format(cfg.access_log_format, self)
        # Whether `format % atoms` cannot fail: all fields take any text.
        self._is_plain = "%" not in re.sub(r"%\([^)]*\)s|%%", "", cfg.access_log_format)
        own = self._get_gunicorn_handler(self.access_log)
        changed = (
            type(self).atoms is not Logger.atoms
            or type(self).access_fmt != Logger.access_fmt
            or type(self).atoms_wrapper_class is not Logger.atoms_wrapper_class
        )
        plain = type(own) is LineHandler and not own.filters and not changed
        self._direct = own if plain and isinstance(own, LineHandler) else None

    def _check_format(self, cfg: Any) -> None:
        """Raise RuntimeError when the format of the access log cannot be used. That of a class with an ``access`` of
        its own may be written in a language of its own."""
        problem = accesslog.what_is_wrong(cfg.access_log_format)
        if problem:
            from gunicorn.config.checks import complaint

            raise RuntimeError(complaint(cfg, "access_log_format", problem))

    @property
    def access_log_enabled(self) -> bool:
        """True when an access line would go anywhere."""
        cfg = self.cfg
        return bool(
            cfg.accesslog
            or cfg.logconfig
            or cfg.logconfig_dict
            or cfg.logconfig_json
            or (cfg.syslog and not cfg.disable_redirect_access_to_syslog)
        )

    # -- the error log

    def critical(self, msg: object, *args: object, **kwargs: Any) -> None:
        self.error_log.critical(msg, *args, **kwargs)

    def error(self, msg: object, *args: object, **kwargs: Any) -> None:
        self.error_log.error(msg, *args, **kwargs)

    def warning(self, msg: object, *args: object, **kwargs: Any) -> None:
        self.error_log.warning(msg, *args, **kwargs)

    def info(self, msg: object, *args: object, **kwargs: Any) -> None:
        self.error_log.info(msg, *args, **kwargs)

    def debug(self, msg: object, *args: object, **kwargs: Any) -> None:
        self.error_log.debug(msg, *args, **kwargs)

    def exception(self, msg: object, *args: object, **kwargs: Any) -> None:
        self.error_log.exception(msg, *args, **kwargs)

    def log(self, lvl: int | str, msg: object, *args: object, **kwargs: Any) -> None:
        if isinstance(lvl, str):
            lvl = self.LOG_LEVELS.get(lvl.lower(), logging.INFO)
        self.error_log.log(lvl, msg, *args, **kwargs)

    # -- the access log

    def atoms(
        self, resp: Any, req: Any, environ: Mapping[str, Any], request_time: timedelta
    ) -> dict[str, Any]:
        """Every atom of the access format with its value for this request."""
        return accesslog.all_atoms(self, resp, req, environ, request_time)

    def access(self, resp: Any, req: Any, environ: Mapping[str, Any], request_time: timedelta) -> None:
        """Write the access line of one finished request. ``request_time``: how long it took."""
        direct = self._direct
        if direct is not None and self._is_alone(direct):
            try:
                direct.write_line(self._line(resp, req, environ, request_time))
            except OSError as error:
                self._lines_are_lost(direct, error)
            except ValueError:
                # A stream that somebody has closed.
                self.error("Cannot write the access log", exc_info=True)
            return
        if not self.access_log_enabled:
            return
        # Handlers of others get the format and the atoms, not only the finished line: a JSON formatter reads
        # them from record.args.
        text = self.cfg.access_log_format
        try:
            atoms: Any = self.atoms_wrapper_class(self.atoms(resp, req, environ, request_time))
            if not self._is_plain and not _fits(text, atoms):
                text, atoms = "%(line)s", {"line": self._line(resp, req, environ, request_time)}
            self.access_log.info(text, atoms)
        except Exception:  # noqa: BLE001
            # Formatters, filters and handlers here are the user's; a log line must not end a request.
            self.error("Cannot write the access log", exc_info=True)

    def line_writer(self) -> Callable[[str], bool] | None:
        """For whoever makes access lines of the configured format itself: a function that writes them.

        It takes finished lines, each with its newline, and answers whether it may be called again: not when somebody
        has begun to listen to the access log meanwhile. None when lines must go through ``access``.
        """
        kind = type(self)
        direct = self._direct
        untouched = (
            kind.access is Logger.access and kind.now is Logger.now and kind._get_user is Logger._get_user
        )
        if direct is None or not untouched or not self._is_alone(direct):
            return None

        def write(lines: str) -> bool:
            try:
                direct.write_line(lines[:-1])
            except OSError as error:
                self._lines_are_lost(direct, error)
            except ValueError:
                self.error("Cannot write the access log", exc_info=True)
            return self._is_alone(direct)

        return write

    def _lines_are_lost(self, handler: LineHandler, error: OSError) -> None:
        if handler.may_complain():
            self.error("Cannot write the access log, its lines are lost: %s", error)

    def _is_alone(self, handler: LineHandler) -> bool:
        """Whether nobody else hears of access lines; hooks and applications may add listeners at any time."""
        log = self.access_log
        handlers = log.handlers
        return len(handlers) == 1 and handlers[0] is handler and not log.propagate and not log.filters

    def now(self) -> str:
        """The time as the access log writes it, such as [10/Oct/2000:13:55:36 +0000]."""
        second = int(time.time())
        if second != self._second:
            self._now = accesslog.clf_time(second)
            self._second = second
        return self._now

    def _get_user(self, environ: Mapping[str, Any]) -> str | None:
        return accesslog.basic_user(environ)

    # -- files

    def reopen_files(self) -> None:
        """USR1: every log file is opened anew under its name."""
        if self.cfg.capture_output and self.cfg.errorlog != "-":
            try:
                self._capture_output(self.cfg.errorlog)
            except RuntimeError as error:
                self.error("%s", error)
        for handler in _all_handlers():
            try:
                if isinstance(handler, LineHandler):
                    handler.reopen()
                elif isinstance(handler, logging.FileHandler):
                    _reopen_file_handler(handler, (self.cfg.uid, self.cfg.gid))
            except OSError as error:
                self.error("A log file was not reopened, the old one stays in use: %s", error)

    def close_on_exec(self) -> None:
        """Have no log file leak into programs that the application starts."""
        for handler in _all_handlers():
            stream = getattr(handler, "stream", None)
            if isinstance(handler, logging.FileHandler) and stream is not None:
                os.set_inheritable(stream.fileno(), False)

    # -- handlers

    def _get_gunicorn_handler(self, log: logging.Logger) -> logging.Handler | None:
        """The handler that this class gave to ``log``."""
        return next((handler for handler in log.handlers if getattr(handler, "_gunicorn", False)), None)

    def _drop_own_handlers(self, log: logging.Logger) -> None:
        for handler in [handler for handler in log.handlers if getattr(handler, "_gunicorn", False)]:
            log.removeHandler(handler)
            handler.close()

    def _set_handler(
        self, log: logging.Logger, output: str | None, fmt: logging.Formatter, stream: TextIO | None = None
    ) -> None:
        """Replace our handler of ``log`` by one that writes to ``output`` ("-": ``stream``, or stderr)."""
        handler: LineHandler | None = None
        if output is not None:
            path = None if output == "-" else output
            try:
                handler = LineHandler(path, stream or sys.stderr, (self.cfg.uid, self.cfg.gid), self.cfg.umask)
            except OSError as error:
                name = "accesslog" if log is self.access_log else "errorlog"
                raise RuntimeError(_cannot_open(self.cfg, name, error)) from error
            handler.setFormatter(fmt)
        self._drop_own_handlers(log)
        if handler is not None:
            log.addHandler(handler)

    def _set_syslog_handler(self, log: logging.Logger, cfg: Any, fmt: str, name: str) -> None:
        with standard_first():
            from gunicorn.syslog import SyslogHandler

        prefix = cfg.syslog_prefix or cfg.proc_name.replace(":", ".")
        address = parse_syslog_address(cfg.syslog_addr)
        try:
            facility = SYSLOG_FACILITIES[cfg.syslog_facility.lower()]
        except KeyError:
            raise RuntimeError(
                f"syslog_facility {cfg.syslog_facility!r} is unknown: expected one of {', '.join(SYSLOG_FACILITIES)}"
            ) from None
        handler = SyslogHandler(address[1], facility, address[0], cfg.syslog_addr)
        handler.setFormatter(logging.Formatter(f"gunicorn.{prefix}.{name} {fmt}"))
        log.addHandler(handler)


def _fits(text: str, atoms: Any) -> bool:
    """Whether the format finds a number wherever it wants one."""
    try:
        text % atoms
    except (KeyError, TypeError, ValueError):
        return False
    return True


def _cannot_open(cfg: Any, name: str, error: OSError) -> str:
    from gunicorn.config.checks import complaint

    return complaint(cfg, name, f"Cannot open a log file: {error.strerror or error}")


def _all_handlers() -> Iterator[logging.Handler]:
    seen: set[int] = set()
    for log in loggers():
        for handler in log.handlers:
            if id(handler) not in seen:
                seen.add(id(handler))
                yield handler


def _reopen_file_handler(handler: logging.FileHandler, owner: tuple[int, int]) -> None:
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
            _give_away(fresh.fileno(), owner)
        else:
            fresh = handler._open()
        handler.stream = fresh  # type: ignore[assignment]
        stale.close()
    finally:
        handler.release()


def _give_away(fd: int, owner: tuple[int, int] | None) -> None:
    """A master that runs as root makes the file; the workers, as ``user``, must be able to reopen it."""
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


def parse_syslog_address(addr: str) -> tuple[int | None, Any]:
    """(socket type, address) of ``unix://PATH[#dgram|#stream]``, ``udp://HOST:PORT`` or ``tcp://HOST:PORT``.

    The socket type None means: whichever the path accepts. Raises RuntimeError.
    """
    import socket

    scheme, found, rest = addr.partition("://")
    types = {"udp": socket.SOCK_DGRAM, "tcp": socket.SOCK_STREAM}
    if found and scheme == "unix":
        path, _, kind = rest.partition("#")
        by_name = {"": None, "dgram": socket.SOCK_DGRAM, "stream": socket.SOCK_STREAM}
        if kind in by_name:
            return by_name[kind], path
    elif found and scheme in types:
        host, port = _host_and_port(rest, addr)
        return types[scheme], (host, port)
    raise RuntimeError(
        f"invalid syslog address {addr!r}: expected unix://PATH, unix://PATH#dgram, unix://PATH#stream, "
        "udp://HOST:PORT or tcp://HOST:PORT"
    )


def _host_and_port(text: str, addr: str) -> tuple[str, int]:
    text = text.rstrip("/")
    if text.startswith("[") and "]" in text:
        host, _, tail = text[1:].partition("]")
        port = tail.removeprefix(":")
    else:
        host, _, port = text.partition(":")
    if port and not port.isdigit():
        raise RuntimeError(f"invalid port in the syslog address {addr!r}: {port!r} is not a number")
    return host.lower() or "localhost", int(port or 514)


def _read_json(path: str) -> Any:
    with standard_first():
        import json

    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        raise RuntimeError(f"cannot read the logging configuration {path!r}: {error}") from error


def _dict_config(config: Any, setting: str) -> None:
    with standard_first():
        import logging.config

    if not isinstance(config, dict):
        raise RuntimeError(f"{setting}: expected a mapping, got {type(config).__name__}")
    try:
        logging.config.dictConfig({**CONFIG_DEFAULTS, **config})
    except Exception as error:
        raise RuntimeError(f"{setting}: {_with_cause(error)}") from error


def _file_config(path: str) -> None:
    with standard_first():
        import logging.config

    if not os.path.isfile(path):
        raise RuntimeError(f"logconfig: {path!r} is not a file")
    defaults = {"__file__": path, "here": os.path.dirname(path)}
    try:
        logging.config.fileConfig(path, defaults=defaults, disable_existing_loggers=False)
    except Exception as error:
        raise RuntimeError(f"logconfig: {path}: {_with_cause(error)}") from error


def _with_cause(error: BaseException) -> str:
    """One line; the text of a KeyError alone would be a bare word."""
    text = f"{type(error).__name__}: {error}" if isinstance(error, KeyError) else str(error)
    return " ".join((f"{text} ({error.__cause__})" if error.__cause__ else text).split())
