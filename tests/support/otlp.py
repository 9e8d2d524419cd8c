"""A receiver of OTLP over HTTP and protobuf, in a thread of the test: what servers under test export is kept here."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from tests.support.wait import wait_until

SERVER = 2
ERROR = 2


@dataclass
class Span:
    """One span as it was received; ids in hexadecimal digits, `parent` empty for the first of a trace."""

    name: str
    trace: str
    id: str
    parent: str
    kind: int
    status: int
    attributes: dict[str, Any]
    resource: dict[str, Any]
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    scope: str = ""
    nanoseconds: int = 0


def _plain(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    return None if kind is None else getattr(value, kind)


def _mapping(pairs: list[KeyValue]) -> dict[str, Any]:
    return {pair.key: _plain(pair.value) for pair in pairs}


def _value(point: Any) -> float:
    kind = point.WhichOneof("value") if hasattr(point, "as_int") else "count"
    return float(getattr(point, kind))


class Receiver:
    """What has come: `spans`, `metrics` (the requests as they are), and the header fields of each request.

    `status`: what is answered; `hold`: an event that answers wait for.
    """

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.metrics: list[ExportMetricsServiceRequest] = []
        self.headers: list[dict[str, str]] = []
        self.status = 200
        self.url = ""

    def take(self, path: str, body: bytes) -> bytes:
        if path == "/v1/metrics":
            self.metrics.append(ExportMetricsServiceRequest.FromString(body))
            return bytes(ExportMetricsServiceResponse().SerializeToString())
        assert path == "/v1/traces", path
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            resource = _mapping(group.resource.attributes)
            for scoped in group.scope_spans:
                self.spans += [self._span(each, resource, scoped.scope.name) for each in scoped.spans]
        return bytes(ExportTraceServiceResponse().SerializeToString())

    @staticmethod
    def _span(each: Any, resource: dict[str, Any], scope: str) -> Span:
        return Span(
            each.name, each.trace_id.hex(), each.span_id.hex(), each.parent_span_id.hex(), each.kind, each.status.code,
            _mapping(each.attributes), resource, {event.name: _mapping(event.attributes) for event in each.events},
            scope, each.end_time_unix_nano - each.start_time_unix_nano,
        )

    # What tests wait for.

    def find(self, **wanted: object) -> list[Span]:
        """The spans with these attributes, dots written as two underscores; `name` is that of the span."""
        name = wanted.pop("name", None)
        pairs = {key.replace("__", "."): value for key, value in wanted.items()}
        return [
            span for span in list(self.spans)
            if (name is None or span.name == name)
            and all(span.attributes.get(key) == value for key, value in pairs.items())
        ]

    def wait(self, describe: Callable[[], str] = str, **wanted: object) -> Span:
        """The first span with these attributes."""
        wait_until(lambda: self.find(**wanted), what=lambda: f"{wanted} among {self.spans}\n{describe()}")
        return self.find(**wanted)[0]

    def numbers(self, name: str) -> list[tuple[dict[str, Any], float]]:
        """The points of a metric in the latest export that has it: their attributes, and their values or counts."""
        for request in reversed(list(self.metrics)):
            # An exporter that has just been started may have nothing to tell yet.
            scopes = [scope for resource in request.resource_metrics for scope in resource.scope_metrics]
            for metric in (metric for scope in scopes for metric in scope.metrics):
                if metric.name == name:
                    data = getattr(metric, metric.WhichOneof("data"))
                    return [(_mapping(point.attributes), _value(point)) for point in data.data_points]
        return []

    def environment(self, **more: str) -> dict[str, str]:
        """Variables that have a server export to this receiver, soon."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.url, "OTEL_BSP_SCHEDULE_DELAY": "50", **more}


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver at a port of its own."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            receiver.headers.append(dict(self.headers.items()))
            answer = receiver.take(self.path, body) if receiver.status == 200 else b""
            self.send_response(receiver.status)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    class Listener(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that was killed; what a test waits for does not come then."""

    server = Listener(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
