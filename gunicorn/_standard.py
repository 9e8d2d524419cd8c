"""The modules of the standard library, whatever lies in the application's folder.

That folder stands first on Python's module path, as applications expect. What the server imports after that, only when
it needs it, must not be an application's `grp.py` or `statistics.py`, nor may a standard module that it imports find
one there. So a finder of our own comes before all others: while the server imports for itself, it finds what has a
standard name where the standard library is. The application's own imports are left to Python.
"""

from __future__ import annotations

import os
import sys
from _thread import get_ident
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import PathFinder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from importlib.machinery import ModuleSpec
    from types import ModuleType

__all__ = ["application_first", "standard_first"]


# The threads that import for the server.
_importing: set[int] = set()
_LIBRARY = os.path.dirname(os.__file__)
# The library, its extensions, and an archive of it; not the packages that are installed below it.
_PLACES = [place for place in sys.path if place == _LIBRARY or place.endswith(("/lib-dynload", ".zip"))]


class _Finder:
    """Finds standard modules for the server. A finder as in PEP 451."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if path is None and get_ident() in _importing and name in sys.stdlib_module_names:
            return PathFinder.find_spec(name, _PLACES)
        return None


sys.meta_path.insert(0, _Finder)


@contextmanager
def standard_first(wanted: bool = True) -> Iterator[None]:
    """Within it, what this thread imports is for the server: standard names mean the standard library."""
    thread = get_ident()
    before = thread in _importing
    _set(thread, wanted)
    try:
        yield
    finally:
        _set(thread, before)


def _set(thread: int, wanted: bool) -> None:
    if wanted:
        _importing.add(thread)
    else:
        _importing.discard(thread)


def application_first() -> AbstractContextManager[None]:
    """Within it, what this thread imports is for the application: names mean what Python's module path says."""
    return standard_first(False)
