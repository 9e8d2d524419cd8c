"""Traces in this process: what the wrappers make of an application, without a server and without an exporter."""

from __future__ import annotations

from types import SimpleNamespace

from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Sampler
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from gunicorn.http.peers import Peers
from gunicorn.otel.spans import Tracing

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"


class Response:
    """Stands for a response of this server: what is behind `start_response` and `send`."""

    def __init__(self, trusted: bool = True, **facts: object) -> None:
        self.request = SimpleNamespace(
            forwarder_trusted=trusted, started=0.0, path="/raw%20path", query="", method="GET", peer_addr=None,
            span_ids=None,
        )
        self.exchange = SimpleNamespace(peer=("192.0.2.7", 4711), response=self)
        self.headers_sent = False
        self.calls: list[tuple[object, ...]] = []
        self.sent: list[dict[str, object]] = []
        self.__dict__.update(facts)

    def start_response(self, *given: object) -> list[bytes]:
        self.calls.append(given)
        return []

    async def send(self, message: dict[str, object]) -> None:
        self.sent.append(message)


class Traces:
    """A tracing whose spans are kept here. `tracer`: the application's."""

    def __init__(self, trust: str = "peers", sampler: Sampler | None = None) -> None:
        self.kept = InMemorySpanExporter()
        provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self.kept))
        self.tracer = provider.get_tracer("app")
        propagator = CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()])
        self.tracing = Tracing(provider.get_tracer("gunicorn"), propagator, trust, Peers(["127.0.0.1"]))

    def spans(self) -> tuple[ReadableSpan, ...]:
        return self.kept.get_finished_spans()

    def one(self, name: str = "GET") -> ReadableSpan:
        """The one span of that name."""
        (found,) = [span for span in self.spans() if span.name == name]
        return found

    def names(self) -> list[str]:
        return [span.name for span in self.spans()]

    def is_child(self, name: str, parent: str = "GET") -> bool:
        child, above = self.one(name), self.one(parent)
        return child.parent is not None and child.parent.span_id == above.context.span_id
