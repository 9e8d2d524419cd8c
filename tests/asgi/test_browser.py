"""A browser as the client of a WebSocket and of a stream of events; where there is a Chromium."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Serve
from tests.support.wait import PATIENCE

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
)

APP = r'''
import asyncio, sys

PAGE = b"""<!doctype html><title>test</title><script>
const heard = [], events = [];
const socket = new WebSocket(location.origin.replace("http", "ws") + "/echo", ["chat"]);
socket.binaryType = "arraybuffer";
socket.onopen = () => {
    for (const message of ["caf\u00e9", new Uint8Array(70000), "x".repeat(200000)]) socket.send(message);
};
socket.onmessage = event => {
    heard.push(typeof event.data == "string" ? event.data.length : event.data.byteLength);
    if (heard.length == 3) socket.close(1000, "enough");
};
socket.onclose = event => report(
    "socket " + heard + " " + socket.protocol + " " + socket.extensions.split(";")[0] + " " + event.code);
const source = new EventSource("/events");
source.onmessage = event => {
    events.push(event.data);
    if (events.length == 3) { source.close(); report("events " + events); }
};
function report(text) { fetch("/report", {method: "POST", body: text}); }
</script>"""

async def app(scope, receive, send):
    if scope["type"] == "websocket":
        return await echo(receive, send)
    if scope["type"] != "http":
        raise RuntimeError
    kind = b"text/event-stream" if scope["path"] == "/events" else b"text/html; charset=utf-8"
    if scope["path"] == "/report":
        sys.stderr.write("SAW " + (await receive())["body"].decode() + "\n")
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
    if scope["path"] == "/events":
        for number in range(100):
            await send({"type": "http.response.body", "body": b"data: %d\n\n" % number, "more_body": True})
            await asyncio.sleep(0.05)
    await send({"type": "http.response.body", "body": PAGE if scope["path"] == "/" else b""})

async def echo(receive, send):
    await receive()
    await send({"type": "websocket.accept", "subprotocol": "chat"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message.get("text"), "bytes": message.get("bytes")})
'''


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
def test_websocket_and_events(serve: Serve, tmp_path: Path) -> None:
    assert CHROMIUM is not None
    server = serve(APP)
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", server.url]
    browser = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        server.wait_for_log("SAW socket 4,70000,200000 chat permessage-deflate 1000")
        server.wait_for_log("SAW events 0,1,2")
    finally:
        browser.terminate()
        browser.wait(PATIENCE)
