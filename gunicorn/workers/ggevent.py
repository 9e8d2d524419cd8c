"""The gevent worker: a greenlet a request, on gevent's hub."""

from __future__ import annotations

import os
from socket import SOCK_STREAM

try:
    import gevent
except ImportError:
    raise RuntimeError("the gevent worker needs gevent: pip install gunicorn[gevent]") from None

from gevent import _hub_local, monkey
from gevent.event import Event
from gevent.socket import socket as GreenSocket

from gunicorn.errors import AppImportError, ConfigError
from gunicorn.tls.entrance import check_served

from .greenlets import CutOff, GreenletWorker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from socket import socket
    from typing import Any, TypeVarTuple

    from gevent._interfaces import ILoop, IWatcher
    from gevent.hub import Hub
    from gevent.pywsgi import WSGIHandler, WSGIServer
    from greenlet import greenlet as Greenlet

    from gunicorn.config import Config
    from gunicorn.unix.sockets import BaseSocket

    from .greenlets import Event as AnEvent

    Given = TypeVarTuple("Given")

__all__ = ["GeventPyWSGIWorker", "GeventWorker", "PyWSGIWorker"]


class GeventWorker(GreenletWorker):
    """Serves WSGI applications in greenlets of gevent, with the standard library patched to wait cooperatively."""

    # Set by subclasses that bring a server or a handler made for `gevent.pywsgi`: those serve then.
    server_class: type[WSGIServer] | None = None
    wsgi_handler: type[WSGIHandler] | None = None
    # Those servers, while they run.
    guests: list[WSGIServer] = []

    @classmethod
    def setup(cls) -> None:
        """In the master, before it loads anything else: with `preload_app` the application is imported there."""
        if cls.patch is GeventWorker.patch:
            _patch_once()

    def patch(self) -> None:
        """In the worker, before it loads the application. A subclass may patch more, or less."""
        _patch_once()

    def init_process(self) -> None:
        self.patch()
        gevent.reinit()
        super().init_process()

    def put_down(self) -> None:
        super().put_down()
        if self.guests:
            from gunicorn.guests.gevent_pywsgi import abandon

            abandon(self.guests)

    @classmethod
    def check_application(cls, cfg: Config, app: object) -> None:
        super().check_application(cfg, app)
        if any(_is_chosen(cls.__mro__, name) for name in _OF_A_GUEST):
            try:
                check_served(cfg, "static", "allowed_hosts")
            except ConfigError as error:
                raise AppImportError(str(error)) from None

    def run(self) -> None:
        self._watch_children()
        places = (self, *type(self).__mro__)
        if not any(_is_chosen(places, name) for name in _OF_A_GUEST):
            super().run()
            return
        from gunicorn.guests.gevent_pywsgi import serve

        serve(self)

    def _watch_children(self) -> None:
        """See the end of each child that is forked. By itself gevent does so from the first one on, and misses its end
        when that comes before the loop has turned: whoever waits for it waits for ever.

        Not earlier: from then on the loop collects every child, and nobody learns how those have ended that gevent did
        not start (`spawn` of multiprocessing).
        """
        pid, install = os.getpid(), gevent.get_hub().loop.install_sigchld

        def before() -> None:
            if os.getpid() == pid:
                install()

        os.register_at_fork(before=before)

    # What gevent does for `GreenletWorker`.

    _ticker: IWatcher | None = None
    _watcher: IWatcher | None = None
    _left: tuple[Hub, ILoop] | None = None

    def spawn(self, function: Callable[[*Given], object], *args: *Given) -> Greenlet:
        return _Spawned.spawn(function, *args)

    def current(self) -> Greenlet:
        return gevent.getcurrent()

    def kill(self, greenlet: Greenlet) -> None:
        greenlet.kill(CutOff, block=False)

    def kill_all(self, greenlets: list[Greenlet], seconds: float) -> None:
        gevent.killall(greenlets, CutOff, block=False)
        gevent.joinall(greenlets, timeout=seconds)

    def make_event(self) -> AnEvent:
        event: AnEvent = Event()
        return event

    def switch_to_hub(self) -> None:
        gevent.get_hub().switch()

    def pause(self) -> None:
        gevent.sleep(0)

    def nap(self, seconds: float) -> None:
        gevent.sleep(seconds)

    def green(self, listener: BaseSocket) -> socket:
        sock: socket = GreenSocket(listener.FAMILY, SOCK_STREAM, 0, os.dup(listener.fileno()))
        return sock

    def leave_the_hub(self) -> None:
        hub = _hub_local.get_hub_if_exists()
        if hub is None:
            return
        # What waits in it is kept, and so neither goes on nor is ended.
        self._left = hub, hub.loop
        hub.loop.destroy()
        _hub_local.set_hub(None)
        _hub_local.set_loop(None)

    def watch(self) -> None:
        if self._watcher is None:
            self._watcher = gevent.get_hub().loop.io(self.engine.fileno(), 1)
        self._watcher.start(self.wake)

    def unwatch(self) -> None:
        if self._watcher is not None:
            self._watcher.stop()

    def tick_every(self, seconds: float) -> None:
        if self._ticker is not None:
            self._ticker.stop()
            self._ticker.close()
            self._ticker = None
        if seconds:
            self._ticker = gevent.get_hub().loop.timer(seconds, seconds)
            self._ticker.start(self.wake)


class _Spawned(gevent.Greenlet):  # type: ignore[misc]
    """A greenlet of the worker's own. Where it was spawned is always the same, and not written down for each."""

    spawning_stack_limit = 0


class _OfPyWSGI:
    """A class attribute that is a class of `gevent_pywsgi`, which is loaded when somebody asks for it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, instance: object, owner: type[GeventWorker] | None = None) -> Any:
        from gunicorn.guests import gevent_pywsgi

        return getattr(gevent_pywsgi, self.name)


class GeventPyWSGIWorker(GeventWorker):
    """The same. Subclasses that set `wsgi_handler` or `server_class` are served by `gevent.pywsgi`."""

    server_class = _OfPyWSGI("PyWSGIServer")
    wsgi_handler = _OfPyWSGI("PyWSGIHandler")


PyWSGIWorker = GeventPyWSGIWorker


# What subclasses set to be served by `gevent.pywsgi`.
_OF_A_GUEST = ("server_class", "wsgi_handler")


def _is_chosen(places: Iterable[object], name: str) -> bool:
    """Whether somebody has set a class of `gevent.pywsgi`, other than our own default; `places`: a worker and its
    classes."""
    for place in places:
        if name in vars(place):
            chosen = vars(place)[name]
            return chosen is not None and not isinstance(chosen, _OfPyWSGI)
    return False


def _patch_once() -> None:
    # Somebody who has patched before, in the configuration file say, has chosen what.
    if not monkey.is_module_patched("socket"):
        monkey.patch_all()


def __getattr__(name: str) -> object:
    """What subclasses that are served by `gevent.pywsgi` import from here; the others need not load it."""
    if name in ("GeventResponse", "PyWSGIHandler", "PyWSGIServer", "VERSION"):
        from gunicorn.guests import gevent_pywsgi

        return getattr(gevent_pywsgi, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
