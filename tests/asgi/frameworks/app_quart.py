import asyncio

import common
from quart import Quart, request, websocket

app = Quart(__name__)
app.config["MAX_CONTENT_LENGTH"] = None
# The answer streams for as long as the client stays.
app.config["RESPONSE_TIMEOUT"] = None


@app.before_serving
async def started():
    common.seen["started"] = True


@app.after_serving
async def ended():
    print("lifespan ended", flush=True)


@app.get("/hello/<name>")
async def hello(name):
    return {"hello": name, "q": request.args.get("q")}


@app.post("/form")
async def form():
    return dict(await request.form)


@app.post("/upload")
async def upload():
    digest = common.Digest()
    async for part in request.body:
        digest.add(part)
    return digest.result()


@app.get("/stream")
async def stream():
    return common.numbers(), 200, {"Content-Type": "text/plain"}


@app.get("/sse")
async def sse():
    return common.events(), 200, {"Content-Type": "text/event-stream"}


@app.get("/background")
async def background():
    app.add_background_task(common.background)
    return {}


@app.get("/endless")
async def endless():
    return common.endless()


@app.get("/seen")
async def seen():
    return common.seen


@app.get("/fail")
async def fail():
    raise RuntimeError("on purpose, early")


@app.get("/fail-late")
async def fail_late():
    return common.breaking()


@app.websocket("/echo")
async def echo():
    while True:
        await websocket.send(await websocket.receive())


@app.websocket("/room")
async def room():
    mine = asyncio.Queue()
    common.room.add(mine)

    async def pass_on():
        while True:
            await websocket.send(await mine.get())

    sender = asyncio.ensure_future(pass_on())
    try:
        while True:
            text = await websocket.receive()
            for member in list(common.room):
                await member.put(text)
    finally:
        common.room.discard(mine)
        sender.cancel()
