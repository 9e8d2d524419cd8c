"""The pool of task processes, as the master sees it: a process of its own that leads them (`pool_master.py`).

The socket at which tasks are asked for is the master's, so that it outlives that process: who comes meanwhile waits in
the kernel's queue. The process is told what to do by a pipe, numbers of signals, and ends with it. Nothing of tasks is
imported where no `dirty_apps` are set.
"""

from __future__ import annotations

import os
import signal
import socket
import time

from gunicorn._standard import standard_first
from gunicorn.errors import HaltServer
from gunicorn.loading.tracebacks import application_traceback
from gunicorn.unix import forks, unpatched
from gunicorn.unix.process import chown, set_owner_process, set_process_title
from gunicorn.unix.unpatched import Socket

from .state import MasterState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from gunicorn._types import Clock
    from gunicorn.instrument.task_board import TaskBoard
    from gunicorn.instrument.task_readings import PoolReading

    from .pool_master import DirtyArbiter

__all__ = ["Pool"]

# As in `tasks/place.py`, which is not imported where there are no tasks.
VARIABLE = "GUNICORN_DIRTY_SOCKET"
VARIABLE_OF_LIMIT = "GUNICORN_DIRTY_LIMIT"

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 10.0
"""So long (seconds) nothing is started after a process that has ended by itself soon; twice as long each time."""

STABLE_AFTER = 3.0
BACKLOG = 1024
LOOK_SECONDS = 0.01
_HASTENING = (signal.SIGINT, signal.SIGQUIT)
STOP_GRACE = 2.0
"""So long past `dirty_graceful_timeout` the process may take to end."""


class TaskOrder:
    """Something that the process was told to do."""

    def __init__(self, board: TaskBoard, before: int, told: int) -> None:
        self._board = board
        self._told = told
        self.before = before

    def look(self) -> tuple[int, str] | None:
        """How many task processes are wanted now, and why there are not less; None: it has not been done yet."""
        board = self._board
        return (board.target, board.reason) if board.heard >= self._told else None


class Pool:
    """`due`: monotonic moment of the next turn that this wants; None: none."""

    def __init__(self, master: MasterState, clock: Clock = time.monotonic) -> None:
        self.due: float | None = None
        self._master = master
        self._clock = clock
        self._pid = 0
        self._path = ""
        self._listener: Socket | None = None
        # Where the process is told what to do; closing this end ends it.
        self._orders = -1
        self._started_at = 0.0
        self._pause = 0.0
        self._has_served = False
        # What that process tells of itself; None: there never was one.
        self._board: TaskBoard | None = None
        # How many orders it was sent.
        self._told = 0
        # Whether the server needs it to start; what a reload adds may be wrong, and the server goes on.
        self._is_vital = True
        # A reload has taken the tasks away: the process ends behind the last worker that knows of it, or does already.
        self._is_unwanted = self._is_leaving = False

    def open(self) -> None:
        """Listen, and start the process, before there is a worker. Raises ConfigError and HaltServer."""
        # Another server's, whose child this may be, is not this one's.
        os.environ.pop(VARIABLE, None)
        if not self._is_wanted:
            return
        self.try_it()
        try:
            self._listen()
        except OSError as error:
            raise HaltServer(f"the socket of task processes cannot be opened: {error}", 1) from error
        self._start()

    @property
    def _is_wanted(self) -> bool:
        return bool(self._master.cfg.dirty_workers and self._master.cfg.dirty_apps)

    def try_it(self) -> None:
        """Look at the settings as `open` would. Raises ConfigError."""
        if self._is_wanted:
            with standard_first():
                from .pool_policy import specs_of

            specs_of(self._master.cfg)
            if self._master.cfg.dirty_backend == "ray":
                from .ray_pool import check

                check(self._master.cfg)

    @property
    def pid(self) -> int:
        """The process that leads task processes; 0: there is none."""
        return self._pid

    @property
    def count(self) -> int:
        """How many task processes there are."""
        return self._board.count if self._board is not None and self._pid else 0

    def read(self) -> PoolReading | None:
        """What there is to see of it; None: there are no tasks."""
        if self._board is None or self._listener is None:
            return None
        # Processes of another backend than that of this machine are numbered by the pool.
        is_here = self._master.cfg.dirty_backend == "local"
        return self._board.read().replaced(is_here=is_here)

    def order(self, number: int, times: int) -> TaskOrder | None:
        """Have the process act so many times as on this signal; what comes of it. None: there is no such process, or it
        has just ended."""
        if self._orders < 0 or self._board is None:
            return None
        before, told = self._board.target, self._told
        self.tell(number, times)
        return TaskOrder(self._board, before, self._told) if self._told > told else None

    def _listen(self) -> None:
        with standard_first():
            from tempfile import mkdtemp
        cfg = self._master.cfg
        folder = mkdtemp(prefix="gunicorn-dirty-")
        self._path = os.path.join(folder, "tasks.sock")
        self._listener = Socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._listener.bind(self._path)
            os.chmod(self._path, 0o600)
            for path in (folder, self._path):
                if os.geteuid() == 0:
                    chown(path, cfg.uid, cfg.gid)
            self._listener.listen(BACKLOG)
        except OSError:
            self._unlink()
            raise
        self._publish()

    def _publish(self) -> None:
        """Have the workers that are started from now on know where tasks are asked for, or that there are none."""
        if self._is_wanted and self._listener is not None:
            os.environ[VARIABLE] = self._path
            os.environ[VARIABLE_OF_LIMIT] = str(self._master.cfg.dirty_max_message)
        else:
            os.environ.pop(VARIABLE, None)

    # A reload.

    def reload(self) -> None:
        """The configuration was read again: the process does so as well, or is started, if these are the first tasks.
        """
        if self._is_wanted and self._listener is None:
            self._is_vital = False
            try:
                self._listen()
            except OSError as error:
                self._master.log.error("The socket of task processes cannot be opened: %s", error)
                return
            if self._pid:
                # The one before is on its way out.
                return
            self._start()
        elif self._is_wanted:
            self.tell(signal.SIGHUP)
        self._publish()

    def settle(self) -> None:
        """A reload is over: where the configuration has no tasks now, there is no need for the process any more."""
        self._is_unwanted = self._listener is not None and not self._is_wanted
        self._publish()

    def _dismiss(self) -> None:
        """End the process; nobody waits for that."""
        self._is_unwanted = False
        self._is_leaving = bool(self._pid)
        self._master.log.info("There are no task applications any more: their processes end")
        self._unlink()
        self.tell(signal.SIGTERM)

    # The process.

    def look(self, now: float) -> None:
        """Start the process again where it is missing and the pause is over; end it where nobody needs it."""
        books = self._master.supervisor
        if self._is_unwanted and all(each.generation == books.generation for each in books.members.values()):
            self._dismiss()
        if self.due is not None and now >= self.due:
            self.due = None
            self._start()

    def ended(self, pid: int, status: int) -> bool:
        """A child has ended; whether it was this one. Raises HaltServer when no task process could ever start."""
        if pid != self._pid or not pid:
            return False
        was_leaving = self._is_leaving
        self._forget_process()
        if self._listener is not None and not self._master.halting:
            self.due = self._clock() if was_leaving else self._next_start(pid, os.waitstatus_to_exitcode(status))
        return True

    def _forget_process(self) -> None:
        """Of the process that has ended remains whether it ever served."""
        assert self._board is not None
        self._has_served = self._has_served or self._board.has_served
        self._board.ended()
        self._pid = 0
        self._is_leaving = False
        self._close_orders()

    def _next_start(self, pid: int, code: int) -> float:
        """When the process is started again (monotonic), which has ended by itself. Raises HaltServer when no task
        process could ever start."""
        if not self._has_served and code > 0 and self._is_vital:
            raise HaltServer("Task processes failed to boot.", code)
        now = self._clock()
        lasted = now - self._started_at >= STABLE_AFTER
        self._pause = pause_after(self._pause, lasted)
        self._master.log.error("The master of task processes (pid:%s) ended with %s; it is started again", pid, code)
        return now + self._pause

    def tell(self, number: int, times: int = 1) -> None:
        """Have the process act as on this signal."""
        if self._orders >= 0:
            try:
                self._told += unpatched.write(self._orders, bytes([number]) * times)
            except OSError:
                # It has ended, or has a pipe full of them to read.
                return

    def _start(self) -> None:
        master = self._master
        if self._board is None:
            with standard_first():
                from gunicorn.instrument.task_board import TaskBoard

            self._board = TaskBoard()
        self._board.report(master.cfg.dirty_workers, 0, False)
        self._told = 0
        self._started_at = self._clock()
        orders, self._orders = os.pipe()
        os.set_blocking(self._orders, False)
        # A signal between the fork and the child's own handlers would be written into the master's pipe.
        signal.pthread_sigmask(signal.SIG_BLOCK, master.SIGNALS)
        try:
            self._pid = forks.fork()
        except OSError as error:
            master.log.error("The master of task processes cannot be started: %s", error)
            self._close_orders()
            self.due = self._started_at + LONGEST_PAUSE
        finally:
            if os.getpid() == master.pid:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, master.SIGNALS)
                os.close(orders)
        if os.getpid() != master.pid:
            self._live(orders)

    def _live(self, orders: int) -> NoReturn:
        """Be that process, to its end: nothing of the master may go on here."""
        status = 1
        master = self._master
        try:
            leader = _leader(master.cfg.dirty_backend)
            signal.set_wakeup_fd(-1)
            listener, self._listener = self._listener, None
            assert listener is not None
            assert self._board is not None
            for number in master.SIGNALS:
                unpatched.set_handler(number, int(signal.SIG_DFL if number == signal.SIGCHLD else signal.SIG_IGN))
            master.close_what_is_its_own(())
            signal.pthread_sigmask(signal.SIG_UNBLOCK, master.SIGNALS)
            set_process_title(f"tasks [{master.proc_name}]")
            cfg = master.cfg
            set_owner_process(cfg.uid, cfg.gid, initgroups=cfg.has_groups_of_user)
            led = leader(master.app, master.log, listener, self._path, orders, master.pid, self._board)
            status = led.run()
        except BaseException as error:  # noqa: BLE001  # the boundary around a child
            forks.end_stray(error)
            master.log.error("Exception in the master of task processes\n%s", application_traceback(error).rstrip())
        finally:
            forks.leave(status)

    # The end.

    def end(self, graceful: bool = True) -> None:
        """The last worker is gone: so may the task processes. Waits until they are, unless somebody hastens that."""
        self._unlink()
        self.tell(signal.SIGTERM if graceful else signal.SIGQUIT)
        limit = self._master.cfg.dirty_graceful_timeout if graceful else 0
        until = self._clock() + limit + STOP_GRACE
        while self._pid:
            if forks.has_ended(self._pid, kill=self._clock() >= until):
                self._pid = 0
            elif self._is_hastened():
                self.tell(signal.SIGQUIT)
        self._close_orders()

    def _is_hastened(self) -> bool:
        """Sleep for a moment, and see whether a signal has come that wants the end at once."""
        sleep = unpatched.select.poll()
        for fd in self._master.PIPE[:1]:
            sleep.register(fd, unpatched.select.POLLIN)
        ready = sleep.poll(LOOK_SECONDS * 1000)
        return any(number in _HASTENING for fd, _ in ready for number in unpatched.read(fd, 4096))

    def put_down(self) -> None:
        """In a child, to which nothing of this belongs."""
        self._close_orders()
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        self._pid = 0

    def _unlink(self) -> None:
        listener, self._listener = self._listener, None
        self.due = None
        if listener is not None:
            from gunicorn.tasks.place import remove_place

            listener.close()
            remove_place(self._path)

    def _close_orders(self) -> None:
        orders, self._orders = self._orders, -1
        if orders >= 0:
            os.close(orders)


def pause_after(before: float, lasted: bool) -> float:
    """How many seconds nothing is started after a process has ended by itself; `before`: the last time."""
    return 0.0 if lasted else min(max(before * 2, FIRST_PAUSE), LONGEST_PAUSE)


def _leader(backend: str) -> type[DirtyArbiter]:
    """What leads the tasks, by where these run."""
    if backend == "ray":
        from .ray_pool import RayArbiter

        return RayArbiter
    from .pool_master import DirtyArbiter

    return DirtyArbiter
