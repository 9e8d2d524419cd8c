"""The PROXY protocol, versions 1 and 2: who the client of the proxy in front of us is (HAProxy's specification)."""

from __future__ import annotations

import socket
import struct

from gunicorn._record import Record
from gunicorn.http.errors import ForbiddenProxyRequest, InvalidProxyHeader, InvalidProxyLine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn._types import ProxyInfo

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
LONGEST_LINE = 107
# Addresses of a v2 header and some TLVs behind them; more than this no proxy sends.
LONGEST_V2 = 4096

_LOCAL = 0
_STREAM = 1
# address family nibble -> (name, socket family, octets of one address)
_FAMILIES = {1: ("TCP4", socket.AF_INET, 4), 2: ("TCP6", socket.AF_INET6, 16)}
_UNIX = 3
# Two paths of 108 octets.
_UNIX_SIZE = 216


class ProxyHeader(Record):
    """A parsed header: where it ends, and what it says (None: nothing about the client, use the socket's own)."""

    end: int
    info: ProxyInfo | None


def parse_proxy(data: bytes, mode: str, allowed: bool) -> ProxyHeader | None:
    """Look for a PROXY header at the beginning of a connection.

    None when more octets are needed; `end` 0 when there is no header. `mode` is `v1`, `v2` or `auto`.
    Raises `InvalidProxyLine`, `InvalidProxyHeader`, and `ForbiddenProxyRequest` when the peer may not send one;
    nothing else, whatever the octets.
    """
    if mode != "v1" and data.startswith(SIGNATURE[:len(data)]):
        header = _version_2(data)
    elif mode != "v2" and data.startswith(b"PROXY "[:len(data)]):
        header = _version_1(data)
    else:
        return ProxyHeader(0, None)
    if header is not None and not allowed:
        raise ForbiddenProxyRequest(None)
    return header


def _version_1(data: bytes) -> ProxyHeader | None:
    stop = data.find(b"\n", 0, LONGEST_LINE) - 1
    if stop < 0:
        if len(data) >= LONGEST_LINE:
            raise InvalidProxyLine(str(data[:LONGEST_LINE], "latin-1"))
        return None
    line = str(data[:stop], "latin-1")
    if data[stop] != 13:
        raise InvalidProxyLine(line)
    words = line.split(" ")
    if words[1:2] == ["UNKNOWN"]:
        return ProxyHeader(stop + 2, None)
    families = {name: family for name, family, _ in _FAMILIES.values()}
    if len(words) != 6 or words[1] not in families:
        raise InvalidProxyLine(line)
    try:
        for address in words[2:4]:
            socket.inet_pton(families[words[1]], address)
    except (OSError, ValueError):
        # A ValueError where there is a NUL in it.
        raise InvalidProxyLine(line) from None
    return ProxyHeader(stop + 2, _info(words[1], words[2], words[3], _port(words[4], line), _port(words[5], line)))


def _port(word: str, line: str) -> int:
    if not (word.isascii() and word.isdigit() and len(word) <= 5 and int(word) <= 65535):
        raise InvalidProxyLine(line)
    return int(word)


def _version_2(data: bytes) -> ProxyHeader | None:
    if len(data) < 16:
        return None
    version_command, family_protocol, length = struct.unpack_from("!BBH", data, 12)
    if version_command >> 4 != 2 or version_command & 15 > 1 or length > LONGEST_V2:
        raise InvalidProxyHeader(data[12:16].hex())
    end = 16 + length
    if len(data) < end:
        return None
    if version_command & 15 == _LOCAL:
        # A health check of the proxy itself, whatever stands behind it.
        return ProxyHeader(end, None)
    return ProxyHeader(end, _addresses(data, family_protocol >> 4, family_protocol & 15, length))


def _addresses(data: bytes, family: int, transport: int, length: int) -> ProxyInfo | None:
    """What `length` octets of addresses say; None of UNSPEC and unix addresses, which tell nothing of an Internet
    client."""
    if family not in _FAMILIES:
        if family > _UNIX or (family == _UNIX and length < _UNIX_SIZE):
            raise InvalidProxyHeader(f"address family {family} with {length} bytes")
        return None
    name, socket_family, size = _FAMILIES[family]
    if transport != _STREAM:
        raise InvalidProxyHeader(f"transport {transport} is not a stream")
    if length < 2 * size + 4:
        raise InvalidProxyHeader(f"{length} bytes of addresses")
    source = socket.inet_ntop(socket_family, data[16:16 + size])
    target = socket.inet_ntop(socket_family, data[16 + size:16 + 2 * size])
    source_port, target_port = struct.unpack_from("!HH", data, 16 + 2 * size)
    return _info(name, source, target, source_port, target_port)


def _info(protocol: str, source: str, target: str, source_port: int, target_port: int) -> ProxyInfo:
    return {
        "proxy_protocol": protocol,
        "client_addr": source,
        "client_port": source_port,
        "proxy_addr": target,
        "proxy_port": target_port,
    }
