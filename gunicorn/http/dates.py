"""HTTP-date, read (RFC 9110 section 5.6.7): the form of today, and the two that a recipient must know besides."""

from __future__ import annotations

import re

from gunicorn._calendar import MONTHS

_TIME = r"(?P<hour>[0-2][0-9]):(?P<minute>[0-5][0-9]):(?P<second>[0-6][0-9])"
_MONTH = f"(?P<month>{'|'.join(MONTHS[1:])})"
_FORMS = [re.compile(form + r"\Z").match for form in (
    # Sun, 06 Nov 1994 08:49:37 GMT
    rf"[A-Z][a-z]{{2}}, (?P<day>[0-3][0-9]) {_MONTH} (?P<year>[0-9]{{4}}) {_TIME} GMT",
    # Sunday, 06-Nov-94 08:49:37 GMT
    rf"[A-Z][a-z]{{5,8}}, (?P<day>[0-3][0-9])-{_MONTH}-(?P<year>[0-9]{{2}}) {_TIME} GMT",
    # Sun Nov  6 08:49:37 1994
    rf"[A-Z][a-z]{{2}} {_MONTH} (?P<day>[ 0-3][0-9]) {_TIME} (?P<year>[0-9]{{4}})",
)]
# Years of two digits from here on are those of the last century. (Fifty years ahead of now would be past, says the
# RFC; nobody has sent one for decades.)
_PIVOT = 70


def parse_http_date(text: str) -> int | None:
    """Seconds since the epoch; None for what is no date."""
    for form in _FORMS:
        found = form(text)
        if found is not None:
            return _seconds(found)
    return None


def _seconds(found: re.Match[str]) -> int | None:
    year, day = int(found["year"]), int(found["day"])
    if year < 100:
        year += 1900 if year >= _PIVOT else 2000
    month = MONTHS.index(found["month"])
    if not 1 <= day <= 31 or int(found["hour"]) > 23:
        return None
    days = _days(year, month, day)
    return ((days * 24 + int(found["hour"])) * 60 + int(found["minute"])) * 60 + int(found["second"])


def _days(year: int, month: int, day: int) -> int:
    """Days since the epoch in the Gregorian calendar, whose years are taken to begin in March: the leap day is the last
    of them."""
    if month <= 2:
        year -= 1
        month += 12
    return 365 * year + year // 4 - year // 100 + year // 400 + (153 * (month - 3) + 2) // 5 + day - 719469
