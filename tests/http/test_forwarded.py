"""The client behind trusted proxies, as fields tell it."""

from __future__ import annotations

import pytest

from gunicorn.http.fields import ORDINARY, FieldName
from gunicorn.http.forwarded import Forwarded
from gunicorn.http.peers import Peers
from gunicorn.http.request import Request
from gunicorn.logs.queue_time import seconds_since

OURS = ["127.0.0.1", "10.0.0.0/8"]


def request_with(name: str, *values: str) -> Request:
    request = Request()
    request.fields = [(FieldName(name.encode(), ORDINARY, ""), value) for value in values]
    return request


# (the fields, hops, the client)
CHAINS = {
    "nothing": ([], 0, None),
    "one": (["1.2.3.4"], 0, ("1.2.3.4", 0)),
    "our proxies are passed over": (["1.2.3.4, 10.1.1.1, 10.2.2.2"], 0, ("1.2.3.4", 0)),
    "what the client wrote itself": (["6.6.6.6, 1.2.3.4, 10.1.1.1"], 0, ("1.2.3.4", 0)),
    "several fields are one": (["6.6.6.6", "1.2.3.4", "10.1.1.1"], 0, ("1.2.3.4", 0)),
    "all are ours": (["10.3.3.3, 10.1.1.1"], 0, ("10.3.3.3", 0)),
    "one that is no address hides the rest": (["1.2.3.4, unknown, 10.1.1.1"], 0, ("10.1.1.1", 0)),
    "the last is none": (["1.2.3.4, unknown"], 0, None),
    "a port": (["1.2.3.4:5678"], 0, ("1.2.3.4", 5678)),
    "IPv6": (["2001:db8::1"], 0, ("2001:db8::1", 0)),
    "IPv6 with a port": (["[2001:DB8::1]:5678"], 0, ("2001:db8::1", 5678)),
    "a zone": (["fe80::1%eth0"], 0, ("fe80::1%eth0", 0)),
    "a zone and a port": (["[fe80::1%br-1.2_~]:80"], 0, ("fe80::1%br-1.2_~", 80)),
    "an empty zone": (["fe80::1%"], 0, None),
    "a zone that is none": (["fe80::1%<script>"], 0, None),
    "a zone of another line": (["fe80::1%a b"], 0, None),
    "a zone of obs-text": (["fe80::1%\xe9"], 0, None),
    "a zone within a zone": (["fe80::1%a%b"], 0, None),
    "a zone in quotes": (['fe80::1%"'], 0, None),
    "a zone that is too long": (["fe80::1%" + "a" * 16], 0, None),
    "a zone of IPv4": (["1.2.3.4%eth0"], 0, None),
    "a port too high": (["1.2.3.4:99999"], 0, None),
    "one hop": (["6.6.6.6, 1.2.3.4"], 1, ("1.2.3.4", 0)),
    "two hops": (["6.6.6.6, 1.2.3.4, 10.1.1.1"], 2, ("1.2.3.4", 0)),
    "fewer entries than hops": (["1.2.3.4"], 2, None),
    "empty": ([""], 0, None),
}


@pytest.mark.parametrize("case", CHAINS)
def test_x_forwarded_for(case: str) -> None:
    values, hops, client = CHAINS[case]
    assert Forwarded("x-forwarded-for", hops, Peers(OURS)).client(request_with("X-Forwarded-For", *values)) == client


@pytest.mark.parametrize("name", ["X_Forwarded_For", "X-Forwarded_For", "XForwardedFor"])
def test_another_name_is_not_that_field(name: str) -> None:
    assert Forwarded("x-forwarded-for", 0, Peers(OURS)).client(request_with(name, "1.2.3.4")) is None


ELEMENTS = {
    "one": (["for=1.2.3.4"], ("1.2.3.4", 0)),
    "upper case": (["For=1.2.3.4"], ("1.2.3.4", 0)),
    "among others": (["by=10.0.0.1;for=1.2.3.4;proto=https"], ("1.2.3.4", 0)),
    "quoted, with a port": (['for="1.2.3.4:99"'], ("1.2.3.4", 99)),
    "IPv6": (['for="[2001:db8::1]:4711";proto=https, for=10.1.1.1'], ("2001:db8::1", 4711)),
    "a zone": (['for="[fe80::1%eth0]:1"'], ("fe80::1%eth0", 1)),
    "a zone that is none": (['for="[fe80::1%<b>]:1"'], None),
    "a zone with an escape": (['for="fe80::1%\\\"\\\""'], None),
    "hidden": (["for=1.2.3.4, for=_secret, for=10.1.1.1"], ("10.1.1.1", 0)),
    "unknown": (["for=unknown"], None),
    "without for": (["for=1.2.3.4, proto=https"], None),
    "a comma within quotes": (['for="1.2.3.4, 6.6.6.6"'], None),
    "an escape": (['for="1.2.3.\\4"'], ("1.2.3.4", 0)),
    "nonsense hides what stands before it": (["for=6.6.6.6, %%%, for=10.1.1.1"], ("10.1.1.1", 0)),
    "an open quote": (['for="1.2.3.4'], None),
    "several fields": (["for=1.2.3.4", "for=10.1.1.1"], ("1.2.3.4", 0)),
}


@pytest.mark.parametrize("case", ELEMENTS)
def test_forwarded(case: str) -> None:
    values, client = ELEMENTS[case]
    assert Forwarded("forwarded", 0, Peers(OURS)).client(request_with("Forwarded", *values)) == client


NOW = 1_800_000_000.0
STARTS = {
    "seconds": ("1799999997.5", 2.5),
    "with t=": ("t=1799999997.5", 2.5),
    "milliseconds": ("1799999997500", 2.5),
    "microseconds": ("t=1799999997500000", 2.5),
    "nanoseconds": ("1799999997500000000", 2.5),
    "the future": ("1800000005", 0.0),
    "long ago": ("1700000000", 0.0),
    "nonsense": ("soon", 0.0),
    "not a number": ("nan", 0.0),
    "empty": ("", 0.0),
}


@pytest.mark.parametrize("case", STARTS)
def test_x_request_start(case: str) -> None:
    value, waited = STARTS[case]
    assert (seconds_since(value, NOW) or 0.0) == pytest.approx(waited, abs=1e-3)
