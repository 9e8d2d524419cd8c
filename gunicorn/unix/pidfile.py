"""The PID file: who is the master, written whole or not at all."""

from __future__ import annotations

import os

from gunicorn._standard import standard_first

__all__ = ["Pidfile"]

# No PID file is longer.
LONGEST = 64


class Pidfile:
    """A file that holds the PID of the running master and a newline.

    `fname` None gives a file in the temporary directory; `umask` takes permissions away from those of 0644.
    """

    def __init__(self, fname: str | None, umask: int = 0) -> None:
        self.fname = fname
        self.mode = 0o644 & ~umask
        self.pid: int | None = None

    def create(self, pid: int) -> None:
        """Write `pid`. Raises RuntimeError when another live process is named in the file or the
        directory does not exist, OSError when the file cannot be written."""
        running = self.validate()
        if running:
            if running == pid:
                return
            raise RuntimeError(f"Already running on PID {running} (or pid file '{self.fname}' is stale)")
        self.pid = pid
        self._write()

    def _write(self) -> None:
        if self.fname is None:
            with standard_first():
                import tempfile

            fd, self.fname = tempfile.mkstemp(prefix="gunicorn-", suffix=".pid")
            self._fill(fd)
            return
        # A rename replaces the name in one step: a reader sees the old PID or the new one, and a symbolic
        # link planted under the name is replaced, not followed.
        os.rename(self._draft(self.fname), self.fname)

    def _draft(self, fname: str) -> str:
        """Write a file beside `fname`; returns its path."""
        directory = os.path.dirname(fname)
        if directory and not os.path.isdir(directory):
            raise RuntimeError(f"{directory} doesn't exist. Can't create pidfile.")
        draft = f"{fname}.{os.getpid()}.new"
        self._fill(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, self.mode))
        return draft

    def check(self) -> None:
        """Raise what `create` would, and leave no file. That a server is running is no error here."""
        self.validate()
        if self.fname is not None:
            os.unlink(self._draft(self.fname))

    def _fill(self, fd: int) -> None:
        try:
            os.write(fd, b"%d\n" % (self.pid or 0))
            os.fchmod(fd, self.mode)
        finally:
            os.close(fd)

    def rename(self, path: str) -> None:
        """Move on to another name: the new file is written, then the old one goes. Raises as `create` does; the old
        one stays then."""
        before, self.fname = self.fname, path
        try:
            self._write()
        except BaseException:
            self.fname = before
            raise
        if before is not None and before != path:
            old = Pidfile(before)
            old.pid = self.pid
            old.unlink()

    def unlink(self) -> None:
        """Remove the file if it still names this process."""
        try:
            named = _number_in(self.fname or "")
            if named == self.pid:
                os.unlink(self.fname or "")
        except (OSError, ValueError):
            return

    def validate(self) -> int | None:
        """PID in the file when such a process lives, else None. Raises OSError when the file cannot be
        read."""
        if not self.fname:
            return None
        try:
            named = _number_in(self.fname)
            os.kill(named, 0)
        except PermissionError as error:
            # From kill(): the process exists and belongs to somebody else. From open(): not for us to hide.
            if error.filename is not None:
                raise
            return named
        except (FileNotFoundError, ProcessLookupError, ValueError, OverflowError):
            return None
        return named if named > 0 else None


def _number_in(path: str) -> int:
    """The number that a file holds. Raises OSError and ValueError.

    Others may write in the folder: what they put there must neither make a master wait (a FIFO) nor fill its memory.
    """
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return int(os.read(fd, LONGEST) or b"")
    finally:
        os.close(fd)
