"""Where a syslog daemon is, and as whom one speaks to it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from socket import SocketKind

__all__ = ["SYSLOG_FACILITIES", "facility_of", "parse_syslog_address"]

SYSLOG_FACILITIES = {
    "kern": 0,
    "user": 1,
    "mail": 2,
    "daemon": 3,
    "auth": 4,
    "security": 4,
    "syslog": 5,
    "lpr": 6,
    "news": 7,
    "uucp": 8,
    "cron": 9,
    "authpriv": 10,
    "ftp": 11,
    **{f"local{number}": 16 + number for number in range(8)},
}


def facility_of(name: str) -> int:
    """The number of a facility. Raises RuntimeError."""
    try:
        return SYSLOG_FACILITIES[name.lower()]
    except KeyError:
        known = ", ".join(SYSLOG_FACILITIES)
        raise RuntimeError(f"syslog_facility {name!r} is unknown: expected one of {known}") from None


def parse_syslog_address(addr: str) -> tuple[SocketKind | None, str | tuple[str, int]]:
    """(socket type, address) of `unix://PATH[#dgram|#stream]`, `udp://HOST:PORT` or `tcp://HOST:PORT`.

    The socket type None means: whichever the path accepts. Raises RuntimeError.
    """
    import socket

    scheme, found, rest = addr.partition("://")
    types = {"udp": socket.SOCK_DGRAM, "tcp": socket.SOCK_STREAM}
    if found and scheme == "unix":
        path, _, kind = rest.partition("#")
        by_name = {"": None, "dgram": socket.SOCK_DGRAM, "stream": socket.SOCK_STREAM}
        if kind in by_name:
            return by_name[kind], path
    elif found and scheme in types:
        host, port = _host_and_port(rest, addr)
        return types[scheme], (host, port)
    raise RuntimeError(
        f"invalid syslog address {addr!r}: expected unix://PATH, unix://PATH#dgram, unix://PATH#stream, "
        "udp://HOST:PORT or tcp://HOST:PORT"
    )


def _host_and_port(text: str, addr: str) -> tuple[str, int]:
    text = text.rstrip("/")
    if text.startswith("[") and "]" in text:
        host, _, tail = text[1:].partition("]")
        port = tail.removeprefix(":")
    else:
        host, _, port = text.partition(":")
    if port and not port.isdigit():
        raise RuntimeError(f"invalid port in the syslog address {addr!r}: {port!r} is not a number")
    return host.lower() or "localhost", int(port or 514)
