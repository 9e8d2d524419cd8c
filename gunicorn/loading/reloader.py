"""`--reload`: notice that a source file of the application changed.

A reloader is a thread of the worker (never of the master). It watches the files of the imported modules,
which grow with each import, and the extra files and glob patterns of `reload_extra_files`. At the first
change it calls `callback(filename)` once for each changed file.

An application takes its time to be loaded, and a file that changes meanwhile is not what was imported: so it is noted
what each file is when it is imported, and looked whether it still is that when the reloader begins.
"""

from __future__ import annotations

import glob
import os
import re
import select
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterable
from importlib.machinery import SourceFileLoader

from gunicorn._standard import standard_first

__all__ = [
    "InotifyReloader",
    "Reloader",
    "ReloaderBase",
    "has_inotify",
    "preferred_reloader",
    "reloader_engines",
]

COMPILED_EXT_RE = re.compile(r"py[co]$")

Callback = Callable[[str], None]

# Extra files up to this size are compared by their content.
COMPARED = 1 << 20


def stamp_of(filename: str) -> object:
    """What changes when the file is written; None where there is none."""
    try:
        facts = os.stat(filename)
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_size


def content_of(filename: str) -> object:
    """The same by its content, unless that is large."""
    try:
        with open(filename, "rb") as file:
            content = file.read(COMPARED + 1)
    except OSError:
        return None
    return stamp_of(filename) if len(content) > COMPARED else hash(content)


class ReloaderBase(threading.Thread):
    """What both engines share: the set of watched files."""

    def __init__(self, extra_files: Iterable[str] | None = None, callback: Callback | None = None) -> None:
        super().__init__(daemon=True, name="gunicorn-reloader")
        self._extra_files: set[str] = set(extra_files or ())
        self._callback = callback
        self._guard = threading.Lock()
        # What files were before they were used, and by what that is told.
        self._noted: dict[str, tuple[Callable[[str], object], object]] = {}

    def note_imports(self) -> None:
        """Note what files are from now on until the reloader begins, before the application is loaded."""
        for filename in self._extra_now():
            # By the content: an application may write such a file whenever it is loaded, and would never be for long.
            self._noted[filename] = content_of, content_of(filename)
        own = SourceFileLoader.path_stats

        def path_stats(loader: SourceFileLoader, path: str) -> object:
            # Called in front of each reading of a source.
            if path not in self._noted:
                self._noted[path] = stamp_of, stamp_of(path)
            return own(loader, path)

        SourceFileLoader.path_stats = path_stats  # type: ignore[assignment, method-assign]

    def changed_meanwhile(self) -> list[str]:
        """Files that are not what was noted; each is told of once."""
        changed: list[str] = []
        for filename in self.get_files():
            by, before = self._noted.get(filename, (stamp_of, None))
            now = by(filename) if before is not None else None
            if now is None:
                # It is being replaced, or there is nothing to compare.
                continue
            del self._noted[filename]
            if now != before:
                changed.append(filename)
        return changed

    def add_extra_file(self, filename: str) -> None:
        """Watch one more file or glob pattern."""
        with self._guard:
            self._extra_files.add(filename)

    def get_files(self) -> list[str]:
        """Source files of all modules imported so far, and the extra files that exist now."""
        return [file for file in map(_source_of, list(sys.modules.values())) if file] + self._extra_now()

    def _extra_now(self) -> list[str]:
        with self._guard:
            named = [name for name in self._extra_files if not glob.has_magic(name)]
        return named + self.get_matching()

    def get_matching(self) -> list[str]:
        """Files that match a pattern now."""
        with self._guard:
            patterns = [name for name in self._extra_files if glob.has_magic(name)]
        return [file for pattern in patterns for file in glob.glob(pattern, recursive=True)]

    def _tell(self, filenames: Iterable[str]) -> None:
        if self._callback is not None:
            for filename in dict.fromkeys(filenames):
                self._callback(filename)


def _source_of(module: object) -> str | None:
    file = getattr(module, "__file__", None)
    return COMPILED_EXT_RE.sub("py", file) if isinstance(file, str) else None


class Reloader(ReloaderBase):
    """Looks at the modification times every `interval` seconds; works on every file system."""

    def __init__(
        self,
        extra_files: Iterable[str] | None = None,
        interval: float = 1,
        callback: Callback | None = None,
    ) -> None:
        super().__init__(extra_files, callback)
        self._interval = interval
        self._seen: dict[str, int] = {}

    def start(self) -> None:
        # Not left to the thread: a file that changes once we serve must find its old state noted.
        self.look()
        super().start()

    def run(self) -> None:
        self._tell(self.changed_meanwhile())
        while True:
            time.sleep(self._interval)
            self._tell(self.look() + self.changed_meanwhile())

    def look(self) -> list[str]:
        """Files that changed since the last look. A file seen for the first time has not changed, unless it
        came to match a pattern while we watched."""
        changed: list[str] = []
        matching = set(self.get_matching()) if self._seen else set()
        for filename in self.get_files():
            try:
                stamp = os.stat(filename).st_mtime_ns
            except OSError:
                continue
            before = self._seen.get(filename)
            self._seen[filename] = stamp
            if before != stamp and (before is not None or filename in matching):
                changed.append(filename)
        return changed


# From linux/inotify.h.
_IN_MODIFY, _IN_ATTRIB, _IN_CLOSE_WRITE, _IN_MOVED_FROM, _IN_MOVED_TO = 0x2, 0x4, 0x8, 0x40, 0x80
_IN_CREATE, _IN_DELETE, _IN_ONLYDIR = 0x100, 0x200, 0x01000000
_MASK = _IN_MODIFY | _IN_CLOSE_WRITE | _IN_MOVED_FROM | _IN_MOVED_TO | _IN_CREATE | _IN_DELETE | _IN_ONLYDIR
_EVENT = struct.Struct("iIII")

has_inotify = sys.platform.startswith("linux")


class InotifyReloader(ReloaderBase):
    """Is told by the kernel (inotify(7)).

    Directories are watched and not files: editors replace a file by a new one under the same name, and the
    watch of the old one would never fire again. Where a file is a symbolic link, the directory of its target
    is watched too.
    """

    RESCAN_SECONDS = 1.0

    def __init__(self, extra_files: Iterable[str] | None = None, callback: Callback | None = None) -> None:
        super().__init__(extra_files, callback)
        self._libc = _Libc()
        self._fd = self._libc.inotify_init()
        self._directories: dict[int, str] = {}
        self._watching: set[str] = set()
        # Real path -> the name under which it is known to the user.
        self._names: dict[str, str] = {}

    def start(self) -> None:
        self._scan()
        super().start()

    def run(self) -> None:
        self._tell(self.changed_meanwhile())
        while True:
            # Modules imported since the last scan bring directories of their own.
            ready = select.select([self._fd], [], [], self.RESCAN_SECONDS)[0]
            # Read before the scan: a file that appears in between is then found by its event in the next turn.
            paths = self._read() if ready else []
            known = dict(self._names)
            self._scan()
            names = {**self._names, **known}
            self._tell([names[path] for path in paths if path in names] + self.changed_meanwhile())

    def _scan(self) -> None:
        for filename in self.get_files():
            absolute = os.path.abspath(filename)
            for path in {absolute, os.path.realpath(absolute)}:
                if path not in self._names:
                    self._names[path] = filename
                self._watch(os.path.dirname(path))
        with self._guard:
            patterns = [name for name in self._extra_files if glob.has_magic(name)]
        for pattern in patterns:
            self._watch(os.path.abspath(os.path.dirname(pattern) or "."))

    def _watch(self, directory: str) -> None:
        if directory in self._watching:
            return
        number = self._libc.add_watch(self._fd, directory)
        self._watching.add(directory)
        if number is not None:
            self._directories[number] = directory

    def _read(self) -> list[str]:
        """Paths that the pending events speak of."""
        try:
            data = os.read(self._fd, 65536)
        except BlockingIOError:
            return []
        paths: list[str] = []
        offset = 0
        while offset < len(data):
            watch, _, _, length = _EVENT.unpack_from(data, offset)
            offset += _EVENT.size + length
            name = data[offset - length : offset].rstrip(b"\0")
            directory = self._directories.get(watch)
            if directory is not None:
                paths.append(os.path.join(directory, os.fsdecode(name)))
        return paths


class _Libc:
    """The two calls of inotify that Python does not offer. Raises OSError."""

    def __init__(self) -> None:
        with standard_first():
            import ctypes

        self._ctypes = ctypes
        self._libc = ctypes.CDLL(None, use_errno=True)

    def inotify_init(self) -> int:
        fd: int = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if fd < 0:
            number = self._ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return fd

    def add_watch(self, fd: int, directory: str) -> int | None:
        """Number of the watch; None for a directory that cannot be watched (a zip file, for one)."""
        number: int = self._libc.inotify_add_watch(fd, os.fsencode(directory), self._ctypes.c_uint32(_MASK))
        return number if number >= 0 else None


preferred_reloader: type[ReloaderBase] = InotifyReloader if has_inotify else Reloader

reloader_engines: dict[str, type[ReloaderBase]] = {
    "auto": preferred_reloader,
    "poll": Reloader,
    "inotify": InotifyReloader,
}
