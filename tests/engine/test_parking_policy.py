"""When a worker parks its connections, by the clock: how slow its calls were, how many, and what it heard."""

from __future__ import annotations

import pytest

from gunicorn.engine.share import Share

NOW = 1000.0
# As the policy has them.
LEAST_SLOW = 4
MOST_CALLS = 2000
SLOW_FOR_SECONDS = 2.0

#: The name of a story; calls as (seconds, moment behind NOW); and when connections are parked.
STORIES: dict[str, tuple[list[tuple[float, float]], dict[float, bool]]] = {
    "nothing": ([], {0: False}),
    "one slow call": ([(0.1, 0)], {0: False}),
    "a few": ([(0.1, n / 10) for n in range(LEAST_SLOW)], {0.3: True, 2.2: True, 2.4: False}),
    "one too few": ([(0.1, n / 10) for n in range(LEAST_SLOW - 1)], {0.3: False}),
    "a few, not close together": ([(0.1, n) for n in range(20)], {5: False, 19: False}),
    "two a second": ([(0.1, n / 2) for n in range(20)], {9.5: True, 11.4: True, 11.6: False}),
    "hardly slow": ([(0.006, n / 5) for n in range(20)], {3.8: False}),
    "hardly slow, and often": ([(0.006, n / 50) for n in range(100)], {1.98: True}),
    "a few among quick ones": (
        [(0.1 if n % 10 == 0 else 0.001, n / 100) for n in range(100)], {0.99: True}),
    "a few among very many quick ones": (
        [(0.1 if n % 1000 == 0 else 0.0001, n / 5000) for n in range(10000)], {1.999: False}),
    "long ago": ([(0.1, n / 10) for n in range(10)] + [(0.1, 100)], {100: False}),
}


@pytest.mark.parametrize("name", STORIES)
def test_when_connections_are_parked(name: str) -> None:
    calls, answers = STORIES[name]
    share = Share(fair=True)
    alone = Share(fair=False)
    for seconds, after in calls:
        share.ended(seconds, NOW + after)
        alone.ended(seconds, NOW + after)
    assert {after: share.parks(NOW + after) for after in answers} == answers
    assert not alone.parks(NOW + max(answers))


def test_many_calls_end_the_parking() -> None:
    share = Share(fair=True)
    for n in range(10):
        share.ended(0.1, NOW + n / 100)
    assert share.parks(NOW + 0.1)
    for n in range(MOST_CALLS + 1):
        share.ended(0.0001, NOW + 1.2 + n / 10000)
    share.ended(0.1, NOW + 1.5)
    assert share.parks_until() == NOW + 0.09 + SLOW_FOR_SECONDS


def test_the_wait_is_half_the_square_of_the_calls_over_the_time() -> None:
    share = Share(fair=True)
    assert share.waits() == 0
    for n in range(20):
        share.ended(0.1, NOW + n / 10)
    assert share.waits() == pytest.approx(20 * 0.1 ** 2 / 2 / 2)


def test_what_a_neighbour_has_found_holds_here_as_long_as_there() -> None:
    share = Share(fair=True)
    share.heard(NOW + 1)
    assert share.parks(NOW + 0.9)
    assert share.is_slow(NOW + 0.9)
    assert not share.parks(NOW + 1)
    share.heard(NOW)
    assert share.parks(NOW + 0.9)
    alone = Share(fair=False)
    alone.heard(NOW + 1)
    assert not alone.parks(NOW)


@pytest.mark.parametrize(("round_trip", "worth"), [
    (0.0, True), (0.001, True), (0.003, True), (0.0085, False), (0.1, False),
])
def test_a_new_connection_is_worth_less_to_whoever_is_far_away(round_trip: float, worth: bool) -> None:
    share = Share(fair=True)
    assert not share.is_worth_closing(round_trip)
    # A wait of 25 ms on an average.
    for n in range(10):
        share.ended(0.1, NOW + n / 10)
    assert share.is_worth_closing(round_trip) is worth
