"""Numbers between two answers, and numbers as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunicorn.control.top.reading import percentile
from gunicorn.control.top.table import rate
from gunicorn.control.top.text import clip, cut, duration, escaped, fit, left, plain, right, size, spark, width
from tests.control.top.specimens import histogram

NONE = histogram()


@pytest.mark.parametrize(
    ("part", "now", "seconds"),
    [
        (0.5, histogram(_10=100), 0.000768),
        (1.0, histogram(_10=100), 0.001024),
        (0.5, histogram(_10=50, _20=50), 0.001024),
        (0.99, histogram(_10=98, _20=2), 0.524288 * 1.5),
        (0.5, histogram(_0=4), 0.0000005),
        (0.5, NONE, None),
        (0.5, [1.0], None),
    ],
)
def test_percentiles(part: float, now: list[int], seconds: float | None) -> None:
    assert percentile(part, NONE, now) == (None if seconds is None else pytest.approx(seconds))


def test_percentiles_are_of_the_time_between() -> None:
    assert percentile(0.5, histogram(_20=1000), histogram(_20=1000, _10=1)) == pytest.approx(0.000768)


@given(st.lists(st.integers(0, 1000), min_size=64, max_size=64))
def test_percentiles_grow(counts: list[int]) -> None:
    found = [percentile(part, NONE, counts) for part in (0.5, 0.95, 0.99, 1.0)]
    if any(counts):
        numbers = [number for number in found if number is not None]
        assert len(numbers) == 4
        assert numbers == sorted(numbers)
        last = max(place for place, count in enumerate(counts) if count)
        assert numbers[-1] == pytest.approx(2.0**last / 1e6)
    else:
        assert found == [None] * 4


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0.0ms"), (0.00123, "1.2ms"), (0.25, "250ms"), (0.9994, "999ms"), (0.9996, "1.0s"), (59.94, "59.9s"),
        (59.96, "1m00s"), (61, "1m01s"), (3599.4, "59m59s"), (3600, "1h00m"), (86399, "23h59m"), (86400, "1d00h"),
        (90000, "1d01h"), (86400 * 99.5, "99d12h"), (86400 * 1000, "1000d"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (None, "-"), (0, "0B"), (999, "999B"), (1000, "1.0K"), (9.9 * 1024, "9.9K"), (10 << 10, "10K"),
        (999 << 10, "999K"), (1000 << 10, "1.0M"), (50 << 20, "50M"), (3 << 30, "3.0G"), (1 << 50, "1024T"),
    ],
)
def test_sizes(octets: float | None, text: str) -> None:
    assert size(octets) == text


@pytest.mark.parametrize(
    ("number", "text"), [(None, "-"), (0, "0.0"), (99.94, "99.9"), (99.96, "100"), (123456, "123456"), (1.5e6, "1.5M")]
)
def test_rates(number: float | None, text: str) -> None:
    assert rate(number) == text


def test_bars() -> None:
    assert spark((-1.0, 0.0, 0.5, 1.0, 9.0)) == "▁▁▅██"
    assert spark((-1.0, 0.0, 0.5, 1.0, 9.0), True) == "00599"


def test_combining_marks_take_no_column() -> None:
    assert width("e\u0301") == 1
    assert left("e\u0301", 3) == "e\u0301  "


def test_escapes() -> None:
    assert escaped("a\x1b\u202e\ud800é\u2028\U000e0001") == "a\\x1b\\u202e\\ud800é\\u2028\\U000e0001"
    assert escaped("é日", True) == "\\xe9\\u65e5"


def test_parts_that_do_not_fit_are_left_out() -> None:
    parts = [[("", "one")], [("bold", "two")], [("", "three")]]
    assert [plain(fit(parts, columns)) for columns in (2, 3, 7, 8, 14, 15)] == [
        "o>", "one", "one", "one  two", "one  two", "one  two  three",
    ]


@given(st.text(), st.integers(0, 40))
def test_clipped_text_fits(text: str, columns: int) -> None:
    text = escaped(text)
    assert width(clip(text, columns)) <= columns
    assert width(left(text, columns)) == width(right(text, columns)) == columns
    assert width(plain(cut([("", text), ("bold", text)], columns))) <= columns
    assert clip(text, width(text)) == text
