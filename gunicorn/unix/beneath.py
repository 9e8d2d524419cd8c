"""Files of one folder, opened so that nothing leads out of it: no `..`, no symbolic link, no mount of /proc.

Linux looks after that itself (openat2 with RESOLVE_BENEATH, since 5.6). Where it does not, each step of the way is
opened by itself, and symbolic links are followed by hand.
"""

from __future__ import annotations

import errno
import os
import sys
from _thread import allocate_lock

from gunicorn._standard import standard_first

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Opener = Callable[[int, bytes], int]

__all__ = ["READ", "Folder", "open_beneath", "opener", "walk_beneath"]

# A FIFO, and whatever else waits to be opened, must not hold up the worker.
READ = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
# The folder itself, and those on the way: for what is below them, not to be read.
_STEP = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW
_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC

# linux/openat2.h; the number of the system call is the same on all architectures that Python is built for but Alpha.
_OPENAT2 = 437
_RESOLVE_NO_MAGICLINKS = 0x02
_RESOLVE_BENEATH = 0x08
# Somebody renames what is on the way just now: ask again.
_ATTEMPTS = 4
# As many links as Linux follows (path_resolution(7)).
_MOST_LINKS = 40
# What systems say where a name that is not to be followed is one.
_OF_A_LINK = frozenset({errno.ELOOP, errno.ENOTDIR, errno.EMLINK})


def walk_beneath(folder: int, path: bytes) -> int:
    """Open a file for reading, `path` relative to the folder with this descriptor, step by step. Raises `OSError`,
    EXDEV where the way leads out."""
    return _Walk(folder, path).open()


class _Walk:
    """The folders that are open on the way to a file, the names that are still to come (the next one at the end), and
    how many links were followed."""

    __slots__ = ("_links", "_names", "_way")

    def __init__(self, folder: int, path: bytes) -> None:
        # The folder's own is not ours to close.
        self._way = [folder]
        self._names = path.split(b"/")[::-1]
        self._links = 0

    def open(self) -> int:
        try:
            while self._names:
                self._step(self._names.pop())
            return self._way.pop() if len(self._way) > 1 else os.open(b".", READ, dir_fd=self._way[0])
        finally:
            for descriptor in self._way[1:]:
                os.close(descriptor)

    def _step(self, name: bytes) -> None:
        if name == b"..":
            self._go_back()
        elif name not in (b"", b"."):
            self._enter(name)

    def _go_back(self) -> None:
        if len(self._way) == 1:
            raise _error(errno.EXDEV)
        os.close(self._way.pop())

    def _enter(self, name: bytes) -> None:
        try:
            found = os.open(name, _STEP if self._names else READ | os.O_NOFOLLOW, dir_fd=self._way[-1])
        except OSError as error:
            target = _link(name, self._way[-1]) if error.errno in _OF_A_LINK else None
            if target is None:
                raise
            self._follow(target)
        else:
            self._way.append(found)

    def _follow(self, target: bytes) -> None:
        self._links += 1
        if self._links > _MOST_LINKS:
            raise _error(errno.ELOOP) from None
        if target.startswith(b"/"):
            raise _error(errno.EXDEV) from None
        self._names.extend(reversed(target.split(b"/")))


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def _link(name: bytes, folder: int) -> bytes | None:
    """Where a symbolic link leads to; None for what is none."""
    try:
        return os.readlink(name, dir_fd=folder)
    except OSError:
        return None


def opener() -> Opener:
    """What opens a file beneath a folder on this system: the kernel, or `walk_beneath`."""
    if not sys.platform.startswith("linux") or sys.maxsize < 2**32:
        return walk_beneath
    try:
        found = _kernel_opener()
        descriptor = os.open("/", _FOLDER)
    except (AttributeError, ImportError, OSError):
        return walk_beneath
    try:
        os.close(found(descriptor, b"."))
    except OSError:
        # An older kernel, or a sandbox that does not know the call.
        return walk_beneath
    finally:
        os.close(descriptor)
    return found


def _kernel_opener() -> Opener:
    with standard_first():
        import ctypes

    syscall = ctypes.CDLL(None, use_errno=True).syscall
    syscall.restype = ctypes.c_long
    syscall.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_size_t]
    # struct open_how: flags, mode, resolve.
    how = (ctypes.c_uint64 * 3)(READ, 0, _RESOLVE_BENEATH | _RESOLVE_NO_MAGICLINKS)
    place, size = ctypes.addressof(how), ctypes.sizeof(how)

    def beneath(folder: int, path: bytes, keep: object = how) -> int:
        """As `walk_beneath`, in one call; `keep`: lives as long as its address is used."""
        for _ in range(_ATTEMPTS):
            found: int = syscall(_OPENAT2, folder, path, place, size)
            if found >= 0:
                return found
            number = ctypes.get_errno()
            if number != errno.EAGAIN and number != errno.EINTR:
                break
        raise _error(number)

    return beneath


_opener: Opener | None = None


def open_beneath(folder: int, path: bytes) -> int:
    """Open a file for reading, `path` relative to the folder with this descriptor. Raises `OSError`: EXDEV where the
    way leads out of it, ENOENT, ..."""
    global _opener
    if _opener is None:
        _opener = opener()
    if b"\0" in path:
        raise _error(errno.EINVAL)
    return _opener(folder, path)


class Folder:
    """A folder whose files are read. It is looked up again when its descriptor is older than `fresh` seconds, so that
    one that was replaced is found. Several threads may open files."""

    __slots__ = ("_fd", "_fresh", "_lock", "_until", "path")

    def __init__(self, path: str, fresh: float = 1.0) -> None:
        self.path = path
        self._fresh = fresh
        self._fd = -1
        self._until = 0.0
        # A number that another thread has just closed may be that of another folder by now.
        self._lock = allocate_lock()

    def open(self, names: Sequence[str], now: float) -> int:
        """The descriptor of the file of these names, one character an octet; `now` in seconds of any clock. It may be
        no regular file. Raises `OSError`."""
        with self._lock:
            if now >= self._until or self._fd < 0:
                self._look_up(now)
            return open_beneath(self._fd, "/".join(names).encode("latin-1") or b".")

    def _look_up(self, now: float) -> None:
        self.close()
        self._fd = os.open(self.path, _FOLDER)
        self._until = now + self._fresh

    def close(self) -> None:
        """Let go of the descriptor."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
