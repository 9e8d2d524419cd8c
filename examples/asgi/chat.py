"""A chat over WebSocket in plain ASGI: `gunicorn chat:app`, then open http://127.0.0.1:8000 in two windows.

One process holds the room, so more than one worker would make several rooms.
"""

PAGE = b"""<!doctype html>
<title>chat</title>
<input id=say autofocus placeholder="say something">
<pre id=heard></pre>
<script>
const socket = new WebSocket(location.origin.replace("http", "ws") + "/room");
socket.onmessage = event => heard.append(event.data + "\\n");
socket.onclose = event => heard.append("closed, code " + event.code + "\\n");
say.onchange = () => { socket.send(say.value); say.value = ""; };
</script>
"""

room = set()


async def app(scope, receive, send):
    await {"lifespan": lifespan, "http": page, "websocket": chat}[scope["type"]](scope, receive, send)


async def lifespan(scope, receive, send):
    await receive()
    print("the room is open", flush=True)
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def page(scope, receive, send):
    found = scope["path"] == "/"
    headers = [(b"content-type", b"text/html; charset=utf-8")]
    await send({"type": "http.response.start", "status": 200 if found else 404, "headers": headers})
    await send({"type": "http.response.body", "body": PAGE if found else b"Not found\n"})


async def chat(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    room.add(send)
    try:
        while (message := await receive())["type"] == "websocket.receive":
            for member in list(room):
                # One who is about to leave must not end the words of another.
                try:
                    await member({"type": "websocket.send", "text": message.get("text") or "?"})
                except OSError:
                    room.discard(member)
    finally:
        room.discard(send)
