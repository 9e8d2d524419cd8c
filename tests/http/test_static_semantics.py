"""Conditions, ranges, codings, dates, names and hosts as tables: RFC 9110 sections 5.6.7, 7.2, 12.5.3, 13 and 14."""

from __future__ import annotations

import calendar
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunicorn.config.hosts import host_pattern
from gunicorn.http.codings import IDENTITY, preferred_coding
from gunicorn.http.conditions import evaluate, range_stands
from gunicorn.http.dates import parse_http_date
from gunicorn.http.errors import InvalidHost, Misdirected
from gunicorn.http.hosts import Hosts
from gunicorn.http.media_types import UNKNOWN, is_compressible, media_type
from gunicorn.http.names import names_of
from gunicorn.http.ranges import MOST_RANGES, ranges_of
from gunicorn.http.request import Request
from gunicorn.http.response import http_date

NOV_6 = 784111777  # the RFC's own example
ETAG = '"a-1"'
SAME, BEFORE, AFTER = (http_date(time.gmtime(NOV_6 + shift)).decode() for shift in (0, -1, 1))

DATES = {
    "Sun, 06 Nov 1994 08:49:37 GMT": NOV_6,
    "Sunday, 06-Nov-94 08:49:37 GMT": NOV_6,
    "Sun Nov  6 08:49:37 1994": NOV_6,
    "Thu, 01 Jan 1970 00:00:00 GMT": 0,
    "Tue, 29 Feb 2000 23:59:59 GMT": 951868799,
    "Fri, 31 Dec 1999 23:59:60 GMT": 946684800,
    "Sun, 06 Nov 1994 08:49:37": None,
    "Sun, 06 Nov 1994 08:49:37 UTC": None,
    "Sun, 00 Nov 1994 08:49:37 GMT": None,
    "Sun, 06 Nov 1994 24:49:37 GMT": None,
    "Sun, 06 nov 1994 08:49:37 GMT": None,
    "Sun, 06 Nov 1994 08:49:37 GMT\n": None,
    "784111777": None,
    "": None,
}


@pytest.mark.parametrize("text", DATES)
def test_dates(text: str) -> None:
    assert parse_http_date(text) == DATES[text]


@given(st.integers(0, 253402300799))
def test_a_date_that_was_written_is_read(moment: int) -> None:
    text = http_date(time.gmtime(moment)).decode()
    assert parse_http_date(text) == moment == calendar.timegm(time.gmtime(moment))


# Fields of a request, and what they come to, for a file with ETAG that was modified on NOV_6.
CONDITIONS: list[tuple[dict[str, str], int]] = [
    ({}, 0),
    ({"IF-NONE-MATCH": ETAG}, 304),
    ({"IF-NONE-MATCH": "W/" + ETAG}, 304),
    ({"IF-NONE-MATCH": f'"b", {ETAG}'}, 304),
    ({"IF-NONE-MATCH": f'"b",,W/{ETAG} ,"c"'}, 304),
    ({"IF-NONE-MATCH": "*"}, 304),
    ({"IF-NONE-MATCH": '"b"'}, 0),
    ({"IF-NONE-MATCH": "a-1"}, 0),
    ({"IF-NONE-MATCH": ETAG + ETAG}, 0),
    ({"IF-NONE-MATCH": '"x,y"'}, 0),
    ({"IF-NONE-MATCH": ""}, 0),
    ({"IF-NONE-MATCH": '"b"', "IF-MODIFIED-SINCE": SAME}, 0),
    ({"IF-NONE-MATCH": ETAG, "IF-MODIFIED-SINCE": BEFORE}, 304),
    ({"IF-MODIFIED-SINCE": SAME}, 304),
    ({"IF-MODIFIED-SINCE": AFTER}, 304),
    ({"IF-MODIFIED-SINCE": BEFORE}, 0),
    ({"IF-MODIFIED-SINCE": "yesterday"}, 0),
    ({"IF-MATCH": ETAG}, 0),
    ({"IF-MATCH": "*"}, 0),
    ({"IF-MATCH": "W/" + ETAG}, 412),
    ({"IF-MATCH": '"b"'}, 412),
    ({"IF-MATCH": '"b"', "IF-NONE-MATCH": ETAG}, 412),
    ({"IF-MATCH": ETAG, "IF-NONE-MATCH": ETAG}, 304),
    ({"IF-MATCH": ETAG, "IF-UNMODIFIED-SINCE": BEFORE}, 0),
    ({"IF-UNMODIFIED-SINCE": BEFORE}, 412),
    ({"IF-UNMODIFIED-SINCE": SAME}, 0),
    ({"IF-UNMODIFIED-SINCE": "never"}, 0),
    ({"IF-UNMODIFIED-SINCE": BEFORE, "IF-NONE-MATCH": ETAG}, 412),
]


@pytest.mark.parametrize(('fields', 'wanted'), CONDITIONS)
def test_conditions(fields: dict[str, str], wanted: int) -> None:
    assert evaluate(fields, ETAG, NOV_6) == wanted


STANDS = {None: True, ETAG: True, "W/" + ETAG: False, '"b"': False, SAME: True, AFTER: False, BEFORE: False, "x": False}


@pytest.mark.parametrize("value", STANDS)
def test_if_range(value: str | None) -> None:
    assert range_stands(value, ETAG, NOV_6) == STANDS[value]


RANGES: dict[str, list[tuple[int, int]] | None] = {
    "bytes=0-0": [(0, 1)],
    "bytes=0-": [(0, 100)],
    "bytes=10-19": [(10, 20)],
    "BYTES= 10 - 19 ": [(10, 20)],
    "bytes = 10-19": None,
    "bytes=90-1000": [(90, 100)],
    "bytes=-1": [(99, 100)],
    "bytes=-1000": [(0, 100)],
    "bytes=0-1,5-6,-2": [(0, 2), (5, 7), (98, 100)],
    "bytes=5-6,0-1": [(5, 7), (0, 2)],
    "bytes=0-1,,5-6,": [(0, 2), (5, 7)],
    "bytes=0-1,100-": [(0, 2)],
    "bytes=100-": [],
    "bytes=-0": [],
    "bytes=200-300,400-": [],
    f"bytes={'9' * 40}-": [],
    f"bytes=0-{'9' * 40}": [(0, 100)],
    f"bytes=-{'9' * 40}": [(0, 100)],
    "bytes=": None,
    "bytes=,": None,
    "bytes=a": [],
    "bytes=1": [],
    "bytes=-": [],
    "bytes=5-2": [],
    "bytes=0-1,x": [],
    "bytes=+1-2": [],
    "bytes=0x1-2": [],
    "bytes=\u00b2-3": [],
    "items=0-1": None,
    "bytes": None,
    "0-1": None,
    "": None,
    # More would be sent than there is.
    "bytes=0-,0-": None,
    "bytes=0-60,40-99": None,
    "bytes=" + ",".join(["0-0"] * (MOST_RANGES + 1)): None,
    "bytes=" + ",".join(["0-0"] * MOST_RANGES): [(0, 1)] * MOST_RANGES,
}


@pytest.mark.parametrize("value", RANGES)
def test_ranges(value: str) -> None:
    assert ranges_of(value, 100) == RANGES[value]


def test_nothing_has_no_ranges() -> None:
    assert ranges_of("bytes=0-0", 0) == ranges_of("bytes=-1", 0) == []


@given(st.text("bytes=,-0123456789 \t*", max_size=40).map("bytes=".__add__), st.integers(0, 200))
def test_ranges_lie_within_the_content(value: str, length: int) -> None:
    found = ranges_of(value, length)
    assert found is None or all(0 <= first < end <= length for first, end in found)
    assert found is None or sum(end - first for first, end in found) <= length


CODINGS: dict[str | None, str | None] = {
    None: IDENTITY,
    "": IDENTITY,
    "gzip": "gzip",
    "x-gzip": "gzip",
    "GZip;Q=1": "gzip",
    "gzip, br": "br",
    "gzip, deflate, br, zstd": "br",
    "gzip;q=1, br;q=0.5": "gzip",
    "gzip;q=0": IDENTITY,
    "gzip;q=0, *": "br",
    "*": "br",
    "*;q=0": None,
    "identity;q=0": None,
    "identity;q=0, gzip": "gzip",
    "identity;q=0, gzip;q=0": None,
    "identity;q=0.5, *;q=0": IDENTITY,
    "identity, gzip;q=0.5": IDENTITY,
    "identity;q=0.5, gzip;q=0.5": "gzip",
    "deflate": IDENTITY,
    "gzip;q=2": IDENTITY,
    "gzip;q=0.1234": IDENTITY,
    "gzip;level=1": IDENTITY,
    ",, gzip ,": "gzip",
}


@pytest.mark.parametrize("value", CODINGS)
def test_codings(value: str | None) -> None:
    assert preferred_coding(value, ("br", "zstd", "gzip")) == CODINGS[value]


def test_media_types() -> None:
    assert media_type("a.css") == "text/css; charset=utf-8"
    assert media_type("A.HTML") == "text/html; charset=utf-8"
    assert media_type("a.min.js") == "text/javascript; charset=utf-8"
    assert media_type("a.json") == "application/json"
    assert media_type("a.xml") == "text/xml"
    assert media_type("a.woff2") == "font/woff2"
    assert media_type("a") == media_type("css") == media_type("a.") == media_type("a.unheard-of") == UNKNOWN
    assert is_compressible("a.svg")
    assert is_compressible("LICENSE")
    assert not is_compressible("a.PNG")


NAMES: dict[str, list[str | None] | None] = {
    "/": [""],
    "/a": ["a"],
    "/a/b.css": ["a", "b.css"],
    "/a/": ["a", ""],
    "/a%20b/%C3%A9": ["a b", "\u00c3\u00a9"],
    "/%2e%2e/a": [None, "a"],
    "/../a": [None, "a"],
    "/a/..": ["a", None],
    "/a/%2E": ["a", None],
    "/./a": [None, "a"],
    "/...": ["..."],
    "/a//b": ["a", None, "b"],
    "//a": [None, "a"],
    "/a%2Fb": [None],
    "/a%5cb": [None],
    "/a\\b": [None],
    "/%00": [None],
    "/a%00.css": [None],
    "/a%0a": [None],
    "/%7f": [None],
    "/%252e%252e/a": ["%2e%2e", "a"],
    "/%": ["%"],
    "/%zz": ["%zz"],
    "*": None,
    "": None,
    "a/b": None,
}


@pytest.mark.parametrize("path", NAMES)
def test_names(path: str) -> None:
    assert names_of(path) == NAMES[path]


@given(st.text("./%2eEfF5cC0\\a\0", max_size=30).map("/".__add__))
def test_no_name_is_a_way_out(path: str) -> None:
    for name in names_of(path) or []:
        assert name is None or (name not in (".", "..") and not set("/\\\0") & set(name))


ADMITTED = {
    "example.com": True,
    "EXAMPLE.com": True,
    "example.com:8080": True,
    "example.com.": True,
    "example.com.:80": True,
    "www.example.com": False,
    "notexample.com": False,
    "example.com.evil.org": False,
    "a.below.org": True,
    "a.b.below.org:1": True,
    "below.org": False,
    "xbelow.org": False,
    "apex.org": True,
    "a.apex.org": True,
    "notapex.org": False,
    "127.0.0.1:80": True,
    "127.0.0.2": False,
    "[::1]": True,
    "[0:0:0:0:0:0:0:1]:443": True,
    "[::2]": False,
    "localhost": False,
}
HOSTS = Hosts(map(host_pattern, ["Example.com.", "*.below.org", ".apex.org", "127.0.0.1", "::1"]))


@pytest.mark.parametrize("value", ADMITTED)
def test_hosts(value: str) -> None:
    for _ in range(2):
        assert HOSTS.admits(value) == ADMITTED[value]


@pytest.mark.parametrize("text", [
    "", "http://a", "a:80", "a/b", "*a", "**.a", "*", "a..b", "-a", "[::1", "[::1]:80", "a b", "\u00e9.fr", "a,b", "*.",
])
def test_what_is_no_host(text: str) -> None:
    if text == "*":
        assert Hosts([host_pattern(text)]).admits("whatever")
        return
    with pytest.raises(ValueError, match="is no host: expected"):
        host_pattern(text)


def asks(host: str | None, authority: str | None = None, method: str = "GET") -> Request:
    request = Request()
    request.host, request.authority, request.method = host, authority, method
    return request


def test_all_that_names_the_host_is_looked_at() -> None:
    assert HOSTS.complaint(asks("example.com")) is None
    assert HOSTS.complaint(asks("example.com", "example.com:80")) is None
    assert HOSTS.complaint(asks(None, "example.com")) is None
    assert HOSTS.complaint(asks("example.com", "elsewhere.org:443", "CONNECT")) is None
    for request in (asks("evil.org"), asks("example.com", "evil.org"), asks("evil.org", "example.com")):
        assert isinstance(HOSTS.complaint(request), Misdirected)
    for request in (asks(None), asks("")):
        assert isinstance(HOSTS.complaint(request), InvalidHost)
    assert Hosts(["*"]).complaint(asks(None)) is None
