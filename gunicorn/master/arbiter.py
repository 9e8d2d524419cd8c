"""The master: the loop that puts its parts together, under the names that subclasses of third parties know.

One thread, one loop: sleep until a signal, a poke of a worker or a deadline (`signals.py`); collect what happened; ask
the supervisor (`supervisor.py`); act (`executors.py`).
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable

from gunicorn import SERVER_SOFTWARE
from gunicorn.config.checks import check_there_is_one
from gunicorn.errors import HaltServer
from gunicorn.instrument.gauges import Gauges
from gunicorn.instrument.profile_file import ProfileFile
from gunicorn.instrument.scoreboard import Scoreboard
from gunicorn.instrument.stacks import StackFile
from gunicorn.tls import entrance
from gunicorn.unix import forks, listening
from gunicorn.unix.interest import READ, Interest
from gunicorn.unix.pidfile import Pidfile
from gunicorn.unix.process import set_process_title
from gunicorn.unix.sockets import BaseSocket

from . import hooks, signals, startup, upgrade
from .child import fork_worker, live
from .decisions import Exit, Measured, Report, Resize, Spawned
from .executors import Executors
from .faces import Faces
from .handlers import Handlers
from .history import History
from .measures import Measures
from .memory import MemoryWatch
from .metrics_export import MetricsExport
from .parking import Parking
from .policy import policy_of
from .pool import Pool
from .reception import Reception
from .reload import Reloads
from .service_manager import ServiceManager
from .slow_requests import SlowWatch
from .supervisor import Supervisor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .decisions import Vitals
    from .state import ServedApplication

__all__ = ["Arbiter"]


class Arbiter(Handlers):
    """The master process. `Arbiter(app).run()` returns by SystemExit only.

    `app` has `cfg`, `reload()` and `wsgi()`. Exit codes: 0 after a stop that was asked for, 1 when a
    listener or the PID file cannot be had, 3 when a worker failed to boot, 4 when the application failed to
    load.
    """

    faces: Faces
    parking: Parking
    pool: Pool

    def __init__(self, app: ServedApplication) -> None:
        super().__init__()
        # Class attributes by name, as third parties expect, but never shared between two masters.
        self.LISTENERS, self.WORKERS, self.PIPE = [], {}, []
        os.environ["SERVER_SOFTWARE"] = SERVER_SOFTWARE
        self._num_workers: int | None = None
        self._supervisor: Supervisor | None = None
        self.scoreboard = Scoreboard()
        self.pid = os.getpid()
        self.worker_age = 0
        self.setup(app)
        self.START_CTX = upgrade.start_context(self.cfg)
        self._deadline: float | None = 0.0
        self._parent_fd = -1
        self.stacks = StackFile(live)  # type: ignore[arg-type]
        self.profiles = ProfileFile(live)  # type: ignore[arg-type]
        self._memory = MemoryWatch()
        self._slow = SlowWatch(self)
        self._interest = Interest()
        self.history = History()
        self.reception = Reception(self, self._interest)
        self.measures = Measures(self)
        self.faces = Faces(self, self.reception, self.measures)
        self._export = MetricsExport(self, self.reception, self.measures)
        self.parking = Parking(self, self._interest)
        self.pool = Pool(self)
        self._manager = ServiceManager(self)
        self._reloads = Reloads(self, self._manager)
        self._executors = Executors(self, self._manager, self._reloads, self.reception)
        self.gauges = Gauges(self.log, self.cfg.enable_backlog_metric)
        # Children that are no workers, and whatever wants a turn of the loop at a moment of its own.
        self._helpers = self._export, self.parking, self.pool
        self._timed = self.gauges, self._manager, self.reception, self._slow, *self._helpers

    def setup(self, app: ServedApplication) -> None:
        """Take over the configuration of `app`; loads the application under `preload_app`."""
        self.app = app
        self.cfg = app.cfg
        if getattr(self, "log", None) is None:
            self.log = self.cfg.logger_class(app.cfg)
        entrance.prepare(self.cfg)
        self.worker_class = self.cfg.worker_class
        self.address = self.cfg.address
        self.num_workers = self.cfg.workers
        self.timeout = self.cfg.timeout
        self.proc_name = self.cfg.proc_name
        startup.log_settings(self.cfg, self.log)
        for name, value in (self.cfg.env or {}).items():
            os.environ[name] = value
        if self.cfg.preload_app:
            startup.preload(self.app)

    @property
    def supervisor(self) -> Supervisor:
        """The policy and its books."""
        if self._supervisor is None:
            self._supervisor = Supervisor(policy_of(self.cfg, self.worker_class))
        return self._supervisor

    @property
    def has_served(self) -> bool:
        """Whether a worker has ever been ready."""
        return self._supervisor is not None and self._supervisor.ever_ready

    @property
    def num_workers(self) -> int | None:
        """Wanted number of workers. Setting it calls the `nworkers_changed` hook."""
        return self._num_workers

    @num_workers.setter
    def num_workers(self, value: int) -> None:
        old, self._num_workers = self._num_workers, value
        if self._supervisor is not None:
            self.tell_supervisor(Resize(value))
        hooks.call(self, "nworkers_changed", value, old)

    def tell_supervisor(self, report: Report) -> None:
        """Have the supervisor know at its next step."""
        self._news.reports.append(report)

    def note_resize(self, old: int, new: int) -> None:
        """The supervisor itself has changed the wanted number of workers: the hook is told."""
        self._num_workers = old
        self.num_workers = new

    # Start.

    def run(self) -> None:
        """Serve until told to stop. Leaves by SystemExit; a worker ends inside."""
        self.start()
        set_process_title(f"master [{self.proc_name}]")
        try:
            while True:
                self._turn()
        except (StopIteration, KeyboardInterrupt):
            self.halt()
        except HaltServer as error:
            self.halt(reason=error.reason or None, exit_status=error.exit_status)
        except SystemExit:
            # A subclass has had enough. No worker may outlive its master unseen.
            self._abandon()
            raise
        except BaseException:  # the boundary around this process
            # A hook failed, or we did.
            self.log.error("Unhandled exception in main loop", exc_info=True)
            self._abandon()
            sys.exit(-1)

    def start(self) -> None:
        """Signals, PID file, listeners, and the hooks `on_starting` and `when_ready`."""
        startup.announce(self.cfg, self.log)
        upgrade.inherit(self)
        self._parent_fd = upgrade.watch_parent(self)
        self.pid = os.getpid()
        if self.cfg.pidfile is not None:
            self.pidfile = self.write_pidfile(self.cfg.pidfile + ".2" if self.master_pid else self.cfg.pidfile)
        hooks.call(self, "on_starting")
        self.init_signals()
        if not self.LISTENERS:
            self.LISTENERS = upgrade.inherited_listeners(self) or listening.create_sockets(self.cfg, self.log)
        check_there_is_one(self.cfg, self.LISTENERS)
        startup.announce_listeners(self)
        self.faces.open()
        startup.check_worker_class(self)
        self.reception.open()
        self.parking.open()
        self.pool.open()
        hooks.call(self, "when_ready")
        startup.share(self.cfg)

    def rehearse(self) -> None:
        """Try what `start` would do, and leave no trace. Raises ConfigError, and SystemExit after a line in the log."""
        startup.rehearse(self)

    def write_pidfile(self, path: str) -> Pidfile:
        """Write a PID file for this master. Raises ConfigError."""
        return startup.new_pidfile(path, self.pid, self.cfg)

    def _remove_pidfile(self) -> None:
        if self.pidfile is not None:
            self.pidfile.unlink()

    def init_signals(self) -> None:
        """Have each signal written into the pipe that the loop reads."""
        for fd in self.PIPE:
            self._interest.forget(fd)
            os.close(fd)
        self.PIPE = signals.open_pipe()
        forks.guard(self.put_down)
        signals.listen(self.PIPE[1], self.SIGNALS)

    # The loop.

    def _turn(self) -> None:
        """Sleep until there is something to do, and do it. By methods that a subclass may replace."""
        for number in (*self._wait(), *self.reception.take_signals()):
            self._handle(number)
        self.reap_workers()
        self.maybe_promote_master()
        self.murder_workers()
        self.manage_workers()
        self.reception.settle()

    def _step(self) -> None:
        """Do what is to be done now, and tell of it."""
        self._act()
        self._measure()
        now = time.monotonic()
        self._manager.report(now, self._board(), self._reloads.runs)
        self.gauges.report(now, self.WORKERS, self.LISTENERS)
        for part in (self._slow, *self._helpers):
            part.look(now)

    def _act(self) -> None:
        """Ask and act until there is nothing more to do."""
        while True:
            decision = self._news.tell(self.supervisor, time.monotonic(), self._board())
            for action in decision.actions:
                self._executors.execute(action)
            if not decision.actions and not self._news:
                self._deadline = decision.deadline
                break

    def _measure(self) -> None:
        """Look at the workers' memory where that is due, and do what follows."""
        for pid, used in self._memory.look(time.monotonic(), self.supervisor, self.WORKERS).items():
            self.tell_supervisor(Measured(pid, used))
        if self._news:
            self._act()

    def _board(self) -> dict[int, Vitals]:
        """What the scoreboard tells of the living workers."""
        return {pid: worker.tmp.slot for pid, worker in self.WORKERS.items()}

    def _wait(self) -> bytes:
        """Numbers of the signals that came; empty when something else has ended the sleep."""
        now = time.monotonic()
        all_moments = (self._deadline, self._memory.due, *(part.due for part in self._timed))
        moments = [moment for moment in all_moments if moment is not None]
        if self._parent_fd >= 0:
            self._interest.watch(self._parent_fd, READ)
        elif self.master_pid:
            # No descriptor tells of the old master's end on this system: look every second.
            moments.append(now + 1.0)
        timeout = max(0.0, min(moments) - now) if moments else None
        numbers, events = signals.wait(self.PIPE[0], self._interest, timeout)
        self.reception.take(events)
        return numbers

    # Workers.

    def spawn_worker(self) -> int:
        """Fork one worker; PID in the master. Never returns in the worker."""
        books = self.supervisor
        generation = self.spawning or books.incoming or books.generation
        self.worker_age += 1
        worker = self.worker_class(
            self.worker_age, self.pid, list(self.LISTENERS), self.app, self.timeout / 2.0, self.cfg, self.log
        )
        worker.tmp.slot = self.scoreboard.allocate(generation)
        worker.tmp.slot.drained = self.reception.orders.draining
        worker.master_fd = self.PIPE[1]
        hooks.call(self, "pre_fork", worker)
        try:
            pid = fork_worker(self, worker)
        except OSError:
            self.scoreboard.release(worker.tmp.slot)
            raise
        worker.pid = pid
        worker.tmp.slot.pid = pid
        self.WORKERS[pid] = worker
        jitter = self.cfg.max_worker_lifetime_jitter
        extra = int.from_bytes(os.urandom(4)) / 2**32 * jitter if jitter else 0.0
        self.history.count(spawned=1)
        self.tell_supervisor(Spawned(pid, worker.age, generation, time.monotonic(), extra))
        return pid

    def put_down(self) -> None:
        """In a child that a hook has forked: its signals are its own, and no listener is kept open by it."""
        forks.reset_signals(self.SIGNALS)
        fds, self.PIPE = self.PIPE, []
        for fd in fds:
            os.close(fd)
        self.close_what_is_its_own(())
        for listener in self.LISTENERS:
            listener.close()

    def close_what_is_its_own(self, used: Iterable[BaseSocket]) -> None:
        """In a child: close this process's descriptors but for the listeners that it uses."""
        for part in (self.reception, *self._helpers):
            part.put_down()
        self.faces.close(unlink=False)
        if self.PIPE:
            os.close(self.PIPE[0])
        if self._parent_fd >= 0:
            os.close(self._parent_fd)
        if not forks.is_stray():
            self._reloads.close_old_logs()
        kept = list(used)
        for listener in (*self.LISTENERS, *self._reloads.old_listeners):
            if not any(listener is each for each in kept):
                listener.close()

    def reap_workers(self) -> None:
        """Collect every child that ended, for `manage_workers`."""
        for pid, status in forks.ended():
            if pid == self.reexec_pid:
                self._reexec_ended(status)
            elif not any(helper.ended(pid, status) for helper in self._helpers):
                self._news.exits.append(Exit(pid, status))

    def kill_worker(self, pid: int, sig: int) -> None:
        """Send `sig` to one worker; that it is gone already is no error."""
        try:
            os.kill(pid, sig)
        except ProcessLookupError:
            return

    def kill_workers(self, sig: int) -> None:
        """Send `sig` to every worker."""
        for pid in list(self.WORKERS):
            self.kill_worker(pid, sig)

    def manage_workers(self) -> None:
        """Start those that are missing, retire those too many, end those whose heartbeat is late."""
        self._step()

    spawn_workers = manage_workers

    def murder_workers(self) -> None:
        """Called before `manage_workers`, which ends those whose heartbeat is late among all else."""

    # Stop.

    def _begin_stop(self, number: int) -> None:
        """The supervisor brings the workers to their end, and `halt` and `stop` come behind it. A subclass that has
        replaced one of these is called at the beginning."""
        replaced = (type(self).halt, type(self).stop) != _ENDS
        if not replaced or self.halting or self.supervisor.stopping:
            super()._begin_stop(number)
            return
        if number != signal.SIGTERM:
            self.stop(graceful=False)
        raise StopIteration

    def stop(self, graceful: bool = True) -> None:
        """Stop every worker and close the listeners; returns when all are gone. `graceful`: let them
        finish, for up to `graceful_timeout` seconds."""
        self.halting = True
        if self.supervisor.stopping < (1 if graceful else 2):
            self._news.signals.append(signal.SIGTERM if graceful else signal.SIGQUIT)
        self.reap_workers()
        self._step()
        while self.WORKERS:
            self._turn()
        self._close_listeners()

    def _abandon(self) -> None:
        """Stop without the rules, since it may be they that failed."""
        self.reception.end()
        self.parking.stop()
        self.kill_workers(signal.SIGQUIT)
        give_up = time.monotonic() + min(self.cfg.graceful_timeout, 5)
        while self.WORKERS:
            self.reap_workers()
            for ended in self._news.exits:
                self.WORKERS.pop(ended.pid, None)
            if time.monotonic() > give_up:
                self.kill_workers(signal.SIGKILL)
            self._interest.wait(0.05)
        self.parking.end()
        self.pool.end(graceful=False)
        self._close_listeners()
        self._remove_pidfile()
        forks.unguard()

    def _close_listeners(self) -> None:
        # The files of unix sockets stay when another master serves on them.
        self._reloads.settle()
        shared = self.reexec_pid != 0 or self.master_pid != 0 or self.systemd
        listening.close_sockets(self.LISTENERS, unlink=not shared)
        self.LISTENERS = []
        self.faces.close(unlink=not shared)

    def halt(self, reason: str | None = None, exit_status: int = 0) -> None:
        """Stop everything and leave with `exit_status`."""
        self._manager.stopping()
        self.stop()
        self.parking.end()
        self.pool.end(graceful=self.supervisor.stopping < 2)
        self._export.end()
        self.reception.end()
        say = self.log.info if exit_status == 0 else self.log.error
        say("Shutting down: %s", self.master_name)
        if reason is not None:
            say("Reason: %s", reason)
        self._remove_pidfile()
        hooks.call_the_last(self)
        forks.unguard()
        sys.exit(exit_status)

    # Reload.

    def reload(self) -> None:
        """Read the configuration again and open a generation of workers; what is wrong with it is logged and
        changes nothing."""
        self._reloads.begin()

    # Re-exec.

    def reexec(self) -> None:
        """USR2: start a new master from the files of now, on the same sockets."""
        upgrade.start_successor(self)

    def _reexec_ended(self, status: int) -> None:
        code = os.waitstatus_to_exitcode(status)
        self.log.error("The new master (pid:%s) ended with %s; this one keeps serving.", self.reexec_pid, code)
        self.reexec_pid = 0
        self._manager.successor_ended()

    def maybe_promote_master(self) -> None:
        """Take over name and PID file once the old master is gone."""
        if not self.master_pid or self.master_pid == os.getppid():
            return
        if self._parent_fd >= 0:
            self._interest.forget(self._parent_fd)
            os.close(self._parent_fd)
            self._parent_fd = -1
        upgrade.promote(self)
        self.faces.promoted()
        self.reception.promoted()
        self._manager.promoted()


# By these a subclass is found that has its own, and a patch of ours.
_ENDS = (Arbiter.halt, Arbiter.stop)
