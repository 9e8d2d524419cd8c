"""Which build of the hot path runs: its compiled form, or the same source files interpreted.

All compiled modules are in one extension, `_compiled`, and there they are found before the `.py` of the same name.
`GUNICORN_PURE=1` in the environment turns that off, so that one installation can be debugged, profiled and compared in
both forms.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    ModuleSpec,
    SourceFileLoader,
    SourcelessFileLoader,
)
from types import ModuleType

#: Beside this file in an interpreted package: why nothing was compiled. `setup.py` writes it.
NOTE = "build_note.txt"
#: The packages that `setup.py` compiles.
COMPILED_ROOMS = ("asgi", "wsgi", "gateway", "drivers", "tls", "engine", "wire", "http", "instrument", "tasks")


#: The one extension.
EXTENSION = "gunicorn._compiled"


class Extension:
    """The one extension, opened when the first of its modules is asked for: who wants no more than a setting has none
    of its megabytes."""

    def __init__(self, forbidden: bool) -> None:
        self._forbidden = forbidden
        self._opened = forbidden
        self._module: ModuleType | None = None

    def module(self) -> ModuleType | None:
        """Return it, or None where nothing is compiled, or may run. ImportError where it is there and broken."""
        if not self._opened:
            try:
                self._module = import_module(EXTENSION)
            except ModuleNotFoundError as error:
                if error.name != EXTENSION:
                    raise
            self._opened = True
        return self._module


class CompiledLoader(ExtensionFileLoader):
    """Makes one module out of the extension."""

    def __init__(self, name: str, extension: ModuleType) -> None:
        super().__init__(name, str(extension.__file__))
        self._extension = extension

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module: ModuleType = self._extension.create(spec)
        return module


class RoomFinder(FileFinder):
    """Finds the modules of a compiled room: in the extension, else in source files.

    An extension for a single module, as older builds left them beside the sources, is passed by: it would run code of
    another day.
    """

    def __init__(self, folder: str, extension: Extension) -> None:
        super().__init__(folder, (SourceFileLoader, SOURCE_SUFFIXES), (SourcelessFileLoader, BYTECODE_SUFFIXES))
        self._extension = extension

    def find_spec(self, fullname: str, target: ModuleType | None = None) -> ModuleSpec | None:
        extension = self._extension.module()
        if extension is None or fullname not in extension.modules:
            return super().find_spec(fullname, target)
        spec = ModuleSpec(fullname, CompiledLoader(fullname, extension), origin=extension.__file__)
        spec.has_location = True
        return spec


def find_modules(package: str, interpreted: bool) -> None:
    """Let the modules of the compiled rooms be found in the extension, or, `interpreted`, in source files alone.

    Must run before the first of them is imported: `package`, the folder of this package, is where it takes effect, and
    a folder that has a finder keeps it.
    """
    folders = frozenset(os.path.join(package, room) for room in COMPILED_ROOMS)
    extension = Extension(forbidden=interpreted)

    def finder_of(path: str) -> RoomFinder:
        # In an archive, say, its own finder has to do.
        if path not in folders or not os.path.isdir(path):
            raise ImportError("no folder of a compiled room", path=path)
        return RoomFinder(path, extension)

    # Not into `sys.path_importer_cache`: others empty it, and then half of the modules would be of the other build.
    sys.path_hooks.insert(0, finder_of)


def build_kind() -> str:
    """Return `"compiled"` when there is an extension for this Python, and it may run; else `"interpreted"`."""
    stem = os.path.join(_package(), EXTENSION.rpartition(".")[2])
    compiled = any(os.path.exists(stem + suffix) for suffix in EXTENSION_SUFFIXES)
    return "compiled" if compiled and not is_forced() else "interpreted"


def is_forced() -> bool:
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
    if is_forced():
        return "GUNICORN_PURE is set"
    extensions = [name for name in os.listdir(_package()) if name.endswith(".so")]
    if extensions:
        return f"its extension is for another Python: {min(extensions)}"
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
