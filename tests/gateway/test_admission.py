"""How long a request may have waited, told by clocks of the test's: the engine's, and that of a proxy in front."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from gunicorn.engine.exchange import ClientDisconnected
from gunicorn.gateway.admission import LONG_SECONDS, Admission
from gunicorn.http.errors import Overloaded
from gunicorn.http.limits import Limits
from tests.wsgi.test_environ import World, get, read

LIMIT = 5.0
WALL = 1_800_000_000.0


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("admission"))
    yield made
    made.close()


@pytest.mark.parametrize("unix", [False, True])
@pytest.mark.parametrize(
    ("waited", "started_there", "trusted", "is_refused"),
    [
        (0.0, None, False, False), (LIMIT, None, False, False), (LIMIT + 0.1, None, False, True),
        (-1.0, None, False, False), (1e6, None, False, True),
        (0.0, WALL - LIMIT + 0.5, True, False), (0.0, WALL - LIMIT - 0.5, True, True),
        (0.0, WALL - LIMIT - 0.5, False, False), (LIMIT + 1, WALL, True, True), (0.0, WALL + 100, True, False),
        (0.0, WALL - 4000, True, False),
    ],
)
def test_the_longer_of_the_two_counts(
    world: World, unix: bool, waited: float, started_there: float | None, trusted: bool, is_refused: bool
) -> None:
    fields = [] if started_there is None else [f"X-Request-Start: t={started_there}"]
    request = read([get("/", *fields)], Limits(), trusted)
    request.started = 1000.0
    connection = world.connect("" if unix else ("192.0.2.1", 1), unix)
    admission = Admission(LIMIT, lambda: 1000.0 + waited, lambda: WALL)
    with pytest.raises(Overloaded, match="the limit is 5 s") if is_refused else contextlib.nullcontext():
        admission.check(connection, request)


@pytest.mark.parametrize(
    ("waited", "has_left", "is_dropped"),
    [
        (0.0, False, False), (0.0, True, False), (LONG_SECONDS + 0.1, False, False), (LONG_SECONDS + 0.1, True, True),
        (LONG_SECONDS, True, False),
    ],
)
def test_who_has_waited_long_may_have_left(world: World, waited: float, has_left: bool, is_dropped: bool) -> None:
    request = read([get("/")], Limits(), False)
    request.started = 0.0
    connection = world.connect()
    if has_left:
        world.clients[-1].close()
    admission = Admission(LIMIT, lambda: waited, lambda: WALL)
    with pytest.raises(ClientDisconnected) if is_dropped else contextlib.nullcontext():
        admission.check(connection, request)
