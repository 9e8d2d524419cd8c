"""Where spans go: what the standard variables say, and an end that nobody has to wait for."""

from __future__ import annotations

import logging
import socket
import threading
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("opentelemetry.sdk.trace", reason="needs gunicorn[otel]")
pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="needs gunicorn[otel]")

from gunicorn.config import Config
from gunicorn.errors import ConfigError, WorkerExit
from gunicorn.otel import provider
from gunicorn.otel.provider import Telemetry, exporters, instance_resource, start

VARIABLES = (
    "OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_TRACES_EXPORTER", "OTEL_SDK_DISABLED",
    "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
)


class Log:
    """Remembers what is said, by level."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def __getattr__(self, level: str) -> Any:
        def say(message: str, *given: object) -> None:
            self.lines.append((level, message % given))

        return say


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def config(**settings: object) -> Config:
    cfg = Config()
    for name, value in settings.items():
        cfg.set(name, value)
    return cfg


def test_who_tells() -> None:
    found = instance_resource(config(proc_name="shop"), 3).attributes
    assert found["service.name"] == "shop"
    assert found["service.instance.id"] == f"{socket.gethostname()}:3"


def test_what_the_variables_say_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "till")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=here,deployment.environment=test")
    found = instance_resource(config(proc_name="shop"), 3).attributes
    assert found["service.name"] == "till"
    assert found["service.instance.id"] == "here"
    assert found["deployment.environment"] == "test"


@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        ("", ["OTLPSpanExporter"]), ("otlp", ["OTLPSpanExporter"]), ("none", []), ("console", ["ConsoleSpanExporter"]),
        ("otlp, console", ["OTLPSpanExporter", "ConsoleSpanExporter"]),
    ],
)
def test_exporters(words: str, kinds: list[str]) -> None:
    found = exporters({"OTEL_TRACES_EXPORTER": words}, Log())  # type: ignore[arg-type]
    assert [type(each).__name__ for each in found] == kinds


def test_an_exporter_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "zipkin")
    with pytest.raises(ConfigError, match=r"OTEL_TRACES_EXPORTER = 'zipkin': expected otlp, console or none"):
        start(config(), Log(), 0)  # type: ignore[arg-type]


def test_grpc_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    log = Log()
    exporters({}, log)  # type: ignore[arg-type]
    line = "OpenTelemetry: OTEL_EXPORTER_OTLP_PROTOCOL = grpc has no effect, spans go by http/protobuf"
    assert log.lines == [("warning", line)]


@pytest.mark.parametrize("word", ["true", " TRUE "])
def test_switched_off(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", word)
    log = Log()
    assert start(config(), log, 0) is None  # type: ignore[arg-type]
    assert log.lines == [("info", "OpenTelemetry: there are no spans, OTEL_SDK_DISABLED is set")]


# The end.


def ending(shutdown: Any) -> tuple[Telemetry, Log]:
    log = Log()
    tracing = SimpleNamespace(give_up=lambda: None)
    return Telemetry(SimpleNamespace(shutdown=shutdown), tracing, log), log  # type: ignore[arg-type]


def test_an_end_in_time_says_nothing() -> None:
    ended = threading.Event()
    telemetry, log = ending(ended.set)
    telemetry.close(list)
    assert ended.is_set()
    assert log.lines == []


def test_an_end_that_takes_too_long_is_left_behind() -> None:
    release, beats = threading.Event(), []
    telemetry, log = ending(release.wait)
    telemetry.close(lambda: beats.append(1), 0.01)
    release.set()
    assert beats
    assert log.lines == [("warning", "OpenTelemetry: the last spans could not be exported within 0.01 s")]


def test_who_is_told_to_leave_at_once_does(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(threading.Thread):
        def join(self, timeout: float | None = None) -> None:
            super().join(timeout)
            raise WorkerExit(0)

    monkeypatch.setattr(provider.threading, "Thread", Interrupted)
    telemetry, log = ending(lambda: None)
    telemetry.close(list)
    assert log.lines == []


# What the library says.


def test_the_library_speaks_in_the_error_log(monkeypatch: pytest.MonkeyPatch) -> None:
    records: list[logging.LogRecord] = []
    error_log = logging.Logger("gunicorn.error")
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]
    error_log.addHandler(handler)
    library = logging.getLogger("opentelemetry")
    before = list(library.handlers)
    try:
        provider._link_logs(SimpleNamespace(error_log=error_log))  # type: ignore[arg-type]
        root = logging.getLogger()
        monkeypatch.setattr(root, "handlers", [])
        logging.getLogger("opentelemetry.exporter").warning("the collector is away")
        assert [record.getMessage() for record in records] == ["the collector is away"]
        # Who configures logging has it where they want it, and once.
        monkeypatch.setattr(root, "handlers", [logging.NullHandler()])
        logging.getLogger("opentelemetry.exporter").warning("the collector is away")
        assert len(records) == 1
    finally:
        library.handlers[:] = before
