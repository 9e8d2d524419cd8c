"""The HTTP/1 protocol: a table of specimens, each fed whole, byte by byte, and with octets behind it."""

from __future__ import annotations

import pytest

from gunicorn.http.errors import HTTPError
from gunicorn.http.fields import FieldTable
from gunicorn.http.limits import Limits
from gunicorn.wire.http1 import HTTP1
from gunicorn.wire.protocol import REQUEST

from .feeding import Outcome, bytewise, feed, feed_both

HOST = b"Host: a\r\n"
PLAIN = Limits()


def request(method: str, uri: str, *fields: tuple[str, str], body: bytes = b"", trailers: object = ()) -> Outcome:
    return [("request", method, uri, (("HOST", "a"), *fields), body, trailers)]


def error(status: int) -> Outcome:
    return [("error", status)]


GOOD = {
    "get": (b"GET / HTTP/1.1\r\n" + HOST + b"\r\n", request("GET", "/")),
    "http/1.0": (b"GET / HTTP/1.0\r\n" + HOST + b"\r\n", request("GET", "/")),
    "query": (b"GET /a?b=c&d HTTP/1.1\r\n" + HOST + b"\r\n", request("GET", "/a?b=c&d")),
    "one line in front": (b"\r\nGET / HTTP/1.1\r\n" + HOST + b"\r\n", request("GET", "/")),
    "white space around": (b"GET / HTTP/1.1\r\nHost: a\r\nX:\t b \t\r\n\r\n", request("GET", "/", ("X", "b"))),
    "no white space": (b"GET / HTTP/1.1\r\nHost:a\r\nX:b\r\n\r\n", request("GET", "/", ("X", "b"))),
    "empty value": (b"GET / HTTP/1.1\r\nHost: a\r\nX:\r\nY: \r\n\r\n", request("GET", "/", ("X", ""), ("Y", ""))),
    "obs-text": (b"GET / HTTP/1.1\r\nHost: a\r\nX: \xe9\r\n\r\n", request("GET", "/", ("X", "\xe9"))),
    "length": (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
        request("POST", "/", ("CONTENT-LENGTH", "3"), body=b"abc")),
    "length 0": (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", request("POST", "/", ("CONTENT-LENGTH", "0"))),
    "chunked": (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n",
        request("POST", "/", ("TRANSFER-ENCODING", "chunked"), body=b"abc0123456789")),
    "chunk extensions": (
        b'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n3;a;b=c;d="e f\\"" \r\nabc\r\n0;z\r\n\r\n'
        .replace(b'" \r\n', b'"\r\n'),
        request("POST", "/", ("TRANSFER-ENCODING", "Chunked"), body=b"abc")),
    "trailers": (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"1\r\na\r\n0\r\nX: y\r\nContent-Length: 5\r\n\r\n",
        request("POST", "/", ("TRANSFER-ENCODING", "chunked"), body=b"a", trailers=(("X", "y"),))),
    "absolute": (b"GET http://b:1/c HTTP/1.1\r\n" + HOST + b"\r\n", request("GET", "http://b:1/c")),
    "asterisk": (b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", request("OPTIONS", "*")),
    "ipv6 host": (
        b"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", [("request", "GET", "/", (("HOST", "[::1]:80"),), b"", ())]),
    "underscore dropped": (b"GET / HTTP/1.1\r\nHost: a\r\nX_A: b\r\n\r\n", request("GET", "/")),
    "no host in 1.0": (b"GET / HTTP/1.0\r\n\r\n", [("request", "GET", "/", (), b"", ())]),
    "expect": (
        b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\na",
        request("POST", "/", ("EXPECT", "100-Continue"), ("CONTENT-LENGTH", "1"), body=b"a")),
}


def head(*lines: bytes) -> bytes:
    return b"\r\n".join((b"GET / HTTP/1.1", b"Host: a", *lines, b"", b""))


def chunked(body: bytes) -> bytes:
    return head(b"Transfer-Encoding: chunked") + body


BAD_HEADS = {
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two hosts": (head(b"Host: a"), 400),
    "host with space": (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    "host with path": (b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    "host with user": (b"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400),
    "two lines in front": (b"\r\n\r\nGET / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "bare lf line": (b"GET / HTTP/1.1\nHost: a\n\n", 400),
    "bare lf field": (b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400),
    "bare cr": (head(b"X: a\rb"), 400),
    "nul": (head(b"X: a\0b"), 400),
    "delete": (head(b"X: a\x7f"), 400),
    "space in name": (head(b"X : b"), 400),
    "no colon": (head(b"X"), 400),
    "empty name": (head(b": b"), 400),
    "folded": (head(b"X: b", b" c"), 400),
    "folded first": (b"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400),
    "http/0.9": (b"GET /\r\n\r\n", 400),
    "http/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "http/1.2": (b"GET / HTTP/1.2\r\n" + HOST + b"\r\n", 505),
    "version word": (b"GET / HTTQ/1.1\r\n" + HOST + b"\r\n", 400),
    "version digits": (b"GET / HTTP/1.11\r\n" + HOST + b"\r\n", 400),
    "two spaces": (b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "raw utf-8": ("GET /é HTTP/1.1\r\n".encode() + HOST + b"\r\n", 400),
    "lower-case method": (b"get / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "asterisk for get": (b"GET * HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "authority for get": (b"GET a:1 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "user in absolute": (b"GET http://u@b/ HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "tls hello": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "length sign": (head(b"Content-Length: +1"), 400),
    "length space": (head(b"Content-Length: 1 1"), 400),
    "length list": (head(b"Content-Length: 1, 1"), 400),
    "length twice": (head(b"Content-Length: 1", b"Content-Length: 1"), 400),
    "length superscript": (head(b"Content-Length: \xb2"), 400),
    "length huge": (head(b"Content-Length: 1" + b"0" * 30), 413),
    "coding with length": (head(b"Content-Length: 1", b"Transfer-Encoding: chunked"), 400),
    "coding in 1.0": (b"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    "coding unknown": (head(b"Transfer-Encoding: xchunked"), 501),
    "coding known": (head(b"Transfer-Encoding: gzip, chunked"), 501),
    "coding not last": (head(b"Transfer-Encoding: chunked, gzip"), 400),
    "coding twice": (head(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"), 400),
    "coding empty": (head(b"Transfer-Encoding: ,"), 400),
    "expectation": (head(b"Expect: tea"), 417),
    "content type twice": (head(b"Content-Type: a/b", b"Content-Type: a/b"), 400),
    "long line": (b"GET /" + b"a" * 8300 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
    "long line without end": (b"GET /" + b"a" * 8300, 414),
    "many fields": (head(*[b"X: a"] * 100), 431),
    "large field": (head(b"X: " + b"a" * 8200), 431),
    "large field without end": (b"GET / HTTP/1.1\r\nX: " + b"a" * 8200, 431),
}
BAD_BODIES = {
    "chunk size": (b"x\r\n", 400),
    "chunk sign": (b"+1\r\na\r\n", 400),
    "chunk prefix": (b"0x1\r\na\r\n", 400),
    "chunk space": (b"1 \r\na\r\n", 400),
    "chunk empty": (b"\r\n", 400),
    "chunk bare lf": (b"1\na\r\n", 400),
    "chunk too long": (b"1\r\nab\r\n", 400),
    "chunk end bare lf": (b"1\r\na\n", 400),
    "chunk huge": (b"1" + b"0" * 20 + b"\r\n", 413),
    "extension name": (b"1;=\r\na\r\n", 400),
    "extension control": (b"1;a\x01\r\na\r\n", 400),
    "line without end": (b"1;" + b"a" * 5000, 400),
    "trailer": (b"0\r\nbad\r\n\r\n", 400),
    "trailer bare lf": (b"0\r\nX: a\n\r\n", 400),
    "trailer folded": (b"0\r\nX: a\r\n b\r\n\r\n", 400),
    "trailers too many": (b"0\r\n" + b"X: a\r\n" * 101 + b"\r\n", 431),
}


@pytest.mark.parametrize("name", GOOD)
def test_good(name: str) -> None:
    data, expected = GOOD[name]
    assert feed_both(data) == expected


@pytest.mark.parametrize("name", GOOD)
def test_good_with_another_behind(name: str) -> None:
    data, expected = GOOD[name]
    second = GOOD["length"]
    assert feed_both(data + second[0]) == expected + second[1]


@pytest.mark.parametrize("name", GOOD)
def test_a_request_cut_short_is_never_complete(name: str) -> None:
    data, _ = GOOD[name]
    for size in range(len(data)):
        assert not [part for part in feed([data[:size]]) if part[0] == "request" and part[4] is not None]


@pytest.mark.parametrize("name", BAD_HEADS)
def test_bad_head(name: str) -> None:
    data, status = BAD_HEADS[name]
    assert feed_both(data) == error(status)
    assert feed([data + b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"]) == error(status)


@pytest.mark.parametrize("name", BAD_BODIES)
def test_bad_body(name: str) -> None:
    body, status = BAD_BODIES[name]
    data = chunked(body)
    for pieces in ([data], bytewise(data), [data + b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"]):
        assert feed(pieces)[-1] == ("error", status)
        assert not [part for part in feed(pieces) if part[0] == "request" and part[4] is not None]


SWITCHES = {
    "folding": (
        Limits(permit_obsolete_folding=True), head(b"X: b", b"  c", b"\td"), request("GET", "/", ("X", "b c d"))),
    "folded length": (
        Limits(permit_obsolete_folding=True), head(b"Content-Length:", b" 1") + b"a",
        request("GET", "/", ("CONTENT-LENGTH", "1"), body=b"a")),
    "folding a dropped field": (Limits(permit_obsolete_folding=True), head(b"X_A: b", b" c"), request("GET", "/")),
    "spaces": (Limits(strip_header_spaces=True), head(b"X  : b"), request("GET", "/", ("X", "b"))),
    "methods": (
        Limits(permit_unconventional_http_method=True), b"g# / HTTP/1.1\r\n" + HOST + b"\r\n", request("g#", "/")),
    "folded case": (Limits(casefold_http_method=True), b"get / HTTP/1.1\r\n" + HOST + b"\r\n", request("GET", "/")),
    "versions": (
        Limits(permit_unconventional_http_version=True), b"GET / HTTP/2.3\r\n" + HOST + b"\r\n", request("GET", "/")),
    "underscores refused": (Limits(header_map="refuse"), head(b"X_A: b"), error(400)),
    "underscores kept": (Limits(header_map="dangerous"), head(b"X_A: b"), request("GET", "/", ("X_A", "b"))),
    "line of the limit": (
        Limits(request_line=20), b"GET /1234567 HTTP/1.1\r\n" + HOST + b"\r\n", error(414)),
    "fields of the limit": (Limits(fields=2), head(b"X: b"), request("GET", "/", ("X", "b"))),
    "one field too many": (Limits(fields=2), head(b"X: b", b"Y: c"), error(431)),
    "field of the limit": (Limits(field_size=10), head(b"X: 1234567"), request("GET", "/", ("X", "1234567"))),
    "field above it": (Limits(field_size=10), head(b"X: 12345678"), error(431)),
    "authority": (
        Limits(permit_connect=True), b"CONNECT b:1 HTTP/1.1\r\n" + HOST + b"\r\n", request("CONNECT", "b:1")),
    "authority without the switch": (PLAIN, b"CONNECT b:1 HTTP/1.1\r\n" + HOST + b"\r\n", error(501)),
    "authority of no port": (Limits(permit_connect=True), b"CONNECT b:0 HTTP/1.1\r\n" + HOST + b"\r\n", error(400)),
    "no host": (
        Limits(permit_missing_host=True), b"GET / HTTP/1.1\r\n\r\n", [("request", "GET", "/", (), b"", ())]),
    "two hosts all the same": (Limits(permit_missing_host=True), head(b"Host: a"), error(400)),
    "a scheme field with an underscore": (
        Limits(secure_scheme_headers=(("X_PROTO", "https"),)), head(b"X_Proto: https"), request("GET", "/")),
    "head of the limit": (Limits(head=18), head(b"X: 12"), request("GET", "/", ("X", "12"))),
    "head above it": (Limits(head=18), head(b"X: 123"), error(431)),
    "head above it by white space": (Limits(head=18), head(b"X:   12"), error(431)),
    "the request line does not count": (
        Limits(head=11), b"GET /" + b"a" * 99 + b" HTTP/1.1\r\n" + HOST + b"\r\n", request("GET", "/" + "a" * 99)),
    "head without a limit": (
        Limits(head=0, field_size=0), head(b"X: " + b"x" * 70000), request("GET", "/", ("X", "x" * 70000))),
    "spaces count once": (Limits(head=19, strip_header_spaces=True), head(b"X : 12"), request("GET", "/", ("X", "12"))),
    "spaces above the limit": (Limits(head=18, strip_header_spaces=True), head(b"X : 12"), error(431)),
    "folded above the limit": (
        Limits(head=24, permit_obsolete_folding=True), head(b"X: b", b"  c", b"\td"), error(431)),
    "body above the limit": (Limits(body=2), head(b"Content-Length: 3") + b"abc", error(413)),
}


@pytest.mark.parametrize("name", SWITCHES)
def test_switches(name: str) -> None:
    limits, data, expected = SWITCHES[name]
    assert feed_both(data, limits) == expected


def test_chunks_above_the_body_limit() -> None:
    data = chunked(b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")
    assert feed([data], Limits(body=2))[-1] == ("error", 413)
    assert feed([data], Limits(body=3))[0][4] == b"abc"


def test_forwarder_headers_of_a_trusted_peer() -> None:
    data = head(b"SCRIPT_NAME: /a", b"X_B: c")
    assert feed([data], trusted=True) == request("GET", "/", ("SCRIPT_NAME", "/a"))
    assert feed([data]) == request("GET", "/")


# The name that was sent, `forwarder_headers`, `header_map`, whether the peer is trusted: is it passed on, or an error?
NAMES = {
    "what is listed": (b"A_B", {"A_B"}, "drop", True, True),
    "in any case": (b"a_b", {"A_B"}, "drop", True, True),
    "listed in lower case": (b"A_B", {"a_b"}, "drop", True, True),
    "from anybody": (b"A_B", {"A_B"}, "drop", False, False),
    "from anybody, refused": (b"A_B", {"A_B"}, "refuse", False, 400),
    "its twin": (b"A-B", {"A_B"}, "drop", True, False),
    "its twin from anybody": (b"A-B", {"A_B"}, "drop", False, False),
    "its twin, refused": (b"A-B", {"A_B"}, "refuse", True, 400),
    "its twin, passed on": (b"A-B", {"A_B"}, "dangerous", True, True),
    "half a twin": (b"A_B-C", {"A_B_C"}, "drop", True, False),
    "another half": (b"A-B_C", {"A_B_C"}, "drop", True, False),
    "the twin is listed, too": (b"A-B", {"A_B", "A-B"}, "drop", True, True),
    "a name with dashes that is listed": (b"A-B", {"A-B"}, "drop", False, True),
    "all": (b"A_B", {"*"}, "drop", True, True),
    "all, from anybody": (b"A_B", {"*"}, "drop", False, False),
    "all own nothing": (b"A-B", {"*"}, "drop", False, True),
    "a longer name": (b"A-B-C", {"A_B"}, "drop", True, True),
    # The variable of Content-Type is its own.
    "content type": (b"Content-Type", {"CONTENT_TYPE"}, "drop", True, True),
    "connection": (b"Connection", {"CONNECTION"}, "drop", True, True),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("folding", [False, True])
def test_a_name_is_the_octets_that_were_sent(name: str, folding: bool) -> None:
    sent, listed, header_map, trusted, result = NAMES[name]
    limits = Limits(forwarder_headers=frozenset(listed), header_map=header_map, permit_obsolete_folding=folding)
    passed = request("GET", "/", (sent.decode().upper(), "v")) if result else request("GET", "/")
    assert feed_both(head(sent + b": v"), limits, trusted) == (error(400) if result == 400 else passed)


# What is sent, whether the peer is trusted: where the application is mounted.
PREFIXES = {
    "nothing": ([], True, None),
    "a path": ([b"SCRIPT_NAME: /a"], True, "/a"),
    "a slash behind it": ([b"SCRIPT_NAME: /a/"], True, "/a"),
    "the root": ([b"SCRIPT_NAME: /"], True, ""),
    "empty": ([b"SCRIPT_NAME:"], True, ""),
    "with a dash": ([b"Script-Name: /a"], True, None),
    "with a dash as well": ([b"Script-Name: /b", b"script_name: /a", b"Script-Name: /b"], True, "/a"),
    "from anybody": ([b"SCRIPT_NAME: /a"], False, None),
    "a path of the client's": ([b"PATH_INFO: /a"], True, None),
}


@pytest.mark.parametrize("name", PREFIXES)
@pytest.mark.parametrize("header_map", ["drop", "dangerous"])
@pytest.mark.parametrize("folding", [False, True])
def test_where_the_application_is_mounted(name: str, header_map: str, folding: bool) -> None:
    lines, trusted, prefix = PREFIXES[name]
    protocol = HTTP1(FieldTable(Limits(header_map=header_map, permit_obsolete_folding=folding)), trusted)
    protocol.receive(head(*lines))
    assert protocol.next_event() == REQUEST
    assert protocol.request.script_name == prefix


@pytest.mark.parametrize("lines", [[b"SCRIPT_NAME: a"], [b"SCRIPT_NAME: /a", b"SCRIPT_NAME: /a"]])
def test_a_prefix_that_is_none(lines: list[bytes]) -> None:
    assert feed_both(head(*lines), trusted=True) == error(400)
    assert feed_both(head(*lines)) == request("GET", "/")


def test_a_missing_host_names_the_setting() -> None:
    protocol = HTTP1(FieldTable(PLAIN))
    protocol.receive(b"GET / HTTP/1.1\r\n\r\n")
    with pytest.raises(HTTPError, match="set permit_missing_host"):
        protocol.next_event()


def test_a_head_of_many_fields_has_a_bound() -> None:
    """Each field is as it may be, and so is their number."""
    lines = [b"X-%d: " % number + b"x" * 8000 for number in range(20)]
    assert feed([head(*lines)]) == error(431)
    # It is refused before it is whole, and as soon when it comes in pieces.
    assert feed([head(*lines)[:66000]]) == error(431)
    assert feed([head(*lines)[:65000]]) == []
    pieces = [head(*lines)[start:start + 1000] for start in range(0, 66000, 1000)]
    assert feed(pieces) == error(431)
    assert feed(pieces[:65]) == []
    # The next request has a count of its own.
    single = head(*lines[:5])
    assert [part[0] for part in feed([single] * 5)] == ["request"] * 5


def test_a_trailer_section_has_the_same_bound() -> None:
    trailers = b"".join(b"X-%d: " % number + b"x" * 8000 + b"\r\n" for number in range(9))
    data = chunked(b"1\r\na\r\n0\r\n" + trailers + b"\r\n")
    for pieces in ([data], [data[start:start + 1000] for start in range(0, len(data), 1000)]):
        assert feed(pieces)[-1] == ("error", 431)
    assert feed([data], Limits(head=0))[0][4] == b"a"
