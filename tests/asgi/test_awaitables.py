"""Where a task goes on that `receive` or `send` had waiting."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator

import pytest

from gunicorn.asgi.awaitables import Waiter


class Pause:
    """Waits as `receive` does."""

    def __init__(self, waiter: Waiter) -> None:
        self.waiter = waiter

    def __await__(self) -> Iterator[Waiter]:
        self.waiter._asyncio_future_blocking = True
        yield self.waiter


@pytest.mark.parametrize("handling", [False, True])
def test_who_is_woken_knows_nothing_of_what_is_handled_there(handling: bool) -> None:
    """In place, but where an exception is being handled: it would be the context of the application's own."""
    seen: list[object] = []

    async def waits(waiter: Waiter) -> None:
        await Pause(waiter)
        seen.append(sys.exception())

    def wake(waiter: Waiter) -> None:
        try:
            if handling:
                raise ZeroDivisionError
            waiter.wake()
        except ZeroDivisionError:
            waiter.wake()
        seen.append("woken")

    async def main() -> None:
        loop = asyncio.get_running_loop()
        waiter = Waiter(loop)
        task = loop.create_task(waits(waiter))
        await asyncio.sleep(0)
        loop.call_soon(wake, waiter)
        await task

    asyncio.run(main())
    assert seen == (["woken", None] if handling else [None, "woken"])
