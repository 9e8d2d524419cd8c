"""systemd's two small protocols: sockets handed over (sd_listen_fds(3)) and state told back
(sd_notify(3)).

As a program it is the `ExecReload=` that knows how the reload went: `python -m gunicorn.systemd reload $MAINPID`
sends SIGHUP, waits until the new workers serve, and exits with 1 when the old ones had to stay.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gunicorn._types import Log

__all__ = [
    "SD_LISTEN_FDS_START", "Watchdog", "is_journal", "listen_fds", "main", "reloading_state", "report_reload",
    "sd_notify",
]

SD_LISTEN_FDS_START = 3

PATIENCE = 90.0
"""Seconds that the program waits for the end of a reload."""


def listen_fds(unset_environment: bool = True) -> int:
    """Number of sockets handed over, on descriptors from SD_LISTEN_FDS_START on; 0 when they are not for us.

    The variables name the PID they are meant for, since a child inherits the environment too.
    """
    try:
        count = int(os.environ.get("LISTEN_FDS", 0))
        meant_for = int(os.environ.get("LISTEN_PID", 0))
    except ValueError:
        return 0
    if meant_for != os.getpid():
        return 0
    if unset_environment:
        for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"):
            os.environ.pop(name, None)
    return max(count, 0)


def sd_notify(state: str, logger: Log, unset_environment: bool = False) -> None:
    """Send `state` (lines of NAME=VALUE) to the service manager; quietly nothing when there is none."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if unset_environment:
        del os.environ["NOTIFY_SOCKET"]
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            # A manager that does not read must not stop the server.
            sock.setblocking(False)
            sock.connect(address)
            sock.sendall(state.encode())
    except OSError as error:
        logger.debug("Cannot tell systemd %r: %s", state, error)


def is_journal(fd: int) -> bool:
    """Whether the journal reads what is written to a descriptor: `JOURNAL_STREAM` names its device and inode. Who has
    inherited the variable and writes elsewhere is told apart by that, see systemd.exec(5)."""
    told = os.environ.get("JOURNAL_STREAM")
    if not told or fd < 0:
        return False
    try:
        facts = os.fstat(fd)
    except OSError:
        return False
    return told == f"{facts.st_dev}:{facts.st_ino}"


def reloading_state() -> str:
    """The message that opens a reload; Type=notify-reload wants the monotonic clock with it."""
    return f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}"


class Watchdog:
    """The sign of life that systemd wants at least every `WatchdogSec=`; `due` is the moment of the next one, None
    when none is wanted."""

    def __init__(self) -> None:
        self.due: float | None = None
        self._every = 0.0
        try:
            microseconds = int(os.environ.get("WATCHDOG_USEC", 0))
        except ValueError:
            return
        if microseconds > 0 and os.environ.get("WATCHDOG_PID", str(os.getpid())) in (str(os.getpid()), ""):
            # Half of the limit, as sd_watchdog_enabled(3) recommends.
            self._every = microseconds / 2e6
            self.due = 0.0

    def beat(self, now: float, healthy: bool, logger: Log) -> None:
        """Give the sign if it is due, unless something is wrong."""
        if self.due is None or now < self.due:
            return
        self.due = now + self._every
        if healthy:
            sd_notify("WATCHDOG=1", logger)


# How a reload went, told to whoever waits for it.


def _ear(pid: int) -> str:
    """The name in Linux' abstract namespace at which the end of a reload of master `pid` is waited for."""
    return f"\0gunicorn.reload.{pid}"


def report_reload(problem: str | None, logger: Log) -> None:
    """In the master: a reload is over; `problem` is why the old workers stay."""
    if not sys.platform.startswith("linux"):
        return
    text = "ok" if problem is None else f"failed: {problem}"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.setblocking(False)
            sock.sendto(text.encode("utf-8", "replace")[:4096], _ear(os.getpid()))
    except OSError as error:
        logger.debug("Nobody waits for the end of the reload: %s", error)


def _reload(pid: int, patience: float) -> str | None:
    """Reload the master `pid`; why it failed, None when it did not."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as ear:
        try:
            ear.bind(_ear(pid))
        except OSError as error:
            return f"another reload is waited for ({error.strerror})"
        ear.settimeout(patience)
        try:
            os.kill(pid, signal.SIGHUP)
            answer = ear.recv(4096).decode("utf-8", "replace")
        except ProcessLookupError:
            return f"there is no process {pid}"
        except PermissionError:
            return f"process {pid} belongs to somebody else"
        except TimeoutError:
            return f"no answer in {patience:g} seconds"
    return None if answer == "ok" else answer.removeprefix("failed: ")


def main(arguments: Sequence[str]) -> int:
    """`reload PID [SECONDS]`; the exit status: 0, or 1 when the old workers stay, or 2 for a wrong call."""
    words = list(arguments)
    if not 2 <= len(words) <= 3 or words[0] != "reload" or not words[1].isdecimal():
        print("usage: python -m gunicorn.systemd reload PID [SECONDS]", file=sys.stderr)
        return 2
    problem = _reload(int(words[1]), float(words[2]) if len(words) == 3 else PATIENCE)
    if problem is None:
        return 0
    print(f"Reload failed: {problem}", file=sys.stderr)
    return 1
