"""What scripts read: access lines, metrics and log lines of a common list of requests and events.

The values are those of the release before this one, seen side by side; where a comment says so, ours differ on purpose
(docs/compatibility.md).
"""

from __future__ import annotations

import os
import re
import signal
import socket
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.conftest import Serve
from tests.support.server import Server
from tests.support.wait import PATIENCE, wait_until
from tests.workers.kinds import KINDS, Servers, one_of_each

APP = '''
def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/raise":
        raise RuntimeError("on purpose")
    if path == "/badstatus":
        start_response("OK", [])
    if path == "/env":
        environ["my.var"] = 'v"1'
    status = {"/204": "204 No Content", "/304": "304 Not Modified"}.get(path, "200 OK")
    headers = [("X-Out", "first"), ("X-Out", 'q"')]
    if path == "/zero":
        headers.append(("Content-Length", "0"))
    if path in ("/over", "/short"):
        headers.append(("Content-Length", "2" if path == "/over" else "9"))
    environ["wsgi.input"].read()
    start_response(status, headers)
    if path in ("/204", "/304", "/empty", "/zero"):
        return []
    if path == "/gen":
        return (piece for piece in (b"ab", b"cd"))
    return [b"abcd"]
'''

ATOMS = [
    "h", "l", "u", "r", "s", "m", "U", "q", "H", "b", "B", "f", "a", "T", "{user-agent}i", "{x-in}i", "{x-none}i",
    "{x-out}o", "{X-OUT}o", "{content-length}o", "{my.var}e", "{wsgi.url_scheme}e", "{NONE}e",
]
FORMAT = "|".join(f"%({atom})s" for atom in ATOMS)

REQUESTS = [
    (b"GET / HTTP/1.1\r\nHost: h\r\n",
     '127.0.0.1|-|-|GET / HTTP/1.1|200|GET|/||HTTP/1.1|4|4|-|-|0|-|-|-|q\\"|q\\"|-|-|http|-'),
    (b'GET /?q=1&b=%20x HTTP/1.1\r\nHost: h\r\nUser-Agent: ua/1 "x"\r\nReferer: http://r/\r\nX-In: in\r\n',
     '127.0.0.1|-|-|GET /?q=1&b=%20x HTTP/1.1|200|GET|/|q=1&b=%20x|HTTP/1.1'
     '|4|4|http://r/|ua/1 \\"x\\"|0|ua/1 \\"x\\"|in|-'
     '|q\\"|q\\"|-|-|http|-'),
    (b"HEAD / HTTP/1.1\r\nHost: h\r\n",
     '127.0.0.1|-|-|HEAD / HTTP/1.1|200|HEAD|/||HTTP/1.1|0|0|-|-|0|-|-|-|q\\"|q\\"|-|-|http|-'),
    (b"HEAD /gen HTTP/1.1\r\nHost: h\r\n",
     '127.0.0.1|-|-|HEAD /gen HTTP/1.1|200|HEAD|/gen||HTTP/1.1|0|0|-|-|0|-|-|-|q\\"|q\\"|-|-|http|-'),
    (b"GET /204 HTTP/1.1\r\nHost: h\r\n",
     '127.0.0.1|-|-|GET /204 HTTP/1.1|204|GET|/204||HTTP/1.1|0|0|-|-|0|-|-|-|q\\"|q\\"|-|-|http|-'),
    (b"GET /304 HTTP/1.1\r\nHost: h\r\n",
     '127.0.0.1|-|-|GET /304 HTTP/1.1|304|GET|/304||HTTP/1.1|0|0|-|-|0|-|-|-|q\\"|q\\"|-|-|http|-'),
    (b"GET /empty HTTP/1.1\r\nHost: h\r\n",
     '127.0.0.1|-|-|GET /empty HTTP/1.1|200|GET|/empty||HTTP/1.1|0|0|-|-|0|-|-|-|q\\"|q\\"|-|-|http|-'),
    (b"GET /zero HTTP/1.1\r\nHost: h\r\n",
     '127.0.0.1|-|-|GET /zero HTTP/1.1|200|GET|/zero||HTTP/1.1|0|0|-|-|0|-|-|-|q\\"|q\\"|0|-|http|-'),
    (b"GET /gen HTTP/1.0\r\nHost: h\r\n",
     '127.0.0.1|-|-|GET /gen HTTP/1.0|200|GET|/gen||HTTP/1.0|4|4|-|-|0|-|-|-|q\\"|q\\"|-|-|http|-'),
    (b"GET /over HTTP/1.1\r\nHost: h\r\n",
     '127.0.0.1|-|-|GET /over HTTP/1.1|200|GET|/over||HTTP/1.1|2|2|-|-|0|-|-|-|q\\"|q\\"|2|-|http|-'),
    (b"GET /short HTTP/1.1\r\nHost: h\r\n",
     '127.0.0.1|-|-|GET /short HTTP/1.1|200|GET|/short||HTTP/1.1|4|4|-|-|0|-|-|-|q\\"|q\\"|9|-|http|-'),
    (b"GET /env HTTP/1.1\r\nHost: h\r\n",
     '127.0.0.1|-|-|GET /env HTTP/1.1|200|GET|/env||HTTP/1.1|4|4|-|-|0|-|-|-|q\\"|q\\"|-|v\\"1|http|-'),
    # On purpose: the path and the scheme of a failed request are known; there they are "None" and "-".
    (b"GET /raise HTTP/1.1\r\nHost: h\r\n",
     "127.0.0.1|-|-|GET /raise HTTP/1.1|500|GET|/raise||HTTP/1.1|0|0|-|-|0|-|-|-|-|-|-|-|http|-"),
    (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n",
     '127.0.0.1|-|-|POST / HTTP/1.1|200|POST|/||HTTP/1.1|4|4|-|-|0|-|-|-|q\\"|q\\"|-|-|http|-'),
    (b"GET / HTTP/1.1\r\nHost: h\r\nAuthorization: Basic dXNlcjpwYXNz\r\n",
     '127.0.0.1|-|user|GET / HTTP/1.1|200|GET|/||HTTP/1.1|4|4|-|-|0|-|-|-|q\\"|q\\"|-|-|http|-'),
    (b"GET / HTTP/1.1\r\nHost: h\r\nAuthorization: Basic !!!\r\n",
     '127.0.0.1|-|-|GET / HTTP/1.1|200|GET|/||HTTP/1.1|4|4|-|-|0|-|-|-|q\\"|q\\"|-|-|http|-'),
    # On purpose: what has no colon names no user, and may be a secret.
    (b"GET / HTTP/1.1\r\nHost: h\r\nAuthorization: Basic dXNlcg==\r\n",
     '127.0.0.1|-|-|GET / HTTP/1.1|200|GET|/||HTTP/1.1|4|4|-|-|0|-|-|-|q\\"|q\\"|-|-|http|-'),
    (b"GET /a%20b/c%C3%A9?x HTTP/1.1\r\nHost: h\r\n",
     '127.0.0.1|-|-|GET /a%20b/c%C3%A9?x HTTP/1.1|200|GET|/a b/c\u00c3\u00a9|x|HTTP/1.1'
     '|4|4|-|-|0|-|-|-|q\\"|q\\"|-|-|http|-'),
    (b"OPTIONS * HTTP/1.1\r\nHost: h\r\n",
     '127.0.0.1|-|-|OPTIONS * HTTP/1.1|200|OPTIONS|*||HTTP/1.1|4|4|-|-|0|-|-|-|q\\"|q\\"|-|-|http|-'),
    (b"GET / HTTP/1.1\r\nHost: h\r\nX-In: one\r\nX-In: two\r\n",
     '127.0.0.1|-|-|GET / HTTP/1.1|200|GET|/||HTTP/1.1|4|4|-|-|0|-|two|-|q\\"|q\\"|-|-|http|-'),
    (b"GET http://abs.example/x?y HTTP/1.1\r\nHost: h\r\n",
     '127.0.0.1|-|-|GET http://abs.example/x?y HTTP/1.1|200|GET|/x|y|HTTP/1.1|4|4|-|-|0|-|-|-|q\\"|q\\"|-|-|http|-'),
]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    yield from one_of_each(tmp_path_factory, APP, "--access-logfile", "access", "--access-logformat", FORMAT)


def ask(server: Server, head: bytes) -> None:
    with server.connect() as wire:
        wire.send(head + b"Connection: close\r\n\r\n" + (b"0\r\n\r\n" if b"chunked" in head else b""))
        wire.read_until_eof()


@pytest.mark.parametrize("kind", KINDS)
def test_access_lines(kind: str, servers: Servers) -> None:
    server = servers(kind)
    path = server.folder / "access"
    for head, expected in REQUESTS:
        before = len(path.read_text().splitlines())
        ask(server, head)
        wait_until(lambda before=before: len(path.read_text().splitlines()) > before, PATIENCE, server.describe)  # type: ignore[misc]
        assert path.read_text().splitlines()[before:] == [expected], head


ASGI = '''
async def app(scope, receive, send):
    if scope["path"] == "/raise":
        raise RuntimeError("on purpose")
    status = 204 if scope["path"] == "/204" else 200
    await send({"type": "http.response.start", "status": status, "headers": [(b"x-out", b"o")]})
    await send({"type": "http.response.body", "body": b"abcd" if status == 200 else b""})
'''


def test_access_lines_of_asgi(serve: Serve) -> None:
    words = "|".join(f"%({atom})s" for atom in ATOMS[:13])
    server = serve(ASGI, "-k", "asgi", "--asgi-lifespan", "off", "--access-logfile", "access", "--access-logformat",
                   words, expect_traceback=True)
    for path in ("/", "/204", "/raise", "/a%20b?q"):
        ask(server, f"GET {path} HTTP/1.1\r\nHost: h\r\n".encode())
    log = server.folder / "access"
    wait_until(lambda: len(log.read_text().splitlines()) == 4, PATIENCE, server.describe)
    assert log.read_text().splitlines() == [
        "127.0.0.1|-|-|GET / HTTP/1.1|200|GET|/||HTTP/1.1|4|4|-|-",
        "127.0.0.1|-|-|GET /204 HTTP/1.1|204|GET|/204||HTTP/1.1|0|0|-|-",
        "127.0.0.1|-|-|GET /raise HTTP/1.1|500|GET|/raise||HTTP/1.1|0|0|-|-",
        "127.0.0.1|-|-|GET /a%20b?q HTTP/1.1|200|GET|/a b|q|HTTP/1.1|4|4|-|-",
    ]


def shown(server: Server) -> list[str]:
    """The log's lines without time and number of the process; those of others and ports as N."""
    lines = [line for line in server.log().splitlines() if re.match(r"\[20", line)]
    return [re.sub(r"(?<=[:(])( ?)\d+", r"\1N", re.sub(r"^\[[^]]*\] \[\d+\] ", "", line)) for line in lines]


#: Each in this order; what stands between does not matter.
LINES = [
    "[INFO] Starting gunicorn ", "[INFO] Listening at: http://127.0.0.1:N (N)", "[INFO] Using worker: sync",
    "[INFO] Booting worker with pid: N", "[ERROR] Error handling request GET /raise",
    "[WARNING] Invalid request from ip=127.0.0.1: ",
    "[INFO] Handling signal: ttin", "[INFO] Booting worker with pid: N",
    "[INFO] Handling signal: ttou", "[INFO] Worker exiting (pid: N)",
    "[INFO] Handling signal: hup", "[INFO] Hang up: Master", "[INFO] Booting worker with pid: N",
    "[INFO] Worker exiting (pid: N)",
    "[ERROR] Worker (pid:N) was sent SIGKILL! Perhaps out of memory?", "[INFO] Booting worker with pid: N",
    "[INFO] Handling signal: usr1",
    "[INFO] Handling signal: term", "[INFO] Worker exiting (pid: N)", "[INFO] Shutting down: Master",
]


def test_log_lines_and_metrics(make_server: Serve) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.setblocking(False)
        server = make_server(APP, "--statsd-host", f"127.0.0.1:{receiver.getsockname()[1]}", "--statsd-prefix", "pre",
                             expect_traceback=True).start()
        for path in ("/", "/204", "/raise"):
            ask(server, f"GET {path} HTTP/1.1\r\nHost: h\r\n".encode())
        with server.connect() as wire:
            wire.send(b"bad\r\n\r\n")
            wire.read_until_eof()

        def told(number: signal.Signals, line: str, times: int) -> None:
            os.kill(server.pid, number)
            wait_until(lambda: sum(line in each for each in shown(server)) >= times, PATIENCE, server.describe)

        told(signal.SIGTTIN, "Booting worker", 2)
        server.wait_for_workers(lambda pids: len(pids) == 2)
        told(signal.SIGTTOU, "Worker exiting", 1)
        server.wait_for_workers(lambda pids: len(pids) == 1)
        told(signal.SIGHUP, "Worker exiting", 2)
        (pid,) = server.wait_for_workers(lambda pids: len(pids) == 1)
        os.kill(pid, signal.SIGKILL)
        server.wait_for_workers(lambda pids: len(pids) == 1 and pids[0] != pid)
        # It is ready for signals when it serves.
        ask(server, b"GET / HTTP/1.1\r\nHost: h\r\n")
        told(signal.SIGUSR1, "usr1", 1)
        assert server.stop() == 0
        lines = iter(shown(server))
        for wanted in LINES:
            assert any(line.startswith(wanted) for line in lines), f"{wanted} in {shown(server)}"
        metrics: Counter[str] = Counter()
        while True:
            try:
                metrics[re.sub(r":[\d.]+\|ms\Z", ":T|ms", receiver.recv(1000).decode())] += 1
            except BlockingIOError:
                break
    gauges = {name for name in metrics if name.startswith("pre.gunicorn.workers:")}
    # On purpose: none is left in the end, and a gauge of 0 says so.
    assert gauges >= {"pre.gunicorn.workers:1|g", "pre.gunicorn.workers:2|g", "pre.gunicorn.workers:0|g"}
    assert {name: times for name, times in metrics.items() if name not in gauges} == {
        # On purpose: a request that was refused is a request, in the access log as well.
        "pre.gunicorn.requests:1|c|@1.0": 5,
        "pre.gunicorn.request.duration:T|ms": 5,
        "pre.gunicorn.request.status.200:1|c|@1.0": 2,
        "pre.gunicorn.request.status.204:1|c|@1.0": 1,
        "pre.gunicorn.request.status.500:1|c|@1.0": 1,
        "pre.gunicorn.request.status.400:1|c|@1.0": 1,
        "pre.gunicorn.log.exception:1|c|@1.0": 1,
        "pre.gunicorn.log.warning:1|c|@1.0": 1,
        "pre.gunicorn.log.error:1|c|@1.0": 1,
    }
