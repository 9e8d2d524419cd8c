"""Which process runs which call, and when: the books of a pool, without a socket and without a clock.

Callers bring calls, places run them. A *place* is whatever can run calls of some applications, as many at a time as it
says. What the router wants done it tells its `Outlet`, which must not call back meanwhile. The life of a call::

    waiting ──▸ running ──▸ (answered)
       │           │
       └───────────┴─▸ given up: its caller has gone, has cancelled it, or was told that it took too long

A call that is given up while it runs keeps its room in the place until the place says that it has ended. No call is
ever given to a second place: what has been started may have run.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from gunicorn._record import Record
from gunicorn.instrument.task_board import TaskBoard

from ._octets import Frame
from .errors import (
    DirtyConnectionError,
    DirtyError,
    DirtyNoWorkersAvailableError,
    DirtyProtocolError,
    DirtyQueueFullError,
    DirtyTimeoutError,
    DirtyWorkerError,
)
from .frames import ERROR, ITEM, WINDOW, split_target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from .passing import Passed

    class Outlet(Protocol):
        """Does what the router has decided. Places, callers and calls are numbers."""

        def start(self, place: int, call: Call, /) -> None:
            """Have `place` run `call`."""

        def answer(self, caller: int, number: int, kind: int, payload: bytes | Passed, /) -> None:
            """Hand on what a place says to the call that the caller knows by `number`."""

        def refuse(self, caller: int, number: int, error: DirtyError, /) -> None:
            """Answer with an error of the pool's own."""

        def cancel(self, place: int, number: int, /) -> None:
            """Nobody waits any more for this call of the place's."""

        def more(self, place: int, number: int, items: float, /) -> None:
            """The reader of a stream has room for so many items more."""

        def late(self, place: int, call: Call, /) -> None:
            """A call has run for longer than it may: its caller is told, the place gets no other one."""

        def drained(self, place: int, stuck: bool, /) -> None:
            """A place that is to go has no call left; or (`stuck`) only such as have run for too long."""


__all__ = ["Call", "Limits", "Outlet", "Router"]


class Limits(Record):
    """`waiting`: calls of one application; `octets`: of all that wait; `seconds`: one call, or from one item of a
    stream to the next; 0.0: any."""

    waiting: int = 1000
    octets: int = 256 * 1024 * 1024
    seconds: float = 0.0


class Call:
    """`caller` knows it by `number`, the place by `id`; `caller` is -1 when nobody waits for it any more."""

    __slots__ = ("app", "caller", "came_at", "gives_up_at", "id", "is_late", "marks", "number", "payload", "place",
                 "room", "since", "target")

    def begin(self, id: int, caller: int, frame: Frame, app: App, now: float) -> None:
        """Make a new one ready."""
        self.id = id
        self.caller = caller
        self.number = frame.number
        self.app = app
        self.target = frame.target
        self.payload = frame.payload
        self.marks = frame.marks
        self.came_at = now
        # When its caller will have waited for long enough.
        self.gives_up_at = now + frame.amount if frame.amount > 0 else 0.0
        self.place: Place | None = None
        # When it was started, or its last item came.
        self.since = 0.0
        # A stream: so many items may come before its reader must ask for more.
        self.room = float(WINDOW)
        self.is_late = False

    @property
    def name(self) -> str:
        """Application and action, for the log."""
        return ".".join(split_target(self.target))


class App:
    """An application: what waits for it, in order, and the places that have it."""

    __slots__ = ("path", "places", "waiting")

    def __init__(self, path: str) -> None:
        self.path = path
        self.waiting: OrderedDict[int, Call] = OrderedDict()
        self.places: list[Place] = []


class Place:
    """What runs calls, `width` at a time. `turn` grows with each call that is dealt: the least has waited longest."""

    __slots__ = ("apps", "id", "is_leaving", "running", "told", "turn", "width")

    def __init__(self, id: int, apps: list[App], width: int, turn: int) -> None:
        self.id = id
        self.apps = apps
        self.width = width
        self.turn = turn
        self.running: dict[int, Call] = {}
        self.is_leaving = False
        # What the outlet knows of its being drained: 1 that it is stuck, 2 that it is empty.
        self.told = 0


class Router:
    """`apps`: the applications that there are to be, by their paths. `failing`: no place is to be hoped for, so that a
    call for an application that nobody has is refused at once."""

    __slots__ = (
        "_apps", "_board", "_callers", "_last_id", "_limits", "_octets", "_outlet", "_places", "_seconds", "_stopping",
        "_timed", "_turn", "failing",
    )

    def __init__(self, outlet: Outlet, limits: Limits, apps: Iterable[str], board: TaskBoard) -> None:
        self.failing = False
        self._outlet = outlet
        # Where calls are counted, each once, with what has become of it.
        self._board = board
        self._limits = limits
        self._seconds = limits.seconds
        self._apps: dict[bytes, App] = {}
        self._places: dict[int, Place] = {}
        self._callers: dict[int, dict[int, Call]] = {}
        # Those that are timed, the one that has been so for longest first.
        self._timed: OrderedDict[int, Call] = OrderedDict()
        self._last_id = 0
        self._turn = 0
        self._octets = 0
        self._stopping = False
        self.expect(apps)

    # What there is.

    @property
    def waiting(self) -> int:
        """How many calls wait."""
        return sum(len(app.waiting) for app in self._apps.values())

    @property
    def running(self) -> int:
        """How many calls are with places, given up or not."""
        return sum(len(place.running) for place in self._places.values())

    @property
    def due(self) -> float | None:
        """The monotonic moment at which `expire` has something to do."""
        return self.moment()

    def moment(self) -> float | None:
        """The same for compiled code."""
        if not self._seconds or not self._timed:
            return None
        first: Call = next(iter(self._timed.values()))
        return first.since + self._seconds

    def expect(self, apps: Iterable[str], limits: Limits | None = None) -> None:
        """From now on, there are these applications; calls that wait for another one are refused."""
        if limits is not None:
            self._limits, self._seconds = limits, limits.seconds
        wanted = [path.encode("utf-8", "surrogatepass") for path in apps]
        for path in set(self._apps) - set(wanted):
            app = self._apps[path]
            self._refuse_all(app)
            if not app.places:
                del self._apps[path]
        for path in wanted:
            self._apps.setdefault(path, App(path.decode("utf-8", "surrogatepass")))

    # Callers.

    def call(self, caller: int, frame: Frame, now: float) -> None:
        """A caller wants a call."""
        calls = self._callers.get(caller)
        if calls is None:
            calls = self._callers[caller] = {}
        if frame.number in calls:
            self._outlet.refuse(caller, frame.number, DirtyProtocolError("Two calls with one number"))
            return
        app = self._apps.get(frame.target.partition(b"\0")[0])
        problem = self._problem(app, frame)
        path = "" if app is None else app.path
        self._board.comes(path)
        if app is None or problem is not None:
            self._board.ends(path, "refused")
            self._outlet.refuse(caller, frame.number, problem or _unknown(frame))
            return
        self._last_id += 1
        call = Call.__new__(Call)
        call.begin(self._last_id, caller, frame, app, now)
        calls[frame.number] = call
        self._start_or_queue(call, app, now)

    def _start_or_queue(self, call: Call, app: App, now: float) -> None:
        """Nobody overtakes those that wait already."""
        place = None if app.waiting else self._free_place(app)
        if place is not None:
            self._start(place, call, now)
        elif len(app.waiting) >= self._limits.waiting or self._octets + len(call.payload) > self._limits.octets:
            self._give_up(call, DirtyQueueFullError(app.path), "refused")
        else:
            self._octets += len(call.payload)
            app.waiting[call.id] = call
            self._board.waits(app.path, len(app.waiting))

    def _problem(self, app: App | None, frame: Frame) -> DirtyError | None:
        if self._stopping:
            return DirtyConnectionError("The task processes are stopping")
        if app is None or (self.failing and not _has_places(app)):
            return _unknown(frame)
        return None

    def cancel(self, caller: int, number: int) -> None:
        """A caller does not wait for a call any more; unknown numbers are those of calls that have just ended."""
        call = self._callers.get(caller, {}).get(number)
        if call is not None:
            self._give_up(call, None, "cancelled")

    def gone(self, caller: int) -> None:
        """A caller has ended, with all that it has asked for."""
        for call in list(self._callers.get(caller, {}).values()):
            self._give_up(call, None, "cancelled")
        self._callers.pop(caller, None)

    def more(self, caller: int, number: int, items: float, now: float) -> None:
        """The reader of a stream has room for so many items more."""
        call = self._callers.get(caller, {}).get(number)
        if call is None or call.place is None or not items > 0:
            return
        if call.room <= 0:
            # It has waited for its reader, which is nobody's fault here.
            self._time(call, now)
        call.room += items
        self._outlet.more(call.place.id, call.id, items)

    # Places.

    def ready(self, place: int, apps: Iterable[str], width: int, now: float) -> None:
        """A place can run calls of these applications, `width` at a time."""
        known = [self._apps.setdefault(path.encode("utf-8", "surrogatepass"), App(path)) for path in apps]
        self._turn += 1
        made = self._places[place] = Place(place, known, max(width, 1), self._turn)
        for app in known:
            app.places.append(made)
        self._deal(made, now)

    def leave(self, place: int) -> None:
        """A place gets no call any more; the outlet is told when it has none."""
        found = self._places.get(place)
        if found is not None and not found.is_leaving:
            found.is_leaving = True
            self._tell_drained(found)

    def lost(self, place: int, name: int | str = 0, node: str = "") -> None:
        """A place has ended, and with it what ran there. `name`: what callers know it by; `node`: where it was, if that
        is not here."""
        found = self._places.pop(place, None)
        if found is None:
            return
        for app in found.apps:
            app.places.remove(found)
        for call in list(found.running.values()):
            named = name or place
            error = DirtyWorkerError(f"The process {named} has ended in {call.name}: it may have run", named)
            if node:
                error.details["node"] = node
            self._forget(call)
            self._answer_with(call, error)

    def say(self, place: int, frame: Frame, now: float) -> None:
        """A place says something to a call: a result, an error, an item, the end of a stream."""
        found = self._places.get(place)
        call = None if found is None else found.running.get(frame.number)
        if found is None or call is None:
            return
        if frame.kind == ITEM:
            self._take_item(call, frame, now)
        else:
            self._take_end(found, call, frame, now)

    def _take_item(self, call: Call, frame: Frame, now: float) -> None:
        """The next item of a stream: its reader may have enough with it."""
        call.room -= 1
        if call.room > 0:
            self._time(call, now)
        else:
            self._timed.pop(call.id, None)
        if call.caller >= 0:
            self._outlet.answer(call.caller, call.number, frame.kind, frame.payload)

    def _take_end(self, place: Place, call: Call, frame: Frame, now: float) -> None:
        """A call has ended by itself: its place can run another one."""
        failed = frame.kind == ERROR
        self._forget(call, failed)
        if call.caller >= 0:
            self._outlet.answer(call.caller, call.number, frame.kind, frame.payload)
            self._release(call, "error" if failed else "ok")
        self._deal(place, now)
        if place.is_leaving:
            self._tell_drained(place)

    # Time.

    def expire(self, now: float) -> None:
        """Give up the calls that have run for too long: their places are retired."""
        seconds = self._seconds
        while seconds and self._timed:
            call = next(iter(self._timed.values()))
            if now < call.since + seconds:
                return
            del self._timed[call.id]
            place = call.place
            assert place is not None
            call.is_late = True
            place.is_leaving = True
            error = DirtyTimeoutError(f"{call.name} took longer than {seconds:g} s", seconds)
            self._answer_with(call, error, "timeout")
            self._outlet.late(place.id, call)
            self._tell_drained(place)

    def stop(self) -> None:
        """The pool ends: nothing new is taken on, and what waits is refused."""
        self._stopping = True
        for app in self._apps.values():
            self._refuse_all(app)

    # In here.

    def _free_place(self, app: App) -> Place | None:
        best: Place | None = None
        for place in app.places:
            if place.is_leaving or len(place.running) >= place.width:
                continue
            if best is None or (len(place.running), place.turn) < (len(best.running), best.turn):
                best = place
        return best

    def _start(self, place: Place, call: Call, now: float) -> None:
        self._turn += 1
        place.turn = self._turn
        place.running[call.id] = call
        call.place = place
        self._time(call, now)
        self._outlet.start(place.id, call)
        # The place is at it while this is counted.
        self._board.begins(call.id, call.app.path, place.id, call.target, call.came_at)
        call.payload = b""

    def _time(self, call: Call, now: float) -> None:
        call.since = now
        if self._seconds and not call.is_late:
            self._timed[call.id] = call
            self._timed.move_to_end(call.id)

    def _deal(self, place: Place, now: float) -> None:
        """Give a place what it has room for, of all that waits for its applications what has waited longest."""
        while not place.is_leaving and len(place.running) < place.width:
            app = _longest_waited(place)
            if app is None:
                return
            _, call = app.waiting.popitem(last=False)
            self._octets -= len(call.payload)
            self._board.waits(app.path, len(app.waiting))
            if call.gives_up_at and now >= call.gives_up_at:
                error = DirtyTimeoutError(f"{call.name} has waited in vain for a free process")
                self._give_up(call, error, "timeout")
            else:
                self._start(place, call, now)

    def _tell_drained(self, place: Place) -> None:
        """Tell the outlet once that nothing runs there, or nothing that is worth waiting for."""
        state = 2 if not place.running else int(_is_stuck(place))
        if state > place.told:
            place.told = state
            self._outlet.drained(place.id, state == 1)

    def _forget(self, call: Call, failed: bool = True) -> None:
        """A call has left its place, or that has ended."""
        self._board.leaves(call.id, failed)
        assert call.place is not None
        call.place.running.pop(call.id, None)
        self._timed.pop(call.id, None)
        call.place = None

    def _release(self, call: Call, result: str) -> None:
        """A caller has its last answer."""
        self._board.ends(call.app.path, result)
        calls = self._callers.get(call.caller)
        if calls is not None:
            calls.pop(call.number, None)
        call.caller = -1

    def _answer_with(self, call: Call, error: DirtyError, result: str = "lost") -> None:
        if call.caller >= 0:
            self._outlet.refuse(call.caller, call.number, error)
            self._release(call, result)

    def _give_up(self, call: Call, error: DirtyError | None, result: str) -> None:
        """Without `error`, the caller is told nothing."""
        if call.app.waiting.pop(call.id, None) is not None:
            self._octets -= len(call.payload)
            self._board.waits(call.app.path, len(call.app.waiting))
        if error is not None:
            self._answer_with(call, error, result)
        else:
            self._release(call, result)
        if call.place is not None:
            self._outlet.cancel(call.place.id, call.id)

    def _refuse_all(self, app: App) -> None:
        for call in list(app.waiting.values()):
            error = DirtyConnectionError("The task processes are stopping") if self._stopping else (
                DirtyNoWorkersAvailableError(app.path)
            )
            self._give_up(call, error, "refused")


def _longest_waited(place: Place) -> App | None:
    """Of the applications of a place, the one of which a call has waited for longest."""
    first = 0
    best: App | None = None
    for app in place.apps:
        if app.waiting:
            number = next(iter(app.waiting))
            if best is None or number < first:
                first, best = number, app
    return best


def _has_places(app: App) -> bool:
    return any(not place.is_leaving for place in app.places)


def _is_stuck(place: Place) -> bool:
    return all(call.is_late for call in place.running.values())


def _unknown(frame: Frame) -> DirtyError:
    return DirtyNoWorkersAvailableError(split_target(frame.target)[0])


