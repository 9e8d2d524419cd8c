"""Which requests have a line in the access log."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunicorn.config.skip_rules import compile_rule, matcher
from gunicorn.gateway.access_lines import access_lines
from gunicorn.gateway.prefixes import Prefixes
from gunicorn.glogging import Logger
from gunicorn.instrument.statsd import Statsd
from gunicorn.logs.selection import Dice, Selection, selection_of
from tests.logs.test_access_compilers import answered
from tests.logs.test_access_format import config

ENVIRON = {
    "REQUEST_METHOD": "GET", "RAW_URI": "/static/a.css?v=1", "HTTP_USER_AGENT": "kube-probe/1.30", "HTTP_HOST": "shop",
    "REMOTE_ADDR": "192.0.2.7",
}


def wants(selection: Selection, status: Any = "200 OK", seconds: float = 0.0, **changes: Any) -> bool:
    return selection.wants(SimpleNamespace(status=status), SimpleNamespace(), {**ENVIRON, **changes}, seconds)


@pytest.mark.parametrize("rule", [
    "path=/static/*", "path=/static/a.css", "path=*", "path=*.css", "path=/*/a*", "path=/static/a.css*", "status=200",
    "status=2xx", "status=2XX", "method=GET", "host=shop", "agent=kube-probe/*", "remote=192.0.2.7", "remote=192.*",
    "status=2xx&agent=kube-probe/*", " path = /static/* & method=GET",
])
def test_what_a_rule_leaves_out(rule: str) -> None:
    assert not wants(Selection([rule], 1.0, 0.0))


@pytest.mark.parametrize("rule", [
    "path=/static", "path=/static/", "path=/STATIC/*", "path=*.cs", "path=/static/a.css?v=1", "status=404",
    "status=5xx", "method=get", "host=shop:80", "agent=probe*", "status=404&agent=kube-probe/*", "path=/static/a.css/*",
    "path=/*//*",
])
def test_what_a_rule_lets_be(rule: str) -> None:
    assert wants(Selection([rule], 1.0, 0.0))


def test_one_of_several_rules_is_enough() -> None:
    selection = Selection(["path=/no", "status=2xx"], 1.0, 0.0)
    assert not wants(selection)
    assert wants(selection, "404 Not Found")


def test_the_path_is_the_one_that_was_sent() -> None:
    selection = Selection(["path=/healthz"], 1.0, 0.0)
    request = SimpleNamespace(path="/healthz", query="")
    # Whatever the application has made of its environ.
    assert not selection.wants(SimpleNamespace(status="200 OK"), request, {"RAW_URI": "/", "PATH_INFO": "/x"}, 0.0)
    request.path = "/%68ealthz"
    assert selection.wants(SimpleNamespace(status="200 OK"), request, {"PATH_INFO": "/healthz"}, 0.0)


@pytest.mark.parametrize("status", [None, "", b"200 OK", 200, object()])
def test_a_status_of_any_kind(status: Any) -> None:
    assert wants(Selection(["status=2xx"], 1.0, 0.0), status) is (status not in (b"200 OK", 200))


def test_what_is_absent_is_matched_by_nothing_but_a_star() -> None:
    assert wants(Selection(["agent=-"], 1.0, 0.0), HTTP_USER_AGENT="")
    assert not wants(Selection(["agent=*"], 1.0, 0.0), HTTP_USER_AGENT="")


@pytest.mark.parametrize(("status", "seconds", "wanted"), [
    ("200 OK", 0.0, False), ("404 Not Found", 0.0, False), ("500 No", 0.0, True), ("503 No", 0.0, True),
    ("200 OK", 2.0, False), ("200 OK", 2.001, True),
])
def test_failures_and_slow_ones_are_always_there(status: str, seconds: float, wanted: bool) -> None:
    assert wants(Selection([], 0.0, 2.0), status, seconds) is wanted


def test_without_a_limit_nothing_is_slow() -> None:
    assert not wants(Selection([], 0.0, 0.0), "200 OK", 9999.0)


def test_what_is_skipped_is_skipped_though_it_failed() -> None:
    assert not wants(Selection(["path=/static/*"], 0.5, 1.0), "500 No", 9.0)


def test_a_share_of_the_rest() -> None:
    numbers = iter([0.05, 0.0999, 0.1, 0.9])
    selection = Selection([], 0.1, 0.0, lambda: next(numbers))
    assert [wants(selection) for _ in range(4)] == [True, True, False, False]


def test_the_dice_are_fair_and_every_worker_has_its_own() -> None:
    dice = Dice()
    thrown = [dice() for _ in range(20_000)]
    assert all(0.0 <= number < 1.0 for number in thrown)
    assert 0.08 < sum(number < 0.1 for number in thrown) / 20_000 < 0.12
    assert Dice()() != Dice()()


@pytest.mark.parametrize(("skip", "sample", "is_needed"), [([], 1.0, False), (["path=/"], 1.0, True), ([], 0.5, True)])
def test_nothing_is_asked_where_all_are_wanted(skip: list[str], sample: float, is_needed: bool) -> None:
    assert (selection_of(skip, sample, 3.0) is not None) is is_needed


@pytest.mark.parametrize(("rule", "problem"), [
    ("", "'' is not of the form KEY=PATTERN"), ("path", "'path' is not of"), ("path=", "'path=' is not of"),
    ("=x", "'' is none of path, status"), ("pth=/x", "'pth' is none of path, status, method, host, agent, remote"),
    ("path=/x&", "'' is not of"), ("status=20", "'20' is no status"), ("status=6xx", "'6xx' is no status"),
    ("status=2*", "'2\\*' is no status"),
])
def test_what_is_no_rule(rule: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        compile_rule(rule)


@given(st.lists(st.text(alphabet="ab", max_size=3), min_size=1, max_size=4), st.text(alphabet="ab", max_size=8))
def test_stars_are_those_of_a_regular_expression(parts: list[str], text: str) -> None:
    expected = re.fullmatch(".*".join(parts), text) is not None
    assert bool(matcher("*".join(parts))(text)) is expected


def test_a_text_made_to_be_slow_is_not() -> None:
    """A regular expression would not come to an end."""
    assert not matcher("*" + "a*" * 30 + "b")("a" * 20_000)


# Where it is asked.


def test_the_quick_way_makes_no_line() -> None:
    written: list[str] = []
    log = SimpleNamespace(
        now=lambda: "", line_writer=lambda: lambda text: written.append(text) or True,
        selection=Selection(["status=2xx"], 1.0, 0.0))
    lines = access_lines(log, SimpleNamespace(access_log_format="%(s)s"))
    assert lines is not None
    lines.add(answered(status="200 OK"), {}, Prefixes(b""), 0.0, 1.0)
    assert not lines.waiting()
    lines.add(answered(status="404 Not Found"), {}, Prefixes(b""), 0.0, 1.0)
    assert lines.flush()
    assert written == ["404\n"]


@pytest.mark.parametrize("kind", [Logger, Statsd])
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_logger_makes_no_line(tmp_path: Path, kind: type, log_format: str) -> None:
    path = tmp_path / "access"
    log = kind(config(accesslog=str(path), access_log_skip=["path=/static/*"], log_format=log_format,
                      statsd_host=None, statsd_prefix="", dogstatsd_tags=""))
    for target in ("/static/x", "/"):
        log.access(SimpleNamespace(status="200 OK", sent=1), SimpleNamespace(), {"RAW_URI": target}, timedelta(0))
    assert len(path.read_text().splitlines()) == 1


def test_metrics_count_what_has_no_line() -> None:
    log = Statsd(config(access_log_skip=["path=*"], statsd_host=None, statsd_prefix="", dogstatsd_tags=""))
    sent: list[str] = []
    log._send = sent.append  # type: ignore[method-assign]
    log.access(SimpleNamespace(status="200 OK"), SimpleNamespace(), ENVIRON, timedelta(0))
    assert [text.partition(":")[0] for text in sent] == [
        "gunicorn.request.duration", "gunicorn.requests", "gunicorn.request.status.200"]
