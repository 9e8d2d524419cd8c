"""Lines of answers: columns, and text that is safe to show."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Row = Mapping[str, object]

__all__ = ["number", "printable", "rows_of", "table_lines"]


def printable(text: str) -> str:
    """A text that may come from a client of the server, without what would steer a terminal."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def rows_of(value: object) -> list[Row]:
    """The objects of a list, where it is one."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def number(value: object) -> float:
    """A number, 0.0 for what is none."""
    return float(value) if isinstance(value, int | float) else 0.0


def table_lines(
    widths: Sequence[int], rule: int, head: Sequence[str], rows: Iterable[Sequence[object]]
) -> list[str]:
    """A table: its head, a rule of so many columns, its rows. What has no width stands at the end of the line."""

    def line(cells: Sequence[object]) -> str:
        padded = [f"{cell!s:<{width}}" for cell, width in zip(cells, widths, strict=False)]
        return " ".join([*padded, *map(str, cells[len(widths) :])])

    return [line(head), "-" * rule, *map(line, rows)]
