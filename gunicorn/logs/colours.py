"""Levels of the error log in colour, for a person at a terminal."""

from __future__ import annotations

import logging
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import TextIO

__all__ = ["ColourFormatter", "are_wanted"]

# By the lowest level that has it: the parameters of SGR (ECMA-48).
_COLOURS = ((logging.CRITICAL, "1;31"), (logging.ERROR, "31"), (logging.WARNING, "33"), (logging.INFO, "32"))
_FAINT = "2"


def are_wanted(when: str, environ: Mapping[str, str], streams: Iterable[TextIO]) -> bool:
    """Whether what goes to `streams` is to be coloured, `when` being the setting `color`. What the variables of the
    command line's own customs say counts where that is `auto`."""
    if when != "auto":
        return when == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return environ.get("TERM") != "dumb" and all(map(_is_terminal, streams))


def _is_terminal(stream: TextIO) -> bool:
    try:
        return os.isatty(stream.fileno())
    except (AttributeError, OSError, ValueError):
        # Closed, or no file at all.
        return False


class ColourFormatter(logging.Formatter):
    """Has `inner` write the record, whose level bears a colour meanwhile."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self.inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """The line of `record`, which is as before afterwards: other handlers see it, too."""
        name = record.levelname
        colour = next((colour for least, colour in _COLOURS if record.levelno >= least), _FAINT)
        record.levelname = f"\x1b[{colour}m{name}\x1b[0m"
        try:
            return self.inner.format(record)
        finally:
            record.levelname = name
