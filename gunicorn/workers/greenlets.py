"""What the gevent and eventlet workers share: each request in a greenlet, the engine in the main one.

The library's hub watches one descriptor, the engine's, and one timer. When either has something to say the hub switches
to the main greenlet, which runs one turn of the engine and goes back to sleep. The engine is never run inside a
callback of the hub: it calls loggers and hooks, and those may have to wait, which the hub cannot.

A greenlet that has to wait for its client waits for an event that the engine sets through the gateway. Everything
happens in one thread, and greenlets change places only where one of them waits, so nothing needs a lock.
"""

from __future__ import annotations

from contextlib import nullcontext

from greenlet import GreenletExit, getcurrent
from greenlet import greenlet as Greenlet

from gunicorn.engine._leaf import keep_stacks, monotonic
from gunicorn.engine.manners import Manners
from gunicorn.errors import OwnSignal
from gunicorn.gateway.gateway import Gateway
from gunicorn.gateway.socket_view import SocketView
from gunicorn.http.errors import LateBody
from gunicorn.instrument import stacks
from gunicorn.tls.entrance import check_guest
from gunicorn.unix import forks
from gunicorn.wsgi.gateway import WSGIGateway

from .engine_worker import EngineWorker, address_of
from .farewell import Farewell, silence_signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from socket import socket
    from typing import Any, Protocol, TypeVarTuple

    from gunicorn._types import Peer
    from gunicorn.engine.engine import Engine
    from gunicorn.engine.exchange import Exchange
    from gunicorn.http.request import Request
    from gunicorn.unix.sockets import BaseSocket

    Given = TypeVarTuple("Given")

    class Event(Protocol):
        """What one greenlet waits for."""

        def set(self) -> None:
            """It has come."""

        def wait(self, seconds: float | None, /) -> bool:
            """Let others run until it has, at most so long; whether it has."""

# How often a stop looks whether the last connection is gone. Greenlets that end their request tell by themselves.
LOOK_SECONDS = 0.1
# Requests that were cut at the end may clean up for so long.
CUT_SECONDS = 1.0


class CutOff(OwnSignal, GreenletExit):  # type: ignore[misc]
    """A request is broken off. Applications may catch it as the GreenletExit that it is."""


class GreenletGateway(WSGIGateway):
    """Gives a complete request a greenlet, and wakes greenlets that wait for a client."""

    worker: GreenletWorker
    engine: Engine
    _waiting: dict[Exchange, Event]
    # Those that run, by connection: the greenlet, its request, and the moment of its begin.
    runs: dict[Exchange, tuple[Greenlet, Request, float]]

    def begin(self) -> None:
        """Before the first request."""
        self._waiting = {}
        self.runs = {}

    def handle(self, exchange: Exchange, request: Request) -> None:
        """Called in the main greenlet, or in one that has just answered the request before this one."""
        self.runs[exchange] = (self.worker.spawn(self._serve, exchange, request), request, monotonic())

    def _serve(self, exchange: Exchange, request: Request) -> None:
        engine = self.engine
        try:
            self.worker.serve_request(exchange, request)
        except OwnSignal:
            # The greenlet is being killed, or this worker ends; who is ended for being late answers all at once.
            if not self.worker.aborted:
                exchange.abort()
            raise
        except BaseException as error:  # noqa: BLE001  # the boundary around one connection
            self.run_failed(exchange, request, error)
        finally:
            if not engine.running:
                self.idle()
            # A pipelined request may have been given its own greenlet meanwhile.
            run = self.runs.get(exchange)
            if run is not None and run[1] is request:
                del self.runs[exchange]
            if engine.closing or engine.again:
                engine.wake()

    # Waiting for clients.

    def await_client(self, exchange: Exchange) -> None:
        """Sleep until the client has taken enough, or is given up; the engine looks at the deadline."""
        while exchange.must_wait():
            event = self._waiting[exchange] = self.worker.make_event()
            try:
                event.wait(None)
            finally:
                self._waiting.pop(exchange, None)

    def await_body(self, exchange: Exchange) -> None:
        """Sleep until more of the body has come, or is not going to."""
        exchange.pull()
        stream = exchange.stream
        if stream is None or stream.pieces:
            return
        event = self.worker.make_event()
        stream.on_change = event.set
        try:
            if not event.wait(self.engine.body_timeout or None):
                exchange.give_up_body(LateBody())
        finally:
            stream.on_change = None

    def writable(self, exchange: Exchange) -> None:
        event = self._waiting.pop(exchange, None)
        if event is not None:
            event.set()

    def disconnected(self, exchange: Exchange) -> None:
        self.writable(exchange)


class GreenletWorker(EngineWorker):
    """Serves up to `worker_connections` clients, each request in a greenlet. Subclasses bring the library."""

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if cls.handle is not _HANDLE:
            # It has one way in for all listeners.
            cls.honours_bind_options = False

    # Access lines are written when the last request that runs has ended.
    manners = Manners(multithread=True, gathers=True)
    gateway_class: Callable[..., Gateway] = GreenletGateway
    gateway: GreenletGateway
    # Whether the main greenlet sleeps in `sleep`, and no other wait of its own.
    _asleep = False
    _watching = False
    _main: Greenlet | None = None

    def init_process(self) -> None:
        # Each request has a greenlet, and each greenlet memory for its frames.
        keep_stacks()
        super().init_process()

    def places(self) -> int:
        connections: int = self.cfg.worker_connections
        return connections

    # What the library does.

    def spawn(self, function: Callable[[*Given], object], *args: *Given) -> Greenlet:
        """A greenlet that will run `function` soon."""
        raise NotImplementedError

    def current(self) -> Greenlet:
        """The greenlet that runs."""
        raise NotImplementedError

    def kill(self, greenlet: Greenlet) -> None:
        """Raise `CutOff` in it soon, without waiting for its end."""
        raise NotImplementedError

    def kill_all(self, greenlets: list[Greenlet], seconds: float) -> None:
        """Raise `CutOff` in each of them and let them clean up for so long."""
        raise NotImplementedError

    def make_event(self) -> Event:
        """An event that has not come yet."""
        raise NotImplementedError

    def switch_to_hub(self) -> None:
        """Let others run until somebody switches back."""
        raise NotImplementedError

    def nap(self, seconds: float) -> None:
        """Let others run for so long."""
        raise NotImplementedError

    def green(self, listener: BaseSocket) -> socket:
        """The socket of a listener, as one that lets others run while it waits."""
        raise NotImplementedError

    def watch(self) -> None:
        """Have the hub call `wake` while the engine's descriptor is readable."""
        raise NotImplementedError

    def unwatch(self) -> None:
        """End that."""
        raise NotImplementedError

    def tick_every(self, seconds: float) -> None:
        """Have the hub call `wake` so often; 0: no more."""
        raise NotImplementedError

    def leave_the_hub(self) -> None:
        """In a child that the application has forked: have a hub of its own, so that none of the parent's greenlets
        goes on there."""
        raise NotImplementedError

    # A child of the application's.

    def put_down(self) -> None:
        super().put_down()
        self._asleep = False
        current = getcurrent()
        if self._main is not None and current is not self._main:
            # Where the greenlet that has forked would hand over to the parent's hub at its end, the child ends.
            current.parent = Greenlet(forks.end_stray, self._main)
        self.leave_the_hub()

    # A request.

    def make_gateway(self) -> Gateway:
        gateway = super().make_gateway()
        assert isinstance(gateway, GreenletGateway)
        gateway.begin()
        gateway.wait_writable = gateway.await_client
        gateway.wait_readable = gateway.await_body
        return gateway

    def serve_request(self, exchange: Exchange, request: Request) -> None:
        """In the request's own greenlet."""
        if type(self).handle_request is _HANDLE_REQUEST:
            self.gateway.run(exchange, request)
        else:
            self.handle_request(address_of(exchange.listener), request, SocketView(exchange), exchange.peer)
            self.close_if_unserved(exchange, request)

    def handle_request(self, listener_name: Peer, req: Any, sock: socket | SocketView, addr: Peer) -> bool | None:
        """Serve one request; subclasses put something of their own around it.

        `listener_name` is the address of the server's end. A view of a connection comes with the engine's request, a
        socket with a request that was read off it; for the latter it is told whether the connection goes on.
        """
        if isinstance(sock, SocketView):
            self.gateway.run(sock.exchange, req)
            return None
        from gunicorn.blocking.answering import answer

        return answer(self, listener_name, req, sock, addr, True, True)

    # A subclass's own way with a connection.

    def handle(self, listener: socket, client: socket, addr: Peer) -> None:
        """Serve the connection `client`, a socket of the library, until it ends; closes it.

        A subclass that replaces this is given every connection, in a greenlet; otherwise the engine serves them.
        """
        from gunicorn.blocking.cycle import converse

        converse(self, listener.getsockname(), client, addr, bool(self.cfg.keepalive), self.timeout_ctx)

    def timeout_ctx(self) -> AbstractContextManager[object]:
        """A context manager around the wait of `handle` for a request."""
        return nullcontext()

    def is_already_handled(self, respiter: object) -> bool:
        """Whether the application has answered on the socket of `handle` by itself, which its result says."""
        from gunicorn.blocking.answering import ALREADY_HANDLED

        return respiter is ALREADY_HANDLED

    def run(self) -> None:
        if type(self).handle is _HANDLE:
            super().run()
            return
        check_guest(self.cfg)
        # Of those that `handle` serves.
        clients: set[Greenlet] = set()
        acceptors = [self.spawn(self._accept, self.green(listener), clients) for listener in self.sockets]
        self.serve()
        for acceptor in acceptors:
            self.kill(acceptor)
        deadline = self.engine.clock() + self.stop_seconds
        while clients and self.engine.clock() < deadline:
            self.notify()
            self.nap(LOOK_SECONDS)
        if clients:
            self.log.warning("Ending %d connections that did not finish in time", len(clients))
            self.kill_all(list(clients), CUT_SECONDS)

    def _accept(self, listener: socket, clients: set[Greenlet]) -> None:
        """In a greenlet of its own: give each client of a listener to `handle`."""
        try:
            while True:
                while len(clients) >= self.cfg.worker_connections:
                    self.nap(LOOK_SECONDS)
                try:
                    client, address = listener.accept()
                except OSError as error:
                    self.log.debug("Cannot accept: %s", error)
                    self.nap(LOOK_SECONDS)
                    continue
                self.spawn(self._handle, listener, client, address, clients)
        finally:
            listener.close()

    def _handle(self, listener: socket, client: socket, address: Peer, clients: set[Greenlet]) -> None:
        me = self.current()
        clients.add(me)
        try:
            self.handle(listener, client, address)
        except OwnSignal:
            raise
        except BaseException:  # the boundary around one connection
            self.log.exception("Error on the connection of %s", address)
            client.close()
        finally:
            clients.discard(me)

    # Requests that take too long.

    def running(self) -> list[tuple[Exchange, Request, float]]:
        # None where another server serves than the engine.
        runs = self.gateway.runs if self.has_gateway else {}
        return [(exchange, request, began) for exchange, (_, request, began) in runs.items()]

    def stacks_of(self, exchange: Exchange) -> str:
        return stacks.of_greenlet(self.gateway.runs[exchange][0])

    def break_off(self, exchange: Exchange, request: Request) -> None:
        greenlet = self.gateway.runs[exchange][0]
        self.give_up(exchange, request)
        self.kill(greenlet)

    # The main greenlet.

    def wake(self, *_: object) -> None:
        """Called in the hub: the engine has something to do, or a moment has passed."""
        main = self._main
        if self._asleep and main is not None:
            self._asleep = False
            main.switch()
        elif self._watching:
            # The main greenlet waits for something else: do not call again and again meanwhile.
            self._watching = False
            self.unwatch()

    def sleep(self) -> None:
        """Let the others run until the engine has something to do."""
        if not self._watching:
            self._watching = True
            self.watch()
        self._asleep = True
        try:
            self.switch_to_hub()
        finally:
            self._asleep = False

    def pause(self) -> None:
        """Let the others run once."""
        raise NotImplementedError

    def _turn(self) -> None:
        try:
            if self.engine.again:
                self.pause()
            else:
                self.sleep()
        except OwnSignal:
            raise
        except (KeyboardInterrupt, SystemError, SystemExit):
            # Hubs hand these to the main greenlet, whoever has raised them: a greenlet of the application's own.
            self.log.exception("Exception in a greenlet")
        self.engine.poll(0.0)

    def serve(self) -> None:
        self._main = self.current()
        self.tick_every(self.pulse())
        while self.alive:
            self.pulse()
            self._turn()

    def stop(self) -> None:
        """Requests end, kept-alive clients take their leave; what does not end in time is cut."""
        self.tick_every(LOOK_SECONDS)
        for _ in Farewell(self).pauses(self.stop_seconds):
            self.notify()
            self._turn()
        left = [greenlet for greenlet, _, _ in self.gateway.runs.values()]
        if left:
            self.log.warning("Ending %d requests that did not finish in time", len(left))
            self.kill_all(left, CUT_SECONDS)
        silence_signals()
        self.tick_every(0.0)
        if self._watching:
            self.unwatch()
        self.engine.close()


# By these a subclass is found that has its own, and a patch of ours, as tracers make it.
_HANDLE, _HANDLE_REQUEST = GreenletWorker.handle, GreenletWorker.handle_request
