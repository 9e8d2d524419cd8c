"""The event loop of asyncio with a part of it compiled."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterator

import pytest

from gunicorn.asgi.loop import new_loop


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = new_loop()
    yield made
    made.close()


def test_it_is_the_loop_of_asyncio(loop: asyncio.AbstractEventLoop) -> None:
    assert isinstance(loop, asyncio.SelectorEventLoop)
    kind = type(loop)
    assert (kind.__module__, kind.__name__) == ("asyncio.unix_events", "_UnixSelectorEventLoop")
    assert repr(loop) == "<_UnixSelectorEventLoop running=False closed=False debug=False>"


def test_it_knows_whether_it_runs(loop: asyncio.AbstractEventLoop) -> None:
    async def ask() -> bool:
        return loop.is_running()

    assert not loop.is_running()
    assert loop.run_until_complete(ask())
    assert not loop.is_running()


def test_it_knows_whether_it_debugs(loop: asyncio.AbstractEventLoop) -> None:
    assert not loop.get_debug()
    loop.set_debug(True)
    assert loop.get_debug()


def test_the_loop_of_a_policy_stays_its_own() -> None:
    class Own(asyncio.SelectorEventLoop):
        pass

    with warnings.catch_warnings():
        # Policies are on their way out; users have them as long as they are there.
        warnings.simplefilter("ignore", DeprecationWarning)
        before = asyncio.get_event_loop_policy()

        class Policy(type(before)):  # type: ignore[misc]
            def new_event_loop(self) -> asyncio.AbstractEventLoop:
                return Own()

        asyncio.set_event_loop_policy(Policy())
        try:
            made = new_loop()
        finally:
            asyncio.set_event_loop_policy(before)
    assert type(made) is Own
    made.close()
