"""How a record of either log is written: as text, in colour where somebody looks, or as an object of JSON.

What few need (JSON, ids of requests, colours) is imported for those who do.
"""

from __future__ import annotations

import logging
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn.config.config import Config

__all__ = ["access_formatter", "coloured", "error_formatter"]


def error_formatter(cfg: Config, line: str, time: str, prefix: str = "") -> logging.Formatter:
    """For the error log; `line` and `time` are the formats of a text, `prefix` stands in front of an object."""
    if cfg.log_format == "json":
        from .json_lines import JSONFormatter

        return JSONFormatter(prefix)
    if not cfg.request_id_header:
        # Nobody looks for an id.
        return logging.Formatter(line, time)
    from .request_ids import RequestFormatter

    return RequestFormatter(line, time)


def access_formatter(cfg: Config, line: str, is_own: bool, prefix: str = "") -> logging.Formatter:
    """For the access log; `is_own`: its lines are made by a class with an `access` of its own, and stay as they are."""
    if cfg.log_format != "json" or is_own:
        return logging.Formatter(prefix + line)
    from .json_lines import JSONAccessFormatter

    return JSONAccessFormatter(prefix)


def coloured(cfg: Config, formatter: logging.Formatter, is_ours: bool) -> logging.Formatter:
    """`formatter`, with levels in colour where somebody looks at our own lines."""
    if not is_ours or cfg.errorlog != "-" or cfg.log_format != "text" or cfg.color == "never":
        return formatter
    if cfg.color == "auto" and not os.isatty(2) and "FORCE_COLOR" not in os.environ:
        # So it is with every service: nothing of this is imported there.
        return formatter
    from .colours import ColourFormatter, are_wanted

    streams = (sys.stderr, sys.stdout) if cfg.log_streams == "split" else (sys.stderr,)
    return ColourFormatter(formatter) if are_wanted(cfg.color, os.environ, streams) else formatter
