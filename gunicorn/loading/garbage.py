"""The collector of reference cycles, once an application is loaded."""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Callable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    R = TypeVar("R")

__all__ = ["set_apart", "settle", "undisturbed"]

#: Where Python begins to look at young objects: what nobody has changed.
_PYTHONS = 2000 if sys.version_info >= (3, 13) else 700

#: The same while the server or an application is loaded. What that makes stays, and to look through it again and again
#: is a tenth of the time; the garbage of one that makes much of it is bounded all the same.
_WHILE_LOADING = 100_000


def undisturbed(load: Callable[[], R], wanted: bool) -> R:
    """Return what `load` returns, or raise what it raises; where it is `wanted`, the collector hardly looks meanwhile.

    Code that has chosen for itself, before or by then, is left alone.
    """
    if not wanted or not gc.isenabled() or gc.get_threshold()[0] != _PYTHONS:
        return load()
    gc.set_threshold(_WHILE_LOADING)
    try:
        return load()
    finally:
        if gc.get_threshold()[0] == _WHILE_LOADING:
            gc.set_threshold(_PYTHONS)


def settle(freeze: bool, threshold: int) -> None:
    """Have the collector leave alone what is there by now, and look at young objects when so many more have come.

    `threshold`: 0 leaves Python's. Code that has chosen for itself is left alone: where the collector is off nothing is
    done, and another threshold than Python's stays.
    """
    if not gc.isenabled():
        return
    if threshold and gc.get_threshold()[0] == _PYTHONS:
        gc.set_threshold(threshold)
    if freeze:
        set_apart(after_collecting=True)


def set_apart(after_collecting: bool) -> None:
    """Have the collector leave alone what is there: in a process that forks, since to look at an object is to write to
    it, and each child would have a copy of all that it shares with its parent.

    `after_collecting`: garbage is not kept. Where the collector is off nothing is done.
    """
    if not gc.isenabled():
        return
    if after_collecting:
        gc.collect()
    gc.freeze()
    # What has a finalizer has it called at the end of the process, as ever.
    atexit.unregister(gc.unfreeze)
    atexit.register(gc.unfreeze)
