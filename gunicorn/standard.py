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
from collections.abc import Callable, Sequence
from functools import wraps
from importlib.machinery import PathFinder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import ParamSpec, TypeVar

    P = ParamSpec("P")
    R = TypeVar("R")

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


class _Importing:
    """For whom this thread imports, within a block or a function.

    Not made by `contextlib`, which imports `inspect` for its decorators in Python 3.15: milliseconds of every start.
    """

    def __init__(self, for_server: bool) -> None:
        self._for_server = for_server
        self._thread = 0
        self._before = False

    def __enter__(self) -> None:
        self._thread = get_ident()
        self._before = self._thread in _importing
        _set(self._thread, self._for_server)

    def __exit__(self, *error: object) -> None:
        _set(self._thread, self._before)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def within(*args: P.args, **kwargs: P.kwargs) -> R:
            with _Importing(self._for_server):
                return function(*args, **kwargs)

        return within


def standard_first(wanted: bool = True) -> _Importing:
    """Within it, what this thread imports is for the server: standard names mean the standard library."""
    return _Importing(wanted)


def _set(thread: int, wanted: bool) -> None:
    if wanted:
        _importing.add(thread)
    else:
        _importing.discard(thread)


def application_first() -> _Importing:
    """Within it, what this thread imports is for the application: names mean what Python's module path says."""
    return standard_first(False)
