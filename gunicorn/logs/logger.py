"""The error log and the access log.

Both are ordinary `logging` loggers, "gunicorn.error" and "gunicorn.access", so that logging.config,
handlers of third parties and pytest's caplog work on them. What is ours: handlers that write a line in one
system call, and an access line that is put together by a list of getters made once from the format.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Mapping
from datetime import timedelta

from gunicorn._standard import standard_first
from gunicorn.unix.files import open_log

from . import atoms
from .atoms import SafeAtoms
from .captured import capture
from .formatters import access_formatter, coloured, error_formatter
from .handlers import LineHandler, SplitHandler, all_handlers, reopen_file_handler
from .logging_config import LINE_FORMAT, TIME_FORMAT, dict_config, file_config, read_json
from .selection import Selection, selection_of
from .syslog_address import facility_of, parse_syslog_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO, Unpack

    from gunicorn._types import LogOptions
    from gunicorn.config.config import Config

__all__ = ["Logger"]

# As `json_lines` has it, which is not imported for a log that is text.
_FINISHED = "%(line)s"
LEVEL_NAMES = ("debug", "info", "warning", "error", "critical")


class Logger:
    """Both logs. `logger_class` may name a subclass; whatever it overrides is used."""

    LOG_LEVELS: dict[str, int] = {name: getattr(logging, name.upper()) for name in LEVEL_NAMES}
    loglevel = logging.INFO
    error_fmt, datefmt = LINE_FORMAT, TIME_FORMAT
    access_fmt, syslog_fmt = "%(message)s", "[%(process)d] %(message)s"
    atoms_wrapper_class = SafeAtoms

    # Of the class as well: an `__init__` of somebody else's may give the logs alone, and leave out this one.
    logfile: TextIO | None = None
    # Which requests have an access line; None where all of them have.
    selection: Selection | None = None
    _is_plain = True
    _is_json = False
    _direct: LineHandler | None = None
    _second = -1
    _now = ""

    def __init__(self, cfg: Config) -> None:
        self.error_log = logging.getLogger("gunicorn.error")
        self.error_log.propagate = False
        self.access_log = logging.getLogger("gunicorn.access")
        self.access_log.propagate = False
        self.lock = threading.Lock()
        self.cfg = cfg
        self.setup(cfg)

    # Configuration.

    @standard_first()
    def setup(self, cfg: Config) -> None:
        """Configure both logs; called again at a reload. Raises RuntimeError on a wrong logging
        configuration."""
        self.cfg = cfg
        self.loglevel = self.LOG_LEVELS.get(str(cfg.loglevel).lower(), logging.INFO)
        self.error_log.setLevel(self.loglevel)
        self.access_log.setLevel(logging.INFO)
        if cfg.capture_output and cfg.errorlog != "-":
            self._capture_output(cfg.errorlog)
        formatter = coloured(cfg, self._error_formatter(cfg), self.error_fmt is Logger.error_fmt)
        self._set_handler(self.error_log, cfg.errorlog, formatter)
        if cfg.accesslog is not None:
            self._set_handler(self.access_log, cfg.accesslog, self._access_formatter(cfg), stream=sys.stdout)
        else:
            self._drop_own_handlers(self.access_log)
        self._tell_journal(self._get_gunicorn_handler(self.error_log))
        if cfg.syslog:
            self._set_syslog_handler(self.error_log, cfg, self.syslog_fmt, "error")
            if not cfg.disable_redirect_access_to_syslog:
                self._set_syslog_handler(self.access_log, cfg, self.syslog_fmt, "access")
        self._apply_logging_config(cfg)
        self._prepare_access(cfg)

    def _error_formatter(self, cfg: Config, prefix: str = "") -> logging.Formatter:
        return error_formatter(cfg, self.error_fmt, self.datefmt, prefix)

    def _access_formatter(self, cfg: Config, prefix: str = "") -> logging.Formatter:
        return access_formatter(cfg, self.access_fmt, type(self).access is not Logger.access, prefix)

    def _tell_journal(self, handler: logging.Handler | None) -> None:
        """Have the lines of the error log tell systemd's journal how urgent they are, where that reads them."""
        if "JOURNAL_STREAM" not in os.environ:
            return
        from gunicorn.unix.systemd import is_journal

        for each in (handler, getattr(handler, "quiet", None)):
            if isinstance(each, LineHandler):
                each.journal = each.path is None and is_journal(each.fileno())

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
        if self.cfg.log_format == "json":
            capture(self.error_log)

    def _apply_logging_config(self, cfg: Config) -> None:
        """The first of logconfig_dict, logconfig_json and logconfig that is set."""
        if cfg.logconfig_dict:
            dict_config(cfg.logconfig_dict, "logconfig_dict")
        elif cfg.logconfig_json:
            dict_config(read_json(cfg.logconfig_json), "logconfig_json")
        elif cfg.logconfig:
            file_config(cfg.logconfig)

    def _prepare_access(self, cfg: Config) -> None:
        """Choose the cheapest way that still calls everything somebody replaced."""
        if type(self).access is Logger.access:
            self._check_format(cfg)
        self.selection = selection_of(cfg.access_log_skip, cfg.access_log_sample, cfg.access_log_slow)
        self._is_json = cfg.log_format == "json"
        if self._is_json:
            from .json_lines import access_line

            self._line: atoms.Line = access_line
        else:
            self._line = atoms.compile_format(cfg.access_log_format, self)
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

    def _check_format(self, cfg: Config) -> None:
        """Raise RuntimeError when the format of the access log cannot be used. That of a class with an `access` of
        its own may be written in a language of its own."""
        problem = atoms.what_is_wrong(cfg.access_log_format)
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

    # The error log.

    def critical(self, msg: object, *args: object, **kwargs: Unpack[LogOptions]) -> None:
        self.error_log.critical(msg, *args, **kwargs)

    def error(self, msg: object, *args: object, **kwargs: Unpack[LogOptions]) -> None:
        self.error_log.error(msg, *args, **kwargs)

    def warning(self, msg: object, *args: object, **kwargs: Unpack[LogOptions]) -> None:
        self.error_log.warning(msg, *args, **kwargs)

    def info(self, msg: object, *args: object, **kwargs: Unpack[LogOptions]) -> None:
        self.error_log.info(msg, *args, **kwargs)

    def debug(self, msg: object, *args: object, **kwargs: Unpack[LogOptions]) -> None:
        self.error_log.debug(msg, *args, **kwargs)

    def exception(self, msg: object, *args: object, **kwargs: Unpack[LogOptions]) -> None:
        self.error_log.exception(msg, *args, **kwargs)

    def log(self, lvl: int | str, msg: object, *args: object, **kwargs: Unpack[LogOptions]) -> None:
        if isinstance(lvl, str):
            lvl = self.LOG_LEVELS.get(lvl.lower(), logging.INFO)
        self.error_log.log(lvl, msg, *args, **kwargs)

    # The access log.

    def atoms(
        self, resp: object, req: object, environ: Mapping[str, object], request_time: timedelta
    ) -> dict[str, object]:
        """Every atom of the access format with its value for this request."""
        return atoms.all_atoms(self, resp, req, environ, request_time)

    def access(
        self, resp: object, req: object, environ: Mapping[str, object], request_time: timedelta
    ) -> None:
        """Write the access line of one finished request, if it is to have one. `request_time`: how long it took."""
        selection = self.selection
        if selection is not None and not selection.wants(resp, req, environ, request_time.total_seconds()):
            return
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
        if self.access_log_enabled:
            self._access_by_handlers(resp, req, environ, request_time)

    def _access_by_handlers(
        self, resp: object, req: object, environ: Mapping[str, object], request_time: timedelta
    ) -> None:
        """Handlers of others get the format and the atoms, not only the finished line: a JSON formatter reads them from
        record.args."""
        text = self.cfg.access_log_format
        try:
            atoms: Mapping[str, object] = self.atoms_wrapper_class(self.atoms(resp, req, environ, request_time))
            if self._is_json:
                text, atoms = _FINISHED, {**atoms, "line": self._line(resp, req, environ, request_time)}
            elif not self._is_plain and not _fits(text, atoms):
                text, atoms = _FINISHED, {"line": self._line(resp, req, environ, request_time)}
            self.access_log.info(text, atoms)
        except Exception:  # noqa: BLE001  # the boundary around a logger of the user's
            # As are formatters, filters and handlers here; a log line must not end a request.
            self.error("Cannot write the access log", exc_info=True)

    def line_writer(self) -> Callable[[str], bool] | None:
        """For whoever makes access lines of the configured format itself: a function that writes them.

        It takes finished lines, each with its newline, and answers whether it may be called again: not when somebody
        has begun to listen to the access log meanwhile. None when lines must go through `access`.
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
            self._now = atoms.clf_time(second)
            self._second = second
        return self._now

    def _get_user(self, environ: Mapping[str, object]) -> str | None:
        return atoms.basic_user(environ)

    # Files.

    def reopen_files(self) -> None:
        """USR1: every log file is opened anew under its name."""
        if self.cfg.capture_output and self.cfg.errorlog != "-":
            try:
                self._capture_output(self.cfg.errorlog)
            except RuntimeError as error:
                self.error("%s", error)
        for handler in all_handlers():
            try:
                if isinstance(handler, LineHandler):
                    handler.reopen()
                elif isinstance(handler, logging.FileHandler):
                    reopen_file_handler(handler, (self.cfg.uid, self.cfg.gid))
            except OSError as error:
                self.error("A log file was not reopened, the old one stays in use: %s", error)

    def close_on_exec(self) -> None:
        """Have no log file leak into programs that the application starts."""
        for handler in all_handlers():
            stream = getattr(handler, "stream", None)
            if isinstance(handler, logging.FileHandler) and stream is not None:
                os.set_inheritable(stream.fileno(), False)

    # Handlers.

    def _get_gunicorn_handler(self, log: logging.Logger) -> logging.Handler | None:
        """The handler that this class gave to `log`."""
        return next((handler for handler in log.handlers if getattr(handler, "_gunicorn", False)), None)

    def _drop_own_handlers(self, log: logging.Logger) -> None:
        for handler in [handler for handler in log.handlers if getattr(handler, "_gunicorn", False)]:
            log.removeHandler(handler)
            handler.close()

    def _set_handler(
        self, log: logging.Logger, output: str | None, fmt: logging.Formatter, stream: TextIO | None = None
    ) -> None:
        """Replace our handler of `log` by one that writes to `output` ("-": `stream`, or stderr)."""
        handler: LineHandler | None = None
        if output is not None:
            path = None if output == "-" else output
            try:
                if path is None and log is self.error_log and self.cfg.log_streams == "split":
                    handler = SplitHandler()
                else:
                    handler = LineHandler(path, stream or sys.stderr, (self.cfg.uid, self.cfg.gid), self.cfg.umask)
            except OSError as error:
                name = "accesslog" if log is self.access_log else "errorlog"
                raise RuntimeError(_cannot_open(self.cfg, name, error)) from error
            handler.setFormatter(fmt)
        self._drop_own_handlers(log)
        if handler is not None:
            log.addHandler(handler)

    def _set_syslog_handler(self, log: logging.Logger, cfg: Config, fmt: str, name: str) -> None:
        with standard_first():
            from .syslog import SyslogHandler

        prefix = cfg.syslog_prefix or cfg.proc_name.replace(":", ".")
        address = parse_syslog_address(cfg.syslog_addr)
        handler = SyslogHandler(address[1], facility_of(cfg.syslog_facility), address[0], cfg.syslog_addr)
        ident = f"gunicorn.{prefix}.{name} "
        if cfg.log_format != "json":
            handler.setFormatter(logging.Formatter(ident + fmt))
        elif log is self.error_log:
            handler.setFormatter(self._error_formatter(cfg, ident))
        else:
            handler.setFormatter(self._access_formatter(cfg, ident))
        log.addHandler(handler)


def _fits(text: str, atoms: Mapping[str, object]) -> bool:
    """Whether the format finds a number wherever it wants one."""
    try:
        text % atoms
    except (KeyError, TypeError, ValueError):
        return False
    return True


def _cannot_open(cfg: Config, name: str, error: OSError) -> str:
    from gunicorn.config.checks import complaint

    return complaint(cfg, name, f"Cannot open a log file: {error.strerror or error}")
