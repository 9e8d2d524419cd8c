"""`wsgi.file_wrapper` (PEP 3333, "Optional Platform-Specific File Handling")."""

from __future__ import annotations

import io
import os
import stat
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
    """(descriptor, offset, octets left) of a regular file; None for whatever must be read."""
    try:
        fd = wrapper.filelike.fileno()
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            return None
        offset = wrapper.filelike.tell()
    except (AttributeError, OSError, io.UnsupportedOperation):
        return None
    return fd, offset, max(0, status.st_size - offset)
