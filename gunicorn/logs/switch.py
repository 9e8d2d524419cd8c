"""Another configuration of logging as a step that can be taken back.

`logging.config` closes what there is before it opens what shall be, and a file that cannot be opened then leaves a
server without logs. So everything that is in use is put aside first, where nobody closes it: it comes back when the new
configuration fails, now or later, and is closed when the new one stays.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys

from .handlers import loggers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["LogSwitch"]


class LogSwitch:
    """Logging as it was when this was made, for the logger object `log` of the server."""

    def __init__(self, log: Any) -> None:
        self._log = log
        self._attributes = dict(getattr(log, "__dict__", {}))
        self._states = [_LoggerState(each) for each in loggers() if isinstance(each, logging.Logger)]
        self._all = list(logging._handlerList)  # type: ignore[attr-defined]
        self._named = dict(logging._handlers.items())  # type: ignore[attr-defined]
        logging._handlerList.clear()  # type: ignore[attr-defined]
        logging._handlers.clear()  # type: ignore[attr-defined]
        for state in self._states:
            state.put_ours_aside()
        self._outputs: list[tuple[int, int]] = []
        self._logfile = getattr(log, "logfile", None)
        for fd in (1, 2):
            with contextlib.suppress(OSError):
                self._outputs.append((fd, os.dup(fd)))
        if self._logfile is not None:
            log.logfile = None

    def restore(self) -> None:
        """Back to how it was; what has been opened since is closed."""
        kept = self._handlers()
        fresh = [handler for key, handler in _attached().items() if key not in kept]
        self._blank_later_loggers()
        for state in self._states:
            state.restore()
        logfile = getattr(self._log, "logfile", None)
        if self._attributes:
            self._log.__dict__.clear()
            self._log.__dict__.update(self._attributes)
        self._bring_outputs_back()
        _close(fresh)
        if logfile is not None and logfile is not self._logfile:
            logfile.close()
        logging._handlerList[:] = self._all  # type: ignore[attr-defined]
        _set_named(self._named)

    def finish(self) -> None:
        """The new configuration stays: close what it has replaced."""
        used = _attached()
        named = {name: handler for name, handler in self._named.items() if id(handler) in used}
        named |= dict(logging._handlers.items())  # type: ignore[attr-defined]
        _close([handler for key, handler in self._handlers().items() if key not in used])
        _set_named(named)
        still = [reference for reference in self._all if id(reference()) in used]
        logging._handlerList[:0] = still  # type: ignore[attr-defined]
        for _, copy in self._outputs:
            os.close(copy)
        self._outputs = []
        if self._logfile is not None and self._logfile is not self._log.logfile:
            self._logfile.close()

    def _handlers(self) -> dict[int, logging.Handler]:
        """Those that were attached, by their `id`."""
        return {id(handler): handler for state in self._states for handler in state.handlers}

    def _blank_later_loggers(self) -> None:
        """A logger cannot be removed: one that has been made since is as if nobody had configured it."""
        known = {id(state.logger) for state in self._states}
        for each in loggers():
            if isinstance(each, logging.Logger) and id(each) not in known:
                each.handlers, each.propagate, each.filters = [], True, []
                each.setLevel(logging.NOTSET)

    def _bring_outputs_back(self) -> None:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(AttributeError, OSError, ValueError):
                stream.flush()
        for fd, copy in self._outputs:
            os.dup2(copy, fd)
            os.close(copy)
        self._outputs = []


class _LoggerState:
    """What is configured of a logger."""

    def __init__(self, logger: logging.Logger) -> None:
        self.logger = logger
        self.handlers = list(logger.handlers)
        self._level = logger.level
        self._propagate = logger.propagate
        self._disabled = logger.disabled
        self._filters = list(logger.filters)

    def put_ours_aside(self) -> None:
        """Take off the handlers that the server has made."""
        self.logger.handlers = [handler for handler in self.handlers if not getattr(handler, "_gunicorn", False)]

    def restore(self) -> None:
        """Have the logger as it was."""
        logger = self.logger
        logger.handlers, logger.filters = self.handlers, self._filters
        logger.propagate, logger.disabled = self._propagate, self._disabled
        logger.setLevel(self._level)


def _attached() -> dict[int, logging.Handler]:
    """The handlers that are attached to any logger now, by their `id`."""
    return {id(handler): handler for each in loggers() for handler in getattr(each, "handlers", ())}


def _close(handlers: list[logging.Handler]) -> None:
    for handler in handlers:
        # What a full disk did not take is lost either way.
        with contextlib.suppress(OSError, ValueError):
            handler.flush()
        with contextlib.suppress(OSError, ValueError):
            handler.close()


def _set_named(named: dict[str, object]) -> None:
    logging._handlers.clear()  # type: ignore[attr-defined]
    logging._handlers.update(named)  # type: ignore[attr-defined]
