"""What every worker type on our engine promises, with real processes and sockets; no type is let off a test."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.conftest import Serve
from tests.support.server import HELLO, Server
from tests.support.wait import wait_until
from tests.workers.kinds import KINDS, PARAMS, SIDE_BY_SIDE, Servers, everywhere, one_of_each

APP = '''
import os, sys, time

BIG = b"x" * 5_000_000
HERE = os.path.dirname(__file__)

def note(name, text):
    with open(os.path.join(HERE, name), "a") as file:
        file.write(text)

class Stream:
    """Parts of 64 KiB with pauses; notes each, and the end, in a file."""
    def __init__(self, environ, name, count, seconds):
        self.environ, self.name, self.count, self.seconds = environ, name, int(count), float(seconds)
    def __iter__(self):
        for number in range(self.count):
            if self.environ["gunicorn.client_disconnected"]():
                note(self.name, "g")
            yield b"y" * 65536
            note(self.name, ".")
            time.sleep(self.seconds)
    def close(self):
        note(self.name, "closed")

present = []

def until(holds):
    end = time.monotonic() + 60
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError("nobody else has come")
        time.sleep(0.01)

def exists(name):
    return os.path.exists(os.path.join(HERE, name))

def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/slow":
        note("slow", ".")
        time.sleep(float(environ["QUERY_STRING"]))
    if path == "/gate":
        # Waits until it is opened by a file.
        note("waiting", ".")
        until(lambda: exists(environ["QUERY_STRING"]))
    if path == "/until-told":
        # Waits until the worker has heard that it is to stop; a hook has put it here.
        until(lambda: not worker.alive)
    if path == "/together":
        present.append(path)
        until(lambda: len(present) >= int(environ["QUERY_STRING"]))
    if path == "/spin":
        end = time.monotonic() + float(environ["QUERY_STRING"])
        while time.monotonic() < end:
            pass
    if path == "/gone":
        note("asked", ".")
        until(environ["gunicorn.client_disconnected"])
        note("gone", "gone")
    if path == "/raise":
        raise RuntimeError("on purpose")
    if path == "/half":
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "10")])
        return [b"12345"]
    if path == "/stream":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return Stream(environ, *environ["QUERY_STRING"].split(","))
    if path == "/file":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return environ["wsgi.file_wrapper"](open(__file__, "rb"))
    body = environ["wsgi.input"].read()
    if path == "/big":
        body = BIG
    if path == "/pid":
        body = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
'''

#: So that an answer of 26 MB is more than what is kept for a slow client.
SMALL_BUFFER = ("--response-buffer-size", "131072")


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    yield from one_of_each(tmp_path_factory, "import sys\nsys.setswitchinterval(1e-6)\n" + APP, *SMALL_BUFFER)


@pytest.fixture(params=PARAMS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(kind: str, servers: Servers) -> Server:
    """A server of this kind that other tests use too."""
    return servers(kind)


def get(path: str, *fields: str) -> bytes:
    return "\r\n".join((f"GET {path} HTTP/1.1", "Host: a", *fields, "", "")).encode()


def post(body: bytes, *fields: str) -> bytes:
    head = "\r\n".join(("POST / HTTP/1.1", "Host: a", f"Content-Length: {len(body)}", *fields, "", ""))
    return head.encode() + body


def test_keep_alive_and_pipelining_in_order(server: Server) -> None:
    with server.connect() as wire:
        wire.send(b"".join(post(str(number).encode()) for number in range(50)))
        assert [wire.read_response("POST").body for _ in range(50)] == [str(number).encode() for number in range(50)]
        wire.send(get("/", "Connection: close"))
        assert wire.read_response().get("connection") == "close"
        wire.expect_eof()


def test_large_bodies_in_both_directions(server: Server) -> None:
    body = os.urandom(3_000_000)
    with server.connect() as wire:
        wire.send(post(body))
        assert wire.read_response("POST").body == body
        chunked = b"".join(b"%x\r\n%s\r\n" % (len(body[at:at + 70_000]), body[at:at + 70_000])
                           for at in range(0, len(body), 70_000))
        wire.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked + b"0\r\n\r\n")
        assert wire.read_response("POST").body == body
        wire.send(get("/file"))
        assert b"def app(environ" in wire.read_response().body


def test_a_slow_sender_holds_nobody(server: Server) -> None:
    waiting = [server.connect() for _ in range(20)]
    for wire in waiting:
        wire.send(post(b"x" * 100)[:60])
    with server.connect() as wire:
        for _ in range(20):
            wire.send(get("/"))
            assert wire.read_response().status == 200
    for wire in waiting:
        wire.send(post(b"x" * 100)[60:])
        assert wire.read_response("POST").body == b"x" * 100
        wire.close()


def test_a_slow_reader_holds_nobody(server: Server) -> None:
    slow = [server.connect() for _ in range(10)]
    for wire in slow:
        wire.send(get("/big"))
    with server.connect() as wire:
        for _ in range(20):
            wire.send(get("/"))
            assert wire.read_response().status == 200
    for wire in slow:
        assert len(wire.read_response().body) == 5_000_000
        wire.close()


def test_a_stream_whose_client_left_is_closed(server: Server) -> None:
    with server.connect() as wire:
        wire.send(get("/stream?left,1000,0.01"))
        assert wire.fill()
    noted = server.folder / "left"
    wait_until(lambda: noted.exists() and noted.read_text().endswith("closed"))


def test_the_application_is_told_that_its_client_left(server: Server) -> None:
    with server.connect() as wire:
        wire.send(get("/gone"))
        wait_until((server.folder / "asked").exists)
    wait_until((server.folder / "gone").exists)


def test_a_stream_waits_for_its_client(server: Server) -> None:
    """What the client does not take is kept up to a bound; then the application waits, and nobody's memory fills."""
    with server.connect() as wire:
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        wire.send(get("/stream?patient,400,0"))
        noted = server.folder / "patient"

        def stands_still() -> bool:
            before = noted.read_text() if noted.exists() else ""
            time.sleep(0.1)
            return bool(before) and noted.read_text() == before

        wait_until(stands_still)
        assert 0 < len(noted.read_text()) < 300
        assert len(wire.read_response().body) == 400 * 65536
        # The last octets may be here before the server has closed the iterable.
        wait_until(lambda: noted.read_text().endswith("closed"))


def test_failures_of_the_application(server: Server) -> None:
    before = server.log().count("Traceback")
    with server.connect() as wire:
        wire.send(get("/raise"))
        assert wire.read_response().status == 500
        wire.expect_eof()
    with server.connect() as wire:
        wire.send(get("/half"))
        assert wire.read_until_eof().endswith(b"\r\n\r\n12345")
    server.wait_for_log("on purpose")
    assert server.log().count("Traceback") == before + 1


HOOKS = """
import os, sys

def note(text):
    with open("hooks", "a") as file:
        file.write(text + "\\n")

def post_fork(server, worker): note("post_fork")
def post_worker_init(worker): note("post_worker_init")
def pre_request(worker, req):
    note(f"pre_request {req.method} {req.path} {worker.pid == os.getpid()} {req.scheme} {req.trailers}")
    sys.modules["app"].worker = worker
def post_request(worker, req, environ, resp): note(f"post_request {environ['PATH_INFO']} {resp.status_code}")
def worker_exit(server, worker): note("worker_exit")
accesslog = "access.log"
access_log_format = '%(h)s %(m)s %(U)s %(s)s %(B)s %({x-one}i)s'
keepalive = 10
"""


def test_a_graceful_stop_ends_what_runs(make_server: Serve, kinds: list[str]) -> None:
    """And the hooks and the access log tell of everything."""
    def scenario(server: Server) -> None:
        with server.connect() as kept, server.connect() as running:
            kept.send(get("/", "X-One: two"))
            assert kept.read_response().status == 200
            running.send(get("/until-told"))
            wait_until(lambda: "pre_request GET /until-told" in (server.folder / "hooks").read_text())
            os.kill(server.pid, signal.SIGTERM)
            response = running.read_response()
            assert (response.status, response.get("connection")) == (200, "close")
            kept.expect_eof()
        assert server.stop() == 0
        told = (server.folder / "hooks").read_text().splitlines()
        # A second thread may begin its request before the first has told of the end of its own.
        between = {"pre_request GET / True http []", "post_request / 200", "pre_request GET /until-told True http []"}
        assert (told[:2], set(told[2:5])) == (["post_fork", "post_worker_init"], between)
        assert told[5:] == ["post_request /until-told 200", "worker_exit"]
        assert (server.folder / "access.log").read_text().splitlines() == [
            "127.0.0.1 GET / 200 0 two", "127.0.0.1 GET /until-told 200 0 -",
        ]

    everywhere(make_server, kinds, scenario, APP, config=HOOKS)


def test_a_kept_alive_client_is_told_of_the_stop(make_server: Serve, kinds: list[str]) -> None:
    """Its next request, sent when the worker has begun to stop, is answered with `Connection: close`."""
    def scenario(server: Server) -> None:
        with server.connect() as kept:
            kept.send(get("/"))
            assert kept.read_response().get("connection") is None
            os.kill(server.worker_pids()[0], signal.SIGTERM)
            wait_until(lambda: not is_accepting(server.worker_pids()[0], server.port))
            kept.send(get("/"))
            assert kept.read_response().get("connection") == "close"
            kept.expect_eof()
        server.stop()

    everywhere(make_server, kinds, scenario, APP, "--keep-alive", "30")


def is_accepting(pid: int, port: int) -> bool:
    """Whether the worker still watches the listening socket: it stands in one of its epoll sets."""
    listening = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{fd}")
            if "eventpoll" in target:
                with open(f"/proc/{pid}/fdinfo/{fd}") as info:
                    listening += re.findall(r"tfd:\s*(\d+)", info.read())
        except FileNotFoundError:
            continue
    return any(os.path.exists(f"/proc/{pid}/fd/{fd}") and is_listener(pid, fd, port) for fd in listening)


def is_listener(pid: int, fd: str, port: int) -> bool:
    try:
        inode = re.search(r"socket:\[(\d+)\]", os.readlink(f"/proc/{pid}/fd/{fd}"))
    except FileNotFoundError:
        return False
    with open(f"/proc/{pid}/net/tcp") as table:
        return inode is not None and any(
            line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A" and line.split()[9] == inode[1]
            for line in table.readlines()[1:]
        )


def test_a_stop_serves_who_waits_and_turns_away_who_comes_later(make_server: Serve, kinds: list[str]) -> None:
    def scenario(server: Server) -> None:
        with server.connect() as running, server.connect() as waiting:
            running.send(get("/slow?1"))
            waiting.send(get("/slow?1"))
            wait_until((server.folder / "slow").exists, what="one of them with the application")
            os.kill(server.pid, signal.SIGTERM)
            # Never a connection that hangs until it is reset: the kernel may take some on while the worker is busy.
            wait_until(lambda: is_refused(server))
            assert running.read_response().status == waiting.read_response().status == 200
        server.wait()

    everywhere(make_server, kinds, scenario, APP, threads=1)


def is_refused(server: Server) -> bool:
    """Whether nobody listens any more; a connection that is taken must be answered in good order."""
    try:
        with server.connect() as wire:
            wire.send(get("/"))
            if not wire.fill() and wire.reset:
                # The kernel took it on between the last accept(2) and close(2): nobody can come after it.
                with pytest.raises(ConnectionRefusedError):
                    server.connect()
                return True
            assert wire.read_response().status == 200
    except ConnectionRefusedError:
        return True
    return False


def test_max_requests_lose_nothing(make_server: Serve, kinds: list[str]) -> None:
    def scenario(server: Server) -> None:
        pids = set()

        def another() -> bool:
            # Each of these must be answered, whoever is being replaced meanwhile.
            with server.connect() as wire:
                wire.send(get("/pid", "Connection: close"))
                pids.add(wire.read_response().body)
            return len(pids) > 2

        wait_until(another)

    everywhere(make_server, kinds, scenario, APP, "--max-requests", "5")


def test_a_full_disk_below_the_access_log(make_server: Serve, kinds: list[str]) -> None:
    def scenario(server: Server) -> None:
        for _ in range(3):
            with server.connect() as one, server.connect() as other:
                for wire in (one, other):
                    wire.send(get("/"))
                for wire in (one, other):
                    assert wire.read_response().status == 200
        server.wait_for_log("No space left on device")
        server.send_signal(signal.SIGTERM)
        server.wait()
        assert server.log().count("No space left on device") == 1

    everywhere(make_server, kinds, scenario, APP, "--access-logfile", "/dev/full")


def blocked(kinds: list[str]) -> list[str]:
    """Those whose loop an application can stop: with threads it turns whatever they do."""
    return [kind for kind in kinds if "--threads" not in KINDS[kind]]


def test_a_stuck_worker_is_replaced(make_server: Serve, kinds: list[str]) -> None:
    def scenario(server: Server) -> None:
        with server.connect() as wire:
            wire.send(get("/spin?600"))
            server.wait_for_log("WORKER TIMEOUT")
            wire.read_until_eof()
        assert (server.folder / "aborted").exists()
        wait_until(lambda: get_status(server) == 200)

    config = "def worker_abort(worker): open('aborted', 'w').close()"
    everywhere(make_server, blocked(kinds), scenario, APP, "--timeout", "2", config=config)


@pytest.mark.parametrize("kind", ["gthread", "asgi", pytest.param("gaiohttp", marks=pytest.mark.slow)])
def test_long_requests_in_all_threads_cost_no_worker(serve: Serve, kind: str) -> None:
    server = serve(APP, "-k", kind, "--threads", "2", "--timeout", "1")
    before = server.worker_pids()
    with server.connect() as one, server.connect() as other:
        for wire in (one, other):
            wire.send(get("/slow?4"))
        for wire in (one, other):
            assert wire.read_response().status == 200
    assert server.worker_pids() == before
    assert "WORKER TIMEOUT" not in server.log()


STUCK = """
class Stuck:
    def __iter__(self):
        yield b"some"
    def close(self):
        spin()

def spin():
    while True:
        pass

def stuck_later():
    yield b"some"
    spin()

def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/call":
        spin()
    start_response("200 OK", [])
    return {"/close": Stuck, "/next": stuck_later}.get(path, list)()
"""


def test_a_stuck_worker_leaves_lines(make_server: Serve, kinds: list[str]) -> None:
    """Wherever the application is stuck, the access log has one line of its request."""
    def scenario(server: Server) -> None:
        for path, line in (("/call", " 504 "), ("/next", " 200 4 "), ("/close", " 200 4 ")):
            with server.connect() as wire:
                wire.send(get(path))
                wire.read_until_eof()
            log = server.folder / "access.log"
            wait_until(lambda: f'"GET {path} HTTP/1.1"{line}' in log.read_text(), what=server.describe)  # noqa: B023
            wait_until(server.serves)
            assert log.read_text().count(f"GET {path} ") == 1

    everywhere(make_server, blocked(kinds), scenario, STUCK, "--timeout", "2", "--access-logfile", "access.log")


def test_a_quick_stop_does_not_wait(make_server: Serve, kinds: list[str]) -> None:
    def scenario(server: Server) -> None:
        with server.connect() as wire:
            # Longer than anybody waits for the stop.
            wire.send(get("/stream?quick,100000,0.05"))
            assert wire.fill()
            server.stop(signal.SIGINT)
        assert (server.folder / "hurried").exists()

    everywhere(make_server, kinds, scenario, APP, config="def worker_int(worker): open('hurried', 'w').close()")


def test_what_does_not_end_is_cut(make_server: Serve, kinds: list[str]) -> None:
    def scenario(server: Server) -> None:
        with server.connect() as wire:
            wire.send(get("/stream?endless,100000,0.02"))
            assert wire.fill()
            server.send_signal(signal.SIGTERM)
            wire.read_until_eof()
        server.wait()

    everywhere(make_server, kinds, scenario, APP, "--graceful-timeout", "1")


def test_time_limits_and_streamed_uploads(make_server: Serve, kinds: list[str]) -> None:
    def scenario(server: Server) -> None:
        with server.connect() as silent, server.connect() as head, server.connect() as upload:
            body = b"0123456789" * 2000
            upload.send(post(body)[:-15000])
            head.send(b"GET / HTTP/1.1\r\nHos")
            upload.send(body[-15000:-5000])
            upload.send(body[-5000:] + get("/"))
            assert upload.read_response("POST").body == body
            assert upload.read_response().status == 200
            with server.connect() as kept:
                kept.send(get("/"))
                assert kept.read_response().status == 200
                kept.expect_eof()
            assert head.read_response().status == 408
            for wire in (silent, head):
                wire.expect_eof()
        with server.connect() as body_late:
            body_late.send(post(b"x" * 100)[:-50])
            # The application has the request, finds that its body breaks off, and leaves the answer to the server.
            assert body_late.read_response("POST").status == 408
            body_late.expect_eof()

    everywhere(
        make_server, kinds, scenario, APP, "--no-buffer-request-body", "--header-timeout", "3", "--body-timeout", "3",
        "--keep-alive", "3",
    )


def get_status(server: object) -> int:
    try:
        with server.connect() as wire:  # type: ignore[attr-defined]
            wire.send(get("/"))
            return int(wire.read_response().status)
    except (OSError, AssertionError, EOFError):
        return 0


def test_many_clients_at_once(server: Server) -> None:
    wrong: list[object] = []

    def client(name: int) -> None:
        with server.connect() as wire:
            for number in range(60):
                body = f"{name}-{number}".encode() * (1 + number * 20)
                wire.send(post(body))
                answer = wire.read_response("POST")
                if answer.body != body:
                    wrong.append((name, number, answer.status))

    clients = [threading.Thread(target=client, args=(name,)) for name in range(16)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    assert not wrong


def test_half_closed_clients_are_answered(server: Server) -> None:
    with server.connect() as wire:
        wire.send(get("/slow?0.1"))
        wire.finish_sending()
        assert wire.read_response().status == 200
        wire.expect_eof()


@pytest.mark.parametrize("name", SIDE_BY_SIDE)
def test_requests_run_side_by_side(name: str, servers: Servers) -> None:
    server = servers(name)
    wires = [server.connect() for _ in range(4)]
    for wire in wires:
        # Each waits for all four to be running.
        wire.send(get("/together?4"))
    for wire in wires:
        assert wire.read_response().status == 200
        wire.close()


@pytest.mark.parametrize("name", PARAMS)
def test_no_limit_of_connections(name: str, serve: Serve) -> None:
    """0 stands for no limit, not for nobody."""
    server = serve(HELLO, *KINDS[name], "--worker-connections", "0")
    assert [server.get().status for _ in range(3)] == [200] * 3


def test_clients_are_read_from_while_all_threads_are_busy(serve: Serve) -> None:
    """A download goes on although nobody is free: the main thread takes the lead."""
    server = serve(APP, "-k", "gthread", "--threads", "2")
    with server.connect() as reader, server.connect() as one, server.connect() as two:
        reader.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        reader.send(get("/big"))
        assert reader.fill()
        one.send(get("/gate?open"))
        two.send(get("/gate?open"))
        waiting = server.folder / "waiting"
        wait_until(lambda: waiting.exists() and waiting.read_text() == "..", what="both threads to be busy")
        assert len(reader.read_response().body) == 5_000_000
        assert not select.select([one.socket, two.socket], [], [], 0)[0], "both threads are busy still"
        (server.folder / "open").touch()
        assert one.read_response().status == two.read_response().status == 200
