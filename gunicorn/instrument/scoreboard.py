"""One shared-memory page a worker: what each worker is doing, read without asking it.

The pages are anonymous shared mappings made before the fork, so a store in the worker is at once visible to
the master and costs no system call. Each field is one aligned 8-byte word; the hardware stores such a word
whole, so a reader never sees half a number. Fields of one page are not consistent with each other; none of
the readers needs that.

Clock values are seconds of `time.monotonic()`, which on Linux and the BSDs counts alike in every process.
"""

from __future__ import annotations

import mmap
import time

__all__ = [
    "BOOTING", "BOUNDS", "BUSY", "DRAINING", "FREE", "HISTOGRAM_BUCKETS", "METHODS", "READY", "SHED_REASONS",
    "STATE_NAMES", "STATUSES", "VERSIONS", "Scoreboard", "Slot",
]

FREE, BOOTING, READY, BUSY, DRAINING = range(5)
STATE_NAMES = ("free", "booting", "ready", "busy", "draining")

PAGE = max(4096, mmap.PAGESIZE)
_WORDS = PAGE // 8
_PAGES_A_BLOCK = 64

# Words of a page. Integers and doubles share the page through two views of the same memory.
_PID, _GENERATION, _STATE, _HEARTBEAT, _REQUESTS, _ERRORS, _BYTES, _STARTED = range(8)
_BORN, _FLAGS, _CONNECTIONS, _LEAVING, _RUNNING, _LAST = range(8, 14)
_LOG_LEVEL = 14
_LINE_LENGTH = 15
_HISTOGRAM = 16
HISTOGRAM_BUCKETS = 64
_LINE_AT = (_HISTOGRAM + HISTOGRAM_BUCKETS) * 8
LINE_ROOM = 1024
# Behind the line.
_PROFILE = _LINE_AT // 8 + LINE_ROOM // 8
_PROFILE_UNTIL = _PROFILE + 1
# The second half of a page: what `totals.py` adds up over all workers, and never goes back in one.
_COUNTS = 256
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other")
STATUSES = ("other", "1xx", "2xx", "3xx", "4xx", "5xx")
_NANOSECONDS = _COUNTS + len(METHODS) * len(STATUSES)
_RECEIVED, _SENT, _REFUSED = _NANOSECONDS + 1, _NANOSECONDS + 2, _NANOSECONDS + 3
# And what is only of now: the sum of the moments at which the running requests began, and how many can run at once.
_BEGUN, _PLACES = _NANOSECONDS + 4, _NANOSECONDS + 5
# The id of the request whose line is above, where requests have ids.
_ID_LENGTH, _ID_WORD = _PLACES + 1, _PLACES + 2
_ID_AT = _ID_WORD * 8
ID_ROOM = 128
# And again what `totals.py` adds up: the times in queues in front as a histogram and their sum, what applications got
# by version of HTTP, and what was refused for being too much.
_QUEUED = _ID_WORD + ID_ROOM // 8
_QUEUED_NANOSECONDS = _QUEUED + HISTOGRAM_BUCKETS
_VERSIONS = _QUEUED_NANOSECONDS + 1
VERSIONS = ("1.0", "1.1", "2")
_SHED = _VERSIONS + len(VERSIONS)
SHED_REASONS = ("concurrency", "queue_time")
# Connections that are WebSockets now.
_WEBSOCKETS = _SHED + len(SHED_REASONS)
# Durations once more, by the bounds (seconds) that OpenTelemetry's conventions have for them, and what is longer.
_BOUNDED = _WEBSOCKETS + 1
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
# The master's word that no new clients should come.
_DRAINED = _BOUNDED + len(BOUNDS) + 1
# A duration of more counts as this (seconds): the sum of such still fits a word.
LONGEST = 1e9

_ROWS = {method: row for row, method in enumerate(METHODS)}

_WANTS_RECYCLING = 1
_BREAKS_REQUESTS = 2
_TELLS_SLOW = 4


class Slot:
    """The page of one worker. The worker writes; the master reads; nobody locks."""

    __slots__ = ("_bytes", "_floats", "_words", "index")

    def __init__(self, page: memoryview, index: int) -> None:
        self.index = index
        self._bytes = page
        self._words = page.cast("Q")
        self._floats = page.cast("d")

    def reset(self, generation: int, now: float) -> None:
        """Make the page ready for a worker that is about to be forked."""
        self._bytes[:] = bytes(len(self._bytes))
        self._words[_GENERATION] = generation
        self._words[_STATE] = BOOTING
        self._floats[_BORN] = now
        self._floats[_HEARTBEAT] = now

    # The worker's side.

    def beat(self) -> None:
        """Say "I am alive" (one store)."""
        self._floats[_HEARTBEAT] = time.monotonic()

    def begin(self, line: bytes, now: float) -> None:
        """A request is given to the application. `line`: its request line; `now`: monotonic seconds."""
        size = min(len(line), LINE_ROOM)
        self._bytes[_LINE_AT : _LINE_AT + size] = line[:size]
        self._words[_LINE_LENGTH] = size
        self._floats[_STARTED] = now
        # A worker that drains stays one that drains.
        if self._words[_STATE] == READY:
            self._words[_STATE] = BUSY

    def drain(self) -> None:
        """This worker finishes what it has, and takes on nothing more."""
        # One that has not booted goes on to look like that.
        if self._words[_STATE] in (READY, BUSY):
            self._words[_STATE] = DRAINING

    def ask_for_recycling(self) -> None:
        """Ask the master for a replacement; this worker serves on until it is told to stop."""
        self._words[_FLAGS] |= _WANTS_RECYCLING

    def offer(self, places: int) -> None:
        """So many requests can run here at once."""
        self._words[_PLACES] = places

    def keep_request_limit(self) -> None:
        """This worker breaks off requests that take too long by itself; it need not be ended for one."""
        self._words[_FLAGS] |= _BREAKS_REQUESTS

    def tell_slow_requests(self) -> None:
        """This worker tells of slow requests by itself; it need not be asked, unless it shows no sign of life."""
        self._words[_FLAGS] |= _TELLS_SLOW

    # Both sides.

    @property
    def pid(self) -> int:
        return self._words[_PID]

    @pid.setter
    def pid(self, value: int) -> None:
        self._words[_PID] = value

    @property
    def state(self) -> int:
        return self._words[_STATE]

    @state.setter
    def state(self, value: int) -> None:
        self._words[_STATE] = value

    @property
    def connections(self) -> int:
        return self._words[_CONNECTIONS]

    @connections.setter
    def connections(self, value: int) -> None:
        self._words[_CONNECTIONS] = value

    @property
    def leaving(self) -> bool:
        """The master's word to the worker: the server stops soon (`shutdown_delay`), and serves on meanwhile."""
        return bool(self._words[_LEAVING])

    @leaving.setter
    def leaving(self, value: bool) -> None:
        self._words[_LEAVING] = value

    @property
    def drained(self) -> bool:
        """The master's word to the worker: a command has asked that no new clients should come."""
        return bool(self._words[_DRAINED])

    @drained.setter
    def drained(self, value: bool) -> None:
        self._words[_DRAINED] = value

    @property
    def last(self) -> bool:
        """The master's word to the worker, before a stop: who waits in the kernel's queue is served by nobody else."""
        return bool(self._words[_LAST])

    @last.setter
    def last(self, value: bool) -> None:
        self._words[_LAST] = value

    @property
    def log_level(self) -> int:
        """The master's word to the worker: the level that its error log is to have; 0: as it is."""
        return self._words[_LOG_LEVEL]

    @log_level.setter
    def log_level(self, value: int) -> None:
        self._words[_LOG_LEVEL] = value

    @property
    def profile(self) -> int:
        """The master's word to the worker: the number of the profile that it takes part in."""
        return self._words[_PROFILE]

    @profile.setter
    def profile(self, value: int) -> None:
        self._words[_PROFILE] = value

    @property
    def profile_until(self) -> float:
        """And the monotonic moment at which that ends; put off while somebody wants it."""
        return self._floats[_PROFILE_UNTIL]

    @profile_until.setter
    def profile_until(self, value: float) -> None:
        self._floats[_PROFILE_UNTIL] = value

    # The reader's side.

    @property
    def generation(self) -> int:
        return self._words[_GENERATION]

    @property
    def heartbeat(self) -> float:
        return self._floats[_HEARTBEAT]

    @heartbeat.setter
    def heartbeat(self, value: float) -> None:
        self._floats[_HEARTBEAT] = value

    @property
    def born(self) -> float:
        return self._floats[_BORN]

    @property
    def requests(self) -> int:
        return self._words[_REQUESTS]

    @property
    def errors(self) -> int:
        return self._words[_ERRORS]

    @property
    def bytes_sent(self) -> int:
        return self._words[_BYTES]

    @property
    def wants_recycling(self) -> bool:
        return bool(self._words[_FLAGS] & _WANTS_RECYCLING)

    @property
    def breaks_requests(self) -> bool:
        return bool(self._words[_FLAGS] & _BREAKS_REQUESTS)

    @property
    def tells_slow(self) -> bool:
        return bool(self._words[_FLAGS] & _TELLS_SLOW)

    @property
    def histogram(self) -> list[int]:
        """Requests by duration; bucket n counts those of less than 2**n microseconds."""
        return self._words[_HISTOGRAM : _HISTOGRAM + HISTOGRAM_BUCKETS].tolist()

    @property
    def counts(self) -> list[int]:
        """Requests that have ended, refused ones too: a row of `STATUSES` for each of `METHODS`."""
        return self._words[_COUNTS:_NANOSECONDS].tolist()

    @property
    def nanoseconds(self) -> int:
        """The sum of the durations that `histogram` counts."""
        return self._words[_NANOSECONDS]

    @property
    def octets(self) -> tuple[int, int]:
        """What clients have sent, and what was sent to them: on the wire where our engine serves, heads and TLS
        included; content alone where another server does."""
        return self._words[_RECEIVED], self._words[_SENT]

    @property
    def refused(self) -> int:
        """Requests that were answered, or ended, without an application."""
        return self._words[_REFUSED]

    @property
    def bounded(self) -> list[int]:
        """Requests by duration: those of at most each of `BOUNDS`, and of more than the one before; then the others."""
        return self._words[_BOUNDED : _BOUNDED + len(BOUNDS) + 1].tolist()

    @property
    def queued(self) -> list[int]:
        """Requests whose time in a queue in front is known, by that time; buckets as those of `histogram`."""
        return self._words[_QUEUED:_QUEUED_NANOSECONDS].tolist()

    @property
    def queued_nanoseconds(self) -> int:
        """The sum of what `queued` counts."""
        return self._words[_QUEUED_NANOSECONDS]

    @property
    def versions(self) -> list[int]:
        """Requests that applications got, by `VERSIONS` of HTTP."""
        return self._words[_VERSIONS:_SHED].tolist()

    @property
    def shed(self) -> list[int]:
        """Requests that were refused because there were too many, by `SHED_REASONS`."""
        return self._words[_SHED:_WEBSOCKETS].tolist()

    @property
    def websockets(self) -> int:
        """How many connections are WebSockets at the moment."""
        return self._words[_WEBSOCKETS]

    @property
    def places(self) -> int:
        """How many requests can run at once; 0 where nobody has said."""
        return self._words[_PLACES]

    def busy(self, now: float) -> float:
        """How many seconds requests have run so far, each for itself, until the moment `now`."""
        running = self._words[_RUNNING]
        return self._words[_NANOSECONDS] / 1e9 + (running * now - self._floats[_BEGUN] if running else 0.0)

    @property
    def running(self) -> int:
        """How many requests the application has at the moment."""
        return self._words[_RUNNING]

    @property
    def request_id(self) -> str:
        """The id of the request that `in_flight` tells of; empty where requests have none."""
        size = min(self._words[_ID_LENGTH], ID_ROOM)
        return str(self._bytes[_ID_AT : _ID_AT + size], "latin-1")

    @property
    def started(self) -> float:
        """Monotonic seconds at which the request in flight was begun; 0.0 when there is none."""
        return self._floats[_STARTED]

    def in_flight(self) -> tuple[bytes, float] | None:
        """Request line and start (monotonic seconds) of the running request, of several the one begun last; None when
        there is none."""
        started = self._floats[_STARTED]
        if not started:
            return None
        size = min(self._words[_LINE_LENGTH], LINE_ROOM)
        return bytes(self._bytes[_LINE_AT : _LINE_AT + size]), started


def _place(method: str, status: int) -> int:
    """Where a request of this method, and with this status, is counted; 0 is no status."""
    return _COUNTS + _ROWS.get(method, len(METHODS) - 1) * len(STATUSES) + (status // 100 if 100 <= status < 600 else 0)


def _bucket(seconds: float) -> int:
    return min(max(int(seconds * 1_000_000), 0).bit_length(), HISTOGRAM_BUCKETS - 1)


class Scoreboard:
    """Hands out pages and takes them back. Blocks are only ever added: workers alive hold views of the old
    ones."""

    def __init__(self) -> None:
        self.slots: list[Slot] = []
        self._free: list[Slot] = []

    def allocate(self, generation: int, now: float | None = None) -> Slot:
        """A clean page for a worker of `generation`."""
        if not self._free:
            self._grow()
        slot = self._free.pop()
        slot.reset(generation, time.monotonic() if now is None else now)
        return slot

    def release(self, slot: Slot) -> None:
        """Take back the page of a worker that is gone."""
        slot.state = FREE
        slot.pid = 0
        self._free.append(slot)

    def _grow(self) -> None:
        # Untouched pages of an anonymous mapping take no memory, so a block is generous.
        block = memoryview(mmap.mmap(-1, PAGE * _PAGES_A_BLOCK))
        first = len(self.slots)
        fresh = [
            Slot(block[number * PAGE : (number + 1) * PAGE], first + number) for number in
            range(_PAGES_A_BLOCK)
        ]
        self.slots.extend(fresh)
        self._free.extend(reversed(fresh))
