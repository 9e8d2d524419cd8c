"""The tables of the stash, in the pool's own process, and the operations on them.

Values are kept as they came, octets that nobody looks into. A request is a list, operation, table, key, argument, and
behind it what is to be stored; an answer is a value.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from .errors import DirtyProtocolError, StashError
from .values import decode_first, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Key = str | int | float | bool | bytes | None
    Table = dict[Key, bytes]

__all__ = ["NO_KEY", "NO_TABLE", "MOST_OCTETS", "StashTables"]

MOST_OCTETS = 64 * 1024 * 1024
"""So much is kept at the most, keys and all; beyond that nothing is stored."""

_OVERHEAD = 100

NO_TABLE, NO_KEY = "StashTableNotFoundError", "StashKeyNotFoundError"
"""How errors are named that say more than their message: table and key are the caller's, who knows them."""


class StashTables:
    """`most`: octets that may be stored."""

    def __init__(self, most: int = MOST_OCTETS) -> None:
        self._most = most
        self._tables: dict[str, Table] = {}
        self.octets = 0

    def perform(self, request: bytes) -> bytes:
        """Do what a request wants; the octets of the answer. Raises DirtyError."""
        said, end = decode_first(request)
        if not isinstance(said, list) or len(said) != 4:
            raise DirtyProtocolError("A request to the stash is a list of four")
        name, table, key, argument = said
        operation = _OPERATIONS.get(name)
        if operation is None or not isinstance(table, str):
            raise DirtyProtocolError(f"The stash has no operation {name!r}")
        if isinstance(key, list | dict):
            raise StashError(f"A key of the stash cannot be a {type(key).__name__}")
        return operation(self, table, key, argument, request[end:])

    # Operations: table, key, argument, octets to be stored.

    def _put(self, name: str, key: Key, argument: object, value: bytes) -> bytes:
        table = self._tables.get(name, {})
        grows = len(value) - len(table[key]) if key in table else len(value) + _cost(key)
        if self.octets + grows > self._most:
            raise StashError(f"The stash is full: {self._most} octets are the most")
        self._tables[name] = table
        table[key] = value
        self.octets += grows
        return _DONE

    def _get(self, name: str, key: Key, argument: object, value: bytes) -> bytes:
        try:
            return self._table(name)[key]
        except KeyError:
            raise StashError(NO_KEY) from None

    def _delete(self, name: str, key: Key, argument: object, value: bytes) -> bytes:
        gone = self._tables.get(name, {}).pop(key, None)
        if gone is not None:
            self.octets -= len(gone) + _cost(key)
        return encode(gone is not None)

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
        table = self._tables.get(name)
        if table is not None:
            self._forget(table)
            table.clear()
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
        table = self._tables.pop(name, None)
        self._forget(table or {})
        return _DONE

    def _list(self, name: str, key: Key, argument: object, value: bytes) -> bytes:
        return encode(list(self._tables))

    # In here.

    def _table(self, name: str) -> Table:
        table = self._tables.get(name)
        if table is None:
            raise StashError(NO_TABLE)
        return table

    def _forget(self, table: Table) -> None:
        self.octets -= sum(len(value) + _cost(key) for key, value in table.items())


def _cost(key: Key) -> int:
    return _OVERHEAD + (len(key) if isinstance(key, str | bytes) else 8)


_DONE = encode(None)

_OPERATIONS: dict[object, Callable[[StashTables, str, Key, object, bytes], bytes]] = {
    "put": StashTables._put, "get": StashTables._get, "delete": StashTables._delete, "keys": StashTables._keys,
    "items": StashTables._items, "clear": StashTables._clear, "info": StashTables._info,
    "ensure": StashTables._ensure, "exists": StashTables._exists, "delete_table": StashTables._delete_table,
    "tables": StashTables._list,
}
