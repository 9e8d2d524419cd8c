from typing import Any

import common
from litestar import Litestar, MediaType, Request, Response, WebSocket, get, post, websocket
from litestar.background_tasks import BackgroundTask
from litestar.exceptions import WebSocketDisconnect
from litestar.response import Stream


@get("/hello/{name:str}")
async def hello(name: str, q: str | None = None) -> dict[str, str | None]:
    return {"hello": name, "q": q}


@post("/form", status_code=200)
async def form(request: Request) -> dict[str, Any]:
    return dict(await request.form())


@post("/upload", status_code=200, request_max_body_size=None)
async def upload(request: Request) -> dict[str, Any]:
    digest = common.Digest()
    async for part in request.stream():
        digest.add(part)
    return digest.result()


@get("/stream")
async def stream() -> Stream:
    return Stream(common.numbers(), media_type=MediaType.TEXT)


@get("/sse")
async def sse() -> Stream:
    return Stream(common.events(), media_type="text/event-stream")


@get("/background")
async def background() -> Response[dict[str, str]]:
    return Response({}, background=BackgroundTask(common.background))


@get("/endless")
async def endless() -> Stream:
    return Stream(common.endless())


@get("/seen")
async def seen() -> dict[str, Any]:
    return common.seen


@get("/fail")
async def fail() -> None:
    raise RuntimeError("on purpose, early")


@get("/fail-late")
async def fail_late() -> Stream:
    return Stream(common.breaking())


@websocket("/echo")
async def echo(socket: WebSocket) -> None:
    await socket.accept()
    try:
        while True:
            await socket.send_text(await socket.receive_text())
    except WebSocketDisconnect:
        pass


@websocket("/room")
async def room(socket: WebSocket) -> None:
    await socket.accept()
    common.room.add(socket)
    try:
        while True:
            text = await socket.receive_text()
            for member in list(common.room):
                await member.send_text(text)
    except WebSocketDisconnect:
        common.room.discard(socket)


def started() -> None:
    common.seen["started"] = True


def ended() -> None:
    print("lifespan ended", flush=True)


app = Litestar(
    [hello, form, upload, stream, sse, background, endless, seen, fail, fail_late, echo, room],
    on_startup=[started], on_shutdown=[ended],
)
