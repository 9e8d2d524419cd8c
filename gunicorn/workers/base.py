"""What every worker type shares: from the fork to the first request, and the signals after it."""

from __future__ import annotations

import os
import signal
import sys
import time
from types import FrameType

from gunicorn._standard import standard_first
from gunicorn.config.checks import complaint
from gunicorn.errors import ConfigError, OwnSignal, WorkerExit
from gunicorn.instrument import scoreboard, stacks
from gunicorn.loading.garbage import settle
from gunicorn.loading.tracebacks import application_traceback, make_fail_app
from gunicorn.logs import handlers
from gunicorn.logs.levels import set_level
from gunicorn.unix import forks, unpatched
from gunicorn.unix.process import close_on_exec, set_owner_process

from .workertmp import WorkerTmp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from socket import socket
    from typing import Any, ClassVar, Protocol

    from gunicorn._types import App, Log, Peer
    from gunicorn.blocking.request import Request
    from gunicorn.config import Config
    from gunicorn.gateway.socket_view import SocketView
    from gunicorn.http.request import Request as Head
    from gunicorn.loading.reloader import ReloaderBase
    from gunicorn.otel.provider import Telemetry
    from gunicorn.unix.sockets import BaseSocket

    class Loader(Protocol):
        """Who has the application, as `gunicorn.app.base` makes such."""

        def wsgi(self) -> App:
            """The application, loaded."""

__all__ = ["Worker"]


class Worker:
    """One process that serves. Subclasses write `run()`; it returns when `alive` has become false.

    `age`: running number of this worker; `ppid`: PID of the master; `timeout`: seconds, half of the
    configured one, within which `notify()` must be called.
    """

    SIGNALS: ClassVar[list[signal.Signals]] = [
        signal.SIGABRT,
        signal.SIGHUP,
        signal.SIGQUIT,
        signal.SIGINT,
        signal.SIGTERM,
        signal.SIGUSR1,
        signal.SIGUSR2,
        signal.SIGWINCH,
        signal.SIGCHLD,
    ]
    PIPE: list[int] = []
    #: Whether workers of this type leave idle connections to each other.
    parks: ClassVar[bool] = False

    def __init__(
        self, age: int, ppid: int, sockets: list[BaseSocket], app: Loader, timeout: float, cfg: Config, log: Log
    ) -> None:
        self.age = age
        self.pid: int | str = "[booting]"
        self.ppid = ppid
        self.sockets = sockets
        self.app = app
        self.timeout = timeout
        self.cfg = cfg
        self.log = log
        self.booted = False
        self.aborted = False
        # The reloader has seen a change.
        self.reloading = False
        self.alive = True
        self.reloader: ReloaderBase | None = None
        self.nr = 0
        self.max_requests: int = _with_jitter(cfg.max_requests, cfg.max_requests_jitter)
        self.tmp = WorkerTmp(cfg)
        # The application, of whatever interface.
        self.wsgi: Any = None
        # A descriptor to which a byte is written at each signal, for a loop that sleeps in a poll; the
        # concrete worker sets it before init_signals().
        self.wakeup_fd = -1
        # Write end of the master's own wake-up pipe; the master sets it before the fork.
        self.master_fd = -1
        # Where requests have spans: who makes them.
        self._telemetry: Telemetry | None = None
        self._recycling = False
        # Just before the fork.
        self._made_at = time.monotonic()

    def __str__(self) -> str:
        return f"<Worker {self.pid}>"

    @property
    def leaving(self) -> bool:
        """Whether the server is about to stop, and serves on for `shutdown_delay`."""
        return self.slot.leaving

    @property
    def slot(self) -> scoreboard.Slot:
        """This worker's page of the scoreboard."""
        return self.tmp.slot

    # Life.

    def notify(self) -> None:
        """Tell the master "I am alive"; at least once every `timeout` seconds, or it ends this worker."""
        self.tmp.notify()

    def is_parent_alive(self) -> bool:
        """Whether the master is still there."""
        if self.ppid == os.getppid():
            return True
        self.log.info("Parent changed, shutting down: %s", self)
        return False

    def run(self) -> None:
        """The loop of the worker type."""
        raise NotImplementedError

    def init_process(self) -> None:
        """In the new process: everything up to `run()`, and `run()` itself.

        A subclass that overrides this calls it last: it returns when the worker is finished.
        """
        os.environ.update(self.cfg.env)
        take_identity(self.cfg)
        for listener in self.sockets:
            close_on_exec(listener.fileno())
        self.log.close_on_exec()
        self.init_signals()
        self._start_reloader()
        self._start_telemetry()
        self.load_wsgi()
        self.boot()
        self.run()

    def boot(self) -> None:
        """The application is loaded: call the hooks, and say that this worker is ready."""
        if self.reloader is not None:
            self.reloader.start()
        self.cfg.post_worker_init(self)
        self.cfg.warm_up(self)
        # Last, so that what the hooks have made or chosen counts.
        settle(self.cfg.gc_freeze, self.cfg.gc_threshold)
        self.booted = True
        self._announce()

    def _heed_log_level(self) -> None:
        level = self.slot.log_level
        if level:
            set_level(self.log, level)

    def _announce(self) -> None:
        self.log.info("Worker ready (pid: %s) after %.2f s", self.pid, time.monotonic() - self._made_at)
        self.notify()
        # It may have been set while there was no ear for a signal.
        self._heed_log_level()
        self.slot.state = scoreboard.READY
        self.poke_master()

    def poke_master(self) -> None:
        """Have the master look at the scoreboard now and not at its next deadline."""
        if self.master_fd < 0:
            return
        try:
            unpatched.write(self.master_fd, b"\0")
        except OSError:
            # A full pipe wakes the master as well; a broken one means that it is gone.
            return

    def load_wsgi(self) -> None:
        """Import the application. Under `--reload` one that does not compile is replaced by a page that
        says so, since the next edit will start this worker anew."""
        try:
            self.wsgi = self.app.wsgi()
        except SyntaxError as error:
            if not self.cfg.reload:
                raise
            self.log.exception(error)
            if error.filename is not None and self.reloader is not None:
                self.reloader.add_extra_file(error.filename)
            self.wsgi = make_fail_app(application_traceback(error))

    def handle_error(
        self, req: Request | Head | None, client: socket | SocketView, addr: Peer, exc: BaseException
    ) -> None:
        """A request could not be read, or its application has failed before it answered: log that, and answer.

        A subclass that overrides this is told of both. Where `client` is no socket but a view of one, the connection
        is the server's own, and answers by itself.
        """
        if hasattr(client, "exchange"):
            return
        from gunicorn.blocking.answering import answer_error

        answer_error(self, req, client, addr, exc)

    # Traces.

    def _start_telemetry(self) -> None:
        """Before the application is loaded, which may ask for a tracer then."""
        if not self.cfg.otel_spans:
            return
        with standard_first():
            from gunicorn.otel import provider

        self._telemetry = provider.start(self.cfg, self.log, self.slot.index)

    def end_telemetry(self) -> None:
        """The last thing a worker does: export the spans that are left."""
        if self._telemetry is not None:
            self._telemetry.close(self.notify)

    def tell_untraced(self, whose: str) -> None:
        """A server of somebody else's is about to serve the application."""
        if self._telemetry is not None:
            self.log.warning("otel_spans: this application is served by %s's own server, and has no spans by us", whose)

    def traced_application(self) -> App:
        """The application as requests are given to it: with a span around each, where they have such."""
        return self.traced_wsgi(self.wsgi)

    def traced_wsgi(self, app: App) -> App:
        """The same for this application of WSGI."""
        if self._telemetry is None:
            return app
        from gunicorn.otel.wsgi import TracedWSGI

        return TracedWSGI(app, self._telemetry.tracing)

    # Recycling.

    def recycle(self) -> None:
        """`max_requests` is reached: ask for a replacement and serve on until the master says TERM.

        So the number of serving workers never sinks. Without a master there is nobody to ask: stop.
        """
        if self._recycling:
            return
        self._recycling = True
        self.log.info("Autorestarting worker after current request.")
        if self.master_fd < 0:
            self.alive = False
            return
        self.slot.ask_for_recycling()
        self.poke_master()

    # The reloader.

    def _start_reloader(self) -> None:
        if not self.cfg.reload:
            return
        self.log.warning("Reloader is on. Use in development only!")
        with standard_first():
            from gunicorn.loading.reloader import ReloaderBase, reloader_engines

        def changed(filename: str) -> None:
            self.log.info("Worker reloading: %s modified", filename)
            self.reloading = True
            self.alive = False
            # By a signal, since this is the reloader's thread: only a signal interrupts the main one.
            os.kill(os.getpid(), signal.SIGTERM)

        engine = reloader_engines[self.cfg.reload_engine]
        self.reloader = engine(extra_files=self.cfg.reload_extra_files, callback=changed)
        if isinstance(self.reloader, ReloaderBase):
            self.reloader.note_imports()

    # Children of others.

    def put_down(self) -> None:
        """In a child that the application has forked from this process: be no worker of this server any more.

        Called among whatever else runs here: nothing may wait, log, or raise.
        """
        forks.reset_signals([*self.SIGNALS, signal.SIGALRM])
        stacks.deafen()
        self.alive = False
        self.tmp.leave_parking()
        self.tmp = WorkerTmp(self.cfg)
        master_fd, self.master_fd = self.master_fd, -1
        if master_fd >= 0:
            os.close(master_fd)
        for listener in self.sockets:
            listener.close()

    # Signals.

    def init_signals(self) -> None:
        """Give each signal its handler. A handler only notes; the loop acts."""
        handlers = {
            signal.SIGTERM: self.handle_exit,
            signal.SIGINT: self.handle_quit,
            signal.SIGQUIT: self.handle_quit,
            signal.SIGABRT: self.handle_abort,
            signal.SIGUSR1: self.handle_usr1,
            signal.SIGWINCH: self.handle_winch,
            # Meant for the master, but a terminal or `kill` may send them to the whole group. Not SIG_IGN,
            # which a program that the application starts would inherit.
            signal.SIGHUP: self.handle_nothing,
            signal.SIGUSR2: self.handle_nothing,
        }
        for number in self.SIGNALS:
            signal.signal(number, handlers.get(number, signal.SIG_DFL))
        # System calls of the application go on after these instead of failing with EINTR.
        signal.siginterrupt(signal.SIGTERM, False)
        signal.siginterrupt(signal.SIGUSR1, False)
        if self.wakeup_fd >= 0:
            signal.set_wakeup_fd(self.wakeup_fd, warn_on_full_buffer=False)

    def call_hook(self, name: str) -> None:
        """Call a hook for this worker in the middle of whatever it does; one that fails is logged and changes nothing.
        """
        try:
            getattr(self.cfg, name)(self)
        except OwnSignal:
            raise
        except BaseException:  # the boundary around a hook
            self.log.exception("The hook %s failed", name)

    def handle_usr1(self, sig: int, frame: FrameType | None) -> None:
        """Reopen the log files, and heed what the master wants of the log."""
        handlers.reopen(self.log)
        self._heed_log_level()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """TERM: finish what runs, then leave."""
        self.alive = False
        self.slot.drain()

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        """QUIT, INT: leave now."""
        self.alive = False
        self.call_hook("worker_int")
        raise WorkerExit(0)

    def handle_abort(self, sig: int, frame: FrameType | None) -> None:
        """ABRT, from the master when the heartbeat is late: leave with status 1."""
        self.alive = False
        self.aborted = True
        self.call_hook("worker_abort")
        raise WorkerExit(1)

    def handle_nothing(self, sig: int, frame: FrameType | None) -> None:
        """HUP, USR2: only the master acts on them."""

    def handle_winch(self, sig: int, frame: FrameType | None) -> None:
        """WINCH concerns the master alone: a terminal sends it to the whole group when its window changes."""
        self.log.debug("worker: SIGWINCH ignored.")


# By this a subclass is found that has one of its own, and a patch of this one.
HANDLE_ERROR = Worker.handle_error


def take_identity(cfg: Config) -> None:
    """Become the user and the group of the configuration. Raises ConfigError when that is not permitted."""
    own = os.geteuid()
    for name, wanted, mine in (("user", cfg.uid, own), ("group", cfg.gid, os.getegid())):
        if own and wanted == 0 != mine:
            # `set_owner_process` takes 0 for no wish.
            raise ConfigError(complaint(cfg, name, "only root can change it"))
    try:
        set_owner_process(cfg.uid, cfg.gid, initgroups=cfg.has_groups_of_user)
    except OSError as error:
        name = "user" if cfg.uid != own else "group"
        raise ConfigError(complaint(cfg, name, f"only root can change it ({error.strerror})")) from error


def _with_jitter(limit: int, jitter: int) -> int:
    if limit <= 0:
        return sys.maxsize
    # Not from random: that module is not needed to serve, and costs its import.
    return limit + int.from_bytes(os.urandom(4)) % (jitter + 1)
