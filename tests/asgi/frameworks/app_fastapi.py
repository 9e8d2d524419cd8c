from contextlib import asynccontextmanager
from typing import Annotated

import common
from fastapi import BackgroundTasks, FastAPI, Form, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse


@asynccontextmanager
async def lifespan(app):
    common.seen["started"] = True
    yield
    print("lifespan ended", flush=True)


app = FastAPI(lifespan=lifespan)


@app.get("/hello/{name}")
async def hello(name: str, q: str | None = None):
    return {"hello": name, "q": q}


@app.post("/form")
async def form(a: Annotated[str, Form()], b: Annotated[str, Form()]):
    return {"a": a, "b": b}


@app.post("/upload")
async def upload(request: Request):
    digest = common.Digest()
    async for part in request.stream():
        digest.add(part)
    return digest.result()


@app.get("/stream")
async def stream():
    return StreamingResponse(common.numbers(), media_type="text/plain")


@app.get("/sse")
async def sse():
    return StreamingResponse(common.events(), media_type="text/event-stream")


@app.get("/background")
async def background(tasks: BackgroundTasks):
    tasks.add_task(common.background)
    return {}


@app.get("/endless")
async def endless():
    return StreamingResponse(common.endless())


@app.get("/seen")
def seen():
    # In a thread of the framework.
    return common.seen


@app.get("/fail")
async def fail():
    raise RuntimeError("on purpose, early")


@app.get("/fail-late")
async def fail_late():
    return StreamingResponse(common.breaking())


@app.websocket("/echo")
async def echo(websocket: WebSocket):
    await websocket.accept()
    try:
        async for text in websocket.iter_text():
            await websocket.send_text(text)
    except WebSocketDisconnect:
        pass


@app.websocket("/room")
async def room(websocket: WebSocket):
    await websocket.accept()
    common.room.add(websocket)
    async for text in websocket.iter_text():
        for member in list(common.room):
            await member.send_text(text)
    common.room.discard(websocket)
