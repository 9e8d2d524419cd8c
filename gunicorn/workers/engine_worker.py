"""What the worker types on our own engine share: the engine, the gateway, and a stop that loses nothing."""

from __future__ import annotations

import os
import resource
import signal
import sys
from types import FrameType

import gunicorn
from gunicorn.drivers.opener import HTTPOpener
from gunicorn.engine._leaf import meter, monotonic
from gunicorn.engine.engine import Engine
from gunicorn.engine.manners import Manners
from gunicorn.engine.settings import is_short
from gunicorn.errors import AnotherWorkerType, AppImportError, OwnSignal, WorkerExit
from gunicorn.gateway import wiring
from gunicorn.gateway.fronts import front_of
from gunicorn.gateway.gateway import Gateway
from gunicorn.gateway.wiring import limits_of, settings_of
from gunicorn.http.errors import GatewayTimeout
from gunicorn.http.peers import Peers
from gunicorn.instrument import stacks
from gunicorn.loading.interface import ASGI, interface_of
from gunicorn.loading.names import is_ours, looks_like_factory
from gunicorn.logs import atoms
from gunicorn.tls import entrance
from gunicorn.unix import forks
from gunicorn.wsgi.gateway import WSGIGateway

from .base import HANDLE_ERROR, Worker
from .farewell import Farewell, silence_signals
from .slow_requests import SlowRequests

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gunicorn._types import LogOptions, SocketAddress
    from gunicorn.config import Config
    from gunicorn.engine.exchange import Exchange
    from gunicorn.engine.listener import Listener
    from gunicorn.http.request import Request

# How often a worker with nothing to do shows that it is alive and looks whether its master still is.
PULSE_SECONDS = 1.0
# The same where a time limit of a few seconds is to be kept.
SHORT_PULSE_SECONDS = 0.2
# So much later (seconds) a busy worker may do both.
PULSE_ROOM = 0.01
# How long a quick stop may take: nobody busy is cut off in the middle of an answer.
QUICK_SECONDS = 1.0
# Seconds between two lines that nobody can be accepted.
SCARCE_SECONDS = 10.0
# How long a stop waits in the poller at a time.
LOOK_SECONDS = 0.2


class EngineWorker(Worker):
    """A worker that serves its sockets by an `Engine`; subclasses say where a request runs."""

    # How requests run, as far as the engine and the gateway must know.
    manners = Manners()
    # Whether this type keeps to `request_timeout` itself; otherwise the master ends the worker, after telling why.
    breaks_requests = True
    # Whether each bind is served as it says: with TLS of its own, by a redirect.
    honours_bind_options = True
    # Whether this type can run applications of ASGI.
    serves_asgi = False
    gateway_class: Callable[..., Gateway] = WSGIGateway
    # A quick stop was asked for.
    hurried = False
    # Whether the engine serves, by a gateway: from `run` on, and not in a worker that brings another server.
    has_gateway = False
    # Requests of such a one.
    _begun = 0
    # When it may be told again that nobody can be accepted.
    _tells_scarce_at = 0.0

    engine: Engine
    gateway: Gateway

    def init_process(self) -> None:
        self._make_engine()
        super().init_process()

    def take_over_from(self, worker: Worker) -> None:
        """Get ready to `run` in the place of `worker`, which has found that it cannot serve its application itself.

        All that one has, what hooks have hung on it too, is here from now on.
        """
        vars(self).update(vars(worker))
        forks.guard(self.put_down)
        if "engine" in vars(worker):
            self._keep_limits()
        else:
            self._make_engine()
        self.init_signals()
        self.load_wsgi()

    def put_down(self) -> None:
        super().put_down()
        if hasattr(self, "engine"):
            meter(self.slot)
            self.engine.abandon(forks.end_stray)
        if self.has_gateway:
            self.gateway.abandon(self.slot)

    def _make_engine(self) -> None:
        cfg = self.cfg
        meter(self.slot)
        # Its wake-up descriptor must exist before the signal handlers do. The gateway needs the application first.
        self.engine = Engine(
            HTTPOpener(),
            None,
            settings_of(cfg),
            limits_of(cfg),
            Peers(cfg.forwarded_allow_ips),
            Peers(cfg.proxy_allow_ips),
        )
        self.wakeup_fd = self.engine.wakeup_fd
        self._keep_limits()
        # Requests that were given up while the application still works on them.
        self.abandoned: set[Exchange] = set()

    def _keep_limits(self) -> None:
        self.request_limit = float(self.cfg.request_timeout) if self.breaks_requests else 0.0
        if self.breaks_requests:
            # The master knows the type that was configured; this one may serve in the place of another.
            self.slot.keep_request_limit()
        self.slow_requests = SlowRequests(float(self.cfg.request_slow) if self._sees_requests() else 0.0)
        self.pulse_seconds = self._longest_pause()

    def boot(self) -> None:
        places, most = self.places(), self.cfg.limit_concurrency
        self.slot.offer(min(places, most) if most else places)
        super().boot()

    def places(self) -> int:
        """How many requests can run at once here."""
        return 1

    def load_wsgi(self) -> None:
        """Load the application. One of ASGI is served by an asgi worker when nobody has chosen a worker type.

        Raises AppImportError when somebody has, and chose one for WSGI; AnotherWorkerType.
        """
        super().load_wsgi()
        self.check_application(self.cfg, self.wsgi)
        if self.serves_asgi or interface_of(self.wsgi) != ASGI:
            return
        self.log.info("%s is an ASGI one. Using worker: asgi", _told_as(self.wsgi))
        raise AnotherWorkerType("asgi")

    @classmethod
    def check_application(cls, cfg: Config, app: object) -> None:
        """Raise AppImportError when workers of this type certainly cannot serve `app`."""
        # What a type of somebody else's does with its application is its own affair.
        if is_ours(cls.__module__) and looks_like_factory(app):
            named = cfg.default_proc_name if "default_proc_name" in cfg.sources else ""
            call = f"{named}()" if ":" in named else f"{named}:application()"
            hint = f": use {call!r}" if named and not named.endswith(")") else ""
            raise AppImportError(f"{named or 'The application'} looks like a factory, as it takes no arguments{hint}.")
        if "worker_class" in cfg.sources and not cls.serves_asgi and interface_of(app) == ASGI:
            raise AppImportError(
                f"{_told_as(app)} is an ASGI one, which worker_class = {cfg.worker_class_str} cannot serve: use -k asgi"
            )

    def make_gateway(self) -> Gateway:
        """The gateway for `self.wsgi`, which is loaded by now."""
        cfg = self.cfg
        server, lines = cfg.server_header, b""
        if gunicorn.SERVER != "gunicorn" or "gunicorn.http.wsgi" in sys.modules:
            # A configuration may have written over names there.
            from gunicorn.blocking.patched import said

            server, lines = said(cfg, self.log)
        gateway = self.gateway_class(
            self, self.traced_application(), self.manners, cfg.workers > 1, server, gunicorn.SERVER_SOFTWARE
        )
        gateway.attach(self.engine)
        if type(self).handle_error is not HANDLE_ERROR:
            gateway.handle_error = self.handle_error
        gateway.prefixes.fields = wiring.response_fields(cfg) + lines
        gateway.wait_writable = self.wait_writable
        gateway.wait_readable = self.wait_readable
        return gateway

    def wait_writable(self, exchange: Exchange) -> None:
        """Let the application wait until its client has taken enough."""
        self.engine.send_delayed()
        exchange.wait_writable(self.notify)

    def wait_readable(self, exchange: Exchange) -> None:
        """Let the application wait until more of the request body has come."""
        self.engine.send_delayed()
        exchange.wait_readable(self.notify)

    def run(self) -> None:
        self.gateway = self.make_gateway()
        self.has_gateway = True
        if self.slow_requests.limit:
            self.slot.tell_slow_requests()
        self.engine.hand_to(front_of(self.gateway, self.cfg), self.manners, self.cfg.workers > 1)
        self._find_parking()
        self.engine.listen(self.sockets)
        entrance.attach(self.engine.listeners, self.sockets, self.cfg, self.log)
        others = wiring.other_openers(self.engine.listeners, self.sockets, self.cfg)
        self.engine.open_by(HTTPOpener(wiring.http2_of(self.cfg, self.serves_asgi), others))
        try:
            self.serve()
            self.stop()
        except SystemExit:
            if self.aborted:
                self._answer_for_the_aborted()
            raise
        finally:
            self.gateway.idle()

    def _find_parking(self) -> None:
        """Share the place for idle connections, where this worker has neighbours to share it with."""
        ends = self.tmp.parking
        if ends is not None and self.manners.fair and self.cfg.workers > 1 and self.cfg.park_connections:
            from gunicorn.engine.shared_parking import SharedParking

            self.tmp.parking = None
            self.engine.parking = SharedParking(*ends)
        else:
            self.tmp.leave_parking()

    # Requests that take too long.

    def running(self) -> Iterable[tuple[Exchange, Request, float]]:
        """Running requests as (exchange, request, moment of their begin); for types that can break one off."""
        return ()

    def break_off(self, exchange: Exchange, request: Request) -> None:
        """A request is over its limit and was told of in the log: answer it with 504, and end the application's call,
        or see to it that this worker is replaced."""
        self.give_up(exchange, request)
        self.recycle()

    def stacks_of(self, exchange: Exchange) -> str:
        """What the application is doing, for the log."""
        return stacks.of_threads()

    def give_up(self, exchange: Exchange, request: Request) -> None:
        """Answer 504 if nothing was sent yet, and let the application send nothing more on this connection.

        May be called beside a thread that runs the request: it sees `broken` before it sends a head, or has said
        before that it is sending one.
        """
        self.abandoned.add(exchange)
        exchange.broken = True
        response = exchange.response
        page = None
        if response is None or not response.headers_sent:
            page = self.gateway.refused(exchange, GatewayTimeout(), request)
            exchange.response = None
        exchange.cut(page)

    def break_off_overdue(self) -> None:
        """End what has run for longer than `request_timeout`."""
        now = monotonic()
        for exchange, request, began in list(self.running()):
            if now - began > self.request_limit and exchange not in self.abandoned:
                self.tell_overdue(request, now - began, self.stacks_of(exchange))
                try:
                    self.break_off(exchange, request)
                except OwnSignal:
                    raise
                except BaseException as error:  # noqa: BLE001  # the boundary around one connection
                    self.engine.failed(exchange, error)
        self.abandoned = {exchange for exchange in self.abandoned if not exchange.is_over()}

    def _sees_requests(self) -> bool:
        """Whether this type can look at requests while they run."""
        return type(self).running is not EngineWorker.running

    def tell_slow(self) -> None:
        """Say where requests are that have just become slow ones."""
        for exchange, request, seconds in self.slow_requests.new(monotonic(), self.running()):
            self.log.warning(
                stacks.SLOW_LINE, self.pid, seconds, f"{request.method} {atoms.escape(request.uri)}",
                self.stacks_of(exchange), **_options(request),
            )

    def tell_overdue(self, request: Request, seconds: float, where: str) -> None:
        """A request has run for longer than its limit: say so, and where it is."""
        self.log.critical(
            "REQUEST TIMEOUT (pid:%s) after %.1f s in: %s %s\nIt is here:\n%s",
            self.pid, seconds, request.method, atoms.escape(request.uri), where, **_options(request),
        )  # fmt: skip

    def _answer_for_the_aborted(self) -> None:
        """The master ends this worker for being stuck: its clients need not wait for a connection that breaks."""
        for exchange in self.engine.exchanges():
            if exchange.request is not None:
                response = exchange.response
                self.give_up(exchange, exchange.request)
                if response is not None and response.headers_sent:
                    self.gateway.log_cut(response)

    def handle_abort(self, sig: int, frame: FrameType | None) -> None:
        """ABRT: tell all that was running, then leave."""
        now = monotonic()
        requests = [
            f"{exchange.request.method} {atoms.escape(exchange.request.uri)}"
            f" ({now - exchange.request.started:.1f} s{_named(exchange.request)})"
            for exchange in self.engine.exchanges()
            if exchange.request is not None
        ]
        if requests:
            self.log.critical("Aborted with %d requests: %s", len(requests), ", ".join(requests[:100]))
        super().handle_abort(sig, frame)

    def close_if_unserved(self, exchange: Exchange, request: Request) -> None:
        """After a subclass's own `handle_request`: one that has not served the request must not leave it open."""
        if exchange.request is request:
            exchange.abort()

    def handle_usr1(self, sig: int, frame: FrameType | None) -> None:
        """Reopen the log files; what was gathered for the old ones goes there."""
        if self.has_gateway:
            with self.engine.guard:
                self.gateway.idle()
        super().handle_usr1(sig, frame)

    @property
    def nr(self) -> int:
        """Requests begun so far."""
        return self.gateway.served if self.has_gateway else self._begun

    @nr.setter
    def nr(self, value: int) -> None:
        if self.has_gateway:
            self.gateway.served = value
        else:
            self._begun = value

    def _longest_pause(self) -> float:
        seconds = min(PULSE_SECONDS, self.timeout) if self.timeout else PULSE_SECONDS
        if self.request_limit:
            seconds = min(seconds, self.request_limit / 4)
        if self.slow_requests.limit:
            seconds = min(seconds, max(self.slow_requests.limit / 4, SHORT_PULSE_SECONDS / 4))
        if is_short(self.request_limit) or self.engine.sweep_seconds < seconds:
            seconds = min(seconds, SHORT_PULSE_SECONDS)
        return seconds

    def pulse(self) -> float:
        """Show that this worker lives; the seconds until it must do so again."""
        self.notify()
        if os.getppid() != self.ppid:
            self.log.info("Parent changed, shutting down: %s", self)
            self.alive = False
        if self.engine.lacked:
            self.engine.lacked = False
            self._tell_scarce()
        if self.slow_requests.limit:
            self.tell_slow()
        if self.request_limit:
            self.break_off_overdue()
        return self.pulse_seconds

    def _tell_scarce(self) -> None:
        now = monotonic()
        if now >= self._tells_scarce_at:
            self._tells_scarce_at = now + SCARCE_SECONDS
            self.log.warning(
                "No new connections for now: too many open files, or no memory (%d connections are open, %d descriptors"
                " allowed)", self.engine.count, resource.getrlimit(resource.RLIMIT_NOFILE)[0],
            )

    def serve(self) -> None:
        """Serve until the worker is told to stop."""
        engine = self.engine
        due = pause = 0.0
        while self.alive:
            # Not of the engine, whose moment is that of the last turn's begin: requests have run since.
            now = monotonic()
            if now >= due:
                pause = self.pulse()
                due = now + PULSE_ROOM
            engine.poll(pause)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """TERM: the answers of running requests are the last ones on their connections."""
        super().handle_exit(sig, frame)
        self.engine.closing = True

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        """QUIT, INT: leave at once, but for answers that are on their way. A second one does not wait for those."""
        if self.hurried:
            raise WorkerExit(0)
        self.hurried = True
        self.alive = False
        self.slot.drain()
        self.engine.closing = True
        self.call_hook("worker_int")
        # An application call may be running on this very thread: the alarm ends it.
        signal.signal(signal.SIGALRM, self.handle_quit)
        signal.setitimer(signal.ITIMER_REAL, QUICK_SECONDS)

    @property
    def stop_seconds(self) -> float:
        """How long a stop may take."""
        return QUICK_SECONDS if self.hurried else float(self.cfg.graceful_timeout)

    def stop_accepting(self) -> None:
        """Take no new connections. When the whole server stops, those that the kernel has taken are still served."""
        self.engine.stop_accepting(self.master_fd >= 0 and not self.slot.last)

    def stop(self) -> None:
        """Let running requests end and kept-alive clients take their leave, for `graceful_timeout` at most."""
        for _ in Farewell(self).pauses():
            self.pulse()
            self.engine.poll(LOOK_SECONDS)
        silence_signals()
        self.engine.close()


def _told_as(app: object) -> str:
    """What an application is called; of several that are mounted, the first one of ASGI."""
    return str(getattr(app, "told_as", "The application"))


def _options(request: Request) -> LogOptions:
    """What a call of the log says besides, about a request that has an id."""
    return {"extra": {"request_id": request.request_id}} if request.request_id else {}


def _named(request: Request) -> str:
    """The id of a request behind what else is said of it."""
    return f", {request.request_id}" if request.request_id else ""


def address_of(listener: Listener) -> SocketAddress:
    """The address of a listener, which may be closed by now."""
    return listener.server_name if listener.is_unix else (listener.server_name, int(listener.server_port))
