"""The eventlet worker: a greenlet a request, on eventlet's hub."""

from __future__ import annotations

import warnings
from os import dup
from socket import SOCK_STREAM

try:
    with warnings.catch_warnings():
        # That eventlet is only maintained stands in the documentation; a server's log is not the place for it.
        warnings.filterwarnings("ignore", "\nEventlet is deprecated")
        import eventlet
except ImportError:
    raise RuntimeError("the eventlet worker needs eventlet: pip install gunicorn[eventlet]") from None

from eventlet import hubs, patcher
from eventlet.event import Event
from eventlet.greenio import GreenSocket
from greenlet import getcurrent
from greenlet import greenlet as Greenlet

from .greenlets import CutOff, GreenletWorker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from socket import socket
    from typing import TypeVarTuple

    from eventlet.hubs.hub import FdListener
    from eventlet.hubs.timer import Timer

    from gunicorn.unix.sockets import BaseSocket

    from .greenlets import Event as AnEvent

    Given = TypeVarTuple("Given")

__all__ = ["EventletWorker"]


class EventletWorker(GreenletWorker):
    """Serves WSGI applications in greenlets of eventlet, with the standard library patched to wait cooperatively."""

    @classmethod
    def setup(cls) -> None:
        """In the master, before it loads anything else: with `preload_app` the application is imported there."""
        if cls.patch is EventletWorker.patch:
            _patch_once()

    def patch(self) -> None:
        """In the worker, before it loads the application. A subclass may patch more, or less."""
        _patch_once()

    def init_process(self) -> None:
        self.patch()
        # One of our own: descriptors of the master's, if it has any, are shared with all workers.
        hubs.use_hub()
        super().init_process()

    # What eventlet does for `GreenletWorker`.

    _listener: FdListener | None = None
    _timer: Timer | None = None

    def spawn(self, function: Callable[[*Given], object], *args: *Given) -> Greenlet:
        return eventlet.spawn(function, *args)

    def current(self) -> Greenlet:
        return getcurrent()

    def kill(self, greenlet: Greenlet) -> None:
        # Not now: the main greenlet does not wait for what the application does at its end.
        hubs.get_hub().schedule_call_global(0, greenlet.kill, CutOff)

    def kill_all(self, greenlets: list[Greenlet], seconds: float) -> None:
        for each in greenlets:
            each.kill(CutOff)
        with eventlet.Timeout(seconds, False):
            while any(not each.dead for each in greenlets):
                eventlet.sleep(0.01)

    def make_event(self) -> AnEvent:
        return _Event()

    def switch_to_hub(self) -> None:
        hubs.get_hub().switch()

    def pause(self) -> None:
        eventlet.sleep(0)

    def nap(self, seconds: float) -> None:
        eventlet.sleep(seconds)

    def green(self, listener: BaseSocket) -> socket:
        sock: socket = GreenSocket(listener.FAMILY, SOCK_STREAM, 0, dup(listener.fileno()))
        return sock

    def leave_the_hub(self) -> None:
        hubs.use_hub()

    def watch(self) -> None:
        hub = hubs.get_hub()
        self._listener = hub.add(hub.READ, self.engine.fileno(), self.wake, self.wake, self.wake)

    def unwatch(self) -> None:
        hubs.get_hub().remove(self._listener)

    def tick_every(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if seconds:
            self._timer = hubs.get_hub().schedule_call_global(seconds, self._tick, seconds)

    def _tick(self, seconds: float) -> None:
        self._timer = None
        self.tick_every(seconds)
        self.wake()


class _Event:
    """An event for one greenlet, with the manners of the standard library's."""

    def __init__(self) -> None:
        self._event = Event()

    def set(self) -> None:
        if not self._event.ready():
            self._event.send(True)

    def wait(self, seconds: float | None) -> bool:
        return bool(self._event.wait(seconds))


def _patch_once() -> None:
    # Somebody who has patched before, in the configuration file say, has chosen what.
    if not patcher.is_monkey_patched("socket"):
        eventlet.monkey_patch()
