"""Request-targets: which of the four forms each is, what its parts are, and where the same resource is by HTTPS."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunicorn.http.errors import HTTPError, InvalidHost, Redirected
from gunicorn.http.fields import FieldTable
from gunicorn.http.limits import Limits
from gunicorn.http.request import Request
from gunicorn.http.target import elsewhere, split_target

TUNNELS = Limits(permit_connect=True)
#: (method, target) -> (path, query, authority), or the status of the refusal
TARGETS: dict[tuple[str, str], tuple[str, str, str | None] | int] = {
    ("GET", "/"): ("/", "", None),
    ("GET", "/a/b?c=d?e"): ("/a/b", "c=d?e", None),
    ("GET", "/?"): ("/", "", None),
    ("GET", "//a/b"): ("//a/b", "", None),
    ("GET", "/http://a"): ("/http://a", "", None),
    ("OPTIONS", "/a"): ("/a", "", None),
    ("OPTIONS", "*"): ("*", "", None),
    ("GET", "*"): 400,
    ("OPTIONS", "*?a"): 400,
    ("OPTIONS", "**"): 400,
    ("GET", "http://a"): ("/", "", "a"),
    ("GET", "http://a/"): ("/", "", "a"),
    ("GET", "http://a?b"): ("/", "b", "a"),
    ("GET", "http://a:80/b?c"): ("/b", "c", "a:80"),
    ("GET", "HTTPS://A/b"): ("/b", "", "A"),
    ("GET", "http://[::1]:80/"): ("/", "", "[::1]:80"),
    ("OPTIONS", "http://a"): ("*", "", "a"),
    ("OPTIONS", "http://a/"): ("/", "", "a"),
    ("OPTIONS", "http://a?"): ("/", "", "a"),
    ("GET", "http://"): 400,
    ("GET", "http:///a"): 400,
    ("GET", "http://:80/"): 400,
    ("GET", "http://u@a/"): 400,
    ("GET", "http://u:p@a/"): 400,
    ("GET", "http://a:b/"): 400,
    ("GET", "http://[::1/"): 400,
    ("GET", "http:/a"): 400,
    ("GET", "http:a"): 400,
    ("GET", "ftp://a/"): 400,
    ("GET", "a"): 400,
    ("GET", "a:80"): 400,
    ("GET", "?a"): 400,
    ("GET", ""): 400,
    ("CONNECT", "a:443"): ("", "", "a:443"),
    ("CONNECT", "[::1]:443"): ("", "", "[::1]:443"),
    ("CONNECT", "a:065535"): ("", "", "a:065535"),
    ("CONNECT", "a"): 400,
    ("CONNECT", "a:"): 400,
    ("CONNECT", "a:0"): 400,
    ("CONNECT", "a:65536"): 400,
    ("CONNECT", ":443"): 400,
    ("CONNECT", "a:443/"): 400,
    ("CONNECT", "/"): 400,
    ("CONNECT", "*"): 400,
    ("CONNECT", "u@a:443"): 400,
    ("CONNECT", "http://a:443"): 400,
    ("connect", "a:443"): 400,
}


def split(method: str, uri: str, limits: Limits = TUNNELS) -> tuple[str, str, str | None] | int:
    request = Request()
    request.method, request.uri = method, uri
    try:
        split_target(request, FieldTable(limits))
    except HTTPError as error:
        return error.status
    return request.path, request.query, request.authority


@pytest.mark.parametrize(("method", "uri"), TARGETS)
def test_forms(method: str, uri: str) -> None:
    assert split(method, uri) == TARGETS[method, uri]


def test_a_tunnel_has_to_be_permitted() -> None:
    assert split("CONNECT", "a:443", Limits()) == 501
    assert split("CONNECT", "a:0", Limits()) == 400


PARTS = st.text("ab1.-_~%:@/[]|", max_size=6)


@given(PARTS, st.text("ab?/%", max_size=6))
def test_a_target_is_its_parts(path: str, query: str) -> None:
    uri = f"/{path}?{query}"
    assert split("GET", uri) == (f"/{path}", query, None)
    assert split("GET", f"http://a.example:81{uri}") == (f"/{path}", query, "a.example:81")


@pytest.mark.parametrize(
    ("host", "authority", "path", "query", "port", "location"),
    [
        ("a", None, "/b", "c", 443, "https://a/b?c"), ("a", None, "/b", "", 8443, "https://a:8443/b"),
        ("a:80", None, "/", "", 443, "https://a/"), ("a:", None, "/", "", 443, "https://a/"),
        ("[::1]", None, "/", "", 443, "https://[::1]/"), ("[::1]:80", None, "/", "", 8443, "https://[::1]:8443/"),
        ("a", "b:81", "/", "", 443, "https://b/"), ("a", None, "*", "", 443, "https://a/"),
        ("a", None, "//b", "", 443, "https://a//b"), ("a", None, "/%2F", "%3F", 443, "https://a/%2F?%3F"),
    ],
)
def test_the_same_resource_by_https(
    host: str, authority: str | None, path: str, query: str, port: int, location: str
) -> None:
    request = Request()
    request.host, request.authority, request.path, request.query = host, authority, path, query
    found = elsewhere(request, port)
    assert isinstance(found, Redirected)
    assert found.fields == (("Location", location),)


def test_who_names_no_host_cannot_be_sent_elsewhere() -> None:
    request = Request()
    request.path = "/"
    assert isinstance(elsewhere(request, 443), InvalidHost)
