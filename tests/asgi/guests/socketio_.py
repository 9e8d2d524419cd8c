"""python-socketio, by WebSocket and by polling."""

import socketio

server = socketio.AsyncServer(async_mode="asgi", ping_interval=1, ping_timeout=1)
app = socketio.ASGIApp(server)


@server.event
async def connect(sid, environ):
    await server.emit("welcome", {"sid": sid}, to=sid)


@server.event
async def echo(sid, data):
    return data
