"""Where callers and task processes meet: what the one says is handed on to the other, by the word of the router.

A loop within the loop of the pool (`master/pool_master.py`): it goes on by itself while nothing comes but what is said
about calls and to the stash, and returns for all else. Both sides are lines, and nobody waits for any of them.
"""

from __future__ import annotations

import socket
from time import monotonic

from gunicorn.unix import unpatched
from gunicorn.unix.interest import BROKEN, READ, WRITE

from ._octets import Frame
from .errors import DirtyError
from .frames import CALL, CANCEL, END, ERROR, ITEM, LEAVE, LEAVING, MORE, READY, RESULT, STASH, WORN
from .lines import CALLER, CONTROL, Line
from .passing import opened
from .router import Call, Router
from .stash_tables import StashTables
from .values import encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Protocol

    from gunicorn.instrument.task_board import TaskBoard
    from gunicorn.unix.interest import Interest
    from gunicorn.unix.unpatched import Socket

    from .passing import Passed
    from .router import Limits

    class Pool(Protocol):
        """Whoever has the processes. Places are numbers, as for the router."""

        def on_ready(self, place: int, payload: bytes | Passed, now: float, /) -> None:
            """A task process can take calls."""

        def on_worn(self, place: int, /) -> None:
            """One wants to be replaced."""

        def on_late(self, place: int, call: Call, /) -> None:
            """A call has run for longer than it may."""

        def on_stuck(self, place: int, /) -> None:
            """One that is to go has only calls that have run for too long."""

        def identity_of(self, place: int, /) -> tuple[int | str, str]:
            """What callers know a place by, and on which node that is; empty: on this machine."""


__all__ = ["Pool", "Switchboard", "arrivals"] if TYPE_CHECKING else ["Switchboard", "arrivals"]

ACCEPTS_AT_ONCE = 64


def arrivals(listener: Socket) -> Iterator[Socket]:
    """Callers that have come, some at a time. Raises OSError."""
    for _ in range(ACCEPTS_AT_ONCE):
        try:
            accepted, _ = listener._accept()  # type: ignore[attr-defined]
        except BlockingIOError:
            return
        yield unpatched.Socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, accepted)


class Switchboard:
    """`pool` is told what is not about calls; `interest` is what its loop sleeps on. `has_told`: it was told something
    since `attend` returned. The outlet of its router."""

    __slots__ = (
        "_board", "_callers", "_controls", "_interest", "_last_caller", "_lines", "_now", "_places", "_pool",
        "has_told", "router", "stash",
    )

    def __init__(
        self, pool: Pool, interest: Interest, board: TaskBoard, limits: Limits, apps: Iterable[str], stash: int
    ) -> None:
        self.router = Router(self, limits, apps, board)
        self.stash = StashTables(stash)
        self.has_told = False
        # The monotonic moment at which was heard what is acted on.
        self._now = monotonic()
        self._pool = pool
        self._interest = interest
        self._board = board
        self._last_caller = 0
        self._callers: dict[int, Line] = {}
        self._places: dict[int, Line] = {}
        # By the same numbers: where is said what is about calls that run.
        self._controls: dict[int, Line] = {}
        # By their descriptors: all of these.
        self._lines: dict[int, Line] = {}
        self._tell_of_stash()

    @property
    def places(self) -> int:
        """How many task processes there are, ready or not."""
        return len(self._places)

    # The loop.

    def attend(self, until: float | None) -> list[tuple[int, int]]:
        """Serve lines, until something else has come, the pool was told something, or it is `until` (monotonic; None:
        never). Which other descriptors have ended the sleep, and why."""
        self._now = monotonic()
        while True:
            moment = self._moment(until)
            events = self._interest.wait(None if moment is None else max(moment - self._now, 0.0))
            # One moment for all that has come together.
            self._now = now = monotonic()
            others = self._serve(events)
            if moment is not None and now >= moment:
                self._expire(now)
            if others or self.has_told or (until is not None and now >= until):
                self.has_told = False
                return others

    def _serve(self, events: list[tuple[int, int]]) -> list[tuple[int, int]]:
        others = []
        for fd, why in events:
            line = self._lines.get(fd)
            if line is None:
                others.append((fd, why))
            else:
                self._act(line, why)
        return others

    def _moment(self, until: float | None) -> float | None:
        """When there is something to do, whatever comes."""
        moment = until
        due = self.router.moment()
        if due is not None and (moment is None or due < moment):
            moment = due
        due = self.stash.moment()
        return due if due is not None and (moment is None or due < moment) else moment

    def _expire(self, now: float) -> None:
        due = self.router.moment()
        if due is not None and now >= due:
            self.router.expire(now)
        due = self.stash.moment()
        if due is not None and now >= due:
            self.stash.expire(now)
            self._tell_of_stash()

    def _act(self, line: Line, why: int) -> None:
        if line.role == CONTROL:
            self._relieve(line)
            return
        if why & WRITE:
            self._flush(line)
        if not why & ~WRITE:
            return
        if line.role != CALLER:
            self._hear(line)
        elif not line.is_broken:
            self._hear_caller(line)

    # Callers.

    def accept(self, listener: Socket) -> None:
        """Take on callers that have come. Raises OSError."""
        for sock in arrivals(listener):
            self.take_caller(sock)

    def take_caller(self, sock: Socket) -> None:
        """Take on one that has come."""
        self._last_caller += 1
        line = Line(sock, self._last_caller, CALLER)
        self._callers[line.id] = self._lines[line.fd] = line
        self._interest.watch(line.fd, READ)

    def _hear_caller(self, line: Line) -> None:
        frames = line.receive()
        if frames is None or not self._obey(line, frames):
            self._lose_caller(line)

    def _obey(self, line: Line, frames: list[Frame]) -> bool:
        """Do what a caller wants; False where it may not want that."""
        for frame in frames:
            kind = frame.kind
            if kind == CALL:
                self.router.call(line.id, frame, self._now)
            elif kind == STASH:
                self._on_stash(line, frame)
            elif kind == CANCEL:
                self.router.cancel(line.id, frame.number)
            elif kind == MORE:
                self.router.more(line.id, frame.number, frame.amount, self._now)
            else:
                return False
        return True

    def _lose_caller(self, line: Line) -> None:
        if self._callers.pop(line.id, None) is not None:
            self._close(line)
            self.router.gone(line.id)

    def _on_stash(self, line: Line, frame: Frame) -> None:
        try:
            payload = frame.payload
            answer = self.stash.perform(payload if type(payload) is bytes else opened(payload), self._now)
        except DirtyError as error:
            self.refuse(line.id, frame.number, error)
            return
        # Who has the answer finds it counted.
        self._tell_of_stash()
        self._send(line, RESULT, frame.number, answer, b"", 0, 0.0)

    def _tell_of_stash(self) -> None:
        stash = self.stash
        self._board.stash(stash.count, stash.entries, stash.octets, stash.most)

    # What the router wants.

    def start(self, place: int, call: Call) -> None:
        """Have a task process run a call."""
        line = self._places.get(place)
        if line is not None:
            self._send(line, CALL, call.id, call.payload, call.target, call.marks, 0.0)

    def answer(self, caller: int, number: int, kind: int, payload: bytes | Passed) -> None:
        """Hand on what a task process has said."""
        line = self._callers.get(caller)
        if line is not None:
            self._send(line, kind, number, payload, b"", 0, 0.0)

    def refuse(self, caller: int, number: int, error: DirtyError) -> None:
        """Answer with an error."""
        self.answer(caller, number, ERROR, encode(error.to_dict()))

    def cancel(self, place: int, number: int) -> None:
        """Nobody waits for that call any more."""
        self._control(place, CANCEL, number, 0.0)

    def more(self, place: int, number: int, items: float) -> None:
        """A reader has room for items."""
        self._control(place, MORE, number, items)

    def late(self, place: int, call: Call) -> None:
        """A call has run for too long: so it is told, and the pool sees to its process."""
        self.has_told = True
        self._pool.on_late(place, call)
        self.cancel(place, call.id)

    def drained(self, place: int, stuck: bool) -> None:
        """A process that is to go has no call left; or none but such as do not end."""
        if stuck:
            self.has_told = True
            self._pool.on_stuck(place)
        else:
            self.dismiss(place)

    def dismiss(self, place: int) -> None:
        """Tell a task process that no call comes any more."""
        self._control(place, LEAVE, 0, 0.0)

    def _control(self, place: int, kind: int, number: int, amount: float) -> None:
        line = self._controls.get(place)
        if line is not None:
            self._send(line, kind, number, b"", b"", 0, amount)

    # Task processes.

    def add_place(self, place: int, line: Line, control: Line) -> None:
        """There is a task process at the other end of these lines."""
        line.id = control.id = place
        self._places[place] = self._lines[line.fd] = line
        self._controls[place] = self._lines[control.fd] = control
        self._interest.watch(line.fd, READ)

    def move_place(self, place: int, line: Line, control: Line) -> bool:
        """One that has not been ready yet is reached by these lines, and no more by those that it had; False: it is
        gone."""
        former = self._places.get(place)
        if former is None:
            line.close()
            control.close()
            return False
        self._close(former)
        self._close(self._controls[place])
        self.add_place(place, line, control)
        return True

    def hear_out(self, place: int) -> None:
        """Take all that one that has ended has said before."""
        line = self._places.get(place)
        self._now = monotonic()
        while line is not None and self._places.get(place) is line:
            self._hear(line)
            if line.is_dry:
                self._lose_place(line)

    def forget_place(self, place: int) -> None:
        """One is gone, whatever it may have said."""
        line = self._places.get(place)
        if line is not None:
            self._lose_place(line)

    def _hear(self, line: Line) -> None:
        """Take what a task process says."""
        frames = line.receive()
        if frames is None:
            # Its end is told by SIGCHLD as well; what it ran will not be answered.
            self._lose_place(line)
            return
        for frame in frames:
            kind = frame.kind
            if kind in (RESULT, ITEM, ERROR, END):
                self.router.say(line.id, frame, self._now)
            elif kind == LEAVING:
                self.router.leave(line.id)
            elif kind in (READY, WORN):
                self.has_told = True
                if kind == READY:
                    self._pool.on_ready(line.id, frame.payload, self._now)
                else:
                    self._pool.on_worn(line.id)

    def _lose_place(self, line: Line) -> None:
        if self._places.get(line.id) is line:
            del self._places[line.id]
            self._close(line)
            self._close(self._controls.pop(line.id))
            self.router.lost(line.id, *self._pool.identity_of(line.id))

    # Lines.

    def _send(
        self, line: Line, kind: int, number: int, payload: bytes | Passed, target: bytes, marks: int, amount: float
    ) -> None:
        had = line.unsent
        line.send(kind, number, payload, target, marks, amount)
        if line.unsent or had:
            self._interest.watch(line.fd, WRITE | (READ if line.reads else 0))
        elif line.is_broken:
            # Its end is seen by the poller, not in the middle of something else.
            self._interest.watch(line.fd, READ | WRITE)

    def _flush(self, line: Line) -> None:
        line.flush()
        if not line.is_broken:
            self._interest.watch(line.fd, (READ if line.reads else 0) | (WRITE if line.unsent else 0))
        elif line.role == CALLER:
            self._lose_caller(line)

    def _relieve(self, line: Line) -> None:
        """Nothing is said there but by this process: there is room again, or the other end is gone."""
        line.flush()
        if line.is_broken or not line.unsent:
            self._interest.forget(line.fd)

    def _close(self, line: Line) -> None:
        self._interest.forget(line.fd)
        self._lines.pop(line.fd, None)
        line.close()

    # The end.

    def say_farewell(self, seconds: float) -> None:
        """So long, callers may read what they were answered."""
        until = monotonic() + seconds
        while any(line.unsent for line in self._callers.values()) and monotonic() < until:
            for fd, why in self._interest.wait(0.05):
                if fd in self._lines and why & (WRITE | BROKEN):
                    self._flush(self._lines[fd])

    def put_down(self) -> None:
        """In a child: these lines belong to another process."""
        for line in self._lines.values():
            line.close()
