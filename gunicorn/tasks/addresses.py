"""Where the pool is reached: by the path of its socket on this machine, and from other nodes of a cluster by a door of
the server's, a TCP port that opens for those who know its secret.

Callers come there, and actors, who take their calls by connections of their own. Who has come says first what it is: a
mark, the secret, its role and its number.
"""

from __future__ import annotations

import socket
import struct

from gunicorn._record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "CALLS", "CONTROLS", "GUEST", "Greeting", "SECRET_SIZE", "Way", "connected", "door_at", "open_socket", "way_to",
]

GUEST, CALLS, CONTROLS = range(3)
"""Roles: a caller; an actor, for what is called; the same, for what is said about calls that run."""

SECRET_SIZE = 32

_SCHEME = "tcp://"
_MARK = b"task"
_GREETING = struct.Struct(f"!4s{SECRET_SIZE}sBQ")


class Way(Record):
    """How to come there. `name`: the place as errors show it; `where`: what connect(2) takes; `greeting`: what is said
    first, nothing on this machine."""

    name: str
    family: int
    where: str | tuple[str, int]
    greeting: bytes

    @property
    def is_local(self) -> bool:
        """Whether descriptors can be passed there."""
        return not self.greeting


class Greeting(Record):
    """Who comes: a role, and the number of the place that an actor has."""

    role: int
    number: int

    SIZE = _GREETING.size
    """Octets."""

    @classmethod
    def read(cls, octets: bytes, secret: bytes, is_equal: Callable[[bytes, bytes], bool]) -> Greeting | None:
        """What these `SIZE` octets say; None for somebody who does not know the secret."""
        mark, said, role, number = _GREETING.unpack(octets)
        return cls(role, number) if is_equal(mark + said, _MARK + secret) else None


def door_at(host: str, port: int, secret: bytes) -> str:
    """The place of a door, as the environment has it."""
    shown = f"[{host}]" if ":" in host else host
    return f"{_SCHEME}{shown}:{port}/{secret.hex()}"


def way_to(place: str, role: int = GUEST, number: int = 0) -> Way:
    """How to come to a place. What is no door is a path."""
    if not place.startswith(_SCHEME):
        return Way(place, socket.AF_UNIX, place, b"")
    name, _, secret = place.removeprefix(_SCHEME).rpartition("/")
    host, _, port = name.rpartition(":")
    host = host.strip("[]")
    try:
        greeting = _GREETING.pack(_MARK, bytes.fromhex(secret), role, number)
        return Way(name, socket.AF_INET6 if ":" in host else socket.AF_INET, (host, int(port)), greeting)
    except (ValueError, struct.error):
        return Way(name, socket.AF_UNIX, place, b"")


def open_socket(way: Way) -> socket.socket:
    """A socket for that way, not connected. Raises OSError."""
    sock = socket.socket(way.family, socket.SOCK_STREAM)
    if not way.is_local:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def connected(way: Way, timeout: float | None) -> socket.socket:
    """A connection that has been introduced; it may take so many seconds (None: any). Raises OSError."""
    sock = open_socket(way)
    try:
        sock.settimeout(timeout)
        sock.connect(way.where)
        if way.greeting:
            sock.sendall(way.greeting)
    except BaseException:
        sock.close()
        raise
    return sock
