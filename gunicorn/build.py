"""Which build of the hot path runs: its compiled form, or the same source files interpreted.

An extension wins over a ``.py`` of the same name on import. ``GUNICORN_PURE=1`` in the environment turns that
around, so that one installation can be debugged, profiled and compared in both forms.
"""

from __future__ import annotations

#: The packages that ``setup.py`` compiles.
COMPILED_ROOMS = ("http", "engine", "wsgi", "asgi")


def force_interpreted() -> None:
    """Make imports from the compiled packages find ``.py`` files only.

    Must run before the first of their modules is imported: the import system asks
    ``sys.path_importer_cache`` for the finder of a folder before it makes one of its own.
    """
    import os
    import sys
    from importlib.machinery import SOURCE_SUFFIXES, FileFinder, SourceFileLoader

    package = os.path.dirname(os.path.abspath(__file__))
    for room in COMPILED_ROOMS:
        folder = os.path.join(package, room)
        sys.path_importer_cache[folder] = FileFinder(folder, (SourceFileLoader, SOURCE_SUFFIXES))


def build_kind() -> str:
    """Return ``"compiled"`` when the HTTP parser is an extension module, else ``"interpreted"``."""
    from importlib.machinery import EXTENSION_SUFFIXES
    from importlib.util import find_spec

    spec = find_spec("gunicorn.http.parser")
    origin = (spec and spec.origin) or ""
    return "compiled" if origin.endswith(tuple(EXTENSION_SUFFIXES)) else "interpreted"
