"""The path of a request as names of folders and files, for whoever has such.

What is refused here is what no file of a site is called, and what ways out of a folder are made of. A path is taken
apart at its slashes before its escapes are read, once: `%2F` is no slash, and `%252e` no dot.
"""

from __future__ import annotations

from .target import unquote

__all__ = ["WELL_KNOWN", "is_hidden", "names_of"]

WELL_KNOWN = ".well-known"
# A slash, a backslash, and all controls: NUL ends a name for the kernel.
_NO_NAMES = frozenset(["", ".", ".."])
_FORBIDDEN = frozenset(["/", "\\", "\x7f", *map(chr, range(32))])


def names_of(path: str) -> list[str | None] | None:
    """The names between the slashes of a path, escapes read, one character an octet; None for a path without a slash in
    front. The last name is empty where the path ends with a slash.

    In the place of a name that nobody is to look for there is None: `.` and `..`, an empty one in the middle, and one
    with a slash, a backslash or a control in it.
    """
    first, *names = path.split("/")
    if first or not names:
        return None
    last = names.pop()
    found = [_name(name) for name in names]
    found.append(_name(last) if last else "")
    return found


def _name(text: str) -> str | None:
    name = unquote(text) if "%" in text else text
    return None if name in _NO_NAMES or not _FORBIDDEN.isdisjoint(name) else name


def is_hidden(name: str) -> bool:
    """Whether a name is one that folders do not show."""
    return name.startswith(".")
