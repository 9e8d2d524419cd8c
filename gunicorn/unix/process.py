"""What a server process does to itself: identity, descriptors, terminal, title."""

from __future__ import annotations

import fcntl
import os
import sys
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

REDIRECT_TO = getattr(os, "devnull", "/dev/null")


def getcwd() -> str:
    """Return the working directory as the shell wrote it.

    `PWD` is preferred while it names the same directory: a release switched by symbolic link is then
    followed by a re-executed master, which `os.getcwd()` would pin to the old target.
    """
    cwd = os.getcwd()
    shell = os.environ.get("PWD")
    try:
        if shell and os.path.samestat(os.stat(shell), os.stat(cwd)):
            return shell
    except OSError:
        pass
    return cwd


def fill_standard_streams() -> None:
    """Put the null device where standard input, output or error is closed.

    The next socket would get its number, and what is printed go to a client; and Python has None in the stream's place.
    """
    for fd, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        try:
            os.fstat(fd)
            # Something else that this process has opened may have the number.
            place: int | str = REDIRECT_TO
        except OSError:
            null = os.open(REDIRECT_TO, os.O_RDWR)
            os.dup2(null, fd)
            if null != fd:
                os.close(null)
            os.set_inheritable(fd, True)
            place = fd
        if getattr(sys, name) is None:
            stream = open(place, mode, encoding="utf-8", errors="backslashreplace", closefd=place != fd)  # noqa: SIM115
            setattr(sys, name, stream)


def daemonize(enable_stdio_inheritance: bool = False) -> None:
    """Detach from the terminal: two forks with a new session between, so that none can be acquired again.

    Does nothing when a re-executed master calls it (`GUNICORN_FD` is set): its parent is detached already.
    """
    if "GUNICORN_FD" in os.environ:
        return
    _go_on_in_child()
    os.setsid()
    _go_on_in_child()
    os.umask(0o22)
    _detach_stdio(enable_stdio_inheritance)


def _go_on_in_child() -> None:
    if os.fork() != 0:
        os._exit(0)


def _detach_stdio(keep_redirected: bool) -> None:
    """Point the standard streams at the null device; with `keep_redirected` only terminals."""
    sys.stdout.flush()
    sys.stderr.flush()
    null = os.open(REDIRECT_TO, os.O_RDWR)
    for fd in (0, 1, 2):
        if fd == 0 or not keep_redirected or os.isatty(fd):
            os.dup2(null, fd)
    if null > 2:
        os.close(null)


@contextmanager
def keeping_signals(numbers: Iterable[int]) -> Iterator[None]:
    """Put the handlers of these signals and the wake-up descriptor back when what is done meanwhile fails.

    Failing is an exception, or an exit with another status than 0, of this process and not of a child that was forked.
    After a good end a signal that comes once more must still do no harm: nothing is put back.
    """
    import signal

    pid = os.getpid()
    handlers = {number: signal.getsignal(number) for number in numbers}
    try:
        wakeup_fd = signal.set_wakeup_fd(-1)
    except ValueError:
        # Only the main thread may set them, so nothing can have changed.
        yield
        return
    if wakeup_fd >= 0:
        signal.set_wakeup_fd(wakeup_fd)
    try:
        yield
    except BaseException as error:
        is_good = isinstance(error, SystemExit) and not error.code
        if os.getpid() == pid and not is_good:
            signal.set_wakeup_fd(wakeup_fd)
            _set_handlers(handlers)
        raise


def _set_handlers(handlers: Mapping[int, object]) -> None:
    import signal

    for number, handler in handlers.items():
        # None is a handler that was not set from Python.
        if handler is not None:
            signal.signal(number, handler)  # type: ignore[arg-type]


def ignore_signals() -> None:
    """For the end of a process: a signal that comes once more must not change its exit status.

    The interpreter gives handlers of Python's back their deadly defaults while it is being torn down.
    """
    import signal

    # `threading` does not know which thread is the main one where a library has put greenlets in its place.
    try:
        for name in ("HUP", "INT", "QUIT", "TERM", "TTIN", "TTOU", "USR1", "USR2"):
            signal.signal(getattr(signal, f"SIG{name}"), signal.SIG_IGN)
    except ValueError:
        # Not the main thread: the signals are somebody else's.
        return


def get_username(uid: int) -> str:
    """Return the login name of `uid`. Raises KeyError when there is none."""
    import pwd

    return pwd.getpwuid(uid).pw_name


def set_owner_process(uid: int | None, gid: int | None, initgroups: bool = False) -> None:
    """Become `gid` and `uid`, in this order: with the user's rights gone the group could not be changed.

    Whoever becomes somebody else keeps none of the supplementary groups it had: with `initgroups` they become those
    of `uid`, otherwise `gid` is the only one. Raises OSError when not permitted.
    """
    changes_group = bool(gid) and gid != os.getgid()
    changes_user = bool(uid) and uid != os.getuid()
    if changes_group or changes_user:
        _set_groups(uid, gid or os.getgid(), initgroups)
    if gid:
        os.setgid(gid)
    if uid and changes_user:
        os.setuid(uid)


def _set_groups(uid: int | None, gid: int, initgroups: bool) -> None:
    if initgroups and uid is not None:
        try:
            os.initgroups(get_username(uid), gid)
            return
        except KeyError:
            # A numeric user without an entry has no groups to look up.
            pass
    # Where there is nothing to drop no right to do so is needed.
    if not set(os.getgroups()) <= {gid}:
        os.setgroups([gid])


def chown(path: str, uid: int, gid: int) -> None:
    """Give `path` to `uid` and `gid`."""
    os.chown(path, uid, gid)


def unlink(filename: str) -> None:
    """Remove `filename`; that it is gone already is no error."""
    try:
        os.unlink(filename)
    except (FileNotFoundError, NotADirectoryError):
        pass


def check_is_writable(path: str) -> None:
    """Raise RuntimeError unless `path` can be opened for appending.

    A file that was not there is created.
    """
    from .files import open_log

    try:
        fd = open_log(path)
        try:
            os.utime(fd, None)
        finally:
            os.close(fd)
    except OSError as error:
        raise RuntimeError(f"Error: {path!r} isn't writable [{error!r}]") from None


def set_non_blocking(fd: int) -> None:
    """Set O_NONBLOCK on `fd`."""
    fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_NONBLOCK)


def close_on_exec(fd: int) -> None:
    """Set FD_CLOEXEC on `fd`."""
    fcntl.fcntl(fd, fcntl.F_SETFD, fcntl.fcntl(fd, fcntl.F_GETFD) | fcntl.FD_CLOEXEC)


def seed() -> None:
    """Give this process random numbers of its own: forked workers would share the master's sequence.

    Where nothing has imported `random` there is no sequence yet, and the module seeds itself when it comes.
    """
    random = sys.modules.get("random")
    if random is not None:
        random.seed(os.urandom(64))


def set_process_title(title: str) -> None:
    """Show `gunicorn: title` in process lists when the optional setproctitle library is there."""
    try:
        from setproctitle import setproctitle
    except ImportError:
        return
    setproctitle(f"gunicorn: {title}")
