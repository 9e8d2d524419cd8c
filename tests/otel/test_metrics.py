"""Metrics by OTLP: the families of the master under OpenTelemetry's names, and the process that exports them."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("opentelemetry.sdk.metrics", reason="needs gunicorn[otel]")
pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="needs gunicorn[otel]")

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.metrics.export import Gauge, Histogram, Sum
from opentelemetry.sdk.resources import Resource

from gunicorn.master.metrics_export import MetricsExport, interval_of, is_possible
from gunicorn.otel.metrics import metric_of, metrics_of
from gunicorn.otel.metrics_process import Latest, lines_of
from tests.conftest import Serve
from tests.support.otlp import Receiver, receiving
from tests.support.server import Server, children_of, is_alive
from tests.support.wait import wait_until

BEGAN, NOW = 1_000_000_000, 2_000_000_000


@pytest.mark.parametrize(
    ("family", "name", "unit", "kind"),
    [
        (("gunicorn_requests", "counter", "", []), "gunicorn.requests", "1", Sum),
        (("gunicorn_sent_bytes", "counter", "", []), "gunicorn.sent", "By", Sum),
        (("gunicorn_worker_memory_bytes", "gauge", "", []), "gunicorn.worker_memory", "By", Gauge),
        (("gunicorn_oldest_request_seconds", "gauge", "", []), "gunicorn.oldest_request", "s", Gauge),
        (("gunicorn_busy_ratio", "gauge", "", []), "gunicorn.busy_ratio", "1", Gauge),
        (("gunicorn_requests_in_flight", "gauge", "", []), "http.server.active_requests", "{request}", Sum),
        (("gunicorn_request_duration_seconds", "histogram", "", []), "http.server.request.duration", "s", Histogram),
    ],
)
def test_names_units_and_kinds(family: Any, name: str, unit: str, kind: type) -> None:
    found = metric_of(family, BEGAN, NOW)
    assert found is not None
    assert (found.name, found.unit, type(found.data)) == (name, unit, kind)


def test_what_is_only_labels_is_left_out() -> None:
    assert metric_of(("gunicorn_build", "info", "", [("", {"version": "1"}, 1)]), BEGAN, NOW) is None


def test_counters_have_their_start_and_the_words_of_the_conventions() -> None:
    samples = [("", {"method": "GET", "status": "2xx"}, 3), ("", {"method": "other", "status": "5xx"}, 1)]
    found = metric_of(("gunicorn_requests", "counter", "", samples), BEGAN, NOW)
    assert found is not None
    assert isinstance(found.data, Sum)
    assert found.data.is_monotonic
    first, second = found.data.data_points
    assert (first.value, first.start_time_unix_nano, first.time_unix_nano) == (3, BEGAN, NOW)
    assert dict(first.attributes or {}) == {"http.request.method": "GET", "status": "2xx"}
    assert dict(second.attributes or {})["http.request.method"] == "_OTHER"


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=20))
def test_buckets_count_what_is_in_them(inside: list[int]) -> None:
    cumulated = [sum(inside[: place + 1]) for place in range(len(inside))]
    bounds = [repr(0.001 * 2**place) for place in range(len(inside) - 1)] + ["+Inf"]
    samples: list[Any] = [("_bucket", {"le": le}, count) for le, count in zip(bounds, cumulated, strict=True)]
    samples += [("_count", {}, cumulated[-1]), ("_sum", {}, 1.5)]
    found = metric_of(("gunicorn_request_duration_seconds", "histogram", "", samples), BEGAN, NOW)
    assert found is not None
    (point,) = found.data.data_points
    assert list(point.bucket_counts) == inside  # type: ignore[union-attr]
    assert len(point.explicit_bounds) == len(inside) - 1  # type: ignore[union-attr]
    assert (point.count, point.sum) == (sum(inside), 1.5)  # type: ignore[union-attr]


def test_a_histogram_for_each_application() -> None:
    samples: list[Any] = []
    for app, count in (("m:A", 3), ("m:B", 5)):
        samples += [("_bucket", {"app": app, "le": "0.5"}, count - 1), ("_bucket", {"app": app, "le": "+Inf"}, count),
                    ("_count", {"app": app}, count), ("_sum", {"app": app}, 1.5)]
    found = metric_of(("gunicorn_task_duration_seconds", "histogram", "", samples), BEGAN, NOW)
    assert found is not None
    assert (found.name, found.unit) == ("gunicorn.task_duration", "s")
    points: Any = found.data.data_points
    assert [(dict(point.attributes), point.count, list(point.bucket_counts)) for point in points] == [
        ({"app": "m:A"}, 3, [2, 1]), ({"app": "m:B"}, 5, [4, 1]),
    ]


def test_a_snapshot() -> None:
    data = metrics_of({"time": 12.5, "started": 2.0, "families": []}, Resource({"service.name": "shop"}), "28")
    (of_resource,) = data.resource_metrics
    (metric,) = of_resource.scope_metrics[0].metrics
    assert (metric.name, metric.data.data_points[0].value) == ("process.uptime", 10.5)  # type: ignore[union-attr]


# The process.


@given(st.lists(st.binary(max_size=9).map(lambda data: data.replace(b"\n", b"")), max_size=9), st.data())
def test_lines_come_out_whole_however_they_come_in(lines: list[bytes], data: st.DataObject) -> None:
    rest = b"".join(line + b"\n" for line in lines) + b"the rest"
    pieces = []
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        pieces.append(rest[:size])
        rest = rest[size:]
    pieces.append(b"")
    assert list(lines_of(iter(pieces).__next__)) == lines


def snapshot(number: int) -> Any:
    return {"time": number, "started": 0, "families": []}


def test_the_latest_one_is_exported_and_the_last_one_too() -> None:
    began, release, exported = threading.Event(), threading.Event(), []

    def export(given: Any) -> None:
        began.set()
        release.wait(60)
        exported.append(given["time"])

    latest = Latest(export)
    latest.give(snapshot(1))
    assert began.wait(60)
    latest.give(snapshot(2))
    latest.give(snapshot(3))
    release.set()
    assert latest.end(60)
    assert exported == [1, 3]


def test_an_export_that_fails_is_not_the_last(caplog: pytest.LogCaptureFixture) -> None:
    exported = []

    def export(given: Any) -> None:
        exported.append(given["time"])
        if given["time"] == 1:
            raise ValueError

    latest = Latest(export)
    latest.give(snapshot(1))
    wait_until(lambda: exported == [1])
    latest.give(snapshot(2))
    assert latest.end(60)
    assert exported == [1, 2]
    assert "Metrics could not be exported" in caplog.text


def test_an_end_does_not_wait_for_ever() -> None:
    release = threading.Event()
    latest = Latest(lambda given: release.wait(60))
    latest.give(snapshot(1))
    assert not latest.end(0.01)
    release.set()


# The master.


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("", 60), ("5000", 5), ("100", 0.1), ("0", 60), ("-1", 60), ("nan", 60), ("inf", 60), ("soon", 60), ("99", 60)],
)
def test_interval(text: str, seconds: float) -> None:
    assert interval_of({"OTEL_METRIC_EXPORT_INTERVAL": text}) == seconds


@pytest.mark.parametrize(
    ("variables", "possible"),
    [
        ({}, True), ({"OTEL_SDK_DISABLED": "True"}, False), ({"OTEL_SDK_DISABLED": "no"}, True),
        ({"OTEL_METRICS_EXPORTER": "none"}, False), ({"OTEL_METRICS_EXPORTER": "otlp"}, True),
    ],
)
def test_the_variables_can_forbid_it(variables: dict[str, str], possible: bool) -> None:
    assert is_possible(variables) is possible


class Export(MetricsExport):
    """Starts nothing; the reading end of its pipe is kept."""

    def __init__(self) -> None:
        self.now = 0.0
        self.warnings: list[tuple[object, ...]] = []
        cfg = SimpleNamespace(otel_metrics=True, uid=1, gid=2, has_groups_of_user=False, proc_name="shop")
        log = SimpleNamespace(warning=lambda *given: self.warnings.append(given))
        self.master = SimpleNamespace(cfg=cfg, log=log, pid=4, LISTENERS=[])
        self.readers: list[int] = []
        super().__init__(self.master, None, None, lambda: self.now)  # type: ignore[arg-type]

    def _spawn(self, reader: int) -> int:
        self.readers.append(os.dup(reader))
        return 100 + len(self.readers)

    def _tell(self) -> None:
        if self._flush():
            self._write({"now": self.now})

    def told(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in os.read(self.readers[-1], 1 << 20).splitlines()]


@pytest.fixture
def export(monkeypatch: pytest.MonkeyPatch) -> Iterator[Export]:
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "10000")
    export = Export()
    yield export
    export.put_down()
    for reader in export.readers:
        os.close(reader)


def test_it_is_told_now_and_then(export: Export) -> None:
    for export.now in (0.0, 5.0, 9.9, 10.0, 19.0, 21.0):
        export.look(export.now)
    first, *others = export.told()
    assert (first["name"], first["uid"], first["gid"]) == ("shop", 1, 2)
    assert [each["now"] for each in others] == [0, 10, 21]
    assert export.due == 31
    assert len(export.readers) == 1


def test_one_that_has_ended_is_replaced_later_each_time(export: Export) -> None:
    for pause in (1, 2, 4):
        export.look(export.now)
        assert export.ended(100 + len(export.readers), 0)
        assert export.due == export.now + pause
        export.look(export.now + pause / 2)
        export.now += pause
    export.look(export.now)
    assert len(export.readers) == 4
    # It has done well for a while.
    export.now += 61
    assert export.ended(104, 9)
    assert export.due == export.now + 1
    assert [given[2] for given in export.warnings] == [0, 0, 0, -9]


def test_a_worker_is_none_of_its_affair(export: Export) -> None:
    assert not export.ended(0, 0)
    export.look(0.0)
    assert not export.ended(7, 0)


def test_one_that_does_not_read_holds_up_nobody(export: Export) -> None:
    export.look(0.0)
    export._rest = b"x" * (1 << 22) + b"\n"
    for export.now in (10.0, 20.0, 30.0):
        export.look(export.now)
    assert b"now" not in export._rest
    taken = b""
    while not taken.endswith(b"x\n"):
        taken += os.read(export.readers[0], 1 << 20)
        export._flush()
    export.now = 40.0
    export.look(40.0)
    assert export.told() == [{"now": 40.0}]


def test_one_that_cannot_be_started_is_told_of(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(reader: int) -> int:
        raise FileNotFoundError(2, "No such file")

    errors: list[tuple[object, ...]] = []
    monkeypatch.setattr(export, "_spawn", fail)
    monkeypatch.setattr(export.master.log, "error", lambda *given: errors.append(given), raising=False)
    export.look(0.0)
    assert len(errors) == 1
    monkeypatch.setattr(os, "pipe", lambda: fail(0))
    export.look(10.0)
    assert len(errors) == 2


def test_a_reload_switches_it_off_and_on(export: Export) -> None:
    export.look(0.0)
    export.master.cfg.otel_metrics = False
    export.look(1.0)
    assert export.due is None
    export.told()
    assert os.read(export.readers[0], 1) == b"", "the pipe is closed"
    assert export.ended(101, 0)
    assert export.warnings == []
    assert export.due is None
    export.master.cfg.otel_metrics = True
    export.look(2.0)
    assert len(export.readers) == 2


# Real ones.

APP = """
def app(environ, start_response):
    start_response("404 Not Found" if environ["PATH_INFO"] == "/nothing" else "200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def exporter_of(server: Server) -> int:
    """The child of the master that does not listen where the workers do."""
    def found() -> list[int]:
        return [pid for pid in children_of(server.pid)
                if f"(pid: {pid})" not in server.log() and f"with pid: {pid}" not in server.log()]

    wait_until(found, what=server.describe)
    return found()[0]


def test_numbers_reach_the_receiver_through_kills_and_at_the_end(receiver: Receiver, serve: Serve) -> None:
    # Something that somebody has left open for every child of the server's.
    handed, _ = pair = socket.socketpair()
    env = receiver.environment(OTEL_METRIC_EXPORT_INTERVAL="100")
    server = serve(APP, "--otel-metrics", "-n", "shop", env=env, pass_fds=(handed.fileno(),))
    for path in ("/", "/", "/nothing"):
        server.get(path)

    def requests(method: str, status: str) -> float:
        wanted = {"http.request.method": method, "status": status}
        return sum(value for labels, value in receiver.numbers("gunicorn.requests") if labels == wanted)

    wait_until(lambda: requests("GET", "2xx") == 2 and requests("GET", "4xx") == 1, what=server.describe)
    found = receiver.metrics[-1].resource_metrics[0].resource
    resource = {pair.key: pair.value.string_value for pair in found.attributes}
    assert resource["service.name"] == "shop"
    assert resource["service.instance.id"].endswith(f":{server.pid}")
    assert receiver.numbers("http.server.request.duration") == [({}, 3)]
    exporter = exporter_of(server)
    # No socket of the server's is open there, and no thread has been started in the master.
    inherited = {os.fstat(handed.fileno()).st_ino, *_listeners(server)}
    assert inherited <= set(_sockets(server.pid))
    assert inherited.isdisjoint(_sockets(exporter))
    for end in pair:
        end.close()
    assert len(list(Path(f"/proc/{server.pid}/task").iterdir())) == 1
    # It does not go by a signal to the whole group.
    os.kill(exporter, signal.SIGTERM)
    os.kill(exporter, signal.SIGINT)
    os.kill(exporter, signal.SIGKILL)
    server.wait_for_log(rf"The exporter of metrics \(pid:{exporter}\) ended with -9, another one is started in 1 s")
    server.get("/")
    wait_until(lambda: requests("GET", "2xx") == 3, what=server.describe)
    server.get("/")
    server.stop()
    assert requests("GET", "2xx") == 4, "the last numbers were exported at the stop"


def _listeners(server: Server) -> set[int]:
    """The inodes of the sockets that listen at the server's port."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    return {int(words[9]) for words in lines if words[1].endswith(f":{server.port:04X}") and words[3] == "0A"}


def _sockets(pid: int) -> set[int]:
    """The inodes of the sockets that a process has open."""
    found = [os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()]
    return {int(name[8:-1]) for name in found if name.startswith("socket:[")}


def test_it_ends_with_a_master_that_is_killed(receiver: Receiver, make_server: Serve) -> None:
    server = make_server(APP, "--otel-metrics", env=receiver.environment()).start()
    exporter = exporter_of(server)
    server.extra_pids |= {exporter, *server.worker_pids()}
    server.send_signal(signal.SIGKILL)
    wait_until(lambda: not is_alive(exporter), what=server.describe)
