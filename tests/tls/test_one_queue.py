"""Kept-alive clients with TLS, whose connections cannot go from one worker to another: they come back as new ones."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import ExitStack

from tests.support.server import Server, children_of
from tests.support.wait import wait_until
from tests.tls.conftest import Client

SLOW = """
import time

def app(environ, start_response):
    time.sleep(0.04)
    start_response("200 OK", [("Content-Length", "0")])
    return []
"""


def test_a_slow_worker_closes_what_it_cannot_leave_to_others(
    tls_server: Callable[..., Server], trusting: Callable[..., ssl.SSLContext]
) -> None:
    server = tls_server("-w", "2", app=SLOW, workers=2)

    def one_is_told_to_come_back() -> bool:
        with ExitStack() as stack:
            clients = [stack.enter_context(Client(server, trusting())) for _ in range(4)]
            return any(client.get().get("connection") == "close" for client in clients)  # type: ignore[attr-defined]

    wait_until(one_is_told_to_come_back)
    assert len(children_of(server.pid)) == 2


def test_a_lone_client_keeps_its_connection(
    tls_server: Callable[..., Server], trusting: Callable[..., ssl.SSLContext]
) -> None:
    server = tls_server("-w", "2", app=SLOW, workers=2)
    with Client(server, trusting()) as client:
        for _ in range(6):
            assert client.get().get("connection") is None  # type: ignore[attr-defined]
