"""Time limits of a few seconds are kept to a quarter of one, and cost nothing where nobody has set any."""

from __future__ import annotations

import pytest

from gunicorn.drivers.opener import HTTPOpener
from gunicorn.engine.engine import Engine
from gunicorn.engine.settings import Settings, has_short_limits, is_short
from gunicorn.http.limits import Limits
from gunicorn.http.peers import Peers


@pytest.mark.parametrize(("settings", "short"), [
    (Settings(), False),
    (Settings(header_timeout=0.0, body_timeout=0.0, send_timeout=0.0, keepalive=0.0), False),
    (Settings(header_timeout=5.0, keepalive=75.0), False),
    (Settings(header_timeout=1.0), True),
    (Settings(body_timeout=0.5), True),
    (Settings(send_timeout=4.9), True),
    (Settings(keepalive=1.0), True),
])
def test_who_asks_for_it(settings: Settings, short: bool) -> None:
    assert has_short_limits(settings) is short


def test_what_is_short() -> None:
    assert [is_short(seconds) for seconds in (0.0, 0.1, 4.99, 5.0, 60.0)] == [False, True, True, False, False]


@pytest.mark.parametrize(("settings", "sweeps"), [
    (Settings(), range(9, 12)),
    (Settings(header_timeout=1.0), range(40, 100)),
])
def test_how_often_deadlines_are_looked_at(settings: Settings, sweeps: range) -> None:
    now = 100.0
    engine = Engine(HTTPOpener(), None, settings, Limits(), Peers([]), Peers([]), clock=lambda: now)
    seen, before = 0, engine.next_sweep
    try:
        for tick in range(1000):
            now = 100.0 + tick / 100
            engine.dispatch(0)
            seen += engine.next_sweep != before
            before = engine.next_sweep
    finally:
        engine.close()
    assert seen in sweeps
