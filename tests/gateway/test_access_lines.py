"""Access lines that are gathered: how many wait, and how much of them."""

from __future__ import annotations

import tracemalloc
from types import SimpleNamespace
from typing import Any

import pytest

from gunicorn.gateway.access_lines import MOST_LINES, AccessLines, compile_steps, logs_access
from gunicorn.gateway.prefixes import Prefixes
from gunicorn.gateway.response import Response
from gunicorn.glogging import Logger
from gunicorn.http.request import Request
from tests.logs.test_access_format import config

FORMAT = '%(h)s "%(r)s" %(s)s "%(f)s" "%(a)s"'


class Bench:
    def __init__(self) -> None:
        self.written: list[str] = []
        steps = compile_steps(FORMAT)
        assert steps is not None
        log = SimpleNamespace(now=lambda: "now")
        self.lines = AccessLines(log, steps, self._write)
        self.prefixes = Prefixes(b"gunicorn")
        request = Request()
        request.method, request.uri = "GET", "/"
        self.response = Response(None, None, request, False)
        self.response.status = "200 OK"

    def _write(self, text: str) -> bool:
        self.written.append(text)
        return True

    def add(self, **environ: Any) -> None:
        self.lines.add(self.response, environ, self.prefixes, 0.0, 1.0)


def test_short_lines_wait_for_each_other() -> None:
    bench = Bench()
    for number in range(MOST_LINES):
        assert not bench.lines.due(1.0), number
        bench.add(REMOTE_ADDR="1.2.3.4")
    assert bench.lines.due(1.0)
    assert bench.lines.flush()
    assert bench.written == ['1.2.3.4 "GET / HTTP/1.1" 200 "-" "-"\n' * MOST_LINES]
    assert not bench.lines.due(9.0)


@pytest.mark.parametrize("char", ["x", "\x80"])
def test_long_values_count_for_several_lines(char: str) -> None:
    """Eight thousand octets that are each written as four characters."""
    bench = Bench()
    bench.add()
    bench.lines.flush()
    tracemalloc.start()
    try:
        while not bench.lines.due(1.0):
            bench.add(HTTP_REFERER=char * 8000, HTTP_USER_AGENT=char * 8000)
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


def test_what_cannot_be_printed_is_a_dash() -> None:
    class Odd:
        def __str__(self) -> str:
            raise ZeroDivisionError

    bench = Bench()
    bench.add(HTTP_REFERER=Odd(), HTTP_USER_AGENT=Odd())
    assert bench.lines.flush()
    assert len(bench.written) == 1
    assert '"-" "-"' in "".join(bench.written)


class Own(Logger):
    """Somebody's, with lines of its own."""

    def access(self, *args: Any) -> None:
        pass


@pytest.mark.parametrize(
    ("kind", "settings", "logs"),
    [
        (Logger, {}, False), (Logger, {"accesslog": "-"}, True), (Own, {}, True), (SimpleNamespace, {}, True),
        (Logger, {"syslog": True}, True),
        (Logger, {"syslog": True, "disable_redirect_access_to_syslog": True}, False),
    ],
)
def test_lines_are_made_where_they_go_somewhere(kind: type, settings: dict[str, object], logs: bool) -> None:
    """As the logger itself says: nothing is made for one that would throw it away."""
    log = kind.__new__(kind)
    log.cfg = config(**settings)
    assert logs_access(log) is logs
