"""The table of one_queue.py as a picture: ``python -m benchmarks.queue_chart < table.md > one_queue.svg``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

BAR, GAP, SPACE, LEFT, WIDTH = 12, 3, 16, 150, 760
#: In the order of the columns; what is simulated is grey.
COLOURS = ("#9aa5b1", "#d5dbe1", "#2b7a4b", "#6fae88", "#5b7fa6")


class Line(NamedTuple):
    """A load, and for each server the 90th and the 99th percentile in milliseconds."""

    title: str
    times: list[tuple[float, float]]


def read(table: Iterable[str]) -> tuple[list[str], list[Line]]:
    """The names of the servers, and what the table has of them. Raises ValueError for another table."""
    rows = [[cell.strip() for cell in row.strip().strip("|").split("|")] for row in table if row.startswith("| ")]
    if not rows or len(rows[0]) != 1 + len(COLOURS):
        raise ValueError(f"no table with {len(COLOURS)} columns of figures")
    lines = []
    for title, *cells in rows[1:]:
        pairs = [cell.split("/") for cell in cells]
        lines.append(Line(title, [(float(p90), float(p99)) for p90, p99 in pairs]))
    return rows[0][1:], lines


def text(x: float, y: float, words: str, **more: str) -> str:
    attributes = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in more.items())
    return f'<text x="{x:.0f}" y="{y:.0f}"{attributes}>{escape(words)}</text>'


def svg(title: str, servers: Sequence[str], lines: Sequence[Line]) -> str:
    """A group of bars a load: the 90th percentile, and a line up to the 99th."""
    per_ms = (WIDTH - LEFT - 60) / max(p99 for line in lines for _, p99 in line.times)
    group = len(servers) * (BAR + GAP) + SPACE
    height = 76 + len(lines) * group
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'font-family="system-ui, sans-serif" font-size="12" fill="#222">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        text(10, 22, title, font_size="15", font_weight="600"),
    ]
    for i, (server, colour) in enumerate(zip(servers, COLOURS, strict=True)):
        x = 10 + i * (WIDTH - 20) / len(servers)
        parts += [
            f'<rect x="{x:.0f}" y="36" width="12" height="12" fill="{colour}"/>', text(x + 17, 46, server),
        ]
    for i, line in enumerate(lines):
        top = 64 + i * group
        parts.append(text(LEFT - 10, top + group / 2 - 4, line.title, text_anchor="end"))
        for j, ((p90, p99), colour) in enumerate(zip(line.times, COLOURS, strict=True)):
            y = top + j * (BAR + GAP)
            end = LEFT + p99 * per_ms
            parts += [
                f'<rect x="{LEFT}" y="{y}" width="{max(1.0, p90 * per_ms):.1f}" height="{BAR}" fill="{colour}"/>',
                f'<path d="M{LEFT + p90 * per_ms:.1f} {y + BAR / 2}H{end:.1f}m0 -4v8" stroke="#222" fill="none"/>',
                text(end + 6, y + BAR - 2, f"{p90:.0f} / {p99:.0f}", fill="#444", font_size="11"),
            ]
    return "\n".join([*parts, "</svg>", ""])


def main() -> None:
    title = "Quick requests beside slow ones: ms that 90 and 99 of 100 take at most"
    try:
        servers, lines = read(sys.stdin)
    except ValueError as error:
        sys.exit(str(error))
    sys.stdout.write(svg(title, servers, lines))


if __name__ == "__main__":
    main()
