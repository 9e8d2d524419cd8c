"""Where spans go: the tracer provider of one worker, made by the standard `OTEL_*` variables.

It is made after the fork, since an exporter has a thread: one that was started in the master would be in no worker.
Nothing here runs in the master.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
from opentelemetry.sdk.trace.export import SpanExporter as Exporter

import gunicorn
from gunicorn.errors import ConfigError, OwnSignal
from gunicorn.http.peers import Peers
from gunicorn.logs.traces import traces

from .spans import Tracing, of_exception

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gunicorn._types import Clock, Log
    from gunicorn.config import Config

__all__ = ["CLOSING_SECONDS", "Telemetry", "exporters", "instance_resource", "resource_of", "start"]

# How long the end of a worker may take for its last spans.
CLOSING_SECONDS = 3.0
PULSE_SECONDS = 0.25

_ALREADY = (
    "OpenTelemetry: there was a TracerProvider before this worker was forked. What the application makes by it goes "
    "where that one sends it; the spans of requests, which are its parents, go by the OTEL_* variables"
)


class Telemetry:
    """The traces of one worker."""

    def __init__(
        self, provider: TracerProvider, tracing: Tracing, log: Log, clock: Clock = time.monotonic
    ) -> None:
        self.tracing = tracing
        self._provider = provider
        self._log = log
        self._clock = clock

    def close(self, pulse: Callable[[], object], seconds: float = CLOSING_SECONDS) -> None:
        """Export what is left, for so long at most. `pulse` is called now and then: the worker is alive."""
        # The library has no limit of its own that could be set. A daemon: the process need not wait for it.
        ending = threading.Thread(target=self._provider.shutdown, name="otel-end", daemon=True)
        try:
            self.tracing.give_up()
            ending.start()
            until = self._clock() + seconds
            while ending.is_alive() and (left := until - self._clock()) > 0:
                pulse()
                ending.join(min(left, PULSE_SECONDS))
        except OwnSignal:
            # It is told to leave at once.
            return
        if ending.is_alive():
            self._log.warning("OpenTelemetry: the last spans could not be exported within %g s", seconds)


def start(cfg: Config, log: Log, index: int) -> Telemetry | None:
    """Make the provider of the worker in the place `index`, and have the application use it; None where the variables
    say that there are to be no traces. Raises ConfigError."""
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        log.info("OpenTelemetry: there are no spans, OTEL_SDK_DISABLED is set")
        return None
    _link_logs(log)
    try:
        # Looks for what OTEL_PROPAGATORS names when it is imported.
        from opentelemetry import propagate

        propagator = propagate.get_global_textmap()
        provider = TracerProvider(resource=instance_resource(cfg, index), shutdown_on_exit=False)
        with _no_signals():
            for exporter in exporters(os.environ, log):
                provider.add_span_processor(BatchSpanProcessor(exporter))
    except (ImportError, ValueError) as error:
        raise ConfigError(f"OpenTelemetry: an OTEL_* variable is wrong: {error}") from error
    if not _become_global(provider):
        log.warning(_ALREADY)
    traces.find = of_exception
    tracer = provider.get_tracer("gunicorn", gunicorn.__version__, "https://opentelemetry.io/schemas/1.23.1")
    return Telemetry(provider, Tracing(tracer, propagator, cfg.otel_trust, Peers(cfg.forwarded_allow_ips)), log)


@contextmanager
def _no_signals() -> Iterator[None]:
    """Threads that are started here get no signals: one that came to them would not end what the main thread waits for.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _become_global(provider: TracerProvider) -> bool:
    """Have the application use it; whether there was none before."""
    # To ask first would make the one that OTEL_PYTHON_TRACER_PROVIDER names. What the library says to a second one is
    # said here in other words.
    library = logging.getLogger("opentelemetry.trace")
    before, library.disabled = library.disabled, True
    try:
        trace.set_tracer_provider(provider)
    finally:
        library.disabled = before
    return trace.get_tracer_provider() is provider


def instance_resource(cfg: Config, index: int | str) -> Resource:
    """Who tells: `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES`, and where those say nothing the name of the
    process, and the host with the place of the worker."""
    return resource_of({
        "service.name": cfg.proc_name,
        "service.instance.id": f"{socket.gethostname()}:{index}",
        "process.pid": os.getpid(),
    })


def resource_of(own: dict[str, str | int]) -> Resource:
    """A resource with these attributes, but for those that the variables say."""
    said = OTELResourceDetector().detect().attributes
    return Resource.create({name: value for name, value in own.items() if name not in said})


def _otlp(log: Log) -> Exporter:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    for name in ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        protocol = os.environ.get(name, "http/protobuf")
        if protocol != "http/protobuf":
            log.warning("OpenTelemetry: %s = %s has no effect, spans go by http/protobuf", name, protocol)
    return OTLPSpanExporter()


def _console(log: Log) -> Exporter:
    return ConsoleSpanExporter()


_EXPORTERS: dict[str, Callable[[Log], Exporter]] = {"otlp": _otlp, "console": _console}


def exporters(variables: Mapping[str, str], log: Log) -> list[Exporter]:
    """Those that `OTEL_TRACES_EXPORTER` names. Raises ValueError for one that is not there."""
    words = [word.strip() for word in variables.get("OTEL_TRACES_EXPORTER", "").split(",") if word.strip()]
    unknown = [word for word in words if word not in _EXPORTERS and word != "none"]
    if unknown:
        raise ValueError(f"OTEL_TRACES_EXPORTER = {unknown[0]!r}: expected otlp, console or none")
    return [_EXPORTERS[word](log) for word in words or ["otlp"] if word != "none"]


# What the library has to say.


class _Link(logging.Handler):
    """Hands lines of the library on to the error log, unless the application has a logging configuration of its own."""

    def __init__(self, log: logging.Logger) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        if not logging.getLogger().handlers:
            self._log.handle(record)


def _link_logs(log: Log) -> None:
    error_log = getattr(log, "error_log", None)
    if isinstance(error_log, logging.Logger):
        logging.getLogger("opentelemetry").addHandler(_Link(error_log))
