import asyncio

import common
from blacksheep import Application, Response, StreamedContent, WebSocket, WebSocketDisconnectError, json

app = Application()
tasks = set()


@app.on_start
async def started(app):
    common.seen["started"] = True


@app.on_stop
async def ended(app):
    print("lifespan ended", flush=True)


@app.router.get("/hello/{name}")
async def hello(request):
    return json({"hello": request.route_values["name"], "q": (request.query.get("q") or [None])[0]})


@app.router.post("/form")
async def form(request):
    return json(dict(await request.form()))


@app.router.post("/upload")
async def upload(request):
    digest = common.Digest()
    async for part in request.stream():
        digest.add(part)
    return json(digest.result())


@app.router.get("/stream")
async def stream(request):
    return Response(200, content=StreamedContent(b"text/plain", common.numbers))


@app.router.get("/sse")
async def sse(request):
    return Response(200, content=StreamedContent(b"text/event-stream", common.events))


@app.router.get("/background")
async def background(request):
    task = asyncio.create_task(common.background())
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return json({})


@app.router.get("/endless")
async def endless(request):
    return Response(200, content=StreamedContent(b"text/plain", common.endless))


@app.router.get("/seen")
async def seen(request):
    return json(common.seen)


@app.router.get("/fail")
async def fail(request):
    raise RuntimeError("on purpose, early")


@app.router.get("/fail-late")
async def fail_late(request):
    return Response(200, content=StreamedContent(b"text/plain", common.breaking))


@app.router.ws("/echo")
async def echo(websocket: WebSocket):
    await websocket.accept()
    try:
        while True:
            await websocket.send_text(await websocket.receive_text())
    except WebSocketDisconnectError:
        pass


@app.router.ws("/room")
async def room(websocket: WebSocket):
    await websocket.accept()
    common.room.add(websocket)
    try:
        while True:
            text = await websocket.receive_text()
            for member in list(common.room):
                await member.send_text(text)
    except WebSocketDisconnectError:
        common.room.discard(websocket)
