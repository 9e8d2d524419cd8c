"""The examples of the repository do what their own comments say."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
import requests

from gunicorn.config import make_settings
from tests.conftest import Serve
from tests.support.proxies import Proxy, need
from tests.support.server import HELLO, REPOSITORY
from tests.support.wait import PATIENCE

EXAMPLES = REPOSITORY / "examples"


def test_hello(serve: Serve) -> None:
    server = serve((EXAMPLES / "hello.py").read_text())
    assert requests.get(server.url, timeout=PATIENCE).text == "Hello, World!\n"


def test_streaming(serve: Serve) -> None:
    source = (EXAMPLES / "streaming.py").read_text()
    url = serve(source).url
    assert requests.get(f"{url}/file", timeout=PATIENCE).text == source
    digest = hashlib.sha256(b"data").hexdigest()
    assert requests.post(f"{url}/upload", data=b"data", timeout=PATIENCE).text == digest + "\n"
    with requests.get(f"{url}/stream", stream=True, timeout=PATIENCE) as answer:
        assert next(answer.iter_lines()) == b"part 0"
    assert requests.get(f"{url}/nothing", timeout=PATIENCE).status_code == 404


def test_django(serve: Serve) -> None:
    url = serve((EXAMPLES / "django" / "mysite.py").read_text()).url
    assert requests.get(f"{url}/", timeout=PATIENCE).text == f"Hello from {url}/\n"
    assert requests.post(f"{url}/upload", files={"f": b"12345"}, timeout=PATIENCE).json() == {"f": 5}
    assert len(requests.get(f"{url}/stream", timeout=PATIENCE).text.splitlines()) == 100


def test_files_that_django_has_collected(tmp_path: Path, serve: Serve) -> None:
    folder = tmp_path / "django"
    shutil.copytree(EXAMPLES / "django", folder, ignore=shutil.ignore_patterns("staticfiles", "__pycache__"))
    collect = [sys.executable, "collected.py", "collectstatic", "--noinput"]
    subprocess.run(collect, cwd=folder, check=True, capture_output=True, timeout=PATIENCE)
    server = serve(HELLO, "--chdir", str(folder), "--static", "/static=staticfiles", target="collected:app")
    page = requests.get(server.url, timeout=PATIENCE).text
    (path,) = re.findall(r'href="(/static/site\.[0-9a-f]{12}\.css)"', page)
    answer = requests.get(server.url + path, timeout=PATIENCE)
    assert "rebeccapurple" in answer.text
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert requests.get(f"{server.url}/static/nothing.css", timeout=PATIENCE).status_code == 404


def test_a_single_page_application(serve: Serve) -> None:
    folder = EXAMPLES / "spa"
    words = re.findall(r"^gunicorn api:app (.+)$", (folder / "api.py").read_text(), re.MULTILINE)[0].split()
    url = serve(HELLO, "--chdir", str(folder), *words, target="api:app").url
    page = (folder / "dist" / "index.html").read_text()
    for path in ("/", "/users/1"):
        answer = requests.get(url + path, timeout=PATIENCE)
        assert (answer.text, answer.headers["Content-Type"]) == (page, "text/html; charset=utf-8")
    assert requests.get(f"{url}/assets/app.js", timeout=PATIENCE).headers["Content-Type"].startswith("text/javascript")
    assert requests.get(f"{url}/assets/old.js", timeout=PATIENCE).status_code == 404
    assert requests.get(f"{url}/api/users/1", timeout=PATIENCE).json() == {"path": "/api/users/1"}


def test_chat(serve: Serve) -> None:
    from websockets.sync.client import connect

    server = serve((EXAMPLES / "asgi" / "chat.py").read_text())
    server.wait_for_log("The application is an ASGI one. Using worker: asgi")
    server.wait_for_log("the room is open")
    assert "new WebSocket" in requests.get(server.url, timeout=PATIENCE).text
    url = server.url.replace("http", "ws", 1) + "/room"
    with connect(url) as first, connect(url) as second:
        second.send("hello")
        assert (first.recv(PATIENCE), second.recv(PATIENCE)) == ("hello", "hello")


def test_mounts(make_server: Serve) -> None:
    from websockets.sync.client import connect

    folder = EXAMPLES / "mounts"
    server = make_server("", config=(folder / "gunicorn.conf.py").read_text(), target=None)
    for name in ("shop.py", "api.py"):
        (server.folder / name).write_text((folder / name).read_text())
    server.start()
    assert "/api/live" in requests.get(server.url, timeout=PATIENCE).text
    answer = requests.post(f"{server.url}/buy", allow_redirects=False, timeout=PATIENCE)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    stock = {"stock": 7, "url": f"{server.url}/api/stock"}
    assert requests.get(f"{server.url}/api/stock", timeout=PATIENCE).json() == stock
    host = {"Host": f"api.localhost:{server.port}"}
    stock["url"] = f"http://{host['Host']}/stock"
    assert requests.get(f"{server.url}/stock", headers=host, timeout=PATIENCE).json() == stock
    with connect(server.url.replace("http", "ws", 1) + "/api/live") as socket:
        assert socket.recv(PATIENCE) == "7"
    assert server.stop() == 0
    assert (server.log().count("the API is open"), server.log().count("the API is closed")) == (1, 1)


def test_tasks(make_server: Serve) -> None:
    folder = EXAMPLES / "tasks"
    server = make_server("", config=(folder / "gunicorn.conf.py").read_text(), target=None)
    for name in ("web.py", "api.py", "model.py"):
        (server.folder / name).write_text((folder / name).read_text())
    server.start()
    page = requests.get(server.url, timeout=PATIENCE).text
    assert 'new EventSource("evaluate")' in page
    for place in ("", "/api"):
        asked = {"text": "Wo ist bitte der Bahnhof?"}
        answer = requests.get(f"{server.url}{place}/classify", asked, timeout=PATIENCE).json()
        assert answer["language"] == "German"
        assert answer["certainty"] > 0.9
        with requests.get(f"{server.url}{place}/evaluate", stream=True, timeout=PATIENCE) as events:
            assert events.headers["Content-Type"].startswith("text/event-stream")
            lines = [line.decode() for line in events.iter_lines() if line]
        progress = [json.loads(line.removeprefix("data: ")) for line in lines]
        assert [each["done"] for each in progress] == list(range(1, 33))
        assert progress[-1]["right"] >= 24
        # A browser that goes away in the middle costs nothing.
        with requests.get(f"{server.url}{place}/evaluate", stream=True, timeout=PATIENCE) as events:
            next(events.iter_lines())
    assert requests.get(f"{server.url}/counts", timeout=PATIENCE).json() == {"German": 2}
    assert server.stop() == 0
    server.check_log()


def test_hooks(serve: Serve) -> None:
    config = (EXAMPLES / "hooks.conf.py").read_text()
    server = serve((EXAMPLES / "hello.py").read_text(), workers=2, config=config)
    assert requests.get(server.url, timeout=PATIENCE).status_code == 200
    server.wait_for_log("ready for requests")
    server.wait_for_log("says hello", count=2)
    server.stop()
    server.wait_for_log("is leaving after 1 requests")


def test_nginx_file_serves_pages_and_websockets(tmp_path: Path, serve: Serve) -> None:
    from websockets.sync.client import connect

    nginx = need("nginx")
    server = serve((EXAMPLES / "asgi" / "chat.py").read_text())
    folder = tmp_path / "nginx"
    folder.mkdir()
    subprocess.run(
        [need("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-batch", "-keyout", "key.pem", "-out", "cert.pem", "-days", "1"],
        cwd=folder, check=True, capture_output=True,
    )

    def command(listener: socket.socket) -> list[str]:
        text = (EXAMPLES / "nginx.conf").read_text()
        for old, new in (
            ("user www-data;", ""),
            ("include mime.types;", "access_log off;"),
            ("/etc/ssl/example.com.pem", "cert.pem"),
            ("/etc/ssl/example.com.key", "key.pem"),
            ("worker_processes auto;", "daemon off; pid nginx.pid; error_log nginx.log notice;"),
            ("listen 80 default_server;", f"listen unix:{folder}/other.sock default_server;"),
            ("listen 80;", f"listen unix:{folder}/plain.sock;"),
            ("listen 443 ssl;", f"listen 127.0.0.1:{listener.getsockname()[1]} ssl;"),
            ("unix:/run/app/app.sock", f"127.0.0.1:{server.port}"),
        ):
            assert old in text
            text = text.replace(old, new)
        (folder / "nginx.conf").write_text(text)
        return [nginx, "-p", str(folder), "-e", "nginx.log", "-c", "nginx.conf"]

    front = Proxy(folder, command, "NGINX")
    try:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        host = "{}:{}".format(*front.address)
        for _ in range(3):
            page = urllib.request.urlopen(f"https://{host}/", context=context, timeout=PATIENCE).read()
            assert b"new WebSocket" in page
        with connect(f"wss://{host}/room", ssl=context) as first, connect(f"wss://{host}/room", ssl=context) as second:
            second.send("hello")
            assert (first.recv(PATIENCE), second.recv(PATIENCE)) == ("hello", "hello")
    finally:
        front.stop()


def test_nginx_file_of_uwsgi(tmp_path: Path, serve: Serve) -> None:
    nginx = need("nginx")
    server = serve("""
        def app(environ, start_response):
            start_response("200 OK", [])
            return [" ".join([environ["SCRIPT_NAME"], environ["PATH_INFO"], environ["REMOTE_PORT"]]).encode()]
    """, bind=f"uwsgi://unix:{tmp_path}/app.sock")
    folder = tmp_path / "nginx"
    folder.mkdir()

    def command(listener: socket.socket) -> list[str]:
        text = (EXAMPLES / "nginx-uwsgi.conf").read_text()
        for old, new in (
            ("user www-data;", "user root;" if os.geteuid() == 0 else ""),
            ("include mime.types;", "access_log off;"),
            ("worker_processes auto;", "daemon off; pid nginx.pid; error_log nginx.log notice;"),
            ("listen 80;", f"listen 127.0.0.1:{listener.getsockname()[1]};"),
            ("/run/app/app.sock", server.address),
        ):
            assert old in text
            text = text.replace(old, str(new))
        (folder / "nginx.conf").write_text(text)
        return [nginx, "-p", str(folder), "-e", "nginx.log", "-c", "nginx.conf"]

    front = Proxy(folder, command, "NGINX")
    try:
        with front.connect() as wire:
            port = wire.socket.getsockname()[1]
            for path, seen in (("/a", " /a"), ("/shop/b", "/shop /b"), ("/shop/", "/shop /")):
                wire.send(f"GET {path} HTTP/1.1\r\nHost: example.com\r\n\r\n".encode())
                assert wire.read_response().body.decode() == f"{seen} {port}"
    finally:
        front.stop()


def test_the_socket_of_systemd_outlives_its_service() -> None:
    """systemd takes away the RuntimeDirectory of a service that stops, with all that is in it."""
    unit = (EXAMPLES / "systemd" / "app.socket").read_text()
    service = (EXAMPLES / "systemd" / "app.service").read_text()
    (path,) = re.findall(r"^ListenStream=(/run/.+)$", unit, re.MULTILINE)
    for folder in re.findall(r"^RuntimeDirectory=(.+)$", service, re.MULTILINE):
        assert not path.startswith(f"/run/{folder}/")


@pytest.mark.parametrize("name", ["app.socket", "app.service"])
def test_units_are_what_systemd_takes(name: str, tmp_path: Path) -> None:
    """With a program that is there: whether it can be executed is looked at as well."""
    verify = need("systemd-analyze", "systemd")
    for unit in (EXAMPLES / "systemd").glob("app.*"):
        text = unit.read_text().replace("/srv/app/.venv/bin/gunicorn", sys.executable)
        text = text.replace("/srv/app/.venv/bin/python", sys.executable)
        (tmp_path / unit.name).write_text(text)
    done = subprocess.run([verify, "verify", "--man=no", str(tmp_path / name)], capture_output=True, text=True)
    assert (done.returncode, [line for line in done.stderr.splitlines() if "app." in line]) == (0, [])


def test_the_service_has_the_time_that_a_stop_takes() -> None:
    service = (EXAMPLES / "systemd" / "app.service").read_text()
    (limit,) = re.findall(r"^TimeoutStopSec=(\d+)$", service, re.MULTILINE)
    assert int(limit) > make_settings()["graceful_timeout"].get()


@pytest.mark.parametrize("page", sorted(path.name for path in (REPOSITORY / "docs").glob("*.md")))
def test_links_of_the_documentation(page: str) -> None:
    path = REPOSITORY / "docs" / page
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text()):
        assert (path.parent / target).exists(), f"{page} links to {target}"
