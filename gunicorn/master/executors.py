"""What each action of the supervisor makes the master do: one executor an action, in a table."""

from __future__ import annotations

import os
import signal
import time

from gunicorn.errors import HaltServer
from gunicorn.logs import atoms, handlers

from . import decisions, hooks
from .reception import Reception
from .reload import Reloads
from .service_manager import ServiceManager
from .state import MasterState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gunicorn._types import LogOptions

__all__ = ["Executors"]


class Executors:
    """The acting half of `master`.

    What a subclass of the master may replace is called by its name there: `spawn_worker`, `kill_worker`, `reload`,
    `reexec`.
    """

    def __init__(
        self, master: MasterState, manager: ServiceManager, reloads: Reloads, reception: Reception
    ) -> None:
        self._master = master
        self._manager = manager
        self._reloads = reloads
        self._reception = reception

    def execute(self, action: decisions.Action) -> None:
        """Do what `action` says. Raises HaltServer when that is the end of the server, and what a hook raises
        before there was a worker that served."""
        _EXECUTORS[type(action)](self, action)

    # Workers.

    def _spawn(self, action: decisions.Spawn) -> None:
        master = self._master
        try:
            master.spawning = action.generation
            master.spawn_worker()
        except OSError as error:
            if os.getpid() != master.pid:
                raise
            master.log.error("Cannot start a worker: %s", error)
            master.tell_supervisor(decisions.SpawnFailed())
        finally:
            master.spawning = 0

    def _kill(self, action: decisions.Kill) -> None:
        self._master.history.count(killed=action.signal in _ENDING)
        self._master.kill_worker(action.pid, action.signal)

    def _timed_out(self, action: decisions.TimedOut) -> None:
        """Say what the worker was doing, before any signal reaches its application."""
        text, values = f"WORKER TIMEOUT (pid:%s), {action.limit}", [str(action.pid)]
        page = self._master.WORKERS[action.pid].tmp.slot
        running = page.in_flight()
        known: LogOptions = {}
        if running is None:
            text += ": no sign of life for %s s" if action.limit != "boot_timeout" else ": not ready after %s s"
            values.append(f"{action.silent_for:.1f}")
        else:
            line, started = running
            text += " after %s s in: %s"
            values += [f"{time.monotonic() - started:.1f}", atoms.escape(line.decode("latin-1"))]
            if page.request_id:
                known = {"extra": {"request_id": page.request_id}}
        stacks = self._master.stacks.ask(action.pid)
        if stacks:
            text += "\nIt is here:\n%s"
            values.append(stacks)
        self._master.log.critical(text, *values, **known)
        self._master.history.note(text.partition("\n")[0] % tuple(values[: len(values) - bool(stacks)]))

    def _gone(self, action: decisions.Gone) -> None:
        master = self._master
        worker = master.WORKERS.pop(action.pid)
        worker.tmp.close()
        master.measures.worker_gone(worker.tmp.slot, action.cause)
        master.scoreboard.release(worker.tmp.slot)
        hooks.call(master, "child_exit", worker)

    def _resized(self, action: decisions.Resized) -> None:
        self._master.history.note(f"{action.new} workers are wanted, {action.old} were")
        self._master.note_resize(action.old, action.new)

    # Reload and upgrade.

    def _reload(self, action: decisions.Reload) -> None:
        self._master.reload()
        # A configuration that is refused here is none for the tasks either.
        if self._reloads.runs:
            self._master.pool.reload()

    def _reload_done(self, action: decisions.ReloadDone) -> None:
        self._reloads.done()
        self._master.pool.settle()
        self._reception.follow()

    def _reload_failed(self, action: decisions.ReloadFailed) -> None:
        self._reloads.failed(action.reason, action.halfway)
        self._master.pool.settle()

    def _reexec(self, action: decisions.Reexec) -> None:
        self._master.reexec()

    # Logs.

    def _log(self, action: decisions.Log) -> None:
        if action.level != "debug":
            self._master.history.note(action.message % action.args)
        # By its name: loggers that count, or replace one of them, see it.
        getattr(self._master.log, action.level)(action.message, *action.args)

    def _reopen_logs(self, action: decisions.ReopenLogs) -> None:
        handlers.reopen(self._master.log)
        self._master.pool.tell(signal.SIGUSR1)

    # The end.

    def _leaving(self, action: decisions.Leaving) -> None:
        self._manager.leaving()
        for worker in self._master.WORKERS.values():
            worker.tmp.slot.leaving = True

    def _stop_listening(self, action: decisions.StopListening) -> None:
        master = self._master
        if not master.reexec_pid and not master.master_pid:
            for worker in master.WORKERS.values():
                worker.tmp.slot.last = True
        # A copy held here would keep connections waiting after the workers closed theirs.
        for listener in master.LISTENERS:
            listener.close()
        master.parking.stop()

    def _halt(self, action: decisions.Halt) -> None:
        if not self._master.halting:
            raise HaltServer(action.reason or "", action.status)


# With what the end of a worker begins; KILL follows where that is not enough.
_ENDING = (signal.SIGTERM, signal.SIGQUIT, signal.SIGABRT)

_EXECUTORS: dict[type[decisions.Action], Callable[..., None]] = {
    decisions.Spawn: Executors._spawn,
    decisions.Kill: Executors._kill,
    decisions.Log: Executors._log,
    decisions.TimedOut: Executors._timed_out,
    decisions.Leaving: Executors._leaving,
    decisions.Gone: Executors._gone,
    decisions.Resized: Executors._resized,
    decisions.Reload: Executors._reload,
    decisions.ReloadDone: Executors._reload_done,
    decisions.ReloadFailed: Executors._reload_failed,
    decisions.ReopenLogs: Executors._reopen_logs,
    decisions.Reexec: Executors._reexec,
    decisions.StopListening: Executors._stop_listening,
    decisions.Halt: Executors._halt,
}
