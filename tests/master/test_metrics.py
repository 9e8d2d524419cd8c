"""Real servers, and what they say at `metrics_bind`: the sums are those of the requests that were sent, to the last."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path

import pytest

from gunicorn.config import Config
from gunicorn.errors import ConfigError
from tests.conftest import Serve
from tests.master.scrape import Counts, counts, face_of, health, samples, value, wait_for_counts
from tests.support.control import ask as ask_master
from tests.support.control import ready_workers
from tests.support.http2 import HTTP2Client
from tests.support.server import HELLO, Server, halt, is_alive
from tests.support.wait import wait_until
from tests.support.wire import get, request
from tests.workers.kinds import KINDS

BIND = ("--metrics-bind", "127.0.0.1:0")

WSGI = """
import os, time
def app(environ, start_response):
    path = environ["PATH_INFO"]
    environ["wsgi.input"].read()
    if path == "/raise":
        raise RuntimeError("on purpose")
    if path == "/wait":
        while not os.path.exists("go"):
            time.sleep(0.01)
    start_response("404 Not Found" if path == "/missing" else "200 OK", [("Content-Length", "5")])
    return [b"12345"]
"""
ASGI = """
async def app(scope, receive, send):
    path = scope["path"]
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept" if path == "/" else "websocket.close"})
        await receive()
        return
    if path == "/raise":
        raise RuntimeError("on purpose")
    status = 404 if path == "/missing" else 200
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"12345"})
"""
TORNADO = """
import tornado.web
class Handler(tornado.web.RequestHandler):
    def get(self):
        if self.request.path == "/raise":
            raise RuntimeError("on purpose")
        if self.request.path == "/missing":
            self.set_status(404)
        self.write("12345")
    head = post = get
app = tornado.web.Application([(".*", Handler)])
"""
CASES = {
    **{kind: (WSGI, args) for kind, args in KINDS.items()},
    "asgi application": (ASGI, ("-k", "asgi")),
    "tornado application": (TORNADO, ("-k", "tornado")),
}
#: Servers that others bring: what they refuse themselves nobody hears of.
GUESTS = ("tornado application", )
QUICK = ("sync", "gthread", "gevent", "asgi application")
PARAMS = [kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.slow) for kind in CASES]


def ask(server: Server, line: str, *fields: str, body: bytes = b"") -> int:
    head = [f"{line} HTTP/1.1", "Host: test", "Connection: close", *fields]
    if body:
        head.append(f"Content-Length: {len(body)}")
    return request(server.address, "\r\n".join([*head, "", ""]).encode() + body, line.partition(" ")[0]).status


def ask_all(server: Server, guest: bool) -> Counts:
    """Requests of all kinds, and what is to be counted of them."""
    assert [ask(server, "GET /"), ask(server, "GET /"), ask(server, "HEAD /")] == [200] * 3
    assert ask(server, "POST /", body=b"abc") == 200
    assert [ask(server, "GET /missing"), ask(server, "GET /raise")] == [404, 500]
    wanted = {("GET", "2xx"): 2, ("HEAD", "2xx"): 1, ("POST", "2xx"): 1, ("GET", "4xx"): 1, ("GET", "5xx"): 1}
    if not guest:
        assert ask(server, "GET /", "Host: again") == 400
        assert request(server.address, b"rubbish\r\n\r\n").status == 400
        wanted |= {("GET", "4xx"): 2, ("other", "4xx"): 1}
    return wanted


def added(counts: Counts, times: int) -> Counts:
    return {key: number * times for key, number in counts.items()}


@pytest.mark.parametrize("kind", PARAMS)
def test_sums_are_exact_whatever_becomes_of_workers(kind: str, serve: Serve) -> None:
    app, args = CASES[kind]
    server = serve(app, *args, *BIND, expect_traceback=True)
    face = face_of(server)
    wait_until(lambda: health(face).status == 200)
    wanted = ask_all(server, kind in GUESTS)
    found = wait_for_counts(face, wanted)
    assert value(found, "gunicorn_request_duration_seconds_count") == 6
    assert value(found, "gunicorn_requests_refused_total") == (0 if kind in GUESTS else 2)
    assert value(found, "gunicorn_requests_in_flight") == 0
    assert value(found, "gunicorn_requests_by_protocol_total", network_protocol_version="1.1") == 6
    assert value(found, "gunicorn_threads", state="busy") == 0
    assert sum(number for (name, _), number in found.items() if name == "gunicorn_listen_queue_limit") >= 128
    assert value(found, "process_cpu_seconds_total") > 0
    assert value(found, "gunicorn_sent_bytes_total") >= 20 or kind == "gevent_pywsgi"
    (first,) = server.worker_pids()
    server.send_signal(signal.SIGHUP)
    wait_until(lambda: value(samples(face), "gunicorn_reloads_total", result="success") == 1)
    wait_until(lambda: not is_alive(first))
    (second,) = server.worker_pids()
    assert ask_all(server, kind in GUESTS) == wanted
    wait_for_counts(face, added(wanted, 2))
    os.kill(second, signal.SIGKILL)
    wait_until(lambda: server.serves("/"), what="the next worker")
    after = {**added(wanted, 2), ("GET", "2xx"): wanted["GET", "2xx"] * 2 + 1}
    found = wait_for_counts(face, after)
    assert value(found, "gunicorn_worker_restarts_total", cause="reload") == 1
    assert value(found, "gunicorn_worker_restarts_total", cause="signal") == 1
    text = samples(face, text=True)
    assert counts(text) == after
    assert {name for name, _ in text} == {name for name, _ in found}


def test_octets_are_those_on_the_wire(serve: Serve) -> None:
    server = serve(HELLO, *BIND)
    face = face_of(server)
    sent, received = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0
    # The fields of HELLO never change their lengths.
    head = (
        "HTTP/1.1 200 OK\r\nServer: gunicorn\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
        "Content-Type: text/plain\r\nContent-Length: 13\r\n\r\n"
    )
    with server.connect() as wire:
        for _ in range(5):
            wire.send(sent)
            received += len(wire.read_response().body) + len(head)
        found = wait_for_counts(face, {("GET", "2xx"): 5})
        assert value(found, "gunicorn_received_bytes_total") == 5 * len(sent)
        assert value(found, "gunicorn_connections") == 1
    wait_until(lambda: value(samples(face), "gunicorn_connections") == 0)
    assert value(found, "gunicorn_sent_bytes_total") == received


def test_max_requests(serve: Serve) -> None:
    server = serve(HELLO, "--max-requests", "3", *BIND)
    face = face_of(server)
    asked = 0
    while value(samples(face), "gunicorn_worker_restarts_total", cause="max_requests") < 3:
        assert server.get().status == 200
        asked += 1
    found = wait_for_counts(face, {("GET", "2xx"): asked})
    assert value(found, "gunicorn_request_duration_seconds_count") == asked >= 9


def test_scraped_while_all_are_busy(serve: Serve) -> None:
    server = serve(WSGI, "--workers", "2", *BIND, workers=2)
    face = face_of(server)
    wait_until(lambda: value(samples(face), "gunicorn_workers", state="ready") == 2)
    wires = []
    try:
        for number in range(2):
            wires.append(server.connect())
            wires[-1].send(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
            wait_until(lambda: value(samples(face), "gunicorn_requests_in_flight") == len(wires), what=f"no. {number}")
        found = samples(face)
        assert value(found, "gunicorn_workers", state="busy") == 2
        assert value(found, "gunicorn_oldest_request_seconds") > 0
        assert health(face).status == 200, "busy is not unready"
        wait_until(lambda: value(samples(face), "gunicorn_busy_ratio") > 0.5)
        (server.folder / "go").touch()
        assert [wire.read_response().status for wire in wires] == [200, 200]
        found = wait_for_counts(face, {("GET", "2xx"): 2})
        wait_until(lambda: value(samples(face), "gunicorn_requests_in_flight") == 0)
    finally:
        for wire in wires:
            wire.close()


def test_what_has_no_time_left(serve: Serve) -> None:
    server = serve(WSGI, "-k", "gthread", "--request-timeout", "0.3", *BIND, expect_traceback=True)
    face = face_of(server)
    assert server.get("/wait").status == 504
    (server.folder / "go").touch()
    wait_for_counts(face, {("GET", "5xx"): 1})
    # It may end in its thread when its worker is replaced: it is the same one.
    wait_until(lambda: value(samples(face), "gunicorn_worker_restarts_total", cause="max_requests") == 1)
    wait_for_counts(face, {("GET", "5xx"): 1})
    assert server.get("/").status == 200
    wait_for_counts(face, {("GET", "5xx"): 1, ("GET", "2xx"): 1})


def test_a_websocket_is_one_get(serve: Serve) -> None:
    from tests.asgi.test_websocket import Client, handshake

    server = serve(ASGI, "-k", "asgi", *BIND)
    face = face_of(server)
    with Client(server.address, "/"):
        found = wait_for_counts(face, {("GET", "1xx"): 1})
        assert value(found, "gunicorn_request_duration_seconds_count") == 0
        assert value(found, "gunicorn_websockets") == 1
    wait_until(lambda: value(samples(face), "gunicorn_websockets") == 0)
    with server.connect() as wire:
        wire.send(handshake("/no"))
        assert wire.read_response().status == 403
    wait_for_counts(face, {("GET", "1xx"): 1, ("GET", "4xx"): 1})
    with server.connect() as wire:
        wire.send(handshake("/", version="12"))
        assert wire.read_response().status == 426
    wait_for_counts(face, {("GET", "1xx"): 1, ("GET", "4xx"): 2})


def test_streams_of_http2(serve: Serve) -> None:
    server = serve(WSGI, "-k", "gthread", "--http-protocols", "h2,h1", "--http2-cleartext", "prior-knowledge", *BIND,
                   expect_traceback=True)
    face = face_of(server)
    with HTTP2Client.prior(server.address) as client:
        assert [client.request(path).status for path in ("/", "/", "/missing", "/raise")] == [200, 200, 404, 500]
        since = f"t={time.time() - 5}"
        assert client.request("/", ("x-request-start", since), method="PUT", body=b"abc").status == 200
        wanted = {("GET", "2xx"): 2, ("GET", "4xx"): 1, ("GET", "5xx"): 1, ("PUT", "2xx"): 1}
        found = wait_for_counts(face, wanted)
        assert value(found, "gunicorn_connections") == 1
        assert value(found, "gunicorn_received_bytes_total") > 60
        assert value(found, "gunicorn_requests_by_protocol_total", network_protocol_version="2") == 5
        assert value(found, "gunicorn_request_queue_seconds_count") == 1
        assert value(found, "gunicorn_request_queue_seconds_sum") >= 5


def test_streams_are_told_to_go_elsewhere_before_a_stop(serve: Serve) -> None:
    server = serve(HELLO, "--http-protocols", "h2,h1", "--http2-cleartext", "prior-knowledge", "--shutdown-delay", "60",
                   *BIND)
    face = face_of(server)
    with HTTP2Client.prior(server.address) as client:
        assert client.request("/").status == 200
        assert not client.farewells
        server.send_signal(signal.SIGTERM)
        wait_until(lambda: health(face).status == 503)
        assert client.request("/").status == 200
        client.until(lambda: client.farewells)
    assert server.stop(signal.SIGINT) == 0


# The address.


def test_a_unix_socket(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "face"
    server = serve(HELLO, "--metrics-bind", f"unix:{path}")
    assert face_of(server) == str(path)
    assert health(str(path), "/livez").status == 200
    server.stop()
    assert not path.exists()


def test_an_address_that_cannot_be_had(make_server: Serve, tmp_path: Path) -> None:
    server = make_server(HELLO, "--metrics-bind", f"unix:{tmp_path / 'none' / 'there'}").spawn()
    assert server.wait() == 1
    assert f"Cannot listen at {tmp_path / 'none' / 'there'}: No such file or directory" in server.log()
    assert "Booting" not in server.log()


@pytest.mark.parametrize(("text", "told"), [
    ("fd://5", "expected HOST:PORT"), ("https://a:1", "not a scheme"), ("a:b", "not a valid port"),
    ("", "expected HOST"),
])
def test_a_value_that_is_no_address(text: str, told: str) -> None:
    with pytest.raises((ConfigError, ValueError), match=told):
        Config().set("metrics_bind", text)


def test_a_reload_that_moves_it(serve: Serve, tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    server = serve(HELLO, config=f"metrics_bind = 'unix:{old}'")
    wait_until(lambda: health(str(old)).status == 200)
    server.get()
    wait_for_counts(str(old), {("GET", "2xx"): 1})
    (server.folder / "gunicorn.conf.py").write_text(f"metrics_bind = 'unix:{new}'")
    server.send_signal(signal.SIGHUP)
    wait_until(lambda: not old.exists() and new.exists())
    wait_for_counts(str(new), {("GET", "2xx"): 1})
    # One that fails leaves all as it was.
    (server.folder / "gunicorn.conf.py").write_text(f"metrics_bind = 'unix:{tmp_path / 'none' / 'there'}'")
    server.send_signal(signal.SIGHUP)
    server.wait_for_log("Reload refused")
    assert value(samples(str(new)), "gunicorn_reloads_total", result="refused") == 1
    (server.folder / "gunicorn.conf.py").write_text("")
    server.send_signal(signal.SIGHUP)
    wait_until(lambda: not new.exists())


def test_workers_have_nothing_of_it(serve: Serve) -> None:
    server = serve(HELLO, *BIND)
    host, port = face_of(server)
    with socket.create_connection((host, port)) as client:
        client.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.recv(12) == b"HTTP/1.1 200"
        (pid,) = server.worker_pids()
        server.send_signal(signal.SIGHUP)
        (young,) = server.wait_for_workers(lambda pids: len(pids) == 1 and pids != [pid])
        wait_until(lambda: health((host, int(port))).status == 200)
        ports = _ports_of(young)
        assert int(port) not in ports
        assert server.port in ports


def _ports_of(pid: int) -> set[int]:
    """Local ports of a process's sockets."""
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            inodes.add(link.readlink().name)
        except FileNotFoundError:
            continue
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    rows = [line.split() for line in lines]
    return {int(row[1].partition(":")[2], 16) for row in rows if f"socket:[{row[9]}]" in inodes}


# Health.


SLOW_BOOT = HELLO + """
import os, time
while not os.path.exists("go"):
    time.sleep(0.01)
"""


def test_health_through_the_life_of_a_server(serve: Serve) -> None:
    server = serve(SLOW_BOOT, *BIND, "--shutdown-delay", "60", "--keep-alive", "60")
    face = face_of(server)
    assert [health(face, f"/health/{name}").status for name in ("live", "startup", "ready")] == [200, 503, 503]
    assert health(face).json() == {"status": "not ready", "reason": "no worker is ready yet"}
    assert value(samples(face), "gunicorn_ready") == 0
    (server.folder / "go").touch()
    wait_until(lambda: health(face).status == 200)
    assert [health(face, path).status for path in ("/livez", "/startupz", "/readyz")] == [200] * 3
    with server.connect() as wire:
        wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert wire.read_response().get("Connection") is None
        server.send_signal(signal.SIGTERM)
        wait_until(lambda: health(face).status == 503)
        assert health(face).json()["reason"] == "the server is about to stop"
        assert health(face, "/readyz?drain=404").status == 404
        assert health(face, "/livez").status == 200
        # It still serves, and lets no client stay.
        wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert wire.read_response().get("Connection") == "close"
        wire.expect_eof()
    assert server.get().status == 200
    assert server.stop(signal.SIGINT) == 0


def test_what_is_done_by_commands(serve: Serve) -> None:
    server = serve(HELLO, *BIND)
    face, path = face_of(server), str(server.folder / "gunicorn.ctl")
    (pid,) = ready_workers(path, 1)
    ask_master(path, "drain on")
    assert health(face).json()["reason"] == "drained by a command"
    assert health(face, "/readyz?drain=404").status == 404
    assert server.get().status == 200
    ask_master(path, "drain off")
    assert health(face).status == 200
    ask_master(path, "worker kill", pid)
    wait_until(lambda: value(samples(face), "gunicorn_worker_restarts_total", cause="asked") == 1)
    wait_until(lambda: value(samples(face), "gunicorn_worker_spawns_total") == 2)


def test_the_only_worker_is_stuck(serve: Serve) -> None:
    server = serve(SLOW_BOOT, "--timeout", "1", "--boot-timeout", "60", *BIND)
    face, go = face_of(server), server.folder / "go"
    go.touch()
    wait_until(lambda: health(face).status == 200)
    go.unlink()
    (pid,) = server.worker_pids()
    halt(pid)
    wait_until(lambda: health(face).status == 503)
    assert health(face).json()["reason"] == "no worker is well"
    assert [health(face, path).status for path in ("/livez", "/startupz")] == [200, 200]
    go.touch()
    wait_until(lambda: health(face).status == 200, what="another worker")
    wait_until(lambda: value(samples(face), "gunicorn_worker_restarts_total", cause="timeout") >= 1)


def test_no_worker_is_wanted(serve: Serve) -> None:
    # A daemon in its own eyes: others ignore WINCH.
    server = serve(HELLO, *BIND, config="def on_starting(server): server.cfg.set('daemon', True)")
    face = face_of(server)
    wait_until(lambda: health(face).status == 200)
    server.send_signal(signal.SIGTTIN)
    wait_until(lambda: value(samples(face), "gunicorn_workers", state="ready") == 2)
    server.send_signal(signal.SIGWINCH)
    wait_until(lambda: health(face).status == 503)
    assert health(face).json()["reason"] == "no workers are wanted"
    assert health(face, "/startupz").status == 200
    wait_until(lambda: value(samples(face), "gunicorn_worker_restarts_total", cause="resize") == 2)


def test_an_upgrade_hands_it_over(serve: Serve) -> None:
    server = serve(HELLO, *BIND)
    face = face_of(server)
    wait_until(lambda: health(face).status == 200)
    server.get()
    wait_for_counts(face, {("GET", "2xx"): 1})
    (worker,) = server.worker_pids()
    old = server.pid
    server.send_signal(signal.SIGUSR2)
    server.wait_for_log("Worker ready", count=2)
    assert "no setting belongs" not in server.log()
    # As long as the old one lives, it answers.
    (young,) = [pid for pid in server.worker_pids() if pid != worker]
    server.extra_pids.add(young)
    assert counts(samples(face)) == {("GET", "2xx"): 1}
    server.send_signal(signal.SIGTERM)
    server.wait()
    found = samples(face)
    assert counts(found) == {}
    assert value(found, "gunicorn_ready") == 1
    assert old != young
    assert get(server.address).status == 200
    os.kill(young, signal.SIGTERM)
    wait_until(lambda: not is_alive(young))
