"""Addresses as people write them in ``bind``."""

from __future__ import annotations

import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

Address = tuple[str, int] | str | int

# The schemes of a bind with the port each stands for.
_SCHEMES = {"https": "443", "http": "80", "http+redirect": "80"}
_OF_HTTP = frozenset({"redirect"})
_OF_HTTPS = frozenset(
    {"ca_certs", "cert_reqs", "certfile", "ciphers", "keyfile", "ssl_minimum_version"}
)


class Bind:
    """One ``bind`` value, taken apart.

    ``scheme``: ``http``, ``https``, or empty where the TLS settings of the server decide. ``options``: what
    stands behind the ``?``. ``redirect``: the port that clients are sent to by HTTPS, 0 when they are served.
    """

    __slots__ = ("address", "options", "redirect", "scheme")

    def __init__(self, address: Address, scheme: str, options: dict[str, str]) -> None:
        self.address = address
        self.scheme = scheme
        self.options = options
        self.redirect = _redirect_port(options.pop("redirect", ""))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bind) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(repr(self._key()))

    def _key(self) -> tuple[Any, ...]:
        return (self.address, self.scheme, self.options, self.redirect)


def parse_bind(text: str) -> Bind:
    """Take a ``bind`` value apart: an address of ``parse_address``, or
    ``https://HOST:PORT?certfile=FILE&keyfile=FILE``, ``http://HOST:PORT``, and for a listener that sends its
    clients to HTTPS ``http+redirect://HOST:PORT`` or ``http://HOST:PORT?redirect=https:PORT``.

    Raises RuntimeError, one line.
    """
    scheme, found, rest = text.partition("://")
    if not found or scheme not in _SCHEMES:
        return Bind(parse_address(text), "", {})
    netloc, _, query = rest.partition("?")
    options = _options(query, _OF_HTTPS if scheme == "https" else _OF_HTTP)
    if scheme == "http+redirect":
        options.setdefault("redirect", "https")
    return Bind(parse_address(netloc, _SCHEMES[scheme]), scheme.partition("+")[0], options)


def _options(query: str, known: frozenset[str]) -> dict[str, str]:
    options: dict[str, str] = {}
    for word in filter(None, query.split("&")):
        name, _, value = word.partition("=")
        if name not in known:
            raise RuntimeError(f"{name!r} is no option of this address: there are {', '.join(sorted(known))}.")
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
        raise RuntimeError(f"{target!r} is no place to redirect to: write redirect=https or redirect=https:PORT.")
    return _port(port) if colon else 443


def is_ipv6(addr: str) -> bool:
    """Tell whether ``addr`` is a literal IPv6 address, without brackets, with or without a zone."""
    try:
        socket.inet_pton(socket.AF_INET6, addr.partition("%")[0])
    except (OSError, ValueError):
        return False
    return True


def parse_address(netloc: str, default_port: str | int = "8000") -> Address:
    """Turn one ``bind`` value into what a socket is made from.

    ``unix:PATH`` gives the path, ``fd://N`` the descriptor, everything else ``(host, port)``. An abstract
    unix socket is ``unix:`` and a name that begins with a NUL byte, written as such or as ``\\0``.

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
    return "\0" + path[2:] if path.startswith("\\0") else path


def _descriptor(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise RuntimeError(f"{text!r} is not a valid file descriptor.")
    return int(text)


def _split_port(netloc: str, default_port: str) -> tuple[str, str]:
    if netloc.startswith("["):
        host, closed, rest = netloc[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")):
            raise RuntimeError(f"{netloc!r} is not a valid IPv6 address: write [ADDRESS]:PORT.")
        return host, rest[1:] if rest else default_port
    if is_ipv6(netloc):
        return netloc, default_port
    host, colon, port = netloc.partition(":")
    return host or "0.0.0.0", port if colon else default_port


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise RuntimeError(f"{text!r} is not a valid port number.")
    return int(text)
