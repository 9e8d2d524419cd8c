"""How measurements are written for who scrapes them: OpenMetrics 1.0, and the text format 0.0.4 of Prometheus.

The two differ in where `_total` belongs, in one kind (`info`), in what is escaped, and in the last line.
"""

from __future__ import annotations

from collections.abc import Iterable

from gunicorn._record import Record

__all__ = ["COUNTER", "GAUGE", "HISTOGRAM", "INFO", "OPENMETRICS", "TEXT", "Family", "Format", "Sample", "format_for"]

COUNTER, GAUGE, HISTOGRAM, INFO = "counter", "gauge", "histogram", "info"
# What the samples of a kind are called, behind the name of the family.
_SUFFIXES = {COUNTER: "_total", INFO: "_info"}


class Sample(Record):
    """One number. `labels`: pairs of name and value; `suffix`: what it is of its family, as `_bucket`."""

    value: float
    labels: tuple[tuple[str, str], ...] = ()
    suffix: str = ""


class Family(Record):
    """Samples of one name, which is that of OpenMetrics: without `_total` and `_info`."""

    name: str
    kind: str
    help: str
    samples: tuple[Sample, ...]


class Format(Record):
    """A format: the media type of what `render` writes."""

    content_type: str
    is_openmetrics: bool

    def render(self, families: Iterable[Family]) -> bytes:
        """All of it, as it goes over the wire."""
        lines: list[str] = []
        for family in families:
            lines += self._lines_of(family)
        if self.is_openmetrics:
            lines.append("# EOF")
        return ("\n".join(lines) + "\n").encode()

    def _lines_of(self, family: Family) -> Iterable[str]:
        ending = _SUFFIXES.get(family.kind, "")
        name, kind = family.name, family.kind
        if not self.is_openmetrics:
            name += ending
            kind = GAUGE if kind == INFO else kind
        yield f"# HELP {name} {_escaped(family.help, quotes=self.is_openmetrics)}"
        yield f"# TYPE {name} {kind}"
        for sample in family.samples:
            yield f"{family.name}{ending}{sample.suffix}{_labels(sample.labels)} {_number(sample.value)}"


OPENMETRICS = Format("application/openmetrics-text; version=1.0.0; charset=utf-8", True)
TEXT = Format("text/plain; version=0.0.4; charset=utf-8", False)

# What a client must say to get a format: media type, and the versions that are ours (empty: it has named none).
_OFFERS = (
    (OPENMETRICS, "application/openmetrics-text", ("", "1.0.0")),
    (TEXT, "text/plain", ("", "0.0.4")),
)


def format_for(accept: str | None) -> Format:
    """What a client likes best by its field `Accept` (RFC 9110 section 12.5.1); one that names neither gets text."""
    best, liked = TEXT, 0.0
    for entry in (accept or "").split(","):
        media, parameters = _parsed(entry)
        quality = _quality(parameters.get("q", "1"))
        for offered, kind, versions in _OFFERS:
            if media == kind and parameters.get("version", "") in versions and quality > liked:
                best, liked = offered, quality
    return best


def _parsed(entry: str) -> tuple[str, dict[str, str]]:
    media, *rest = entry.split(";")
    pairs = (part.partition("=") for part in rest)
    return media.strip().lower(), {name.strip().lower(): value.strip(' \t"') for name, _, value in pairs}


def _quality(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 0.0


def _escaped(text: str, quotes: bool) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quotes else text


def _labels(pairs: tuple[tuple[str, str], ...]) -> str:
    if not pairs:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value, quotes=True)}"' for name, value in pairs) + "}"


def _number(value: float) -> str:
    if isinstance(value, int):
        return str(int(value))
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    return repr(value)
