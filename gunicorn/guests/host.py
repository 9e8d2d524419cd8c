"""What a guest needs of the worker that it serves in."""

from __future__ import annotations

from typing import Any, Protocol

from gunicorn.config import Config
from gunicorn.engine.engine import Engine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gevent.pywsgi import WSGIHandler, WSGIServer
    from tornado.platform.asyncio import BaseAsyncIOLoop

    from gunicorn._types import Log, WSGIApp
    from gunicorn.instrument.scoreboard import Slot
    from gunicorn.unix.sockets import BaseSocket

__all__ = ["GeventHost", "Host", "TornadoHost"]


class Host(Protocol):
    """A worker; what is ours of it: the life of the process, its listeners, its application, the log."""

    cfg: Config
    log: Log
    sockets: list[BaseSocket]
    # The application, of whatever interface.
    wsgi: Any
    # Not told to stop yet.
    alive: bool
    # The engine that serves nobody here: its clock, its field table, whom it trusts.
    engine: Engine
    max_requests: int
    # How many seconds a request may take; 0: no limit.
    request_limit: float

    @property
    def slot(self) -> Slot:
        """Its place on the scoreboard."""

    @property
    def stop_seconds(self) -> float:
        """How many seconds running requests have from the beginning of a stop."""

    def notify(self) -> None:
        """Tell the master that this worker is alive."""

    def recycle(self) -> None:
        """`max_requests` is reached."""


class TornadoHost(Host, Protocol):
    """The worker of Tornado's own server."""

    ioloop: BaseAsyncIOLoop


class GeventHost(Host, Protocol):
    """The worker of a server made for `gevent.pywsgi`."""

    # Classes of that server and of its handlers, where the worker type brings such.
    server_class: type[WSGIServer] | None
    wsgi_handler: type[WSGIHandler] | None
    # The servers that run.
    guests: list[WSGIServer]

    def traced_application(self) -> WSGIApp:
        """The application, with a span around each request where they have such."""

    def serve(self) -> None:
        """Wait, with gevent's loop running, until the worker is told to stop."""
