"""What a request costs in system calls on its connection: as a table, for each way to wait."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from gunicorn._build import build_kind
from tests.conftest import Serve
from tests.support import faults
from tests.support.server import HELLO, halt
from tests.support.wait import wait_until
from tests.support.wire import Wire
from tests.workers.kinds import KINDS, QUICK

ASKED = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
LAST = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

#: What is asked on one connection, each when the one before is answered; and the calls from `accept` to `close`.
#: One receive and one send a request, and nothing else where it closes: neither a place in the poller's set, nor a
#: shutdown before the close, nor an option of the socket. Whoever has not asked yet is received from once more.
TALKS: list[tuple[str, list[bytes], dict[str, int]]] = [
    ("one that closes", [LAST], {"accept": 1, "recv": 1, "send": 1, "close": 1}),
    ("two in one piece", [ASKED + LAST], {"accept": 1, "recv": 1, "send": 2, "close": 1}),
    ("kept, then closed", [ASKED, LAST], {"accept": 1, "recv": 2, "send": 2, "epoll_add": 1, "close": 1}),
    ("kept for four", [ASKED] * 3 + [LAST], {"accept": 1, "recv": 4, "send": 4, "epoll_add": 1, "close": 1}),
]


@pytest.mark.parametrize("kind", QUICK)
def test_calls_of_a_connection(serve: Serve, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "counts"
    server = serve(HELLO, *KINDS[kind], env={"LD_PRELOAD": faults.library(), faults.COUNTS_PATH: str(path)})
    worker = server.worker_pids()[0]
    seen = {}
    for number, (name, requests, _) in enumerate(TALKS, 1):
        # The first request is there when its connection is accepted.
        halt(worker)
        with Wire(server.address, source=faults.COUNTED) as wire:
            for request in requests:
                wire.send(request)
                os.kill(worker, signal.SIGCONT)
                for _ in range(request.count(ASKED[:4])):
                    assert wire.read_response().status == 200
        wait_until(lambda number=number: len(faults.counts(path)) == number)
        seen[name] = faults.counts(path)[-1]
        if build_kind() != "compiled":
            # Slow as it is, it meets the client's own end now and then, and closes in two steps.
            seen[name].pop("shutdown", None)
    print(seen)
    assert seen == {name: calls for name, _, calls in TALKS}


def test_who_can_accept_nobody_says_so(serve: Serve) -> None:
    server = serve("""
import resource

def app(environ, start_response):
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    start_response("200 OK", [("Content-Length", "0")])
    return []
""")
    assert server.get().status == 200
    with server.connect():
        server.wait_for_log(r"\[WARNING\] No new connections for now: .* 3 descriptors allowed")
