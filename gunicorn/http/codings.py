"""Which content coding a client is best served with (RFC 9110 section 12.5.3)."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["IDENTITY", "preferred_coding"]

IDENTITY = "identity"

_WEIGHT = r"(?:;[ \t]*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?"
# In lower case.
_MEMBER = re.compile(rf"([!#$%&'*+\-.^_`|~0-9a-z]+)[ \t]*{_WEIGHT}\Z").match
# Two names of one coding (section 8.4.1.3).
_ALIASES = {"x-gzip": "gzip"}


def preferred_coding(value: str | None, available: Iterable[str]) -> str | None:
    """Of the codings that there are, the first of those that the client likes best, IDENTITY among them as the last;
    None where it takes none. `value`: its Accept-Encoding, None where it says nothing.

    A client that says nothing is taken for one that knows no coding, as caches do. A member that is none is passed
    over.
    """
    if value is None:
        return IDENTITY
    weights = _weights(value)
    rest = weights.get("*")
    best: str | None = None
    heaviest = 0.0
    for coding in available:
        weight = weights.get(coding, rest or 0.0)
        if weight > heaviest:
            best, heaviest = coding, weight
    identity = weights.get(IDENTITY)
    if identity is None:
        # Not said: it will do where nothing better does, unless `*;q=0` has excluded it.
        return best or (None if rest == 0.0 else IDENTITY)
    return IDENTITY if identity > heaviest else best


def _weights(value: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for member in value.lower().split(","):
        found = _MEMBER(member.strip(" \t"))
        if found is not None:
            coding = _ALIASES.get(found[1], found[1])
            weights[coding] = float(found[2] or 1)
    return weights
