"""Which build of the hot path runs: its compiled form, or the same source files interpreted.

An extension wins over a `.py` of the same name on import. `GUNICORN_PURE=1` in the environment turns that
around, so that one installation can be debugged, profiled and compared in both forms.
"""

from __future__ import annotations

import os
import sys

#: Beside this file in an interpreted package: why nothing was compiled. `setup.py` writes it.
NOTE = "build_note.txt"
#: The packages that `setup.py` compiles.
COMPILED_ROOMS = ("asgi", "wsgi", "gateway", "drivers", "tls", "engine", "wire", "http", "instrument")


def force_interpreted() -> None:
    """Make imports from the compiled packages find `.py` files only.

    Must run before the first of their modules is imported: the import system asks
    `sys.path_importer_cache` for the finder of a folder before it makes one of its own.
    """
    from importlib.machinery import SOURCE_SUFFIXES, FileFinder, SourceFileLoader

    package = _package()
    for room in COMPILED_ROOMS:
        folder = os.path.join(package, room)
        sys.path_importer_cache[folder] = FileFinder(folder, (SourceFileLoader, SOURCE_SUFFIXES))


def build_kind() -> str:
    """Return `"compiled"` when the HTTP parser is an extension module, else `"interpreted"`."""
    from importlib.machinery import EXTENSION_SUFFIXES

    stem = os.path.join(_package(), "wire", "http1_head")
    compiled = any(os.path.exists(stem + suffix) for suffix in EXTENSION_SUFFIXES)
    return "compiled" if compiled and not _is_forced() else "interpreted"


def _is_forced() -> bool:
    """Whether the package saw `GUNICORN_PURE` when it was imported."""
    return os.environ.get("GUNICORN_PURE", "0") not in ("", "0")


def told() -> str:
    """Return the kind of this build and, for an interpreted one, in a few words why it is no other."""
    kind = build_kind()
    if kind == "interpreted":
        return f"{kind} ({_why_interpreted()})"
    # The import of an extension that does not declare otherwise takes back what such a Python is chosen for.
    return f"{kind} (it switches on the GIL of this free-threaded Python)" if _is_free_threaded() else kind


def _why_interpreted() -> str:
    if _is_forced():
        return "GUNICORN_PURE is set"
    extensions = [name for name in os.listdir(os.path.join(_package(), "wire")) if name.endswith(".so")]
    if extensions:
        return f"its extensions are for another Python: {min(extensions)}"
    try:
        with open(os.path.join(_package(), NOTE), encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        if _is_free_threaded():
            return "this Python is free-threaded"
        return "nothing is compiled in this source tree: make build-inplace"


def _is_free_threaded() -> bool:
    # What `sysconfig` knows better takes milliseconds to import.
    return "t" in sys.abiflags


def _package() -> str:
    return os.path.dirname(os.path.abspath(__file__))
