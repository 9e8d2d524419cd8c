"""The tables of the stash, in the pool's own process, and the operations on them.

Values are kept as they came, octets that are looked into only where an operation is about what they mean. A request is
a list, operation, table, key, argument, and behind it what is to be stored; an answer is a value. Time comes from
outside: an entry that is stored for a while is gone at the first look after that.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from heapq import heapify, heappop, heappush

from .errors import DirtyProtocolError, StashError
from .values import decode, decode_first, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Key = str | int | float | bool | bytes | None
    Table = dict[Key, bytes]

__all__ = ["NO_KEY", "NO_TABLE", "MOST_OCTETS", "StashTables"]

MOST_OCTETS = 64 * 1024 * 1024
"""So much is kept at the most, keys and all; beyond that nothing is stored."""

LONGEST_SECONDS = 10.0 * 365 * 86400
"""Nothing is stored for longer than that and for a limited time."""

_OVERHEAD = 100
_OVERHEAD_OF_TIME = 300
_SPARE_TIMES = 64

NO_TABLE, NO_KEY = "StashTableNotFoundError", "StashKeyNotFoundError"
"""How errors are named that say more than their message: table and key are the caller's, who knows them."""


class StashTables:
    """`most`: octets that may be stored."""

    __slots__ = ("_ends", "_now", "_number", "_order", "_tables", "entries", "most", "octets")

    def __init__(self, most: int = MOST_OCTETS) -> None:
        self.most = most
        self.octets = 0
        self.entries = 0
        self._now = 0.0
        self._tables: dict[str, Table] = {}
        # When entries end that are stored for a while; and the same in order, in which some may not hold any more.
        self._ends: dict[tuple[str, Key], tuple[float, int]] = {}
        self._order: list[tuple[float, int, str, Key]] = []
        self._number = 0

    @property
    def count(self) -> int:
        """How many tables there are."""
        return len(self._tables)

    @property
    def due(self) -> float | None:
        """The monotonic moment at which `expire` has something to do."""
        return self.moment()

    def moment(self) -> float | None:
        """The same for compiled code."""
        return self._order[0][0] if self._order else None

    def expire(self, now: float) -> None:
        """Remove what was to be kept until now."""
        while self._order and self._order[0][0] <= now:
            end, number, name, key = heappop(self._order)
            if self._ends.get((name, key)) == (end, number):
                self._remove(name, key)

    def perform(self, request: bytes, now: float = 0.0) -> bytes:
        """Do what a request wants; the octets of the answer. Raises DirtyError."""
        said, end = decode_first(request)
        if not isinstance(said, list) or len(said) != 4:
            raise DirtyProtocolError("A request to the stash is a list of four")
        name, table, key, argument = said
        operation = _OPERATIONS.get(name) if isinstance(name, str) else None
        if operation is None or not isinstance(table, str):
            raise DirtyProtocolError(f"The stash has no operation {name!r}")
        if isinstance(key, list | dict):
            raise StashError(f"A key of the stash cannot be a {type(key).__name__}")
        self._now = now
        if self._order:
            self.expire(now)
        return operation(self, table, key, argument, request[end:])

    # Operations: table, key, argument, octets to be stored.

    def _put(self, name: str, key: Key, argument: object, value: bytes) -> bytes:
        """`argument`: for so many seconds; None: for ever."""
        self._store(name, key, value, _seconds(argument))
        return _DONE

    def _put_if(self, name: str, key: Key, argument: object, value: bytes) -> bytes:
        """`argument`: the value that is to be there (None: there may also be none), and for so many seconds."""
        if not isinstance(argument, list) or len(argument) != 2:
            raise DirtyProtocolError("What is to be there, and for how long?")
        expected, seconds = argument[0], _seconds(argument[1])
        there = self._tables.get(name, {}).get(key, _DONE)
        fits = there == encode(expected) or decode(there) == expected
        if fits:
            self._store(name, key, value, seconds)
        return encode(fits)

    def _add(self, name: str, key: Key, argument: object, value: bytes) -> bytes:
        """`argument`: a number, by which the one that is there becomes larger; one that is not there is 0."""
        there = self._tables.get(name, {}).get(key)
        before = 0 if there is None else decode(there)
        if not _is_number(argument) or not _is_number(before):
            raise StashError("Only a number can be added, and only to a number")
        try:
            octets = encode(before + argument)  # type: ignore[operator]
        except OverflowError:
            raise StashError("The sum is too large") from None
        end = self._ends.get((name, key))
        self._store(name, key, octets, None if end is None else end[0] - self._now)
        return octets

    def _get(self, name: str, key: Key, argument: object, value: bytes) -> bytes:
        try:
            return self._table(name)[key]
        except KeyError:
            raise StashError(NO_KEY) from None

    def _delete(self, name: str, key: Key, argument: object, value: bytes) -> bytes:
        return encode(self._remove(name, key))

    def _keys(self, name: str, key: Key, argument: object, value: bytes) -> bytes:
        table = self._tables.get(name, {})
        if argument is None:
            return encode(list(table))
        return encode([key for key in table if fnmatchcase(str(key), str(argument))])

    def _items(self, name: str, key: Key, argument: object, value: bytes) -> bytes:
        """Keys and values by turns, behind their number: what is stored is not looked into."""
        table = self._tables.get(name, {})
        return encode(len(table)) + b"".join(part for key, octets in table.items() for part in (encode(key), octets))

    def _clear(self, name: str, key: Key, argument: object, value: bytes) -> bytes:
        for each in list(self._tables.get(name, {})):
            self._remove(name, each)
        return _DONE

    def _info(self, name: str, key: Key, argument: object, value: bytes) -> bytes:
        return encode({"size": len(self._table(name)), "table": name})

    def _ensure(self, name: str, key: Key, argument: object, value: bytes) -> bytes:
        self._tables.setdefault(name, {})
        return _DONE

    def _exists(self, name: str, key: Key, argument: object, value: bytes) -> bytes:
        """`argument`: whether the key is what is asked for."""
        return encode(name in self._tables and (not argument or key in self._tables[name]))

    def _delete_table(self, name: str, key: Key, argument: object, value: bytes) -> bytes:
        self._clear(name, key, argument, value)
        self._tables.pop(name, None)
        return _DONE

    def _list(self, name: str, key: Key, argument: object, value: bytes) -> bytes:
        return encode(list(self._tables))

    # In here.

    def _table(self, name: str) -> Table:
        table = self._tables.get(name)
        if table is None:
            raise StashError(NO_TABLE)
        return table

    def _store(self, name: str, key: Key, value: bytes, seconds: float | None) -> None:
        table = self._tables.get(name, {})
        is_new = key not in table
        before = 0 if is_new else self._cost(name, key, table[key])
        cost = _cost(key, value) + (0 if seconds is None else _OVERHEAD_OF_TIME)
        if self.octets + cost - before > self.most:
            raise StashError(f"The stash is full: {self.most} octets are the most")
        self._tables[name] = table
        table[key] = value
        self.octets += cost - before
        self.entries += is_new
        self._ends.pop((name, key), None)
        if seconds is not None:
            self._end_at(name, key, self._now + seconds)

    def _end_at(self, name: str, key: Key, moment: float) -> None:
        self._number += 1
        self._ends[name, key] = moment, self._number
        heappush(self._order, (moment, self._number, name, key))
        if len(self._order) > 2 * len(self._ends) + _SPARE_TIMES:
            # Most of it does not hold any more.
            self._order = [each for each in self._order if self._ends.get(each[2:]) == each[:2]]
            heapify(self._order)

    def _remove(self, name: str, key: Key) -> bool:
        table = self._tables.get(name, {})
        if key not in table:
            return False
        self.octets -= self._cost(name, key, table.pop(key))
        self.entries -= 1
        self._ends.pop((name, key), None)
        return True

    def _cost(self, name: str, key: Key, value: bytes) -> int:
        return _cost(key, value) + (_OVERHEAD_OF_TIME if (name, key) in self._ends else 0)


def _cost(key: Key, value: bytes) -> int:
    return _OVERHEAD + len(value) + (len(key) if isinstance(key, str | bytes) else 8)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _seconds(value: object) -> float | None:
    """How long something is to be kept. Raises StashError."""
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= LONGEST_SECONDS:
        raise StashError(f"Expected a number of seconds, more than 0 and {LONGEST_SECONDS:.0f} at the most, as ttl")
    return float(value)


_DONE = encode(None)

_OPERATIONS: dict[str, Callable[[StashTables, str, Key, object, bytes], bytes]] = {
    "put": StashTables._put, "put_if": StashTables._put_if, "add": StashTables._add, "get": StashTables._get,
    "delete": StashTables._delete, "keys": StashTables._keys, "items": StashTables._items, "clear": StashTables._clear,
    "info": StashTables._info, "ensure": StashTables._ensure, "exists": StashTables._exists,
    "delete_table": StashTables._delete_table, "tables": StashTables._list,
}
