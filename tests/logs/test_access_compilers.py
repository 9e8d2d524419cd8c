"""Two ways to make an access line, the quick one of workers and the one of `Logger.access`: both write the same.

The quick way answers for the formats that it can make; for all others it says so, and the line is made the other way.
The table of atoms has a step and a getter for each: here they are asked for the same requests.
"""

from __future__ import annotations

import base64
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gunicorn.gateway.access_lines import access_lines
from gunicorn.gateway.prefixes import Prefixes
from gunicorn.gateway.response import Response
from gunicorn.glogging import Logger
from gunicorn.http.request import Request
from gunicorn.logs import atoms
from gunicorn.logs.atoms import compile_format
from tests.logs.test_access_format import config

ATOMS = [*"hlutrsmUqHbBfaTDMLp", "{request-id}g", "{trace-id}g", "{span-id}g", "{queue}g"]
EVERYTHING = "|".join(f"%({atom})s" for atom in ATOMS)
COMMON = '%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s'
#: Formats of the quick way.
QUICK = ["", "words", "%%", "100%% %(m)s%%", "%%(h)s", "%(h)s", "%(h)s%(h)s", "\\ \t \u2603 %(U)s", COMMON,
         COMMON + ' "%(f)s" "%(a)s"', EVERYTHING, *(f"<%({atom})s>" for atom in ATOMS)]
#: Formats that it leaves to the other one, wherever in them its reason stands.
LEFT = [
    template.replace("FIELD", field)
    for template in ("FIELD", "FIELD %(h)s", "%(h)s FIELD", "%(h)s FIELD %(s)s", "%% FIELD %%")
    for field in ("%({accept}i)s", "%({x}o)s", "%({x}e)s", "%(unknown)s", "%()s", "%(D)d", "%(h)-15s", "%(h)15s",
                  "%(T).3f", "%(a)r", "%(h)", "50 %", "%", "%s", "%(h)S")
]


class Bench:
    """Makes a line both ways."""

    def __init__(self, text: str) -> None:
        self.written: list[str] = []
        log = SimpleNamespace(now=lambda: "[now]", line_writer=lambda: self._write)
        self.lines = access_lines(log, SimpleNamespace(access_log_format=text))
        # A logger refuses some of these formats when it is made: what is compiled is given, not configured.
        logger = Logger(config())
        logger.now = lambda: "[now]"  # type: ignore[method-assign]
        self.line = compile_format(text, logger)
        self.prefixes = Prefixes(b"gunicorn")

    def _write(self, text: str) -> bool:
        self.written.append(text)
        return True

    def both(self, response: Any, environ: dict[str, Any], seconds: float) -> tuple[str, str]:
        assert self.lines is not None
        self.written.clear()
        self.lines.add(response, environ, self.prefixes, seconds, 1.0)
        assert self.lines.flush()
        full = self.line(response, response.request, environ, timedelta(seconds=seconds))
        return "".join(self.written), full + "\n"


def answered(method: str = "GET", uri: str = "/a?b", status: Any = "200 OK", sent: int = 12, minor: int = 1) -> Any:
    request = Request()
    request.method, request.uri, request.version_minor = method, uri, minor
    response = Response(None, None, request, False)
    response.status = status
    response.sent = sent
    return response


def environ_of(response: Any, **changes: Any) -> dict[str, Any]:
    request = response.request
    return {
        "REQUEST_METHOD": request.method, "RAW_URI": request.uri, "PATH_INFO": "/a", "QUERY_STRING": "b",
        "SERVER_PROTOCOL": f"HTTP/1.{request.version_minor}", "REMOTE_ADDR": "192.0.2.7",
        "HTTP_REFERER": "http://here/", "HTTP_USER_AGENT": 'curl "8"', **changes,
    }


class Odd:
    def __str__(self) -> str:
        raise ZeroDivisionError


def basic(user: bytes) -> dict[str, Any]:
    return {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(user + b":secret").decode()}


#: (response, changes of the environ, seconds)
REQUESTS: dict[str, tuple[Any, dict[str, Any], float]] = {
    "ordinary": (answered(), {}, 0.25),
    "HTTP/1.0": (answered(minor=0), {}, 0.0),
    "nothing sent": (answered(status="204 No Content", sent=0), {}, 0.5),
    "a long answer": (answered(sent=2**40), {}, 3723.5),
    "no address": (answered(), {"REMOTE_ADDR": ""}, 0.5),
    "no referer": (answered(), {"HTTP_REFERER": None, "HTTP_USER_AGENT": None}, 0.5),
    "controls and quotes": (
        answered(uri='/"\\\x80\xa0'), {"HTTP_USER_AGENT": 'a"b\\c\x1b[31m\x85', "HTTP_REFERER": "\x80\xff"}, 0.5),
    "other characters": (answered(), {"HTTP_USER_AGENT": "\u2603\u202e\U000e0041\udc80", "PATH_INFO": "\u2028"}, 0.5),
    "what is no text": (
        answered(), {"HTTP_USER_AGENT": 5, "HTTP_REFERER": 1.5, "PATH_INFO": b"\xff\n", "QUERY_STRING": [1]}, 0.5),
    "what cannot be printed": (answered(), {"HTTP_USER_AGENT": Odd(), "QUERY_STRING": Odd()}, 0.5),
    "a user": (answered(), basic(b"anna"), 0.5),
    "a user of many characters": (answered(), basic("Zoë \u202e\"".encode()), 0.5),
    "a user that is no UTF-8": (answered(), basic(b"\xff\n"), 0.5),
    "nobody": (answered(), basic(b""), 0.5),
    "no credentials": (answered(), {"HTTP_AUTHORIZATION": "Basic !!!"}, 0.5),
    "other credentials": (answered(), {"HTTP_AUTHORIZATION": "Bearer abc"}, 0.5),
    "credentials that are no text": (answered(), {"HTTP_AUTHORIZATION": 5}, 0.5),
    "a status without words": (answered(status="418"), {}, 0.5),
    "a status of octets": (answered(status=b"200 OK"), {}, 0.5),
    "a status that is a number": (answered(status=404), {}, 0.5),
    "no status": (answered(status=None), {}, 0.5),
    "an empty status": (answered(status=""), {}, 0.5),
    **{f"{seconds} s": (answered(), {}, seconds) for seconds in (
        0.000001, 0.000003, 0.0000004, 0.0000006, 0.001, 0.0009996, 0.0009999996, 0.9999994, 0.9999996, 1.0, 86400.5,
        1.1, 2.675, 59.999999)},
}


def test_each_atom_of_the_table_is_asked_for() -> None:
    assert set(ATOMS) == set(atoms.ATOMS)


@pytest.mark.parametrize("name", REQUESTS)
def test_both_write_the_same(name: str) -> None:
    response, changes, seconds = REQUESTS[name]
    for text in QUICK:
        quick, full = Bench(text).both(response, environ_of(response, **changes), seconds)
        assert quick == full, text
        assert quick.endswith("\n")
        assert quick.count("\n") == 1


@pytest.mark.parametrize("text", QUICK)
def test_what_the_quick_way_makes(text: str) -> None:
    assert Bench(text).lines is not None


@pytest.mark.parametrize("text", LEFT)
def test_what_it_leaves_to_the_other(text: str) -> None:
    assert Bench(text).lines is None


def test_a_logger_that_wants_every_line_gets_it() -> None:
    assert access_lines(SimpleNamespace(line_writer=lambda: None), SimpleNamespace(access_log_format="%(h)s")) is None
    assert access_lines(SimpleNamespace(), SimpleNamespace(access_log_format="%(h)s")) is None


PIECES = st.one_of(
    st.sampled_from([f"%({atom})s" for atom in ATOMS]),
    st.sampled_from(["%%", "%", "(", ")", "s", "%(", ")s", "%(D)d", "%(h)9s", "%({a}i)s", "%(x)s"]),
    st.text(max_size=3),
)
VALUES = st.one_of(st.none(), st.text(max_size=6), st.integers(), st.binary(max_size=3))


@given(
    st.lists(PIECES, max_size=8).map("".join),
    st.dictionaries(st.sampled_from(["REMOTE_ADDR", "PATH_INFO", "QUERY_STRING", "HTTP_REFERER"]), VALUES, max_size=3),
    st.floats(0, 1e6))
@example("%(D)d %(m)s", {}, 0.5)
@example("%(D)s %(M)s %(T)s %(L)s", {}, 0.000003)
def test_whatever_the_quick_way_takes_it_makes_as_the_other(
    text: str, changes: dict[str, Any], seconds: float
) -> None:
    bench = Bench(text)
    if bench.lines is None:
        return
    response = answered()
    quick, full = bench.both(response, environ_of(response, **changes), seconds)
    assert quick == full
