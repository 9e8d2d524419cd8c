"""A browser as the client of a WebSocket and of a stream of events; where there is a Chromium."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Serve
from tests.support.proxies import need
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
        sys.stderr.write("SOCKET BY " + scope["http_version"] + "\n")
        return await echo(receive, send)
    if scope["type"] != "http":
        raise RuntimeError
    kind = b"text/event-stream" if scope["path"] == "/events" else b"text/html; charset=utf-8"
    if scope["path"] == "/report":
        sys.stderr.write("SAW " + (await receive())["body"].decode() + " by " + scope["http_version"] + "\n")
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


PROTOCOLS = {"1.1": (), "2": ("--http-protocols", "h2,h1")}


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
@pytest.mark.parametrize("version", PROTOCOLS)
def test_websocket_and_events(serve: Serve, tmp_path: Path, version: str) -> None:
    assert CHROMIUM is not None
    arguments, url = PROTOCOLS[version], "http://127.0.0.1:{}/"
    if version == "2":
        # A browser speaks it inside TLS alone.
        subprocess.run(
            [need("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
             "30", "-keyout", "a.key", "-out", "a.pem", "-subj", "/CN=localhost"],
            cwd=tmp_path, check=True, capture_output=True, timeout=PATIENCE)
        arguments += ("--certfile", str(tmp_path / "a.pem"), "--keyfile", str(tmp_path / "a.key"))
        url = "https://localhost:{}/"
    server = serve(APP, *arguments)
    command = [CHROMIUM, *FLAGS, "--ignore-certificate-errors", f"--user-data-dir={tmp_path / 'profile'}"]
    browser = subprocess.Popen(
        [*command, url.format(server.port)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    try:
        server.wait_for_log(f"SAW socket 4,70000,200000 chat permessage-deflate 1000 by {version}")
        server.wait_for_log(f"SAW events 0,1,2 by {version}")
        # By HTTP/2 it is a stream of the connection that the page has come by (RFC 8441).
        server.wait_for_log(f"SOCKET BY {version}")
    finally:
        browser.terminate()
        browser.wait(PATIENCE)
