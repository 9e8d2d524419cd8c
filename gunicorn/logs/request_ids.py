"""The id of the request that runs, for whoever writes a line meanwhile.

It is kept in a context variable, of which a thread, a greenlet and a task each have their own. Whoever has a
configuration of logging of their own hangs `RequestIdFilter` on a handler and writes `%(request_id)s`.
"""

from __future__ import annotations

import logging
from contextvars import ContextVar

__all__ = ["RequestFormatter", "RequestIdFilter", "current_request_id", "running"]

running: ContextVar[str | None] = ContextVar("request_id", default=None)
current_request_id = running.get


class RequestIdFilter(logging.Filter):
    """Lets every record pass, with an attribute `request_id`: a dash where no request runs."""

    def filter(self, record: logging.LogRecord) -> bool:
        if not hasattr(record, "request_id"):
            record.request_id = current_request_id() or "-"
        return True


class RequestFormatter(logging.Formatter):
    """A text line, with the id of the request in brackets in front of the message."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        known = getattr(record, "request_id", None) or current_request_id()
        if known is None or known == "-":
            return super().formatMessage(record)
        plain = record.message
        record.message = f"[{known}] {plain}"
        try:
            return super().formatMessage(record)
        finally:
            # Other handlers may look at it.
            record.message = plain
