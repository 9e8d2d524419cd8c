"""Listening sockets: what one of each family is, how it is bound, and how it is printed."""

from __future__ import annotations

import os
import socket
import struct
import sys

from .socket_files import alone_in, mark_of, remove_stale

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    from gunicorn._types import Address, Log, SocketAddress

    class ListenSettings(Protocol):
        """The settings that a listener is made by."""

        @property
        def backlog(self) -> int: ...
        @property
        def is_ssl(self) -> bool: ...
        @property
        def umask(self) -> int: ...
        @property
        def uid(self) -> int: ...
        @property
        def gid(self) -> int: ...

__all__ = ["FAMILIES", "BaseSocket", "TCP6Socket", "TCPSocket", "UnixSocket", "kind_of"]

# linux/tcp.h: for a listening socket tcpi_unacked is the length of its accept queue, and tcpi_sacked the most of it.
_TCP_INFO_QUEUE = struct.Struct("24xII")


class BaseSocket:
    """A listener and what is known about it. Attributes of the socket itself are reachable through it.

    `fd`: an open descriptor to take over instead of binding `address`. Raises OSError.
    """

    FAMILY: socket.AddressFamily = socket.AF_INET
    # The file of a unix socket, and what tells it from others of that name.
    path: str | None = None
    mark: tuple[int, int, int] | None = None

    def __init__(self, address: SocketAddress, conf: ListenSettings, log: Log, fd: int | None = None) -> None:
        self.log = log
        self.conf = conf
        self.cfg_addr = address
        # The address as the configuration has it, by which a reload finds what it can keep.
        self.setting: Address | None = None
        # Which of the listeners it is.
        self.place = 0
        # Set by whoever knows: the name of a borrowed socket belongs to its lender.
        self.borrowed = False
        if fd is not None:
            self.sock = socket.socket(fileno=fd)
            self.set_options(self.sock, bound=True)
            return
        self.sock = socket.socket(self.FAMILY, socket.SOCK_STREAM)
        try:
            self.set_options(self.sock)
        except BaseException:
            self.sock.close()
            raise

    def __getattr__(self, name: str) -> Any:
        if name == "sock":
            raise AttributeError(name)
        return getattr(self.sock, name)

    def set_options(self, sock: socket.socket, bound: bool = False) -> None:
        """Bind and listen as configured; a taken-over socket that listens already is left as its maker set
        it."""
        if not bound:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if self.shares_port:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            self.bind(sock)
        sock.setblocking(False)
        # The master's own copy of a shared port only holds the address: were it listening, the kernel would
        # give it connections that nobody takes. The workers open theirs with clone().
        if not self.shares_port and not (bound and _is_listening(sock)):
            sock.listen(self.conf.backlog)

    @property
    def shares_port(self) -> bool:
        """True when each worker opens a listener of its own on this address (SO_REUSEPORT)."""
        return False

    def bind(self, sock: socket.socket) -> None:
        sock.bind(self.cfg_addr)

    def clone(self) -> BaseSocket:
        """Another listener on the same address, for one worker. Only where `shares_port`; raises
        OSError."""
        twin = type(self)(self.getsockname(), self.conf, self.log)
        twin.setting, twin.place, twin.borrowed = self.setting, self.place, True
        try:
            twin.sock.listen(self.conf.backlog)
        except BaseException:
            twin.sock.close()
            raise
        return twin

    def defer(self) -> None:
        """Have the kernel show connections when something has come on them, where it can do that, and after a second in
        any case: whoever accepts one that is silent is woken for it twice."""

    def getsockname(self) -> SocketAddress:
        name: SocketAddress = self.sock.getsockname()
        return name

    def fileno(self) -> int:
        return self.sock.fileno()

    def get_backlog(self) -> int:
        """Connections that wait to be accepted; -1 when the system does not tell."""
        return self.queue()[0]

    def queue(self) -> tuple[int, int]:
        """Connections that wait to be accepted, and how many can; -1 is what the system does not tell."""
        return -1, -1

    def close(self) -> None:
        """Close this process's copy. The address stays with whoever holds another one."""
        try:
            self.sock.close()
        except OSError as error:
            self.log.info("Error while closing socket %s", error)


class TCPSocket(BaseSocket):
    """IPv4."""

    FAMILY = socket.AF_INET

    def set_options(self, sock: socket.socket, bound: bool = False) -> None:
        # Accepted sockets inherit it (Linux, BSD), which saves one system call a connection.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().set_options(sock, bound)

    @property
    def shares_port(self) -> bool:
        return bool(getattr(self.conf, "reuse_port", False)) and hasattr(socket, "SO_REUSEPORT")

    def defer(self) -> None:
        option = getattr(socket, "TCP_DEFER_ACCEPT", None)
        if option is not None:
            # tcp(7); in seconds.
            self.sock.setsockopt(socket.IPPROTO_TCP, option, 1)

    def queue(self) -> tuple[int, int]:
        option = getattr(socket, "TCP_INFO", None)
        if not sys.platform.startswith("linux") or option is None:
            return -1, -1
        raw = self.sock.getsockopt(socket.IPPROTO_TCP, option, _TCP_INFO_QUEUE.size)
        waiting, most = _TCP_INFO_QUEUE.unpack(raw)
        return waiting, most

    def __str__(self) -> str:
        host, port = self.sock.getsockname()[:2]
        return f"{_scheme(self)}://{host}:{port}"


class TCP6Socket(TCPSocket):
    """IPv6."""

    FAMILY = socket.AF_INET6

    def __str__(self) -> str:
        host, port = self.sock.getsockname()[:2]
        return f"{_scheme(self)}://[{host}]:{port}"


class UnixSocket(BaseSocket):
    """A path, or on Linux an abstract name (given as `\\0name` or `@name`) that has no file."""

    FAMILY = socket.AF_UNIX
    cfg_addr: str

    def __init__(self, address: str | bytes, conf: ListenSettings, log: Log, fd: int | None = None) -> None:
        if isinstance(address, bytes):
            address = os.fsdecode(address)
        if address.startswith("@"):
            address = "\0" + address[1:]
        self.path = None if address.startswith("\0") else address
        if fd is not None or self.path is None:
            super().__init__(address, conf, log, fd=fd)
        else:
            # Until it listens: before that it looks as dead to others as what is removed here.
            with alone_in(os.path.dirname(self.path) or "."):
                remove_stale(self.path)
                super().__init__(address, conf, log)
        self.mark = mark_of(self.path)

    def bind(self, sock: socket.socket) -> None:
        if self.path is None:
            sock.bind(self.cfg_addr)
            return
        mode = getattr(self.conf, "unix_socket_mode", None)
        # The kernel takes the mode from the umask: there is no moment in which the file has another one.
        before = os.umask(self.conf.umask if mode is None else 0o777 & ~mode)
        try:
            sock.bind(self.cfg_addr)
        finally:
            os.umask(before)
        self._give_away(self.path)

    def _give_away(self, path: str) -> None:
        """Owner and group of the file: as the settings say, otherwise, for root, those of the workers."""
        owner = getattr(self.conf, "unix_socket_owner", None)
        group = getattr(self.conf, "unix_socket_group", None)
        if os.geteuid() == 0:
            owner = self.conf.uid if owner is None else owner
            group = self.conf.gid if group is None else group
        if owner is not None or group is not None:
            # Not through a link: whoever may write in the folder could have put one in the place of the socket.
            os.chown(path, -1 if owner is None else owner, -1 if group is None else group, follow_symlinks=False)

    def __str__(self) -> str:
        scheme = _scheme(self)
        said = "" if scheme in ("http", "https") else f"{scheme}://"
        return f"{said}unix:{self.cfg_addr}" if self.path is not None else f"{said}unix:@{self.cfg_addr[1:]}"


def _scheme(listener: BaseSocket) -> str:
    """What is spoken there: the bind says it, or the TLS settings do."""
    conf = listener.conf
    if listener.setting is not None and hasattr(conf, "bind_of") and hasattr(conf, "speaks_tls"):
        bind = conf.bind_of(listener.setting, listener.place)
        protocol: str = conf.protocol_of(bind) if hasattr(conf, "protocol_of") else "http"
        return "https" if conf.speaks_tls(bind) else protocol
    return "https" if conf.is_ssl else "http"


def _is_listening(sock: socket.socket) -> bool:
    # SO_ACCEPTCONN is absent on a few systems; there, listening twice is harmless.
    option = getattr(socket, "SO_ACCEPTCONN", None)
    return option is not None and bool(sock.getsockopt(socket.SOL_SOCKET, option))


def kind_of(address: SocketAddress) -> type[BaseSocket]:
    """The class of listeners for an address. Raises TypeError."""
    if isinstance(address, tuple):
        return TCP6Socket if ":" in str(address[0]) else TCPSocket
    if isinstance(address, (str, bytes)):
        return UnixSocket
    raise TypeError(f"cannot listen at {address!r}")


# One shape for every kind of address, so that a table of families is enough.
FAMILIES: dict[int, type[BaseSocket]] = {
    socket.AF_INET: TCPSocket,
    socket.AF_INET6: TCP6Socket,
    socket.AF_UNIX: UnixSocket,
}
