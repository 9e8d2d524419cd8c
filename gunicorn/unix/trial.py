"""Whether an address could be listened at, found out without listening there."""

from __future__ import annotations

import errno
import os
import socket
import sys

from .listening import close_sockets, resolve
from .socket_files import check_kind
from .sockets import UnixSocket, kind_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn._types import Address, Log

    from .sockets import ListenSettings

__all__ = ["try_address"]


def try_address(address: Address, conf: ListenSettings, log: Log) -> None:
    """Find out whether an address could be listened at, and leave it as it was. Raises SystemExit(1), the reason being
    in the log.

    That somebody listens there already is no error: it may be the server whose next configuration is checked. Nor is a
    descriptor that only the server will be handed.
    """
    if isinstance(address, int):
        return
    for resolved in resolve(address, log):
        try:
            if isinstance(resolved, tuple):
                _try_tcp(resolved)
            else:
                _try_unix(resolved, conf, log)
            return
        except (OSError, ValueError) as error:
            if getattr(error, "errno", None) == errno.EADDRINUSE:
                return
            log.error("Cannot listen at %s: %s", resolved, getattr(error, "strerror", None) or error)
    sys.exit(1)


def _try_tcp(address: tuple[str, int] | tuple[str, int, int, int]) -> None:
    with socket.socket(kind_of(address).FAMILY, socket.SOCK_STREAM) as probe:
        # As the listener: what is left of old connections is in nobody's way.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)


def _try_unix(address: str | bytes, conf: ListenSettings, log: Log) -> None:
    """With a name in the same folder, no longer than the real one."""
    path = os.fsdecode(address)
    if path.startswith(("\0", "@")):
        return
    if os.path.exists(path):
        check_kind(path)
    folder, name = os.path.split(path)
    other = os.path.join(folder, f".{os.getpid()}"[:max(len(name), 2)])
    if os.path.lexists(other):
        return
    close_sockets([UnixSocket(other, conf, log)])
