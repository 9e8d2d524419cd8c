"""What the master counts, as metrics of OpenTelemetry: names, units and kinds of its conventions.

A snapshot is the master's own: families of samples, as `/metrics` has them. All sums are cumulative, from the start of
the master on, since what a worker has counted is kept when it ends.
"""

from __future__ import annotations

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypedDict

    from opentelemetry.sdk.resources import Resource

    # What is behind the name of the family, the labels, the number.
    Sample = tuple[str, dict[str, str], float]
    # Name, kind, what it is, samples.
    Family = tuple[str, str, str, list[Sample]]

    class Snapshot(TypedDict):
        """The numbers of one moment; times are seconds since the epoch."""

        time: float
        started: float
        families: list[Family]


__all__ = ["metric_of", "metrics_of"]

_CUMULATIVE = AggregationTemporality.CUMULATIVE
#: Names that the conventions have.
_STANDARD = {
    "gunicorn_request_duration_seconds": ("http.server.request.duration", "s"),
    "gunicorn_requests_in_flight": ("http.server.active_requests", "{request}"),
}
#: The end of a name that is its unit.
_UNITS = {"_seconds": "s", "_bytes": "By"}
_LABELS = {"method": "http.request.method"}


def metrics_of(snapshot: Snapshot, resource: Resource, version: str) -> MetricsData:
    """All of a snapshot, ready for export."""
    now, began = _nanoseconds(snapshot["time"]), _nanoseconds(snapshot["started"])
    metrics = [found for family in snapshot["families"] if (found := metric_of(family, began, now)) is not None]
    metrics.append(Metric(
        "process.uptime", "How long the master has run.", "s",
        Gauge([NumberDataPoint({}, began, now, snapshot["time"] - snapshot["started"])]),
    ))
    scope = InstrumentationScope("gunicorn", version)
    return MetricsData([ResourceMetrics(resource, [ScopeMetrics(scope, metrics, "")], "")])


def metric_of(family: Family, began: int, now: int) -> Metric | None:
    """One family; None for one that has nothing but labels. Moments are nanoseconds since the epoch."""
    name, kind, told, samples = family
    if kind == "info":
        return None
    called, unit = _named(name)
    if kind == "histogram":
        points_of = [_histogram(labels, part, began, now) for labels, part in _by_labels(samples)]
        return Metric(called, told, unit, Histogram(points_of, _CUMULATIVE))
    points = [NumberDataPoint(_attributes(labels), began, now, value) for _, labels, value in samples]
    if kind == "counter":
        return Metric(called, told, unit, Sum(points, _CUMULATIVE, True))
    if called == "http.server.active_requests":
        # In the conventions something that goes up and down, and can be added up.
        return Metric(called, told, unit, Sum(points, _CUMULATIVE, False))
    return Metric(called, told, unit, Gauge(points))


def _named(name: str) -> tuple[str, str]:
    if name in _STANDARD:
        return _STANDARD[name]
    called = name.replace("gunicorn_", "gunicorn.", 1)
    for ending, unit in _UNITS.items():
        if called.endswith(ending):
            return called.removesuffix(ending), unit
    return called, "1"


def _attributes(labels: dict[str, str]) -> dict[str, str]:
    named = {_LABELS.get(name, name): value for name, value in labels.items()}
    if named.get("http.request.method") == "other":
        named["http.request.method"] = "_OTHER"
    return named


def _by_labels(samples: Iterable[Sample]) -> Iterable[tuple[dict[str, str], list[Sample]]]:
    """The samples of each histogram, which differ in nothing but the bound."""
    found: dict[tuple[tuple[str, str], ...], list[Sample]] = {}
    for sample in samples:
        labels = tuple((name, value) for name, value in sample[1].items() if name != "le")
        found.setdefault(labels, []).append(sample)
    return [(dict(labels), part) for labels, part in found.items()]


def _histogram(labels: dict[str, str], samples: Iterable[Sample], began: int, now: int) -> HistogramDataPoint:
    """Buckets that count what is in them, of such that count what is before them, too."""
    bounds: list[float] = []
    counts: list[int] = []
    before, total, count = 0, 0.0, 0
    for suffix, marks, value in samples:
        if suffix == "_bucket":
            if marks["le"] != "+Inf":
                bounds.append(float(marks["le"]))
            counts.append(int(value) - before)
            before = int(value)
        elif suffix == "_sum":
            total = float(value)
        else:
            count = int(value)
    # The least and the greatest one are not kept.
    return HistogramDataPoint(_attributes(labels), began, now, count, total, counts, bounds, None, None)  # type: ignore[arg-type]


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)
