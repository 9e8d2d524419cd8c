"""5,000 connections that trickle heads, bodies and handshakes, beside normal traffic: nobody is lost.

How fast the normal requests are meanwhile is printed (``-s``), not judged: that depends on the machine.
"""

from __future__ import annotations

import os

import pytest

from tests.conftest import Serve
from tests.support.wait import wait_until
from tests.system.tricklers import ADDRESS, COUNT, KINDS, Crowd, arguments, normal_traffic, raise_limit
from tests.tls.conftest import Authority, pki, ports

__all__ = ["pki"]

pytestmark = [pytest.mark.slow, pytest.mark.alone]

SECONDS = 2.0


@pytest.mark.parametrize("kind", KINDS)
def test_normal_requests_beside_tricklers(kind: str, serve: Serve, pki: Authority) -> None:
    if kind in ("gevent", "eventlet", "tornado"):
        pytest.importorskip(kind)
    if not raise_limit():
        pytest.skip("too few descriptors are allowed")
    app, flags = KINDS[kind]
    server = serve(app, *arguments(pki.folder), "--graceful-timeout", "1", *flags, bind=f"http://{ADDRESS}:0")
    (worker,) = server.worker_pids()
    (_, port), (_, tls_port) = ports(server, 2)
    quiet = normal_traffic(port, SECONDS)
    crowd = Crowd(port, tls_port)
    try:
        assert crowd.opened == COUNT
        wait_until(lambda: len(os.listdir(f"/proc/{worker}/fd")) >= COUNT, what="the worker to accept them all")
        loaded = normal_traffic(port, SECONDS)
        end = crowd.end()
    finally:
        crowd.kill()
    print(f"\n{kind}: p99 {quiet['p99_ms']} ms quiet, {loaded['p99_ms']} ms with {crowd.opened} tricklers; {end}")
    assert quiet["lost"] == loaded["lost"] == {}
    assert loaded["answered"] > 100
    assert end["closed"] == 0
    assert end["sent"] > COUNT / 10
    assert server.worker_pids() == [worker]
