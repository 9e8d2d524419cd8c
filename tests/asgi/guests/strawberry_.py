"""strawberry: queries over HTTP, subscriptions over graphql-transport-ws."""

import asyncio
from collections.abc import AsyncGenerator

import strawberry
from strawberry.asgi import GraphQL


@strawberry.type
class Query:
    @strawberry.field
    def hello(self, name: str) -> str:
        return f"hello {name}"


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self) -> AsyncGenerator[int, None]:
        for number in range(1_000_000):
            yield number
            await asyncio.sleep(0.02)


app = GraphQL(strawberry.Schema(query=Query, subscription=Subscription))
