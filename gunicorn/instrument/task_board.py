"""What a pool of task processes does and has done, in memory that its master shares with the one of the workers.

The mapping is made before the fork, as the pages of workers are. The process that leads the tasks writes, the master of
the workers reads, nobody asks and nobody locks: each number is one word. What was counted is the server's, and stays
when that process ends and another one comes: counters never go back, and calls that were under way are counted as lost.

There are rows for applications, processes and calls that run, a fixed number of each. What finds no row is not seen: an
application that has none is counted in the first row, which has no name.
"""

from __future__ import annotations

import mmap
import time
from collections.abc import Iterable, Mapping

from ._words import Words
from .metric_families import CAUSES
from .scoreboard import HISTOGRAM_BUCKETS, LONGEST
from .task_readings import PHASES, RESULTS, AppReading, CallReading, PoolReading, ProcessReading, StashReading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn._types import Clock

__all__ = ["TaskBoard"]

_LONGEST = LONGEST
_LAST_BUCKET = HISTOGRAM_BUCKETS - 1

# Words of the head. Integers and doubles share the memory through two views of it.
_PID, _TARGET, _COUNT, _HAS_SERVED, _STARTS, _SPAWNED, _HEARD = range(7)
_TABLES, _ENTRIES, _OCTETS, _MOST = range(7, 11)
_RESTARTS = 16
_REASON = _RESTARTS + len(CAUSES)
_REASON_ROOM = 512

# A text: its length in a word, and its octets behind that.
_NAME_ROOM = 256
_ID_ROOM = 128

_APPS_AT, _APPS, _APP_SIZE = 512, 63, 192
_APP_NAME = 0
_LIMIT = 1 + _NAME_ROOM // 8
_NOT_WANTED = -1
_WAITING, _RUNNING, _CAME, _NANOSECONDS, _QUEUED_NANOSECONDS = range(_LIMIT + 1, _LIMIT + 6)
_RESULTS = _QUEUED_NANOSECONDS + 1
_HISTOGRAM = _RESULTS + len(RESULTS)
_QUEUED = _HISTOGRAM + HISTOGRAM_BUCKETS

_PROCESSES_AT, _PROCESSES, _PROCESS_SIZE = _APPS_AT + _APPS * _APP_SIZE, 256, 16
_P_PID, _P_AGE, _P_GENERATION, _P_PHASE, _P_SPAWNED, _P_READY, _P_CALLS, _P_ERRORS, _P_RUNNING = range(9)
_P_APPS, _P_BEAT = 9, 10

_CALLS_AT, _CALLS, _CALL_SIZE = _PROCESSES_AT + _PROCESSES * _PROCESS_SIZE, 256, 96
_C_STARTED, _C_PID = 0, 1
_C_TARGET = 2
_C_ID = _C_TARGET + 1 + 2 * _NAME_ROOM // 8

_WORDS = _CALLS_AT + _CALLS * _CALL_SIZE


class TaskBoard:
    """Made by the master of the workers; `begin` is where the process that leads the tasks takes it over."""

    __slots__ = ("_apps", "_calls", "_clock", "_counts", "_floats", "_free", "_octets", "_processes", "_words")

    def __init__(self, clock: Clock = time.monotonic) -> None:
        size = _WORDS * 8
        self._octets = memoryview(mmap.mmap(-1, size + -size % mmap.PAGESIZE))
        self._words = self._octets.cast("q")
        self._floats = self._octets.cast("d")
        # The same once more, for what is written at each call.
        self._counts = Words(self._octets)
        self._clock = clock
        # What only the writer knows: rows by path and by PID, free rows of calls, and of the calls that run their
        # rows, the rows of application and process, and when they were begun.
        self._apps: dict[str, int] = {}
        self._processes: dict[int, int] = {}
        self._free: list[int] = []
        self._calls: dict[int, tuple[int, int, int, float]] = {}

    # The writer's side: the whole.

    def begin(self, pid: int) -> None:
        """A process leads the tasks from now on: nothing of the one before runs any more."""
        words = self._words
        self._apps = {}
        for row in _rows(_APPS_AT, _APPS, _APP_SIZE):
            if row == _APPS_AT or words[row + _APP_NAME]:
                self._apps[self._text(row + _APP_NAME, _NAME_ROOM)] = row
            counted = sum(words[row + _RESULTS : row + _RESULTS + len(RESULTS)])
            words[row + _RESULTS + RESULTS.index("lost")] += words[row + _CAME] - counted
            words[row + _WAITING] = words[row + _RUNNING] = 0
            words[row + _LIMIT] = _NOT_WANTED
        self._processes, self._calls = {}, {}
        for row in _rows(_PROCESSES_AT, _PROCESSES, _PROCESS_SIZE):
            words[row + _P_PID] = 0
        self._free = list(_rows(_CALLS_AT, _CALLS, _CALL_SIZE))[::-1]
        for row in self._free:
            self._floats[row + _C_STARTED] = 0.0
        words[_COUNT] = words[_HAS_SERVED] = words[_HEARD] = 0
        self._put_text(_REASON, "", _REASON_ROOM)
        words[_TABLES] = words[_ENTRIES] = words[_OCTETS] = 0
        words[_STARTS] += 1
        words[_PID] = pid

    def report(self, target: int, count: int, has_served: bool) -> None:
        """How many processes are wanted, how many there are, and whether one has ever been ready."""
        self._words[_TARGET], self._words[_COUNT], self._words[_HAS_SERVED] = target, count, has_served

    def hear(self, orders: int, reason: str = "") -> None:
        """So many orders more are done; `reason`: why the last one was not."""
        self._put_text(_REASON, reason, _REASON_ROOM)
        self._words[_HEARD] += orders

    def stash(self, tables: int, entries: int, octets: int, most: int) -> None:
        """What is in the stash, and how many octets may be."""
        counts = self._counts
        counts.put(_TABLES, tables)
        counts.put(_ENTRIES, entries)
        counts.put(_OCTETS, octets)
        counts.put(_MOST, most)

    def expect(self, limits: Mapping[str, int | None]) -> None:
        """There are to be these applications and no others, each in so many processes; None: in all."""
        for path in set(self._apps) - set(limits):
            self._words[self._apps[path] + _LIMIT] = _NOT_WANTED
        for path, limit in limits.items():
            self._words[self._row_of(path) + _LIMIT] = limit or 0

    # Processes.

    def spawned(self, pid: int, place: int, age: int, generation: int) -> None:
        """A task process was started; `place`: where it has its page of the scoreboard."""
        self._words[_SPAWNED] += 1
        if place >= _PROCESSES:
            return
        row = self._processes[pid] = _PROCESSES_AT + place * _PROCESS_SIZE
        words = self._words
        words[row : row + _PROCESS_SIZE] = _CLEAN
        words[row + _P_AGE], words[row + _P_GENERATION] = age, generation
        self._floats[row + _P_SPAWNED] = self._clock()
        words[row + _P_PID] = pid

    def beat(self, place: int) -> None:
        """The process that has this page of the scoreboard lives: it says so itself."""
        if place < _PROCESSES:
            self._floats[_PROCESSES_AT + place * _PROCESS_SIZE + _P_BEAT] = self._clock()

    def ready(self, pid: int, apps: Iterable[str]) -> None:
        """A process has these applications, and takes calls."""
        row = self._processes.get(pid)
        if row is not None:
            places = [(self._row_of(path) - _APPS_AT) // _APP_SIZE for path in apps]
            self._words[row + _P_APPS] = sum(1 << place for place in set(places))
            self._floats[row + _P_READY] = self._clock()

    def phase(self, pid: int, phase: str) -> None:
        """What the supervisor thinks of a process."""
        row = self._processes.get(pid)
        if row is not None:
            self._words[row + _P_PHASE] = PHASES.index(phase)

    def gone(self, pid: int, cause: str) -> None:
        """A process has ended; `cause`: one of `metric_families.CAUSES`, empty where the pool ends."""
        row = self._processes.pop(pid, None)
        if row is not None:
            self._words[row + _P_PID] = 0
        if cause:
            self._words[_RESTARTS + CAUSES.index(cause)] += 1

    # Calls, by the numbers that the router gives them.

    def comes(self, app: str) -> None:
        """A call has come."""
        self._counts.add(self._row_seen(app) + _CAME, 1)

    def waits(self, app: str, count: int) -> None:
        """So many calls of an application wait."""
        self._counts.put(self._row_seen(app) + _WAITING, count)

    def begins(self, call: int, app: str, place: int, target: bytes, came_at: float) -> None:
        """A call is run by a process. `target`: application, action and the request's id, where there is one."""
        counts, now = self._counts, self._clock()
        row, process = self._row_seen(app), self._processes.get(place, 0)
        waited = max(now - came_at, 0.0)
        counts.add(row + _QUEUED + _bucket(waited), 1)
        counts.add(row + _QUEUED_NANOSECONDS, int(waited * 1e9))
        counts.add(row + _RUNNING, 1)
        if process:
            counts.add(process + _P_CALLS, 1)
            counts.add(process + _P_RUNNING, 1)
        shown = self._free.pop() if self._free else 0
        if shown:
            name, _, request_id = target.rpartition(b"\0") if target.count(b"\0") > 1 else (target, b"", b"")
            counts.put_octets(shown + _C_TARGET, name, 2 * _NAME_ROOM)
            counts.put_octets(shown + _C_ID, request_id, _ID_ROOM)
            counts.put(shown + _C_PID, place)
            counts.put_real(shown + _C_STARTED, now)
        self._calls[call] = row, process, shown, now

    def leaves(self, call: int, failed: bool) -> None:
        """A process is done with a call, or gone."""
        row, process, shown, began = self._calls.pop(call)
        counts, ran = self._counts, max(self._clock() - began, 0.0)
        counts.add(row + _HISTOGRAM + _bucket(ran), 1)
        counts.add(row + _NANOSECONDS, int(ran * 1e9))
        counts.add(row + _RUNNING, -1)
        if process:
            counts.add(process + _P_RUNNING, -1)
            counts.add(process + _P_ERRORS, failed)
        if shown:
            counts.put_real(shown + _C_STARTED, 0.0)
            self._free.append(shown)

    def ends(self, app: str, result: str) -> None:
        """What has become of a call, one of `RESULTS`: each that comes ends once."""
        self._counts.add(self._row_seen(app) + _PLACE_OF_RESULT[result], 1)

    def _row_seen(self, app: str) -> int:
        """The row that has the counters of an application."""
        return self._apps.get(app, _APPS_AT)

    # The reader's side.

    @property
    def count(self) -> int:
        """How many task processes there are."""
        return self._words[_COUNT]

    @property
    def has_served(self) -> bool:
        """Whether a task process has ever been ready, since the process that leads them was started."""
        return bool(self._words[_HAS_SERVED])

    @property
    def target(self) -> int:
        """How many there are to be."""
        return self._words[_TARGET]

    @property
    def heard(self) -> int:
        """How many orders are done, since the process that leads them was started."""
        return self._words[_HEARD]

    @property
    def reason(self) -> str:
        """Why the last order was not done; empty where it was."""
        return self._text(_REASON, _REASON_ROOM)

    def ended(self) -> None:
        """The process that leads the tasks is gone, and its processes with it."""
        self._words[_PID] = self._words[_COUNT] = self._words[_HEARD] = 0

    def read(self) -> PoolReading:
        """All of it."""
        words = self._words
        apps = [row for row in _rows(_APPS_AT, _APPS, _APP_SIZE) if words[row + _APP_NAME] or words[row + _CAME]]
        pid = words[_PID]
        # Without the process that leads them there is none.
        processes, calls = (self._living(), self._running()) if pid else ([], [])
        return PoolReading(
            pid=pid,
            target=words[_TARGET],
            starts=words[_STARTS],
            spawned=words[_SPAWNED],
            restarts={cause: words[_RESTARTS + place] for place, cause in enumerate(CAUSES)},
            apps=tuple(self._app(row, processes) for row in apps),
            processes=tuple(sorted(processes, key=lambda each: each.age)),
            calls=tuple(sorted(calls, key=lambda each: each.started)),
            stash=StashReading(words[_TABLES], words[_ENTRIES], words[_OCTETS], words[_MOST]),
        )

    def _app(self, row: int, processes: Iterable[ProcessReading]) -> AppReading:
        words, path = self._words, self._text(row + _APP_NAME, _NAME_ROOM)
        return AppReading(
            path=path,
            limit=words[row + _LIMIT],
            processes=sum(path in each.apps and each.phase == "ready" for each in processes),
            waiting=words[row + _WAITING],
            running=words[row + _RUNNING],
            results={result: words[row + place] for result, place in _PLACE_OF_RESULT.items()},
            histogram=words[row + _HISTOGRAM : row + _HISTOGRAM + HISTOGRAM_BUCKETS].tolist(),
            nanoseconds=words[row + _NANOSECONDS],
            queued=words[row + _QUEUED : row + _QUEUED + HISTOGRAM_BUCKETS].tolist(),
            queued_nanoseconds=words[row + _QUEUED_NANOSECONDS],
        )

    def _living(self) -> list[ProcessReading]:
        rows = _rows(_PROCESSES_AT, _PROCESSES, _PROCESS_SIZE)
        return [self._process(row) for row in rows if self._words[row + _P_PID]]

    def _running(self) -> list[CallReading]:
        rows = _rows(_CALLS_AT, _CALLS, _CALL_SIZE)
        calls = [self._call(row) for row in rows if self._floats[row + _C_STARTED]]
        return [call for call in calls if call is not None]

    def _process(self, row: int) -> ProcessReading:
        words, has = self._words, self._words[row + _P_APPS]
        apps = [self._text(each + _APP_NAME, _NAME_ROOM) for place, each in
                enumerate(_rows(_APPS_AT, _APPS, _APP_SIZE)) if has >> place & 1]
        return ProcessReading(
            place=(row - _PROCESSES_AT) // _PROCESS_SIZE,
            pid=words[row + _P_PID],
            age=words[row + _P_AGE],
            generation=words[row + _P_GENERATION],
            phase=PHASES[words[row + _P_PHASE]],
            spawned_at=self._floats[row + _P_SPAWNED],
            ready_at=self._floats[row + _P_READY],
            beat_at=max(self._floats[row + _P_BEAT], self._floats[row + _P_SPAWNED]),
            calls=words[row + _P_CALLS],
            errors=words[row + _P_ERRORS],
            running=words[row + _P_RUNNING],
            apps=tuple(apps),
        )

    def _call(self, row: int) -> CallReading | None:
        started = self._floats[row + _C_STARTED]
        app, _, action = self._text(row + _C_TARGET, 2 * _NAME_ROOM).partition("\0")
        found = CallReading(self._words[row + _C_PID], app, action, self._text(row + _C_ID, _ID_ROOM), started)
        # One that has ended meanwhile, and whose row may be another one's.
        return found if started and started == self._floats[row + _C_STARTED] else None

    # Both.

    def _row_of(self, path: str) -> int:
        """The row of an application, a free one for one that has none yet."""
        row = self._apps.get(path)
        if row is None:
            fits = len(path.encode("utf-8", "replace")) <= _NAME_ROOM
            free = (each for each in _rows(_APPS_AT, _APPS, _APP_SIZE)
                    if each != _APPS_AT and not self._words[each + _APP_NAME])
            row = next(free, _APPS_AT) if fits else _APPS_AT
            if row != _APPS_AT:
                self._put_text(row + _APP_NAME, path, _NAME_ROOM)
            self._apps[path] = row
        return row

    def _put_text(self, at: int, text: str, room: int) -> None:
        self._counts.put_octets(at, text.encode("utf-8", "replace"), room)

    def _text(self, at: int, room: int) -> str:
        begin, size = at * 8 + 8, min(self._words[at], room)
        return str(self._octets[begin : begin + size], "utf-8", "replace")


def _bucket(seconds: float) -> int:
    """Where a time is counted in a histogram: by powers of two of a microsecond."""
    rest, bucket = int(min(seconds, _LONGEST) * 1e6), 0
    while rest > 0:
        rest >>= 1
        bucket += 1
    return min(bucket, _LAST_BUCKET)


def _rows(at: int, count: int, size: int) -> range:
    return range(at, at + count * size, size)


_CLEAN = memoryview(bytes(_PROCESS_SIZE * 8)).cast("q")
_PLACE_OF_RESULT = {result: _RESULTS + place for place, result in enumerate(RESULTS)}
