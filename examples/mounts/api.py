"""The API: ordinary FastAPI. Its documentation is at /api/docs, and links there as it should."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, WebSocket


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, int]]:
    print("the API is open", flush=True)
    yield {"stock": 7}
    print("the API is closed", flush=True)


app = FastAPI(lifespan=lifespan)


@app.get("/stock")
async def stock(request: Request) -> dict[str, object]:
    return {"stock": request.state.stock, "url": str(request.url_for("stock"))}


@app.websocket("/live")
async def live(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(str(socket.state.stock))
    async for _ in socket.iter_text():
        await socket.send_text(str(socket.state.stock))
