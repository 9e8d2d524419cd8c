"""The master of the task processes: a process of its own, in which callers and task processes meet.

One thread, one loop. It accepts callers at a socket that the master has opened, and hands their calls to task processes
by the word of the router (`tasks/router.py`); it starts, watches and replaces these by the word of the same supervisor
that the master of the workers has. It opens no module of an application, unless it is to (`dirty_preload`). What it is
told to do by the master comes by a pipe, as numbers of signals; the end of that pipe is the end of the server.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

from gunicorn.errors import HaltServer
from gunicorn.loading.garbage import set_apart
from gunicorn.loading.tracebacks import application_traceback
from gunicorn.logs import handlers
from gunicorn.tasks.apps import get_app_workers_attribute
from gunicorn.tasks.errors import DirtyError
from gunicorn.tasks.place import remove_place
from gunicorn.tasks.process import BOOT_ERROR
from gunicorn.unix import forks, unpatched
from gunicorn.unix.interest import READ

from . import decisions, hooks, signals
from .pool_processes import PoolProcesses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

__all__ = ["DirtyArbiter"]

FAREWELL_SECONDS = 1.0
"""At the end, so long callers may take to read their last answers."""


class DirtyArbiter(PoolProcesses):
    """The whole of it: its loop, and what it does by the word of its supervisor."""

    # The life of the process.

    def run(self) -> int:
        """Serve until told to stop; the status of the process, 3 where no task process could start."""
        self._begin()
        if self.cfg.dirty_preload and not self._preload():
            return BOOT_ERROR
        try:
            while True:
                self._turn()
        except HaltServer as end:
            if end.reason:
                self.log.error("Task processes: %s", end.reason)
            self._switchboard.say_farewell(FAREWELL_SECONDS)
            if self._is_orphan:
                remove_place(self.socket_path)
            return end.exit_status

    def _begin(self) -> None:
        forks.guard(self._put_down)
        signals.listen(self._pipe[1], self.SIGNALS)
        for number in self._OTHERS:
            unpatched.set_handler(number, int(signal.SIG_IGN))
        hooks.call(self, "on_dirty_starting")
        os.set_blocking(self._orders, False)
        self._watch(self._orders, self._on_orders)
        self._interest.watch(self._pipe[0], READ)
        self._listener.setblocking(False)
        self._watch(self._listener.fileno(), self._on_caller)
        self.log.info("Task processes are led by a process of its own (pid:%s), at %s", self.pid, self.socket_path)

    def _preload(self) -> bool:
        """Have the modules of applications here, so that task processes share their memory; whether that can be."""
        for path in self._specs:
            try:
                get_app_workers_attribute(path)
            except BaseException as error:  # noqa: BLE001  # the boundary around the user's code
                forks.end_stray(error)
                if isinstance(error, DirtyError):
                    self.log.error("Task processes: %s", error.message)
                else:
                    self.log.error("Exception while %s was loaded\n%s", path, application_traceback(error).rstrip())
                return False
        set_apart(after_collecting=True)
        return True

    def _watch(self, fd: int, act: Callable[[int, int], None]) -> None:
        self._sources[fd] = act
        self._interest.watch(fd, READ)

    def _forget(self, fd: int) -> None:
        self._sources.pop(fd, None)
        self._interest.forget(fd)

    def _put_down(self) -> None:
        """In a child that a hook has forked."""
        forks.reset_signals((*self.SIGNALS, *self._OTHERS))
        self._close_all()

    # The loop.

    def _turn(self) -> None:
        moments = [moment for moment in (self._deadline, self._memory.due) if moment is not None]
        until = min(moments, default=None)
        numbers = b""
        for fd, why in self._switchboard.attend(until):
            if fd == self._pipe[0]:
                numbers = unpatched.read(fd, 4096)
            elif fd in self._sources:
                self._sources[fd](fd, why)
        self._take(numbers)
        if numbers or self._news or (until is not None and time.monotonic() >= until):
            self._step()

    def _take(self, numbers: bytes) -> None:
        for number in numbers:
            if number == signal.SIGCHLD:
                self._reap()
            elif number != signals.POKE:
                self.log.info("Task processes: handling signal %s", signal.Signals(number).name)
                self._news.signals.append(number)

    def _on_orders(self, fd: int, why: int) -> None:
        numbers = os.read(fd, 4096)
        if not numbers:
            # The master has ended, and tidies up nothing any more.
            self._forget(fd)
            self._is_orphan = True
            numbers = bytes([signal.SIGTERM])
        self._news.signals += numbers
        self._heard += len(numbers)

    def _step(self) -> None:
        """Do what is to be done now, and tell of it."""
        self._act()
        self._router.failing = self._books.is_failing
        self._board.report(self._books.target, self._switchboard.places, self.has_served)
        for pid in self.workers:
            member = self._books.members.get(pid)
            if member is not None:
                self._board.phase(pid, member.phase)
        orders, self._heard = self._heard, 0
        if orders:
            self._board.hear(orders, self._books.take_reason())

    def _act(self) -> None:
        """Ask the supervisor and do what it says, until there is nothing more to do."""
        while True:
            now = time.monotonic()
            for pid, used in self._memory.look(now, self._books, list(self.workers)).items():
                self._news.reports.append(decisions.Measured(pid, used))
            pages = {pid: worker.tmp.slot for pid, worker in self.workers.items()}
            decision = self._news.tell(self._books, now, pages)
            for action in decision.actions:
                _EXECUTORS[type(action)](self, action)
            if not decision.actions and not self._news:
                self._deadline = decision.deadline
                break

    def _on_caller(self, fd: int, why: int) -> None:
        try:
            self._switchboard.accept(self._listener)
        except OSError as error:
            self.log.error("No caller of task processes can be accepted: %s", error)

    # Actions.

    def _log(self, action: decisions.Log) -> None:
        getattr(self.log, action.level)(f"Task processes: {action.message}", *action.args)

    def _timed_out(self, action: decisions.TimedOut) -> None:
        stacks = self._stacks_of(action.pid)
        text = "TASK PROCESS TIMEOUT (pid:%s), %s: not ready after %.1f s" + ("\nIt is here:\n%s" if stacks else "")
        self.log.critical(text, action.pid, action.limit, action.silent_for, *([stacks] if stacks else []))

    def _reopen_logs(self, action: decisions.ReopenLogs) -> None:
        handlers.reopen(self.log)

    def _stop_listening(self, action: decisions.StopListening) -> None:
        self._router.stop()

    def _halt(self, action: decisions.Halt) -> NoReturn:
        raise HaltServer(action.reason or "", action.status)

    def _nothing(self, action: decisions.Action) -> None:
        """What is the business of the workers' master alone."""


_EXECUTORS: dict[type[decisions.Action], Callable[..., None]] = {
    decisions.Spawn: DirtyArbiter._spawn,
    decisions.Kill: DirtyArbiter._kill,
    decisions.Log: DirtyArbiter._log,
    decisions.TimedOut: DirtyArbiter._timed_out,
    decisions.Leaving: DirtyArbiter._nothing,
    decisions.Gone: DirtyArbiter._gone,
    decisions.Resized: DirtyArbiter._nothing,
    decisions.Reload: DirtyArbiter._reload_begins,
    decisions.ReloadDone: DirtyArbiter._reload_done,
    decisions.ReloadFailed: DirtyArbiter._reload_failed,
    decisions.ReopenLogs: DirtyArbiter._reopen_logs,
    decisions.Reexec: DirtyArbiter._nothing,
    decisions.StopListening: DirtyArbiter._stop_listening,
    decisions.Halt: DirtyArbiter._halt,
}
