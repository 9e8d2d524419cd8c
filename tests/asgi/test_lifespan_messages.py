"""What an application may send in its lifespan, without a server."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, UserDict
from typing import Any

import pytest

from gunicorn.asgi.lifespan import Lifespan, LifespanFailed


def start(message: Any) -> Lifespan:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(message)

    lifespan = Lifespan(app, "on", logging.getLogger("test"))
    asyncio.run(lifespan.start(0))
    return lifespan


@pytest.mark.parametrize("make", [dict, OrderedDict])
def test_a_dict_of_any_class(make: type[Any]) -> None:
    """As in the other protocols: the compiled form takes plain ones only."""
    assert start(make(type="lifespan.startup.complete")).active


@pytest.mark.parametrize("message", [None, UserDict(type="lifespan.startup.complete")], ids=["none", "mapping"])
def test_what_is_no_dict(message: Any) -> None:
    with pytest.raises(LifespanFailed, match=r"Misuse: a message must be a dict, not"):
        start(message)
