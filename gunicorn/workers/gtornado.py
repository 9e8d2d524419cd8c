"""The tornado worker: Tornado's own server for Tornado applications, our engine in its loop for WSGI ones."""

from __future__ import annotations

import asyncio

from .engine_worker import EngineWorker
from .farewell import Farewell, silence_signals

try:
    from tornado.httputil import HTTPServerConnectionDelegate
except ImportError:
    raise RuntimeError("the tornado worker needs tornado: pip install gunicorn[tornado]") from None

from tornado.ioloop import IOLoop, PeriodicCallback
from tornado.platform.asyncio import BaseAsyncIOLoop
from tornado.web import RequestHandler
from tornado.wsgi import WSGIContainer

from gunicorn import SERVER_SOFTWARE
from gunicorn.engine._leaf import monotonic
from gunicorn.errors import AppImportError, ConfigError, OwnSignal
from gunicorn.guests.tornado import Servers
from gunicorn.tls import entrance
from gunicorn.unix import forks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tornado.web import OutputTransform

    from gunicorn.config import Config

__all__ = ["TornadoWorker"]

# How often a stop looks whether the last request has ended.
LOOK_SECONDS = 0.02


class TornadoWorker(EngineWorker):
    """Serves `tornado.web.Application` objects and other request handlers of Tornado, and WSGI applications."""

    ioloop: BaseAsyncIOLoop
    # For an application of Tornado: what serves it.
    servers: Servers | None = None
    _ticker: PeriodicCallback | None = None
    _told: asyncio.Event

    @classmethod
    def setup(cls) -> None:
        """In the master: responses of Tornado say who serves them."""
        original = RequestHandler.clear
        if getattr(original, "names_gunicorn", False):
            return

        def clear(handler: RequestHandler) -> None:
            original(handler)
            server = handler._headers.get("Server")
            if server:
                handler.set_header("Server", f"{server} ({SERVER_SOFTWARE.capitalize()})")

        clear.names_gunicorn = True  # type: ignore[attr-defined]
        RequestHandler.clear = clear  # type: ignore[assignment, method-assign]
        execute = RequestHandler._execute

        async def guarded(
            handler: RequestHandler, transforms: list[OutputTransform], *args: bytes, **kwargs: bytes
        ) -> None:
            try:
                await execute(handler, transforms, *args, **kwargs)
            except (OwnSignal, asyncio.CancelledError):
                raise
            except BaseException as error:  # noqa: BLE001  # the boundary around the application: Tornado's, for more
                handler._handle_request_exception(error)

        RequestHandler._execute = guarded  # type: ignore[assignment, method-assign]

    def load_wsgi(self) -> None:
        # The application may ask for the loop while it is imported.
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        ioloop = IOLoop.current()
        assert isinstance(ioloop, BaseAsyncIOLoop)
        self.ioloop = ioloop
        self._told = asyncio.Event()
        super().load_wsgi()

    @classmethod
    def check_application(cls, cfg: Config, app: object) -> None:
        super().check_application(cfg, app)
        if isinstance(app, HTTPServerConnectionDelegate | WSGIContainer):
            try:
                entrance.check_http_alone(cfg)
                # Tornado has its own: `StaticFileHandler`.
                entrance.check_served(cfg, "static")
            except ConfigError as error:
                raise AppImportError(str(error)) from None

    def run(self) -> None:
        if not isinstance(self.wsgi, HTTPServerConnectionDelegate | WSGIContainer):
            super().run()
            return
        self.tell_untraced("Tornado")
        self.servers = Servers(self)
        self.ioloop.asyncio_loop.set_exception_handler(_tell)
        try:
            self.serve()
            self.stop()
        except SystemExit:
            if self.aborted:
                self.servers.answer_for_the_aborted()
            raise

    def put_down(self) -> None:
        super().put_down()
        if hasattr(self, "ioloop"):
            # Whoever comes back to the parent's loop goes no further.
            self.ioloop.asyncio_loop.call_soon(forks.end_stray)
        if self.servers is not None:
            self.servers.abandon()

    # Requests that take too long.

    def break_off_overdue(self) -> None:
        if self.servers is None:
            super().break_off_overdue()
            return
        now = monotonic()
        for answer, request, began in self.servers.requests():
            if now - began > self.request_limit:
                self.tell_overdue(request, now - began, answer.stacks())
                self.servers.break_off(answer)

    # The loop.

    def serve(self) -> None:
        self._ticker = PeriodicCallback(self._tick, self.pulse() * 1000)
        self._ticker.start()
        # The wake-up descriptor is the engine's, so a signal is seen here, whoever serves.
        self.ioloop.add_handler(self.engine.fileno(), self._ready, IOLoop.READ)
        self._complete(self._until_told)

    def _complete(self, function: Callable[[], Awaitable[None]]) -> None:
        """Let the loop turn until this is done, also past tasks that raise what would end a process."""
        while True:
            try:
                self.ioloop.run_sync(function)
                return
            except OwnSignal:
                raise
            except (KeyboardInterrupt, SystemExit):
                self.log.exception("Exception in a task")

    async def _until_told(self) -> None:
        if self.alive:
            await self._told.wait()

    def _ready(self, *_: object) -> None:
        """The engine has something to do."""
        engine = self.engine
        try:
            engine.poll(0.0)
        except OwnSignal:
            raise
        except BaseException:  # the boundary around the engine
            # No connection is to blame: the loop would go on without it, and the worker seem alive.
            self.log.critical("The engine of this worker has failed, the worker ends", exc_info=True)
            self.alive = False
        if engine.again:
            self.ioloop.add_callback(self._ready)
        if not self.alive:
            self._told.set()

    def _tick(self) -> None:
        self.pulse()
        if self.servers is not None:
            self.servers.tick()
        self._ready()

    # The end.

    def stop(self) -> None:
        self._complete(self._stop if self.servers is None else self._stop_servers)
        silence_signals()
        self.ioloop.remove_handler(self.engine.fileno())
        if self._ticker is not None:
            self._ticker.stop()
        self.engine.close()
        asyncio.set_event_loop(None)
        self.ioloop.close()

    async def _stop(self) -> None:
        for _ in Farewell(self).pauses(self.stop_seconds):
            await asyncio.sleep(LOOK_SECONDS)
            self._tick()

    async def _stop_servers(self) -> None:
        """Requests end, kept-alive clients may ask once more, and what does not end in time is cut."""
        servers = self.servers
        assert servers is not None
        servers.stop()
        # Of the engine, which serves nobody here.
        farewell = Farewell(self)
        until = farewell.began + farewell.idle_seconds
        for _ in farewell.pauses(self.stop_seconds, lambda now: servers.busy(now < until)):
            await asyncio.sleep(LOOK_SECONDS)
            self._tick()
        await servers.close()


def _tell(loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """What nobody has caught goes to the log, but for tasks that were broken off."""
    if not isinstance(context.get("exception"), asyncio.CancelledError | KeyboardInterrupt | SystemExit):
        loop.default_exception_handler(context)
