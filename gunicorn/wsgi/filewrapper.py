"""`wsgi.file_wrapper` (PEP 3333, "Optional Platform-Specific File Handling")."""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Iterator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class FileWrapper:
    """A file to be sent; the gateway hands a regular one to sendfile, everything else is read in blocks."""

    def __init__(self, filelike: Any, blksize: int = 8192) -> None:
        self.filelike = filelike
        self.blksize = blksize
        if hasattr(filelike, "close"):
            self.close = filelike.close

    def __iter__(self) -> Iterator[bytes]:
        while data := self.filelike.read(self.blksize):
            yield data

    def __getitem__(self, key: int) -> bytes:
        if data := self.filelike.read(self.blksize):
            return bytes(data)
        raise IndexError(key)


def file_region(wrapper: FileWrapper) -> tuple[int, int, int] | None:
    """(descriptor, offset, octets left) of a file whose octets on the disk are what its `read` would give; None for
    whatever must be read."""
    file = _plain(wrapper.filelike)
    if file is None:
        return None
    try:
        if not file.readable():
            return None
        # What was written through this object and is not in the file yet is read, too.
        file.flush()
        fd = file.fileno()
        status = os.fstat(fd)
        # Files of /proc and /sys have no blocks: the kernel makes their octets when they are read, and their size is no
        # size. (A file that has none since it is all hole, or so small that it lies in its inode, is read as well.)
        if not stat.S_ISREG(status.st_mode) or not status.st_blocks:
            return None
        offset = file.tell()
    except (AttributeError, OSError, ValueError):
        return None
    return fd, offset, max(0, status.st_size - offset)


def _plain(file: Any) -> io.IOBase | None:
    """The file object of the interpreter's own that answers `read`; None where something else does, which may
    decompress, decrypt, count or cut."""
    tempfile = sys.modules.get("tempfile")
    if tempfile is not None and type(file) is tempfile._TemporaryFileWrapper and "read" not in vars(file):
        file = file.file
    kind = type(file)
    if kind is io.BufferedReader or kind is io.BufferedRandom:
        if type(file.raw) is not io.FileIO or "read" in vars(file.raw) or "readinto" in vars(file.raw):
            return None
    elif kind is not io.FileIO:
        return None
    plain: io.IOBase | None = None if "read" in vars(file) else file
    return plain
