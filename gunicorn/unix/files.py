"""Opening a log file for appending, when whoever opens it may be root and others may write in the folder.

A user that may write in a folder on the way could put a symbolic link there and have root write to, and give away,
any file of the system. So root follows a link of somebody else only to what belongs to that same user: a release folder
called `current`, a log of one's own elsewhere. Links of root are followed as ever (`/var/log/site` on another disk),
and so is any link to our own standard output or error (`/dev/stdout` in a container).

The path is walked with descriptors, name by name: nothing can be exchanged between the look and the use.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import deque

__all__ = ["open_log"]

FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
MODE = 0o666
# As many links the kernel follows (path_resolution(7)).
MOST_LINKS = 40
# What open(2) says of a link under O_NOFOLLOW: Linux and POSIX, FreeBSD, NetBSD.
_IS_LINK = frozenset({errno.ELOOP, errno.EMLINK, getattr(errno, "EFTYPE", errno.ELOOP)})
_LOOK = getattr(os, "O_PATH", 0) | os.O_NOFOLLOW | os.O_CLOEXEC


def open_log(path: str, flags: int = FLAGS, mode: int = MODE) -> int:
    """A descriptor of the file, which is made, with `mode` as far as the process's umask allows, if it is not there.

    Raises OSError; for a path that root must not follow it is a PermissionError.
    """
    if os.geteuid() != 0:
        return os.open(path, flags, mode)
    if not hasattr(os, "O_PATH"):
        return _open_unless_linked(path, flags, mode)
    return _Walk(path, flags, mode).open()


def _open_unless_linked(path: str, flags: int, mode: int) -> int:
    """Where there is no O_PATH: the last name alone is looked at."""
    try:
        return os.open(path, flags | os.O_NOFOLLOW, mode)
    except OSError as error:
        if error.errno not in _IS_LINK:
            raise
    owner = os.lstat(path).st_uid
    if owner != 0:
        raise _refusal(path, path, owner)
    return os.open(path, flags, mode)


class _Walk:
    """One way through the file system, as root."""

    def __init__(self, path: str, flags: int, mode: int) -> None:
        self.path = path
        self.flags = flags
        self.mode = mode
        self.names = deque(_names(path))
        # Links of others whose target is not reached yet: the owner, how many names are left behind it, the link.
        self.open_links: list[tuple[int, int, str]] = []
        self.links = 0
        self.folder = -1

    def open(self) -> int:
        self._go_to(os.open("/" if self.path.startswith("/") else ".", _LOOK))
        try:
            while len(self.names) > 1:
                self._enter(self.names.popleft())
            return self._open_last()
        finally:
            os.close(self.folder)

    def _go_to(self, folder: int) -> None:
        before, self.folder = self.folder, folder
        if before >= 0:
            os.close(before)

    def _enter(self, name: str) -> None:
        """Go into a folder, or to where a link leads."""
        fd = os.open(name, _LOOK, dir_fd=self.folder)
        facts = os.fstat(fd)
        if stat.S_ISLNK(facts.st_mode):
            self._follow(name, fd, facts.st_uid)
            return
        self._go_to(fd)
        self._arrive(facts.st_uid)

    def _follow(self, name: str, link: int, owner: int) -> None:
        try:
            target = os.readlink("", dir_fd=link)
        finally:
            os.close(link)
        self.links += 1
        if self.links > MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), self.path)
        if owner != 0:
            self.open_links.append((owner, len(self.names), name))
        self.names.extendleft(reversed(_names(target)))
        if target.startswith("/"):
            self._go_to(os.open("/", _LOOK))

    def _arrive(self, owner: int) -> None:
        """What is reached here belongs to `owner`: so must the links that lead to it."""
        while self.open_links and self.open_links[-1][1] == len(self.names):
            other, _, link = self.open_links.pop()
            if other != owner:
                raise _refusal(self.path, link, other)

    def _open_last(self) -> int:
        while True:
            if not self.names:
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), self.path)
            name = self.names.popleft()
            if self.names:
                self._enter(name)
                continue
            try:
                fd = os.open(name, _LOOK, dir_fd=self.folder)
            except FileNotFoundError:
                return self._open_file(name)
            facts = os.fstat(fd)
            is_link = stat.S_ISLNK(facts.st_mode)
            if is_link and facts.st_dev != _device_of_processes():
                self._follow(name, fd, facts.st_uid)
            else:
                os.close(fd)
                return self._open_file(name, follow=is_link)

    def _open_file(self, name: str, follow: bool = False) -> int:
        """Open what is no link, or (`follow`) one of /proc, which is no path but the open file itself."""
        flags = self.flags if follow else self.flags | os.O_NOFOLLOW
        if not self.open_links:
            return os.open(name, flags, self.mode, dir_fd=self.folder)
        try:
            fd = os.open(name, flags & ~os.O_CREAT, dir_fd=self.folder)
        except FileNotFoundError:
            self._arrive(os.fstat(self.folder).st_uid)
            return os.open(name, flags | os.O_EXCL, self.mode, dir_fd=self.folder)
        try:
            facts = os.fstat(fd)
            if not _is_our_output(facts):
                self._arrive(facts.st_uid)
        except BaseException:
            os.close(fd)
            raise
        return fd


def _names(path: str) -> list[str]:
    return [name for name in path.split("/") if name not in ("", ".")]


def _device_of_processes() -> int:
    """The file system whose links are open files (proc(5)); -1 where there is none."""
    try:
        return os.stat("/proc/self/fd").st_dev
    except OSError:
        return -1


def _is_our_output(facts: os.stat_result) -> bool:
    for fd in (1, 2):
        try:
            if os.path.samestat(os.fstat(fd), facts):
                return True
        except OSError:
            continue
    return False


def _refusal(path: str, link: str, owner: int) -> PermissionError:
    return PermissionError(
        errno.EPERM,
        f"root does not follow {link!r}, a symbolic link of user {owner}, to something that is not theirs",
        path,
    )
