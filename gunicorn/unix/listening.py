"""Where listeners come from, and how they are closed.

A listener comes from one of four places: bound here; handed over by systemd (LISTEN_FDS); handed over by the
master that re-executed itself (GUNICORN_FD); named by the user (`fd://N`). Only what was bound here, or by
the master before, is ours to remove from the file system.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
import time
from collections.abc import Iterable

from .socket_files import mark_of, remove_file
from .sockets import FAMILIES, BaseSocket, kind_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    from gunicorn._types import Address, Log, SocketAddress

    from .sockets import ListenSettings

    class BindSettings(ListenSettings, Protocol):
        """The settings that a listener is made by, and where to listen."""

        @property
        def address(self) -> Sequence[Address]: ...

__all__ = ["adopt", "close_sockets", "create_sockets", "open_listener", "resolve"]

BIND_ATTEMPTS = 5
RETRY_SECONDS = 1.0
# Those below are not for everybody, as nearly every system is set up.
FIRST_FREE_PORT = 1024


def create_sockets(
    conf: BindSettings, log: Log, fds: Iterable[int] | None = None, borrowed: bool = True
) -> list[BaseSocket]:
    """Listeners for `conf.address`, or around `fds` when another process handed them over.

    An address that is taken is tried five times, a second apart. Raises SystemExit(1) after a line in the log
    that names the address.
    """
    inherited = list(fds or ())
    if inherited:
        return [adopt(fd, conf, log, borrowed) for fd in inherited]
    listeners: list[BaseSocket] = []
    try:
        for place, address in enumerate(conf.address):
            listeners.append(open_listener(address, conf, log))
            listeners[place].place = place
    except BaseException:
        close_sockets(listeners)
        raise
    return listeners


def adopt(fd: int, conf: ListenSettings, log: Log, borrowed: bool) -> BaseSocket:
    """A listener around an open descriptor. Raises OSError (not a socket) or ValueError (family unknown)."""
    # The copy shares the open socket; closing it closes nothing of ours.
    with socket.socket(fileno=os.dup(fd)) as probe:
        family, name = probe.family, probe.getsockname()
    kind = FAMILIES.get(family)
    if kind is None:
        raise ValueError(f"descriptor {fd} is a socket of family {family}: expected IPv4, IPv6 or unix")
    listener = kind(name, conf, log, fd=fd)
    listener.borrowed = borrowed
    # It came through an exec; programs that hooks start are not to have it.
    os.set_inheritable(fd, False)
    return listener


def open_listener(address: Address, conf: ListenSettings, log: Log) -> BaseSocket:
    """One listener for one address of the configuration. Raises SystemExit(1), the reason being in the
    log."""
    listener = _open(address, conf, log)
    listener.setting = address
    return listener


def _open(address: Address, conf: ListenSettings, log: Log) -> BaseSocket:
    if isinstance(address, int):
        try:
            return adopt(address, conf, log, borrowed=True)
        except (OSError, ValueError) as error:
            log.error("Cannot listen on fd://%s: %s", address, error)
            sys.exit(1)
    for resolved in resolve(address, log):
        listener = _bind_patiently(resolved, conf, log)
        if listener is not None:
            return listener
    # What is wrong has been said.
    sys.exit(1)


def resolve(address: tuple[str, int] | str, log: Log) -> list[SocketAddress]:
    """Numeric form of a (host, port); everything else as it is."""
    if not isinstance(address, tuple) or address[0] == "":
        return [address]
    host: str | bytes = address[0]
    if isinstance(host, str) and host.isascii():
        # getaddrinfo() encodes text by IDNA, and imports that codec with all its tables even for plain names.
        host = host.encode("ascii")
    try:
        found = socket.getaddrinfo(host, address[1], type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        log.error("Cannot find the address of host %r: %s", address[0], error)
        return []
    name = found[0][4]
    if not isinstance(name[0], str):
        # An address of IPv6 as a Python without IPv6 has it.
        log.error("Cannot listen at host %r: this Python has no IPv6", address[0])
        return []
    return [name]


def _bind_patiently(address: SocketAddress, conf: ListenSettings, log: Log) -> BaseSocket | None:
    """The listener, or None when it cannot be had."""
    for attempt in range(BIND_ATTEMPTS):
        if attempt:
            log.error("Retrying in 1 second.")
            time.sleep(RETRY_SECONDS)
        try:
            return kind_of(address)(address, conf, log)
        except (OSError, ValueError) as error:
            if not _may_pass(error, address, log):
                return None
    log.error("Can't connect to %s", address)
    return None


def _may_pass(error: OSError | ValueError, address: SocketAddress, log: Log) -> bool:
    """Say what is wrong; whether it is worth waiting for: an address in use or not yet on an interface."""
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        log.error("Connection in use: %s", str(address))
        return True
    if number == errno.EADDRNOTAVAIL:
        log.error("Invalid address: %s", str(address))
        return True
    reason = getattr(error, "strerror", None) or error
    log.error("Cannot listen at %s: %s", address, f"{reason}{_remedy(number, address)}")
    return False


def _remedy(number: int | None, address: SocketAddress) -> str:
    """What a port for the few takes."""
    if number != errno.EACCES or not isinstance(address, tuple) or address[1] >= FIRST_FREE_PORT:
        return ""
    return f" (a port below {FIRST_FREE_PORT} takes root, CAP_NET_BIND_SERVICE or a socket of systemd)"


def close_sockets(listeners: Iterable[BaseSocket], unlink: bool = True) -> None:
    """Close listeners; with `unlink` remove the files of those that are not borrowed. A file that another server
    has put in the place of ours is its own."""
    for listener in listeners:
        listener.close()
        if unlink and listener.path and not listener.borrowed and listener.mark == mark_of(listener.path):
            remove_file(listener.path)
