"""Behind real proxies: nginx and HAProxy in front of a real server."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Serve
from tests.support.control import ask
from tests.support.proxies import Proxy, start_haproxy, start_nginx, start_nginx_stream
from tests.support.server import Server
from tests.support.wait import wait_until
from tests.support.wire import Response

ECHO = """
import json

def app(environ, start_response):
    body = environ["wsgi.input"].read()
    seen = {key: value for key, value in environ.items() if isinstance(value, str)}
    data = json.dumps({"environ": seen, "length": len(body)}).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(data)))])
    return [data]
"""
WAITS = """
import os, time

def app(environ, start_response):
    while environ["PATH_INFO"] == "/wait" and not os.path.exists("go"):
        time.sleep(0.01)
    start_response("200 OK", [("Content-Length", "0")])
    return []
"""
BIG = """
BLOCK = b"0123456789abcdef" * 4096

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    return (BLOCK for _ in range(64))
"""
BIG_SIZE = 64 * 65536

Start = Callable[..., Proxy]


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Start]:
    """Starts proxies by one of the functions of `tests.support.proxies` and stops them."""
    started: list[Proxy] = []
    numbers = itertools.count()

    def start(kind: Callable[..., Proxy], *args: str, **options: str) -> Proxy:
        started.append(kind(tmp_path / f"proxy{next(numbers)}", *args, **options))
        return started[-1]

    yield start
    for each in started:
        each.stop()


def upstream_of(server: Server) -> str:
    return f"127.0.0.1:{server.port}"


def fetch(proxy: Proxy, *fields: str, count: int = 1) -> list[Response]:
    """Requests one after the other on one client connection."""
    with proxy.connect() as wire:
        data = "\r\n".join(["GET /path?query HTTP/1.1", "Host: site.example", *fields, "", ""]).encode()
        answers = []
        for _ in range(count):
            wire.send(data)
            answers.append(wire.read_response())
        return answers


def environ_of(answer: Response) -> dict[str, Any]:
    assert answer.status == 200, answer
    environ: dict[str, Any] = answer.json()["environ"]
    return environ


def test_nginx_keeps_the_upstream_connection(serve: Serve, proxy: Start) -> None:
    nginx = proxy(start_nginx, upstream_of(serve(ECHO)))
    answers = fetch(nginx, count=20)
    assert {answer.status for answer in answers} == {200}
    ports = {environ_of(answer)["REMOTE_PORT"] for answer in answers}
    assert len(ports) == 1, "nginx had to connect anew"
    assert environ_of(answers[0])["HTTP_HOST"] == "site.example"
    assert environ_of(answers[0])["QUERY_STRING"] == "query"


def test_haproxy_keeps_the_upstream_connection(serve: Serve, proxy: Start) -> None:
    haproxy = proxy(start_haproxy, upstream_of(serve(ECHO)), directives="http-reuse always")
    answers = fetch(haproxy, count=20)
    assert len({environ_of(answer)["REMOTE_PORT"] for answer in answers}) == 1


@pytest.mark.parametrize("kind", ["nginx", "haproxy"])
def test_unix_socket(kind: str, serve: Serve, proxy: Start, tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    serve(ECHO, bind=f"unix:{path}")
    if kind == "nginx":
        front = proxy(start_nginx, f"unix:{path}", "proxy_set_header X-Forwarded-Proto https;")
    else:
        front = proxy(
            start_haproxy, f"unix@{path}", directives="http-request set-header X-Forwarded-Proto https"
        )
    for answer in fetch(front, count=3):
        environ = environ_of(answer)
        assert environ["PATH_INFO"] == "/path"
        # Whoever can open the socket file is on this machine: it is trusted as a proxy.
        assert environ["wsgi.url_scheme"] == "https"


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_proxy_protocol_from_haproxy(version: str, serve: Serve, proxy: Start) -> None:
    server = serve(ECHO, "--proxy-protocol", version)
    options = {"v1": "send-proxy", "v2": "send-proxy-v2"}[version]
    haproxy = proxy(start_haproxy, upstream_of(server), options, mode="tcp")
    with haproxy.connect() as wire:
        host, port = wire.socket.getsockname()
        for _ in range(3):
            wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            environ = environ_of(wire.read_response())
            assert (environ["REMOTE_ADDR"], environ["REMOTE_PORT"]) == (host, str(port))


def test_proxy_protocol_from_nginx(serve: Serve, proxy: Start) -> None:
    nginx = proxy(start_nginx_stream, upstream_of(serve(ECHO, "--proxy-protocol", "v1")))
    with nginx.connect() as wire:
        host, port = wire.socket.getsockname()
        for _ in range(3):
            wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            environ = environ_of(wire.read_response())
            assert (environ["REMOTE_ADDR"], environ["REMOTE_PORT"]) == (host, str(port))


@pytest.mark.parametrize("options", ["send-proxy-v2-ssl-cn", "send-proxy-v2 proxy-v2-options unique-id"])
def test_proxy_protocol_v2_with_extensions(options: str, serve: Serve, proxy: Start) -> None:
    server = serve(ECHO, "--proxy-protocol", "auto")
    haproxy = proxy(start_haproxy, upstream_of(server), options, mode="tcp")
    with haproxy.connect() as wire:
        wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        environ = environ_of(wire.read_response())
        assert environ["REMOTE_PORT"] == str(wire.socket.getsockname()[1])


@pytest.mark.parametrize("kind", ["nginx", "haproxy"])
@pytest.mark.parametrize(("proto", "scheme"), [("https", "https"), ("http", "http")])
def test_forwarded_proto(kind: str, proto: str, scheme: str, serve: Serve, proxy: Start) -> None:
    upstream = upstream_of(serve(ECHO))
    if kind == "nginx":
        front = proxy(start_nginx, upstream, f"proxy_set_header X-Forwarded-Proto {proto};")
    else:
        directive = f"http-request set-header X-Forwarded-Proto {proto}"
        front = proxy(start_haproxy, upstream, directives=directive)
    environ = environ_of(fetch(front)[0])
    assert environ["wsgi.url_scheme"] == scheme
    assert environ["HTTP_X_FORWARDED_PROTO"] == proto


def test_forwarded_proto_from_a_stranger(serve: Serve, proxy: Start) -> None:
    server = serve(ECHO, "--forwarded-allow-ips", "192.0.2.1")
    nginx = proxy(start_nginx, upstream_of(server), "proxy_set_header X-Forwarded-Proto https;")
    assert environ_of(fetch(nginx)[0])["wsgi.url_scheme"] == "http"


@pytest.mark.parametrize("buffering", ["on", "off"])
def test_upload_through_nginx(buffering: str, serve: Serve, proxy: Start) -> None:
    """Unbuffered, nginx sends a chunked body on chunked: both framings of ours are met."""
    nginx = proxy(start_nginx, upstream_of(serve(ECHO)), f"proxy_request_buffering {buffering};")
    size = 3 << 20
    with nginx.connect() as wire:
        wire.send(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n".encode() + b"x" * size)
        assert wire.read_response().json()["length"] == size
        wire.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(16):
            wire.send(b"10000\r\n" + b"y" * 65536 + b"\r\n")
        wire.send(b"0\r\n\r\n")
        assert wire.read_response().json()["length"] == 16 * 65536


@pytest.mark.parametrize("start", [start_nginx, start_haproxy])
def test_download(start: Callable[..., Proxy], serve: Serve, proxy: Start) -> None:
    front = proxy(start, upstream_of(serve(BIG)))
    for answer in fetch(front, count=2):
        assert len(answer.body) == BIG_SIZE


def test_head_through_nginx(serve: Serve, proxy: Start) -> None:
    nginx = proxy(start_nginx, upstream_of(serve(ECHO)))
    with nginx.connect() as wire:
        for _ in range(3):
            wire.send(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert wire.read_response("HEAD").status == 200


def test_worker_replaced_behind_nginx(serve: Serve, proxy: Start) -> None:
    """Upstream connections end with their worker; nginx must never see one break under a request."""
    server = serve(ECHO, "--workers", "2", "--max-requests", "10", workers=2)
    nginx = proxy(start_nginx, upstream_of(server))
    assert {answer.status for answer in fetch(nginx, count=100)} == {200}
    assert "upstream prematurely closed" not in nginx.log()


def test_haproxy_weighs_and_drains_by_the_agent_check(serve: Serve, proxy: Start) -> None:
    server = serve(WAITS, "--threads", "2", "--agent-bind", "127.0.0.1:0")
    port = server.wait_for_log(r"Agent check at: 127\.0\.0\.1:(\d+)")[1]
    control = server.folder / "gunicorn.ctl"
    haproxy = proxy(
        start_haproxy, upstream_of(server),
        options=f"weight 100 agent-check agent-addr 127.0.0.1 agent-port {port} agent-inter 50ms",
        directives="http-after-response set-header Weight %[srv_weight(application/one)]",
    )

    def weight() -> int:
        (answer,) = fetch(haproxy)
        return int(answer.get("Weight") or 0) if answer.status == 200 else -answer.status

    wait_until(lambda: weight() == 100)
    with server.connect() as wire:
        wire.send(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
        # One of two places, and now and then the other one.
        wait_until(lambda: 20 <= weight() <= 60, what="half of its weight")
        (server.folder / "go").touch()
        assert wire.read_response().status == 200
    ask(control, "drain on")
    wait_until(lambda: weight() == -503, what="nobody is sent there")
    assert server.get().status == 200
    ask(control, "drain off")
    wait_until(lambda: weight() > 60, what="everybody is, again")
