"""The master: does what the supervisor decides.

One thread, one loop: sleep until a signal, a poke of a worker or a deadline; collect what happened; ask the
supervisor; act. Signal handlers do nothing: the interpreter itself writes the signal's number into a pipe
(set_wakeup_fd), and the loop reads it from there.
"""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
import time
from collections.abc import Iterable
from types import FrameType

from gunicorn import SERVER_SOFTWARE, _build
from gunicorn.config.checks import check_there_is_one, complaint, pending_notices
from gunicorn.errors import AppImportError, ConfigError, HaltServer, OwnSignal
from gunicorn.instrument.gauges import Gauges
from gunicorn.instrument.scoreboard import Scoreboard
from gunicorn.instrument.stacks import StackFile
from gunicorn.loading.tracebacks import application_traceback, who_left
from gunicorn.logs import atoms, handlers
from gunicorn.tls import entrance
from gunicorn.unix import forks, resources, sockets, systemd, unpatched
from gunicorn.unix.pidfile import Pidfile
from gunicorn.unix.process import set_process_title

from . import decisions, upgrade
from .child import live
from .decisions import Exit, Policy
from .reload import ReloadTransaction
from .state import MasterState
from .supervisor import MEMORY_EVERY, READY, Supervisor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVarTuple

    from .state import ServedApplication

    Ts = TypeVarTuple("Ts")

__all__ = ["Arbiter"]

_POKE = 0
"""Byte that a worker writes into the master's pipe; no signal has this number."""


class Arbiter(MasterState):
    """The master process. `Arbiter(app).run()` returns by SystemExit only.

    `app` has `cfg`, `reload()` and `wsgi()`. Exit codes: 0 after a stop that was asked for, 1 when a
    listener or the PID file cannot be had, 3 when a worker failed to boot, 4 when the application failed to
    load.
    """

    def __init__(self, app: ServedApplication) -> None:
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
        self._events: list[int] = []
        # Children that have ended and the supervisor does not know of.
        self._exits: list[Exit] = []
        # The generation of the worker that is started.
        self._spawning = 0
        self._deadline: float | None = 0.0
        self._parent_fd = -1
        self._halting = False
        self._told_ready = False
        self._told_count: tuple[int, int] | None = None
        self.stacks = StackFile(live)  # type: ignore[arg-type]
        self._watchdog = systemd.Watchdog()
        self._memory_due: float | None = None
        self._renewal: ReloadTransaction | None = None
        self.gauges = Gauges(self.log, self.cfg.enable_backlog_metric)

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
        self._log_settings()
        for name, value in (self.cfg.env or {}).items():
            os.environ[name] = value
        if self.cfg.preload_app:
            self._preload()

    def _preload(self) -> None:
        """Load the application here, for all workers. Raises ConfigError, having shown the application's own
        traceback."""
        try:
            self.app.wsgi()
        except AppImportError as error:
            raise ConfigError(str(error)) from error
        except Exception as error:  # the boundary around the application
            sys.stderr.write(application_traceback(error))
            raise ConfigError(f"the application failed to load: {type(error).__name__}") from error
        # What was loaded stays: else the collector would touch, and so copy, its pages in each worker.
        gc.collect()
        gc.freeze()

    def _log_settings(self) -> None:
        settings = getattr(self.cfg, "settings", {})
        lines = [f"  {name}: {self.cfg.shown(name)}" for name in sorted(settings)]
        self.log.debug("Current configuration:\n%s", "\n".join(lines))

    def _policy(self) -> Policy:
        boot_timeout = getattr(self.cfg, "boot_timeout", None)
        return Policy(
            workers=self.cfg.workers,
            timeout=self.cfg.timeout,
            graceful_timeout=self.cfg.graceful_timeout,
            boot_timeout=self.cfg.timeout if boot_timeout is None else boot_timeout,
            request_timeout=self.cfg.request_timeout,
            breaks_requests=getattr(self.worker_class, "breaks_requests", True),
            lifetime=self.cfg.max_worker_lifetime,
            memory=self.cfg.max_worker_memory,
            memory_hard=self.cfg.max_worker_memory_hard,
            shutdown_delay=self.cfg.shutdown_delay,
            reload_batch=_batch(self.cfg.reload_strategy),
        )

    @property
    def supervisor(self) -> Supervisor:
        """The policy and its books."""
        if self._supervisor is None:
            self._supervisor = Supervisor(self._policy())
        return self._supervisor

    @property
    def num_workers(self) -> int | None:
        """Wanted number of workers. Setting it calls the `nworkers_changed` hook."""
        return self._num_workers

    @num_workers.setter
    def num_workers(self, value: int) -> None:
        old, self._num_workers = self._num_workers, value
        if self._supervisor is not None:
            self._supervisor.resize(value)
        self._hook("nworkers_changed", value, old)

    def _hook(self, name: str, *args: object) -> None:
        """Call a hook. One that fails ends a server that has never served, as a mistake in its configuration
        should; one that serves logs it and goes on."""
        try:
            getattr(self.cfg, name)(self, *args)
        except OwnSignal:
            raise
        except BaseException as error:  # the boundary around a hook
            forks.end_stray(error)
            if self._supervisor is None or not self.supervisor.ever_ready:
                if isinstance(error, SystemExit):
                    raise RuntimeError(who_left(f"the hook {name}", "while the server started", error)) from error
                raise
            self.log.exception("The hook %s failed", name)
        forks.end_stray()

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
        self.log.info("Starting %s", SERVER_SOFTWARE.replace("/", " "))
        self.log.info("Build: %s", _build.told())
        for notice in pending_notices(self.cfg):
            self.log.warning("%s", notice)
        upgrade.inherit(self)
        self._parent_fd = upgrade.watch_parent(self)
        self.pid = os.getpid()
        if self.cfg.pidfile is not None:
            self.pidfile = self.write_pidfile(self.cfg.pidfile + ".2" if self.master_pid else self.cfg.pidfile)
        self._hook("on_starting")
        self.init_signals()
        if not self.LISTENERS:
            self.LISTENERS = upgrade.inherited_listeners(self) or sockets.create_sockets(self.cfg, self.log)
        check_there_is_one(self.cfg, self.LISTENERS)
        self.log.info("Listening at: %s (%s)", _names(self.LISTENERS), self.pid)
        self.log.info("Using worker: %s", self.cfg.worker_class_str)
        if self.cfg.settings["workers"].get() == "auto":
            self.log.info("Using workers: %s (auto)", self.num_workers)
        self._check_worker_class()
        self._hook("when_ready")

    def rehearse(self) -> None:
        """Try what `start` would do, and leave no trace. Raises ConfigError, and SystemExit after a line in the log."""
        if self.cfg.pidfile is not None:
            self._with_pidfile(Pidfile(self.cfg.pidfile).check)
        if not systemd.listen_fds(unset_environment=False):
            check_there_is_one(self.cfg, self.cfg.address)
            for address in self.cfg.address:
                sockets.try_address(address, self.cfg, self.log)
        self._check_worker_class()

    def _check_worker_class(self) -> None:
        check_config = getattr(self.worker_class, "check_config", None)
        if check_config is not None:
            check_config(self.cfg, self.log)

    def write_pidfile(self, path: str) -> Pidfile:
        """Write a PID file for this master. Raises ConfigError."""
        pidfile = Pidfile(path, self.cfg.umask)
        self._with_pidfile(pidfile.create, self.pid)
        return pidfile

    def _with_pidfile(self, step: Callable[[*Ts], object], *args: *Ts) -> None:
        try:
            step(*args)
        except (OSError, RuntimeError) as error:
            raise ConfigError(complaint(self.cfg, "pidfile", getattr(error, "strerror", None) or str(error))) from error

    def _remove_pidfile(self) -> None:
        if self.pidfile is not None:
            self.pidfile.unlink()

    def init_signals(self) -> None:
        """Have each signal written into the pipe that the loop reads."""
        for fd in self.PIPE:
            os.close(fd)
        reader, writer = os.pipe()
        for fd in (reader, writer):
            os.set_blocking(fd, False)
        self.PIPE = [reader, writer]
        forks.guard(self.put_down)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for number in self.SIGNALS:
            unpatched.set_handler(number, _noted)

    # The loop.

    def _turn(self) -> None:
        """Sleep until there is something to do, and do it. By methods that a subclass may replace."""
        for number in self._wait():
            self._handle(number)
        self.reap_workers()
        self.maybe_promote_master()
        self.murder_workers()
        self.manage_workers()

    def _step(self) -> None:
        """Do what is to be done now, and what follows from a look at the workers' memory where that is due."""
        self._act()
        if self._finds_memory_wanting(time.monotonic()):
            self._act()
        now = time.monotonic()
        self._tell_manager(now)
        self.gauges.report(now, self.WORKERS, self.LISTENERS)

    def _act(self) -> None:
        """Ask and act until there is nothing more to do."""
        while True:
            events, self._events = self._events, []
            exits, self._exits = self._exits, []
            board = {pid: worker.tmp.slot for pid, worker in self.WORKERS.items()}
            decision = self.supervisor.step(time.monotonic(), events, board, exits)
            for action in decision.actions:
                _EXECUTORS[type(action)](self, action)
            if not decision.actions and not self._events:
                self._deadline = decision.deadline
                break

    def _finds_memory_wanting(self, now: float) -> bool:
        """Whether a worker uses more than it may, as far as somebody has looked just now."""
        books = self.supervisor
        if not books.looks_at_memory or books.stopping:
            self._memory_due = None
            return False
        if self._memory_due is not None and now < self._memory_due:
            return False
        self._memory_due = now + MEMORY_EVERY
        for pid in self.WORKERS:
            used = resources.proportional_memory(pid)
            if used is not None:
                books.measured(pid, used, now)
        return bool(books.has_findings)

    def _wait(self) -> bytes:
        """Numbers of the signals that came; empty when the deadline did."""
        watched = [self.PIPE[0]]
        now = time.monotonic()
        all_moments = (self._deadline, self.gauges.due, self._watchdog.due, self._memory_due)
        moments = [moment for moment in all_moments if moment is not None]
        if self._parent_fd >= 0:
            watched.append(self._parent_fd)
        elif self.master_pid:
            # No descriptor tells of the old master's end on this system: look every second.
            moments.append(now + 1.0)
        timeout = max(0.0, min(moments) - now) if moments else None
        ready = unpatched.select.select(watched, [], [], timeout)[0]
        if self.PIPE[0] not in ready:
            return b""
        return unpatched.read(self.PIPE[0], 4096)

    def _handle(self, number: int) -> None:
        name = self.SIG_NAMES.get(number)
        if name is None or number == _POKE:
            return
        if number != signal.SIGCHLD:
            self.log.info("Handling signal: %s", name)
        getattr(self, f"handle_{name}")()

    def signal(self, sig: int, frame: FrameType | None = None) -> None:
        """Queue a signal as if it had come from outside."""
        unpatched.write(self.PIPE[1], bytes([sig]))

    def wakeup(self) -> None:
        """End the present sleep of the loop."""
        try:
            unpatched.write(self.PIPE[1], bytes([_POKE]))
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EINTR):
                raise

    # Signals: each is an event for the supervisor.

    def handle_chld(self) -> None:
        """A child ended; the loop reaps after every sleep."""

    def handle_hup(self) -> None:
        self.log.info("Hang up: %s", self.master_name)
        self._events.append(signal.SIGHUP)

    def handle_term(self) -> None:
        self._begin_stop(signal.SIGTERM)

    def handle_int(self) -> None:
        self._begin_stop(signal.SIGINT)

    def handle_quit(self) -> None:
        self._begin_stop(signal.SIGQUIT)

    def _begin_stop(self, number: int) -> None:
        """The supervisor brings the workers to their end, and `halt` and `stop` come behind it. A subclass that has
        replaced one of these is called at the beginning."""
        replaced = (type(self).halt, type(self).stop) != _ENDS
        if not replaced or self._halting or self.supervisor.stopping:
            self._events.append(number)
            return
        if number != signal.SIGTERM:
            self.stop(graceful=False)
        raise StopIteration

    def handle_ttin(self) -> None:
        self._events.append(signal.SIGTTIN)

    def handle_ttou(self) -> None:
        self._events.append(signal.SIGTTOU)

    def handle_usr1(self) -> None:
        self._events.append(signal.SIGUSR1)

    def handle_usr2(self) -> None:
        self._events.append(signal.SIGUSR2)

    def handle_winch(self) -> None:
        """Stop the workers; but where there is a terminal, WINCH only means that its window changed."""
        if self.cfg.daemon or not _has_terminal():
            self._events.append(signal.SIGWINCH)
        else:
            self.log.debug("SIGWINCH ignored. Not daemonized")

    # Workers.

    def spawn_worker(self) -> int:
        """Fork one worker; PID in the master. Never returns in the worker."""
        books = self.supervisor
        generation = self._spawning or books.incoming or books.generation
        self.worker_age += 1
        worker = self.worker_class(
            self.worker_age, self.pid, list(self.LISTENERS), self.app, self.timeout / 2.0, self.cfg, self.log
        )
        worker.tmp.slot = self.scoreboard.allocate(generation)
        worker.master_fd = self.PIPE[1]
        self._hook("pre_fork", worker)
        # A signal between the fork and the child's own handlers would be written into the master's pipe.
        signal.pthread_sigmask(signal.SIG_BLOCK, self.SIGNALS)
        try:
            pid = forks.fork()
        except OSError:
            self.scoreboard.release(worker.tmp.slot)
            raise
        finally:
            if os.getpid() == self.pid:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, self.SIGNALS)
        if pid == 0:
            live(self, worker)
        worker.pid = pid
        worker.tmp.slot.pid = pid
        self.WORKERS[pid] = worker
        jitter = self.cfg.max_worker_lifetime_jitter
        extra = int.from_bytes(os.urandom(4)) / 2**32 * jitter if jitter else 0.0
        self.supervisor.spawned(pid, worker.age, generation, time.monotonic(), extra)
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

    def close_what_is_its_own(self, used: Iterable[sockets.BaseSocket]) -> None:
        """In a child: close this process's descriptors but for the listeners that it uses."""
        if self.PIPE:
            os.close(self.PIPE[0])
        if self._parent_fd >= 0:
            os.close(self._parent_fd)
        if self._renewal is not None and not forks.is_stray():
            self._renewal.close_old_logs()
        kept = list(used)
        known = [*self.LISTENERS, *(self._renewal.listeners if self._renewal is not None else ())]
        for listener in known:
            if not any(listener is each for each in kept):
                listener.close()

    def reap_workers(self) -> None:
        """Collect every child that ended, for `manage_workers`."""
        while True:
            try:
                pid, status = unpatched.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            if pid == self.reexec_pid:
                self._reexec_ended(status)
            else:
                self._exits.append(Exit(pid, status))

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

    def stop(self, graceful: bool = True) -> None:
        """Stop every worker and close the listeners; returns when all are gone. `graceful`: let them
        finish, for up to `graceful_timeout` seconds."""
        self._halting = True
        if self.supervisor.stopping < (1 if graceful else 2):
            self._events.append(signal.SIGTERM if graceful else signal.SIGQUIT)
        self.reap_workers()
        self._step()
        while self.WORKERS:
            self._turn()
        self._close_listeners()

    def _abandon(self) -> None:
        """Stop without the rules, since it may be they that failed."""
        self.kill_workers(signal.SIGQUIT)
        give_up = time.monotonic() + min(self.cfg.graceful_timeout, 5)
        while self.WORKERS:
            self.reap_workers()
            for ended in self._exits:
                self.WORKERS.pop(ended.pid, None)
            if time.monotonic() > give_up:
                self.kill_workers(signal.SIGKILL)
            unpatched.select.select([self.PIPE[0]], [], [], 0.05)
        self._close_listeners()
        self._remove_pidfile()
        forks.unguard()

    def _close_listeners(self) -> None:
        # The files of unix sockets stay when another master serves on them.
        if self._renewal is not None:
            self._renewal.commit()
        shared = self.reexec_pid != 0 or self.master_pid != 0 or self.systemd
        sockets.close_sockets(self.LISTENERS, unlink=not shared)
        self.LISTENERS = []

    def halt(self, reason: str | None = None, exit_status: int = 0) -> None:
        """Stop everything and leave with `exit_status`."""
        if self.reexec_pid:
            # The service goes on under another master.
            systemd.sd_notify(f"MAINPID={self.reexec_pid}\nSTATUS=Handed over to {self.reexec_pid}", self.log)
        else:
            systemd.sd_notify("STOPPING=1\nSTATUS=Shutting down", self.log)
        self.stop()
        say = self.log.info if exit_status == 0 else self.log.error
        say("Shutting down: %s", self.master_name)
        if reason is not None:
            say("Reason: %s", reason)
        self._remove_pidfile()
        try:
            self.cfg.on_exit(self)
        except OwnSignal:
            raise
        except BaseException as error:  # the boundary around a hook
            forks.end_stray(error)
            self.log.exception("The hook on_exit failed")
        forks.unguard()
        sys.exit(exit_status)

    # Reload.

    def reload(self) -> None:
        """Read the configuration again and open a generation of workers; what is wrong with it is logged and
        changes nothing."""
        systemd.sd_notify(systemd.reloading_state(), self.log)
        renewal = ReloadTransaction(self)
        problem = renewal.begin()
        if problem is not None:
            self.supervisor.reload_refused()
            self.log.error("Reload refused, the running configuration stays: %s", problem)
            self._reload_is_over(f"the running configuration stays: {problem}")
            return
        self._renewal = renewal
        self._hook("on_reload")
        set_process_title(f"master [{self.proc_name}]")
        self.supervisor.reconfigured(self._policy())

    # Re-exec.

    def reexec(self) -> None:
        """USR2: start a new master from the files of now, on the same sockets."""
        upgrade.start_successor(self)

    def _reexec_ended(self, status: int) -> None:
        code = os.waitstatus_to_exitcode(status)
        self.log.error("The new master (pid:%s) ended with %s; this one keeps serving.", self.reexec_pid, code)
        self.reexec_pid = 0
        if self._told_ready:
            systemd.sd_notify(f"READY=1\nMAINPID={self.pid}", self.log)

    def maybe_promote_master(self) -> None:
        """Take over name and PID file once the old master is gone."""
        if not self.master_pid or self.master_pid == os.getppid():
            return
        if self._parent_fd >= 0:
            os.close(self._parent_fd)
            self._parent_fd = -1
        upgrade.promote(self)

    # Systemd.

    def _tell_manager(self, now: float) -> None:
        """READY=1 once all workers are: what cannot serve is not started. Then how many there are, and, while they
        are well, the sign of life."""
        books = self.supervisor
        if books.stopping:
            self._watchdog.due = None
            return
        ready = sum(member.phase == READY for member in books.members.values())
        if not self._told_ready and ready >= books.target:
            self._told_ready = True
            systemd.sd_notify(f"READY=1\nMAINPID={self.pid}\nSTATUS={ready} workers ready", self.log)
            self._told_count = ready, books.target
        elif self._told_ready and self._renewal is None and self._told_count != (ready, books.target):
            # The count alone decides, so that what a reload has left in STATUS can be read.
            self._told_count = ready, books.target
            systemd.sd_notify(f"STATUS={ready} of {books.target} workers ready", self.log)
        if self._watchdog.due is not None:
            board = {pid: worker.tmp.slot for pid, worker in self.WORKERS.items()}
            self._watchdog.beat(now, self._told_ready and books.is_well(now, board), self.log)

    def _reload_is_over(self, problem: str | None) -> None:
        """Tell systemd, and whoever waits for it, how a reload went."""
        if self.supervisor.reloading:
            # Another SIGHUP came meanwhile: its outcome is the one that counts.
            return
        status = "Reloaded" if problem is None else f"Reload failed, {problem}"
        status = " ".join(status.split())
        systemd.sd_notify(f"READY=1\nSTATUS={status}", self.log)
        systemd.report_reload(problem, self.log)

    # Executors, one an action.

    def _do_spawn(self, action: decisions.Spawn) -> None:
        try:
            self._spawning = action.generation
            self.spawn_worker()
        except OSError as error:
            if os.getpid() != self.pid:
                raise
            self.log.error("Cannot start a worker: %s", error)
            self.supervisor.spawn_failed(time.monotonic())
        finally:
            self._spawning = 0

    def _do_kill(self, action: decisions.Kill) -> None:
        self.kill_worker(action.pid, action.signal)

    def _do_log(self, action: decisions.Log) -> None:
        # By its name: loggers that count, or replace one of them, see it.
            getattr(self.log, action.level)(action.message, *action.args)

    def _do_timed_out(self, action: decisions.TimedOut) -> None:
        """Say what the worker was doing, before any signal reaches its application."""
        text, values = f"WORKER TIMEOUT (pid:%s), {action.limit}", [str(action.pid)]
        running = self.WORKERS[action.pid].tmp.slot.in_flight()
        if running is None:
            text += ": no sign of life for %s s" if action.limit != "boot_timeout" else ": not ready after %s s"
            values.append(f"{action.silent_for:.1f}")
        else:
            line, started = running
            text += " after %s s in: %s"
            values += [f"{time.monotonic() - started:.1f}", atoms.escape(line.decode("latin-1"))]
        stacks = self.stacks.ask(action.pid)
        if stacks:
            text += "\nIt is here:\n%s"
            values.append(stacks)
        self.log.critical(text, *values)

    def _do_leaving(self, action: decisions.Leaving) -> None:
        systemd.sd_notify("STOPPING=1\nSTATUS=Stopping soon, still serving", self.log)
        for worker in self.WORKERS.values():
            worker.tmp.slot.leaving = True

    def _do_gone(self, action: decisions.Gone) -> None:
        worker = self.WORKERS.pop(action.pid)
        worker.tmp.close()
        self.scoreboard.release(worker.tmp.slot)
        self._hook("child_exit", worker)

    def _do_resized(self, action: decisions.Resized) -> None:
        self._num_workers = action.old
        self.num_workers = action.new

    def _do_reload(self, action: decisions.Reload) -> None:
        self.reload()

    def _do_reload_done(self, action: decisions.ReloadDone) -> None:
        renewal, self._renewal = self._renewal, None
        if renewal is not None:
            renewal.commit()
            count = "1 worker serves" if self.num_workers == 1 else f"{self.num_workers} workers serve"
            took = time.monotonic() - renewal.begun_at
            self.log.info("Reload done: %s the new configuration, after %.1f s", count, took)
        self._reload_is_over(None)

    def _do_reload_failed(self, action: decisions.ReloadFailed) -> None:
        renewal, self._renewal = self._renewal, None
        if action.halfway:
            self.log.error("Reload stopped half-way, the old workers that are left stay: %s", action.reason)
            if renewal is not None:
                renewal.commit()
            self._reload_is_over(f"stopped half-way: {action.reason}")
            return
        self.log.error("Reload failed, the old workers stay: %s", action.reason)
        if renewal is not None:
            renewal.rollback()
        self.supervisor.restored(self._policy())
        self._reload_is_over(f"the old workers stay: {action.reason}")

    def _do_reopen_logs(self, action: decisions.ReopenLogs) -> None:
        handlers.reopen(self.log)

    def _do_reexec(self, action: decisions.Reexec) -> None:
        self.reexec()

    def _do_stop_listening(self, action: decisions.StopListening) -> None:
        if not self.reexec_pid and not self.master_pid:
            for worker in self.WORKERS.values():
                worker.tmp.slot.last = True
        # A copy held here would keep connections waiting after the workers closed theirs.
        for listener in self.LISTENERS:
            listener.close()

    def _do_halt(self, action: decisions.Halt) -> None:
        if not self._halting:
            raise HaltServer(action.reason or "", action.status)


# By these a subclass is found that has its own, and a patch of ours.
_ENDS = (Arbiter.halt, Arbiter.stop)

_EXECUTORS: dict[type[decisions.Action], Callable[[Arbiter, Any], None]] = {
    decisions.Spawn: Arbiter._do_spawn,
    decisions.Kill: Arbiter._do_kill,
    decisions.Log: Arbiter._do_log,
    decisions.TimedOut: Arbiter._do_timed_out,
    decisions.Leaving: Arbiter._do_leaving,
    decisions.Gone: Arbiter._do_gone,
    decisions.Resized: Arbiter._do_resized,
    decisions.Reload: Arbiter._do_reload,
    decisions.ReloadDone: Arbiter._do_reload_done,
    decisions.ReloadFailed: Arbiter._do_reload_failed,
    decisions.ReopenLogs: Arbiter._do_reopen_logs,
    decisions.Reexec: Arbiter._do_reexec,
    decisions.StopListening: Arbiter._do_stop_listening,
    decisions.Halt: Arbiter._do_halt,
}


def _noted(sig: int, frame: FrameType | None) -> None:
    """The handler of every signal: the interpreter has written its number into the pipe already."""


def _batch(strategy: str) -> float:
    """`reload_strategy` as the supervisor takes it: workers at a time, a share of them below 1, 0 for all."""
    name, _, amount = strategy.partition(":")
    if name == "all":
        return 0.0
    if not amount.endswith("%"):
        return float(amount or 1)
    share = int(amount[:-1]) / 100
    return share if share < 1 else 0.0


def _names(listeners: Iterable[sockets.BaseSocket]) -> str:
    return ",".join(str(listener) for listener in listeners)


def _has_terminal() -> bool:
    try:
        fd = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return False
    os.close(fd)
    return True
