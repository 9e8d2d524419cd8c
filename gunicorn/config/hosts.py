"""Hosts as `allowed_hosts` names them."""

from __future__ import annotations

import re

__all__ = ["host_pattern"]

_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*\Z").match
_EXPECTED = "expected NAME, *.NAME, .NAME, an address or *, without scheme and port"


def host_pattern(text: str) -> str:
    """One of them in the form in which they are compared. Raises `ValueError`."""
    pattern = text.strip().lower()
    if ":" in pattern:
        return f"[{_address(pattern)}]"
    if pattern == "*":
        return pattern
    # A name stands at the root of all of them with or without a dot behind it.
    pattern = pattern.removesuffix(".")
    name = pattern.removeprefix("*").removeprefix(".")
    if _NAME(name) is None or pattern not in (name, f".{name}", f"*.{name}"):
        raise ValueError(f"{text!r} is no host: {_EXPECTED}")
    return pattern


def _address(pattern: str) -> str:
    from ipaddress import IPv6Address

    bare = pattern[1:-1] if pattern.startswith("[") and pattern.endswith("]") else pattern
    try:
        return str(IPv6Address(bare))
    except ValueError:
        raise ValueError(f"{pattern!r} is no host: {_EXPECTED}") from None
