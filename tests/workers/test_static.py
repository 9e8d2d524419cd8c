"""Static files and allowed hosts on every worker type, on real sockets: the application hears nothing of them."""

from __future__ import annotations

import gzip
import json
import os
import signal
import socket
import ssl
from pathlib import Path

import pytest

from tests.conftest import Serve
from tests.master.scrape import face_of, samples, value
from tests.support.cgi import PACKERS, VARIABLES, changed, content_of
from tests.support.http2 import Answer, HTTP2Client
from tests.support.server import Server
from tests.support.static import DATE, HIDDEN, LARGE, SECRET, SMALL, make_site
from tests.support.wait import PATIENCE, wait_until
from tests.support.wire import Wire
from tests.tls.conftest import Authority, pki, ports
from tests.workers.kinds import at_once, everywhere

APP = """
import os, time
def app(environ, start_response):
    with open("calls", "a") as file:
        file.write(environ["PATH_INFO"] + "\\n")
    while environ["PATH_INFO"] == "/wait" and not os.path.exists("go"):
        time.sleep(0.01)
    start_response("200 OK", [("Content-Length", "3")])
    return [b"app"]
"""
__all__ = ["pki"]

HOSTS = ("--allowed-hosts", "example.com,.example.org,127.0.0.1,::1")
ARGS = (*HOSTS, "--access-logfile", "access", "--log-format", "json", "--request-id-header", "X-Request-ID",
        "--http-protocols", "h2,h1", "--http2-cleartext", "prior-knowledge", "--health-path", "/healthz",
        "--metrics-bind", "127.0.0.1:0")
#: Of `Host`, and the status.
NAMES = {
    "example.com": 200, "EXAMPLE.com:8000": 200, "a.example.org.": 200, "[::1]:80": 200, "127.0.0.1": 200,
    "example.net": 421, "example.com.evil.org": 421, "evil.org:80": 421, "[::2]": 421, "a b": 400, "": 400,
    "example.com@evil.org": 400,
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_site(tmp_path_factory.mktemp("static") / "files")


def ask(wire: Wire, path: str, *fields: str, method: str = "GET") -> tuple[int, bytes]:
    lines = [f"{method} {path} HTTP/1.1", "Host: example.com", *fields, "", ""]
    wire.send("\r\n".join(lines).encode())
    answer = wire.read_response(method)
    return answer.status, answer.body


def play_http1(server: Server, keeps: bool = True) -> None:
    """Everything that is asked for by HTTP/1, on one connection where that is kept."""
    with server.connect() as wire:
        wire.send(b"GET /static/small.css HTTP/1.1\r\nHost: example.com\r\nAccept-Encoding: gzip\r\n\r\n")
        answer = wire.read_response()
        assert gzip.decompress(answer.body) == SMALL
        told = {name: answer.get(name) for name in (
            "Content-Type", "Content-Encoding", "Vary", "Cache-Control", "Accept-Ranges", "Server")}
        assert told == {
            "Content-Type": "text/css; charset=utf-8", "Content-Encoding": "gzip", "Vary": "Accept-Encoding",
            "Cache-Control": "no-cache", "Accept-Ranges": "bytes", "Server": "gunicorn"}
        assert answer.get("Date")
        assert answer.get("X-Request-ID")
        assert answer.get("ETag")
        etag = answer.get("ETag")

    cases: list[tuple[tuple[str, ...], str, int, bytes | None]] = [
        (("/static/small.css",), "GET", 200, SMALL),
        (("/static/small.css",), "HEAD", 200, b""),
        (("/static/link.css",), "GET", 200, SMALL),
        (("/static/a%20b.txt?query",), "GET", 200, b"space"),
        (("/static/empty.txt",), "GET", 200, b""),
        (("/static/large.bin",), "GET", 200, LARGE),
        (("/static/large.bin",), "HEAD", 200, b""),
        (("/static/large.bin", "Range: bytes=1000000-1999999"), "GET", 206, LARGE[1000000:2000000]),
        (("/static/small.css", "Accept-Encoding: gzip", f"If-None-Match: {etag}"), "GET", 304, b""),
        (("/static/large.bin", f"If-Modified-Since: {DATE}"), "GET", 304, b""),
        (("/static/large.bin", "Range: bytes=99999999-"), "GET", 416, None),
        (("/static/small.css",), "POST", 405, None),
        (("/static/nothing",), "GET", 404, None),
        (("/%73tatic/small.css",), "GET", 200, SMALL),
        (("http://example.com/static/small.css",), "GET", 200, SMALL),
        (("/other",), "GET", 200, b"app"),
        (("/statics",), "GET", 200, b"app"),
    ]
    wire = server.connect()
    for (path, *fields), method, status, content in cases:
        answered = ask(wire, path, *fields, method=method)
        assert answered == (status, answered[1] if content is None else content), (path, fields, method)
        if not keeps:
            wire.close()
            wire = server.connect()
    wire.close()


def play_http2(server: Server, client: HTTP2Client) -> None:
    def ask(path: str, *fields: tuple[str, str], authority: str = "example.com", method: str = "GET") -> Answer:
        return client.request(path, *fields, authority=authority, method=method)

    assert ask("/static/small.css").body == SMALL
    streams = [client.begin(f"/static/{name}.bin", authority="example.com") for name in ("large", "middle")]
    assert [bytes(client.answer(stream).body) for stream in streams] == [LARGE, LARGE[:100000]]
    head = ask("/static/large.bin", method="HEAD")
    assert (head.status, head.get("content-length"), head.body) == (200, str(len(LARGE)), b"")
    partial = ask("/static/large.bin", ("range", "bytes=0-9"))
    assert (partial.status, partial.body, partial.get("content-range")) == (206, LARGE[:10], f"bytes 0-9/{len(LARGE)}")
    several = ask("/static/large.bin", ("range", "bytes=0-99999,-100000"))
    assert several.get("content-length") == str(len(several.body))
    assert LARGE[:100000] in several.body
    for path in ("/static/../secret", "/static/%2e%2e/secret", "/static/nothing"):
        assert ask(path).status == 404
    for name, status in {"example.com": 200, "x.example.org:1": 200, "evil.org": 421}.items():
        assert ask("/", authority=name).status == status
    assert ask("/healthz", authority="10.0.0.1").status == 200


def play_hosts(server: Server) -> None:
    for name, status in NAMES.items():
        with server.connect() as wire:
            wire.send(f"GET /host HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
            assert wire.read_response().status == status, name
    for target, status in {"http://evil.org/": 421, "http://example.com/": 200}.items():
        with server.connect() as wire:
            wire.send(f"GET {target} HTTP/1.1\r\nHost: example.com\r\n\r\n".encode())
            assert wire.read_response().status == status, target
    with server.connect() as wire:
        wire.send(b"GET / HTTP/1.1\r\nHost: evil.org\r\n\r\n")
        assert b"evil" not in wire.read_response().body
    with server.connect() as wire:
        wire.send(b"GET / HTTP/1.0\r\n\r\n")
        assert wire.read_response().status == 400
    with server.connect() as wire:
        wire.send(b"GET /healthz HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n")
        assert wire.read_response().body == b"ok"


def play_expectations(server: Server) -> None:
    """Who waits to be asked for a body is not asked where the head alone decides."""
    head = "{} {} HTTP/1.1\r\nHost: {}\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    for method, path, host, status in [
        ("POST", "/static/small.css", "example.com", 405), ("GET", "/static/small.css", "example.com", 200),
        ("POST", "/other", "evil.org", 421),
    ]:
        with server.connect() as wire:
            wire.send(head.format(method, path, host).encode())
            assert wire.read_response().status == status, (method, path, host)
            # The body may come all the same, or not: no next request could be told from it.
            wire.expect_eof()
    with server.connect() as wire:
        wire.send(head.format("POST", "/other", "example.com").encode())
        assert wire.read_line() == b"HTTP/1.1 100 Continue"


def play_slow_reader(server: Server) -> None:
    """One who takes nothing of a large file holds up nobody, and gets all of it in the end."""
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.settimeout(PATIENCE)
    with slow:
        slow.connect(("127.0.0.1", server.port))
        slow.sendall(b"GET /static/large.bin HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n")
        first = slow.recv(1000)
        for _ in range(3):
            with server.connect() as wire:
                assert ask(wire, "/other") == (200, b"app")
                assert ask(wire, "/static/small.css") == (200, SMALL)
        data = bytearray(first)
        while piece := slow.recv(1 << 20):
            data += piece
        assert bytes(data.partition(b"\r\n\r\n")[2]) == LARGE


def check_told(server: Server) -> None:
    """What the application has heard, the access log and the metrics."""
    calls = set((server.folder / "calls").read_text().split())
    assert not any("static/" in path or "healthz" in path for path in calls), calls

    def lines() -> list[dict[str, object]]:
        text = (server.folder / "access").read_text()
        found = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        return [line for line in found if line["path"] == "/static/large.bin" and line["status"] == 206]

    wait_until(lines, PATIENCE, server.describe)
    assert lines()[0]["request_id"]
    numbers = samples(face_of(server))
    assert value(numbers, "gunicorn_requests_in_flight") == 0


def test_on_every_worker_type(make_server: Serve, kinds: list[str], site: Path) -> None:
    def play(server: Server) -> None:
        play_http1(server)
        with HTTP2Client.prior(server.address) as client:
            play_http2(server, client)
        play_hosts(server)
        play_expectations(server)
        play_slow_reader(server)
        check_told(server)
        assert server.stop() == 0
        server.check_log()

    everywhere(make_server, kinds, play, APP, "--static", f"/static={site}", *ARGS)


def test_no_way_out(serve: Serve, site: Path) -> None:
    server = serve(APP, "--static", f"/static={site}")
    with server.connect() as wire:
        for path in HIDDEN:
            for method in ("GET", "HEAD"):
                wire.send(f"{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
                answer = wire.read_response(method)
                assert answer.status == 404, path
                assert SECRET not in answer.body
    # What no target may hold is no request at all.
    for octets in (b"/static/..\\secret", b"/static/\x00", b"/static/a\xff\xfe"):
        with server.connect() as wire:
            wire.send(b"GET " + octets + b" HTTP/1.1\r\nHost: a\r\n\r\n")
            assert wire.read_response().status in (400, 404)
    assert not (server.folder / "calls").exists()


OWN = APP + """
from gunicorn.workers.sync import SyncWorker
class Own(SyncWorker):
    def handle(self, listener, client, addr):
        super().handle(listener, client, addr)
"""


def test_a_worker_with_a_loop_of_its_own(serve: Serve, site: Path) -> None:
    server = serve(OWN, "-k", "app:Own", "--static", f"/static={site}", *HOSTS, "--health-path", "/healthz",
                   "--request-id-header", "X-Request-ID", "--access-logfile", "access")
    play_http1(server, keeps=False)
    play_hosts(server)
    text = (server.folder / "access").read_text()
    assert '"GET /static/large.bin HTTP/1.1" 206 1000000' in text
    assert '"POST /static/small.css HTTP/1.1" 405' in text


TORNADO = """
import tornado.web
class Handler(tornado.web.RequestHandler):
    def get(self):
        self.write("app")
app = tornado.web.Application([("(?:.*)", Handler)])
"""


def test_hosts_of_an_application_of_tornado(serve: Serve) -> None:
    play_hosts(serve(TORNADO, "-k", "tornado", *HOSTS, "--health-path", "/healthz"))


GUESTS = {
    "app:Own": """
        from gunicorn.workers.ggevent import GeventPyWSGIWorker, PyWSGIServer
        class Server(PyWSGIServer):
            pass
        class Own(GeventPyWSGIWorker):
            server_class = Server
        def app(environ, start_response):
            raise AssertionError
    """,
    "gaiohttp": """
        from aiohttp import web
        app = web.Application()
    """,
    "tornado": """
        import tornado.web
        app = tornado.web.Application()
    """,
}


def test_servers_that_know_nothing_of_it_do_not_start(make_server: Serve, site: Path) -> None:
    def play(kind: str) -> None:
        server = make_server(GUESTS[kind], "-k", kind, "--static", f"/static={site}").spawn()
        assert server.wait() != 0
        assert "static = " in server.log()
        assert "by a server of its own" in server.log()

    at_once(GUESTS, play)


def test_by_other_protocols(serve: Serve, site: Path, tmp_path: Path) -> None:
    def bind(name: str) -> str:
        return f"{name}://unix:{tmp_path}/{name}.sock"

    more = [word for name in PACKERS for word in ("--bind", bind(name))]
    server = serve(APP, *more, "--static", f"/static={site}", "--allowed-hosts", "example.com", "-k", "gthread")

    def asked(name: str, path: str, host: str) -> tuple[bytes, bytes]:
        pairs = changed(("PATH_INFO", path), ("REQUEST_URI", path), ("HTTP_HOST", host))
        with Wire(f"{tmp_path}/{name}.sock") as wire:
            wire.send(PACKERS[name](pairs))
            data = wire.read_until_eof()
        head, _, body = (content_of(data) if name == "fastcgi" else data).partition(b"\r\n\r\n")
        return head.splitlines()[0], body

    def play(name: str) -> None:
        for path, content in {"/static/small.css": SMALL, "/static/large.bin": LARGE, "/x": b"app"}.items():
            line, body = asked(name, path, "example.com")
            assert b"200 OK" in line, path
            assert body == content, path
        assert b"404" in asked(name, "/static/../secret", "example.com")[0]
        assert b"421" in asked(name, "/x", "evil.org")[0]

    assert VARIABLES
    at_once(PACKERS, play)
    assert server.serves("/static/small.css") is False, "its host is none of the list"


@pytest.mark.parametrize("words", [("--no-sendfile",), ("-k", "gthread", "--threads", "2", "--no-sendfile")])
def test_without_sendfile(words: tuple[str, ...], serve: Serve, site: Path) -> None:
    server = serve(APP, "--static", f"/static={site}", *words)
    with server.connect() as wire:
        assert ask(wire, "/static/large.bin") == (200, LARGE)
        assert ask(wire, "/static/middle.bin", "Range: bytes=5-99990") == (206, LARGE[5:99991])
        status, body = ask(wire, "/static/large.bin", "Range: bytes=0-99999,-100000")
        assert status == 206
        assert LARGE[:100000] in body
        assert LARGE[-100000:] in body
    play_slow_reader(server)


def test_inside_tls(make_server: Serve, site: Path, pki: Authority) -> None:
    def play(kind: str) -> None:
        words = {"sync": (), "gthread": ("-k", "gthread", "--threads", "2"), "asgi": ("-k", "asgi")}[kind]
        server = make_server(APP, "--static", f"/static={site}", "--certfile", str(pki.folder / "server.pem"),
                             "--keyfile", str(pki.folder / "server.key"), "--http-protocols", "h2,h1", *words).start()
        context = ssl.create_default_context(cafile=str(pki.folder / "ca.pem"))
        raw = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
        with context.wrap_socket(raw, server_hostname="localhost") as sock:
            sock.sendall(b"GET /static/large.bin HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            data = bytearray()
            while piece := sock.recv(1 << 20):
                data += piece
        assert bytes(data.partition(b"\r\n\r\n")[2]) == LARGE
        with HTTP2Client.tls(server.port, ssl.create_default_context(cafile=str(pki.folder / "ca.pem"))) as client:
            assert client.request("/static/large.bin").body == LARGE
            assert client.request("/static/small.css").body == SMALL
        assert server.stop() == 0

    at_once(("sync", "gthread", "asgi"), play)


def test_nobody_is_sent_to_a_host_of_a_clients_making(serve: Serve) -> None:
    server = serve(APP, *HOSTS, "-b", "http://127.0.0.1:0?redirect=https:8443")
    for name, status in {"example.com": 308, "evil.org": 421}.items():
        with Wire(("127.0.0.1", ports(server, 2)[1][1])) as wire:
            wire.send(f"GET /x HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
            answer = wire.read_response()
            assert answer.status == status
            assert answer.get("Location") == ("https://example.com:8443/x" if status == 308 else None)


def test_files_are_answered_where_all_threads_are_taken(serve: Serve, site: Path) -> None:
    server = serve(APP, "-k", "gthread", "--threads", "2", "--limit-concurrency", "1", "--static", f"/static={site}",
                   "--max-requests", "3")
    (pid,) = server.worker_pids()
    with server.connect() as wire:
        wire.send(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_until(lambda: (server.folder / "calls").exists())
        for _ in range(5):
            assert server.get("/static/small.css").body == SMALL
        assert server.get("/other").status == 503
        (server.folder / "go").touch()
        assert wire.read_response().status == 200
    assert server.worker_pids() == [pid], "files do not use up a worker"


def test_a_file_that_becomes_shorter_while_it_is_sent_ends_the_connection(serve: Serve, tmp_path: Path) -> None:
    site = make_site(tmp_path / "own")
    server = serve(APP, "--static", f"/static={site}")
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.settimeout(PATIENCE)
    with slow:
        slow.connect(("127.0.0.1", server.port))
        slow.sendall(b"GET /static/large.bin HTTP/1.1\r\nHost: a\r\n\r\n")
        slow.recv(1000)
        os.truncate(site / "large.bin", 100)
        size = 0
        try:
            while piece := slow.recv(1 << 20):
                size += len(piece)
        except ConnectionResetError:
            pass
        assert size < len(LARGE)
    assert server.get("/static/small.css").body == SMALL


def test_a_reload_takes_new_settings(serve: Serve, site: Path, tmp_path: Path) -> None:
    other = make_site(tmp_path / "own")
    (other / "small.css").write_bytes(b"other")
    config = "static = {{'/{path}': {folder!r}}}\nallowed_hosts = ['{host}']\n"
    server = serve(APP, config=config.format(path="static", folder=str(site), host="*"))
    assert server.get("/static/small.css").body == SMALL
    (server.folder / "gunicorn.conf.py").write_text(config.format(path="files", folder=str(other), host="test"))
    server.send_signal(signal.SIGHUP)
    wait_until(lambda: server.get("/files/small.css").body == b"other")
    assert server.get("/static/small.css").body == b"app"
    # One that cannot be taken leaves all as it is.
    (server.folder / "gunicorn.conf.py").write_text(config.format(path="files", folder="/nowhere", host="*"))
    server.send_signal(signal.SIGHUP)
    server.wait_for_log("no such folder for /files: /nowhere")
    assert server.get("/files/small.css").body == b"other"


@pytest.mark.parametrize(("args", "text"), [
    (("--static", "/static=nowhere"),
     "static = {'/static': 'nowhere'} (command line --static): no such folder for /static: nowhere"),
    (("--static", "static=."), "expected a path that begins with a slash"),
    (("--static", "/static"), "expected /PATH=FOLDER"),
    (("--static", "/a/../b=."), "expected a path such as /static"),
    (("--static", "/a=.", "--static", "/a/=."), "/a is there twice"),
    (("--static-index", "a/b.html"), "expected the name of a file"),
    (("--static-fallback", "../x"), "expected application, or a file of the folder"),
    (("--static-cache-control", "/a"), "expected a value such as max-age=3600, or off"),
    (("--allowed-hosts", "http://a"), "is no host: expected NAME"),
    (("--allowed-hosts", "a:80"), "is no host: expected NAME"),
])
def test_what_cannot_be_used_is_said_in_one_line(args: tuple[str, ...], text: str, make_server: Serve) -> None:
    server = make_server(APP, *args).spawn()
    assert server.wait() == 1
    assert text in server.log()
    assert len(server.log_lines()) == 1
