"""The fair share of a worker, by the clock: what has happened and when, and what is answered later."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from gunicorn.engine.share import ACCEPTS, Share

#: The moment of the first event.
NOW = 1000.0


class Ended(NamedTuple):
    """A call of the application has ended, `after` seconds from the beginning, and has taken `seconds`."""

    seconds: float
    after: float = 0.0

    def tell(self, share: Share) -> None:
        """It happens."""
        share.ended(self.seconds, NOW + self.after)


class Silent(NamedTuple):
    """A request that was waited for has not come, or what was to come behind our words of a handshake."""

    after: float = 0.0
    greeted: bool = False

    def tell(self, share: Share) -> None:
        """It happens."""
        share.was_silent(NOW + self.after, self.greeted)


#: What is asked, by letters: (s)low, may have (l)eft, accepts (m)ore after one, (a)waits the request of a connection.
QUESTIONS = {
    "s": lambda share, now: share.is_slow(now),
    "l": lambda share, now: share.may_have_left(now),
    "m": lambda share, now: share.accepts_more(1, now),
    "a": lambda share, now: share.awaits_request(now),
}

#: The name of a story; whether there are neighbours; the events; and for moments after the beginning what is answered
#: with yes.
STORIES: list[tuple[str, bool, list[Ended | Silent], dict[float, str]]] = [
    ("nothing has happened", True, [], {0: "m", 5: "m"}),
    ("quick", True, [Ended(0.001)], {0: "m", 1: "m"}),
    ("at the bound", True, [Ended(0.005)], {0: "m"}),
    ("slow", True, [Ended(0.006)], {0: "sa", 1.9: "sa", 2: "m", 3: "m"}),
    ("slow and alone", False, [Ended(0.006)], {0: "m", 1: "m"}),
    ("a quick one after a slow one", True, [Ended(0.1), Ended(0.001, 1)], {1: "sa", 1.9: "sa", 2: "m"}),
    ("slow twice", True, [Ended(0.1), Ended(0.1, 1)], {1: "sa", 2.9: "sa", 3: "m"}),
    ("a second", True, [Ended(1.0)], {0: "sa", 2: "m"}),
    ("long", True, [Ended(1.5)], {0: "sla", 1.4: "sla", 1.5: "sa", 2: "m"}),
    ("very long", True, [Ended(10.0)], {1.9: "sla", 2: "lm", 9.9: "lm", 10: "m"}),
    ("long and alone", False, [Ended(10.0)], {0: "lm", 9.9: "lm", 10: "m"}),
    ("the last long one counts", True, [Ended(10.0), Ended(2.0, 1)], {2.9: "sla", 3: "m"}),
    ("a slow one ends no long one's time", True, [Ended(10.0), Ended(0.1, 1)], {2.9: "sla", 3: "lm"}),
    ("silent", True, [Ended(0.1), Silent(0.5)], {0.5: "s", 1.4: "s", 1.5: "sa", 2: "m"}),
    ("silent in its handshake", True, [Ended(0.1), Silent(0.5, True)], {0.5: "s", 0.6: "s", 0.7: "sa", 2: "m"}),
    ("silent twice", True, [Ended(0.1), Silent(), Silent(1)], {0: "s", 1.9: "s", 2: "m"}),
    ("silent, and slow again", True, [Ended(0.1), Silent(1.5), Ended(0.1, 2)], {2: "s", 2.4: "s", 2.5: "sa", 4: "m"}),
    ("silent where all is quick", True, [Silent()], {0: "m", 1: "m"}),
]


@pytest.mark.parametrize(("fair", "events", "answers"), [story[1:] for story in STORIES], ids=[s[0] for s in STORIES])
def test_answers(fair: bool, events: list[Ended | Silent], answers: dict[float, str]) -> None:
    share = Share(fair=fair)
    for event in events:
        event.tell(share)
    for after, expected in answers.items():
        said = {letter for letter, ask in QUESTIONS.items() if ask(share, NOW + after)}
        assert said == set(expected), f"{after} seconds after the beginning"


@pytest.mark.parametrize(("accepts", "most"), [(None, ACCEPTS), (1, 1), (100, 100)], ids=["usual", "one", "many"])
@pytest.mark.parametrize(("fair", "slow"), [(True, False), (True, True), (False, True)], ids=["quick", "slow", "alone"])
def test_connections_of_a_listener_in_one_turn(accepts: int | None, most: int, fair: bool, slow: bool) -> None:
    share = Share(fair) if accepts is None else Share(fair, accepts)
    share.ended(0.5 if slow else 0.0, NOW)
    expected = 1 if fair and slow else most
    taken = 1
    while taken <= 2 * most and share.accepts_more(taken, NOW):
        taken += 1
    assert taken == expected


@pytest.mark.parametrize(("seconds", "until"), [(0.0, 0.0), (0.0005, 0.0), (0.001, 0.02), (0.1, 2.0), (3.0, 60.0)])
@pytest.mark.parametrize("fair", [True, False], ids=["with neighbours", "alone"])
def test_how_long_no_answer_waits_for_others(seconds: float, until: float, fair: bool) -> None:
    told, seen = Share(fair), Share(fair)
    told.ended(seconds, NOW)
    seen.has_run(seconds, NOW)
    for share in (told, seen):
        assert share.is_quick(NOW) is (until == 0.0)
        assert not until or not share.is_quick(NOW + until * 0.99)
        assert share.is_quick(NOW + until * 1.01)


def test_a_shorter_call_does_not_shorten_the_time_after_a_long_one() -> None:
    share = Share()
    share.ended(1.0, NOW)
    share.ended(0.001, NOW + 1.0)
    assert not share.is_quick(NOW + 19.0)
