"""A flame graph: collapsed stacks as one SVG file, without a script and without anything from elsewhere.

Each function is a box as wide as the time that was spent in it and in what it has called, which stands above it. Names
come from whoever wrote the application; they are nothing but text here.
"""

from __future__ import annotations

from zlib import crc32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Box", "boxes", "draw"]

WIDTH, MARGIN, ROW, HEAD = 1200.0, 10.0, 17.0, 44.0
NARROWEST = 0.2
"""Pixels; what is less wide is not drawn."""

_LETTER = 6.6
_BELOW = frozenset({"gunicorn", "threading", "concurrent", "asyncio", "selectors", "gevent", "eventlet", "queue"})


class Box:
    """A function at one place: `begin` and `count` in samples, `depth` from the root, which is 0."""

    __slots__ = ("begin", "callees", "count", "depth", "name")

    def __init__(self, name: str, depth: int) -> None:
        self.name = name
        self.depth = depth
        self.begin = self.count = 0
        self.callees: dict[str, Box] = {}


def boxes(stacks: Mapping[str, int]) -> list[Box]:
    """All boxes, a function in front of what it has called; callees side by side in the order of their names."""
    root = Box("all", 0)
    for stack, count in stacks.items():
        box = root
        box.count += count
        for name in stack.split(";"):
            callee = box.callees.get(name)
            if callee is None:
                callee = box.callees[name] = Box(name, box.depth + 1)
            box = callee
            box.count += count
    return list(_placed(root))


def _placed(root: Box) -> Iterator[Box]:
    waiting = [root]
    while waiting:
        box = waiting.pop()
        yield box
        begin = box.begin
        for name in sorted(box.callees):
            callee = box.callees[name]
            callee.begin = begin
            begin += callee.count
            waiting.append(callee)


def draw(stacks: Mapping[str, int], title: str, note: str = "") -> str:
    """The file. `title` and `note`: lines above it."""
    found = boxes(stacks)
    whole = found[0].count
    scale = (WIDTH - 2 * MARGIN) / whole if whole else 0.0
    drawn = [box for box in found if box.count * scale >= NARROWEST]
    rows = 1 + max((box.depth for box in drawn), default=0)
    height = HEAD + rows * ROW + MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {WIDTH:.0f} {height:.0f}" font-family="monospace" font-size="11">',
        f"<title>{_text(title)}</title>",
        f'<rect width="{WIDTH:.0f}" height="{height:.0f}" fill="#ffffff"/>',
        f'<text x="{MARGIN}" y="18" font-size="14">{_text(title)}</text>',
        f'<text x="{MARGIN}" y="34" fill="#555555">{_text(note)}</text>',
        *(_drawn(box, scale, height - MARGIN - (box.depth + 1) * ROW, whole) for box in drawn),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _drawn(box: Box, scale: float, top: float, whole: int) -> str:
    left, width = MARGIN + box.begin * scale, box.count * scale
    letters = int((width - 4) / _LETTER)
    label = box.name if len(box.name) <= letters else f"{box.name[: letters - 2]}.." if letters > 3 else ""
    text = f'<text x="{left + 2:.2f}" y="{top + 12:.2f}">{_text(label)}</text>' if label else ""
    told = f"{box.name}: {box.count} samples, {box.count / whole:.1%}"
    return (
        f'<g><title>{_text(told)}</title><rect x="{left:.3f}" y="{top:.2f}" width="{width:.3f}" '
        f'height="{ROW - 1:.0f}" rx="1" fill="{_colour(box.name)}"/>{text}</g>'
    )


def _colour(name: str) -> str:
    """Warm for an application, one tone a module; grey for what lies below it."""
    module = name.partition(":")[0]
    tone = crc32(module.encode("utf-8", "replace"))
    if module.partition(".")[0] in _BELOW or name.startswith("(") or name == "all":
        return f"hsl(210,12%,{76 + tone % 10}%)"
    return f"hsl({14 + tone % 40},85%,{62 + tone // 64 % 12}%)"


_MARKUP = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}


def _text(text: str) -> str:
    """As text of XML; what cannot be in one is a question mark."""
    return "".join(_MARKUP.get(each) or (each if _is_of_xml(each) else "?") for each in text)


def _is_of_xml(letter: str) -> bool:
    code = ord(letter)
    # Neither controls (of both kinds), nor halves of letters, nor what is none.
    return 0x20 <= code < 0x7F or 0xA0 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or code >= 0x10000
