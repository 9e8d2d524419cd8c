"""Children of a server process: its own ones, and those that others fork from it.

A fork copies the server: signal handlers and the descriptor they write to, listeners, connections, the loop. The
master's own children, the workers, go on with what they need of it. Any other child, of a hook, of the application, of
`multiprocessing`, has nothing to do with clients and signals of the server: a function that the interpreter calls in
every new child (`os.register_at_fork`) puts all of that down there.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import traceback
from _thread import get_ident
from collections.abc import Callable, Iterable, Iterator

from . import unpatched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn, TextIO

__all__ = [
    "end_stray", "ended", "fork", "guard", "has_ended", "is_stray", "leave", "reset_signals", "status_of", "unguard",
]


class _State:
    """What is known in this process; one for all of it, since the interpreter's functions cannot be taken back."""

    def __init__(self) -> None:
        self.registered = False
        # The thread that is just forking on the server's own account.
        self.forking = 0
        # The process that `put_down` belongs to, and whether this one is its child.
        self.owner = 0
        self.stray = False
        self.put_down: Callable[[], None] | None = None
        # The signals that were blocked before a fork, by thread.
        self.masks: dict[int, set[signal.Signals | int]] = {}


_state = _State()


def guard(put_down: Callable[[], None]) -> None:
    """From now on, have each child that others fork from this process call `put_down`, and nothing of before.

    It must close descriptors and drop what acts on them, and call nothing that a fork may have left half done.
    """
    _state.owner = os.getpid()
    _state.stray = False
    _state.put_down = put_down
    if not _state.registered:
        _state.registered = True
        os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)


def unguard() -> None:
    """The server has ended; the program around it, if there is one, forks as it likes."""
    _state.put_down = None


def fork() -> int:
    """Fork on the server's own account: the child goes on with everything. Raises OSError."""
    _state.forking = get_ident()
    try:
        pid = unpatched.fork()
    finally:
        _state.forking = 0
    if not pid:
        _forget_siblings()
    return pid


def ended() -> Iterator[tuple[int, int]]:
    """Collect every child that has ended, its PID and wait status; waits for none."""
    while True:
        try:
            pid, status = unpatched.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        yield pid, status


def has_ended(pid: int, kill: bool = False) -> bool:
    """Whether this child is gone, and collected; one that is not is killed and waited for where it has to be."""
    try:
        found, _ = unpatched.waitpid(pid, os.WNOHANG)
        if not found and kill:
            os.kill(pid, signal.SIGKILL)
            found, _ = unpatched.waitpid(pid, 0)
    except ChildProcessError:
        return True
    return bool(found)


def is_stray() -> bool:
    """Whether this process was forked from one of the server by somebody else."""
    return _state.stray


def _before() -> None:
    me = get_ident()
    if _state.forking != me and _state.put_down is not None:
        # One that comes to the child before it has handlers of its own would be written to our descriptor, and lost.
        _state.masks[me] = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())


def _in_parent() -> None:
    mask = _state.masks.pop(get_ident(), None)
    if mask is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _in_child() -> None:
    if _state.forking == get_ident() or _state.put_down is None:
        return
    _state.stray = True
    put_down, _state.put_down = _state.put_down, None
    try:
        _forget_siblings()
        signal.set_wakeup_fd(-1)
        put_down()
    finally:
        _in_parent()
        _state.masks.clear()


def reset_signals(numbers: Iterable[int]) -> None:
    """Give signals the disposition with which Python starts, where the present one is the server's or its loop's."""
    for number in numbers:
        if _is_of_the_server(signal.getsignal(number)):
            default = signal.default_int_handler if number == signal.SIGINT else int(signal.SIG_DFL)
            unpatched.set_handler(number, default)


def _is_of_the_server(handler: object) -> bool:
    owner = getattr(handler, "__self__", None)
    package = str(getattr(handler, "__module__", "")).partition(".")[0]
    return hasattr(owner, "handle_exit") or package in ("gunicorn", "asyncio", "uvloop")


def _forget_siblings() -> None:
    """Children that `multiprocessing` has started in the parent are no children here: it would end them at exit."""
    process = sys.modules.get("multiprocessing.process")
    children = getattr(process, "_children", None)
    if isinstance(children, set):
        children.clear()


def end_stray(error: BaseException | None = None) -> None:
    """In a child of somebody else that comes back to the server, by returning or by `error`: end it here.

    Does nothing in the server's own processes.
    """
    if not _state.stray:
        return
    status = 0
    if error is not None and not isinstance(error, SystemExit):
        traceback.print_exception(error)
        status = 1
    elif error is not None:
        status = status_of(error)
    leave(status)


def status_of(error: SystemExit) -> int:
    """The exit status that a SystemExit means; what is no number is printed, as the interpreter does."""
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code
    print(error.code, file=sys.stderr)
    return 1


def leave(status: int) -> NoReturn:
    """End this process, that was forked, as the interpreter would, but for whatever lies further down on its stack:
    that is the parent's."""
    try:
        threading = sys.modules.get("threading")
        # A child of somebody else has no thread of the server's to wait for; and before Python 3.13 it would wait for
        # ever where eventlet makes threads of greenlets.
        if threading is not None and not _state.stray:
            threading._shutdown()
        atexit._run_exitfuncs()
    except BaseException:  # noqa: BLE001  # the boundary around a child
        traceback.print_exc()
    finally:
        try:
            _flush(sys.stdout)
            _flush(sys.stderr)
        finally:
            os._exit(status & 0xFF)


def _flush(stream: TextIO | None) -> None:
    try:
        if stream is not None:
            stream.flush()
    except BaseException:  # noqa: BLE001  # the boundary around a child
        return
