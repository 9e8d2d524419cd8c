"""What a trusted proxy may say to a WSGI application, and what nobody else can say in its place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gunicorn.http.limits import Limits

from .test_gateway import request, serve


def seen(data: bytes, **limits: Any) -> dict[str, str] | int:
    """The environ that the application got, or the status of the answer that it did not give."""

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [json.dumps({key: value for key, value in environ.items() if isinstance(value, str)}).encode()]

    answer, _ = serve(app, data, limits=Limits(**limits))
    status = int(answer[9:12])
    return json.loads(answer.partition(b"\r\n\r\n")[2]) if status == 200 else status


def at(path: str, *fields: str) -> bytes:
    return "\r\n".join((f"GET {path} HTTP/1.1", "Host: a", *fields, "", "")).encode("latin-1")


# SCRIPT_NAME of the proxy, the path: SCRIPT_NAME and PATH_INFO of the environ, or the status.
MOUNTS = {
    ("/x", "/x/y"): ("/x", "/y"),
    ("/x", "/x/"): ("/x", "/"),
    ("/x", "/x"): ("/x", ""),
    ("/x", "/x?y"): ("/x", ""),
    ("/x/", "/x/y"): ("/x", "/y"),
    ("/x/", "/x"): ("/x", ""),
    ("/x/z", "/x/z/y"): ("/x/z", "/y"),
    ("/", "/x"): ("", "/x"),
    ("", "/x"): ("", "/x"),
    ("/a b", "/a%20b/c"): ("/a b", "/c"),
    ("/\xe4", "/%e4/c"): ("/\xe4", "/c"),
    # Not at a slash, and not there at all: the proxy contradicts itself.
    ("/x", "/xy"): 500,
    ("/x", "/x%2e"): 500,
    ("/x", "/"): 500,
    ("/x", "/y"): 500,
    ("/x", "/y/x"): 500,
    ("/x", "/X/y"): 500,
    ("/x/z", "/x/zy"): 500,
    ("x", "/x"): 400,
    ("//", "/x"): ("", "/x"),
}


@pytest.mark.parametrize("mount", MOUNTS, ids=lambda mount: f"{mount[0]}:{mount[1]}")
def test_the_prefix_ends_at_a_slash(mount: tuple[str, str]) -> None:
    script_name, path = mount
    found = seen(at(path, f"SCRIPT_NAME: {script_name}"))
    assert (found if isinstance(found, int) else (found["SCRIPT_NAME"], found["PATH_INFO"])) == MOUNTS[mount]


@pytest.mark.parametrize("mount", [mount for mount, found in MOUNTS.items() if found != 400], ids=lambda m: f"{m}")
def test_the_same_holds_for_the_environment(mount: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCRIPT_NAME", mount[0])
    found = seen(at(mount[1]))
    assert (found if isinstance(found, int) else (found["SCRIPT_NAME"], found["PATH_INFO"])) == MOUNTS[mount]


def test_the_field_counts_more_than_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCRIPT_NAME", "/other")
    for script_name, expected in (("/x", ("/x", "/y")), ("", ("", "/x/y")), ("/", ("", "/x/y"))):
        found = seen(at("/x/y", f"SCRIPT_NAME: {script_name}"))
        assert isinstance(found, dict)
        assert (found["SCRIPT_NAME"], found["PATH_INFO"]) == expected


def test_options_for_the_whole_server_are_below_any_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCRIPT_NAME", "/x")
    found = seen(b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")
    assert isinstance(found, dict)
    assert found["PATH_INFO"] == "*"


LISTED = frozenset({"REMOTE_USER"})
# The fields, `forwarder_headers`, `header_map`: HTTP_REMOTE_USER.
TWINS = {
    "the proxy's": (["REMOTE_USER: joe"], LISTED, "drop", "joe"),
    "the client's": (["Remote-User: admin"], LISTED, "drop", None),
    "both": (["Remote-User: admin", "REMOTE_USER: joe"], LISTED, "drop", "joe"),
    "the other way round": (["REMOTE_USER: joe", "Remote-User: admin"], LISTED, "drop", "joe"),
    "both, passed on": (["Remote-User: admin", "REMOTE_USER: joe"], LISTED, "dangerous", "joe"),
    "all listed": (["Remote-User: admin", "REMOTE_USER: joe"], frozenset("*"), "drop", "joe"),
    "the proxy's twice": (["REMOTE_USER: joe", "Remote-User: x", "REMOTE_USER: ann"], LISTED, "dangerous", "joe,ann"),
    "none listed": (["Remote-User: admin", "REMOTE_USER: joe"], frozenset(), "drop", "admin"),
    "none listed, passed on": (["Remote-User: admin", "REMOTE_USER: joe"], frozenset(), "dangerous", "admin,joe"),
}


@pytest.mark.parametrize("name", TWINS)
def test_two_names_of_one_variable(name: str) -> None:
    fields, listed, header_map, expected = TWINS[name]
    found = seen(at("/", *fields, "X: a", "X: b"), forwarder_headers=listed, header_map=header_map)
    assert isinstance(found, dict)
    assert found.get("HTTP_REMOTE_USER") == expected
    assert found["HTTP_X"] == "a,b"


def test_a_health_check_without_host() -> None:
    found = seen(b"GET /x HTTP/1.1\r\n\r\n", permit_missing_host=True)
    assert isinstance(found, dict)
    assert "HTTP_HOST" not in found
    assert found["SERVER_NAME"] == "127.0.0.1"
    assert seen(b"GET /x HTTP/1.1\r\n\r\n") == 400


@pytest.mark.parametrize(("status", "headers", "framing"), [
    ("200 OK", [], []),
    ("200 OK", [("Content-Length", "3")], []),
    ("201 Created", [], []),
    ("204 No Content", [], []),
    ("403 Forbidden", [], [b"Content-Length: 3"]),
])
def test_what_a_tunnel_begins_with(status: str, headers: list[tuple[str, str]], framing: list[bytes]) -> None:
    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        assert environ["REQUEST_METHOD"] == "CONNECT"
        assert environ["RAW_URI"] == "example.com:443"
        start_response(status, headers)
        return [b"abc"]

    data = request("CONNECT").replace(b"CONNECT /", b"CONNECT example.com:443")
    answer, _ = serve(app, data, limits=Limits(permit_connect=True))
    fields, _, content = answer.partition(b"\r\n\r\n")
    assert [line for line in fields.split(b"\r\n") if line.startswith((b"Content-Length", b"Transfer"))] == framing
    assert content == (b"" if status.startswith("204") else b"abc")
    refused, _ = serve(app, data)
    assert refused.startswith(b"HTTP/1.1 501 ")
