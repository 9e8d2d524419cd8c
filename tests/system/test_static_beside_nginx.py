"""Conditional and range requests for the same files: the answers are those of a real nginx."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.conftest import Serve
from tests.support.proxies import Proxy, need
from tests.support.static import DATE, LARGE, SMALL, make_site
from tests.support.wire import Address, Response, Wire

CONFIGURATION = """
daemon off; {user} pid nginx.pid; error_log nginx.log notice;
events {{ worker_connections 64; }}
http {{
    access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    types {{ text/css css; application/javascript js; }} default_type application/octet-stream; charset utf-8;
    server {{
        listen 127.0.0.1:{port};
        # As RFC 9110 section 13.1.3 has it; by itself nginx compares exactly.
        if_modified_since before;
        location /static/ {{ alias {site}/; }}
    }}
}}
"""
BEFORE, AFTER = "Sun, 06 Nov 1994 08:49:36 GMT", "Sun, 06 Nov 1994 08:49:38 GMT"

#: Fields of a request; `{etag}` is the server's own tag.
REQUESTS: list[tuple[str, ...]] = [
    (),
    ("If-None-Match: {etag}",),
    ("If-None-Match: W/{etag}",),
    ('If-None-Match: "other", {etag}',),
    ('If-None-Match: "other"',),
    ("If-None-Match: *",),
    ('If-None-Match: "other"', f"If-Modified-Since: {DATE}"),
    ("If-None-Match: {etag}", f"If-Modified-Since: {BEFORE}"),
    (f"If-Modified-Since: {DATE}",),
    (f"If-Modified-Since: {BEFORE}",),
    (f"If-Modified-Since: {AFTER}",),
    ("If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT",),
    ("If-Modified-Since: Sun Nov  6 08:49:37 1994",),
    ("If-Modified-Since: yesterday",),
    ("If-Match: {etag}",),
    ("If-Match: *",),
    ('If-Match: "other"',),
    ('If-Match: "other", {etag}',),
    (f"If-Unmodified-Since: {DATE}",),
    (f"If-Unmodified-Since: {BEFORE}",),
    (f"If-Unmodified-Since: {AFTER}",),
    ('If-Match: "other"', "If-None-Match: {etag}"),
    ("If-Match: {etag}", "If-None-Match: {etag}"),
    (f"If-Unmodified-Since: {BEFORE}", f"If-Modified-Since: {DATE}"),
    ("Range: bytes=0-0",),
    ("Range: bytes=0-",),
    ("Range: bytes=10-19",),
    ("Range: bytes=-1",),
    ("Range: bytes=-99999999",),
    ("Range: bytes=10-99999999",),
    ("Range: bytes=99999999-",),
    ("Range: bytes=0-1,5-6,-2",),
    ("Range: bytes=5-6,0-1",),
    ("Range: bytes=0-1,99999999-",),
    ("Range: bytes=0-,0-",),
    ("Range: bytes=-0",),
    ("Range: bytes=5-2",),
    ("Range: bytes=a-b",),
    ("Range: bytes=",),
    ("Range: lines=0-1",),
    ("Range: bytes = 0-1",),
    ("Range: bytes=0-1", "If-Range: {etag}"),
    ("Range: bytes=0-1", 'If-Range: "other"'),
    ("Range: bytes=0-1", f"If-Range: {DATE}"),
    ("Range: bytes=0-1", f"If-Range: {BEFORE}"),
    ("Range: bytes=0-1", f"If-Range: {AFTER}"),
    ("Range: bytes=0-1", "If-None-Match: {etag}"),
    ("Range: bytes=0-1", 'If-Match: "other"'),
    ("Range: bytes=99999999-", 'If-Range: "other"'),
]
#: What nginx does otherwise, and RFC 9110 as we do.
OTHERWISE = {
    ("If-None-Match: {etag}", f"If-Modified-Since: {BEFORE}"): "section 13.1.3: the date is not looked at",
}
COMPARED = ("Content-Range", "Content-Length", "Last-Modified", "Accept-Ranges")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_site(tmp_path_factory.mktemp("static") / "files")


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory, site: Path) -> Iterator[Proxy]:
    binary = need("nginx")
    folder = tmp_path_factory.mktemp("nginx")

    def command(listener: socket.socket) -> Sequence[str]:
        user = "user root;" if os.geteuid() == 0 else ""
        text = CONFIGURATION.format(user=user, site=site, port=listener.getsockname()[1])
        (folder / "nginx.conf").write_text(text)
        return [binary, "-p", str(folder), "-e", "nginx.log", "-c", "nginx.conf"]

    front = Proxy(folder, command, "NGINX")
    yield front
    front.stop()


def answer(address: Address, name: str, fields: Sequence[str]) -> Response:
    with Wire(address) as wire:
        wire.send("\r\n".join([f"GET /static/{name} HTTP/1.1", "Host: a", *fields, "", ""]).encode())
        return wire.read_response()


def parts(response: Response) -> list[tuple[str, bytes]]:
    """Of several ranges: the places and octets."""
    found = re.fullmatch(r"multipart/byteranges; boundary=(\S+)", response.get("Content-Type") or "")
    assert found is not None, response.headers
    _, *pieces, end = response.body.split(f"\r\n--{found[1]}".encode())
    assert end == b"--\r\n"
    split = [piece.partition(b"\r\n\r\n") for piece in pieces]
    places = [re.search(rb"Content-Range: bytes (\S+)", head) for head, _, _ in split]
    return [(place[1].decode(), body) for place, (_, _, body) in zip(places, split, strict=True) if place]


def seen(response: Response) -> tuple[object, ...]:
    """What is to be the same of two answers."""
    if response.status == 206 and response.get("Content-Range") is None:
        return 206, parts(response)
    told = {name: response.get(name) for name in COMPARED}
    if response.status >= 300:
        # Pages say what they like.
        told = {"Content-Range": told["Content-Range"]}
        return response.status, told
    return response.status, told, response.body


@pytest.mark.parametrize(("name", "content"), [("small.css", SMALL), ("large.bin", LARGE)])
def test_the_same_answers(name: str, content: bytes, serve: Serve, nginx: Proxy, site: Path) -> None:
    server = serve("app = None.__class__", "--static", f"/static={site}")
    different = {}
    tags = {address: answer(address, name, ()).get("ETag") or "" for address in (server.address, nginx.address)}
    for fields in REQUESTS:
        got, wanted = (
            seen(answer(address, name, [field.replace("{etag}", tags[address]) for field in fields]))
            for address in (server.address, nginx.address)
        )
        if (got != wanted) != (fields in OTHERWISE):
            different[fields] = (got[:2], wanted[:2])
    assert not different
    assert seen(answer(server.address, name, ()))[2] == content
