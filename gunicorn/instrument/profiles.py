"""Where a process spends its time: the stacks of its threads, looked at a hundred times a second and counted.

Pure: what looks, the clocks and the frames are handed in. The counts are written as *collapsed stacks*, a line each:
functions from the outermost to the innermost with `;` between them, a blank, and how often that was seen.

Time is counted, and not looks. One that comes late, because C code has kept the interpreter's lock, counts for all the
hundredths that it missed, and finds the function that has called that code.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import CodeType, FrameType

__all__ = ["DEEPER", "HERTZ", "OTHERS", "Sampler", "add_up", "collapsed", "counted", "heaviest"]

HERTZ = 100

DEEPEST = 200
"""Functions of one stack that are told; those further in are one."""

MOST_STACKS, MOST_CODES = 4000, 20_000
"""Different stacks, and functions in them, that one process keeps apart."""

LONGEST_NAME = 200

DEEPER, OTHERS = "(deeper)", "(other stacks)"

_FURTHEST = 10 * DEEPEST
# A thread that uses so much of a core, or more, was not waiting.
_BUSY_SHARE = 0.9
# What a thread that waits for something to do has on its stack.
_OURS = frozenset({
    "gunicorn", "threading", "queue", "concurrent", "asyncio", "selectors", "uvloop", "gevent", "greenlet", "eventlet",
    "tornado", "aiohttp",
})


class Sampler:
    """The counts of one process. `outermost`: the function in which the life of a worker begins, `own`: the thread that
    looks, `main`: the one whose use of the processor `cpu` tells (seconds); `began`: monotonic moment of the begin."""

    def __init__(
        self, frames: Callable[[], Mapping[int, FrameType]], cpu: Callable[[], float], began: float,
        own: int, main: int, outermost: CodeType | None = None,
    ) -> None:
        self._frames = frames
        self._cpu = cpu
        self._own, self._main, self._outermost = own, main, outermost
        # Hundredths of a second since the begin, and those that threads have waited for something to do.
        self.ticks = self.idle = 0
        # How many threads were seen last.
        self.threads = 0
        self._began = self._before = began
        self._used = cpu()
        # By the functions of a stack, the innermost first: how often, and whether none of them is the application's.
        self._stacks: dict[tuple[int, ...], list[int]] = {}
        # By identity, since codes compare by all that is in them; they are kept, so that none is taken for another.
        self._codes: dict[int, tuple[CodeType | None, str, bool]] = {0: (None, DEEPER, True)}
        self._others = 0

    def sample(self, now: float) -> None:
        """Look; `now` in monotonic seconds."""
        ticks = int((now - self._began) * HERTZ)
        weight = ticks - self.ticks
        if weight <= 0:
            return
        self.ticks = ticks
        is_busy = self._look_at_cpu(now)
        frames = self._frames()
        self.threads = len(frames) - (self._own in frames)
        for ident, frame in frames.items():
            if ident != self._own:
                self._count(frame, weight, is_busy and ident == self._main)

    def counts(self) -> dict[str, int]:
        """How often each stack was seen."""
        found: dict[str, int] = {}
        for stack, (count, _) in self._stacks.items():
            name = ";".join(self._codes[code][1] for code in reversed(stack))
            if count:
                found[name] = found.get(name, 0) + count
        if self._others:
            found[OTHERS] = self._others
        return found

    def _look_at_cpu(self, now: float) -> bool:
        """Whether the main thread has used its core to the full since the last look."""
        used = self._cpu()
        is_busy = used - self._used >= (now - self._before) * _BUSY_SHARE
        self._used, self._before = used, now
        return is_busy

    def _count(self, frame: FrameType, weight: int, is_busy: bool) -> None:
        stack, new = self._read(frame)
        if not stack:
            return
        entry = self._stacks.get(stack)
        if entry is None:
            if len(self._stacks) >= MOST_STACKS or len(self._codes) + len(new) > MOST_CODES:
                self._others += weight
                return
            for each in new:
                self._codes[id(each.f_code)] = each.f_code, *_told(each)
            entry = self._stacks[stack] = [0, all(self._codes[code][2] for code in stack)]
        if entry[1] and not is_busy:
            self.idle += weight
        else:
            entry[0] += weight

    def _read(self, innermost: FrameType) -> tuple[tuple[int, ...], list[FrameType]]:
        """The functions of a stack, and the frames of those that were never seen."""
        stack: list[int] = []
        new: list[FrameType] = []
        known, outermost = self._codes, self._outermost
        frame: FrameType | None = innermost
        while frame is not None and len(stack) < _FURTHEST:
            code = frame.f_code
            if code is outermost:
                break
            stack.append(id(code))
            if id(code) not in known:
                new.append(frame)
            frame = frame.f_back
        if len(stack) > DEEPEST:
            stack[: len(stack) - DEEPEST + 1] = [0]
        return tuple(stack), new


def _told(frame: FrameType) -> tuple[str, bool]:
    """The name of a function, and whether it is none of the application's."""
    # A namespace may be of a type whose methods are the application's.
    module = dict.get(frame.f_globals, "__name__")
    where = module if type(module) is str else "?"
    name = f"{where}:{frame.f_code.co_qualname}"[:LONGEST_NAME]
    clean = "".join(each if each.isprintable() and each != ";" else "_" for each in name)
    return clean, where.partition(".")[0] in _OURS


# Collapsed stacks.


def collapsed(counts: Mapping[str, int]) -> str:
    """As text, the heaviest first."""
    lines = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return "".join(f"{stack} {count}\n" for stack, count in lines)


def counted(text: str) -> dict[str, int]:
    """What such a text says; lines that are none are left out."""
    found: dict[str, int] = {}
    for line in text.split("\n"):
        stack, _, number = line.rpartition(" ")
        if stack and number.isascii() and number.isdigit():
            add_up(found, [(stack, int(number))])
    return found


def add_up(into: dict[str, int], counts: Iterable[tuple[str, int]]) -> None:
    """Add counts to others."""
    for stack, count in counts:
        into[stack] = into.get(stack, 0) + count


def heaviest(counts: Mapping[str, int], octets: int) -> dict[str, int]:
    """As many of the heaviest stacks as have room in so many octets of text; the others are counted as one."""
    kept: dict[str, int] = {}
    left, others = octets - len(OTHERS) - 24, 0
    for stack, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        size = len(stack.encode()) + len(str(count)) + 2
        if stack == OTHERS or size > left:
            others += count
        else:
            left -= size
            kept[stack] = count
    if others:
        kept[OTHERS] = others
    return kept
