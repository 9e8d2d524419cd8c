"""The same modules twice in one process: as they are imported here (compiled, if they are), and interpreted."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import gunicorn
from gunicorn._build import COMPILED_ROOMS

FOLDERS = [str(Path(gunicorn.__file__).parent / room) for room in COMPILED_ROOMS]


def _of_package() -> list[str]:
    return [name for name in sys.modules if name == "gunicorn" or name.startswith("gunicorn.")]


@contextmanager
def _put_in_place(modules: dict[str, ModuleType]) -> Iterator[None]:
    """Meanwhile the package is `modules`, and what it imports besides is found in source files and added to these."""
    own = {name: sys.modules.pop(name) for name in _of_package()}
    finders = {folder: sys.path_importer_cache.get(folder) for folder in FOLDERS}
    for folder in FOLDERS:
        sys.path_importer_cache[folder] = FileFinder(folder, (SourceFileLoader, SOURCE_SUFFIXES))
    sys.modules.update(modules)
    try:
        yield
    finally:
        modules.update({name: sys.modules.pop(name) for name in _of_package()})
        sys.modules.update(own)
        for folder, finder in finders.items():
            if finder is None:
                del sys.path_importer_cache[folder]
            else:
                sys.path_importer_cache[folder] = finder


class Rooms:
    """`rooms("wire.http1_head")` is a module of one of the two."""

    def __init__(self, interpreted: bool) -> None:
        self._modules: dict[str, ModuleType] | None = {} if interpreted else None

    def __call__(self, name: str) -> Any:
        if self._modules is None:
            return importlib.import_module(f"gunicorn.{name}")
        with _put_in_place(self._modules):
            return importlib.import_module(f"gunicorn.{name}")
