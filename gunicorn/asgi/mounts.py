"""Several applications of ASGI as one (the ASGI specification, "HTTP Connection Scope": root_path and path)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Iterable

from gunicorn.config.mounts import NOWHERE, Table, below
from gunicorn.gateway.mounts import FIELDS, PAGE, STATUS, Mount

from .awaitables import mark_as_coroutine_function
from .lifespan import Lifespan, LifespanFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from gunicorn._types import ASGIApp, Environ, Receive, Scope, Send, StartResponse
    from gunicorn.config.config import Config

    from .lifespan import Teller

    class Others(Protocol):
        """Applications of WSGI as one, with the places of them."""

        table: Table

        def __call__(self, environ: Environ, start_response: StartResponse, /) -> Iterable[bytes]: ...

__all__ = ["MountedASGI"]

_FIELDS = [(name.lower().encode("ascii"), value.encode("ascii")) for name, value in FIELDS]


class MountedASGI:
    """Gives each request and WebSocket to the application that stands where it goes, or answers that there is none.

    Each application has a lifespan of its own, and scopes with what it has left in the state of that. They are begun in
    the order of the configuration and ended in the reverse one; when one cannot start, the server does not.

    `others`: applications of WSGI that stand beside these; nothing here calls them.
    """

    def __init__(self, mounts: Iterable[Mount], cfg: Config, others: Others | None = None) -> None:
        mounts = list(mounts)
        self.table = Table([(mount.rank, mount.place) for mount in mounts], octets=False)
        self.others = others
        # What is said to be of ASGI.
        self.told_as = f"The application at {mounts[0]}"
        # Who is told of what goes wrong in a lifespan; our workers set their own log, which may be of another class.
        self.log: Teller = logging.getLogger("gunicorn.error")
        # How long all of them together have to shut down; our workers say what is left of their own time.
        self.shutdown_seconds: float = cfg.lifespan_shutdown_timeout or cfg.graceful_timeout
        self._cfg = cfg
        self._mounts = mounts
        # By application: one that stands at several places starts once.
        self._lifespans: dict[int, Lifespan] = {}
        self._at: dict[int, tuple[str, ASGIApp]] = {mount.rank: (mount.place.prefix, mount.app) for mount in mounts}

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        kind = scope["type"]
        if kind == "lifespan":
            return self._live(receive, send)
        rank = self.rank_of(scope)
        if rank == NOWHERE:
            return _deny(receive, send) if kind == "websocket" else _answer("http", send)
        prefix, app = self._at[rank]
        # `path` has what `root_path` has: that is all that changes.
        scope["root_path"] = scope.get("root_path", "") + prefix
        self._give_state(scope, app)
        return app(scope, receive, send)

    def rank_of(self, scope: Scope) -> int:
        """The rank of the mount that takes a request; NOWHERE where none does."""
        host = _host_of(scope) if self.table.by_host else ""
        return self.table.find(host, below(scope["path"], scope.get("root_path", "")))

    def octets_table(self) -> Table:
        """The same places, for paths as an environ has them."""
        return Table([(mount.rank, mount.place) for mount in self._mounts], octets=True)

    def _give_state(self, scope: Scope, app: ASGIApp) -> None:
        lifespan = self._lifespans.get(id(app))
        if lifespan is not None and lifespan.active:
            scope["state"] = lifespan.state.copy()
        else:
            scope.pop("state", None)

    # The lifespans.

    async def _live(self, receive: Receive, send: Send) -> None:
        """One lifespan for whoever serves these applications, and one for each of them."""
        await receive()
        begun: list[Lifespan] = []
        try:
            await self._start(begun)
        except LifespanFailed as error:
            await self._stop(begun)
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._stop(begun)
        await send({"type": "lifespan.shutdown.complete"})

    async def _start(self, begun: list[Lifespan]) -> None:
        for mount in self._mounts:
            if id(mount.app) in self._lifespans:
                continue
            lifespan = Lifespan(mount.app, self._cfg.asgi_lifespan, self.log, f"the application at {mount}")
            try:
                await lifespan.start(self._cfg.lifespan_startup_timeout)
            except LifespanFailed as error:
                raise LifespanFailed(f"{mount}: {error}") from None
            self._lifespans[id(mount.app)] = lifespan
            begun.append(lifespan)

    async def _stop(self, begun: list[Lifespan]) -> None:
        # One that does not end must not take the time of all others.
        seconds = self.shutdown_seconds / max(1, len(begun))
        for lifespan in reversed(begun):
            await lifespan.stop(seconds)


# By this other servers know an application of ASGI 3.
mark_as_coroutine_function(MountedASGI.__call__)


def _host_of(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"host":
            host: str = value.decode("latin-1")
            return host
    return ""


async def _answer(protocol: str, send: Send) -> None:
    await send({"type": f"{protocol}.response.start", "status": STATUS, "headers": list(_FIELDS)})
    await send({"type": f"{protocol}.response.body", "body": PAGE})


async def _deny(receive: Receive, send: Send) -> None:
    await receive()
    await _answer("websocket.http", send)
