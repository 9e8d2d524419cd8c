"""sse-starlette: a stream without an end, and one that ends."""

import asyncio

from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.routing import Route


async def ticks():
    for number in range(1_000_000):
        yield {"data": str(number), "id": str(number)}
        await asyncio.sleep(0.02)


async def endless(request):
    return EventSourceResponse(ticks())


async def three(request):
    async def events():
        for number in range(3):
            yield {"event": "count", "data": str(number)}

    return EventSourceResponse(events())


app = Starlette(routes=[Route("/endless", endless), Route("/three", three)])
