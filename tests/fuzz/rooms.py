"""The same modules twice in one process: as they are imported here (compiled, if they are), and interpreted."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import gunicorn

INTERPRETED = "interpreted_gunicorn"


class Finder(MetaPathFinder):
    """Finds `interpreted_gunicorn.x.y` in the source file of `gunicorn.x.y`, whatever lies beside that."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name == INTERPRETED:
            folder = str(Path(gunicorn.__file__).parent.parent)
            source = FileFinder(str(Path(folder, "gunicorn")), (SourceFileLoader, SOURCE_SUFFIXES))
            spec = source.find_spec("__init__")
            assert spec is not None
            found = ModuleSpec(name, SourceFileLoader(name, str(spec.origin)), origin=spec.origin, is_package=True)
            found.submodule_search_locations = [str(Path(folder, "gunicorn"))]
            return found
        if not name.startswith(INTERPRETED + "."):
            return None
        assert path is not None
        return FileFinder(next(iter(path)), (SourceFileLoader, SOURCE_SUFFIXES)).find_spec(name)


class Rooms:
    """`rooms("wire.http1_head")` is a module of one of the two."""

    def __init__(self, interpreted: bool) -> None:
        self.base = INTERPRETED if interpreted else "gunicorn"
        if interpreted and not any(isinstance(finder, Finder) for finder in sys.meta_path):
            sys.meta_path.insert(0, Finder())

    def __call__(self, name: str) -> Any:
        return importlib.import_module(f"{self.base}.{name}")
