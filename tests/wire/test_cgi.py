"""uwsgi, SCGI and FastCGI without a socket: what becomes a request, and what is refused, whole and byte by byte."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunicorn.http.errors import HTTPError
from gunicorn.http.fields import FieldTable
from gunicorn.http.limits import Limits
from gunicorn.http.variables import VariableTable
from gunicorn.wire.fastcgi import FastCGI, end_of_answer, end_request, record_head
from gunicorn.wire.packet import CGIProtocol
from gunicorn.wire.protocol import DATA, END, NEED_DATA, REPLY, REQUEST
from gunicorn.wire.scgi import Scgi
from gunicorn.wire.uwsgi import Uwsgi
from tests.support import cgi
from tests.support.cgi import PACKERS, VARIABLES, changed
from tests.wire.feeding import bytewise

KINDS: dict[str, type[CGIProtocol]] = {"uwsgi": Uwsgi, "scgi": Scgi, "fastcgi": FastCGI}
AS_PEER = ["its own", "as HTTP", "not at all"]

Outcome = list[tuple[object, ...]]


def feed(kind: str, pieces: Iterable[bytes], limits: Limits | None = None) -> tuple[Outcome, CGIProtocol]:
    """Requests as (method, uri, body), replies as octets, an error by its status, text and how it can be answered."""
    protocol = KINDS[kind](VariableTable(FieldTable(limits or Limits())))
    outcome: Outcome = []
    body = b""
    try:
        for piece in pieces:
            protocol.receive(piece)
            while (event := protocol.next_event()) != NEED_DATA:
                request = protocol.request
                if event == REPLY:
                    assert isinstance(protocol, FastCGI)
                    outcome.append((protocol.reply,))
                    continue
                assert request is not None
                if event == DATA:
                    body += protocol.data
                elif event == END or not request.content_length:
                    outcome.append((request.method, request.uri, body))
                    body = b""
                    if kind == "fastcgi" and not request.close:
                        protocol.next_request()
                else:
                    assert event == REQUEST
    except HTTPError as error:
        outcome.append((error.status, str(error), AS_PEER[protocol.manner]))
    return outcome, protocol


def feed_both(kind: str, data: bytes, limits: Limits | None = None) -> Outcome:
    whole, _ = feed(kind, [data], limits)
    trickled, _ = feed(kind, bytewise(data), limits)
    if whole and whole[-1] and isinstance(whole[-1][0], int):
        # How much of what is wrong has come, an error may tell.
        assert trickled[-1][0] == whole[-1][0]
    else:
        assert trickled == whole
    return whole


def request_of(kind: str, *pairs: cgi.Pair, without: tuple[str, ...] = (), limits: Limits | None = None) -> Any:
    outcome, protocol = feed(kind, [PACKERS[kind](changed(*pairs, without=without))], limits)
    assert [type(each[0]) for each in outcome] == [str], outcome
    return protocol.reader.request if kind != "fastcgi" else protocol.request


@pytest.mark.parametrize("kind", PACKERS)
def test_a_request(kind: str) -> None:
    assert feed_both(kind, PACKERS[kind](VARIABLES)) == [("GET", "/a%2541?q=1", b"")]
    request = request_of(kind)
    assert (request.path, request.query, request.host) == ("/a%2541", "q=1", "site.example")
    assert ("X-ANY", "thing") in request.headers
    assert request.scheme == "http"
    assert request.close
    told = request.variables
    assert told["PATH_INFO"] == "/a%41", "decoded once"
    assert (told["REMOTE_ADDR"], told["REMOTE_PORT"]) == ("192.0.2.7", "4711")
    assert told["SERVER_NAME"] == "site.example"
    assert "CONTENT_TYPE" not in told


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("size", [1, 3, 40000, 100000])
def test_a_body(kind: str, size: int) -> None:
    body = bytes(range(256)) * (size // 256 + 1)
    pairs = changed(("REQUEST_METHOD", "POST"), ("CONTENT_LENGTH", str(size)))
    data = PACKERS[kind](pairs, body[:size])
    expected: Outcome = [("POST", "/a%2541?q=1", body[:size])]
    assert feed(kind, [data])[0] == expected
    assert feed(kind, [data[start:start + 1000] for start in range(0, len(data), 1000)])[0] == expected
    if size < 10:
        assert feed_both(kind, data) == expected


@given(st.sampled_from(sorted(PACKERS)), st.binary(max_size=300), st.lists(st.integers(0, 900), max_size=8))
def test_any_pieces(kind: str, body: bytes, places: list[int]) -> None:
    data = PACKERS[kind](changed(("CONTENT_LENGTH", str(len(body)))), body)
    cuts = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    pieces = [data[start:end] for start, end in itertools.pairwise(cuts) if end > start]
    assert feed(kind, pieces)[0] == [("GET", "/a%2541?q=1", body)]


# What the variables say.

MOUNTS: list[tuple[str, list[cgi.Pair], tuple[str, ...], tuple[str, str]]] = [
    ("nginx' uwsgi_params", [], (), ("", "/a%41")),
    ("its fastcgi_params", [("SCRIPT_NAME", "/a%41")], ("PATH_INFO",), ("", "/a%41")),
    ("its scgi_params", [], ("PATH_INFO",), ("", "/a%41")),
    ("a mount point", [("SCRIPT_NAME", "/m"), ("REQUEST_URI", "/m/x")], ("PATH_INFO",), ("", "/m/x")),
    ("and its path", [("SCRIPT_NAME", "/m"), ("PATH_INFO", "/x"), ("REQUEST_URI", "/m/x")], (), ("/m", "/x")),
    ("and the whole", [("SCRIPT_NAME", "/m"), ("PATH_INFO", "/m/x"), ("REQUEST_URI", "/m/x")], (), ("/m", "/x")),
    ("twice", [("SCRIPT_NAME", "/m"), ("PATH_INFO", "/m/x"), ("REQUEST_URI", "/m/m/x")], (), ("/m", "/m/x")),
    ("itself", [("SCRIPT_NAME", "/m"), ("PATH_INFO", ""), ("REQUEST_URI", "/m")], (), ("/m", "")),
    ("with a slash", [("SCRIPT_NAME", "/m/"), ("PATH_INFO", "/x"), ("REQUEST_URI", "/m/x")], (), ("/m", "/x")),
    ("the root", [("SCRIPT_NAME", "/"), ("PATH_INFO", "/x"), ("REQUEST_URI", "/x")], (), ("", "/x")),
    ("a neighbour", [("SCRIPT_NAME", "/m"), ("PATH_INFO", "/mx"), ("REQUEST_URI", "/m/mx")], (), ("/m", "/mx")),
    ("rewritten", [("PATH_INFO", "/new"), ("REQUEST_URI", "/old")], (), ("", "/new")),
    ("nothing", [("PATH_INFO", ""), ("REQUEST_URI", "/%C3%A4")], (), ("", "/\xc3\xa4")),
    ("no target", [("PATH_INFO", "/\xc3\xa4 %")], ("REQUEST_URI",), ("", "/\xc3\xa4 %")),
    ("a line break", [("PATH_INFO", "/\n"), ("REQUEST_URI", "/%0a")], (), ("", "/\n")),
]


@pytest.mark.parametrize(("pairs", "without", "expected"), [row[1:] for row in MOUNTS], ids=[row[0] for row in MOUNTS])
def test_the_mount_point_and_the_path(
    pairs: list[cgi.Pair], without: tuple[str, ...], expected: tuple[str, str]
) -> None:
    told = request_of("uwsgi", *pairs, without=without).variables
    assert (told.get("SCRIPT_NAME", ""), told["PATH_INFO"]) == expected


def test_uwsgi_cuts_the_mount_point_off_where_the_modifier_says_so() -> None:
    pairs = changed(("SCRIPT_NAME", "/m"), ("PATH_INFO", "/m/x"), ("REQUEST_URI", "/m/m/x"))
    told = feed("uwsgi", [cgi.uwsgi(pairs, modifier=30)])[1].reader.told
    assert (told["SCRIPT_NAME"], told["PATH_INFO"]) == ("/m", "/x")


def test_a_target_is_made_where_none_has_come() -> None:
    request = request_of("uwsgi", ("PATH_INFO", "/\xc3\xa4 %?"), ("SCRIPT_NAME", "/m"), without=("REQUEST_URI",))
    assert (request.uri, request.path) == ("/m/%C3%A4%20%25%3F?q=1", "/m/%C3%A4%20%25%3F")


SCHEMES: list[tuple[list[cgi.Pair], tuple[str, ...], str | None]] = [
    ([("HTTPS", "on")], (), "https"), ([("HTTPS", "1")], (), "https"), ([("HTTPS", "off")], (), "http"),
    ([("REQUEST_SCHEME", "https")], (), "https"), ([("HTTPS", "")], ("REQUEST_SCHEME",), None),
    ([("HTTPS", "off")], ("REQUEST_SCHEME",), "http"),
    # What a client says is no match for what the server in front knows.
    ([("HTTP_X_FORWARDED_PROTO", "https")], (), "http"),
    ([("HTTP_X_FORWARDED_PROTO", "https")], ("REQUEST_SCHEME",), "https"),
]


@pytest.mark.parametrize(("pairs", "without", "scheme"), SCHEMES)
def test_the_scheme(pairs: list[cgi.Pair], without: tuple[str, ...], scheme: str | None) -> None:
    limits = Limits(secure_scheme_headers=(("X-Forwarded-Proto", "https"),))
    assert request_of("uwsgi", *pairs, without=without, limits=limits).scheme == scheme


@pytest.mark.parametrize(("address", "port", "expected"), [
    ("2001:db8::1", "1", ("2001:db8::1", "1")), ("192.0.2.1", "", ("192.0.2.1", "")), ("unix:", "9", ("", "")),
    ("192.0.2.1", "x", ("192.0.2.1", "")), ("a\nb", "1", ("", "")), ("fe80::1%eth0", "1", ("fe80::1%eth0", "1")),
])  # fmt: skip
def test_the_client(address: str, port: str, expected: tuple[str, str]) -> None:
    told = request_of("uwsgi", ("REMOTE_ADDR", address), ("REMOTE_PORT", port)).variables
    assert (told["REMOTE_ADDR"], told["REMOTE_PORT"]) == expected


def test_what_reaches_the_application_and_what_does_not() -> None:
    request = request_of(
        "uwsgi", ("HTTP_CONTENT_LENGTH", "9"), ("HTTP_TRANSFER_ENCODING", "chunked"), ("HTTP_CONTENT_TYPE", "a/b"),
        ("wsgi.input", "x"), ("SERVER_SOFTWARE", "nginx"), ("SSL_CLIENT_CERT", "-----\nMII\n"), ("REMOTE_USER", "me"),
        ("AUTH_TYPE", ""), ("SERVER_PROTOCOL", "HTTP/2.0"), ("HTTP_SCRIPT_NAME", "/x"), ("HTTP_UPGRADE", "websocket"),
        ("HTTP_CONNECTION", "upgrade"), ("HTTP_EXPECT", "100-continue"),
    )
    assert {name for name, _ in request.headers} == {"HOST", "X-ANY", "UPGRADE", "CONNECTION", "EXPECT"}
    assert request.upgrade is None
    assert not request.expect_continue
    assert request.content_length == 0
    assert request.variables == {
        "DOCUMENT_ROOT": "/srv", "PATH_INFO": "/a%41", "REMOTE_ADDR": "192.0.2.7", "REMOTE_PORT": "4711",
        "REMOTE_USER": "me", "REQUEST_SCHEME": "http", "SERVER_NAME": "site.example", "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/2.0", "SSL_CLIENT_CERT": "-----\nMII\n",
    }


def test_what_comes_twice() -> None:
    """Old servers send a field that comes twice as two variables; of others the last one counts."""
    twice = [*VARIABLES, ("HTTP_X_ANY", "more"), ("SERVER_NAME", "other"), ("HTTP_HOST", "site.example"),
             ("CONTENT_TYPE", "a/b"), ("CONTENT_TYPE", "c/d"), ("CONTENT_LENGTH", "0"), ("CONTENT_LENGTH", "00")]
    request = feed("uwsgi", [cgi.uwsgi(twice)])[1].reader.request
    assert request is not None
    assert request.variables is not None
    assert [value for name, value in request.headers if name == "X-ANY"] == ["thing", "more"]
    assert [value for name, value in request.headers if name == "CONTENT-TYPE"] == ["c/d"]
    assert request.variables["SERVER_NAME"] == "other"


# What is refused, everywhere with the same status.

WRONG: list[tuple[str, list[cgi.Pair], int]] = [
    ("no method", [("REQUEST_METHOD", "")], 400),
    ("an odd method", [("REQUEST_METHOD", "get")], 400),
    ("a method with a space", [("REQUEST_METHOD", "GET ")], 400),
    ("CONNECT", [("REQUEST_METHOD", "CONNECT")], 501),
    ("a length that is none", [("CONTENT_LENGTH", "abc")], 400),
    ("a negative length", [("CONTENT_LENGTH", "-5")], 400),
    ("a huge length", [("CONTENT_LENGTH", "9" * 30)], 413),
    ("more than limit_request_body", [("CONTENT_LENGTH", "1001")], 413),
    ("two hosts", [("HTTP_HOST", "a"), ("HTTP_HOST", "b")], 400),
    ("a host that is none", [("HTTP_HOST", "a b")], 400),
    ("a line break in a field", [("HTTP_X", "a\r\nB: c")], 400),
    ("NUL in a field", [("HTTP_X", "a\0b")], 400),
    ("a field without a name", [("HTTP_", "a")], 400),
    ("a name that is none", [("HTTP_A B", "a")], 400),
    ("an expectation", [("HTTP_EXPECT", "wonders")], 417),
    ("a target with a fragment", [("REQUEST_URI", "/a#b")], 400),
    ("a target with a space", [("REQUEST_URI", "/a b")], 400),
    ("no path", [("REQUEST_URI", ""), ("PATH_INFO", "")], 400),
    ("a path without a slash", [("PATH_INFO", "a")], 400),
    ("a mount point without a slash", [("SCRIPT_NAME", "m")], 400),
    ("a query with a space", [("QUERY_STRING", "a b")], 400),
    ("a version that is none", [("SERVER_PROTOCOL", "SMTP")], 400),
    ("a long target", [("REQUEST_URI", "/" + "a" * 9000)], 414),
    ("a long field", [("HTTP_X", "a" * 9000)], 431),
    ("many fields", [(f"HTTP_X_{number}", "") for number in range(101)], 431),
    ("many variables", [(f"X_{number}", "") for number in range(200)], 431),
    ("many fields of some length", [(f"HTTP_X_{number}", "a" * 7000) for number in range(8)], 431),
]


#: NUL ends a value of SCGI.
EVERYWHERE = [pytest.param(kind, *row[1:], id=f"{kind}: {row[0]}") for row in WRONG for kind in PACKERS
              if kind != "scgi" or row[0] != "NUL in a field"]


@pytest.mark.parametrize(("kind", "pairs", "status"), EVERYWHERE)
def test_what_is_refused(kind: str, pairs: list[cgi.Pair], status: int) -> None:
    limits = Limits(body=1000, head=50000)
    data = PACKERS[kind]([pair for pair in VARIABLES if pair[0] not in dict(pairs)] + pairs)
    outcome, _ = feed(kind, [data], limits)
    assert [(each[0], each[2]) for each in outcome] == [(status, "its own")], outcome


LIES: list[tuple[str, str, bytes, int, str, str]] = [
    ("HTTP to uwsgi", "uwsgi", b"GET / HTTP/1.1\r\n", 400, "HTTP on a port for uwsgi", "as HTTP"),
    ("HTTP to SCGI", "scgi", b"POST / HTTP/1.1\r\n", 400, "HTTP on a port for SCGI", "as HTTP"),
    ("HTTP to FastCGI", "fastcgi", b"GET / HTTP/1.1\r\n", 400, "HTTP on a port for FastCGI", "as HTTP"),
    ("HTTP/2 to uwsgi", "uwsgi", b"PRI * HTTP/2.0\r\n", 400, "HTTP on a port for uwsgi", "as HTTP"),
    ("TLS to uwsgi", "uwsgi", b"\x16\x03\x01\x02\x00\x01\x00", 400, "TLS on a port for uwsgi", "not at all"),
    ("TLS to FastCGI", "fastcgi", b"\x16\x03\x01\x02\x00\x01\x00\x01", 400, "TLS on a port", "not at all"),
    ("FastCGI to uwsgi", "uwsgi", cgi.fastcgi(VARIABLES), 400, "FastCGI on a port for uwsgi", "not at all"),
    ("uwsgi to FastCGI", "fastcgi", cgi.uwsgi(VARIABLES), 400, "uwsgi on a port for FastCGI", "not at all"),
    ("uwsgi to SCGI", "scgi", cgi.uwsgi(VARIABLES), 400, "uwsgi on a port for SCGI", "not at all"),
    ("SCGI to uwsgi", "uwsgi", cgi.scgi(VARIABLES), 400, "SCGI on a port for uwsgi", "not at all"),
    ("SCGI to FastCGI", "fastcgi", cgi.scgi(VARIABLES), 400, "SCGI on a port for FastCGI", "not at all"),
    ("another modifier", "uwsgi", cgi.uwsgi(VARIABLES, modifier=5), 400, "neither HTTP nor", "not at all"),
    ("an empty packet", "uwsgi", b"\0\0\0\0", 400, "no REQUEST_METHOD", "its own"),
    ("a name too long", "uwsgi", b"\0\x04\0\0\xff\xffab", 400, "a name that goes beyond", "its own"),
    ("a name without a value", "uwsgi", b"\0\x03\0\0\x01\0a", 400, "a name that goes beyond", "its own"),
    ("a value too long", "uwsgi", b"\0\x06\0\0\x01\0a\xff\x00b", 400, "a value that goes beyond", "its own"),
    ("half a length", "uwsgi", b"\0\x01\0\0\x01", 400, "a name that goes beyond", "its own"),
    ("a nameless variable", "uwsgi", b"\0\x04\0\0\0\0\0\0", 400, "without a name", "its own"),
    ("a zero in front", "scgi", b"070:CONTENT_LENGTH\0", 400, "on a port for SCGI", "not at all"),
    ("a long number", "scgi", b"12345678:", 400, "on a port for SCGI", "not at all"),
    ("a large number", "scgi", b"9999999:", 431, "9999999 bytes", "its own"),
    ("no comma", "scgi", b"5:a\0b\0\0;", 400, "no comma", "its own"),
    ("half a pair", "scgi", b"2:a\0,", 400, "without an end", "its own"),
    ("no length", "scgi", b"4:a\0b\0,", 400, "no CONTENT_LENGTH", "its own"),
    ("an empty netstring", "scgi", b"0:,", 400, "on a port for SCGI", "not at all"),
    ("a version", "fastcgi", cgi.record(1, bytes(8), version=2), 400, "on a port for FastCGI", "not at all"),
    ("a version later", "fastcgi", cgi.begin() + b"\x02", 400, "a record of version 2", "its own"),
    ("a short begin", "fastcgi", cgi.record(1, b"\0\1"), 400, "begins nothing", "not at all"),
    ("a begin of nobody", "fastcgi", cgi.begin(0), 400, "begins nothing", "not at all"),
    ("a begin within", "fastcgi", cgi.begin() + cgi.begin(), 400, "begins nothing", "its own"),
    ("an abortion", "fastcgi", cgi.begin() + cgi.record(2), 400, "aborted", "its own"),
    ("content first", "fastcgi", cgi.begin() + cgi.record(5, b"a"), 400, "before the end of PARAMS", "its own"),
    ("an odd record", "fastcgi", cgi.begin() + cgi.record(8), 400, "a record of type 8", "its own"),
    ("no variables", "fastcgi", cgi.begin() + cgi.record(4), 400, "no REQUEST_METHOD", "its own"),
    ("a pair too long", "fastcgi", cgi.begin() + cgi.stream(4, b"\x05\x05ab"), 400, "goes beyond", "its own"),
    ("half a length of four", "fastcgi", cgi.begin() + cgi.stream(4, b"\x80\0"), 400, "goes beyond", "its own"),
    ("a huge length", "fastcgi", cgi.begin() + cgi.stream(4, b"\xff\xff\xff\xff\x01aa"), 400, "goes beyond", "its own"),
    ("much of it", "fastcgi", cgi.begin() + cgi.stream(4, bytes(1 << 21)), 431, "bytes of variables", "its own"),
    ("a large question", "fastcgi", cgi.record(9, bytes(2000), 0), 400, "2000 bytes", "not at all"),
    ("content without a length", "fastcgi", cgi.fastcgi(changed(("CONTENT_LENGTH", "0")), b"abc"), 400, "more content",
     "its own"),
]


@pytest.mark.parametrize("row", LIES, ids=[row[0] for row in LIES])
def test_lies(row: tuple[str, str, bytes, int, str, str]) -> None:
    _, kind, data, status, said, manner = row
    found = feed_both(kind, data)[-1] if len(data) < 10000 else feed(kind, [data])[0][-1]
    assert (found[0], found[2]) == (status, manner), found
    assert said in str(found[1]), found


def test_nothing_is_wrong_with_what_is_not_whole() -> None:
    for kind, pack in PACKERS.items():
        data = pack(changed(("CONTENT_LENGTH", "3")), b"abc")
        for end in range(len(data)):
            outcome, protocol = feed(kind, [data[:end]])
            assert outcome == [], (kind, end)
            assert protocol.is_idle() == (end == 0)


# FastCGI's own affairs.

QUESTION = cgi.record(9, cgi.pair_of(b"FCGI_MPXS_CONNS", b"") + cgi.pair_of(b"OTHER", b""), 0, padding=3)
ANSWER = cgi.record(10, cgi.pair_of(b"FCGI_MPXS_CONNS", b"0"), 0)
POST = changed(("REQUEST_METHOD", "POST"), ("CONTENT_LENGTH", "3"))


def test_requests_one_after_the_other() -> None:
    data = cgi.fastcgi(POST, b"abc", 1, True) + cgi.fastcgi(VARIABLES, b"", 7, True) + cgi.fastcgi(POST, b"def", 1)
    assert feed_both("fastcgi", data) == [
        ("POST", "/a%2541?q=1", b"abc"), ("GET", "/a%2541?q=1", b""), ("POST", "/a%2541?q=1", b"def")]


@pytest.mark.parametrize("place", range(4))
def test_questions_between_records(place: int) -> None:
    parts = [cgi.begin(), cgi.stream(4, cgi.params(POST)), cgi.record(5, b"abc"), cgi.record(5)]
    parts.insert(place, QUESTION)
    assert feed_both("fastcgi", b"".join(parts)) == [(ANSWER,), ("POST", "/a%2541?q=1", b"abc")]


def test_other_answers() -> None:
    unknown = cgi.record(11, bytes((77,)) + bytes(7), 0)
    assert feed_both("fastcgi", cgi.record(77, b"what", 0)) == [(unknown,)]
    assert feed_both("fastcgi", cgi.begin(3, True, role=2)) == [(cgi.record(3, b"\0\0\0\0\3\0\0\0", 3),)]
    mixed = cgi.begin() + cgi.begin(2) + cgi.stream(4, cgi.params(VARIABLES)) + cgi.stream(4, b"x", 2) + cgi.record(5)
    assert feed_both("fastcgi", mixed) == [(cgi.record(3, b"\0\0\0\0\1\0\0\0", 2),), ("GET", "/a%2541?q=1", b"")]


def test_questions_have_an_end() -> None:
    outcome, _ = feed("fastcgi", [QUESTION * 100])
    assert outcome[:-1] == [(ANSWER,)] * 16
    assert outcome[-1][0] == 400


def test_content_of_unknown_length() -> None:
    pairs = changed(("REQUEST_METHOD", "POST"), without=("CONTENT_LENGTH",))
    data = cgi.fastcgi(pairs, b"abc" * 1000)
    outcome, protocol = feed("fastcgi", [data])
    assert outcome == [("POST", "/a%2541?q=1", b"abc" * 1000)]
    assert protocol.request is not None
    assert protocol.request.chunked
    assert feed("fastcgi", [data], Limits(body=100))[0][-1][0] == 413


@pytest.mark.parametrize(("length", "said"), [("2", "more content"), ("4", "less content")])
def test_content_of_another_length(length: str, said: str) -> None:
    outcome = feed_both("fastcgi", cgi.fastcgi(changed(("CONTENT_LENGTH", length)), b"abc"))
    assert outcome[-1][0] == 400
    assert said in str(outcome[-1][1])


def test_records_of_answers() -> None:
    data = record_head(6, 258, 3) + b"abc" + end_of_answer(258)
    assert cgi.content_of(data, 258) == b"abc"
    assert list(cgi.records(end_request(2, 1))) == [cgi.Record(3, 2, b"\0\0\0\0\1\0\0\0")]
