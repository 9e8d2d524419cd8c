"""The environ of a request, in process: what its octets, its connection and the settings make of every variable."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gunicorn.drivers.http1_ending import RUNNING
from gunicorn.drivers.opener import HTTPOpener
from gunicorn.engine.buffers import BodyStream
from gunicorn.engine.engine import Engine
from gunicorn.engine.handler import Handler
from gunicorn.engine.listener import Listener
from gunicorn.engine.settings import Settings
from gunicorn.http.errors import ConfigurationProblem, HTTPError
from gunicorn.http.fields import FieldTable
from gunicorn.http.forwarded import Forwarded
from gunicorn.http.limits import Limits
from gunicorn.http.peers import Peers
from gunicorn.http.request import Request
from gunicorn.wire.http1 import HTTP1
from gunicorn.wire.protocol import DATA, END, NEED_DATA, REQUEST
from gunicorn.wsgi.environ import EnvironBuilder, join_repeated, mount, name_and_port, name_server, unquote
from tests.wire.feeding import bytewise

BASE = {"wsgi.version": (1, 0), "SERVER_SOFTWARE": "gunicorn/28"}
PEER = ("192.0.2.1", 4711)
OURS = Peers(["192.0.2.1", "10.0.0.0/8"])
#: What a builder hands to an application besides words.
OBJECTS = {"wsgi.input", "gunicorn.socket", "gunicorn.client_disconnected", "wsgi.early_hints"}


class World:
    """An engine that nobody drives, with a connection on each of two listeners."""

    def __init__(self, folder: Path, limits: Limits | None = None) -> None:
        self.engine = Engine(HTTPOpener(), Handler(), Settings(), limits or Limits(), Peers([]), Peers(["*"]))
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.unix = socket.socket(socket.AF_UNIX)
        self.unix.bind(str(folder / "socket"))
        self.clients: list[socket.socket] = []
        self.port = self.tcp.getsockname()[1]

    def connect(self, peer: Any = PEER, unix: bool = False, terminator: Any = None) -> Any:
        ours, theirs = socket.socketpair()
        self.clients.append(theirs)
        listener = Listener(self.unix if unix else self.tcp)
        listener.terminator = terminator
        connection = self.engine.open(ours.detach(), peer, listener)
        connection.number = 1
        return connection

    def close(self) -> None:
        self.engine.close()
        for each in (self.tcp, self.unix, *self.clients):
            each.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("environ"))
    yield made
    made.close()


def read(pieces: Iterable[bytes], limits: Limits, trusted: bool) -> Request:
    """The request, with its body as the engine gathers it. Raises `HTTPError`."""
    protocol = HTTP1(FieldTable(limits), trusted, True)
    body = b""
    for piece in pieces:
        protocol.receive(piece)
        while (event := protocol.next_event()) != NEED_DATA:
            request = protocol.request
            if event == DATA:
                body += protocol.data
            if event == END:
                request.body = BytesIO(body)
            if event == END or (event == REQUEST and not request.content_length):
                return request
    raise AssertionError("the request is not whole")


class Specimen(NamedTuple):
    """`expected`: variables, or the status of the refusal; a variable that is None must not be there."""

    octets: bytes
    expected: dict[str, object] | int
    limits: Limits = Limits()
    trusted: bool = False
    script_name: str = ""
    forwarded: str = ""
    hops: int = 0
    peer: Any = PEER
    unix: bool = False


def environ_of(world: World, specimen: Specimen, pieces: Iterable[bytes]) -> dict[str, Any] | int:
    builder = EnvironBuilder(BASE, specimen.script_name, None)
    if specimen.forwarded:
        builder.forwarded = Forwarded(specimen.forwarded, specimen.hops, OURS)
    try:
        request = read(pieces, specimen.limits, specimen.trusted)
        connection = world.connect(specimen.peer, specimen.unix)
        if request.body is not None:
            connection.body_size = len(request.body.getvalue())
        return builder.build(connection, request)
    except HTTPError as error:
        return error.status


def get(target: str, *fields: str, version: str = "1.1", host: str = "Host: a.example") -> bytes:
    return "\r\n".join((f"GET {target} HTTP/{version}", host, *fields, "", "")).encode("latin-1")


def post(body: bytes, *fields: str) -> bytes:
    return get("/p", *fields).replace(b"GET", b"POST") + body


PROXIED = Limits(proxy_protocol="auto")
SCHEMES = Limits(secure_scheme_headers=(("X-FORWARDED-PROTO", "https"), ("X-FORWARDED-SSL", "on")))
DANGEROUS = Limits(header_map="dangerous")
USER = Limits(forwarder_headers=frozenset({"SCRIPT_NAME", "REMOTE_USER"}))
SPECIMENS: dict[str, Specimen] = {
    # The request line.
    "method": Specimen(get("/").replace(b"GET", b"PURGE"), {"REQUEST_METHOD": "PURGE"}),
    "path and query": Specimen(
        get("/a/b?x=1&y=%20"),
        {"PATH_INFO": "/a/b", "QUERY_STRING": "x=1&y=%20", "RAW_URI": "/a/b?x=1&y=%20", "SCRIPT_NAME": ""}),
    "an empty query": Specimen(get("/a?"), {"PATH_INFO": "/a", "QUERY_STRING": "", "RAW_URI": "/a?"}),
    "a query with a question mark": Specimen(get("/a?b?c"), {"PATH_INFO": "/a", "QUERY_STRING": "b?c"}),
    "percent-encoding": Specimen(
        get("/%41%2f%C3%A9%00%25"), {"PATH_INFO": "/A/\xc3\xa9\0%", "RAW_URI": "/%41%2f%C3%A9%00%25"}),
    "what is no escape": Specimen(get("/%"), {"PATH_INFO": "/%"}),
    "half an escape": Specimen(get("/%4"), {"PATH_INFO": "/%4"}),
    "an escape of other letters": Specimen(get("/%zz%4g%"), {"PATH_INFO": "/%zz%4g%"}),
    "an escape of an escape": Specimen(get("/%2541"), {"PATH_INFO": "/%41"}),
    "dots and slashes stay": Specimen(get("/a/../b//c/."), {"PATH_INFO": "/a/../b//c/."}),
    "a plus stays": Specimen(get("/a+b"), {"PATH_INFO": "/a+b"}),
    "an absolute target": Specimen(
        get("http://b.example:81/x?y", "X: z"),
        {"PATH_INFO": "/x", "QUERY_STRING": "y", "HTTP_HOST": "b.example:81", "RAW_URI": "http://b.example:81/x?y"}),
    "an absolute target without a path": Specimen(
        get("http://b.example"), {"PATH_INFO": "/", "HTTP_HOST": "b.example"}),
    "a star": Specimen(get("*").replace(b"GET", b"OPTIONS"), {"PATH_INFO": "*", "RAW_URI": "*"}),
    "HTTP/1.0": Specimen(get("/", version="1.0"), {"SERVER_PROTOCOL": "HTTP/1.0"}),
    "HTTP/1.1": Specimen(get("/"), {"SERVER_PROTOCOL": "HTTP/1.1"}),
    # The fields.
    "fields": Specimen(
        get("/", "Accept: text/html", "X-Own-Name:  v \t", "x-lower: \xe9"),
        {"HTTP_HOST": "a.example", "HTTP_ACCEPT": "text/html", "HTTP_X_OWN_NAME": "v", "HTTP_X_LOWER": "\xe9"}),
    "an empty value": Specimen(get("/", "X:"), {"HTTP_X": ""}),
    "the type of a body": Specimen(
        get("/", "Content-Type: text/plain"), {"CONTENT_TYPE": "text/plain", "HTTP_CONTENT_TYPE": None}),
    "no type, no length": Specimen(get("/"), {"CONTENT_TYPE": None, "CONTENT_LENGTH": None}),
    "a name twice": Specimen(get("/", "X: 1", "Y: 2", "x: 3"), {"HTTP_X": "1,3", "HTTP_Y": "2"}),
    "a name three times, once empty": Specimen(get("/", "X: 1", "X:", "X: 3"), {"HTTP_X": "1,,3"}),
    "two names twice": Specimen(get("/", "X: 1", "Y: a", "X: 2", "Y: b"), {"HTTP_X": "1,2", "HTTP_Y": "a,b"}),
    "cookies": Specimen(get("/", "Cookie: a=1; b=2"), {"HTTP_COOKIE": "a=1; b=2"}),
    "Proxy": Specimen(get("/", "Proxy: http://evil"), {"HTTP_PROXY": "http://evil", "http_proxy": None}),
    "names that are ours": Specimen(
        get("/", "Path-Info: /x", "Remote-Addr: 6.6.6.6", "wsgi.input: x", "Request-Method: X"),
        {"PATH_INFO": "/", "REMOTE_ADDR": "192.0.2.1", "REQUEST_METHOD": "GET", "HTTP_REMOTE_ADDR": "6.6.6.6",
         "HTTP_WSGI.INPUT": "x", "HTTP_PATH_INFO": None}),
    "an underscore": Specimen(get("/", "X_A: b"), {"HTTP_X_A": None}),
    "an underscore and a dash": Specimen(get("/", "X_A: b", "X-A: c"), {"HTTP_X_A": "c"}),
    "an underscore, dangerous": Specimen(get("/", "X_A: b", "X-A: c"), {"HTTP_X_A": "b,c"}, DANGEROUS),
    "an underscore, refused": Specimen(get("/", "X_A: b"), 400, Limits(header_map="refuse")),
    "Content_Length, dangerous": Specimen(
        get("/", "Content_Length: 5"), {"CONTENT_LENGTH": None, "HTTP_CONTENT_LENGTH": "5"}, DANGEROUS),
    # The body.
    "a length": Specimen(
        post(b"abc", "Content-Length: 3"), {"CONTENT_LENGTH": "3", "HTTP_CONTENT_LENGTH": None, "wsgi.input": b"abc"}),
    "a length with zeros": Specimen(post(b"abc", "Content-Length: 003"), {"wsgi.input": b"abc"}),
    "a length of nothing": Specimen(post(b"", "Content-Length: 0"), {"CONTENT_LENGTH": "0", "wsgi.input": b""}),
    "chunks": Specimen(
        post(b"2\r\nab\r\n1;x\r\nc\r\n0\r\nT: v\r\n\r\n", "Transfer-Encoding: chunked"),
        {"CONTENT_LENGTH": "3", "HTTP_TRANSFER_ENCODING": None, "HTTP_T": None, "wsgi.input": b"abc"}),
    "no chunks": Specimen(
        post(b"0\r\n\r\n", "Transfer-Encoding: chunked"), {"CONTENT_LENGTH": "0", "wsgi.input": b""}),
    # The connection.
    "a client": Specimen(get("/"), {"REMOTE_ADDR": "192.0.2.1", "REMOTE_PORT": "4711"}),
    "a client of IPv6": Specimen(
        get("/"), {"REMOTE_ADDR": "2001:db8::1", "REMOTE_PORT": "80"}, peer=("2001:db8::1", 80, 0, 0)),
    "a listener": Specimen(
        get("/"), {"SERVER_NAME": "127.0.0.1", "SERVER_PORT": "<port>", "wsgi.url_scheme": "http"}),
    "a unix socket": Specimen(
        get("/"),
        {"REMOTE_ADDR": "", "REMOTE_PORT": "", "SERVER_NAME": "a.example", "SERVER_PORT": "80"}, peer="", unix=True),
    "a unix socket and a port": Specimen(
        get("/", host="Host: a.example:81"), {"SERVER_NAME": "a.example", "SERVER_PORT": "81"}, peer="", unix=True),
    "a unix socket and HTTPS": Specimen(
        get("/", "X-Forwarded-Proto: https"), {"SERVER_PORT": "443", "wsgi.url_scheme": "https"}, SCHEMES, True,
        peer="", unix=True),
    "a unix socket and the target's host": Specimen(
        get("http://b.example:82/"), {"SERVER_NAME": "b.example", "SERVER_PORT": "82"}, peer="", unix=True),
    "a unix socket and no host": Specimen(
        get("/", version="1.0", host="X: y"), {"SERVER_NAME": "localhost", "SERVER_PORT": "80"}, peer="", unix=True),
    # The PROXY protocol.
    "PROXY": Specimen(
        b"PROXY TCP4 203.0.113.9 198.51.100.1 1 2\r\n" + get("/"),
        {"PROXY_PROTOCOL": "TCP4", "REMOTE_ADDR": "203.0.113.9", "REMOTE_PORT": "1", "PROXY_ADDR": "198.51.100.1",
         "PROXY_PORT": "2"}, PROXIED),
    "PROXY of IPv6": Specimen(
        b"PROXY TCP6 2001:db8::9 ::1 1 65535\r\n" + get("/"),
        {"PROXY_PROTOCOL": "TCP6", "REMOTE_ADDR": "2001:db8::9", "PROXY_ADDR": "::1", "PROXY_PORT": "65535"}, PROXIED),
    "PROXY of nobody": Specimen(
        b"PROXY UNKNOWN\r\n" + get("/"), {"PROXY_PROTOCOL": None, "REMOTE_ADDR": "192.0.2.1"}, PROXIED),
    "PROXY before Forwarded": Specimen(
        b"PROXY TCP4 203.0.113.9 198.51.100.1 1 2\r\n" + get("/", "X-Forwarded-For: 203.0.113.8"),
        {"REMOTE_ADDR": "203.0.113.8", "REMOTE_PORT": "", "PROXY_ADDR": "198.51.100.1"}, PROXIED, True,
        forwarded="x-forwarded-for"),
    # What trusted proxies say.
    "forwarded for": Specimen(
        get("/", "X-Forwarded-For: 6.6.6.6, 203.0.113.8, 10.1.1.1"),
        {"REMOTE_ADDR": "203.0.113.8", "REMOTE_PORT": "", "HTTP_X_FORWARDED_FOR": "6.6.6.6, 203.0.113.8, 10.1.1.1"},
        trusted=True, forwarded="x-forwarded-for"),
    "forwarded for, with a port": Specimen(
        get("/", 'Forwarded: for="203.0.113.8:99";proto=https'),
        {"REMOTE_ADDR": "203.0.113.8", "REMOTE_PORT": "99", "wsgi.url_scheme": "http"},
        trusted=True, forwarded="forwarded"),
    "forwarded for, by hops": Specimen(
        get("/", "X-Forwarded-For: 1.1.1.1, 2.2.2.2, 3.3.3.3"), {"REMOTE_ADDR": "2.2.2.2"},
        trusted=True, forwarded="x-forwarded-for", hops=2),
    "forwarded for nobody": Specimen(
        get("/", "X-Forwarded-For: unknown"), {"REMOTE_ADDR": "192.0.2.1", "REMOTE_PORT": "4711"},
        trusted=True, forwarded="x-forwarded-for"),
    "forwarded for, another field": Specimen(
        get("/", "X-Forwarded-For: 203.0.113.8"), {"REMOTE_ADDR": "192.0.2.1"}, trusted=True, forwarded="forwarded"),
    "forwarded for, by a stranger": Specimen(
        get("/", "X-Forwarded-For: 203.0.113.8"), {"REMOTE_ADDR": "192.0.2.1"}, forwarded="x-forwarded-for"),
    "forwarded for, turned off": Specimen(
        get("/", "X-Forwarded-For: 203.0.113.8"), {"REMOTE_ADDR": "192.0.2.1"}, trusted=True),
    "a scheme": Specimen(get("/", "X-Forwarded-Proto: https"), {"wsgi.url_scheme": "https"}, SCHEMES, True),
    "a scheme that is not secure": Specimen(
        get("/", "X-Forwarded-Proto: http"), {"wsgi.url_scheme": "http"}, SCHEMES, True),
    "two schemes": Specimen(get("/", "X-Forwarded-Proto: https", "X-Forwarded-Ssl: off"), 400, SCHEMES, True),
    "a scheme by a stranger": Specimen(
        get("/", "X-Forwarded-Proto: https"),
        {"wsgi.url_scheme": "http", "HTTP_X_FORWARDED_PROTO": "https"}, SCHEMES),
    # SCRIPT_NAME.
    "mounted": Specimen(get("/app/p"), {"SCRIPT_NAME": "/app", "PATH_INFO": "/p"}, script_name="/app"),
    "mounted with a slash": Specimen(get("/app/p"), {"SCRIPT_NAME": "/app", "PATH_INFO": "/p"}, script_name="/app/"),
    "mounted, the whole path": Specimen(get("/app"), {"SCRIPT_NAME": "/app", "PATH_INFO": ""}, script_name="/app"),
    "mounted, a longer word": Specimen(get("/apps"), 500, script_name="/app"),
    "mounted elsewhere": Specimen(get("/b"), 500, script_name="/app"),
    "mounted, in other letters": Specimen(get("/APP/p"), 500, script_name="/app"),
    "mounted, encoded": Specimen(get("/%61pp/p"), {"SCRIPT_NAME": "/app", "PATH_INFO": "/p"}, script_name="/app"),
    "mounted, a star": Specimen(
        get("*").replace(b"GET", b"OPTIONS"), {"PATH_INFO": "*", "SCRIPT_NAME": "/app"}, script_name="/app"),
    "mounted by a proxy": Specimen(
        get("/app/p", "SCRIPT_NAME: /app"),
        {"SCRIPT_NAME": "/app", "PATH_INFO": "/p", "HTTP_SCRIPT_NAME": "/app"}, trusted=True),
    "mounted by a proxy, instead": Specimen(
        get("/b/p", "SCRIPT_NAME: /b"), {"SCRIPT_NAME": "/b", "PATH_INFO": "/p"}, trusted=True, script_name="/app"),
    "mounted at the root by a proxy": Specimen(
        get("/app/p", "SCRIPT_NAME: /"), {"SCRIPT_NAME": "", "PATH_INFO": "/app/p"}, trusted=True, script_name="/app"),
    "mounted by a stranger": Specimen(
        get("/app/p", "SCRIPT_NAME: /app"), {"SCRIPT_NAME": "", "PATH_INFO": "/app/p", "HTTP_SCRIPT_NAME": None}),
    "mounted by a dash": Specimen(
        get("/app/p", "Script-Name: /app"), {"SCRIPT_NAME": "", "PATH_INFO": "/app/p"}, trusted=True),
    "a dash beside the proxy's own": Specimen(
        get("/app/p", "Script-Name: /", "SCRIPT_NAME: /app"),
        {"SCRIPT_NAME": "/app", "HTTP_SCRIPT_NAME": "/app"}, trusted=True),
    "a user of the proxy's": Specimen(
        get("/", "Remote-User: admin", "REMOTE_USER: joe"), {"HTTP_REMOTE_USER": "joe", "REMOTE_USER": None},
        USER, trusted=True),
    "a user of the proxy's, dangerous": Specimen(
        get("/", "Remote-User: admin", "REMOTE_USER: joe"), {"HTTP_REMOTE_USER": "joe"},
        Limits(forwarder_headers=frozenset({"REMOTE_USER"}), header_map="dangerous"), trusted=True),
    "a user of anybody's, dangerous": Specimen(
        get("/", "Remote-User: admin", "REMOTE_USER: joe"), {"HTTP_REMOTE_USER": "admin,joe"},
        Limits(forwarder_headers=frozenset({"REMOTE_USER"}), header_map="dangerous")),
    "a user of the proxy's, twice": Specimen(
        get("/", "REMOTE_USER: joe", "Remote-User: admin", "REMOTE_USER: ann"), {"HTTP_REMOTE_USER": "joe,ann"},
        USER, trusted=True),
}


@pytest.mark.parametrize("name", SPECIMENS)
def test_specimen(world: World, name: str) -> None:
    specimen = SPECIMENS[name]
    octets = specimen.octets
    for pieces in ([octets], bytewise(octets), [octets + get("/behind", "X: behind", "Behind: x")]):
        seen = environ_of(world, specimen, pieces)
        if isinstance(specimen.expected, int):
            assert seen == specimen.expected
            continue
        assert isinstance(seen, dict), seen
        for variable, value in specimen.expected.items():
            if variable == "wsgi.input":
                assert seen[variable].read() == value
            else:
                assert seen.get(variable) == (str(world.port) if value == "<port>" else value), variable
        assert seen.get("HTTP_BEHIND") is None


def test_every_variable(world: World) -> None:
    seen = environ_of(world, SPECIMENS["path and query"], [get("/a?b", "X-Y: z")])
    assert isinstance(seen, dict)
    assert {name: value for name, value in seen.items() if name not in OBJECTS} == {
        **BASE, "REQUEST_METHOD": "GET", "RAW_URI": "/a?b", "PATH_INFO": "/a", "QUERY_STRING": "b", "SCRIPT_NAME": "",
        "SERVER_NAME": "127.0.0.1", "SERVER_PORT": str(world.port), "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http", "REMOTE_ADDR": "192.0.2.1", "REMOTE_PORT": "4711", "HTTP_HOST": "a.example",
        "HTTP_X_Y": "z",
    }
    assert set(seen) >= OBJECTS
    assert seen["wsgi.input"].read() == seen["wsgi.input"].readline() == b""
    assert seen["gunicorn.socket"].exchange is not None


def test_a_listener_with_tls_says_https(world: World) -> None:
    connection = world.connect()
    connection.listener.terminator = SimpleNamespace()
    builder = EnvironBuilder(BASE, "", None)
    assert builder.build(connection, read([get("/")], Limits(), False))["wsgi.url_scheme"] == "https"


def test_a_body_that_is_still_coming(world: World) -> None:
    connection = world.connect()
    stream = BodyStream(100)
    stream.feed(b"ab")
    stream.feed(b"c")
    stream.end(False)
    request = read([post(b"3\r\nabc\r\n0\r\n\r\n", "Transfer-Encoding: chunked")], Limits(), False)
    request.body = stream
    environ = EnvironBuilder(BASE, "", None).build(connection, request)
    # How long it is nobody knows yet.
    assert "CONTENT_LENGTH" not in environ
    assert environ["HTTP_TRANSFER_ENCODING"] == "chunked"
    assert environ["wsgi.input"].read() == b"abc"


def words(environ: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in environ.items() if name not in OBJECTS}


def test_requests_of_one_connection_share_nothing_that_changes(world: World) -> None:
    connection = world.connect()
    builder = EnvironBuilder(BASE, "", None)
    requests = [
        read([octets], Limits(), True) for octets in (
            get("/1?q", "X: 1", "X: 2"), post(b"abc", "Content-Length: 3", "SCRIPT_NAME: /p"), get("http://b/3"),
            get("/4"))
    ]
    alone = [words(builder.build(world.connect(), request)) for request in requests]
    together = []
    for _ in range(2):
        for request in requests:
            environ = builder.build(connection, request)
            together.append(words(environ))
            # What an application and its middleware do.
            environ.update(dict.fromkeys(set(environ) - OBJECTS, "spoilt"), own="spoilt")
            # Nobody keeps it, so that the next request is given the same objects.
            del environ
            connection.number += 1
    assert together == alone * 2


def test_what_was_kept_of_a_request_is_not_given_to_the_next(world: World) -> None:
    connection = world.connect()
    connection.number = 2
    connection.state = RUNNING
    builder = EnvironBuilder(BASE, "", None)
    request = read([get("/")], Limits(), False)

    def identity(environ: dict[str, Any]) -> tuple[int, ...]:
        assert not environ["gunicorn.client_disconnected"].is_over()
        return tuple(id(environ[name]) for name in sorted(OBJECTS - {"wsgi.input"}))

    first = identity(builder.build(connection, request))
    connection.number = 3
    assert identity(builder.build(connection, request)) == first, "nobody kept one, they are shared"
    for name in sorted(OBJECTS - {"wsgi.input"}):
        connection.number += 1
        kept = builder.build(connection, request)[name]
        connection.number += 1
        assert builder.build(connection, request)[name] is not kept, name
        del kept


@given(st.text("%0aAfFgG9/é\xff", max_size=12))
@example("%")
@example("%%41")
def test_unquote(path: str) -> None:
    """Octet by octet, as a reader would do it by hand."""
    expected, place = "", 0
    while place < len(path):
        digits = path[place + 1:place + 3]
        if path[place] == "%" and len(digits) == 2 and all(digit in "0123456789abcdefABCDEF" for digit in digits):
            expected += chr(int(digits, 16))
            place += 3
        else:
            expected += path[place]
            place += 1
    assert unquote(path) == expected


@given(st.binary(max_size=12))
def test_whatever_is_encoded_is_decoded(octets: bytes) -> None:
    assert unquote("".join(f"%{octet:02x}" for octet in octets)).encode("latin-1") == octets
    assert unquote("".join(f"%{octet:02X}" for octet in octets)).encode("latin-1") == octets


FIELDS = st.lists(st.tuples(st.sampled_from(["X", "x", "Y", "X-Y", "Accept"]), st.text("ab,", max_size=3)), max_size=6)


@given(FIELDS)
def test_fields_of_one_name_are_one_variable(fields: list[tuple[str, str]]) -> None:
    request = read([get("/", *[f"{name}: {value}" for name, value in fields])], Limits(), False)
    environ: dict[str, Any] = {}
    join_repeated(environ, request)
    expected: dict[str, list[str]] = {"HTTP_HOST": ["a.example"]}
    for name, value in fields:
        expected.setdefault("HTTP_" + name.upper().replace("-", "_"), []).append(value.strip())
    assert environ == {name: ",".join(values) for name, values in expected.items()}


@pytest.mark.parametrize(
    ("host", "scheme", "expected"),
    [
        ("a", "http", ("a", "80")), ("a", "https", ("a", "443")), ("a:81", "https", ("a", "81")),
        ("[::1]", "http", ("[::1]", "80")), ("[::1]:81", "http", ("[::1]", "81")), ("a:", "http", ("a", "80")),
        (":81", "http", ("localhost", "81")), ("", "https", ("localhost", "443")), (None, "http", ("localhost", "80")),
    ],
)
def test_the_server_of_a_unix_socket(host: str | None, scheme: str, expected: tuple[str, str]) -> None:
    environ = {"wsgi.url_scheme": scheme} if host is None else {"wsgi.url_scheme": scheme, "HTTP_HOST": host}
    name_server(environ, name_and_port(environ.get("HTTP_HOST", "")))
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == expected


def test_hosts_that_are_made_up_fill_no_memory(world: World) -> None:
    builder = EnvironBuilder(BASE, "", None)
    connection = world.connect("", unix=True)
    for number in [*range(1000), 0, 0]:
        request = read([get("/", host=f"Host: h{number}.example:{number + 1}")], Limits(), False)
        environ = builder.build(connection, request)
        assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == (f"h{number}.example", str(number + 1))
    assert len(builder.hosts) <= 64


SEGMENTS = st.lists(st.text("ab%/", max_size=3), max_size=4).map(lambda parts: "/" + "/".join(parts))


@given(SEGMENTS, SEGMENTS.map(lambda path: path.rstrip("/")).filter(bool))
def test_what_is_mounted_is_the_path_in_two_parts(path: str, script_name: str) -> None:
    request = Request()
    request.path = path
    environ = {"PATH_INFO": path}
    below = path == script_name or path.startswith(script_name + "/")
    if not below:
        with pytest.raises(ConfigurationProblem):
            mount(environ, script_name, request)
        return
    mount(environ, script_name, request)
    assert environ["SCRIPT_NAME"] + environ["PATH_INFO"] == path
    assert environ["PATH_INFO"][:1] in ("", "/")
