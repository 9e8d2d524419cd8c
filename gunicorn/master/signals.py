"""How signals and workers wake the master: a pipe, and a sleep that ends when something is in it.

Signal handlers do nothing: the interpreter itself writes the signal's number into the pipe (set_wakeup_fd), and
the loop reads it from there. A worker that has something to tell writes a byte that is no signal.
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Iterable
from types import FrameType

from gunicorn.unix import unpatched
from gunicorn.unix.interest import READ, Interest

__all__ = ["POKE", "listen", "open_pipe", "poke", "wait"]

POKE = 0
"""Byte that a worker writes into the master's pipe; no signal has this number."""


def open_pipe() -> list[int]:
    """The two ends of a pipe, reader and writer, of which neither makes anybody wait."""
    ends = list(os.pipe())
    for fd in ends:
        os.set_blocking(fd, False)
    return ends


def listen(writer: int, numbers: Iterable[int]) -> None:
    """Have each of these signals written to the descriptor `writer`."""
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in numbers:
        unpatched.set_handler(number, _noted)


def poke(writer: int) -> None:
    """End the present sleep of the loop. Raises OSError, though not for a pipe that is full."""
    try:
        unpatched.write(writer, bytes([POKE]))
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EINTR):
            raise


def wait(reader: int, interest: Interest, timeout: float | None) -> tuple[bytes, list[tuple[int, int]]]:
    """Sleep on `interest`, `reader` included, for `timeout` seconds at the most (None: no limit).

    What has come through the pipe, and which descriptors have ended the sleep, with the reasons.
    """
    interest.watch(reader, READ)
    events = interest.wait(timeout)
    came = any(fd == reader for fd, _ in events)
    return unpatched.read(reader, 4096) if came else b"", events


def _noted(sig: int, frame: FrameType | None) -> None:
    """The handler of every signal: the interpreter has written its number into the pipe already."""
