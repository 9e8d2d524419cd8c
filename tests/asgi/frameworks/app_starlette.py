from contextlib import asynccontextmanager

import common
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocketDisconnect


async def hello(request):
    return JSONResponse({"hello": request.path_params["name"], "q": request.query_params.get("q")})


async def form(request):
    async with request.form() as fields:
        return JSONResponse({key: fields[key] for key in fields})


async def upload(request):
    digest = common.Digest()
    async for part in request.stream():
        digest.add(part)
    return JSONResponse(digest.result())


async def stream(request):
    return StreamingResponse(common.numbers(), media_type="text/plain")


async def sse(request):
    return StreamingResponse(common.events(), media_type="text/event-stream")


async def background(request):
    return JSONResponse({}, background=BackgroundTask(common.background))


async def endless(request):
    return StreamingResponse(common.endless())


async def seen(request):
    return JSONResponse(common.seen)


async def fail(request):
    raise RuntimeError("on purpose, early")


async def fail_late(request):
    return StreamingResponse(common.breaking())


async def echo(websocket):
    await websocket.accept()
    try:
        while True:
            await websocket.send_text(await websocket.receive_text())
    except WebSocketDisconnect:
        pass


async def room(websocket):
    await websocket.accept()
    common.room.add(websocket)
    try:
        while True:
            text = await websocket.receive_text()
            for member in list(common.room):
                await member.send_text(text)
    except WebSocketDisconnect:
        common.room.discard(websocket)


@asynccontextmanager
async def lifespan(app):
    common.seen["started"] = True
    yield
    print("lifespan ended", flush=True)


app = Starlette(
    lifespan=lifespan,
    routes=[
        Route("/hello/{name}", hello), Route("/form", form, methods=["POST"]),
        Route("/upload", upload, methods=["POST"]), Route("/stream", stream), Route("/sse", sse),
        Route("/background", background), Route("/endless", endless), Route("/seen", seen), Route("/fail", fail),
        Route("/fail-late", fail_late), WebSocketRoute("/echo", echo), WebSocketRoute("/room", room),
    ],
)
