"""Libraries that keep responses and WebSockets open, with their real clients: they stream, and a stop ends them."""

from __future__ import annotations

import asyncio
import importlib.util
import re
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from tests.conftest import Serve
from tests.support.server import Server
from tests.support.wait import PATIENCE, POLL_SECONDS

FOLDER = Path(__file__).parent / "guests"
Visit = Callable[[Server], Awaitable[None]]


async def stop(server: Server) -> None:
    """TERM, and wait for the end."""
    server.send_signal(signal.SIGTERM)
    async with asyncio.timeout(PATIENCE):
        while not server.exited():
            await asyncio.sleep(POLL_SECONDS)


async def sse(server: Server) -> None:
    from httpx_sse import aconnect_sse

    async with httpx.AsyncClient(base_url=server.url, timeout=PATIENCE) as client:
        async with aconnect_sse(client, "GET", "/three") as source:
            assert [(event.event, event.data) async for event in source.aiter_sse()] == [
                ("count", "0"), ("count", "1"), ("count", "2"),
            ]
        # Clients that leave, one after the other.
        for _ in range(3):
            async with aconnect_sse(client, "GET", "/endless") as source:
                assert (await anext(source.aiter_sse())).data == "0"
        async with aconnect_sse(client, "GET", "/endless") as source:
            events = source.aiter_sse()
            assert [(await anext(events)).id for _ in range(3)] == ["0", "1", "2"]
            await stop(server)
            # It ends in good order.
            async for _ in events:
                pass


async def socketio_(server: Server) -> None:
    import socketio

    for transport in ("polling", "websocket"):
        async with socketio.AsyncSimpleClient() as client:
            await client.connect(server.url, transports=[transport])
            assert (await client.receive(PATIENCE))[0] == "welcome"
            assert await client.call("echo", {"a": [1, "ä", b"octets"]}) == {"a": [1, "ä", b"octets"]}
    client = socketio.AsyncClient(reconnection=False)
    await client.connect(server.url)
    assert await client.call("echo", "x") == "x"
    await stop(server)
    await client.wait()


async def mcp_(server: Server) -> None:
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async with streamable_http_client(f"{server.url}/mcp", terminate_on_close=False) as streams:
        async with ClientSession(streams[0], streams[1]) as session:
            await session.initialize()
            assert [tool.name for tool in (await session.list_tools()).tools] == ["add"]
            assert "5" in str((await session.call_tool("add", {"a": 2, "b": 3})).content)
            await stop(server)


async def strawberry_(server: Server) -> None:
    import json

    from websockets.asyncio.client import connect
    from websockets.typing import Subprotocol

    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        answer = await client.post(server.url, json={"query": '{ hello(name: "x") }'})
        assert answer.json()["data"] == {"hello": "hello x"}
    url = server.url.replace("http", "ws", 1)
    async with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
        await socket.send(json.dumps({"type": "connection_init"}))
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": "subscription { count }"}}))
        for number in range(3):
            assert json.loads(await socket.recv())["payload"]["data"] == {"count": number}
        await stop(server)


async def channels_(server: Server) -> None:
    from websockets.asyncio.client import connect

    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        assert (await client.get(server.url)).text == "hello"
    url = server.url.replace("http", "ws", 1) + "/room"
    async with connect(url) as one, connect(url) as two:
        # The second is in the room when its own words come back.
        await two.send('"here"')
        assert await two.recv() == '"here"'
        await one.send('{"to": "all"}')
        assert await two.recv() == '{"to": "all"}'
        await stop(server)
        with pytest.raises(Exception, match="1012"):
            while True:
                await one.recv()


async def nicegui_(server: Server) -> None:
    import socketio

    async with httpx.AsyncClient(base_url=server.url, timeout=PATIENCE) as http:
        page = (await http.get("/")).text
        assert "hello from a page" in page
        script = re.search(r'src="(/_nicegui/[^"]*\.js)"', page)
        assert script is None or (await http.get(script[1])).status_code == 200
    found = re.search(r"client_id['\"]?: ?['\"]([0-9a-f-]{36})", page)
    assert found is not None, page
    client = socketio.AsyncClient(reconnection=False)
    query = f"client_id={found[1]}&document_id=1&tab_id=1&next_message_id=0&implicit_handshake=false"
    await client.connect(f"{server.url}?{query}", socketio_path="/_nicegui_ws/socket.io")
    await stop(server)
    await client.wait()


GUESTS: dict[str, tuple[Visit, tuple[str, ...]]] = {
    "sse": (sse, ("sse_starlette", "httpx_sse")),
    "socketio_": (socketio_, ("socketio", "aiohttp")),
    "mcp_": (mcp_, ("mcp",)),
    "strawberry_": (strawberry_, ("strawberry", "websockets")),
    "channels_": (channels_, ("channels", "websockets")),
    "nicegui_": (nicegui_, ("nicegui", "socketio", "aiohttp")),
}


@pytest.mark.parametrize("name", GUESTS)
def test_it_streams_and_ends_at_once(serve: Serve, name: str) -> None:
    visit, needed = GUESTS[name]
    for module in needed:
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    server = serve((FOLDER / f"{name}.py").read_text(), "-k", "asgi", expect_traceback=True)
    asyncio.run(visit(server))
    assert server.wait() == 0
    log = server.log()
    # Nobody was waited for until `graceful_timeout`, and nobody is blamed.
    for word in ("ERROR", "Cancelling", "Traceback", "was destroyed", "although they were cancelled"):
        assert word not in log, log
