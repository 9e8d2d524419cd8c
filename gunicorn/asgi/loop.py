# cython: binding=False
"""The event loop of asyncio, with what every task asks of it compiled.

A task that is made asks its loop whether it debugs and whether it runs: two calls of Python for each request, which
here are two of C. Nothing else differs.
"""

from __future__ import annotations

import asyncio

__all__ = ["new_loop"]


class Asked:
    """What is asked for most. The base class of all loops of asyncio writes both attributes, as it always did."""

    __slots__ = ("_debug", "_thread_id")

    _debug: bool
    _thread_id: int | None

    def get_debug(self) -> bool:
        """Whether it debugs."""
        return self._debug

    def is_running(self) -> bool:
        """Whether it runs."""
        return self._thread_id is not None


class _Loop(Asked, asyncio.SelectorEventLoop):
    """Says the same name as the loop that it is, to those who ask."""

    __module__ = asyncio.SelectorEventLoop.__module__
    __qualname__ = asyncio.SelectorEventLoop.__qualname__


_Loop.__name__ = asyncio.SelectorEventLoop.__name__


def new_loop() -> asyncio.AbstractEventLoop:
    """The loop that the policy of now makes; where that is asyncio's own of every Unix, with the calls above."""
    loop = asyncio.new_event_loop()
    if type(loop) is not asyncio.SelectorEventLoop or not {"_debug", "_thread_id"} <= vars(loop).keys():
        return loop
    loop.close()
    return _Loop()
