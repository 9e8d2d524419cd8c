"""A driver with requests of its own, many of them on one connection at a time: it has the connection's time limits and
its end as well."""

from __future__ import annotations

from .driver import Driver
from .exchange import Exchange


class Multiplexer(Driver):
    """Who has a connection from `Connection.multiplex` on."""

    __slots__ = ()

    def writable(self) -> None:
        """The client has taken something of what was queued."""
        raise NotImplementedError

    def send_delayed(self) -> None:
        """The turn in which the engine has delayed what there is to send is over."""
        raise NotImplementedError

    def expire(self) -> None:
        """The connection's deadline has passed."""
        raise NotImplementedError

    def shorten(self, latest: float) -> None:
        """The process is to end: where nothing is asked, something may be until the moment `latest`."""
        raise NotImplementedError

    def closed(self) -> None:
        """The connection is closed: whoever still writes to it must know."""
        raise NotImplementedError

    def abandon(self) -> None:
        """In a child that has inherited the connection: let go of everything, without a word to anybody."""
        raise NotImplementedError

    def exchanges(self) -> list[Exchange]:
        """The requests that run."""
        raise NotImplementedError
