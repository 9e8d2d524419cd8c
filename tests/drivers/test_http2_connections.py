"""How connections of HTTP/2 begin, what is theirs and not a stream's, and how they end; with real processes."""

from __future__ import annotations

import json
import random
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Serve
from tests.drivers.http2_apps import (
    ASGI,
    BIG,
    CLEARTEXT,
    CONCURRENT,
    WORKERS,
    WSGI,
    Servers,
    arguments,
    connect,
    shared,
)
from tests.support.http2 import (
    LARGEST,
    NO_ERROR,
    PREFACE,
    REFUSED_STREAM,
    SETTINGS,
    Farewell,
    HTTP2Client,
    connected,
)
from tests.support.server import Server, is_alive
from tests.support.wait import PATIENCE, wait_until
from tests.tls.conftest import Authority
from tests.workers.test_scoreboard import CONFIG as BOARD

ASGI_APP = "asgi-app"
#: Path, content of the request, content of the answer.
STORM = [
    ("/", None, b"Hello, World!"), ("/big?50000", None, BIG[:50_000]), ("/big?150000", None, BIG[:150_000]),
    ("/parts?150000", None, BIG[:150_000]), ("/file?150000", None, BIG[:150_000]), ("/file?100", None, BIG[:100]),
    ("/echo", BIG[:300], BIG[:300]), ("/echo", BIG[:200_000], BIG[:200_000]), ("/pieces", BIG[:100], BIG[:100]),
    ("/ignore", BIG[:100_000], b"not read"), ("/write", None, b"written twice, returned"),
    ("/hints", None, b"Hello, World!"), ("/status?204+No+Content", None, b""),
]
STORM_ASGI = [
    ("/", None, b"Hello, World!"), ("/big?50000", None, BIG[:50_000]), ("/big?150000", None, BIG[:150_000]),
    ("/parts?150000", None, BIG[:150_000]),
    ("/echo", BIG[:300], BIG[:300]), ("/echo", BIG[:200_000], BIG[:200_000]), ("/duplex", b"a" * 100, b"A" * 100),
    ("/hints", None, b"Hello, World!"), ("/status?204", None, b""), ("/trailers?100000", None, b"a" * 100_000),
]
SETTINGS_FRAME = b"\0\0\0\4\0\0\0\0\0"


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    yield from shared(tmp_path_factory, "--access-logfile", "-")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    made = Authority(tmp_path_factory.mktemp("pki"))
    made.issue("server", "localhost")
    return made


@pytest.fixture(scope="module")
def secure(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    files = ("--certfile", f"{authority.folder}/server.pem", "--keyfile", f"{authority.folder}/server.key")
    yield from shared(tmp_path_factory, *files, "--http-protocols", "h2,h1")


@pytest.fixture
def context(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(authority.folder / "ca.pem"))


def gone(server: Server, kind: str) -> int:
    """How often the application has heard that its client has left."""
    return size(server, "http.disconnect" if kind == ASGI_APP else "gone")


@pytest.fixture(scope="module")
def storms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    yield from shared(tmp_path_factory, "--no-buffer-request-body", hurried=True)


def run(serve: Serve, kind: str, *args: str, **options: object) -> Server:
    """A server of one test's own."""
    chosen = ("-k", "asgi") if kind == ASGI_APP else arguments(kind)
    server = serve(ASGI if kind == ASGI_APP else WSGI, *chosen, *CLEARTEXT, *args, **options)
    (server.folder / "big.bin").write_bytes(BIG)
    return server


class TestTLS:
    @pytest.mark.parametrize("kind", [*WORKERS, ASGI_APP])
    def test_by_alpn(self, secure: Servers, context: ssl.SSLContext, kind: str) -> None:
        with HTTP2Client.tls(secure(kind).port, context, ("h2", "http/1.1")) as client:
            assert client.request(scheme="https").body == b"Hello, World!"
            assert client.request("/big").body == BIG
            assert client.request("/echo", body=BIG, method="POST").body == BIG
            if kind == ASGI_APP:
                assert client.request("/scope", scheme="http").json()["scheme"] == "https"
            else:
                assert client.request("/environ", scheme="http").json()["wsgi.url_scheme"] == "https"
                assert client.request("/file").body == BIG
            assert not client.farewells

    @pytest.mark.parametrize("kind", WORKERS)
    @pytest.mark.parametrize("offers", [[], ["http/1.1"]], ids=["no ALPN", "http/1.1"])
    def test_http_1_on_the_same_port(
        self, secure: Servers, context: ssl.SSLContext, kind: str, offers: list[str]
    ) -> None:
        context.set_alpn_protocols(offers)
        with context.wrap_socket(connected(("127.0.0.1", secure(kind).port)), server_hostname="localhost") as wire:
            wire.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert whole(wire).startswith(b"HTTP/1.1 200 OK\r\n")

    @pytest.mark.parametrize(("protocols", "offers", "chosen"), [
        ("h2,h1", ["h2", "http/1.1"], "h2"),
        ("h2,h1", ["http/1.1", "h2"], "h2"),
        ("h1,h2", ["h2", "http/1.1"], "http/1.1"),
        ("h1,h2", ["h2"], "h2"),
        ("h2", ["http/1.1", "h2"], "h2"),
    ])
    def test_what_is_chosen(
        self, serve: Serve, authority: Authority, context: ssl.SSLContext, protocols: str, offers: list[str],
        chosen: str,
    ) -> None:
        files = ("--certfile", f"{authority.folder}/server.pem", "--keyfile", f"{authority.folder}/server.key")
        server = serve(WSGI, *files, "--http-protocols", protocols)
        context.set_alpn_protocols(offers)
        with context.wrap_socket(connected(("127.0.0.1", server.port)), server_hostname="localhost") as wire:
            assert wire.selected_alpn_protocol() == chosen
            if chosen == "h2":
                assert HTTP2Client(wire).request().body == b"Hello, World!"


class TestPriorKnowledge:
    @pytest.mark.parametrize("kind", WORKERS)
    def test_in_single_octets(self, servers: Servers, kind: str) -> None:
        server = servers(kind)
        client = HTTP2Client(connected(server.address), starts=False)
        with client:
            client.h2.initiate_connection()
            client.begin(flush=False)
            data = client.h2.data_to_send()
            assert data.startswith(PREFACE)
            for place in range(len(data)):
                client.socket.sendall(data[place:place + 1])
            assert client.answer(1).body == b"Hello, World!"

    @pytest.mark.parametrize(("args", "why"), [
        (("--http2-cleartext", "off"), "http2_cleartext does not allow"),
        (("--http2-cleartext", "upgrade"), "HTTP/2 without TLS, which http2_cleartext does not allow"),
        ((*CLEARTEXT, "--forwarded-allow-ips", "10.0.0.1"), "HTTP/2 without TLS, of a peer .* forwarded_allow_ips"),
    ], ids=["off", "upgrade", "not trusted"])
    def test_where_it_is_not_allowed(self, serve: Serve, args: tuple[str, ...], why: str) -> None:
        server = serve(WSGI, *args)
        with server.connect() as wire:
            wire.send(PREFACE + SETTINGS_FRAME)
            assert wire.read_response().status == 505
            wire.read_until_eof()
        server.wait_for_log(f"Invalid request from ip=127.0.0.1: .*{why}")


class TestUpgrade:
    @pytest.mark.parametrize("kind", WORKERS)
    def test_of_a_get(self, servers: Servers, kind: str) -> None:
        with HTTP2Client.upgrade(servers(kind).address, "GET /environ?a=b HTTP/1.1\nHost: name.test") as client:
            seen = client.answer(1).json()
            assert (seen["SERVER_PROTOCOL"], seen["HTTP_HOST"]) == ("HTTP/2.0", "name.test")
            assert seen["QUERY_STRING"] == "a=b"
            # Stream 1 was that; the next one is 3.
            assert client.begin("/big") == 3
            assert client.answer(3).body == BIG

    @pytest.mark.parametrize("kind", WORKERS)
    def test_of_a_post(self, servers: Servers, kind: str) -> None:
        body = BIG[:100_000]
        head = "POST /echo HTTP/1.1\nHost: name.test\nContent-Length: 100000"
        with HTTP2Client.upgrade(servers(kind).address, head, body) as client:
            assert client.answer(1).body == body
            assert client.request("/echo", body=body, method="POST").body == body

    @pytest.mark.parametrize("args", [
        ("--http2-cleartext", "off"), ("--http2-cleartext", "prior-knowledge"),
        (*CLEARTEXT, "--forwarded-allow-ips", "10.0.0.1"),
    ], ids=["off", "prior-knowledge", "not trusted"])
    def test_where_it_is_not_allowed(self, serve: Serve, args: tuple[str, ...]) -> None:
        server = serve(WSGI, *args)
        with server.connect() as wire:
            # The request is served all the same, its body with it, and the next one as well.
            for _ in range(2):
                wire.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                          b"HTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: 7\r\n\r\ncontent")
                answer = wire.read_response("POST")
                assert (answer.status, answer.body) == (200, b"content")

    def test_behind_an_ordinary_request(self, servers: Servers) -> None:
        server = servers("sync")
        wire = server.connect()
        wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert wire.read_response().body == b"Hello, World!"
        with HTTP2Client.upgrade(wire.socket, "GET /environ HTTP/1.1\nHost: name.test") as client:
            assert client.answer(1).json()["SERVER_PROTOCOL"] == "HTTP/2.0"
            assert client.request().body == b"Hello, World!"

    def test_alone(self, serve: Serve) -> None:
        server = serve(WSGI, "--http2-cleartext", "upgrade")
        with HTTP2Client.upgrade(server.address, "GET / HTTP/1.1\nHost: name.test") as client:
            assert client.answer(1).body == b"Hello, World!"

    def test_prior_knowledge_alone(self, serve: Serve) -> None:
        with connect(serve(WSGI, "--http2-cleartext", "prior-knowledge")) as client:
            assert client.request().body == b"Hello, World!"


class TestLimits:
    def test_of_requests(self, serve: Serve) -> None:
        limits = ("--limit-request-line", "100", "--limit-request-fields", "5", "--limit-request-field_size", "200")
        server = run(serve, "sync", *limits)
        with connect(server) as client:
            fields = [(f"x-{number}", "v") for number in range(6)]
            assert client.request("/" + "a" * 100).status == 414
            assert client.request("/", *fields).status == 431
            assert client.request("/", ("x-long", "v" * 300)).status == 431
            # With the host there are five.
            assert client.request("/", *fields[:5]).status == 431
            assert client.request("/", *fields[:4]).status == 200

    @pytest.mark.parametrize("told", [True, False], ids=["content-length", "no length"])
    def test_of_bodies(self, serve: Serve, told: bool) -> None:
        server = run(serve, "sync", "--limit-request-body", "1000")
        with connect(server) as client:
            for size, status in ((1001, 413), (50_000, 413), (1000, 200)):
                fields = [("content-length", str(size))] if told else []
                stream = client.begin("/echo", *fields, method="POST", ends=False)
                client.send(stream, b"x" * size)
                answer = client.answers[stream]
                client.until(lambda: answer.ended)  # noqa: B023
                assert answer.status == status
            assert client.request().status == 200

    @pytest.mark.parametrize("kind", ["sync", "gthread", "gevent"])
    def test_of_streamed_bodies(self, serve: Serve, kind: str) -> None:
        args = ("--limit-request-body", "1000", "--no-buffer-request-body")
        with connect(run(serve, kind, *args, expect_traceback=True)) as client:
            stream = client.begin("/echo", ("content-length", "1001"), method="POST", ends=False)
            client.until(lambda: client.answers[stream].ended)
            assert client.answers[stream].status == 413
            for _ in range(40):
                # Of a length that nobody has told; the application hears of it in the middle.
                stream = client.begin("/echo", method="POST", ends=False)
                client.send(stream, b"x" * 60_000)
                answer = client.answers[stream]
                client.until(lambda: answer.ended or answer.reset is not None)  # noqa: B023
                assert answer.status in (413, 500)
            assert client.request("/echo", body=b"x" * 1000, method="POST").status == 200

    @pytest.mark.parametrize("kind", ["gthread", "asgi", ASGI_APP])
    def test_of_concurrency(self, serve: Serve, kind: str) -> None:
        server = run(serve, kind, "--limit-concurrency", "2")
        with connect(server) as client:
            waiting = [client.begin("/wait?go") for _ in range(2)]
            wait_until(lambda: size(server, "waiting") == 2)
            answer = client.request("/open?go")
            assert answer.status == 503
            with connect(server) as other:
                assert other.request("/open?go").status == 503
            for stream in waiting:
                client.reset(stream)

    def test_of_streams(self, serve: Serve) -> None:
        server = run(serve, ASGI_APP, "--http2-max-concurrent-streams", "5")
        with connect(server) as client:
            client.until(lambda: any(frame.kind == SETTINGS for frame in client.frames))
            assert client.h2.remote_settings.max_concurrent_streams == 5
            waiting = [client.begin("/wait?go") for _ in range(4)]
            client.request("/open?go")
            assert [client.answer(stream).status for stream in waiting] == [200] * 4


@pytest.mark.parametrize("kind", ["sync", "gthread", "gevent", ASGI_APP])
def test_scoreboard(serve: Serve, kind: str) -> None:
    server = run(serve, kind, config=BOARD, expect_traceback=True)
    with connect(server) as client:
        for path in ("/", "/", "/raise"):
            client.request(path)
        expected = {"requests": 3, "errors": 1, "connections": 1}
        wait_until(lambda: expected.items() <= board(server).items(), what=lambda: str(board(server)))
        if kind not in ("sync", "tornado"):
            waiting = [client.begin("/wait?seen") for _ in range(3)]
            wait_until(lambda: board(server)["running"] == 3, what=lambda: str(board(server)))
            client.request("/open?seen")
            for stream in waiting:
                client.answer(stream)
        wait_until(lambda: board(server)["running"] == 0, what=lambda: str(board(server)))


def board(server: Server) -> dict[str, Any]:
    wait_until(lambda: (server.folder / "board.json").exists())
    pages = json.loads((server.folder / "board.json").read_text())
    return dict(pages[0]) if pages else {"requests": -1, "errors": -1, "running": -1}


@pytest.fixture(scope="module")
def curl() -> str:
    found = shutil.which("curl")
    if found is None or "HTTP2" not in subprocess.run([found, "-V"], capture_output=True, text=True).stdout:
        pytest.skip("no curl that speaks HTTP/2")
    return found


@pytest.mark.parametrize("size", [65536, 150_000, 1_000_000])
def test_curl_is_answered_before_it_has_sent_all(servers: Servers, curl: str, size: int) -> None:
    """It shows no response that comes together with a reset."""
    done = subprocess.run(
        [curl, "-sS", "--http2-prior-knowledge", "-w", "%{http_code}", "-o", "/dev/null", "--data-binary", "@-",
         f"{servers(ASGI_APP).url}/scope"],
        input=b"a" * size, capture_output=True, timeout=PATIENCE,
    )
    assert (done.stdout, done.stderr, done.returncode) == (b"200", b"", 0)


@pytest.mark.parametrize("offer", ["--http2", "--http2-prior-knowledge"])
def test_curl(servers: Servers, curl: str, offer: str, tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(BIG)
    url = servers("gthread").url
    done = subprocess.run(
        [curl, "-sS", offer, "-w", "%{http_version}", "-o", tmp_path / "out", "-T", tmp_path / "body", f"{url}/echo"],
        capture_output=True, text=True, timeout=PATIENCE,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("2", "", 0)
    assert (tmp_path / "out").read_bytes() == BIG


def test_httpx(secure: Servers, context: ssl.SSLContext) -> None:
    httpx = pytest.importorskip("httpx")
    cookies = {"a": "1", "b": "2"}
    with httpx.Client(http1=False, http2=True, verify=context, cookies=cookies, timeout=PATIENCE) as client:
        base = f"https://localhost:{secure('gthread').port}"
        assert client.get(f"{base}/environ").json()["HTTP_COOKIE"] == "a=1; b=2"
        answer = client.post(f"{base}/echo", content=BIG)
        assert (answer.http_version, answer.content) == ("HTTP/2", BIG)


def test_statsd(serve: Serve) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        sink.bind(("127.0.0.1", 0))
        sink.settimeout(60)
        server = run(serve, "sync", "--statsd-host", f"127.0.0.1:{sink.getsockname()[1]}")
        heard = b""
        with connect(server) as client:
            client.request()
            client.request("/status?404+Not+Found")
            while not (b"gunicorn.request.status.404:1|c" in heard and b"gunicorn.request.status.200:1|c" in heard):
                heard += sink.recv(65536) + b"\n"
        assert heard.count(b"gunicorn.requests:1|c") == 2
        assert heard.count(b"gunicorn.request.duration:") == 2


class TestFarewell:
    @pytest.mark.parametrize("kind", [*CONCURRENT, ASGI_APP])
    def test_while_a_stream_runs(self, serve: Serve, kind: str) -> None:
        server = run(serve, kind)
        with connect(server) as client:
            client.request()
            stream = client.begin("/drip?go")
            client.until(lambda: client.answers[stream].body)
            server.send_signal(signal.SIGTERM)
            # Nobody is to open streams any more; and when the client knows, which of them are served.
            client.until(lambda: client.farewells)
            assert client.farewells == [Farewell(LARGEST, NO_ERROR)]
            client.until(lambda: len(client.farewells) == 2)
            assert client.farewells[1] == Farewell(stream, NO_ERROR)
            assert len(client.pings) == 1
            (server.folder / "go").touch()
            answer = client.answer(stream)
            assert (answer.status, answer.body) == (200, b"firstlast")
            client.until_eof()
        assert server.wait() == 0

    @pytest.mark.parametrize("kind", ["gthread", "gevent", ASGI_APP])
    def test_to_a_client_that_goes_on(self, serve: Serve, kind: str) -> None:
        """What a client has sent before it heard is no fault of its (RFC 9113 section 6.8)."""
        server = run(serve, kind)
        with connect(server) as client:
            stream = client.begin("/drip?go")
            client.until(lambda: client.answers[stream].body)
            server.send_signal(signal.SIGTERM)
            client.until(lambda: client.farewells)
            # After the first farewell everything is served.
            early = client.begin("/echo", method="POST", ends=False)
            client.send(early, b"x" * 30_000)
            client.until(lambda: len(client.farewells) == 2)
            last = client.farewells[1].last
            late = []
            for _ in range(30):
                late.append(client.begin("/echo", method="POST", ends=False))
                client.h2.send_data(late[-1], b"x" * 2000, end_stream=True)
                client.flush()
            client.ping()
            (server.folder / "go").touch()
            assert client.answer(stream).body == b"firstlast"
            if early <= last:
                assert client.answer(early).body == b"x" * 30_000
            client.until_eof()
            assert [farewell.code for farewell in client.farewells] == [NO_ERROR, NO_ERROR]
            assert not any(client.answers[each].status for each in late)
        assert server.wait() == 0

    @pytest.mark.parametrize("kind", ["sync", "tornado"])
    def test_behind_the_one_that_runs(self, serve: Serve, kind: str) -> None:
        server = run(serve, kind)
        with connect(server) as client:
            stream = client.begin("/drip?go")
            client.until(lambda: client.answers[stream].body)
            behind = [client.begin() for _ in range(3)]
            server.send_signal(signal.SIGTERM)
            server.wait_for_log("Handling signal: term")
            (server.folder / "go").touch()
            assert client.answer(stream).body == b"firstlast"
            for each in behind:
                assert client.answer(each).body == b"Hello, World!"
            client.until_eof()
            assert client.farewells[-1] == Farewell(behind[-1], NO_ERROR)
        assert server.wait() == 0

    @pytest.mark.parametrize("kind", ["sync", "gthread", "gevent", "tornado", ASGI_APP])
    def test_of_an_idle_connection(self, serve: Serve, kind: str) -> None:
        server = run(serve, kind)
        with connect(server) as client, connect(server) as fresh:
            client.request()
            fresh.ping()
            server.send_signal(signal.SIGTERM)
            client.until_eof()
            fresh.until_eof()
            assert client.farewells[-1] == Farewell(1, NO_ERROR)
            assert fresh.farewells[-1] == Farewell(0, NO_ERROR)
        assert server.wait() == 0

    @pytest.mark.parametrize("kind", ["sync", "gthread", ASGI_APP])
    def test_when_keep_alive_is_over(self, serve: Serve, kind: str) -> None:
        with connect(run(serve, kind, "--keep-alive", "1")) as client:
            client.request()
            client.until_eof()
            assert client.farewells[-1] == Farewell(1, NO_ERROR)

    def test_without_keep_alive(self, serve: Serve) -> None:
        # Streams of a connection are not what is kept alive.
        with connect(run(serve, "sync", "--keep-alive", "0")) as client:
            for _ in range(20):
                assert client.request().status == 200
            client.until_eof()
            assert client.farewells[-1] == Farewell(39, NO_ERROR)

    @pytest.mark.parametrize("kind", [*WORKERS, ASGI_APP])
    def test_at_a_reload_nothing_is_lost(self, serve: Serve, kind: str) -> None:
        server = run(serve, kind)
        seen: set[bytes] = set()
        for count in (2, 3):
            ask_until(server, seen, count, lambda: server.send_signal(signal.SIGHUP))

    @pytest.mark.parametrize("kind", ["sync", "gthread", ASGI_APP])
    def test_when_a_worker_has_served_enough_nothing_is_lost(self, serve: Serve, kind: str) -> None:
        ask_until(run(serve, kind, "--max-requests", "30"), set(), 3)


class TestClientsThatLeave:
    @pytest.mark.parametrize("kind", [*WORKERS, ASGI_APP])
    def test_by_resetting_a_stream(self, servers: Servers, kind: str) -> None:
        server = servers(kind)
        with connect(server) as client:
            asked, told = size(server, "asked"), gone(server, kind)
            stream = client.begin("/gone")
            wait_until(lambda: size(server, "asked") == asked + 1)
            client.reset(stream)
            wait_until(lambda: gone(server, kind) == told + 1)
            assert client.request().body == b"Hello, World!"
            assert not client.farewells

    @pytest.mark.parametrize("kind", [*WORKERS, ASGI_APP])
    def test_by_a_reset_of_the_connection(self, servers: Servers, kind: str) -> None:
        server = servers(kind)
        workers = server.worker_pids()
        paths = ["/big", "/parts"] if kind == ASGI_APP else ["/big", "/parts", "/file"]
        for path in paths:
            client = connect(server, takes=False, window=1000)
            streams = [client.begin(path) for _ in range(10)]
            client.until(lambda: client.answers[streams[0]].body)  # noqa: B023
            client.vanish()
            with connect(server) as other:
                assert other.request().body == b"Hello, World!"
        count = 1 if kind in ("sync", "tornado") else 3
        asked, told = size(server, "asked"), gone(server, kind)
        client = connect(server)
        for _ in range(count):
            client.begin("/gone")
        wait_until(lambda: size(server, "asked") == asked + count)
        client.vanish()
        wait_until(lambda: gone(server, kind) == told + count)
        with connect(server) as other:
            assert other.request().body == b"Hello, World!"
        assert server.worker_pids() == workers
        assert all(map(is_alive, workers))


@pytest.mark.parametrize("kind", WORKERS)
def test_applications_that_wait_for_a_client_that_leaves(serve: Serve, kind: str) -> None:
    server = run(serve, kind, "--response-buffer-size", "131072")
    count = 4 if kind in CONCURRENT else 1
    for turn, leave in enumerate((reset_all, HTTP2Client.vanish), 1):
        with connect(server, takes=False, window=1000) as client:
            streams = [client.begin("/endless?closed") for _ in range(count)]
            for stream in streams:
                client.until(lambda: len(client.answers[stream].body) == 1000)  # noqa: B023
            # They are held up by their own windows, and go on when these are opened.
            client.open(10_000_000)
            for stream in streams:
                client.open(1_000_000, stream)
                client.until(lambda: len(client.answers[stream].body) == 1_001_000)  # noqa: B023
            leave(client)
            wait_until(lambda: size(server, "closed") == turn * count)  # noqa: B023
    with connect(server) as other:
        assert other.request().body == b"Hello, World!"


def reset_all(client: HTTP2Client) -> None:
    for stream in client.answers:
        client.reset(stream)
    assert client.request().body == b"Hello, World!"


@pytest.mark.parametrize("kind", ["sync", "gthread", "gevent", "asgi", ASGI_APP])
def test_a_storm(storms: Servers, kind: str) -> None:
    """Hundreds of streams of all sorts on a few connections: what is complete is right, and nothing is left behind."""
    server = storms(kind)
    failures: list[BaseException] = []
    threads = [threading.Thread(target=storm, args=(server, kind, number, failures)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    with connect(server) as client:
        assert client.request().body == b"Hello, World!"


def storm(server: Server, kind: str, seed: int, failures: list[BaseException]) -> None:
    chance = random.Random(seed)
    try:
        with connect(server, window=chance.choice([1000, 65535, 1_000_000])) as client:
            expected: dict[int, bytes] = {}
            for _ in range(100):
                path, body, whole = chance.choice(STORM_ASGI if kind == ASGI_APP else STORM)
                if body is None:
                    stream = client.begin(path, ("priority", f"u={chance.randrange(8)}"))
                else:
                    stream = client.begin(path, method="POST", ends=False)
                    client.send(stream, body)
                lot = chance.random()
                answer = client.answers[stream]
                if lot < 0.2 and not answer.ended:
                    client.reset(stream)
                    continue
                expected[stream] = whole
                if lot < 0.4 or len(expected) > 50:
                    for each in expected:
                        assert client.answer(each).body == expected[each]
                    expected.clear()
            for each in expected:
                assert client.answer(each).body == expected[each]
            assert not client.farewells
    except BaseException as error:
        failures.append(error)


@pytest.mark.parametrize("kind", ["gthread", "gevent", "asgi", ASGI_APP])
def test_a_request_that_takes_too_long(make_server: Serve, kind: str) -> None:
    server = run(make_server, kind, "--request-timeout", "1").start()
    with connect(server) as client:
        stream = client.begin("/wait?never")
        assert client.request().body == b"Hello, World!"
        answer = client.answer(stream)
        assert (answer.status, answer.reset) == (504, None)
        again = client.begin()
        while not client.answers[again].ended and client.step():
            pass
        if kind in ("gevent", ASGI_APP):
            assert not client.farewells
        if client.answers[again].ended:
            assert client.answers[again].body == b"Hello, World!"
        else:
            # A thread cannot be broken off: its worker makes room for another one.
            assert client.farewells, client.frames
            assert client.farewells[-1].last < again


@pytest.mark.slow
class TestTimeLimits:
    @pytest.mark.parametrize(("kind", "streams"), [
        ("sync", False), ("sync", True), ("gthread", True), ("gevent", True), (ASGI_APP, False),
    ])
    def test_of_bodies(self, serve: Serve, kind: str, streams: bool) -> None:
        more = ["--no-buffer-request-body"] if streams else []
        server = run(serve, kind, "--body-timeout", "1", *more, expect_traceback=kind == ASGI_APP)
        with connect(server) as client:
            stream = client.begin("/echo", method="POST", ends=False)
            client.send(stream, b"some", ends=False)
            answer = client.answers[stream]
            client.until(lambda: answer.status or answer.reset is not None)
            assert answer.status == 408
            assert client.request().body == b"Hello, World!"
            assert not client.farewells

    @pytest.mark.parametrize(("kind", "path"), [
        ("sync", "/parts"), ("gthread", "/big"), ("gevent", "/parts"), (ASGI_APP, "/big"),
    ])
    def test_of_answers(self, serve: Serve, kind: str, path: str) -> None:
        server = run(serve, kind, "--send-timeout", "1", expect_traceback=True)
        with connect(server, takes=False, window=1000) as client:
            stream = client.begin(path)
            answer = client.answer(stream)
            assert (answer.status, len(answer.body), answer.reset) == (200, 1000, 2)
            assert client.request().body == b"Hello, World!"
            assert not client.farewells

    def test_of_the_preface(self, serve: Serve) -> None:
        server = run(serve, "sync", "--header-timeout", "1")
        with connected(server.address) as wire:
            wire.sendall(PREFACE[:20])
            assert b"HTTP/2" not in whole(wire)
        client = HTTP2Client(connected(server.address), starts=False)
        with client:
            client.socket.sendall(PREFACE)
            client.h2.initiate_connection()
            client.until_eof()
            assert client.farewells[-1].code != NO_ERROR

    @pytest.mark.parametrize("kind", ["gthread", ASGI_APP])
    def test_of_a_stop(self, make_server: Serve, kind: str) -> None:
        server = run(make_server, kind, "--graceful-timeout", "1").start()
        with connect(server) as client:
            stream = client.begin("/drip?never")
            client.until(lambda: client.answers[stream].body)
            server.send_signal(signal.SIGTERM)
            client.until_eof()
            answer = client.answers[stream]
            # Whatever it is told, not that this was all.
            assert not answer.ended
            assert client.farewells[-1] == Farewell(stream, NO_ERROR)


class TestPeers:
    def test_over_a_unix_socket(self, serve: Serve, tmp_path: Path) -> None:
        server = run(serve, "sync", bind=f"unix:{tmp_path}/s")
        with connect(server) as client:
            seen = client.request("/environ").json()
            assert (seen["REMOTE_ADDR"], seen["SERVER_PROTOCOL"]) == ("", "HTTP/2.0")

    def test_behind_the_proxy_protocol(self, serve: Serve) -> None:
        server = run(serve, "sync", "--proxy-protocol", "v1")
        client = HTTP2Client(connected(server.address), starts=False)
        with client:
            client.socket.sendall(b"PROXY TCP4 192.0.2.7 192.0.2.8 1234 80\r\n")
            client.h2.initiate_connection()
            client.flush()
            assert client.request("/environ").json()["REMOTE_ADDR"] == "192.0.2.7"
            assert client.request("/environ").json()["REMOTE_ADDR"] == "192.0.2.7"

    def test_of_trusted_proxies(self, serve: Serve) -> None:
        server = run(serve, "sync")
        with connect(server) as client:
            seen = client.request("/environ", ("x-forwarded-proto", "https")).json()
            assert seen["wsgi.url_scheme"] == "https"
            assert client.request("/environ").json()["wsgi.url_scheme"] == "http"

    @pytest.mark.parametrize("kind", ["sync", ASGI_APP])
    def test_proxies_are_told_no_farewell(self, serve: Serve, kind: str) -> None:
        server = run(serve, kind)
        with connect(server) as client:
            client.request("/", ("x-forwarded-for", "192.0.2.1"))
            server.send_signal(signal.SIGTERM)
            client.until_eof()
            assert not client.farewells
        assert server.wait() == 0


    @pytest.mark.parametrize("kind", ["gthread", ASGI_APP])
    def test_a_proxy_that_is_never_idle(self, serve: Serve, kind: str) -> None:
        """What it asks for when its worker is about to leave it may ask of another one: that is refused, without a
        farewell, and what runs comes to its end."""
        server = run(serve, kind)
        with connect(server) as client:
            client.request("/", ("x-forwarded-for", "192.0.2.1"))
            running = client.begin("/drip?end")
            client.until(lambda: client.answers[running].body)
            server.send_signal(signal.SIGTERM)
            reset = None
            while reset is None:
                answer = client.answers[client.begin("/")]
                while not answer.ended and answer.reset is None:
                    assert client.step()
                reset = answer.reset
                # What keeps it busy is the one that runs; a loop without a pause would keep two processors so.
                time.sleep(0.02)
            assert reset == REFUSED_STREAM
            (server.folder / "end").touch()
            assert client.answer(running).ended
            client.until_eof()
            assert not client.farewells
        assert server.wait() == 0


def ask_until(server: Server, seen: set[bytes], count: int, meanwhile: Callable[[], object] | None = None) -> None:
    """Ask, five streams at a time, until so many processes have answered; `meanwhile` is called behind the first five.
    A stream without an answer is one that the server's farewell has left out, and is asked for again on the next
    connection."""
    while len(seen) < count:
        with connect(server) as client:
            while not client.farewells and not client.eof and len(seen) < count:
                streams = [client.begin("/pid", flush=False) for _ in range(5)]
                client.flush()
                for stream in streams:
                    answer = client.answers[stream]
                    while not answer.ended and answer.reset is None and client.step():
                        pass
                    if answer.ended:
                        assert answer.status == 200
                        seen.add(bytes(answer.body))
                    else:
                        assert client.farewells, f"stream {stream} was lost without a word: {client.frames[-20:]}"
                        assert stream > client.farewells[-1].last, f"stream {stream} was lost: {client.farewells}"
                if meanwhile is not None:
                    meanwhile()
                    meanwhile = None


def whole(wire: socket.socket) -> bytes:
    data = b""
    while piece := wire.recv(65536):
        data += piece
    return data


def size(server: Server, name: str) -> int:
    path = server.folder / name
    return path.stat().st_size if path.exists() else 0
