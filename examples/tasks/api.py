"""The same by FastAPI: hundreds of callers can wait for the model in one worker, none of them in a thread."""

import json
from collections.abc import AsyncIterator

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from gunicorn.dirty import get_dirty_client_async

MODEL = "model:Languages"

app = FastAPI()


@app.get("/classify")
async def classify(text: str) -> dict[str, object]:
    client = await get_dirty_client_async()
    return await client.execute_async(MODEL, "classify", text)


@app.get("/evaluate")
async def evaluate() -> StreamingResponse:
    async def events() -> AsyncIterator[str]:
        client = await get_dirty_client_async()
        async for progress in client.stream_async(MODEL, "evaluate"):
            yield f"data: {json.dumps(progress)}\n\n"

    return StreamingResponse(events(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})
