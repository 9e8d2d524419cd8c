"""Several applications of WSGI as one, in process: what each finds in its environ."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from gunicorn.config.mounts import Place, in_order, parse_place
from gunicorn.gateway.mounts import Mount
from gunicorn.wsgi.mounts import MountedWSGI


def told(name: str) -> Any:
    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        environ["seen.by"] = name
        return [repr((name, environ["SCRIPT_NAME"], environ["PATH_INFO"])).encode()]

    return app


def mounted(*places: str) -> MountedWSGI:
    parsed: list[Place] = [parse_place(text) for text in places]
    order = enumerate(in_order(parsed))
    return MountedWSGI(Mount(rank, parsed[number], "m:a", told(places[number])) for rank, number in order)


def ask(app: MountedWSGI, path: str, script_name: str = "", host: str | None = None) -> tuple[str, Any, dict[str, Any]]:
    environ = {"SCRIPT_NAME": script_name, "PATH_INFO": path}
    if host is not None:
        environ["HTTP_HOST"] = host
    answers: list[str] = []
    body = b"".join(app(environ, lambda status, fields: answers.append(status)))  # type: ignore[arg-type, return-value]
    return answers[0], body.decode(), environ


@pytest.mark.parametrize(("path", "script_name", "host", "seen"), [
    ("/", "", None, ("/", "", "/")),
    ("/api", "", None, ("/api", "/api", "")),
    ("/api/x", "", "anybody", ("/api", "/api", "/x")),
    ("/api//x", "", None, ("/api", "/api", "//x")),
    ("/apix", "", None, ("/", "", "/apix")),
    # What a proxy or the environment has put in front stays there.
    ("/api/x", "/site", None, ("/api", "/site/api", "/x")),
    ("/caf\xc3\xa9/x", "", None, ("/café", "/caf\xc3\xa9", "/x")),
    ("/api/x", "", "H.example:80", ("h.example/", "", "/api/x")),
    ("*", "", None, ("/", "", "*")),
])
def test_prefixes_move(path: str, script_name: str, host: str | None, seen: tuple[str, str, str]) -> None:
    status, body, environ = ask(mounted("/", "/api", "/café", "h.example/"), path, script_name, host)
    assert (status, body) == ("200 OK", repr(seen))
    assert environ["seen.by"] == seen[0], "hooks and the access log see what the application leaves in the environ"


def test_nobody_stands_there() -> None:
    status, body, environ = ask(mounted("/api"), "/apix")
    assert status == "404 Not Found"
    assert "No application stands here" in body
    assert environ == {"SCRIPT_NAME": "", "PATH_INFO": "/apix"}
