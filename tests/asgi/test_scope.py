"""The scope of a request, in process: what its octets, its connection and the settings make of every member."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from gunicorn.asgi.scope import Scopes
from gunicorn.drivers.secure import Clear
from gunicorn.http.forwarded import Forwarded
from gunicorn.http.limits import Limits
from gunicorn.tls.facts import Facts
from gunicorn.wire.protocol import REQUEST
from tests.wire.feeding import bytewise
from tests.wsgi.test_environ import OURS, PEER, SCHEMES, World, get, read

ALL = {
    "type": "http", "asgi": {"version": "3.0", "spec_version": "2.5"}, "http_version": "1.1", "method": "GET",
    "server": ("127.0.0.1", 0), "client": PEER, "scheme": "http", "root_path": "", "path": "/", "raw_path": b"/",
    "query_string": b"", "headers": [(b"host", b"a.example")],
    "extensions": {"http.response.trailers": {}, "http.response.early_hint": {}, "http.response.pathsend": {}},
}


class Specimen(NamedTuple):
    """`expected`: members that differ from those of a plain request for `/`."""

    octets: bytes
    expected: dict[str, Any]
    limits: Limits = Limits()
    trusted: bool = False
    root_path: str = ""
    forwarded: str = ""
    peer: Any = PEER
    unix: bool = False


def path(text: str, raw: bytes) -> dict[str, Any]:
    return {"path": text, "raw_path": raw}


HOST = (b"host", b"a.example")
SPECIMENS = {
    "plain": Specimen(get("/"), {}),
    "method": Specimen(get("/").replace(b"GET", b"PURGE"), {"method": "PURGE"}),
    "path and query": Specimen(get("/a/b?c=%20&d"), {**path("/a/b", b"/a/b"), "query_string": b"c=%20&d"}),
    "percent-encoding": Specimen(get("/%41%2Fb%25"), path("/A/b%", b"/%41%2Fb%25")),
    "UTF-8": Specimen(get("/caf%C3%A9%E2%98%83"), path("/caf\xe9\u2603", b"/caf%C3%A9%E2%98%83")),
    "what is no UTF-8": Specimen(get("/%FF%C3"), path("/\ufffd\ufffd", b"/%FF%C3")),
    "what is no escape": Specimen(get("/%zz%4"), path("/%zz%4", b"/%zz%4")),
    "a NUL": Specimen(get("/%00"), path("/\0", b"/%00")),
    "dots stay": Specimen(get("/a/../b//"), path("/a/../b//", b"/a/../b//")),
    "a star": Specimen(get("*").replace(b"GET", b"OPTIONS"), {"method": "OPTIONS", **path("*", b"*")}),
    "an absolute target": Specimen(
        get("http://b.example:81/x?y"),
        {**path("/x", b"/x"), "query_string": b"y", "headers": [(b"host", b"b.example:81")]}),
    "HTTP/1.0": Specimen(get("/", version="1.0"), {"http_version": "1.0"}),
    "fields": Specimen(
        get("/", "X-Two: a", "Cookie: b=c", "x-two: \xe9"),
        {"headers": [HOST, (b"x-two", b"a"), (b"cookie", b"b=c"), (b"x-two", b"\xe9")]}),
    "an underscore": Specimen(get("/", "X_A: b"), {}),
    "a client of IPv6": Specimen(get("/"), {"client": ("2001:db8::1", 80)}, peer=("2001:db8::1", 80, 0, 0)),
    "a unix socket": Specimen(get("/"), {"client": None, "server": ("<unix>", None)}, peer="", unix=True),
    "a scheme": Specimen(
        get("/", "X-Forwarded-Proto: https"),
        {"scheme": "https", "headers": [HOST, (b"x-forwarded-proto", b"https")]}, SCHEMES, True),
    "a scheme by a stranger": Specimen(
        get("/", "X-Forwarded-Proto: https"), {"headers": [HOST, (b"x-forwarded-proto", b"https")]}, SCHEMES),
    "forwarded for": Specimen(
        get("/", "X-Forwarded-For: 203.0.113.8, 10.1.1.1"),
        {"client": ("203.0.113.8", 0), "headers": [HOST, (b"x-forwarded-for", b"203.0.113.8, 10.1.1.1")]},
        trusted=True, forwarded="x-forwarded-for"),
    "forwarded for, by a stranger": Specimen(
        get("/", "X-Forwarded-For: 203.0.113.8"), {"headers": [HOST, (b"x-forwarded-for", b"203.0.113.8")]},
        forwarded="x-forwarded-for"),
    "a root path": Specimen(
        get("/app/x"), {"root_path": "/app", **path("/app/x", b"/app/x")}, root_path="/app"),
    "a root path, the whole path": Specimen(
        get("/app"), {"root_path": "/app", **path("/app", b"/app")}, root_path="/app/"),
    "a root path that a proxy has cut off": Specimen(
        get("/x"), {"root_path": "/app", **path("/app/x", b"/x")}, root_path="/app"),
    "a root path, a longer word": Specimen(
        get("/apps"), {"root_path": "/app", **path("/app/apps", b"/apps")}, root_path="/app"),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("scope"))
    yield made
    made.close()


def scopes_of(specimen: Specimen) -> Scopes:
    scopes = Scopes(specimen.root_path)
    if specimen.forwarded:
        scopes.forwarded = Forwarded(specimen.forwarded, 0, OURS)
    return scopes


@pytest.mark.parametrize("name", SPECIMENS)
def test_specimen(world: World, name: str) -> None:
    specimen = SPECIMENS[name]
    expected = {**ALL, "server": ("127.0.0.1", world.port), **specimen.expected}
    if specimen.unix:
        expected["server"] = (world.unix.getsockname(), None)
    octets = specimen.octets
    for pieces in ([octets], bytewise(octets), [octets + get("/behind")]):
        request = read(pieces, specimen.limits, specimen.trusted)
        connection = world.connect(specimen.peer, specimen.unix)
        scopes = scopes_of(specimen)
        assert scopes.build(connection, request) == expected
        # What requests of a connection share is not spoilt by one of them.
        spoilt = scopes.build(connection, request)
        spoilt.clear()
        assert scopes.build(connection, request) == expected


def test_a_websocket(world: World) -> None:
    scopes = Scopes("")
    connection = world.connect()
    request = read([get("/a")], Limits(), False)
    scope = scopes.build_socket(connection, request, ["chat"])
    plain = scopes.build(connection, request)
    assert (scope["type"], scope["scheme"], scope["subprotocols"]) == ("websocket", "ws", ["chat"])
    assert scope["extensions"] == {"websocket.http.response": {}}
    changed = ("type", "scheme", "subprotocols", "extensions", "method")
    assert {name: value for name, value in scope.items() if name not in changed} == {
        name: value for name, value in plain.items() if name not in changed}
    assert plain["type"] == "http"
    secure = read([get("/", "X-Forwarded-Proto: https")], SCHEMES, True)
    assert scopes.build_socket(connection, secure, [])["scheme"] == "wss"


FACTS = Facts(
    version="TLSv1.3", version_number=0x0304, cipher="TLS_AES_128_GCM_SHA256", cipher_number=0x1301, bits=128,
    resumed=False, server_name="a.example", protocol="http/1.1", server_certificate="<server>",
    client={"subject": ((("commonName", "Zo\xeb"),),)}, client_chain=("<client>", "<authority>"))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (FACTS, {"server_cert": "<server>", "client_cert_chain": ["<client>", "<authority>"],
                 "client_cert_name": "CN=Zo\xeb", "client_cert_error": None, "tls_version": 0x0304,
                 "cipher_suite": 0x1301}),
        (FACTS._replace(client={}, client_chain=(), server_certificate="", version_number=0, cipher_number=0),
         {"server_cert": None, "client_cert_chain": [], "client_cert_name": None, "client_cert_error": None,
          "tls_version": None, "cipher_suite": None}),
    ],
)
def test_what_is_said_of_tls(world: World, facts: Facts, expected: dict[str, Any]) -> None:
    connection: Any = world.connect(terminator=SimpleNamespace(open=Clear))
    connection.tls.facts = lambda: facts
    request = read([get("/")], Limits(), False)
    scope = Scopes("").build(connection, request)
    assert (scope["scheme"], scope["extensions"]["tls"]) == ("https", expected)
    socket = Scopes("").build_socket(connection, request, [])
    assert (socket["scheme"], socket["extensions"]["tls"]) == ("wss", expected)


def test_the_state_is_a_copy(world: World) -> None:
    scopes = Scopes("")
    scopes.state = {"a": 1}
    request = read([get("/")], Limits(), False)
    scope = scopes.build(world.connect(), request)
    scope["state"]["b"] = 2
    assert scopes.build(world.connect(), request)["state"] == {"a": 1}


@pytest.mark.parametrize(
    ("header", "client"),
    [(b"PROXY TCP4 203.0.113.9 198.51.100.1 1 2\r\n", ("203.0.113.9", 1)), (b"PROXY UNKNOWN\r\n", PEER)],
)
def test_the_client_of_a_proxy_header(tmp_path: Path, header: bytes, client: tuple[str, int]) -> None:
    world = World(tmp_path, Limits(proxy_protocol="auto"))
    connection = world.connect()
    connection.protocol.receive(header + get("/"))
    assert connection.protocol.next_event() == REQUEST
    assert Scopes("").build(connection, connection.protocol.request)["client"] == client
    world.close()
