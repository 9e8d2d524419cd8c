"""Which interface a request is for, in process: known before there is environ or scope, and the same as these say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunicorn.asgi.mounts import MountedASGI
from gunicorn.asgi.scope import Scopes
from gunicorn.config import Config
from gunicorn.config.mounts import in_order, parse_place
from gunicorn.gateway.mounts import Mount
from gunicorn.http.errors import ConfigurationProblem
from gunicorn.http.limits import Limits
from gunicorn.workers.mixed_gateway import Crossing
from gunicorn.wsgi.environ import EnvironBuilder
from gunicorn.wsgi.mounts import MountedWSGI
from tests.wsgi.test_environ import BASE, World, get, read

PLACES = {
    "/": "wsgi", "/api": "asgi", "/api/old": "wsgi", "/café": "asgi", "/a b": "wsgi", "h.example/": "asgi",
    "h.example/api": "wsgi", "*.example/deep": "asgi",
}
TARGETS = [
    "/", "/api", "/api/", "/api/x?q=/api/old", "/api/old", "/api%2Fold", "/api/older", "/apix", "/caf%C3%A9/x",
    "/caf%E9", "/a%20b", "/a%2520b", "//api", "/site", "/site/api", "/site/api/old/x", "/sites/api", "/deep/x", "/%",
    "http://h.example/api/x", "http://h.example:80/x", "http://other.example/deep",
]
HOSTS = ["a", "h.example", "H.EXAMPLE:8000", "h.example.", "www.example", "[::1]:80", "xh.example"]


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    world = World(tmp_path_factory.mktemp("crossing"))
    yield world.connect()
    world.close()


def called(name: str) -> Any:
    """An application of both interfaces, which says its name."""
    return lambda *arguments: name


PARSED = [parse_place(text) for text in PLACES]
MOUNTS = [Mount(rank, PARSED[number], "m:a", called("m:a")) for rank, number in enumerate(in_order(PARSED))]
KINDS = {mount.rank: PLACES[str(mount.place)] for mount in MOUNTS}
OTHERS = MountedWSGI([mount for mount in MOUNTS if KINDS[mount.rank] == "wsgi"])
MOUNTED = MountedASGI([mount for mount in MOUNTS if KINDS[mount.rank] == "asgi"], Config(), OTHERS)


@given(
    st.sampled_from(TARGETS), st.sampled_from(HOSTS), st.sampled_from(["", "/site", "/site/"]),
    st.sampled_from(["", "/site"]), st.sampled_from(["", "/site"]), st.booleans(),
)
def test_it_is_what_environ_and_scope_say(
    connection: Any, target: str, host: str, root_path: str, script_name: str, told: str, trusted: bool
) -> None:
    fields = [f"SCRIPT_NAME: {told}"] if told else []
    octets = get(target, *fields, host=f"Host: {host}")
    limits = Limits(forwarder_headers=frozenset({"SCRIPT_NAME"}))
    request = read([octets], limits, trusted)
    # What an example before this one has made for all requests of the connection.
    connection.shared = None
    scope = Scopes(root_path).build(connection, request)
    connection.shared = None
    try:
        environ = EnvironBuilder(BASE, script_name, None).build(connection, request)
    except ConfigurationProblem:
        # Wherever it goes: who asks for something outside of SCRIPT_NAME is told that the server is set up wrongly.
        return
    wsgi = OTHERS.table.find(environ["HTTP_HOST"], environ["PATH_INFO"])
    asgi = MOUNTED.rank_of(scope)
    assert Crossing(MOUNTED, root_path, script_name).is_for_wsgi(request) == (wsgi < asgi)


@pytest.mark.parametrize(("host", "target", "kind"), [
    ("a", "/", "wsgi"),
    ("a", "/api", "asgi"),
    ("a", "/api/old/x", "wsgi"),
    ("a", "/api%2Fold", "wsgi"),
    ("a", "/api/older", "asgi"),
    ("a", "/caf%C3%A9", "asgi"),
    ("a", "/a%20b", "wsgi"),
    ("h.example", "/", "asgi"),
    ("h.example:80", "/api", "wsgi"),
    ("www.example", "/deep", "asgi"),
    ("a", "http://h.example/", "asgi"),
])
def test_choices(host: str, target: str, kind: str) -> None:
    request = read([get(target, host=f"Host: {host}")], Limits(), False)
    assert Crossing(MOUNTED, "", "").is_for_wsgi(request) == (kind == "wsgi")
