"""What to open in a browser, for who starts a server at a terminal and whose address is none that can be opened."""

from __future__ import annotations

import os
import shlex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["openings"]

# Addresses that mean every address of the machine, and the one at which the machine reaches itself.
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}


def openings(listeners: Iterable[object]) -> list[str]:
    """One line for each listener that speaks HTTP and whose address, as it is logged, is no URL for a browser."""
    return [line for line in map(_opening, map(str, listeners)) if line]


def _opening(listener: str) -> str:
    scheme, _, path = listener.partition("unix:")
    if path and not scheme:
        flag = "--abstract-unix-socket" if path.startswith("@") else "--unix-socket"
        return f"Try it: curl {flag} {shlex.quote(path.removeprefix('@'))} http://localhost/"
    scheme, _, address = listener.partition("://")
    host, _, port = address.rpartition(":")
    if scheme not in ("http", "https") or host not in _EVERYWHERE:
        return ""
    return f"Open {scheme}://{_EVERYWHERE[host]}:{port}/ here, {scheme}://{os.uname().nodename}:{port}/ elsewhere"
