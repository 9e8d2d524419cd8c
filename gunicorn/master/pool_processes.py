"""The processes of a pool: how they are started, told to go, and known to have ended."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time

from gunicorn.instrument.stacks import StackFile
from gunicorn.loading.tracebacks import application_traceback
from gunicorn.tasks.lines import CONTROL, PLACE, Line
from gunicorn.tasks.process import DirtyWorker, Page
from gunicorn.unix import forks, unpatched
from gunicorn.unix.process import set_process_title

from . import decisions, hooks
from .decisions import Exit, Spawned
from .pool_reload import PoolReload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from gunicorn._types import Log
    from gunicorn.instrument.task_board import TaskBoard
    from gunicorn.unix.unpatched import Socket

    from .state import ServedApplication

__all__ = ["PoolProcesses"]


class PoolProcesses(PoolReload):
    """A pool, as far as it has processes."""

    SIGNALS = [signal.SIGHUP, signal.SIGUSR1, signal.SIGTTIN, signal.SIGTTOU, signal.SIGCHLD]
    """What it acts on itself. That it should end it is told by its master alone: what is sent to all processes of a
    server must find it there for the workers to the last."""

    _OTHERS = [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR2, signal.SIGWINCH]

    def __init__(
        self, app: ServedApplication, log: Log, listener: Socket, socket_path: str, orders: int, ppid: int,
        board: TaskBoard,
    ) -> None:
        super().__init__(app, log, listener, socket_path, orders, ppid, board)
        self._stacks = StackFile(_live)  # type: ignore[arg-type]

    # One comes.

    def spawn_worker(self, generation: int) -> int:
        """Fork one task process; PID in this one. Raises OSError."""
        self._age += 1
        ranks = self._books.ranks_for_next(generation, self._specs)
        wanted = {path: (self._books.limits.get(path), rank) for path, rank in ranks.items()}
        (ours, theirs), (our_control, their_control) = _channel(), _channel()
        slot = self._scoreboard.allocate(generation)
        worker = DirtyWorker(
            self._age, self.pid, self.cfg, self.log, wanted, self.socket_path, Page(slot, self._board), theirs,
            their_control,
        )
        line, control = Line(ours, 0, PLACE), Line(our_control, 0, CONTROL)
        line.takes_passed = True
        try:
            pid = self._fork(worker, line, control)
        except OSError:
            self._scoreboard.release(slot)
            line.close()
            control.close()
            raise
        finally:
            worker.close_channels()
        slot.pid = worker.pid = pid
        self.workers[pid] = worker
        self._books.note(pid, generation, ranks)
        self._board.spawned(pid, slot.index, worker.age, generation)
        self._switchboard.add_place(pid, line, control)
        self._news.reports.append(Spawned(pid, worker.age, generation, time.monotonic()))
        hooks.call(self, "dirty_post_fork", worker)
        return pid

    def _fork(self, worker: DirtyWorker, *lines: Line) -> int:
        # A signal between the fork and the child's own handlers would be written into this process's pipe.
        numbers = (*self.SIGNALS, *self._OTHERS)
        signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
        try:
            pid = forks.fork()
        finally:
            if os.getpid() == self.pid:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)
        if pid == 0:
            for line in lines:
                line.close()
            _live(self, worker)
        return pid

    def shed(self, worker: DirtyWorker) -> None:
        """In a new task process: put down what belongs to this one."""
        worker.pid = os.getpid()
        signal.set_wakeup_fd(-1)
        unpatched.set_handler(signal.SIGCHLD, int(signal.SIG_DFL))
        self._close_all()
        self._stacks.listen()
        self._end_reload()

    def _close_all(self) -> None:
        """In a child: what belongs to this process alone."""
        self._switchboard.put_down()
        self._listener.close()
        for fd in (*self._pipe, self._orders):
            os.close(fd)

    # One goes.

    def _reap(self) -> None:
        for pid, status in forks.ended():
            self._news.exits.append(Exit(pid, status))
            self._switchboard.hear_out(pid)

    def _spawn(self, action: decisions.Spawn) -> None:
        try:
            self.spawn_worker(action.generation)
        except OSError as error:
            self.log.error("Cannot start a task process: %s", error)
            self._news.reports.append(decisions.SpawnFailed())

    def _kill(self, action: decisions.Kill) -> None:
        if action.signal == signal.SIGTERM:
            # Told behind all calls that it has got; the router knows when.
            self._router.leave(action.pid)
            if action.pid in self.workers and not self.workers[action.pid].booted:
                self._unwanted.add(action.pid)
                self._signal(action.pid, signal.SIGQUIT)
            return
        self._signal(action.pid, action.signal)

    def _stacks_of(self, pid: int) -> str:
        """Where the threads of a task process are."""
        return self._stacks.ask(pid)

    def _signal(self, pid: int, number: int) -> None:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return

    def _gone(self, action: decisions.Gone) -> None:
        worker = self.workers.pop(action.pid)
        self._unwanted.discard(action.pid)
        self._books.forget(action.pid)
        self._board.gone(action.pid, action.cause)
        self._scoreboard.release(worker.tmp.slot)
        self._switchboard.forget_place(action.pid)
        self._forget_place(action.pid)
        hooks.call(self, "dirty_worker_exit", worker)

    def _forget_place(self, pid: int) -> None:
        """A task process has ended, and nothing of it is left."""


def _live(pool: PoolProcesses, worker: DirtyWorker) -> NoReturn:
    """Be a task process, to its end: the stack of its parent lies below, and nothing of that may run here."""
    status = 255
    try:
        pool.shed(worker)
        worker.listen()
        # None that has come since the fork is lost.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (*pool.SIGNALS, *pool._OTHERS))
        set_process_title(f"task process [{pool.cfg.proc_name}]")
        pool.log.info("Booting task process with pid: %s", worker.pid)
        status = worker.run()
        pool.log.info("Task process exiting (pid: %s)", worker.pid)
    except BaseException as error:  # noqa: BLE001  # the boundary around a child
        forks.end_stray(error)
        sys.stderr.write(application_traceback(error))
    finally:
        forks.leave(status)


def _channel() -> tuple[Socket, Socket]:
    """Our end of a pair of sockets, and that of a task process, which waits."""
    ours, theirs = (
        unpatched.Socket(fileno=end.detach()) for end in socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    )
    # Those of a library's are born without waiting.
    theirs.setblocking(True)
    return ours, theirs
