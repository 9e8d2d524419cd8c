"""Results as Markdown, JSON and an SVG bar chart."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import escape


class Sample(NamedTuple):
    """One round of one peer in one scenario."""

    #: A request, a message, or a socket opened.
    cpu_us: float = 0.0
    rate: float = 0.0
    #: Infinite where nothing was answered at all.
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    pss: int = 0
    errors: int = 0
    start_ms: float = 0.0
    #: Bytes of server memory per idle connection, where the scenario holds some.
    idle_bytes: float | None = None
    #: Beside slow clients: the same load without them, and how many of them were connected at the end.
    quiet_rate: float | None = None
    quiet_p99_ms: float | None = None
    held: int | None = None
    #: CPU of a request once more, beside busy loops.
    crowded_us: float | None = None
    #: CPU of a request and requests a second, with one worker instead of several.
    one_us: float | None = None
    one_rate: float | None = None

    @property
    def times_one_us(self) -> float | None:
        """What a request costs with several workers, for what it costs with one."""
        return self.cpu_us / self.one_us if self.one_us else None

    @property
    def times_one_rate(self) -> float | None:
        return self.rate / self.one_rate if self.one_rate else None


class Row(NamedTuple):
    """The medians of a peer's rounds."""

    peer: str
    cpu_us: float
    times_floor: float | None
    rate: float
    p50_ms: float
    p99_ms: float
    pss_mib: float
    errors: int
    start_ms: float
    idle_bytes: float | None = None
    quiet_rate: float | None = None
    quiet_p99_ms: float | None = None
    held: float | None = None
    crowded_us: float | None = None
    one_us: float | None = None
    times_one_us: float | None = None
    times_one_rate: float | None = None


class Table(NamedTuple):
    """The rows of a scenario, and how they are shown: a key of KINDS."""

    title: str
    kind: str
    rows: list[Row]


def row_of(peer: str, samples: Sequence[Sample], floor_us: float | None) -> Row:
    def median(name: str) -> float:
        return float(statistics.median(getattr(sample, name) for sample in samples))

    def median_if_any(name: str) -> float | None:
        values = [getattr(sample, name) for sample in samples if getattr(sample, name) is not None]
        return statistics.median(values) if values else None

    cpu = median("cpu_us")
    return Row(
        peer,
        cpu,
        cpu / floor_us if floor_us else None,
        median("rate"),
        median("p50_ms"),
        median("p99_ms"),
        median("pss") / (1 << 20),
        sum(sample.errors for sample in samples),
        median("start_ms"),
        median_if_any("idle_bytes"),
        median_if_any("quiet_rate"),
        median_if_any("quiet_p99_ms"),
        median_if_any("held"),
        median_if_any("crowded_us"),
        median_if_any("one_us"),
        median_if_any("times_one_us"),
        median_if_any("times_one_rate"),
    )


def rows_of(results: dict[str, list[Sample]]) -> list[Row]:
    """Rows, the cheapest in CPU first."""
    floor = [sample.cpu_us for sample in results.get("floor", [])]
    floor_us = statistics.median(floor) if floor else None
    rows = [row_of(peer, samples, floor_us) for peer, samples in results.items() if samples]
    return sorted(rows, key=lambda row: (row.cpu_us, row.start_ms))


class Column(NamedTuple):
    head: str
    field: str
    form: str


MEMORY = Column("memory, MiB", "pss_mib", ".1f")
ERRORS = Column("errors", "errors", ",")
TIMES = (Column("p50 ms", "p50_ms", ".2f"), Column("p99 ms", "p99_ms", ".2f"))


class Kind(NamedTuple):
    """How scenarios of a kind are shown."""

    columns: tuple[Column, ...]
    #: The figure that orders the table and draws the bars, its unit, and what the chart says it is.
    field: str
    unit: str
    meaning: str


KINDS = {
    "start": Kind(
        (Column("first answer, ms", "start_ms", ".0f"), MEMORY), "start_ms", "ms", "until the first answer"
    ),
    "load": Kind(
        (
            Column("CPU µs/request", "cpu_us", ".2f"), Column("× floor", "times_floor", ".2f"),
            Column("CPU µs, crowded", "crowded_us", ".2f"),
            Column("CPU µs, one worker", "one_us", ".2f"), Column("× its CPU", "times_one_us", ".2f"),
            Column("requests/s", "rate", ",.0f"), Column("× its rate", "times_one_rate", ".2f"), *TIMES, MEMORY, ERRORS,
            Column("bytes/idle connection", "idle_bytes", ",.0f"),
        ),
        "cpu_us", "µs", "CPU per request",
    ),
    "streams": Kind(
        (
            Column("CPU µs/request", "cpu_us", ".2f"), Column("requests/s", "rate", ",.0f"),
            Column("mean ms", "p50_ms", ".2f"), Column("longest ms", "p99_ms", ".2f"), MEMORY, ERRORS,
        ),
        "cpu_us", "µs", "CPU per request",
    ),
    "slow": Kind(
        (
            Column("p99 ms alone", "quiet_p99_ms", ".2f"), Column("p99 ms beside", "p99_ms", ".2f"),
            Column("p50 ms beside", "p50_ms", ".2f"), Column("requests/s alone", "quiet_rate", ",.0f"),
            Column("requests/s beside", "rate", ",.0f"), Column("slow clients connected", "held", ",.0f"),
            MEMORY, ERRORS,
        ),
        "p99_ms", "ms", "99 of 100 normal clients wait no longer",
    ),
    "websocket": Kind(
        (
            Column("CPU µs/message", "cpu_us", ".2f"), Column("messages/s", "rate", ",.0f"), *TIMES, MEMORY,
            ERRORS,
        ),
        "cpu_us", "µs", "CPU per message",
    ),
    "sockets": Kind(
        (
            Column("bytes/socket", "idle_bytes", ",.0f"), Column("CPU µs/socket opened", "cpu_us", ".1f"),
            MEMORY, Column("sockets lost", "errors", ","),
        ),
        "idle_bytes", "bytes", "memory per socket",
    ),
}


def cell(row: Row, column: Column) -> str:
    value = getattr(row, column.field)
    if value is None or value == 0:
        return ""
    return format(value, column.form) if math.isfinite(value) else "none answered"


def markdown(table: Table) -> str:
    """A table with its heading."""
    return "\n".join([f"### {table.title}", "", *lines_of(table), ""])


def lines_of(table: Table) -> list[str]:
    """A table; columns that would be empty are left out."""
    shown = KINDS[table.kind]
    columns = [column for column in shown.columns if any(cell(row, column) for row in table.rows)]
    cells = [(row.peer, *(cell(row, column) for column in columns)) for row in ordered(table.rows, shown)]
    return grid(("server", *(column.head for column in columns)), cells)


def grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table whose first column is of names, and all others of figures."""
    return [line(head), "|---|" + "---:|" * (len(head) - 1), *map(line, rows)]


def ordered(rows: Sequence[Row], kind: Kind) -> list[Row]:
    return sorted(rows, key=lambda row: (getattr(row, kind.field), row.cpu_us))


def line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


BAR, GAP, LEFT, WIDTH = 20, 8, 130, 720
COLOURS = {"us": "#2b7a4b", "floor": "#9aa5b1"}


def svg(table: Table) -> str:
    """A bar a server, the shorter the better; a bar far too long is cut and marked."""
    how = KINDS[table.kind]
    title = f"{table.title}: {how.meaning}"
    bars = [(row, getattr(row, how.field)) for row in ordered(table.rows, how)]
    shown = [(row, value) for row, value in bars if value > 0 and math.isfinite(value)]
    usual = [value for _, value in shown]
    full = min(usual[-1], usual[len(usual) // 2] * 4) if usual else 1.0
    height = 46 + len(shown) * (BAR + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" font-family="system-ui, sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="10" y="22" font-size="15" font-weight="600" fill="#222">{escape(title)}</text>',
    ]
    for i, (row, value) in enumerate(shown):
        y = 38 + i * (BAR + GAP)
        length = max(2.0, min(value / full, 1.0) * (WIDTH - LEFT - 150))
        colour = COLOURS.get(row.peer.split("-")[0], "#5b7fa6")
        label = f"{value:,.0f} {how.unit}" if value >= 1000 else f"{value:.1f} {how.unit}"
        compared = row.times_floor and row.peer != "floor" and table.kind == "load"
        label += f" ({row.times_floor:.2f} × floor)" if compared else ""
        label += " …" if value > full else ""
        parts += [
            f'<text x="{LEFT - 8}" y="{y + 15}" text-anchor="end" fill="#222">{escape(row.peer)}</text>',
            f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2" fill="{colour}"/>',
            f'<text x="{LEFT + length + 6:.1f}" y="{y + 15}" fill="#444">{label}</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])


def write(folder: Path, about: dict[str, str | int], tables: dict[str, Table]) -> None:
    """results.md, results.json and one SVG a scenario."""
    folder.mkdir(parents=True, exist_ok=True)
    facts = ", ".join(f"{name} {value}" for name, value in about.items())
    text = [f"Measured with {facts}.", "", *map(markdown, tables.values())]
    (folder / "results.md").write_text("\n".join(text))
    data = {name: [finite(row) for row in table.rows] for name, table in tables.items()}
    (folder / "results.json").write_text(json.dumps({"about": about, "scenarios": data}, indent=1) + "\n")
    for name, table in tables.items():
        (folder / f"{name}.svg").write_text(svg(table))


#: What is infinite where nothing was answered.
ENDLESS = ("cpu_us", "p50_ms", "p99_ms")


def finite(row: Row) -> dict[str, Any]:
    """JSON has no infinity; what was not answered has no time."""
    return {name: _rounded(value) for name, value in row._asdict().items()}


def _rounded(value: object) -> object:
    if not isinstance(value, float):
        return value
    return round(value, 4) if math.isfinite(value) else None


def row_from(known: dict[str, Any]) -> Row:
    """The inverse of `finite`."""
    return Row(**known | {name: math.inf for name in ENDLESS if known[name] is None})
