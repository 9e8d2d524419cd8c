"""A terminal as this program has it for a while, and gives back as it was, however it ends (but by KILL)."""

from __future__ import annotations

import os
import select
import signal
import termios

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType
    from typing import Self

    from .text import Line

__all__ = ["Ended", "Terminal", "painted"]

# The other screen, no cursor, no lines that go on in the next one; and all of it back.
_ENTER = b"\x1b[?1049h\x1b[?25l\x1b[?7l"
_LEAVE = b"\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"
# A line is emptied before it is written: behind a full one the cursor still stands at its last column.
_HOME, _EMPTY_LINE = "\x1b[H", "\x1b[0m\x1b[K"

_WITHOUT_COLOUR = {"bold": "1", "bar": "7", "chosen": "7", "bad": "1", "warn": "1"}
_WITH_COLOUR = {**_WITHOUT_COLOUR, "dim": "2", "good": "1;32", "warn": "33", "bad": "1;31"}

_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
_SIGNALS = (*_ENDING, signal.SIGWINCH, signal.SIGTSTP, signal.SIGCONT)

_PIECE = 256
"""A terminal that has room at all takes so many octets without making us wait."""

GIVE_UP_SECONDS = 1.0
"""A terminal that takes nothing for so long is not told that we go."""


class Ended(Exception):
    """A signal has ended the program."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def painted(lines: Iterable[Line], colour: bool) -> str:
    """Lines as a terminal takes them, one for each that it has."""
    codes = _WITH_COLOUR if colour else _WITHOUT_COLOUR
    rows = ["".join(_span(codes.get(style), text) for style, text in line) for line in lines]
    return _HOME + "\r\n".join(_EMPTY_LINE + row for row in rows)


def _span(code: str | None, text: str) -> str:
    return text if code is None else f"\x1b[{code}m{text}\x1b[0m"


class Terminal:
    """While it is entered (`with`), the screen is ours and keys come one by one.

    Signals do nothing but make `wake_fd` readable; `woken` does what they are for. So none comes in between, and none
    has to wait for a terminal that takes nothing. `read` and `write` are descriptors of the same terminal.
    """

    def __init__(self, read: int, write: int, colour: bool) -> None:
        self.fd, self._out, self._colour = read, write, colour
        self._before = termios.tcgetattr(read)
        self._drawn = ""
        self._handlers: list[tuple[int, object]] = []
        self.wake_fd, self._wake = os.pipe()
        os.set_blocking(self.wake_fd, False)
        os.set_blocking(self._wake, False)

    def __enter__(self) -> Self:
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        for number in _SIGNALS:
            self._handlers.append((number, signal.signal(number, _noticed)))
        self._take()
        return self

    def __exit__(self, *exc: object) -> None:
        self._give_back()
        signal.set_wakeup_fd(-1)
        for number, handler in self._handlers:
            signal.signal(number, handler)  # type: ignore[arg-type]
        os.close(self.wake_fd)
        os.close(self._wake)

    def size(self) -> tuple[int, int]:
        """Columns and rows of now."""
        try:
            columns, rows = os.get_terminal_size(self._out)
        except OSError:
            columns = rows = 0
        return columns or 80, rows or 24

    def draw(self, lines: Iterable[Line]) -> None:
        """Have these on the screen; what is there already is not sent again. Signals go first."""
        text = painted(lines, self._colour)
        if text != self._drawn:
            is_sent = self._send(text.encode("utf-8", "backslashreplace"), [self.wake_fd], None)
            self._drawn = text if is_sent else ""

    def keys(self) -> bytes:
        """What was typed; empty: nobody will type any more."""
        try:
            return os.read(self.fd, 256)
        except OSError:
            return b""

    def woken(self) -> None:
        """Signals have come: do what they want, after which all is to be drawn again. Raises Ended."""
        numbers = os.read(self.wake_fd, 256)
        self._drawn = ""
        for number in _ENDING:
            if number in numbers:
                raise Ended(number)
        if signal.SIGTSTP in numbers:
            self._give_back()
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)
            # We stand still in here, until somebody lets us go on.
            os.kill(os.getpid(), signal.SIGTSTP)
            signal.signal(signal.SIGTSTP, _noticed)
        if signal.SIGTSTP in numbers or signal.SIGCONT in numbers:
            self._take()

    def _take(self) -> None:
        changed = termios.tcgetattr(self.fd)
        # Neither lines nor an echo, and no key that stops the output, which would hold us up.
        changed[3] &= ~(termios.ICANON | termios.ECHO)
        changed[0] &= ~(termios.IXON | termios.ICRNL)
        changed[6][termios.VMIN], changed[6][termios.VTIME] = 1, 0
        termios.tcsetattr(self.fd, termios.TCSANOW, changed)
        self._send(_ENTER, [self.wake_fd], GIVE_UP_SECONDS)

    def _give_back(self) -> None:
        try:
            termios.tcsetattr(self.fd, termios.TCSANOW, self._before)
            self._send(_LEAVE, [], GIVE_UP_SECONDS)
        except (OSError, termios.error):
            # The terminal is gone.
            return

    def _send(self, data: bytes, unless: list[int], seconds: float | None) -> bool:
        """Write all of it; not, when the terminal takes nothing for so long, or until one of `unless` is readable."""
        left = memoryview(data)
        while left:
            _, has_room, _ = select.select(unless, [self._out], [], seconds)
            if not has_room:
                return False
            left = left[os.write(self._out, left[:_PIECE]) :]
        return True


def _noticed(number: int, frame: FrameType | None) -> None:
    """The wake-up descriptor has got it."""
