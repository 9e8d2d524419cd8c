"""What `/metrics` says, read by Prometheus' own parsers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from gunicorn.instrument._board import Board
from gunicorn.instrument.exposition import (
    COUNTER,
    GAUGE,
    INFO,
    OPENMETRICS,
    TEXT,
    Family,
    Format,
    Sample,
    format_for,
)
from gunicorn.instrument.metrics import CAUSES, OTEL, RELOADS, STATES, Readings, WorkerReading, families
from gunicorn.instrument.scoreboard import METHODS, SHED_REASONS, STATUSES, VERSIONS, Scoreboard
from gunicorn.instrument.task_readings import RESULTS
from gunicorn.instrument.totals import Totals
from gunicorn.unix.resources import Usage
from tests.support.task_board import APP, OTHER, busy_board

FORMATS = [pytest.param(OPENMETRICS, id="openmetrics"), pytest.param(TEXT, id="text")]


def parsed(text: bytes, chosen: Format) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """All samples, by name and labels; raises for what the parser does not take."""
    read: Any = parse_openmetrics if chosen.is_openmetrics else parse_text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in read(text.decode()) for sample in family.samples
    }


def readings(**changes: Any) -> Readings:
    slot = Scoreboard().allocate(1)
    board = Board(slot)
    for seconds in (0.0001, 0.0003, 0.25, 20.0):
        board.begin("GET", "/", 1.0, 11)
        board.end("GET", 200, 1.0, 1.0 + seconds, 5)
    board.refuse("", 400)
    board.queue(0.3)
    board.shed("concurrency")
    for version in (10, 11, 20):
        board.speak(version)
    totals = Totals()
    totals.take(slot)
    base = Readings(
        version="1.2", python="3.13.1", compiled=True, started_at=1e9, ready=True, target=2,
        workers=(
            WorkerReading(0, 71, 1, 1, "busy", 1 << 20), WorkerReading(1, 72, 2, 1, "ready", None),
        ),
        totals=totals, in_flight=3, oldest=1.5, connections=4, busy_ratio=0.25,
        listeners=(("http://127.0.0.1:80", 3, None), ('unix:/a"b\\c\n', -1, 2e9)),
        spawned=9, restarts={"crash": 2}, reloads={"success": 1}, reloaded_at=1.5e9,
        queue_limits=(("http://127.0.0.1:80", 2048),), places=(3, 5), websockets=2,
        process=Usage(1.5, 30 << 20, 90 << 20, 12, None), tasks=busy_board().read(), task_memory={0: 3 << 20, 1: None},
    )
    return base.replaced(**changes)


def test_a_board_knows_whether_new_clients_should_come() -> None:
    slot = Scoreboard().allocate(1)
    board = Board(slot)
    seen = []
    for slot.leaving, slot.drained in ((False, False), (True, False), (False, True), (True, True), (False, False)):
        seen.append(board.welcomes())
    assert seen == [True, False, False, False, True]


@pytest.mark.parametrize("chosen", FORMATS)
def test_a_parser_of_prometheus_reads_what_was_meant(chosen: Format) -> None:
    found = parsed(chosen.render(families(readings())), chosen)

    def value(name: str, **labels: str) -> float:
        return found[name, frozenset(labels.items())]

    assert value("gunicorn_build_info", version="1.2", python="3.13.1", compiled="true") == 1
    assert [value("gunicorn_workers", state=state) for state in STATES] == [0, 1, 1, 0]
    assert value("gunicorn_requests_total", method="GET", status="2xx") == 4
    assert value("gunicorn_requests_total", method="other", status="4xx") == 1
    keys = [key for key in found if key[0] == "gunicorn_requests_total"]
    assert len(keys) == len(METHODS) * len(STATUSES)
    assert sum(found[key] for key in keys) == 5
    assert value("gunicorn_requests_refused_total") == 1
    assert value("gunicorn_request_duration_seconds_count") == 4
    assert value("gunicorn_request_duration_seconds_sum") == pytest.approx(20.2504)
    bounds = {"0.000256": 1, "0.000512": 2, "0.131072": 2, "0.262144": 3, "16.777216": 3, "+Inf": 4}
    assert {le: value("gunicorn_request_duration_seconds_bucket", le=le) for le in bounds} == bounds
    assert value("gunicorn_requests_in_flight") == 3
    assert value("gunicorn_oldest_request_seconds") == 1.5
    assert value("gunicorn_connections") == 4
    assert value("gunicorn_busy_ratio") == 0.25
    assert value("gunicorn_listen_queue", listener="http://127.0.0.1:80") == 3
    assert value("gunicorn_tls_certificate_expiry_timestamp_seconds", listener='unix:/a"b\\c\n') == 2e9
    assert {cause: value("gunicorn_worker_restarts_total", cause=cause) for cause in CAUSES} == {
        **dict.fromkeys(CAUSES, 0), "crash": 2,
    }
    assert [value("gunicorn_reloads_total", result=result) for result in RELOADS] == [1, 0, 0, 0]
    assert value("gunicorn_worker_memory_bytes", worker="0") == 1 << 20
    assert ("gunicorn_worker_memory_bytes", frozenset({("worker", "1")})) not in found
    assert value("gunicorn_worker_info", worker="1", pid="72", age="2", generation="1") == 1
    assert value("gunicorn_worker_spawns_total") == 9
    assert value("gunicorn_ready") == 1
    assert [value("gunicorn_threads", state=state) for state in ("busy", "idle")] == [3, 5]
    assert value("gunicorn_websockets") == 2
    assert value("gunicorn_listen_queue_limit", listener="http://127.0.0.1:80") == 2048
    assert [value("gunicorn_requests_shed_total", reason=reason) for reason in SHED_REASONS] == [1, 0]
    protocols = [value("gunicorn_requests_by_protocol_total", network_protocol_version=name) for name in VERSIONS]
    assert protocols == [1, 5, 1]
    bounds = {"0.262144": 0, "0.524288": 1, "+Inf": 1}
    assert {le: value("gunicorn_request_queue_seconds_bucket", le=le) for le in bounds} == bounds
    assert value("gunicorn_request_queue_seconds_sum") == pytest.approx(0.3)
    assert (value("process_cpu_seconds_total"), value("process_open_fds")) == (1.5, 12)
    assert ("process_max_fds", frozenset()) not in found, "there is no limit"


@pytest.mark.parametrize("chosen", FORMATS)
def test_the_bounds_of_opentelemetry(chosen: Format) -> None:
    found = parsed(chosen.render(families(readings(buckets=OTEL))), chosen)
    name = "gunicorn_request_duration_seconds"
    counts = {dict(labels)["le"]: found[key, labels] for key, labels in found if key == f"{name}_bucket"}
    assert counts == {
        **dict.fromkeys(("0.005", "0.01", "0.025", "0.05", "0.075", "0.1"), 2),
        **dict.fromkeys(("0.25", "0.5", "0.75", "1.0", "2.5", "5.0", "7.5", "10.0"), 3), "+Inf": 4,
    }
    assert found[f"{name}_count", frozenset()] == 4
    assert ("gunicorn_request_queue_seconds_bucket", frozenset({("le", "0.000256")})) in found


@pytest.mark.parametrize("chosen", FORMATS)
def test_tasks(chosen: Format) -> None:
    found = parsed(chosen.render(families(readings())), chosen)

    def value(name: str, **labels: str) -> float:
        return found[f"gunicorn_{name}", frozenset(labels.items())]

    assert [value("task_processes", state=state) for state in STATES] == [1, 0, 1, 0]
    assert (value("task_processes_target"), value("task_spawns_total"), value("task_master_starts_total")) == (2, 2, 1)
    assert value("task_restarts_total", cause="crash") == 1
    assert [value("task_calls_total", app=APP, result=result) for result in RESULTS] == [0, 1, 0, 0, 1, 0]
    assert value("task_calls_total", app="", result="refused") == 1
    assert (value("task_calls_running", app=APP), value("task_calls_waiting", app=APP)) == (1, 2)
    assert value("task_duration_seconds_count", app=APP) == 1
    assert value("task_duration_seconds_sum", app=APP) == pytest.approx(0.25)
    assert value("task_duration_seconds_bucket", app=APP, le="0.262144") == 1
    assert value("task_duration_seconds_bucket", app=APP, le="0.131072") == 0
    assert value("task_queue_seconds_count", app=APP) == 2
    assert value("task_queue_seconds_count", app=OTHER) == 0
    assert value("task_memory_bytes", process="0") == 3 << 20
    assert ("gunicorn_task_memory_bytes", frozenset({("process", "1")})) not in found
    assert (value("stash_tables"), value("stash_entries")) == (1, 3)
    assert (value("stash_bytes"), value("stash_limit_bytes")) == (5 << 20, 64 << 20)


def test_without_tasks_there_is_nothing_of_them() -> None:
    text = TEXT.render(families(readings(tasks=None))).decode()
    assert "gunicorn_task" not in text
    assert "gunicorn_stash" not in text


def test_both_formats_say_the_same() -> None:
    text, metrics = (parsed(each.render(families(readings())), each) for each in (TEXT, OPENMETRICS))
    assert text == metrics


@pytest.mark.parametrize("chosen", FORMATS)
def test_a_server_without_anybody(chosen: Format) -> None:
    empty = readings(workers=(), totals=Totals(), listeners=(), ready=False)
    found = parsed(chosen.render(families(empty)), chosen)
    assert found["gunicorn_ready", frozenset()] == 0
    assert found["gunicorn_request_duration_seconds_count", frozenset()] == 0


@given(st.text(), st.text())
def test_any_text_stays_a_label_and_a_help(label: str, told: str) -> None:
    sample = Sample(1.5, (("a", label),))
    for chosen in (OPENMETRICS, TEXT):
        for kind in (GAUGE, COUNTER, INFO):
            octets = chosen.render([Family("x", kind, told.replace("\r", ""), (sample,))]) if _is_text(label, told) \
                else b""
            if octets:
                lines = octets.decode().split("\n")
                assert len(lines) == 4 + chosen.is_openmetrics, lines


def _is_text(*texts: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for text in texts for letter in text)


def test_the_end_is_said_in_one_of_them() -> None:
    assert OPENMETRICS.render([]) == b"# EOF\n"
    assert TEXT.render([Family("a", COUNTER, "b", (Sample(float("inf")),))]) == (
        b"# HELP a_total b\n# TYPE a_total counter\na_total +Inf\n"
    )


@pytest.mark.parametrize(("accept", "chosen"), [
    (None, TEXT),
    ("", TEXT),
    ("*/*", TEXT),
    ("text/html,application/xhtml+xml,*/*;q=0.8", TEXT),
    ("text/plain", TEXT),
    ("text/plain;version=0.0.4", TEXT),
    ("application/openmetrics-text", OPENMETRICS),
    ("application/openmetrics-text; version=1.0.0", OPENMETRICS),
    ('application/openmetrics-text; version="1.0.0"; charset=utf-8', OPENMETRICS),
    ("application/openmetrics-text; version=0.0.1", TEXT),
    ("application/openmetrics-text;q=0.1,text/plain;q=0.5", TEXT),
    ("application/openmetrics-text;q=0,*/*", TEXT),
    ("application/openmetrics-text;q=x", TEXT),
    # Prometheus 2 and 3.
    ("application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
     "text/plain;version=0.0.4;q=0.3,*/*;q=0.2", OPENMETRICS),
    ("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1"
     ";q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
     OPENMETRICS),
])
def test_the_format_that_is_liked_best(accept: str | None, chosen: Format) -> None:
    assert format_for(accept) is chosen
