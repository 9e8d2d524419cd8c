"""Flask, Django, FastAPI and Starlette in one server, none of which knows of the others; and a browser for all."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support import chromium
from tests.support.proxies import need
from tests.support.server import Server
from tests.support.wait import PATIENCE, wait_until

FLASK = '''
from flask import Flask, redirect, request, session, url_for

app = Flask("shop")
app.secret_key = "not secret"

@app.get("/")
def home():
    return url_for("thing", number=7) + " " + url_for("thing", number=7, _external=True)

@app.get("/things/<int:number>/")
def thing(number):
    session["seen"] = session.get("seen", 0) + 1
    return f"{request.script_root} {request.path} {session['seen']}"

@app.get("/home")
def go_home():
    return redirect(url_for("home"))
'''

DJANGO = '''
from django.conf import settings

settings.configure(
    DEBUG=True, SECRET_KEY="not secret", ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, STATIC_URL="static/",
    INSTALLED_APPS=["django.contrib.staticfiles"], MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
)
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.templatetags.static import static
from django.urls import path, reverse

def entry(request, number):
    return HttpResponse(" ".join([
        request.path, request.path_info, reverse("entry", args=[number]), static("a.css"), request.build_absolute_uri(),
    ]))

def upload(request):
    return HttpResponse(str(request.FILES["file"].size))

urlpatterns = [path("entries/<int:number>/", entry, name="entry"), path("upload", upload)]
app = get_wsgi_application()
'''

FASTAPI = '''
from fastapi import APIRouter, FastAPI, Request, UploadFile

app = FastAPI()

@app.get("/items/{number}/", name="item")
async def item(number: int, request: Request):
    url = str(request.url_for("item", number=number))
    return {"url": url, "path": request.url.path, "root": request.scope["root_path"]}

@app.post("/upload")
async def upload(file: UploadFile):
    return {"size": len(await file.read())}

inner = FastAPI()

@inner.get("/x", name="x")
async def x(request: Request):
    return {"url": str(request.url_for("x"))}

app.mount("/inner", inner)
'''

STARLETTE = '''
import contextlib
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route, WebSocketRoute

PAGE = """<!doctype html><title>waiting</title><script>
const socket = new WebSocket(location.origin.replace("http", "ws") + "/live/echo");
socket.onopen = () => socket.send("hello");
socket.onmessage = async event => {
    const shop = await (await fetch("/shop/home")).text();
    const blog = await (await fetch("/blog/entries/3")).text();
    const item = (await (await fetch("/api/items/7")).json()).path;
    document.title = [event.data, shop.split(" ")[0], blog.split(" ")[2], item].join(" ");
};
</script>"""

async def page(request):
    return HTMLResponse(PAGE)

async def echo(socket):
    await socket.accept()
    async for text in socket.iter_text():
        await socket.send_text(text + " " + socket.url_for("echo").path + " " + socket.state.greeting)

@contextlib.asynccontextmanager
async def lifespan(app):
    yield {"greeting": "well"}

app = Starlette(routes=[Route("/", page), WebSocketRoute("/echo", echo, name="echo")], lifespan=lifespan)
'''

MODULES = {"shop": FLASK, "blog": DJANGO, "api": FASTAPI, "live": STARLETTE}


def start(folder: Path, *args: str) -> Server:
    server = Server(folder, "", "--threads", "4", *args, target=None, expect_traceback=True)
    for name, source in MODULES.items():
        # Not the names of the packages.
        (folder / f"{name}_.py").write_text(source)
        server.args += ["--mount", f"/{name}={name}_:app"]
    return server.start()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = start(tmp_path_factory.mktemp("mounts"))
    try:
        yield running
        assert running.stop() == 0
        assert "Traceback" not in running.log()
    finally:
        running.kill()


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=PATIENCE) as client:
        yield client


def test_flask(client: httpx.Client, server: Server) -> None:
    answer = client.get("/shop", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (308, f"{server.url}/shop/")
    assert client.get("/shop/").text == f"/shop/things/7/ {server.url}/shop/things/7/"
    answer = client.get("/shop/things/7", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (308, f"{server.url}/shop/things/7/")
    assert [client.get("/shop/things/7/").text for _ in range(2)] == [f"/shop /things/7/ {n}" for n in (1, 2)]
    assert client.get("/shop/home").headers["location"] == "/shop/"


def test_django(client: httpx.Client, server: Server) -> None:
    answer = client.get("/blog/entries/3", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (301, "/blog/entries/3/")
    path = "/blog/entries/3/"
    expected = f"{path} /entries/3/ {path} /blog/static/a.css {server.url}{path}"
    assert client.get(path).text == expected
    assert client.post("/blog/upload", files={"file": b"x" * 3_000_000}).text == "3000000"


def test_fastapi(client: httpx.Client, server: Server) -> None:
    answer = client.get("/api/items/7", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, f"{server.url}/api/items/7/")
    path = "/api/items/7/"
    assert client.get(path).json() == {"url": server.url + path, "path": path, "root": "/api"}
    assert client.get("/api/inner/x").json() == {"url": f"{server.url}/api/inner/x"}
    assert "/api/openapi.json" in client.get("/api/docs").text
    assert client.get("/api/openapi.json").json()["servers"] == [{"url": "/api"}]
    assert client.post("/api/upload", files={"file": b"x" * 3_000_000}).json() == {"size": 3_000_000}


def test_starlette(client: httpx.Client, server: Server) -> None:
    from websockets.sync.client import connect

    answer = client.get("/live", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, f"{server.url}/live/")
    with connect(server.url.replace("http", "ws") + "/live/echo") as first:
        with connect(server.url.replace("http", "ws") + "/live/echo") as second:
            for socket in (first, second):
                socket.send("hello")
                assert socket.recv(PATIENCE) == "hello /live/echo well"
                assert client.get("/shop/").status_code == 200


def test_none_of_them(client: httpx.Client) -> None:
    assert client.get("/").status_code == 404
    assert "No application stands here" in client.get("/shopping").text


@pytest.mark.slow
@pytest.mark.skipif(chromium.PROGRAM is None, reason="there is no Chromium")
@pytest.mark.parametrize("version", ["1.1", "2"])
def test_a_browser(tmp_path: Path, version: str) -> None:
    args: tuple[str, ...] = ()
    if version == "2":
        subprocess.run(
            [need("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
             "30", "-keyout", "a.key", "-out", "a.pem", "-subj", "/CN=localhost"],
            cwd=tmp_path, check=True, capture_output=True, timeout=PATIENCE)
        files = ("--certfile", str(tmp_path / "a.pem"), "--keyfile", str(tmp_path / "a.key"))
        args = ("--http-protocols", "h2,h1", *files)
    server = start(tmp_path / "server", *args)
    try:
        with chromium.Chromium(tmp_path / "profile") as browser:
            browser.call("Security.enable")
            browser.call("Security.setIgnoreCertificateErrors", ignore=True)
            scheme = "https" if version == "2" else "http"
            browser.call("Page.navigate", url=f"{scheme}://localhost:{server.port}/live/")

            expected = "hello /live/echo well /shop/things/7/ /blog/entries/3/ /api/items/7/"
            wait_until(
                lambda: browser.run("document.title") == expected,
                what=lambda: f"{browser.run('document.title')!r}\n{server.log()}",
            )
        assert server.stop() == 0
    finally:
        server.kill()
