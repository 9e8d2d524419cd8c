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
        self._states = [
            (each, each.level, list(each.handlers), each.propagate, each.disabled, list(each.filters))
            for each in loggers()
            if isinstance(each, logging.Logger)
        ]
        self._all = list(logging._handlerList)  # type: ignore[attr-defined]
        self._named = dict(logging._handlers.items())  # type: ignore[attr-defined]
        logging._handlerList.clear()  # type: ignore[attr-defined]
        logging._handlers.clear()  # type: ignore[attr-defined]
        for each, _, handlers, _, _, _ in self._states:
            each.handlers = [handler for handler in handlers if not getattr(handler, "_gunicorn", False)]
        self._outputs: list[tuple[int, int]] = []
        self._logfile = getattr(log, "logfile", None)
        for fd in (1, 2):
            with contextlib.suppress(OSError):
                self._outputs.append((fd, os.dup(fd)))
        if self._logfile is not None:
            log.logfile = None

    def restore(self) -> None:
        """Back to how it was; what has been opened since is closed."""
        kept = {id(handler) for state in self._states for handler in state[2]}
        fresh = [handler for handler in _attached() if id(handler) not in kept]
        known = {id(state[0]) for state in self._states}
        for each in loggers():
            if isinstance(each, logging.Logger) and id(each) not in known:
                each.handlers, each.propagate, each.filters = [], True, []
                each.setLevel(logging.NOTSET)
        for each, level, handlers, propagate, disabled, filters in self._states:
            each.handlers, each.propagate, each.disabled, each.filters = handlers, propagate, disabled, filters
            each.setLevel(level)
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
        ids = {id(handler) for handler in used}
        named = {name: handler for name, handler in self._named.items() if id(handler) in ids}
        named |= dict(logging._handlers.items())  # type: ignore[attr-defined]
        handlers = {id(handler): handler for state in self._states for handler in state[2]}
        _close([handler for handler in handlers.values() if id(handler) not in ids])
        _set_named(named)
        still = [reference for reference in self._all if id(reference()) in ids]
        logging._handlerList[:0] = still  # type: ignore[attr-defined]
        for _, copy in self._outputs:
            os.close(copy)
        self._outputs = []
        if self._logfile is not None and self._logfile is not self._log.logfile:
            self._logfile.close()

    def _bring_outputs_back(self) -> None:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(AttributeError, OSError, ValueError):
                stream.flush()
        for fd, copy in self._outputs:
            os.dup2(copy, fd)
            os.close(copy)
        self._outputs = []


def _attached() -> list[logging.Handler]:
    seen: dict[int, logging.Handler] = {}
    for each in loggers():
        for handler in getattr(each, "handlers", ()):
            seen[id(handler)] = handler
    return list(seen.values())


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
