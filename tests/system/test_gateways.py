"""Behind a real nginx by uwsgi, SCGI and FastCGI, on several worker types: the same as over plain HTTP."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest

from tests.conftest import Serve
from tests.support import cgi
from tests.support.cgi import PACKERS, VARIABLES, changed
from tests.support.proxies import Front, need, start_apache, start_lighttpd, start_nginx_for
from tests.support.server import HELLO, Server
from tests.support.wait import wait_until
from tests.support.wire import Response, Wire
from tests.workers.kinds import at_once

APP = '''
import json

BLOCK = b"0123456789abcdef" * 4096
ANSWERS = {
    "/204": ("204 No Content", [("X-A", "b")], [], True),
    "/304": ("304 Not Modified", [("ETag", '"x"')], [], True),
    "/404": ("404 Not Found", [("Content-Type", "text/plain")], [b"not here"], True),
    "/two": ("200 OK", [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")], [b"two"], True),
    "/stream": ("200 OK", [], [b"a", b"", b"b" * 20000, b"c"], False),
    "/big": ("200 OK", [], [BLOCK] * 48, False),
    "/bigger": ("200 OK", [("Content-Length", str(48 * 65536))], [BLOCK] * 48, False),
    "/short": ("200 OK", [("Content-Length", "10")], [b"abc"], True),
    "/long": ("200 OK", [("Content-Length", "3")], [b"abcdef"], True),
}

def seen_of(environ, length, total):
    seen = {key: value for key, value in environ.items() if isinstance(value, str)}
    return json.dumps({"seen": seen, "length": length, "sum": total}).encode()

def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/file":
        start_response("200 OK", [])
        return environ["wsgi.file_wrapper"](open("big.bin", "rb"), 65536)
    if path == "/boom":
        raise RuntimeError("boom")
    if path == "/half":
        start_response("200 OK", [])
        def half():
            yield b"half"
            raise RuntimeError("boom")
        return half()
    if path in ANSWERS:
        status, fields, content, as_list = ANSWERS[path]
        start_response(status, fields)
        return content if as_list else iter(content)
    length = total = 0
    while piece := environ["wsgi.input"].read(65536):
        length += len(piece)
        total += sum(piece)
    data = seen_of(environ, length, total)
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(data)))])
    return [data]

async def asgi_app(scope, receive, send):
    assert scope["type"] == "http", scope
    path = scope["path"]
    if path == "/boom":
        raise RuntimeError("boom")
    if path == "/file":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.pathsend", "path": __file__.replace("app.py", "big.bin")})
        return
    if path == "/half":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise RuntimeError("boom")
    if path in ANSWERS:
        status, fields, content, as_list = ANSWERS[path]
        headers = [(name.encode(), value.encode()) for name, value in fields]
        await send({"type": "http.response.start", "status": int(status[:3]), "headers": headers})
        if as_list:
            await send({"type": "http.response.body", "body": b"".join(content)})
            return
        for piece in content:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return
    length = total = 0
    while True:
        message = await receive()
        length += len(message.get("body", b""))
        total += sum(message.get("body", b""))
        if not message.get("more_body"):
            break
    # As an environ has it.
    seen = {"REQUEST_METHOD": scope["method"], "QUERY_STRING": scope["query_string"].decode("latin-1"),
            "PATH_INFO": scope["path"].encode().decode("latin-1"), "SCRIPT_NAME": scope["root_path"],
            "REMOTE_ADDR": scope["client"][0] if scope["client"] else "", "wsgi.url_scheme": scope["scheme"],
            "REMOTE_PORT": str(scope["client"][1]) if scope["client"] else "", "SERVER_NAME": scope["server"][0]}
    for name, value in scope["headers"]:
        name = name.decode().upper().replace("-", "_")
        seen[name if name.startswith("CONTENT_") else "HTTP_" + name] = value.decode("latin-1")
    data = seen_of(seen, length, total)
    headers = [(b"Content-Type", b"application/json"), (b"Content-Length", str(len(data)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": data})
'''
WORKERS = {
    "sync": ("-k", "sync", "app:app"),
    "gthread": ("-k", "gthread", "--threads", "4", "app:app"),
    "gevent": ("-k", "gevent", "app:app"),
    "asgi": ("-k", "asgi", "app:asgi_app"),
}
BINDS = ["http", "uwsgi", "scgi", "fastcgi"]
BOUND = re.compile(r"(http|uwsgi|scgi|fastcgi)://127\.0\.0\.1:(\d+)")

# Whatever else differs is wrong: who is asked, and what a server in front has besides. HTTP cannot say the client.
MAY_DIFFER = {
    "HTTP_HOST", "SERVER_NAME", "SERVER_PORT", "REMOTE_ADDR", "REMOTE_PORT", "HTTP_X_FORWARDED_PROTO",
    "DOCUMENT_ROOT", "DOCUMENT_URI", "REQUEST_SCHEME", "GATEWAY_INTERFACE", "SERVER_ADDR", "REDIRECT_STATUS",
    "REMOTE_USER", "HTTPS", "wsgi.url_scheme",
}


class House:
    """The servers, one a worker type, each on all protocols by TCP and by unix sockets; one nginx in front of them."""

    def __init__(self, folder: Path) -> None:
        self.servers: dict[str, Server] = {}
        upstreams: dict[str, tuple[str, str, str]] = {}
        for kind, words in WORKERS.items():
            binds = [f"{protocol}://127.0.0.1:0" for protocol in BINDS]
            binds += [f"{protocol}://unix:{folder}/{kind}.{protocol}" for protocol in BINDS]
            flags = [word for bind in binds for word in ("--bind", bind)]
            server = Server(folder / kind, APP, *words[:-1], *flags, "--keep-alive", "30", "--threads", "4",
                            target=words[-1], bind=None, expect_traceback=True)
            server.folder.joinpath("big.bin").write_bytes(bytes(range(256)) * 8192)
            self.servers[kind] = server.spawn()
        self.ports: dict[tuple[str, str], int] = {}
        for kind, server in self.servers.items():
            server.wait_for_log("Worker ready")
            for protocol, port in BOUND.findall(server.log()):
                self.ports[kind, protocol] = int(port)
                secure = {"http": "proxy_set_header X-Forwarded-Proto https;"}.get(
                    protocol, f"{protocol}_param HTTPS on; {protocol}_param REQUEST_SCHEME https;")
                upstreams[f"{kind}.{protocol}.tcp"] = (protocol, f"127.0.0.1:{port}", "")
                upstreams[f"{kind}.{protocol}.unix"] = (protocol, f"unix:{folder}/{kind}.{protocol}", secure)
        self.nginx = start_nginx_for(folder / "nginx", upstreams)

    def raw(self, kind: str, protocol: str) -> Wire:
        return Wire(("127.0.0.1", self.ports[kind, protocol]))

    def end(self) -> None:
        self.nginx.stop()
        try:
            for server in self.servers.values():
                assert server.stop() == 0
        finally:
            for server in self.servers.values():
                server.kill()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    # Before there is a server, which nobody would end.
    need("nginx")
    there = House(tmp_path_factory.mktemp("gateways"))
    yield there
    there.end()


def ask(wire: Wire, host: str, method: str, path: str, fields: list[str], body: bytes, chunked: bool) -> Response:
    framing = []
    if chunked:
        framing = ["Transfer-Encoding: chunked"]
        pieces = [body[start:start + 50000] for start in range(0, len(body), 50000)]
        body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    elif body:
        framing = [f"Content-Length: {len(body)}"]
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *framing, *fields, "", ""]
    wire.send("\r\n".join(lines).encode() + body)
    return wire.read_response(method)


#: Method, path, fields, content, whether that is chunked.
CASES: list[tuple[str, str, list[str], bytes, bool]] = [
    ("GET", "/", [], b"", False),
    ("GET", "/a%2541/%C3%A4/%20+?x=%20%2B&y", ["X-Any: thing", "Cookie: a=1; b=2"], b"", False),
    ("GET", "/%F0%9F%8D%8B", ["Authorization: Basic bWU6cHc=", "X-Octets: \u00e4"], b"", False),
    ("OPTIONS", "/options", ["Origin: http://other"], b"", False),
    ("POST", "/form", ["Content-Type: text/x"], b"a=b", False),
    ("POST", "/chunked", [], b"a" * 120000, True),
    ("PUT", "/large", [], bytes(range(256)) * 12288, False),
    ("POST", "/expects", ["Expect: 100-continue"], b"abc", False),
    ("GET", "/upgrade", ["Upgrade: websocket", "Connection: upgrade"], b"", False),
    ("HEAD", "/", [], b"", False),
    ("HEAD", "/big", [], b"", False),
    ("HEAD", "/bigger", [], b"", False),
    ("GET", "/204", [], b"", False),
    ("GET", "/304", [], b"", False),
    ("GET", "/404", [], b"", False),
    ("GET", "/two", [], b"", False),
    ("GET", "/stream", [], b"", False),
    ("GET", "/big", [], b"", False),
    ("GET", "/bigger", [], b"", False),
    ("GET", "/file", [], b"", False),
    ("GET", "/boom", [], b"", False),
    ("POST", "/404", [], b"unread" * 1000, False),
    ("GET", "/long", [], b"", False),
]


def told_by(house: House, host: str) -> list[Any]:
    """What comes of all cases there, on one connection with nginx."""
    found: list[Any] = []
    with house.nginx.connect() as wire:
        for case in CASES:
            answer = ask(wire, host, *case)
            fields = sorted(
                (name, value) for name, value in answer.headers
                if name not in ("Server", "Date", "Connection", "Transfer-Encoding"))
            outcome: Any = len(answer.body), answer.body[:100]
            if answer.get("Content-Type") == "application/json":
                # Its length is that of what may differ.
                fields = [each for each in fields if each[0] != "Content-Length"]
                outcome = answer.json() if answer.body else None
            found.append((case[:2], answer.status, fields, outcome))
        found.append(wire.socket.getsockname()[1])
    return found


def check_kind(house: House, kind: str) -> None:
    """All protocols and sockets of a worker type against its own plain HTTP."""
    *expected, _ = told_by(house, f"{kind}.http.tcp")
    for protocol in PACKERS:
        for way in ("tcp", "unix"):
            host = f"{kind}.{protocol}.{way}"
            *found, port = told_by(house, host)
            for one, other in zip(found, expected, strict=True):
                assert one[:3] == other[:3], (host, one, other)
                if not isinstance(one[3], dict):
                    assert one[3] == other[3], (host, one[0])
                    continue
                seen, plain = one[3]["seen"], other[3]["seen"]
                assert (one[3]["length"], one[3]["sum"]) == (other[3]["length"], other[3]["sum"]), host
                assert (seen["REMOTE_ADDR"], seen["REMOTE_PORT"]) == ("127.0.0.1", str(port)), host
                assert seen["wsgi.url_scheme"] == ("https" if way == "unix" else "http"), host
                assert seen["SERVER_NAME"] == seen["HTTP_HOST"] == host
                differ = {name for name in seen.keys() | plain.keys() if seen.get(name) != plain.get(name)}
                # SCGI must say a length, and a part of nginx' own files says none of it as "".
                allowed = MAY_DIFFER | ({"CONTENT_LENGTH"} if protocol == "scgi" and not one[3]["length"] else set())
                # HTTP's own of this hop.
                allowed |= {"HTTP_CONNECTION", "HTTP_UPGRADE", "HTTP_EXPECT", "HTTP_TRANSFER_ENCODING"}
                assert differ <= allowed, (host, one[0], {name: (seen.get(name), plain.get(name)) for name in differ})


def test_all_is_as_over_http(house: House) -> None:
    at_once(WORKERS, lambda kind: check_kind(house, kind))


def test_half_an_answer_is_no_whole_one(house: House) -> None:
    def check(kind: str) -> None:
        for protocol in PACKERS:
            for path in ("/half", "/short"):
                with house.nginx.connect() as wire:
                    with pytest.raises((AssertionError, OSError)):
                        answer = ask(wire, f"{kind}.{protocol}.tcp", "GET", path, [], b"", False)
                        assert answer.status == 200
                        pytest.fail(f"{kind}, {protocol}: {answer}")

    at_once(WORKERS, check)


def test_fastcgi_keeps_the_connection(house: House) -> None:
    def check(kind: str) -> None:
        with house.raw(kind, "fastcgi") as wire:
            for number in (1, 1, 300):
                wire.send(cgi.fastcgi(changed(("CONTENT_LENGTH", "3")), b"abc", number, keep=True))
                answer = read_answer(wire)
                assert b"Status: 200 OK\r\n" in cgi.content_of(answer, number)
                assert b'"length": 3' in answer
            # What ends a connection of HTTP cannot be told here: nginx would have sent its next request already.
            for path, status in (("/boom", b"Status: 500"), ("/long", b"Status: 200")):
                wire.send(cgi.fastcgi(changed(("PATH_INFO", path), ("REQUEST_URI", path)), keep=True))
                assert status in read_answer(wire)
            # What is left unread of a body is thrown away.
            wire.send(cgi.fastcgi(changed(("CONTENT_LENGTH", "3000"), ("PATH_INFO", "/404")), b"a" * 3000, keep=True))
            assert b"Status: 404" in read_answer(wire)
            wire.send(cgi.fastcgi(VARIABLES))
            assert b"Status: 200 OK\r\n" in read_answer(wire)
            wire.expect_eof()

    at_once(WORKERS, check)


def read_answer(wire: Wire) -> bytes:
    """All records up to the end of a request."""
    found = b""
    while True:
        head = wire.read_exactly(8)
        rest = wire.read_exactly(int.from_bytes(head[4:6], "big") + head[6])
        found += head + rest
        if head[1] == 3:
            return found


def test_raw_answers(house: House) -> None:
    """Each in its own form, and closed behind it."""
    def check(kind: str) -> None:
        for protocol, begin in (("uwsgi", b"HTTP/1.1 200 OK\r\n"), ("scgi", b"Status: 200 OK\r\n")):
            with house.raw(kind, protocol) as wire:
                wire.send_bytewise(PACKERS[protocol](changed(("CONTENT_LENGTH", "3")), b"abc"))
                answer = wire.read_until_eof()
            assert answer.startswith(begin), answer
            assert b'"length": 3' in answer, answer
            assert b"\r\nConnection:" not in answer
            assert b"\r\nTransfer-Encoding:" not in answer

    at_once(WORKERS, check)


#: Protocol, what is sent, what the answer begins with (none: it is closed), and what the log says.
WRONG: list[tuple[str, bytes, bytes, str]] = [
    ("uwsgi", cgi.uwsgi(changed(("CONTENT_LENGTH", "x"))), b"HTTP/1.1 400 Bad Request\r\n", "CONTENT-LENGTH"),
    ("scgi", cgi.scgi(changed(("REQUEST_URI", "/a b"))), b"Status: 400 Bad Request\r\n", "Invalid request line"),
    ("uwsgi", b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 400 Bad Request\r\n", "HTTP on a port for uwsgi"),
    ("scgi", b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 400 Bad Request\r\n", "HTTP on a port for SCGI"),
    ("fastcgi", b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 400 Bad Request\r\n", "HTTP on a port for FastCGI"),
    ("uwsgi", b"\x16\x03\x01\x02\x00\x01\x00\x01", b"", "TLS on a port for uwsgi"),
    ("http", cgi.uwsgi(VARIABLES), b"HTTP/1.1 400 Bad Request\r\n", "uwsgi on a port for HTTP"),
    ("http", cgi.fastcgi(VARIABLES), b"HTTP/1.1 400 Bad Request\r\n", "FastCGI on a port for HTTP"),
    ("http", cgi.scgi(VARIABLES), b"HTTP/1.1 400 Bad Request\r\n", "SCGI on a port for HTTP"),
    ("http", b"\x16\x03\x01\x02\x00\x01\x00\x01", b"HTTP/1.1 400 Bad Request\r\n", "TLS on a port for HTTP"),
]


def test_what_is_wrong_is_told(house: House) -> None:
    def check(kind: str) -> None:
        server = house.servers[kind]
        for protocol, data, begin, said in WRONG:
            before = server.log().count(said)
            with house.raw(kind, protocol) as wire:
                wire.send(data)
                try:
                    answer = wire.read_until_eof()
                except ConnectionError:
                    answer = b""
            assert answer[:len(begin) or None] == begin, (kind, protocol, data[:20], answer)
            wait_until(lambda text=said, count=before: server.log().count(text) > count, what=said)
        with house.raw(kind, "fastcgi") as wire:
            wire.send(cgi.fastcgi(changed(("CONTENT_LENGTH", "2")), b"abc"))
            assert cgi.content_of(wire.read_until_eof()).startswith(b"Status: 400 Bad Request\r\n")
        with house.raw(kind, "fastcgi") as wire:
            wire.send(cgi.record(9, cgi.pair_of(b"FCGI_MPXS_CONNS", b""), 0))
            assert wire.read_exactly(len(cgi.record(10, cgi.pair_of(b"FCGI_MPXS_CONNS", b"0"), 0)))[1] == 10
            wire.send(cgi.begin(1, role=2))
            assert list(cgi.records(wire.read_until_eof())) == [cgi.Record(3, 1, b"\0\0\0\0\3\0\0\0")]

    at_once(WORKERS, check)


def test_clients_that_leave(house: House) -> None:
    """Behind nginx and without it: nobody else notices."""
    def check(kind: str) -> None:
        for protocol in PACKERS:
            for path in ("/big", "/"):
                data = PACKERS[protocol](changed(("REQUEST_URI", path), ("PATH_INFO", path), ("CONTENT_LENGTH", "9")))
                with house.raw(kind, protocol) as wire:
                    wire.send(data)
                with house.raw(kind, protocol) as wire:
                    wire.send(data + (b"" if protocol == "fastcgi" else b"123456789"))
            with house.nginx.connect() as wire:
                wire.send(f"GET /big HTTP/1.1\r\nHost: {kind}.{protocol}.tcp\r\n\r\n".encode())
                wire.read_exactly(10)
                wire.socket.shutdown(socket.SHUT_RDWR)
            with house.nginx.connect() as wire:
                assert ask(wire, f"{kind}.{protocol}.tcp", "GET", "/", [], b"", False).status == 200

    at_once(WORKERS, check)


# Other web servers.

#: What Apache and lighttpd do as nginx does.
COMMON = [case for case in CASES if "chunked" not in case[1] and case[1] not in ("/304", "/upgrade")]


def check_front(front: Front, hosts: dict[str, str]) -> None:
    """By all protocols the same as by plain HTTP without anybody in between, as far as it is the application's."""
    for host in hosts:
        for case in COMMON:
            # Of their own they close a connection now and then.
            with front.connect() as wire:
                answer = ask(wire, host, *case)
            expected = {"/404": 404, "/204": 204, "/boom": 500}.get(case[1], 200)
            assert answer.status == expected, (host, case[:2], answer, front.log())
            if case[0] == "HEAD":
                continue
            if case[1] in ("/big", "/bigger", "/file"):
                assert len(answer.body) in (48 * 65536, 8192 * 256), (host, case[:2], len(answer.body))
            elif answer.get("Content-Type") == "application/json":
                told = answer.json()
                assert told["length"] == len(case[3])
                seen = told["seen"]
                assert seen["RAW_URI"].lower() == case[1].lower(), (host, seen)
                assert seen["PATH_INFO"] == unquote_to_bytes(case[1].partition("?")[0]).decode("latin-1")
                assert seen["SCRIPT_NAME"] == ""
                assert seen["HTTP_HOST"].partition(":")[0] == host


def test_behind_apache(house: House, tmp_path: Path) -> None:
    hosts = {f"{scheme}.test": f"{scheme}://127.0.0.1:{house.ports['sync', protocol]}/"
             for protocol, scheme in (("uwsgi", "uwsgi"), ("scgi", "scgi"), ("fastcgi", "fcgi"))}
    hosts["fcgi.test"] += " enablereuse=on"
    front = start_apache(tmp_path / "apache", hosts)
    try:
        check_front(front, hosts)
    finally:
        front.stop()


def test_behind_lighttpd(house: House, tmp_path: Path) -> None:
    hosts = {f"{protocol}.test": (protocol, "127.0.0.1", house.ports["gthread", protocol]) for protocol in PACKERS}
    front = start_lighttpd(tmp_path / "lighttpd", hosts)
    try:
        check_front(front, dict.fromkeys(hosts, ""))
    finally:
        front.stop()


# Time limits.

def test_whoever_is_slow_is_told_in_the_form_of_the_protocol(serve: Serve) -> None:
    binds = [word for protocol in PACKERS for word in ("--bind", f"{protocol}://127.0.0.1:0")]
    server = serve(HELLO, *binds, "--header-timeout", "1", "--body-timeout", "1", bind=None)
    ports = dict(BOUND.findall(server.log()))
    late: list[tuple[Wire, bytes]] = []
    for protocol, pack in PACKERS.items():
        data = pack(changed(("CONTENT_LENGTH", "9")), b"123")
        begin = {"uwsgi": b"HTTP/1.1 408 ", "scgi": b"Status: 408 ", "fastcgi": b"\1\6\0\1"}[protocol]
        # Within the head, and within the content; of FastCGI, the first time without an id.
        head = 5 if protocol == "fastcgi" else 40
        for part, answer in ((data[:head], b"" if protocol == "fastcgi" else begin), (data[:-11], begin)):
            wire = Wire(("127.0.0.1", int(ports[protocol])))
            wire.send(part)
            late.append((wire, answer))
    for wire, answer in late:
        with wire:
            told = wire.read_until_eof()
        assert told[:len(answer) or None] == answer
        assert not answer or b"408 Request Timeout" in told


# Who is believed, and who cannot speak it.

def test_whoever_is_not_allowed_is_closed_unanswered(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "s"
    server = serve(HELLO, "--bind", f"uwsgi://unix:{path}", "--bind", "fastcgi://127.0.0.1:0", "--uwsgi-allow-from",
                   "192.0.2.0/24", "--fastcgi-allow-from", "*", bind="uwsgi://127.0.0.1:0")
    ports = dict(BOUND.findall(server.log()))
    for _ in range(3):
        with Wire(("127.0.0.1", int(ports["uwsgi"]))) as wire:
            wire.expect_eof()
    server.wait_for_log(r"\[WARNING\] uwsgi from ip=127\.0\.0\.1: closed, not in uwsgi_allow_ips \(1 so far\)")
    with Wire(str(path)) as wire:
        wire.send(cgi.uwsgi(VARIABLES))
        assert wire.read_until_eof().startswith(b"HTTP/1.1 200 OK")
    with Wire(("127.0.0.1", int(ports["fastcgi"]))) as wire:
        wire.send(cgi.fastcgi(VARIABLES))
        assert cgi.content_of(wire.read_until_eof()).startswith(b"Status: 200 OK")


def test_the_client_behind_a_proxy_behind_the_server_in_front(serve: Serve) -> None:
    server = serve(APP, "--forwarded-for", "X-Forwarded-For", "--forwarded-allow-ips", "192.0.2.7,127.0.0.1",
                   bind="uwsgi://127.0.0.1:0")
    (_, port), = BOUND.findall(server.log())
    for peer, client in (("192.0.2.7", "203.0.113.5"), ("192.0.2.8", "192.0.2.8")):
        with Wire(("127.0.0.1", int(port))) as wire:
            wire.send(cgi.uwsgi(changed(("REMOTE_ADDR", peer), ("HTTP_X_FORWARDED_FOR", "203.0.113.5"))))
            assert f'"REMOTE_ADDR": "{client}"'.encode() in wire.read_until_eof()


GUESTS = {
    "tornado": ("from tornado.web import Application\napp = Application()\n", ["-k", "tornado"]),
    "gaiohttp": ("from aiohttp.web import Application\napp = Application()\n", ["-k", "gaiohttp"]),
    "of somebody else": (HELLO + "from gunicorn.workers.base import Worker as W\nclass Own(W):\n    pass\n",
                         ["-k", "app.Own"]),
}


@pytest.mark.parametrize("guest", GUESTS)
def test_servers_of_others_say_that_they_cannot(guest: str, make_server: Serve) -> None:
    app, words = GUESTS[guest]
    server = make_server(app, *words, bind="uwsgi://127.0.0.1:0")
    server.spawn()
    assert server.wait() != 0
    (line,) = [line for line in server.log_lines() if "HTTP alone" in line]
    assert "by a server that speaks HTTP alone, and not uwsgi" in line
