"""The collector of reference cycles, once an application is loaded."""

from __future__ import annotations

import atexit
import gc
import sys

__all__ = ["set_apart", "settle"]

#: Where Python begins to look at young objects: what nobody has changed.
_PYTHONS = 2000 if sys.version_info >= (3, 13) else 700


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
