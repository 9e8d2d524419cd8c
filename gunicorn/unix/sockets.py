"""Listening sockets: made, inherited, printed, closed.

A listener comes from one of four places: bound here; handed over by systemd (LISTEN_FDS); handed over by the
master that re-executed itself (GUNICORN_FD); named by the user (`fd://N`). Only what was bound here, or by
the master before, is ours to remove from the file system.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import stat
import struct
import sys
import time
from collections.abc import Iterable, Iterator

from gunicorn.errors import ConfigError

from . import unpatched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from ssl import SSLContext, SSLSocket
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

    class BindSettings(ListenSettings, Protocol):
        """Those, and where to listen."""

        @property
        def address(self) -> Sequence[Address]: ...

    class TLSSettings(Protocol):
        """The settings that a TLS context is made by."""

        @property
        def ca_certs(self) -> str | None: ...
        @property
        def certfile(self) -> str | None: ...
        @property
        def keyfile(self) -> str | None: ...
        @property
        def cert_reqs(self) -> int: ...
        @property
        def ciphers(self) -> str | None: ...
        @property
        def suppress_ragged_eofs(self) -> bool: ...
        @property
        def do_handshake_on_connect(self) -> bool: ...
        @property
        def ssl_context(self) -> Callable[[object, Callable[[], SSLContext]], SSLContext]: ...

    class Closable(Protocol):
        """A socket, or what stands for one."""

        def close(self) -> object: ...

    class Drainable(Closable, Protocol):
        """The same, whose peer may still be sending."""

        def shutdown(self, how: int, /) -> object: ...
        def settimeout(self, value: float | None, /) -> object: ...
        def recv(self, size: int, /) -> bytes: ...

__all__ = [
    "BaseSocket",
    "TCP6Socket",
    "TCPSocket",
    "UnixSocket",
    "alone_in",
    "close_sockets",
    "create_sockets",
    "is_alive",
    "mark_of",
    "remove_file",
    "remove_stale",
    "ssl_context",
    "ssl_wrap_socket",
]

BIND_ATTEMPTS = 5
RETRY_SECONDS = 1.0
# Those below are not for everybody, as nearly every system is set up.
FIRST_FREE_PORT = 1024
LOCK_SECONDS = 5.0
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
        twin = object.__new__(type(self))
        twin.log, twin.conf, twin.cfg_addr = self.log, self.conf, self.getsockname()
        twin.setting, twin.place, twin.borrowed = self.setting, self.place, True
        twin.sock = socket.socket(self.FAMILY, socket.SOCK_STREAM)
        try:
            twin.set_options(twin.sock)
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


@contextlib.contextmanager
def alone_in(folder: str) -> Iterator[None]:
    """Keep other masters from taking over a socket in `folder` meanwhile.

    The lock is on the folder itself, so that no file is left behind. Where there cannot be one (no right to read the
    folder, some network file systems), or somebody else holds one for long, things go on without.
    """
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        yield
        return
    try:
        give_up = time.monotonic() + LOCK_SECONDS
        while not _locked(fd) and time.monotonic() < give_up:
            time.sleep(0.01)
        yield
    finally:
        os.close(fd)


def _locked(fd: int) -> bool:
    """Whether to go on: with the lock, or because there is no such thing here."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EWOULDBLOCK, errno.EINTR)
    return True


def remove_stale(path: str) -> None:
    """Make room for a new socket file. Raises ValueError for a file of another kind, and OSError (EADDRINUSE) for a
    socket that somebody listens on: both stay."""
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            raise ValueError(f"{path!r} is not a socket")
    except FileNotFoundError:
        return
    if is_alive(path):
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE), path)
    remove_file(path)


def is_alive(path: str) -> bool:
    """Whether somebody listens on a unix socket. Raises OSError when that cannot be found out (no permission)."""
    probe = unpatched.Socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # A listener whose backlog is full must not make us wait.
        probe.setblocking(False)
        probe.connect(path)
    except (ConnectionRefusedError, FileNotFoundError):
        return False
    except BlockingIOError:
        return True
    except OSError as error:
        # A socket of another type: not ours, and in use.
        if error.errno == errno.EPROTOTYPE:
            return True
        raise
    finally:
        probe.close()
    return True


def mark_of(path: str | None) -> tuple[int, int, int] | None:
    """What tells a socket's file from a later one of the same name; None where there is no file.

    The number alone does not: a file system may use it again at once.
    """
    try:
        facts = os.stat(path) if path else None
    except OSError:
        return None
    return (facts.st_dev, facts.st_ino, facts.st_mtime_ns) if facts is not None else None


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


def _sock_type(address: SocketAddress) -> type[BaseSocket]:
    if isinstance(address, tuple):
        return TCP6Socket if ":" in str(address[0]) else TCPSocket
    if isinstance(address, (str, bytes)):
        return UnixSocket
    raise TypeError(f"cannot listen at {address!r}")


# One shape for every kind of address, so that a table of families is enough.
_FAMILIES: dict[int, type[BaseSocket]] = {
    socket.AF_INET: TCPSocket,
    socket.AF_INET6: TCP6Socket,
    socket.AF_UNIX: UnixSocket,
}


def adopt(fd: int, conf: ListenSettings, log: Log, borrowed: bool) -> BaseSocket:
    """A listener around an open descriptor. Raises OSError (not a socket) or ValueError (family unknown)."""
    # The copy shares the open socket; closing it closes nothing of ours.
    with socket.socket(fileno=os.dup(fd)) as probe:
        family, name = probe.family, probe.getsockname()
    kind = _FAMILIES.get(family)
    if kind is None:
        raise ValueError(f"descriptor {fd} is a socket of family {family}: expected IPv4, IPv6 or unix")
    listener = kind(name, conf, log, fd=fd)
    listener.borrowed = borrowed
    # It came through an exec; programs that hooks start are not to have it.
    os.set_inheritable(fd, False)
    return listener


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
    for resolved in _resolve(address, log):
        listener = _bind_patiently(resolved, conf, log)
        if listener is not None:
            return listener
    # What is wrong has been said.
    sys.exit(1)


def try_address(address: Address, conf: ListenSettings, log: Log) -> None:
    """Find out whether an address could be listened at, and leave it as it was. Raises SystemExit(1), the reason being
    in the log.

    That somebody listens there already is no error: it may be the server whose next configuration is checked. Nor is a
    descriptor that only the server will be handed.
    """
    if isinstance(address, int):
        return
    for resolved in _resolve(address, log):
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
    with socket.socket(_sock_type(address).FAMILY, socket.SOCK_STREAM) as probe:
        # As the listener: what is left of old connections is in nobody's way.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)


def _try_unix(address: str | bytes, conf: ListenSettings, log: Log) -> None:
    """With a name in the same folder, no longer than the real one."""
    path = os.fsdecode(address)
    if path.startswith(("\0", "@")):
        return
    if os.path.exists(path) and not stat.S_ISSOCK(os.stat(path).st_mode):
        raise ValueError(f"{path!r} is not a socket")
    folder, name = os.path.split(path)
    other = os.path.join(folder, f".{os.getpid()}"[:max(len(name), 2)])
    if os.path.lexists(other):
        return
    close_sockets([UnixSocket(other, conf, log)])


def _resolve(address: tuple[str, int] | str, log: Log) -> list[SocketAddress]:
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


def _remedy(error: OSError, address: SocketAddress) -> str:
    """What a port for the few takes."""
    if error.errno != errno.EACCES or not isinstance(address, tuple) or address[1] >= FIRST_FREE_PORT:
        return ""
    return f" (a port below {FIRST_FREE_PORT} takes root, CAP_NET_BIND_SERVICE or a socket of systemd)"


def _bind_patiently(address: SocketAddress, conf: ListenSettings, log: Log) -> BaseSocket | None:
    """The listener, or None when it cannot be had. Waits only for what may pass: an address in use or not
    yet on an interface."""
    for attempt in range(BIND_ATTEMPTS):
        if attempt:
            time.sleep(RETRY_SECONDS)
        try:
            return _sock_type(address)(address, conf, log)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                log.error("Connection in use: %s", str(address))
            elif error.errno == errno.EADDRNOTAVAIL:
                log.error("Invalid address: %s", str(address))
            else:
                log.error("Cannot listen at %s: %s", address, f"{error.strerror or error}{_remedy(error, address)}")
                return None
            if attempt < BIND_ATTEMPTS - 1:
                log.error("Retrying in 1 second.")
        except ValueError as error:
            log.error("Cannot listen at %s: %s", address, error)
            return None
    log.error("Can't connect to %s", address)
    return None


def close_sockets(listeners: Iterable[BaseSocket], unlink: bool = True) -> None:
    """Close listeners; with `unlink` remove the files of those that are not borrowed. A file that another server
    has put in the place of ours is its own."""
    for listener in listeners:
        listener.close()
        if unlink and listener.path and not listener.borrowed and listener.mark == mark_of(listener.path):
            remove_file(listener.path)


def remove_file(path: str) -> None:
    """Remove a socket's file; it may be gone already."""
    try:
        os.unlink(path)
    except OSError:
        return


def close(sock: Closable) -> None:
    """Close a socket; that it is broken already is no error."""
    try:
        sock.close()
    except OSError:
        pass


def close_graceful(sock: Drainable, timeout: float = 2.0, max_drain: int = 65536) -> None:
    """Close a socket whose peer may still be sending: closing at once would reset the connection, and could destroy
    what the peer has not read yet. Waits `timeout` seconds, or until `max_drain` octets were thrown away."""
    deadline = time.monotonic() + timeout
    try:
        sock.shutdown(socket.SHUT_WR)
        while max_drain > 0 and (left := deadline - time.monotonic()) > 0:
            sock.settimeout(left)
            count = len(sock.recv(min(max_drain, 8192)))
            if not count:
                break
            max_drain -= count
    except (OSError, ValueError):
        # It is gone already.
        pass
    close(sock)


def ssl_context(conf: TLSSettings) -> SSLContext:
    """The ssl.SSLContext of `conf`, after its `ssl_context` hook had its say. Raises ConfigError where there is no
    certificate, OSError and ssl.SSLError where a file is not what it should be."""
    import ssl

    def default_factory() -> SSLContext:
        if conf.certfile is None:
            raise ConfigError("certfile = None: TLS needs a certificate")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=conf.ca_certs)
        # Custom workers may bring settings of their own, from before there was this one.
        minimum: str | None = getattr(conf, "ssl_minimum_version", None)
        if minimum is not None:
            context.minimum_version = ssl.TLSVersion[minimum.replace(".", "_")]
        context.load_cert_chain(certfile=conf.certfile, keyfile=conf.keyfile)
        context.verify_mode = ssl.VerifyMode(conf.cert_reqs)
        if conf.ciphers:
            context.set_ciphers(conf.ciphers)
        return context

    return conf.ssl_context(conf, default_factory)


def ssl_wrap_socket(sock: socket.socket, conf: TLSSettings) -> SSLSocket:
    """`sock` as the server end of a TLS connection."""
    return ssl_context(conf).wrap_socket(
        sock,
        server_side=True,
        suppress_ragged_eofs=conf.suppress_ragged_eofs,
        do_handshake_on_connect=conf.do_handshake_on_connect,
    )
