"""What fields of HTTP/2 make a request, and what they make it malformed by: RFC 9113 section 8."""

from __future__ import annotations

from typing import Any

import pytest

from gunicorn.http.errors import (
    ExpectationFailed,
    HTTPError,
    InvalidHeader,
    InvalidHeaderName,
    InvalidHost,
    InvalidRequestLine,
    InvalidRequestMethod,
    InvalidSchemeHeaders,
    LimitRequestBody,
    LimitRequestHeaders,
    LimitRequestLine,
    UnsupportedMethod,
)
from gunicorn.http.fields import FieldTable
from gunicorn.http.limits import Limits
from gunicorn.http.request import Request
from gunicorn.wire import hpack
from gunicorn.wire._http2 import octets_of, pairs_of
from gunicorn.wire.http2_fields import Field
from gunicorn.wire.http2_head import HeadReader, Malformed, is_same_host, trailers_of

Pairs = list[tuple[str, str]]

METHOD, SCHEME, PATH, AUTHORITY = (":method", "GET"), (":scheme", "https"), (":path", "/"), (":authority", "a")
GET = [METHOD, SCHEME, PATH, AUTHORITY]


def section(pairs: Pairs, table: FieldTable) -> tuple[list[Field], int]:
    block = b"".join(hpack.packed(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs)
    decoder = hpack.Decoder(hpack.Static(table))
    return decoder.decode(block, 0, len(block), 65536), decoder.total


def read(pairs: Pairs, ended: bool = True, trusted: bool = False, limit: int = 65536, **limits: object) -> Request:
    table = FieldTable(Limits(**limits))
    reader = HeadReader(table, trusted, limit, connects=True)
    return reader.read(*section(pairs, table), ended)


def test_a_request() -> None:
    request = read([
        (":method", "POST"), (":scheme", "https"), (":path", "/a%20b?c=d?e"), (":authority", "example.com:8443"),
        ("content-length", "5"), ("te", "trailers"), ("x-a", "\xe4"), ("expect", "100-Continue"),
    ], ended=False)
    assert (request.method, request.uri, request.path, request.query) == ("POST", "/a%20b?c=d?e", "/a%20b", "c=d?e")
    assert request.version == (2, 0)
    assert (request.host, request.authority, request.scheme) == ("example.com:8443", None, None)
    assert (request.content_length, request.chunked, request.close) == (5, False, False)
    assert request.expect_continue
    assert request.headers == [
        ("HOST", "example.com:8443"), ("CONTENT-LENGTH", "5"), ("TE", "trailers"), ("X-A", "\xe4"),
        ("EXPECT", "100-Continue"),
    ]


def test_a_reader_reads_one_request_after_the_other() -> None:
    table = FieldTable(Limits())
    reader = HeadReader(table, False, 65536, connects=True)
    pairs = [*GET, ("content-type", "a"), ("cookie", "a"), ("cookie", "b")]
    first = reader.read(*section(pairs, table), False)
    pairs = [(":method", "PUT"), *GET[1:], ("content-type", "b"), ("content-length", "1")]
    second = reader.read(*section(pairs, table), False)
    assert (first.method, first.content_length, first.header("cookie")) == ("GET", -1, "a; b")
    assert (second.method, second.content_length, second.header("cookie")) == ("PUT", 1, None)


@pytest.mark.parametrize(("ended", "length", "expected"), [
    (True, None, 0), (True, "0", 0), (False, None, -1), (False, "0", 0), (False, "7", 7),
])
def test_how_long_the_content_is(ended: bool, length: str | None, expected: int) -> None:
    pairs = GET if length is None else [*GET, ("content-length", length)]
    assert read(pairs, ended).content_length == expected


@pytest.mark.parametrize(("crumbs", "cookie"), [
    (["a=b"], "a=b"), (["a=b", "c=d"], "a=b; c=d"), (["a", "b", "c"], "a; b; c"), ([""], ""),
])
def test_crumbs_are_one_cookie(crumbs: list[str], cookie: str) -> None:
    pairs = [*GET, ("x-a", "1")]
    for crumb in crumbs:
        pairs += [("cookie", crumb), ("x-b", "2")]
    request = read(pairs)
    assert [value for name, value in request.headers if name == "COOKIE"] == [cookie]
    assert request.headers[2] == ("COOKIE", cookie)


@pytest.mark.parametrize(("pairs", "host"), [
    (GET, "a"),
    ([METHOD, SCHEME, PATH, ("host", "b")], "b"),
    ([*GET, ("host", "a")], "a"),
    ([*GET, ("host", "A")], "a"),
    ([*GET, ("host", "a:443")], "a"),
    ([METHOD, (":scheme", "http"), PATH, (":authority", "a:80"), ("host", "a")], "a:80"),
    ([METHOD, SCHEME, PATH, (":authority", "[::1]:443"), ("host", "[::1]")], "[::1]:443"),
])
def test_the_host_is_told_once(pairs: Pairs, host: str) -> None:
    request = read(pairs)
    assert request.host == host
    assert [value for name, value in request.headers if name == "HOST"] == [host]


OPTIONS = [(":method", "OPTIONS"), SCHEME, (":path", "*"), AUTHORITY]
WEBSOCKET = [(":method", "CONNECT"), (":protocol", "websocket"), SCHEME, (":path", "/chat"), AUTHORITY]


def test_other_targets() -> None:
    assert (read(OPTIONS).uri, read(OPTIONS).path) == ("*", "*")
    assert read(WEBSOCKET, ended=False).path == "/chat"


def test_a_server_without_other_protocols() -> None:
    table = FieldTable(Limits())
    with pytest.raises(UnsupportedMethod):
        HeadReader(table, False, 65536).read(*section(WEBSOCKET, table), False)


#: The fields, and the error that they are.
REFUSED: dict[str, tuple[Pairs, type[HTTPError]]] = {
    "nothing": ([], Malformed),
    "no method": ([SCHEME, PATH, AUTHORITY], Malformed),
    "no scheme": ([METHOD, PATH, AUTHORITY], Malformed),
    "no path": ([METHOD, SCHEME, AUTHORITY], Malformed),
    "an empty path": ([METHOD, SCHEME, (":path", ""), AUTHORITY], Malformed),
    "an empty method": ([(":method", ""), SCHEME, PATH, AUTHORITY], Malformed),
    "an empty scheme": ([METHOD, (":scheme", ""), PATH, AUTHORITY], Malformed),
    "no host": ([METHOD, SCHEME, PATH], InvalidHost),
    "an empty authority": ([METHOD, SCHEME, PATH, (":authority", "")], Malformed),
    "an empty host": ([METHOD, SCHEME, PATH, ("host", "")], InvalidHost),
    "an authority with user information": ([METHOD, SCHEME, PATH, (":authority", "u@a")], InvalidHost),
    "an authority that is none": ([METHOD, SCHEME, PATH, (":authority", "a/b")], InvalidHost),
    "an authority with a port that is none": ([METHOD, SCHEME, PATH, (":authority", "a:99999")], InvalidHost),
    "a method twice": ([METHOD, *GET], Malformed),
    "a path twice": ([*GET, PATH], Malformed),
    "a scheme twice": ([*GET, SCHEME], Malformed),
    "an authority twice": ([*GET, AUTHORITY], Malformed),
    "a protocol twice": ([*WEBSOCKET, (":protocol", "websocket")], Malformed),
    "an unknown pseudo-header field": ([*GET, (":x", "y")], Malformed),
    "one of a response": ([*GET, (":status", "200")], Malformed),
    "one behind a field": ([METHOD, SCHEME, PATH, ("x", "y"), AUTHORITY], Malformed),
    "one behind a cookie": ([METHOD, SCHEME, PATH, ("cookie", "y"), AUTHORITY], Malformed),
    "one behind a host": ([METHOD, SCHEME, PATH, ("host", "a"), AUTHORITY], Malformed),
    "an absolute target": ([METHOD, SCHEME, (":path", "http://a/"), AUTHORITY], InvalidRequestLine),
    "a target without a slash": ([METHOD, SCHEME, (":path", "a"), AUTHORITY], InvalidRequestLine),
    "* for another method than OPTIONS": ([METHOD, SCHEME, (":path", "*"), AUTHORITY], InvalidRequestLine),
    "a target with a query alone": ([METHOD, SCHEME, (":path", "?a"), AUTHORITY], InvalidRequestLine),
    "a target with a fragment": ([METHOD, SCHEME, (":path", "/#a"), AUTHORITY], Malformed),
    "a method in lower case": ([(":method", "geT"), *GET[1:]], InvalidRequestMethod),
    "CONNECT": ([(":method", "CONNECT"), (":authority", "a:1")], UnsupportedMethod),
    "CONNECT with a path": ([(":method", "CONNECT"), *GET[1:]], Malformed),
    "a protocol without CONNECT": ([*GET, (":protocol", "websocket")], Malformed),
    "a protocol without a scheme": ([WEBSOCKET[0], WEBSOCKET[1], PATH, AUTHORITY], Malformed),
    "a host that is another": ([*GET, ("host", "b")], InvalidHost),
    "a host with another port": ([*GET, ("host", "a:80")], InvalidHost),
    "a host twice": ([METHOD, SCHEME, PATH, ("host", "a"), ("host", "a")], InvalidHost),
    "a host twice beside an authority": ([*GET, ("host", "a"), ("host", "a")], InvalidHost),
    "a name in upper case": ([*GET, ("X-A", "b")], Malformed),
    "a connection field": ([*GET, ("connection", "close")], Malformed),
    "a transfer coding": ([*GET, ("transfer-encoding", "chunked")], Malformed),
    "a line break": ([*GET, ("x", "a\nb")], Malformed),
    "TE": ([*GET, ("te", "gzip")], Malformed),
    "a length that does not come": ([*GET, ("content-length", "1")], Malformed),
    "two lengths": ([*GET, ("content-length", "0"), ("content-length", "0")], InvalidHeader),
    "a length that is none": ([*GET, ("content-length", "-1")], InvalidHeader),
    "a length beyond all measure": ([*GET, ("content-length", "9" * 19)], LimitRequestBody),
    "an expectation": ([*GET, ("expect", "more")], ExpectationFailed),
    "two types": ([*GET, ("content-type", "a"), ("content-type", "b")], InvalidHeader),
    "too many fields": ([*GET, *[("x", "y")] * 100], LimitRequestHeaders),
    "too many crumbs": ([*GET, *[("cookie", "y")] * 402], LimitRequestHeaders),
    "a field that is too large": ([*GET, ("x", "y" * 8190)], LimitRequestHeaders),
    "a cookie that is too large": ([*GET, *[("cookie", "y" * 4000)] * 3], LimitRequestHeaders),
    "a section that is too large": ([*GET, *[("x", "y" * 8000)] * 9], LimitRequestHeaders),
    "a section that is malformed and too large": ([*[("x", "y" * 8000)] * 9], LimitRequestHeaders),
    "a target that is too long": ([METHOD, SCHEME, (":path", "/" * 8180), AUTHORITY], LimitRequestLine),
}


@pytest.mark.parametrize(("pairs", "error"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(pairs: Pairs, error: type[HTTPError]) -> None:
    with pytest.raises(error) as found:
        read(pairs)
    assert type(found.value) is error


def test_the_table_is_kept_whatever_is_wrong() -> None:
    table = FieldTable(Limits())
    decoder, reader = hpack.Decoder(hpack.Static(table)), HeadReader(table, False, 65536)
    block = hpack.packed(b"X", b"y") + b"\x40\x01a\x01b"
    with pytest.raises(Malformed):
        reader.read(decoder.decode(block, 0, len(block), 65536), decoder.total, True)
    assert [(field.name, field.text) for field in decoder.fields] == [(b"a", "b")]


@pytest.mark.parametrize("of", [pairs_of, octets_of])
@pytest.mark.parametrize("wrong", [None, (), [None], ["a"], [Field(b"a", b"b", FieldTable(Limits())), object()]])
def test_the_leaf_believes_nobody(of: Any, wrong: object) -> None:
    with pytest.raises(TypeError):
        of(wrong)


def test_limits_hold_as_in_http1() -> None:
    assert len(read([*GET, *[("x", "y")] * 99, ("cookie", "z")], fields=101).fields) == 101
    with pytest.raises(LimitRequestBody):
        read([*GET, ("content-length", "11")], ended=False, body=10)
    assert read([METHOD, SCHEME, (":path", "/" * 9000), AUTHORITY], request_line=0).path == "/" * 9000
    assert read([(":method", "get"), *GET[1:]], casefold_http_method=True).method == "GET"


@pytest.mark.parametrize("last", [
    ("x_a", "1"), ("x_a", "1" * 9000), ("host", "a"), ("cookie", "b"),
], ids=["one-too-many", "too-large", "second-host", "piece-of-a-cookie"])
def test_what_is_wrong_with_a_field_that_no_request_has(last: tuple[str, str]) -> None:
    pairs = [*GET, ("cookie", "a"), *[("x", "y")] * (98 if len(last[1]) == 1 else 1), last]
    if last[0] == "cookie":
        # Of the pieces of a cookie the first counts.
        assert read(pairs).header("cookie") == "a; b"
    else:
        with pytest.raises(LimitRequestHeaders):
            read(pairs)


@pytest.mark.parametrize("trusted", [True, False])
def test_a_trusted_proxy_tells_the_scheme_and_the_path(trusted: bool) -> None:
    settings = {"secure_scheme_headers": (("X-FORWARDED-PROTO", "https"),)}
    request = read([*GET, ("x-forwarded-proto", "https"), ("script_name", "/a/")], trusted=trusted, **settings)
    assert (request.scheme, request.script_name) == (("https", "/a") if trusted else (None, None))
    assert (request.header("script_name") is not None) is trusted
    with pytest.raises(InvalidSchemeHeaders):
        read([*GET, ("x-forwarded-proto", "https"), ("x-forwarded-proto", "http")], trusted=True, **settings)


@pytest.mark.parametrize(("header_map", "outcome"), [("drop", 0), ("dangerous", 1), ("refuse", None)])
def test_names_with_an_underscore(header_map: str, outcome: int | None) -> None:
    pairs = [*GET, ("x_a", "1")]
    if outcome is None:
        with pytest.raises(InvalidHeaderName):
            read(pairs, header_map=header_map)
    else:
        assert len(read(pairs, header_map=header_map).fields) == 1 + outcome


def trailers(pairs: Pairs, **limits: object) -> Pairs:
    table = FieldTable(Limits(**limits))
    return trailers_of(*section(pairs, table), table, 1000)


def test_trailers() -> None:
    pairs = [("grpc-status", "0"), ("content-length", "1"), ("host", "a"), ("x_y", "b"), ("grpc-message", "\xe4")]
    assert trailers(pairs) == [("GRPC-STATUS", "0"), ("GRPC-MESSAGE", "\xe4")]
    assert trailers([]) == []


@pytest.mark.parametrize(("pairs", "error"), [
    ([(":path", "/")], Malformed),
    ([("a", "b"), (":status", "200")], Malformed),
    ([("A", "b")], Malformed),
    ([("connection", "close")], Malformed),
    ([("a", "b" * 1000)], LimitRequestHeaders),
    ([("a", "b")] * 11, LimitRequestHeaders),
])
def test_trailers_that_are_refused(pairs: Pairs, error: type[HTTPError]) -> None:
    with pytest.raises(error):
        trailers(pairs, fields=10)


@pytest.mark.parametrize(("one", "other", "scheme", "same"), [
    ("a", "a", None, True), ("a", "a:80", None, False), ("a", "a:80", "http", True), ("A:80", "a", "http", True),
    ("a:443", "a", "http", False), ("a", "b", "https", False), ("a:8080", "a", "http", False),
])
def test_the_same_host(one: str, other: str, scheme: str | None, same: bool) -> None:
    assert is_same_host(one, other, scheme) is same
