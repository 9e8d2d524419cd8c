"""A reload as a transaction: what a new configuration changes in the master, and the way back.

Between `begin` and `commit` the old workers serve on, so nothing they need is closed; `rollback` undoes
everything that `begin` did.
"""

from __future__ import annotations

import os
import time

from gunicorn.config.checks import check_there_is_one
from gunicorn.errors import ConfigError, OwnSignal
from gunicorn.loading.tracebacks import application_traceback
from gunicorn.logs.switch import LogSwitch
from gunicorn.unix import listening
from gunicorn.unix.process import set_process_title
from gunicorn.unix.sockets import BaseSocket

from . import hooks
from .decisions import Reconfigured, ReloadRefused, Restored
from .policy import policy_of
from .service_manager import ServiceManager
from .state import MasterState

__all__ = ["ReloadTransaction", "Reloads"]

#: What decides which applications there are, and where they are found.
_CHOOSING = ("wsgi_app", "mount", "pythonpath")


class Reloads:
    """The reloads of `master`: one transaction at a time, begun here and brought to one of its ends."""

    def __init__(self, master: MasterState, manager: ServiceManager) -> None:
        self._master = master
        self._manager = manager
        self._running: ReloadTransaction | None = None

    @property
    def runs(self) -> bool:
        """Whether new workers boot beside the old ones."""
        return self._running is not None

    @property
    def old_listeners(self) -> list[BaseSocket]:
        """Those that the old workers of a running reload use."""
        return self._running.listeners if self._running is not None else []

    def begin(self) -> None:
        """Read the configuration again and open a generation of workers; what is wrong with it is logged and
        changes nothing."""
        master = self._master
        master.history.count(reloads=1)
        master.history.note("Reload begins")
        self._manager.reload_begins()
        transaction = ReloadTransaction(master)
        problem = transaction.begin()
        if problem is not None:
            master.tell_supervisor(ReloadRefused())
            master.measures.reloaded("refused")
            master.log.error("Reload refused, the running configuration stays: %s", problem)
            master.history.reload_has_ended(problem)
            self._manager.reload_is_over(f"the running configuration stays: {problem}")
            return
        self._running = transaction
        transaction.tell_what_stays()
        hooks.call(master, "on_reload")
        set_process_title(f"master [{master.proc_name}]")
        master.tell_supervisor(Reconfigured(policy_of(master.cfg, master.worker_class)))

    def done(self) -> None:
        """The new generation serves."""
        master, transaction = self._master, self._end()
        if transaction is not None:
            transaction.commit()
            count = "1 worker serves" if master.num_workers == 1 else f"{master.num_workers} workers serve"
            took = time.monotonic() - transaction.begun_at
            master.log.info("Reload done: %s the new configuration, after %.1f s", count, took)
        master.measures.reloaded("success")
        self._tell_outcome(None)

    def failed(self, reason: str, halfway: bool) -> None:
        """The new generation cannot boot; `halfway`: some of it serves already, and stays."""
        master, transaction = self._master, self._end()
        master.measures.reloaded("halfway" if halfway else "failed")
        if halfway:
            master.log.error("Reload stopped half-way, the old workers that are left stay: %s", reason)
            if transaction is not None:
                transaction.commit()
            self._tell_outcome(f"stopped half-way: {reason}")
            return
        master.log.error("Reload failed, the old workers stay: %s", reason)
        if transaction is not None:
            transaction.rollback()
        master.tell_supervisor(Restored(policy_of(master.cfg, master.worker_class)))
        self._tell_outcome(f"the old workers stay: {reason}")

    def settle(self) -> None:
        """The server ends: nobody goes back to the old configuration."""
        if self._running is not None:
            self._running.commit()

    def close_old_logs(self) -> None:
        """In a new worker, which has inherited those of before the reload."""
        if self._running is not None:
            self._running.close_old_logs()

    def _tell_outcome(self, problem: str | None) -> None:
        self._master.history.reload_has_ended(problem)
        # Where another SIGHUP has come meanwhile, its outcome is the one that counts.
        if not self._master.supervisor.reloading:
            self._manager.reload_is_over(problem)

    def _end(self) -> ReloadTransaction | None:
        running, self._running = self._running, None
        return running


class ReloadTransaction:
    """One reload of `master`."""

    def __init__(self, master: MasterState) -> None:
        self._master = master
        self.begun_at = time.monotonic()
        self._cfg = master.cfg
        self._listeners = master.LISTENERS
        self._address = master.address
        self._worker_class = master.worker_class
        self._num_workers = master.num_workers
        self._timeout = master.timeout
        self._proc_name = master.proc_name
        self._opened: list[BaseSocket] = []
        self._dropped: list[BaseSocket] = []
        self._logs: LogSwitch | None = None
        self._pidfile = master.pidfile

    @property
    def listeners(self) -> list[BaseSocket]:
        """Those of the old workers."""
        return self._listeners

    def begin(self) -> str | None:
        """Read and apply the configuration of now. Returns why that cannot be, everything being as before;
        None when it is done."""
        master = self._master
        try:
            self._forget_env()
            master.app.reload()
            master.setup(master.app)
            master.pool.try_it()
            self._logs = LogSwitch(master.log)
            master.log.setup(master.cfg)
            self._rebind()
            master.faces.rebind()
            self._move_pidfile()
        except OwnSignal:
            raise
        except (ConfigError, RuntimeError, OSError) as error:
            self.rollback()
            return str(error)
        except SystemExit:
            self.rollback()
            return "see above"
        except BaseException as error:  # noqa: BLE001  # the boundary around the user's code
            self.rollback()
            master.log.error("Error in the new configuration\n%s", application_traceback(error).rstrip())
            return f"{type(error).__name__}: {error}"
        return None

    def tell_what_stays(self) -> None:
        """An application that was loaded in this process is not loaded again, whatever is wanted now."""
        old, master = self._cfg, self._master
        if not old.preload_app:
            return
        changed = [name for name in _CHOOSING if getattr(old, name) != getattr(master.cfg, name)]
        if changed:
            master.log.warning(
                "Of %s what is new counts for nothing: the application stays as it was loaded (preload_app). "
                "USR2 or a restart takes it", " and ".join(changed)
            )
            return
        master.log.info("The application stays as it was loaded (preload_app), settings are new. USR2 takes new code")

    def commit(self) -> None:
        """The new generation serves: close what only the old one used."""
        listening.close_sockets(self._dropped)
        self._master.faces.settle()
        if self._pidfile is not None and self._pidfile is not self._master.pidfile:
            self._pidfile.unlink()
        self.close_old_logs()

    def close_old_logs(self) -> None:
        """Those of before `begin`; in a new worker too, which has inherited them."""
        logs, self._logs = self._logs, None
        if logs is not None:
            logs.finish()

    def rollback(self) -> None:
        """Back to the configuration and the listeners from before `begin`."""
        master = self._master
        self._forget_env()
        master.app.cfg = master.cfg = self._cfg
        os.environ.update(self._cfg.env or {})
        master.LISTENERS = self._listeners
        listening.close_sockets(self._opened)
        master.faces.undo()
        master.worker_class, master.address = self._worker_class, self._address
        master.timeout, master.proc_name = self._timeout, self._proc_name
        logs, self._logs = self._logs, None
        if logs is not None:
            logs.restore()
        if master.pidfile is not self._pidfile:
            if master.pidfile is not None:
                master.pidfile.unlink()
            master.pidfile = self._pidfile
        if self._num_workers is not None and master.num_workers != self._num_workers:
            master.num_workers = self._num_workers

    def _forget_env(self) -> None:
        """Take back what `raw_env` set, so that a name removed from the file is removed."""
        cfg = self._master.cfg
        for name in cfg.env or {}:
            if name in cfg.env_orig:
                os.environ[name] = cfg.env_orig[name]
            else:
                os.environ.pop(name, None)

    def _move_pidfile(self) -> None:
        """Write the PID file under another name, if it has got one; the old one is removed by `commit`."""
        master = self._master
        wanted = master.cfg.pidfile
        if wanted is None or (master.pidfile is not None and master.pidfile.fname in (wanted, wanted + ".2")):
            return
        master.pidfile = master.write_pidfile(wanted + ".2" if master.master_pid else wanted)

    def _rebind(self) -> None:
        """Listeners for the addresses of now: those that were there are kept, the others opened."""
        master = self._master
        if master.systemd or self._address == master.address:
            return
        check_there_is_one(master.cfg, master.address)
        kept = {str(listener.setting): listener for listener in self._listeners}
        listeners: list[BaseSocket] = []
        for address in master.address:
            listener = kept.pop(str(address), None)
            if listener is None:
                listener = listening.open_listener(address, master.cfg, master.log)
                self._opened.append(listener)
            listeners.append(listener)
        self._dropped = list(kept.values())
        master.LISTENERS = listeners
        master.log.info("Listening at: %s", ",".join(map(str, listeners)))
