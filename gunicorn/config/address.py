"""Addresses as people write them in `bind`."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn._types import Address

# sizeof(sun_path), unix(7): a path needs a zero byte behind it, an abstract name does not.
_LONGEST_PATH = 108 if sys.platform.startswith("linux") else 104

# The schemes of a bind with the port each stands for.
_SCHEMES = {
    "https": "443", "http": "80", "http+redirect": "80", "uwsgi": "3031", "fastcgi": "9000", "scgi": "4000",
}
# Those of other protocols than HTTP.
OTHER_PROTOCOLS = ("uwsgi", "fastcgi", "scgi")
_OF_HTTP = frozenset({"redirect"})
_OF_HTTPS = frozenset(
    {"ca_certs", "cert_reqs", "certfile", "ciphers", "keyfile", "ssl_minimum_version"}
)
_OPTIONS = {"http": _OF_HTTP, "http+redirect": _OF_HTTP, "https": _OF_HTTPS}


class Bind:
    """One `bind` value, taken apart.

    `scheme`: `http`, `https`, one of OTHER_PROTOCOLS, or empty where the settings of the server decide. `options`:
    what stands behind the `?`. `redirect`: the port that clients are sent to by HTTPS, 0 when they are served.
    """

    __slots__ = ("address", "is_port_open", "options", "redirect", "scheme")

    def __init__(self, address: Address, scheme: str, options: dict[str, str]) -> None:
        self.address = address
        self.scheme = scheme
        self.options = options
        target = options.pop("redirect", "")
        self.redirect = _redirect_port(target)
        # Whether the port to redirect to was left out.
        self.is_port_open = target == "https"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bind) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(repr(self._key()))

    def _key(self) -> tuple[Address, str, dict[str, str], int]:
        return (self.address, self.scheme, self.options, self.redirect)


def parse_bind(text: str) -> Bind:
    """Take a `bind` value apart: an address of `parse_address`, or
    `https://HOST:PORT?certfile=FILE&keyfile=FILE`, `http://HOST:PORT`, and for a listener that sends its
    clients to HTTPS `http+redirect://HOST:PORT` or `http://HOST:PORT?redirect=https:PORT`. The port it redirects to
    is 443 when left out; `direct` knows better. `uwsgi://HOST:PORT`, `fastcgi://HOST:PORT` and `scgi://HOST:PORT` are
    for servers in front. In the place of HOST:PORT there may be any address of `parse_address`.

    Raises RuntimeError, one line.
    """
    scheme, found, rest = text.partition("://")
    if not found or scheme not in _SCHEMES:
        return Bind(parse_address(text), "", {})
    netloc, _, query = rest.partition("?")
    options = _options(query, _OPTIONS.get(scheme, frozenset()))
    if scheme == "http+redirect":
        options.setdefault("redirect", "https")
    return Bind(parse_address(netloc, _SCHEMES[scheme]), scheme.partition("+")[0], options)


def direct(binds: Sequence[Bind], secure: Sequence[Bind]) -> None:
    """Have those of `binds` that redirect to HTTPS, no matter which port, redirect to one that is there.

    `secure` are those that speak TLS: one of the same host is taken before one of another, 443 before other ports.
    """
    for bind in binds:
        if not bind.is_port_open:
            continue
        addresses = [other.address for other in secure if isinstance(other.address, tuple) and other.address[1]]
        host = bind.address[0] if isinstance(bind.address, tuple) else None
        best = min(addresses, key=lambda address: (address[0] != host, address[1] != 443), default=("", 443))
        bind.redirect = best[1]


def _options(query: str, known: frozenset[str]) -> dict[str, str]:
    options: dict[str, str] = {}
    for word in filter(None, query.split("&")):
        name, _, value = word.partition("=")
        if name not in known and not known:
            raise RuntimeError(f"{name!r} is an option, and such an address has none.")
        if name not in known:
            raise RuntimeError(f"{name!r} is not an option of an address; the options are {', '.join(sorted(known))}.")
        if "%" in value:
            from urllib.parse import unquote

            value = unquote(value)
        options[name] = value
    return options


def _redirect_port(target: str) -> int:
    if not target:
        return 0
    scheme, colon, port = target.partition(":")
    if scheme != "https":
        raise RuntimeError(f"{target!r} is not a place to redirect to: write redirect=https or redirect=https:PORT.")
    return _port(port) if colon else 443


def is_ipv6(addr: str) -> bool:
    """Tell whether `addr` is a literal IPv6 address, without brackets, with or without a zone."""
    try:
        socket.inet_pton(socket.AF_INET6, addr.partition("%")[0])
    except (OSError, ValueError):
        return False
    return True


def parse_address(netloc: str, default_port: str | int = "8000") -> Address:
    """Turn one `bind` value into what a socket is made from.

    `unix:PATH` gives the path, `fd://N` the descriptor, everything else `(host, port)`. An abstract
    unix socket is `unix:` and a name that begins with a NUL byte, written as such or as `\\0`.

    Raises RuntimeError when the port or the descriptor is not a number in range.
    """
    if netloc.startswith("unix:"):
        return _unix_path(netloc[5:])
    if netloc.startswith("fd://"):
        return _descriptor(netloc[5:])
    host, port = _split_port(netloc.removeprefix("tcp://"), str(default_port))
    return host.lower(), _port(port)


def _unix_path(rest: str) -> str:
    path = rest[2:] if rest.startswith("//") else rest
    if path.startswith("\\0"):
        path = "\0" + path[2:]
    is_abstract = path.startswith(("\0", "@"))
    if len(path) <= is_abstract:
        raise RuntimeError("a unix socket needs a path: write unix:PATH.")
    if not is_abstract and "\0" in path:
        raise RuntimeError(f"{path!r} is not the path of a file.")
    length, most = len(os.fsencode(path)), _LONGEST_PATH if is_abstract else _LONGEST_PATH - 1
    if length > most:
        raise RuntimeError(f"the path of a unix socket may have {most} bytes, this one has {length}: {path!r}.")
    return path


def _descriptor(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise RuntimeError(f"{text!r} is not a valid file descriptor.")
    return int(text)


def _split_port(netloc: str, default_port: str) -> tuple[str, str]:
    if netloc.startswith("["):
        return _split_brackets(netloc, default_port)
    if is_ipv6(netloc):
        _check_is_all_address(netloc)
        return netloc, default_port
    _check_is_host(netloc)
    host, colon, port = netloc.partition(":")
    return host if host not in ("", "0") else "0.0.0.0", port if colon else default_port


def _split_brackets(netloc: str, default_port: str) -> tuple[str, str]:
    host, closed, rest = netloc[1:].partition("]")
    if not closed or (rest and not rest.startswith(":")):
        raise RuntimeError(f"{netloc!r} is not a valid IPv6 address: write [ADDRESS]:PORT.")
    return host, rest[1:] if rest else default_port


def _check_is_host(netloc: str) -> None:
    scheme, found, _ = netloc.partition("://")
    if found:
        raise RuntimeError(f"{scheme!r} is not a scheme of an address.")
    host, colon, port = netloc.partition(":")
    if ":" in port:
        raise RuntimeError(f"{netloc!r} has more than one colon; an IPv6 address is written [ADDRESS]:PORT.")
    # As a host a number would be one for all four octets (inet_aton(3)). `0:8000` is common, and is not mistaken for a
    # port.
    if host.isascii() and host.isdigit() and not (colon and host == "0"):
        raise RuntimeError(f"{host!r} is not a host; if it is the port, write 127.0.0.1:{host} or :{host}.")


def _check_is_all_address(netloc: str) -> None:
    """`::1:8000` may be an address, or one with a port."""
    address, _, port = netloc.rpartition(":")
    if port.isdigit() and is_ipv6(address):
        raise RuntimeError(
            f"{netloc!r} can be read in two ways: write [{address}]:{port}, or [{netloc}] if all of it is the address."
        )


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise RuntimeError(f"{text!r} is not a valid port number.")
    return int(text)
