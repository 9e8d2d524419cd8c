"""What docs/deploy.md shows of proxies and platforms, tried as it stands there."""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from gunicorn.config import Config
from tests.conftest import Serve
from tests.support.proxies import APACHE, APACHE_MODULES, NGINX_SERVERS, Front, Proxy, find, need
from tests.support.server import REPOSITORY
from tests.support.wire import Response, Wire
from tests.workers.kinds import at_once

PAGE = (REPOSITORY / "docs" / "deploy.md").read_text(encoding="utf-8")
#: What is shown in which language: where it is tried, or why not.
TRIED = {
    "nginx": "here", "haproxy": "here", "apache": "here", "dockerfile": "here", "yaml": "here", "text": "here",
    "console": "tests/test_commands.py",
    "caddyfile": "here",
}
APP = """
import json
def app(environ, start_response):
    told = {name: environ[name] for name in ("wsgi.url_scheme", "REMOTE_ADDR", "HTTP_HOST", "SCRIPT_NAME", "PATH_INFO")}
    body = json.dumps(told).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
"""
#: A client that says of itself what only a proxy may.
FORGED = ("X-Forwarded-Proto: https", "SCRIPT_NAME: /forged", "X-Forwarded-For: 192.0.2.1")


def shown(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_everything_that_is_shown_is_tried_or_has_a_reason() -> None:
    assert set(re.findall(r"^```(\w*)\n(?:.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)) == TRIED.keys()


def ask(wire: Wire, path: str = "/") -> Response:
    fields = "\r\n".join(FORGED)
    wire.send(f"GET {path} HTTP/1.1\r\nHost: app.example\r\n{fields}\r\n\r\n".encode())
    return wire.read_response()


def check(connect: Callable[[], Wire], log: Callable[[], str]) -> None:
    """The application sees the client's host and address, and nothing that the client forged."""
    with connect() as wire:
        answer = ask(wire)
    assert answer.status == 200, (answer, log())
    told = answer.json()
    assert told == {
        "wsgi.url_scheme": "http", "REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "app.example", "SCRIPT_NAME": "",
        "PATH_INFO": "/",
    }, log()


def test_proxies_as_they_are_shown(serve: Serve, tmp_path: Path) -> None:
    server = serve(
        APP, "--health-path", "/health", "--forwarded-for", "x-forwarded-for", "--forwarded-hops", "1")
    upstream = f"127.0.0.1:{server.port}"

    def haproxy() -> None:
        folder = tmp_path / "haproxy"
        folder.mkdir()

        def command(listener: socket.socket) -> Sequence[str]:
            text = shown("haproxy")[0].replace("bind :80", f"bind fd@{listener.fileno()}")
            text = text.replace("127.0.0.1:8000", upstream)
            limits = "".join(f"    timeout {name} 60s\n" for name in ("connect", "client", "server"))
            head = f"global\n    log stdout format raw local0 info\ndefaults\n{limits}"
            (folder / "haproxy.cfg").write_text(head + text)
            return [need("haproxy"), "-W", "-f", "haproxy.cfg"]

        front = Proxy(folder, command)
        try:
            check(front.connect, front.log)
        finally:
            front.stop()

    def nginx() -> None:
        folder = tmp_path / "nginx"
        folder.mkdir()
        parts = "\n".join(shown("nginx")).replace("unix:/run/app/app.sock", upstream)
        upstreams = "\n".join(re.findall(r"^upstream .*?^}$", parts, re.MULTILINE | re.DOTALL))
        locations = "\n".join(re.findall(r"^location .*?^}$", parts, re.MULTILINE | re.DOTALL))

        def command(listener: socket.socket) -> Sequence[str]:
            blocks = f"{upstreams}\nserver {{ listen 127.0.0.1:{listener.getsockname()[1]};\n{locations}\n}}"
            user = "user root;" if os.geteuid() == 0 else ""
            (folder / "nginx.conf").write_text(NGINX_SERVERS.format(user=user, blocks=blocks))
            return [need("nginx"), "-p", str(folder), "-e", "nginx.log", "-c", "nginx.conf"]

        front = Proxy(folder, command, "NGINX")
        try:
            check(front.connect, front.log)
            with front.connect() as wire:
                told = ask(wire, "/shop/cart").json()
            assert (told["SCRIPT_NAME"], told["PATH_INFO"]) == ("/shop", "/cart")
        finally:
            front.stop()

    def apache() -> None:
        folder = tmp_path / "apache"
        folder.mkdir()
        names = ("mpm_event", "authz_core", "proxy", "proxy_http", "headers")
        modules = [f"LoadModule {name}_module {need(f'{APACHE_MODULES}/mod_{name}.so')}" for name in names]
        # It takes no socket from others.
        with socket.create_server(("127.0.0.1", 0)) as free:
            address: tuple[str, int] = free.getsockname()
        (folder / "httpd.conf").write_text(APACHE.format(
            folder=folder, port=address[1], modules="\n".join(modules),
            blocks=shown("apache")[0].replace("127.0.0.1:8000", upstream)))
        arguments = [need("apache2"), "-f", str(folder / "httpd.conf"), "-D", "FOREGROUND"]
        front = Front(folder, arguments, address, "resuming normal operations")
        try:
            check(front.connect, front.log)
        finally:
            front.stop()

    plays = {"haproxy": haproxy, "nginx": nginx, "apache": apache}
    at_once(plays, lambda name: plays[name]())


def test_caddy_as_it_is_shown(serve: Serve, tmp_path: Path) -> None:
    program = find("caddy")
    if program is None:
        pytest.skip("caddy is not installed")
    server = serve(APP, "--forwarded-for", "x-forwarded-for", "--forwarded-hops", "1")
    with socket.create_server(("127.0.0.1", 0)) as free:
        address: tuple[str, int] = free.getsockname()
    (block,) = shown("caddyfile")
    # A name alone would have it ask for a certificate.
    block = block.replace("app.example {", f"http://app.example:{address[1]} {{")
    block = block.replace("127.0.0.1:8000", f"127.0.0.1:{server.port}")
    (tmp_path / "Caddyfile").write_text(f"{{\n    admin off\n}}\n{block}")
    env = {**os.environ, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    front = Front(tmp_path, [program, "run", "--config", "Caddyfile"], address, "serving initial configuration", env)
    try:
        check(front.connect, front.log)
    finally:
        front.stop()


def command_lines() -> list[list[str]]:
    """What is started in a container, a pod and on a platform."""
    (dockerfile,) = shown("dockerfile")
    (manifest,) = shown("yaml")
    (procfile,) = shown("text")
    (words,) = re.findall(r"args: \[(.*?)\]", manifest, re.DOTALL)
    return [
        json.loads(re.findall(r"^CMD (.+)$", dockerfile, re.MULTILINE)[0]),
        [word.strip().strip('"') for word in words.split(",")],
        shlex.split(procfile.partition("web: ")[2]),
    ]


@pytest.mark.parametrize("words", command_lines(), ids=lambda words: " ".join(words)[:40])
def test_what_platforms_start_is_a_command_line(words: list[str]) -> None:
    assert words[0] == "gunicorn"
    cfg = Config(prog="gunicorn")
    chosen = vars(cfg.parser().parse_args(words[1:]))
    assert chosen.pop("args") == ["app:app"]
    for name, value in chosen.items():
        if value is not None:
            cfg.set(name, value)


def test_probes_ask_where_there_is_an_answer() -> None:
    (manifest,) = shown("yaml")
    ports = set(re.findall(r"containerPort: (\d+)", manifest))
    asked = re.findall(r"path: (\S+), port: (\d+)", manifest)
    table = (REPOSITORY / "docs" / "observability.md").read_text(encoding="utf-8")
    assert len(asked) == 3
    for path, port in asked:
        assert port in ports
        assert f"| `{path}`, " in table
