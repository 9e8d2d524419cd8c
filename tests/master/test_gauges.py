"""Measurements of the master, with a clock of the test's: what is sent, and how often."""

from __future__ import annotations

from typing import Any

from gunicorn.instrument.gauges import BACKLOG_SECONDS, Gauges


class Log:
    def __init__(self) -> None:
        self.sent: list[tuple[str, int, str]] = []

    def debug(self, text: str, value: int, extra: dict[str, Any]) -> None:
        assert text % value
        assert extra["value"] == value
        self.sent.append((extra["metric"], value, extra["mtype"]))

    def take(self) -> list[tuple[str, int, str]]:
        sent, self.sent = self.sent, []
        return sent


class Listener:
    """`length`: of its accept queue; -1 where nobody knows it."""

    def __init__(self, length: int, fd: int = 3) -> None:
        self.length = length
        self.fd = fd

    def fileno(self) -> int:
        return self.fd

    def get_backlog(self) -> int:
        assert self.fd >= 0, "a closed socket is not asked"
        return self.length


def test_the_number_of_workers_is_sent_when_it_changes() -> None:
    log = Log()
    gauges = Gauges(log, False)
    found = []
    for count in (0, 1, 1, 3, 3, 0, 0):
        gauges.report(0.0, range(count), [Listener(5)])  # type: ignore[list-item]
        found.append([value for _, value, _ in log.take()])
    assert found == [[], [1], [], [3], [], [0], []]


def test_accept_queues_are_measured_by_the_clock() -> None:
    log = Log()
    gauges = Gauges(log, True)
    listeners: list[Any] = [Listener(5), Listener(2), Listener(-1), Listener(9, -1)]
    for now, expected in (
        (100.0, [7]), (100.0 + BACKLOG_SECONDS / 2, []), (100.0 + BACKLOG_SECONDS, [7]), (500.0, [7]),
    ):
        gauges.report(now, [], listeners)
        assert log.take() == [("gunicorn.backlog", value, "histogram") for value in expected], now
    gauges.report(600.0, [], [Listener(-1)])  # type: ignore[list-item]
    gauges.report(700.0, [], [])
    assert log.take() == []
    assert gauges.due == 700.0 + BACKLOG_SECONDS


def test_nothing_is_measured_where_nobody_wants_it() -> None:
    gauges = Gauges(Log(), False)
    gauges.report(1e9, [], [Listener(1)])  # type: ignore[list-item]
    assert (gauges.due, gauges._log.sent) == (None, [])
