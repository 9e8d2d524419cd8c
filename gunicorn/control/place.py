"""Where the control socket is: a file that its owner alone can reach, unless the settings say otherwise.

Nothing of a running server is taken away: a file is replaced only where nobody answers, and removed only where it is
still ours. Without the user's word for it a second server goes to a name of its own, `gunicorn.PID.ctl`; a master that
another one has started (USR2) waits beside that one's name with `.2` behind it.
"""

from __future__ import annotations

import errno
import os
import socket

from gunicorn.unix import socket_files
from gunicorn.unix.unpatched import Socket

__all__ = ["LONGEST_PATH", "Place", "claim", "own_name"]

LONGEST_PATH = 107
"""Octets of a path that fit into sockaddr_un, whose 108 have a zero at the end."""

BACKLOG = 64


class Place:
    """A control socket that this process listens at."""

    def __init__(self, path: str, listener: Socket, wanted: str) -> None:
        self.path = path
        self.listener = listener
        # Where it belongs, once the master that is there now has gone.
        self._wanted = wanted
        self._mark = socket_files.mark_of(path)

    def move_in(self, pid: int) -> None:
        """The other master is gone: take its name. Raises OSError; all stays then."""
        if self.path != self._wanted + ".2":
            return
        path = own_name(self._wanted, pid) if socket_files.is_alive(self._wanted) else self._wanted
        os.rename(self.path, path)
        self.path = path

    def remove(self) -> None:
        """The server ends: remove the file, if it is still this one."""
        if self._mark is not None and self._mark == socket_files.mark_of(self.path):
            socket_files.remove_file(self.path)


def own_name(path: str, pid: int) -> str:
    """The name beside `path` that is this process's alone."""
    root, extension = os.path.splitext(path)
    return f"{root}.{pid}{extension}"


def claim(path: str, mode: int, pid: int, is_chosen: bool, is_successor: bool) -> Place:
    """Listen at `path`, or beside it: where it is not the user's choice (`is_chosen`) and somebody is there already.

    Raises OSError and ValueError.
    """
    wanted = os.path.abspath(_expanded(path))
    names = [wanted + ".2" if is_successor else wanted]
    if not is_chosen:
        names.append(own_name(wanted, pid))
    # Before a folder is made for nothing.
    _check_length(names[0])
    _make_folder(os.path.dirname(wanted))
    for name in names[:-1]:
        try:
            return Place(name, _listen(name, mode), wanted)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    return Place(names[-1], _listen(names[-1], mode), wanted)


def _expanded(path: str) -> str:
    expanded = os.path.expanduser(path)
    if expanded.startswith("~"):
        raise ValueError(f"there is no home folder for {path!r}")
    return expanded


def _make_folder(folder: str) -> None:
    """The folder of the socket, for its owner alone; those above it as ever."""
    if os.path.isdir(folder):
        return
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        # Another server was faster.
        return


def _check_length(path: str) -> None:
    size = len(os.fsencode(path))
    if size > LONGEST_PATH:
        raise ValueError(f"{path!r} has {size} octets, {LONGEST_PATH} are possible")


def _listen(path: str, mode: int) -> Socket:
    _check_length(path)
    with socket_files.alone_in(os.path.dirname(path)):
        socket_files.remove_stale(path)
        listener = Socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # The kernel takes the mode from the umask: there is no moment in which the file has another one.
        before = os.umask(0o777 & ~mode)
        try:
            listener.bind(path)
            listener.listen(BACKLOG)
        except BaseException:
            listener.close()
            raise
        finally:
            os.umask(before)
    return listener
