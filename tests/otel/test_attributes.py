"""What a span says of its request."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunicorn.otel.attributes import (
    METHODS,
    NOTHING,
    SECRET,
    Behind,
    behind,
    known_methods,
    of_environ,
    of_scope,
    span_name,
    without_secrets,
)

ENVIRON = {
    "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/a b", "QUERY_STRING": "", "SERVER_PROTOCOL": "HTTP/1.1",
    "SERVER_NAME": "fallback", "wsgi.url_scheme": "http",
}
SCOPE = {
    "type": "http", "method": "GET", "path": "/a b", "raw_path": b"/a%20b", "query_string": b"", "scheme": "http",
    "http_version": "1.1", "headers": [], "server": ("fallback", 8000), "client": None,
}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {"url.path": "/a%20b", "server.address": "fallback", "server.port": 80, "http.request.method": "GET"}),
        ({"SCRIPT_NAME": "/shop"}, {"url.path": "/shop/a%20b"}),
        ({"PATH_INFO": "/\xc3\xbc"}, {"url.path": "/%C3%BC"}),
        ({"REQUEST_METHOD": "BREW"}, {"http.request.method": "_OTHER", "http.request.method_original": "BREW"}),
        ({"REQUEST_METHOD": "get"}, {"http.request.method": "_OTHER", "http.request.method_original": "get"}),
        ({"QUERY_STRING": "q=1&sig=geheim"}, {"url.query": "q=1&sig=REDACTED"}),
        ({"HTTP_HOST": "shop.example:8443"}, {"server.address": "shop.example", "server.port": 8443}),
        ({"HTTP_HOST": "[::1]:80"}, {"server.address": "::1", "server.port": 80}),
        ({"HTTP_HOST": "[::1]", "wsgi.url_scheme": "https"}, {"server.address": "::1", "server.port": 443}),
        ({"HTTP_HOST": "shop:x"}, {"server.address": "shop", "server.port": 80}),
        ({"HTTP_HOST": "shop:"}, {"server.address": "shop", "server.port": 80}),
        ({"SERVER_PROTOCOL": "HTTP/2.0"}, {"network.protocol.version": "2"}),
        ({"SERVER_PROTOCOL": "HTTP/1.0"}, {"network.protocol.version": "1.0"}),
        ({"HTTP_USER_AGENT": "B\xc3\xbcrste/1"}, {"user_agent.original": "Bürste/1"}),
        ({"HTTP_USER_AGENT": "\xff"}, {"user_agent.original": "\ufffd"}),
        ({"REMOTE_ADDR": "203.0.113.9"}, {"client.address": "203.0.113.9"}),
    ],
)
def test_environ(changes: dict[str, str], expected: dict[str, object]) -> None:
    found = of_environ({**ENVIRON, **changes}, NOTHING)
    assert found | expected == found


@pytest.mark.parametrize("name", ["url.query", "user_agent.original", "client.address", "network.peer.address"])
def test_what_is_not_known_is_left_out(name: str) -> None:
    assert name not in of_environ(dict(ENVIRON), NOTHING)
    assert name not in of_scope(dict(SCOPE), NOTHING)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {"url.path": "/a%20b", "server.address": "fallback", "server.port": 80}),
        ({"raw_path": None, "path": "/ü"}, {"url.path": "/%C3%BC"}),
        ({"headers": [(b"host", b"shop:81"), (b"user-agent", b"x"), (b"host", b"other")]},
         {"server.address": "shop", "server.port": 81, "user_agent.original": "x"}),
        ({"client": ["203.0.113.9", 1]}, {"client.address": "203.0.113.9"}),
        ({"query_string": b"Signature=a&b=c"}, {"url.query": "Signature=REDACTED&b=c"}),
        ({"http_version": "2"}, {"network.protocol.version": "2"}),
        ({"method": "BREW"}, {"http.request.method": "_OTHER"}),
    ],
)
def test_scope(changes: dict[str, Any], expected: dict[str, object]) -> None:
    found = of_scope({**SCOPE, **changes}, NOTHING)
    assert found | expected == found


def test_a_websocket_is_a_get_unless_the_server_knows_better() -> None:
    scope = {**SCOPE, "type": "websocket", "scheme": "wss"}
    del scope["method"]
    assert of_scope(scope, NOTHING) | {"http.request.method": "GET", "server.port": 443} == of_scope(scope, NOTHING)
    assert of_scope(scope, Behind(method="CONNECT"))["http.request.method"] == "CONNECT"


def test_what_the_server_knows_goes_first() -> None:
    known = Behind(True, ("192.0.2.1", 99, 0, 0), 0.0, ("/as%20sent", "sig=1"))
    for found in (of_environ(dict(ENVIRON), known), of_scope(dict(SCOPE), known)):
        assert found["url.path"] == "/as%20sent"
        assert found["url.query"] == "sig=REDACTED"
        assert (found["network.peer.address"], found["network.peer.port"]) == ("192.0.2.1", 99)
    assert "network.peer.address" not in of_environ(dict(ENVIRON), known._replace(peer="/run/app.sock"))


@pytest.mark.parametrize("function", [print, lambda: None, "text".upper, None])
def test_nothing_is_behind_functions_of_others(function: object) -> None:
    assert behind(function) == NOTHING


def test_names_of_spans_have_few_values() -> None:
    assert span_name({"http.request.method": "GET"}) == "GET"
    assert span_name({"http.request.method": "_OTHER"}) == "HTTP"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, METHODS), ({"OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS": ""}, METHODS),
        ({"OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS": "GET, BREW"}, {"GET", "BREW"}),
    ],
)
def test_known_methods(variables: dict[str, str], expected: frozenset[str]) -> None:
    assert known_methods(variables) == expected


NAMES = st.sampled_from([*sorted(SECRET), "q", "signature", "page", ""])


@given(st.lists(st.tuples(NAMES, st.text("xyz", min_size=1))))
def test_no_secret_stays_and_all_else_does(pairs: list[tuple[str, str]]) -> None:
    found = without_secrets("&".join(f"{name}={value}" for name, value in pairs))
    expected = [(name, "REDACTED" if name in SECRET else value) for name, value in pairs]
    assert found == "&".join(f"{name}={value}" for name, value in expected)


@given(st.text())
def test_any_query_is_taken(query: str) -> None:
    assert isinstance(without_secrets(query), str)
