"""TLS for workers that accept for themselves, and no way around it."""

from __future__ import annotations

import ssl
from collections.abc import Callable

import pytest

from tests.conftest import Serve
from tests.support.server import Server
from tests.tls.conftest import Authority, Client
from tests.workers.test_own_loops import CLASSES


@pytest.mark.parametrize("name", ["threads", "sync-handle", "gthread-handle", "gevent-handle", "eventlet-handle"])
def test_requests(
    name: str, tls_server: Callable[..., Server], trusting: Callable[..., ssl.SSLContext]
) -> None:
    server = tls_server(config=CLASSES[name] + "worker_class = Mine\n", expect_traceback=True)
    (server.folder / "big.bin").write_bytes(b"0123456789" * 50000)
    for path, size in ("/", 13), ("/big", 16777216), ("/file", 500000):
        with Client(server, trusting()) as client:
            assert len(client.get(path).body) == size  # type: ignore[attr-defined]
    with server.connect() as wire:
        wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"200 OK" not in wire.read_until_eof()
    with Client(server, trusting()) as client:
        assert client.get().status == 200  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["threads", "sync-handle", "gthread-handle", "gevent-handle"])
def test_a_bind_that_such_a_loop_cannot_serve(name: str, make_server: Serve, pki: Authority) -> None:
    """What was meant for TLS is not served in the clear."""
    bind = f"https://127.0.0.1:0?certfile={pki.folder}/server.pem&keyfile={pki.folder}/server.key"
    server = make_server(bind=bind, config=CLASSES[name] + "worker_class = Mine\n")
    server.spawn()
    assert server.wait() == 1
    assert "serves all addresses in the same way" in server.log()
