"""The client behind trusted proxies: X-Forwarded-For, or Forwarded (RFC 7239)."""

from __future__ import annotations

import ipaddress
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .peers import Peers
    from .request import Request

# One parameter of a forwarded-element (RFC 7239 section 4), and what separates it from the next.
_PAIR = re.compile(r'[ \t]*([!#$%&\'*+\-.^_`|~0-9A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^",; \t]*)[ \t]*([;,]|$)')
_ESCAPE = re.compile(r"\\(.)")
# A zone (RFC 4007 section 11) has the characters of RFC 6874 section 2, none of them escaped, and is no longer than the
# name of an interface.
_IPV6 = r"[0-9A-Fa-f:.]+(?:%[0-9A-Za-z._~-]{1,15})?"
_BRACKETS = re.compile(rf"\[({_IPV6})\](?::([0-9]{{1,5}}))?\Z")
_BARE = re.compile(rf"({_IPV6})()\Z")
_IPV4 = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3}){3})(?::([0-9]{1,5}))?\Z")
_LONGEST = 64


class Forwarded:
    """Finds the client's address in one field. `hops` 0: behind all addresses that `peers` allows, from the end."""

    def __init__(self, field: str, hops: int, peers: Peers) -> None:
        self.field = field.upper()
        self.hops = hops
        self.peers = peers

    def client(self, request: Request, nearest: tuple[str, int] | None = None) -> tuple[str, int] | None:
        """(address, port) of the client, port 0 when it is not told; None when the field says nothing usable.

        Only for a request whose peer is trusted. An entry that is no address ends the search: what stands before it
        was written by nobody we know. `nearest` is the client of that peer, where it has told of it in another way: as
        if it were the last entry.
        """
        hops = self.hops
        if nearest is not None:
            if hops == 1 or (not hops and not self.peers.allows(nearest)):
                return nearest
            hops = max(0, hops - 1)
        values = [value for field, value in request.fields if field.name == self.field]
        if not values:
            return None
        entries = self._entries(",".join(values))
        if hops:
            # Fewer entries than proxies: the request did not come by the way that was described.
            return _address(entries[len(entries) - hops]) if len(entries) >= hops else None
        return self._furthest(entries)

    def _furthest(self, entries: list[str]) -> tuple[str, int] | None:
        """The first from the end that is no proxy of ours, or the one in front of which nothing usable stands."""
        found = None
        for entry in reversed(entries[max(0, len(entries) - _LONGEST):]):
            address = _address(entry)
            if address is None:
                break
            found = address
            if not self.peers.allows(address):
                break
        return found

    def _entries(self, text: str) -> list[str]:
        if self.field == "FORWARDED":
            return _nodes(text)
        return [entry.strip(" \t") for entry in text.split(",")]


def _nodes(text: str) -> list[str]:
    """The `for` of each element, empty where there is none; what is no element at all hides everything before it."""
    nodes: list[str] = []
    node, position = "", 0
    while position < len(text):
        match = _PAIR.match(text, position)
        if match is None:
            comma = text.find(",", position)
            nodes, node = [""], ""
            if comma < 0:
                return nodes
            position = comma + 1
            continue
        position = match.end()
        if match[1].lower() == "for":
            value = match[2]
            node = _ESCAPE.sub(r"\1", value[1:len(value) - 1]) if value.startswith('"') else value
        if match[3] != ";":
            nodes.append(node)
            node = ""
    return nodes


def _address(entry: str) -> tuple[str, int] | None:
    """An entry as (address, port): IPv4 or IPv6, with or without a port, in brackets or not."""
    match = _IPV4.match(entry) or _BRACKETS.match(entry) or _BARE.match(entry)
    if match is None:
        return None
    try:
        address = ipaddress.ip_address(match[1])
    except ValueError:
        return None
    number = int(match[2] or 0)
    return (str(address), number) if number <= 65535 else None
