"""The asgi worker: an event loop watches the engine's one descriptor, and requests are its tasks."""

from __future__ import annotations

import asyncio
import traceback

from gunicorn.asgi.gateway import ASGIGateway
from gunicorn.asgi.http import HTTPCycle
from gunicorn.asgi.lifespan import Lifespan, LifespanFailed
from gunicorn.asgi.loop import new_loop as asyncio_loop
from gunicorn.config.checks import complaint
from gunicorn.engine.manners import Manners
from gunicorn.errors import AppImportError, ConfigError, OwnSignal, WorkerExit
from gunicorn.gateway.gateway import Gateway
from gunicorn.http.errors import GatewayTimeout
from gunicorn.instrument import stacks
from gunicorn.loading.interface import WSGI, as_single_callable, interface_of, is_double_callable
from gunicorn.unix import forks

from .engine_worker import EngineWorker
from .farewell import Farewell, silence_signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import FrameType
    from typing import Any

    from gunicorn._types import App
    from gunicorn.asgi.mounts import MountedASGI
    from gunicorn.config.config import Config
    from gunicorn.engine.exchange import Exchange
    from gunicorn.http.request import Request

    from .shared_loop import LoopGuard
    from .thread_pool import PoolGateway

BOOT_FAILED = 3
# How often a stop looks whether the last connection is gone.
LOOK_SECONDS = 0.02
# So many tasks are shown with their stacks.
MOST_TASKS = 100
# A response that sends nothing for so long during a stop is taken for one that waits for events.
SILENT_SECONDS = 1.0
# Requests that are cancelled at the end may clean up for so long, and as long is kept for the application's shut-down.
RESERVED_SECONDS = 1.0
# So long before the time is over those are told of the stop who have no end of their own.
LAST_CALL_SECONDS = 2.0


def new_loop(kind: str) -> asyncio.AbstractEventLoop:
    """An event loop by the setting `asgi_loop`. Raises AppImportError when uvloop is asked for and not installed."""
    if kind != "asyncio":
        try:
            import uvloop
        except ImportError:
            if kind == "uvloop":
                hint = "asgi_loop = uvloop: uvloop is not installed, pip install gunicorn[uvloop]"
                raise AppImportError(hint) from None
        else:
            return uvloop.new_event_loop()
    return asyncio_loop()


class ASGIWorker(EngineWorker):
    """Serves ASGI applications, and WSGI ones in a pool of threads; with mounts both at once."""

    serves_asgi = True
    manners = Manners(gathers=True, streams=True, delays=True)
    gateway_class: Callable[..., Gateway] = ASGIGateway
    loop: asyncio.AbstractEventLoop
    lifespan: Lifespan | None = None
    gateway: ASGIGateway | PoolGateway
    _ticker: asyncio.TimerHandle | None = None
    _again: asyncio.Handle | None = None
    # Where threads run beside the loop: what it holds when it does not sleep.
    _guard: LoopGuard | None = None

    # Start.

    def load_wsgi(self) -> None:
        super().load_wsgi()
        mounted = _mounted(self.cfg, self.wsgi)
        if mounted is not None and mounted.others is not None:
            self._share_loop()
        else:
            self.loop = new_loop(self.cfg.asgi_loop)
        asyncio.set_event_loop(self.loop)
        if self.serves_wsgi():
            from .thread_pool import PoolGateway

            self.gateway_class = PoolGateway
            self.manners = Manners(threaded=True, multithread=True, gathers=True)
            return
        if is_double_callable(self.wsgi):
            self.wsgi = as_single_callable(self.wsgi)
        self.lifespan = Lifespan(self.wsgi, self.cfg.asgi_lifespan, self.log)
        seconds: float = self.cfg.lifespan_startup_timeout
        if mounted is not None:
            # Each has the limit for itself.
            mounted.log, seconds = self.log, 0.0
        self._tick()
        try:
            self.loop.run_until_complete(self.lifespan.start(seconds))
        except LifespanFailed as error:
            self.log.error("The application did not start: %s", error)
            self.loop.run_until_complete(self._clear(RESERVED_SECONDS))
            raise WorkerExit(BOOT_FAILED) from None

    def serves_wsgi(self) -> bool:
        """Whether the application is a WSGI one, or all of them are."""
        return interface_of(self.wsgi) == WSGI

    @classmethod
    def check_application(cls, cfg: Config, app: object) -> None:
        super().check_application(cfg, app)
        mounted = _mounted(cfg, app)
        if mounted is not None and mounted.others is not None and cfg.asgi_loop == "uvloop":
            problem = "mounts of WSGI beside those of ASGI are served by the loop of asyncio alone"
            raise ConfigError(complaint(cfg, "asgi_loop", problem))

    def _share_loop(self) -> None:
        """Applications of both interfaces are mounted: threads beside the loop, and one engine for all."""
        from .shared_loop import SharedLoop

        self.loop = loop = SharedLoop()
        self._guard = loop.guard
        self.manners = Manners(threaded=True, multithread=True, gathers=True, streams=True)
        self.gateway_class = self._make_mixed

    def _make_mixed(
        self, worker: EngineWorker, app: App, manners: Manners, multiprocess: bool, server: str, software: str
    ) -> Gateway:
        from .mixed_gateway import Crossing, MixedGateway
        from .thread_pool import PoolGateway

        mounted: MountedASGI = self.wsgi
        if mounted.others is None:
            raise ValueError("no application of WSGI is mounted")
        pool = PoolGateway(worker, self.traced_wsgi(mounted.others), manners, multiprocess, server, software)
        crossing = Crossing(mounted, self.cfg.root_path, pool.builder.script_name)
        return MixedGateway(worker, app, crossing, pool, manners, server, software)

    def traced_application(self) -> App:
        if self._telemetry is None or self.serves_wsgi():
            return super().traced_application()
        from gunicorn.otel.asgi import traced

        return traced(self.wsgi, self._telemetry.tracing)

    def places(self) -> int:
        threads: int = self.cfg.threads
        connections: int = self.cfg.worker_connections
        return max(1, threads if self.serves_wsgi() else connections)

    def make_gateway(self) -> Gateway:
        gateway = super().make_gateway()
        if isinstance(gateway, ASGIGateway):
            self._settle(gateway)
            gateway.loop = self.loop
            gateway.wait_writable = _nothing
            if self.lifespan is not None and self.lifespan.active:
                gateway.scopes.state = self.lifespan.state
        return gateway

    def _settle(self, gateway: ASGIGateway) -> None:
        if self._guard is None:
            return
        from .mixed_gateway import MixedGateway

        if isinstance(gateway, MixedGateway):
            gateway.settle()

    # The loop.

    def serve(self) -> None:
        if self._guard is not None:
            self.engine.guard = self._guard
        self._told = asyncio.Event()
        self.loop.set_exception_handler(_tell)
        self.loop.add_reader(self.engine.fileno(), self._poll)
        # In the loop, where requests can be begun.
        self.loop.call_soon(self._tick)
        self._complete(self._told.wait())

    def _complete(self, coroutine: Coroutine[object, None, object]) -> None:
        """Let the loop turn until this is done.

        A task that raises what would end a process raises it here, too; that one is over, and no other.
        """
        task = self.loop.create_task(coroutine)
        while not task.done():
            try:
                self.loop.run_until_complete(task)
            except OwnSignal:
                raise
            except (KeyboardInterrupt, SystemExit) as error:
                requests = self._tasks()
                if not any(each.done() and not each.cancelled() and each.exception() is error for each in requests):
                    self.log.exception("Exception in a task")

    def _poll(self) -> None:
        """The engine has something to do."""
        engine = self.engine
        try:
            with engine.guard:
                engine.poll(0.0)
        except OwnSignal:
            raise
        except BaseException:  # the boundary around the engine
            # No connection is to blame: the loop would go on without it, and the worker seem alive.
            self.log.critical("The engine of this worker has failed, the worker ends", exc_info=True)
            self.alive = False
        if engine.again and self._again is None:
            self._again = self.loop.call_soon(self._once_more)
        if not self.alive:
            self._told.set()

    def _once_more(self) -> None:
        self._again = None
        self._poll()

    def _tick(self) -> None:
        """Once a second: show that the loop turns, look at deadlines, write what was gathered for the log."""
        seconds = self.pulse()
        if self.has_gateway:
            gateway = self.gateway
            with self.engine.guard:
                gateway.idle()
                gateway.tick()
            self._poll()
            if isinstance(gateway, ASGIGateway) and gateway.sockets:
                seconds = min(seconds, gateway.look_seconds)
        if self._ticker is not None:
            self._ticker.cancel()
        self._ticker = self.loop.call_later(seconds, self._tick)

    def put_down(self) -> None:
        super().put_down()
        if hasattr(self, "loop"):
            # Whoever comes back to the parent's loop goes no further.
            self.loop.call_soon(forks.end_stray)

    # Signals.

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        # uvloop has the signals' own wake-up; this is ours.
        self.engine.wake()

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_quit(sig, frame)
        self.engine.wake()

    def handle_abort(self, sig: int, frame: FrameType | None) -> None:
        """The loop is stuck: say where, and what was waiting."""
        stack = "".join(traceback.format_stack(frame)) if frame is not None else ""
        tasks = [] if not hasattr(self, "loop") else [stacks.of_task(task) for task in asyncio.all_tasks(self.loop)]
        self.log.critical(
            "The event loop did not turn for too long. It was here:\n%sTasks (%d):\n%s",
            stack, len(tasks), "\n".join(tasks[:MOST_TASKS]),
        )
        super().handle_abort(sig, frame)

    # Requests that take too long.

    def _tasks(self) -> list[asyncio.Task[object]]:
        """The requests that run, where they are tasks."""
        return list(self.gateway.tasks) if isinstance(self.gateway, ASGIGateway) else []

    def running(self) -> list[tuple[Exchange, Request, float]]:
        return list(self.gateway.running()) if self.has_gateway else []

    def stacks_of(self, exchange: Exchange) -> str:
        task = getattr(exchange.response, "task", None)
        return super().stacks_of(exchange) if task is None else stacks.of_task(task)

    def break_off(self, exchange: Exchange, request: Request) -> None:
        response = exchange.response
        if isinstance(response, HTTPCycle):
            response.break_off(GatewayTimeout())
        else:
            with self.engine.guard:
                super().break_off(exchange, request)

    # Stop.

    def stop(self) -> None:
        self._complete(self._stop())
        silence_signals()
        self.loop.remove_reader(self.engine.fileno())
        if self._ticker is not None:
            self._ticker.cancel()
        self.engine.close()
        asyncio.set_event_loop(None)
        self.loop.close()
        if self._guard is not None:
            self._guard.__exit__()

    async def _stop(self) -> None:
        """Running requests end, WebSockets are told to go elsewhere, the application shuts down."""
        engine = self.engine
        seconds = self.stop_seconds
        # Who has not ended by then is cancelled, and the shut-down wants its time as well.
        reserve = min(RESERVED_SECONDS, seconds / 8)
        farewell = Farewell(self)
        end = farewell.began + seconds - reserve
        gateway = self.gateway
        gateway.say_farewell()
        await self._let_end(farewell, seconds - reserve * 3)
        tasks = self._tasks()
        if tasks:
            self.log.warning("Cancelling %d requests that did not end within graceful_timeout", len(tasks))
            gateway.cut_off(False)
            await asyncio.wait(tasks, timeout=reserve)
        if self.lifespan is not None:
            left = max(reserve, end - engine.clock())
            seconds = min(left, self.cfg.lifespan_shutdown_timeout or left)
            mounted = _mounted(self.cfg, self.wsgi)
            if mounted is not None:
                # Each has its part of them, and is named where that is over.
                mounted.shutdown_seconds = seconds
                seconds += reserve / 2
            await self.lifespan.stop(seconds)
        await self._clear(max(reserve / 4, min(reserve, (end - engine.clock()) / 3)))

    async def _let_end(self, farewell: Farewell, seconds: float) -> None:
        """What runs may end by itself. What has no end is told: event streams and silent responses soon, others when
        the time is nearly over, and all of them at once where somebody waits for the next worker to take over."""
        gateway = self.gateway
        began = next_look = farewell.began
        waited_for = self.reloading or self.hurried
        last_call = began if waited_for else began + seconds - min(LAST_CALL_SECONDS, seconds / 4)
        for now in farewell.pauses(seconds, lambda _: gateway.busy()):
            if now >= next_look:
                next_look = now + SILENT_SECONDS
                gateway.dismiss(now >= last_call)
                if self.reloading and now >= began + LAST_CALL_SECONDS:
                    gateway.cut_off(True)
            await asyncio.sleep(LOOK_SECONDS)
            self._poll()

    async def _clear(self, seconds: float) -> None:
        """End what the application has left in the loop; each step has so many seconds.

        What clings to its life has to be left behind: the process ends.
        """
        loop = self.loop
        tasks = asyncio.all_tasks(loop) - {asyncio.current_task(loop)}
        for task in tasks:
            task.cancel()
        if tasks:
            done, pending = await asyncio.wait(tasks, timeout=seconds)
            for task in done:
                if not task.cancelled() and task.exception() is not None:
                    self.log.error("Exception in %r, which was cancelled", task, exc_info=task.exception())
            if pending:
                names = ", ".join(sorted(task.get_name() for task in pending)[:MOST_TASKS])
                self.log.warning("%d tasks are still running although they were cancelled: %s", len(pending), names)
        for last in (loop.shutdown_asyncgens(), loop.shutdown_default_executor()):
            step: Any = loop.create_task(last)
            await asyncio.wait([step], timeout=seconds)
            # Nobody needs to be told of one that did not end.
            step._log_destroy_pending = False


def _mounted(cfg: Config, app: object) -> MountedASGI | None:
    """The application, where it is several of which one at least is of ASGI."""
    if not cfg.mount:
        return None
    from gunicorn.asgi.mounts import MountedASGI

    return app if isinstance(app, MountedASGI) else None


def _tell(loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """What nobody has caught goes to the log, but for what tasks have raised in the loop itself."""
    if not isinstance(context.get("exception"), KeyboardInterrupt | SystemExit):
        loop.default_exception_handler(context)


def _nothing(exchange: Exchange) -> None:
    """Cycles wait by themselves."""
