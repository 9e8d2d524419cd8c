"""What a worker type says of itself, and what an engine makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gunicorn._build import build_kind
from gunicorn.drivers.opener import HTTPOpener
from gunicorn.engine.engine import Engine
from gunicorn.engine.handler import Handler
from gunicorn.engine.manners import Manners
from gunicorn.engine.settings import Settings
from gunicorn.engine.share import ACCEPTS, Share
from gunicorn.http.limits import Limits
from gunicorn.http.peers import Peers

NOW = 1000.0


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine(HTTPOpener(), None, Settings(), Limits(), Peers([]), Peers([]), clock=lambda: NOW)
    yield engine
    engine.close()


def most(share: Share) -> int:
    """How many connections of a listener it takes in one turn."""
    taken = 1
    while taken < 10_000 and share.accepts_more(taken, NOW):
        taken += 1
    return taken


@pytest.mark.parametrize(("manners", "neighbours", "fair", "accepts"), [
    (Manners(), False, False, ACCEPTS),
    (Manners(), True, False, ACCEPTS),
    (Manners(fair=True), False, False, ACCEPTS),
    (Manners(fair=True), True, True, ACCEPTS),
    (Manners(fair=True, accepts_alone=500), False, False, 500),
    (Manners(fair=True, accepts_alone=500), True, True, ACCEPTS),
], ids=["alone", "one of many", "fair alone", "fair", "many alone", "many beside others"])
def test_the_share(engine: Engine, manners: Manners, neighbours: bool, fair: bool, accepts: int) -> None:
    engine.hand_to(Handler(), manners, neighbours)
    assert most(engine.share) == accepts
    engine.share.ended(0.5, NOW)
    assert engine.share.is_slow(NOW) is fair


@pytest.mark.parametrize("threaded", [False, True])
def test_what_threads_touch_is_guarded(engine: Engine, threaded: bool) -> None:
    engine.hand_to(Handler(), Manners(threaded=threaded))
    assert engine.threaded is threaded
    assert hasattr(engine.guard, "acquire") is threaded
    with engine.guard, engine.guard:
        """Whoever holds it may take it again."""


@pytest.mark.parametrize("asked", [False, True], ids=["buffered", "streamed"])
@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streams"])
def test_bodies_are_streamed_where_the_type_or_the_setting_says_so(asked: bool, streams: bool) -> None:
    engine = Engine(HTTPOpener(), None, Settings(buffer_request_body=not asked), Limits(), Peers([]), Peers([]))
    engine.hand_to(Handler(), Manners(streams=streams))
    assert engine.stream_bodies is (asked or streams)
    engine.close()


def test_without_manners_all_stays(engine: Engine) -> None:
    share = engine.share
    engine.hand_to(Handler())
    assert engine.share is share
    assert not engine.threaded


def test_a_handler_is_needed(engine: Engine) -> None:
    with pytest.raises(TypeError):
        engine.hand_to(None)  # type: ignore[arg-type]


def test_an_engine_is_never_without_an_opener(engine: Engine) -> None:
    """Compiled, what it calls for each connection is not asked whether it is None."""
    nothing: Any = None
    with pytest.raises(TypeError):
        engine.open_by(nothing)
    if build_kind() == "compiled":
        with pytest.raises(AttributeError):
            engine.opener = nothing
