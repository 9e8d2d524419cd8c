"""The files of unix sockets: whose they are, whether somebody listens there, and when one may be removed."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import stat
import time
from collections.abc import Iterator

from . import unpatched

__all__ = ["alone_in", "check_kind", "is_alive", "mark_of", "remove_file", "remove_stale"]

LOCK_SECONDS = 5.0


@contextlib.contextmanager
def alone_in(folder: str) -> Iterator[None]:
    """Keep other masters from taking over a socket in `folder` meanwhile.

    The lock is on the folder itself, so that no file is left behind. Where there cannot be one (no right to read the
    folder, some network file systems), or somebody else holds one for long, things go on without.
    """
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        yield
        return
    try:
        give_up = time.monotonic() + LOCK_SECONDS
        while not _locked(fd) and time.monotonic() < give_up:
            time.sleep(0.01)
        yield
    finally:
        os.close(fd)


def _locked(fd: int) -> bool:
    """Whether to go on: with the lock, or because there is no such thing here."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EWOULDBLOCK, errno.EINTR)
    return True


def check_kind(path: str) -> None:
    """Raise ValueError for a file that is no socket, and FileNotFoundError where there is none."""
    if not stat.S_ISSOCK(os.stat(path).st_mode):
        raise ValueError(f"{path!r} is not a socket")


def remove_stale(path: str) -> None:
    """Make room for a new socket file. Raises ValueError for a file of another kind, and OSError (EADDRINUSE) for a
    socket that somebody listens on: both stay."""
    try:
        check_kind(path)
    except FileNotFoundError:
        return
    if is_alive(path):
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE), path)
    remove_file(path)


def is_alive(path: str) -> bool:
    """Whether somebody listens on a unix socket. Raises OSError when that cannot be found out (no permission)."""
    probe = unpatched.Socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # A listener whose backlog is full must not make us wait.
        probe.setblocking(False)
        probe.connect(path)
    except (ConnectionRefusedError, FileNotFoundError):
        return False
    except BlockingIOError:
        return True
    except OSError as error:
        # A socket of another type: not ours, and in use.
        if error.errno == errno.EPROTOTYPE:
            return True
        raise
    finally:
        probe.close()
    return True


def mark_of(path: str | None) -> tuple[int, int, int] | None:
    """What tells a socket's file from a later one of the same name; None where there is no file.

    The number alone does not: a file system may use it again at once.
    """
    try:
        facts = os.stat(path) if path else None
    except OSError:
        return None
    return (facts.st_dev, facts.st_ino, facts.st_mtime_ns) if facts is not None else None


def remove_file(path: str) -> None:
    """Remove a socket's file; it may be gone already."""
    try:
        os.unlink(path)
    except OSError:
        return
