"""Who the client is: the environ, the scope and the variables of a log say the same, wherever they know it from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from gunicorn.asgi.scope import Scopes
from gunicorn.gateway.variables import client_of, log_variables
from gunicorn.http.forwarded import Forwarded
from gunicorn.http.limits import Limits
from gunicorn.wsgi.environ import EnvironBuilder
from tests.support import cgi
from tests.wire.test_cgi import feed
from tests.wsgi.test_environ import OURS, PEER, World, get, read

PROXIED = Limits(proxy_protocol="auto")
LINE = b"PROXY TCP4 203.0.113.8 198.51.100.1 1 2\r\n"
FOR = "X-Forwarded-For: "
SCOPED = ("fe80::1", 4711, 0, 2)


class Specimen(NamedTuple):
    """`expected`: address and port (0: not known) of the client, None where it has neither. `field`: the one in which a
    trusted proxy tells of it; `peer` as accept(2) has it."""

    octets: bytes
    expected: tuple[str, int] | None
    trusted: bool = True
    field: str = "x-forwarded-for"
    peer: Any = PEER
    hops: int = 0


SPECIMENS = {
    # The connection itself.
    "IPv4": Specimen(get("/"), PEER, field=""),
    "IPv4, a stranger": Specimen(get("/"), PEER, False),
    "IPv6": Specimen(get("/"), ("2001:db8::1", 80), peer=("2001:db8::1", 80, 0, 0)),
    "IPv6 with a scope": Specimen(get("/"), ("fe80::1", 4711), field="", peer=SCOPED),
    "IPv6 with a flow and a scope": Specimen(get("/"), ("fe80::1", 4711), field="", peer=("fe80::1", 4711, 9, 3)),
    "a unix socket": Specimen(get("/"), None, field="", peer=""),
    "a unix socket with a name": Specimen(get("/"), None, field="", peer="/client"),
    "a unix socket in the abstract": Specimen(get("/"), None, field="", peer=b"\0client"),
    "nobody": Specimen(get("/"), None, field="", peer=None),
    # Fields of proxies.
    "a proxy without a field": Specimen(get("/"), PEER),
    "a proxy": Specimen(get("/", FOR + "203.0.113.8"), ("203.0.113.8", 0)),
    "a proxy that tells the port": Specimen(get("/", FOR + "203.0.113.8:81"), ("203.0.113.8", 81)),
    "a proxy that tells port 0": Specimen(get("/", FOR + "203.0.113.8:0"), ("203.0.113.8", 0)),
    "two proxies": Specimen(get("/", FOR + "203.0.113.8, 10.1.1.1"), ("203.0.113.8", 0)),
    "two proxies, two fields": Specimen(get("/", FOR + "203.0.113.8", FOR + "10.1.1.1"), ("203.0.113.8", 0)),
    "two proxies, counted": Specimen(get("/", FOR + "1.1.1.1, 2.2.2.2, 3.3.3.3"), ("2.2.2.2", 0), hops=2),
    "fewer than counted": Specimen(get("/", FOR + "1.1.1.1"), PEER, hops=2),
    "a field that nobody reads": Specimen(get("/", FOR + "203.0.113.8"), PEER, field=""),
    "a field of a stranger": Specimen(get("/", FOR + "203.0.113.8"), PEER, False),
    "a field that is no address": Specimen(get("/", FOR + "unknown"), PEER),
    "an empty field": Specimen(get("/", FOR), PEER),
    "a proxy, IPv6": Specimen(get("/", FOR + "2001:db8::9"), ("2001:db8::9", 0)),
    "a proxy, IPv6 with a port": Specimen(get("/", FOR + "[2001:db8::9]:81"), ("2001:db8::9", 81)),
    "a proxy, IPv6 with a zone": Specimen(get("/", FOR + "fe80::9%eth0"), ("fe80::9%eth0", 0)),
    "RFC 7239": Specimen(get("/", "Forwarded: for=203.0.113.8;proto=http"), ("203.0.113.8", 0), field="forwarded"),
    "RFC 7239, IPv6": Specimen(
        get("/", 'Forwarded: for="[2001:db8::9]:81"'), ("2001:db8::9", 81), field="forwarded"),
    "RFC 7239, hidden": Specimen(get("/", "Forwarded: for=_hidden"), PEER, field="forwarded"),
    "a proxy on a unix socket": Specimen(get("/", FOR + "203.0.113.8"), ("203.0.113.8", 0), peer=""),
    "a proxy on a unix socket that tells nothing": Specimen(get("/", FOR + "unknown"), None, peer=""),
    "a proxy of IPv6 with a scope": Specimen(get("/", FOR + "203.0.113.8"), ("203.0.113.8", 0), peer=SCOPED),
    # The PROXY protocol.
    "PROXY": Specimen(LINE + get("/"), ("203.0.113.8", 1), field=""),
    "PROXY, a stranger": Specimen(LINE + get("/"), ("203.0.113.8", 1), False),
    "PROXY, IPv6": Specimen(
        b"PROXY TCP6 2001:db8::9 ::1 4711 65535\r\n" + get("/"), ("2001:db8::9", 4711), field=""),
    "PROXY without a port": Specimen(
        b"PROXY TCP4 203.0.113.8 198.51.100.1 0 2\r\n" + get("/"), ("203.0.113.8", 0), field=""),
    "PROXY that tells nothing": Specimen(b"PROXY UNKNOWN\r\n" + get("/"), PEER, field=""),
    "PROXY that tells nothing on a unix socket": Specimen(b"PROXY UNKNOWN\r\n" + get("/"), None, field="", peer=""),
    "PROXY on a unix socket": Specimen(LINE + get("/"), ("203.0.113.8", 1), field="", peer=""),
    "PROXY, version 2": Specimen(
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xcb\0\x71\x08\xc6\x33\x64\x01\0\x01\0\x02" + get("/"),
        ("203.0.113.8", 1), field=""),
    "PROXY, version 2, the proxy itself": Specimen(b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0" + get("/"), PEER, field=""),
    # Both: the field comes with the request, the header came with the connection.
    "PROXY and a field": Specimen(LINE + get("/", FOR + "192.0.2.99"), ("192.0.2.99", 0)),
    "PROXY and a field of a stranger": Specimen(LINE + get("/", FOR + "192.0.2.99"), ("203.0.113.8", 1), False),
    "PROXY and a field that is no address": Specimen(LINE + get("/", FOR + "unknown"), ("203.0.113.8", 1)),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("client"))
    yield made
    made.close()


def variables(expected: tuple[str, int] | None) -> tuple[str, str]:
    if expected is None:
        return "", ""
    return expected[0], str(expected[1]) if expected[1] else ""


@pytest.mark.parametrize("name", SPECIMENS)
def test_all_say_the_same(world: World, name: str) -> None:
    specimen = SPECIMENS[name]
    builder, scopes = EnvironBuilder({}, "", None), Scopes("")
    if specimen.field:
        builder.forwarded = scopes.forwarded = Forwarded(specimen.field, specimen.hops, OURS)
    limits = Limits() if specimen.octets.startswith(b"GET") else PROXIED
    request = read([specimen.octets], limits, specimen.trusted)
    unix = not isinstance(specimen.peer, tuple)
    for_environs, for_scopes = world.connect(specimen.peer, unix), world.connect(specimen.peer, unix)
    # What requests of a connection share is made for the first or the second of them, and used by the third.
    for number in (1, 2, 3):
        for_environs.number = for_scopes.number = number
        environ = builder.build(for_environs, request)
        assert (environ["REMOTE_ADDR"], environ["REMOTE_PORT"]) == variables(specimen.expected)
        assert scopes.build(for_scopes, request)["client"] == specimen.expected
    known = log_variables(for_scopes, request, scopes.forwarded)
    assert (known["REMOTE_ADDR"], known["REMOTE_PORT"]) == variables(specimen.expected)
    assert client_of(specimen.peer, request, scopes.forwarded) == specimen.expected


def test_a_connection_of_many_clients(world: World) -> None:
    """A proxy sends the requests of all of them on one connection; who is not named is the proxy."""
    builder, scopes = EnvironBuilder({}, "", None), Scopes("")
    builder.forwarded = scopes.forwarded = Forwarded("x-forwarded-for", 0, OURS)
    for_environs, for_scopes = world.connect(), world.connect()
    for number, fields in enumerate([(FOR + "1.1.1.1",), (FOR + "2.2.2.2:2",), (), (FOR + "3.3.3.3",), ()], 1):
        request = read([get("/", *fields)], Limits(), True)
        for_environs.number = for_scopes.number = number
        environ = builder.build(for_environs, request)
        scope = scopes.build(for_scopes, request)
        expected = {1: ("1.1.1.1", 0), 2: ("2.2.2.2", 2), 4: ("3.3.3.3", 0)}.get(number, PEER)
        assert scope["client"] == expected
        assert (environ["REMOTE_ADDR"], environ["REMOTE_PORT"]) == variables(expected)


#: REMOTE_ADDR and REMOTE_PORT as a server in front says them, a field, `hops` (None: no field is read), and the client.
TOLD: dict[str, tuple[tuple[str, str] | None, str, int | None, tuple[str, int] | None]] = {
    "nobody says": (None, "", None, PEER),
    "the server in front says": (("203.0.113.8", "1"), "", None, ("203.0.113.8", 1)),
    "without a port": (("203.0.113.8", ""), "", None, ("203.0.113.8", 0)),
    "its client came by a unix socket": (("unix:", ""), "", None, None),
    "a field that nobody reads": (("203.0.113.8", "1"), "198.51.100.1", None, ("203.0.113.8", 1)),
    "a field of a stranger": (("203.0.113.8", "1"), "198.51.100.1", 0, ("203.0.113.8", 1)),
    "a field of another proxy": (("10.1.1.1", "1"), "198.51.100.1", 0, ("198.51.100.1", 0)),
    "of two other ones": (("10.1.1.1", "1"), "198.51.100.1, 10.2.2.2", 0, ("198.51.100.1", 0)),
    "another proxy without a field": (("10.1.1.1", "1"), "", 0, ("10.1.1.1", 1)),
    "counted, itself": (("203.0.113.8", "1"), "198.51.100.1", 1, ("203.0.113.8", 1)),
    "counted, one more": (("203.0.113.8", "1"), "1.1.1.1, 198.51.100.1", 2, ("198.51.100.1", 0)),
    "counted, too many": (("203.0.113.8", "1"), "198.51.100.1", 3, ("203.0.113.8", 1)),
    "a field, by a unix socket": (("unix:", ""), "198.51.100.1", 0, ("198.51.100.1", 0)),
}


@pytest.mark.parametrize("name", TOLD)
def test_all_say_what_a_server_in_front_says(world: World, name: str) -> None:
    told, field, hops, expected = TOLD[name]
    builder, scopes = EnvironBuilder({}, "", None), Scopes("")
    if hops is not None:
        builder.forwarded = scopes.forwarded = Forwarded("x-forwarded-for", hops, OURS)
    pairs = [("HTTP_X_FORWARDED_FOR", field)] if field else []
    pairs += list(zip(("REMOTE_ADDR", "REMOTE_PORT"), told, strict=True)) if told else []
    without = () if told else ("REMOTE_ADDR", "REMOTE_PORT")
    _, protocol = feed("uwsgi", [cgi.uwsgi(cgi.changed(*pairs, without=without))])
    request = protocol.request
    assert request is not None
    environ = builder.build(world.connect(), request)
    known = log_variables(world.connect(), request, scopes.forwarded)
    for said in (environ, known):
        assert (said["REMOTE_ADDR"], said["REMOTE_PORT"]) == variables(expected)
    assert scopes.build(world.connect(), request)["client"] == expected
    assert client_of(PEER, request, scopes.forwarded) == expected
