"""A native leaf and its twin in Python, side by side: what is asked of one is asked of the other."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

#: Integers at which C's arithmetic does something else than Python's, or a bound lies.
EDGES = (
    -(2**70), -(2**63) - 1, -(2**63), -(2**63) + 1, -(2**62), -(2**32), -(2**31) - 1, -(2**31), -65536, -9, -8, -1,
    0, 1, 2, 3, 7, 8, 9, 12, 19, 20, 21, 40, 255, 65536, 2**31 - 1, 2**31, 2**32, 2**62, 2**63 - 8, 2**63 - 1, 2**63,
    2**70,
)


class Octets(bytes):
    """A subclass of bytes."""


class Words(str):
    """A subclass of str."""


#: What is no bytes, and no str either.
WRONG = (None, Octets(b"abc"), Words("abc"), "abc", bytearray(b"abc"), memoryview(b"abc"), 5, 1.5, [], object())


def twin_of(name: str) -> ModuleType:
    """The `.py` beside the module of this name, whichever of the two is imported by it."""
    # Not beside the file that the module came from, which may be the extension.
    room, _, last = name.rpartition(".")
    path = Path(importlib.import_module(room).__path__[0], last + ".py")
    specification = importlib.util.spec_from_file_location(name + "_twin", path)
    assert specification is not None
    assert specification.loader is not None
    twin = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(twin)
    return twin


def outcome(function: Callable[..., Any], *arguments: Any) -> object:
    """What a call returns, or the class of what it raises; integers too large for C are told from wrong types."""
    try:
        return function(*arguments)
    except (TypeError, ValueError, OverflowError, IndexError, OSError) as error:
        return next(base for base in (OSError, OverflowError, TypeError, ValueError, IndexError)
                    if isinstance(error, base))
