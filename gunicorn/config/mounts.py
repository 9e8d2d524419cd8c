"""Mounts: several applications in one server, told apart by the host and the beginning of the path of a request.

A place is written `/PREFIX`, `HOST/PREFIX` or `*.HOST/PREFIX`, as the path is when its percent-encoding is undone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from gunicorn._record import Record

__all__ = ["NOWHERE", "Place", "Table", "bare_host", "below", "in_order", "octets_of", "parse_place", "parse_rule"]

# What `Table.find` says of a request for none of the places: behind all that are there.
NOWHERE = 1 << 30

_HOST = re.compile(r"(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]").fullmatch
_FORM = "/PREFIX=MODULE:VARIABLE or HOST/PREFIX=MODULE:VARIABLE"


class Place(Record):
    """Where an application stands. `host`: in lower case, with a dot in front for all names below it, empty for any;
    `prefix`: without a slash at its end, so that of the root it is empty."""

    host: str = ""
    prefix: str = ""

    def __str__(self) -> str:
        return f"{'*' if self.host.startswith('.') else ''}{self.host}{self.prefix or '/'}"

    def weight(self) -> tuple[int, int, int]:
        """How much it says of a request: that of two places which takes it gets it."""
        # A host by its name goes before those that end so, and any of them before none.
        exactness = 0 if not self.host else 1 if self.host.startswith(".") else 2
        return exactness, len(self.host), len(self.prefix)


def parse_rule(text: str) -> tuple[str, str]:
    """The two sides of `PLACE=APPLICATION`. Raises ValueError."""
    place, equals, target = text.partition("=")
    if not equals:
        raise ValueError(f"{text!r}: expected {_FORM}")
    return place.strip(), target.strip()


def parse_place(text: str) -> Place:
    """The place that is written so. Raises ValueError."""
    host, slash, prefix = text.partition("/")
    if not slash:
        raise ValueError(f"{text!r}: a prefix begins with a slash, expected {_FORM}")
    host = host.lower()
    if host and not _HOST(host):
        port = re.fullmatch(r"(.+):\d*", host)
        right = f"write {port[1]}/{prefix}, the port does not count" if port else "expected a name such as host.example"
        raise ValueError(f"{text!r}: {host!r} is no host: {right}")
    return Place(host.removeprefix("*"), _checked_prefix(text, prefix))


def _checked_prefix(text: str, prefix: str) -> str:
    prefix = prefix.rstrip("/")
    if not prefix:
        return ""
    segments = prefix.split("/")
    if "" in segments or "." in segments or ".." in segments:
        raise ValueError(f"{text!r}: no client asks for a path with empty segments or dots: expected one without")
    if set("%?#") & set(prefix) or not prefix.isprintable():
        raise ValueError(f"{text!r}: expected the prefix as it is read, without percent-encoding and query")
    return f"/{prefix}"


def octets_of(text: str) -> str:
    """The form that paths have in an environ: one character an octet (PEP 3333, "Unicode Issues")."""
    return text if text.isascii() else text.encode().decode("latin-1")


def below(path: str, root: str) -> str:
    """What is left of a path below `root`, where an application stands already; the path where it is not below it."""
    return path[len(root):] if root and _begins(path, root) else path


def _begins(path: str, prefix: str) -> bool:
    return path.startswith(prefix) and path[len(prefix):len(prefix) + 1] in ("", "/")


class Table:
    """Places, the most specific first, each with its rank, and which of them a request is for.

    `octets`: paths are asked for as an environ has them.
    """

    def __init__(self, places: Iterable[tuple[int, Place]], octets: bool) -> None:
        ranked = sorted(places, key=lambda pair: pair[0])
        self._places = [
            (rank, place.host, octets_of(place.prefix) if octets else place.prefix) for rank, place in ranked
        ]
        self.by_host = any(host for _, host, _ in self._places)

    def find(self, host: str, path: str) -> int:
        """The rank of the first place that takes a request, NOWHERE where none does. `host`: of the field of that name
        (RFC 9110 section 7.2), with or without a port; `path`: below what stands in front of all places."""
        name = bare_host(host) if self.by_host else ""
        for rank, wanted, prefix in self._places:
            if wanted and not (name.endswith(wanted) if wanted[0] == "." else name == wanted):
                continue
            if not prefix or _begins(path, prefix):
                return rank
        return NOWHERE


def bare_host(host: str) -> str:
    """A host without its port, in lower case, and without the dot of a complete name."""
    name, colon, port = host.rpartition(":")
    if not colon or port.endswith("]") or (port and not port.isdigit()):
        name = host
    return name.lower().removesuffix(".")


def in_order(places: Sequence[Place]) -> list[int]:
    """The numbers of these places, the most specific first."""
    return sorted(range(len(places)), key=lambda number: places[number].weight(), reverse=True)
