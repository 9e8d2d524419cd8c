"""The connections of one process, by their descriptors: how one is taken on, what its peer may tell, and its end."""

from __future__ import annotations

from gunicorn.errors import OwnSignal
from gunicorn.http.fields import FieldTable
from gunicorn.http.limits import Limits
from gunicorn.http.peers import Peers

from ._leaf import show_connections
from .exchange import Exchange
from .listener import Listener
from .opener import Opener
from .state import EngineState
from .transport import Transport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn._types import Peer

# The table of connections grows by so many places.
PLACES = 64
REMEMBERED_PEERS = 1024
# What a peer may tell us about its client: by fields, by the PROXY protocol.
TRUSTED = 1
MAY_PROXY = 2


class Connections(EngineState):
    """What is connected, each made by an opener."""

    __slots__ = ("connections", "known_peers", "opener", "proxies", "table", "trusted")

    def begin_connections(self, opener: Opener, limits: Limits, trusted: Peers, proxies: Peers) -> None:
        """This part of what `__init__` would do."""
        self.opener = opener
        self.table = FieldTable(limits)
        self.trusted = trusted
        self.proxies = proxies
        self.known_peers: dict[str, int] = {}
        self.connections: list[Transport | None] = [None] * PLACES

    def open_by(self, opener: Opener) -> None:
        """Connections are what this opener makes of them, from now on."""
        if opener is None:
            raise TypeError("an opener is needed")
        self.opener = opener

    def open(self, fd: int, peer: Peer, listener: Listener) -> Transport:
        """Take on a connected, non-blocking socket; `process` begins to serve it."""
        if fd < 0:
            raise ValueError("a connection needs a descriptor")
        trust = self._trust(peer)
        connection = self.opener.open(
            self, fd, peer, listener, self.table, trust & TRUSTED != 0, trust & MAY_PROXY != 0
        )
        connections = self.connections
        if fd >= len(connections):
            connections.extend([None] * (fd + PLACES - len(connections)))
        connections[fd] = connection
        self.count += 1
        show_connections(self.count)
        return connection

    def _trust(self, peer: Peer) -> int:
        """What a peer may tell us: TRUSTED and MAY_PROXY as bits; the same few peers come again and again."""
        host = peer[0] if type(peer) is tuple else ""
        known = self.known_peers.get(host)
        if known is None:
            known = (TRUSTED if self.trusted.allows(peer) else 0) | (MAY_PROXY if self.proxies.allows(peer) else 0)
            if len(self.known_peers) >= REMEMBERED_PEERS:
                self.known_peers.clear()
            self.known_peers[host] = known
        return known

    def forget(self, connection: Transport, fd: int) -> None:
        """A connection is being closed."""
        if connection.watched:
            self.poller.forget(fd)
        connections = self.connections
        if 0 <= fd < len(connections) and connections[fd] is connection:
            connections[fd] = None
            self.count -= 1
            show_connections(self.count)

    def exchanges(self) -> list[Exchange]:
        """The requests that run."""
        found: list[Exchange] = []
        for connection in self.connections:
            if connection is not None:
                found += connection.exchanges()
        return found

    def failed(self, exchange: Exchange, error: BaseException) -> None:
        """What serves a connection has raised what it should not: tell of it once, and end that connection."""
        try:
            self.handler.connection_failed(exchange, error)
        except OwnSignal:
            raise
        except BaseException:  # noqa: BLE001  # the boundary around a logger of the user's: nobody is left to be told
            pass
        exchange.drop()
