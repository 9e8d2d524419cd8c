"""Families of samples, as most of them are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .exposition import COUNTER, GAUGE, HISTOGRAM, Family, Sample

TYPE_CHECKING = False
if TYPE_CHECKING:
    Labels = tuple[tuple[str, str], ...]
    # Bounds in seconds as text, and how much lies between each and the one before.
    Buckets = list[tuple[str, int]]

__all__ = ["CAUSES", "by", "counted", "gauge", "powers", "times"]

#: Why a worker, or a task process, has ended while the server went on.
CAUSES = (
    "asked", "boot", "crash", "exit", "lifetime", "max_requests", "memory", "reload", "resize", "signal", "timeout",
)

# The powers that are told.
_FIRST, _LAST = 8, 24


def gauge(name: str, help: str, value: float) -> Family:
    """A number of now."""
    return Family(name, GAUGE, help, (Sample(value),))


def by(name: str, kind: str, help: str, label: str, values: Iterable[tuple[str, float]]) -> Family:
    """A number for each value of a label."""
    return Family(name, kind, help, tuple(Sample(value, ((label, key),)) for key, value in values))


def counted(name: str, help: str, label: str, keys: Iterable[str], counts: Mapping[str, int]) -> Family:
    """A counter for each of these values of a label, be it 0."""
    return by(name, COUNTER, help, label, [(key, counts.get(key, 0)) for key in keys])


def times(name: str, help: str, all_buckets: Iterable[tuple[Labels, Buckets, int]]) -> Family:
    """Histograms, each bucket of which counts all before it, too: labels, buckets, the sum in nanoseconds."""
    samples = []
    for labels, buckets, nanoseconds in all_buckets:
        total = 0
        for bound, count in buckets:
            total += count
            samples.append(Sample(total, (*labels, ("le", bound)), "_bucket"))
        samples.append(Sample(total, labels, "_count"))
        samples.append(Sample(nanoseconds / 1e9, labels, "_sum"))
    return Family(name, HISTOGRAM, help, tuple(samples))


def powers(counts: list[int]) -> Buckets:
    """The buckets of a histogram of the scoreboard, by powers of two of microseconds."""
    bounds = [repr(2**power / 1e6) for power in range(_FIRST, _LAST + 1)]
    between = [sum(counts[:_FIRST + 1]), *counts[_FIRST + 1:_LAST + 1], sum(counts[_LAST + 1:])]
    return list(zip([*bounds, "+Inf"], between, strict=True))
