"""The examples of the repository do what their own comments say."""

from __future__ import annotations

import hashlib
import re
import subprocess
from pathlib import Path

import pytest
import requests

from tests.conftest import Serve
from tests.support.proxies import need
from tests.support.server import REPOSITORY
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


def test_hooks(serve: Serve) -> None:
    config = (EXAMPLES / "hooks.conf.py").read_text()
    server = serve((EXAMPLES / "hello.py").read_text(), workers=2, config=config)
    assert requests.get(server.url, timeout=PATIENCE).status_code == 200
    server.wait_for_log("ready for requests")
    server.wait_for_log("says hello", count=2)
    server.stop()
    server.wait_for_log("is leaving after 1 requests")


def test_nginx_file_is_valid(tmp_path: Path) -> None:
    nginx = need("nginx")
    subprocess.run(
        [need("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-batch", "-keyout", "key.pem", "-out", "cert.pem", "-days", "1"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    text = (EXAMPLES / "nginx.conf").read_text()
    for old, new in (
        ("include mime.types;", ""),
        ("/etc/ssl/example.com.pem", str(tmp_path / "cert.pem")),
        ("/etc/ssl/example.com.key", str(tmp_path / "key.pem")),
        ("worker_processes auto;", f"worker_processes auto; pid {tmp_path}/nginx.pid;"),
    ):
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "nginx.conf").write_text(text)
    done = subprocess.run(
        [nginx, "-t", "-p", str(tmp_path), "-e", "stderr", "-c", "nginx.conf"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_socket_of_systemd_outlives_its_service() -> None:
    """systemd takes away the RuntimeDirectory of a service that stops, with all that is in it."""
    socket = (EXAMPLES / "systemd" / "app.socket").read_text()
    service = (EXAMPLES / "systemd" / "app.service").read_text()
    (path,) = re.findall(r"^ListenStream=(/run/.+)$", socket, re.MULTILINE)
    for folder in re.findall(r"^RuntimeDirectory=(.+)$", service, re.MULTILINE):
        assert not path.startswith(f"/run/{folder}/")


@pytest.mark.parametrize("page", sorted(path.name for path in (REPOSITORY / "docs").glob("*.md")))
def test_links_of_the_documentation(page: str) -> None:
    path = REPOSITORY / "docs" / page
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text()):
        assert (path.parent / target).exists(), f"{page} links to {target}"
