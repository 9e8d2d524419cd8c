"""What is printed by way of Python's own streams, as objects of a log that is JSON (`capture_output`).

What programs and C code write to the descriptors goes into the file as it is.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable

from .handlers import LineHandler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["Captured", "capture"]


class Captured:
    """A text stream in the place of `stream`. While the log is text, or somebody else's, it is that stream."""

    def __init__(self, stream: TextIO, name: str, log: logging.Logger) -> None:
        self._stream = stream
        self._name = name
        self._log = log

    def write(self, text: str) -> int:
        for handler in self._log.handlers:
            if isinstance(handler, LineHandler) and hasattr(handler.formatter, "printed"):
                handler.write_printed(text, self._name)
                return len(text)
        return self._stream.write(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


def capture(log: logging.Logger) -> None:
    """Have what is printed go to the handlers of `log`."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if not isinstance(stream, Captured):
            setattr(sys, name, Captured(stream, name, log))
