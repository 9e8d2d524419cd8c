"""A gateway and an engine of a configuration in this process, and a client that gives them a turn when it waits."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from types import SimpleNamespace
from typing import Any

from gunicorn.asgi.gateway import ASGIGateway
from gunicorn.config import Config
from gunicorn.drivers.opener import HTTPOpener
from gunicorn.engine.engine import Engine
from gunicorn.engine.manners import Manners
from gunicorn.gateway.wiring import limits_of, settings_of
from gunicorn.http.peers import Peers
from gunicorn.wsgi.gateway import WSGIGateway
from tests.support.wire import Wire
from tests.wsgi.test_gateway import FakeLog


def configured(arguments: tuple[str, ...]) -> Config:
    """The configuration of a command line."""
    cfg = Config()
    for name, value in vars(cfg.parser().parse_args(list(arguments))).items():
        if value is not None and name in cfg.settings:
            cfg.set(name, value)
    return cfg


class House:
    """Serves an application as a worker does that is alone; nothing happens but in a turn."""

    def __init__(
        self, app: Any, arguments: tuple[str, ...] = (), asgi: bool = False, terminator: Any = None, share: Any = None
    ) -> None:
        # A test that is held up between two requests of a connection shall find it open.
        cfg = configured(("--keep-alive", "600", *arguments))
        self.log = FakeLog()
        worker = SimpleNamespace(cfg=cfg, log=self.log, max_requests=sys.maxsize, alive=True, recycle=lambda: None)
        kind: Any = ASGIGateway if asgi else WSGIGateway
        gateway = kind(worker, app, Manners(streams=asgi), False, "gunicorn", "gunicorn/28")
        self.engine = engine = Engine(
            HTTPOpener(), gateway, settings_of(cfg), limits_of(cfg), Peers(cfg.forwarded_allow_ips),
            Peers(cfg.proxy_allow_ips), share=share)
        gateway.attach(engine)
        self.loop: asyncio.AbstractEventLoop | None = None
        if asgi:
            self.loop = gateway.loop = asyncio.new_event_loop()
            engine.stream_bodies = True
        else:
            gateway.wait_writable = lambda exchange: exchange.wait_writable(lambda: None)
            gateway.wait_readable = lambda exchange: exchange.wait_readable(lambda: None)
        self.listener = socket.create_server(("127.0.0.1", 0))
        engine.listen([self.listener])
        if terminator is not None:
            terminator.log = self.log
            engine.listeners[0].terminator = terminator

    def turn(self) -> None:
        """What has come is read and served, as far as it goes."""
        if self.loop is None:
            self.engine.poll(0.0)
            return
        self.loop.call_soon(self._turn, self.loop)
        self.loop.run_forever()

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            self.engine.poll(0.0)
        finally:
            # Behind what the turn itself has put there.
            loop.call_soon(loop.call_soon, loop.stop)

    def connect(self) -> Client:
        return Client(self)

    def close(self) -> None:
        """Clients that have left are noticed; applications that still wait are cancelled."""
        self.turn()
        if self.loop is not None:
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.turn()
            self.loop.close()
        self.engine.close()
        self.listener.close()


class Client(Wire):
    """A client of a `House`."""

    def __init__(self, house: House) -> None:
        super().__init__(house.listener.getsockname())
        self.house = house

    def send_bytewise(self, data: bytes) -> None:
        """The server reads each octet before the next one is sent."""
        for place in range(len(data)):
            self.send(data[place:place + 1])
            self.house.turn()
            if self.reset:
                return

    def fill(self, end: float | None = None) -> bool:
        if end is None:
            end = time.monotonic() + self.timeout
        self.socket.setblocking(False)
        try:
            while not self.eof:
                self.house.turn()
                try:
                    data = self.socket.recv(65536)
                except BlockingIOError:
                    if time.monotonic() > end:
                        raise AssertionError(f"nothing more came after {self.buffer!r}") from None
                    continue
                except ConnectionResetError:
                    self.reset = True
                    data = b""
                self.buffer += data
                self.eof = not data
                return bool(data)
            return False
        finally:
            self.socket.settimeout(self.timeout)
