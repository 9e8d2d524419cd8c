"""`wsgi.errors` (PEP 3333, "Input and Error Streams")."""

from __future__ import annotations

import contextlib
import io
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, BinaryIO


class ErrorStream(io.TextIOBase):
    """`wsgi.errors`: a text stream into the error log's files (PEP 3333, "Input and Error Streams").

    It is everybody's: `close()` does nothing.
    """

    mode = "w"
    name = "<wsgi.errors>"

    def __init__(self, log: object) -> None:
        self._log = log

    def _places(self) -> list[Any]:
        """What is written to: handlers of ours, which have the descriptor of a log file, and streams."""
        places = []
        for handler in getattr(getattr(self._log, "error_log", None), "handlers", ()):
            if hasattr(handler, "write_printed"):
                places.append(handler)
            elif getattr(handler, "stream", None) is not None:
                places.append(handler.stream)
        return places or [sys.stderr]

    def write(self, data: str) -> int:
        """Write text; how many characters."""
        if not isinstance(data, str):
            raise TypeError(f"{data!r:.80} is not str")
        for place in self._places():
            if hasattr(place, "write_printed"):
                place.write_printed(data, self.name.strip("<>"))
            else:
                # A log that cannot be written is no error of the application's.
                with contextlib.suppress(OSError):
                    place.write(data)
                    place.flush()
        return len(data)

    def writelines(self, lines: Iterable[Any]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Everything is written at once; there is nothing to do."""

    def close(self) -> None:
        """Nothing: the next request writes here, too."""

    def writable(self) -> bool:
        """It is."""
        return True

    # What is asked of a text stream is asked of the first place.

    def fileno(self) -> int:
        """The descriptor behind it. Raises `io.UnsupportedOperation` when there is none."""
        try:
            fd = int(self._places()[0].fileno())
        except (AttributeError, ValueError):
            fd = -1
        if fd < 0:
            raise io.UnsupportedOperation("fileno")
        return fd

    def isatty(self) -> bool:
        """Whether a terminal shows it."""
        try:
            return os.isatty(self.fileno())
        except OSError:
            return False

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """How characters become octets."""
        return getattr(self._places()[0], "encoding", None) or "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        """What becomes of characters that the encoding does not have."""
        return getattr(self._places()[0], "errors", None) or "backslashreplace"

    @property
    def buffer(self) -> BinaryIO:
        """The binary stream beneath. Raises AttributeError where there is none, as of a log file."""
        place = self._places()[0]
        if hasattr(place, "write_printed") and place.path is None:
            place = place.stream
        buffer: BinaryIO = place.buffer
        return buffer
