"""The stash: tables of values that all processes of a server share, kept by the pool.

They live as long as the process that leads the tasks, and no longer: what may not be lost does not belong here. Each
operation is done as a whole, or not at all. A table comes to be by the first value that is put into it.
"""

from __future__ import annotations

import threading

from .client import error_of
from .errors import DirtyError, DirtyProtocolError, StashError, StashKeyNotFoundError, StashTableNotFoundError
from .frames import ERROR, STASH
from .link import Link
from .place import get_stash_socket_path
from .stash_tables import NO_KEY, NO_TABLE
from .values import decode, decode_first, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

    from gunicorn._types import Value

__all__ = [
    "StashClient", "StashTable", "add", "clear", "delete", "delete_table", "ensure", "exists", "get", "info", "keys",
    "put", "put_if", "table", "tables",
]


class StashClient:
    """Reaches the stash through the socket at `socket_path`. `timeout`: seconds that an operation may take.

    Its methods raise StashError for what the stash refuses, DirtyConnectionError, DirtyTimeoutError.
    """

    def __init__(self, socket_path: str, timeout: float | None = 30.0) -> None:
        self.socket_path = socket_path
        self.timeout = timeout
        self._link = Link(socket_path)

    def put(self, table: str, key: Value, value: Value, ttl: float | None = None) -> None:
        """Store a value, for `ttl` seconds if that is said. Raises StashError for one that cannot be passed."""
        self._ask("put", table, key, ttl, _octets_of(value))

    def put_if(self, table: str, key: Value, expected: Value, value: Value, ttl: float | None = None) -> bool:
        """Store a value where the present one is `expected`, and only then; whether that was so.

        What is not there is None. Nobody comes between the comparison and the storing.
        """
        return bool(self._ask("put_if", table, key, [expected, ttl], _octets_of(value)))

    def add(self, table: str, key: Value, n: float = 1) -> float:
        """Add to the number of a key, which is 0 where there is none, and return the sum. Its `ttl` stays."""
        found: float = self._ask("add", table, key, n)
        return found

    def get(self, table: str, key: Value, default: Value = None) -> Value:
        """The value of a key; `default` where there is none, be it that there is no such table."""
        try:
            return self._ask("get", table, key)
        except (StashKeyNotFoundError, StashTableNotFoundError):
            return default

    def fetch(self, table: str, key: Value) -> Value:
        """The value of a key. Raises StashKeyNotFoundError and StashTableNotFoundError."""
        return self._ask("get", table, key)

    def delete(self, table: str, key: Value) -> bool:
        """Remove a key; whether it was there."""
        return bool(self._ask("delete", table, key))

    def keys(self, table: str, pattern: str | None = None) -> list[Value]:
        """The keys, or those that a shell pattern fits."""
        found: list[Value] = self._ask("keys", table, None, pattern)
        return found

    def items(self, table: str) -> list[tuple[Value, Value]]:
        """Keys and values as they are at one moment."""
        octets = self._octets("items", table)
        count, at = decode_first(octets)
        found = []
        for _ in range(count if isinstance(count, int) else 0):
            key, at = decode_first(octets, at)
            value, at = decode_first(octets, at)
            found.append((key, value))
        return found

    def clear(self, table: str) -> None:
        """Remove all keys."""
        self._ask("clear", table)

    def info(self, table: str) -> dict[str, Value]:
        """`size`, the number of keys, and `table`, the name."""
        found: dict[str, Value] = self._ask("info", table)
        return found

    def ensure(self, table: str) -> None:
        """Make a table, where there is none of this name."""
        self._ask("ensure", table)

    def exists(self, table: str, key: Value = None) -> bool:
        """Whether there is such a table, or such a key in it."""
        return bool(self._ask("exists", table, key, key is not None))

    def delete_table(self, table: str) -> None:
        """Remove a table with all that is in it."""
        self._ask("delete_table", table)

    def tables(self) -> list[str]:
        """The names of all tables."""
        found: list[str] = self._ask("tables", "")
        return found

    def table(self, name: str) -> StashTable:
        """A table as a mapping."""
        return StashTable(self, name)

    def close(self) -> None:
        """Disconnect; the next operation connects again."""
        self._link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, operation: str, table: str, key: Value = None, argument: object = None, value: bytes = b"") -> Value:
        return decode(self._octets(operation, table, key, argument, value))

    def _octets(
        self, operation: str, table: str, key: Value = None, argument: object = None, value: bytes = b""
    ) -> bytes:
        request = encode([operation, table, key, argument]) + value
        kind, payload = self._link.request(STASH, b"", request, self.timeout)
        if kind == ERROR:
            raise _specific(error_of(payload), table, key)
        return payload


def _octets_of(value: Value) -> bytes:
    try:
        return encode(value)
    except DirtyProtocolError as error:
        raise StashError(error.message) from error


def _specific(error: DirtyError, table: str, key: object) -> DirtyError:
    if error.message == NO_TABLE:
        return StashTableNotFoundError(table)
    if error.message == NO_KEY:
        return StashKeyNotFoundError(table, key)
    return error


class StashTable:
    """A table of `client` as a mapping. A key that is missing is a StashKeyNotFoundError, which is a KeyError too.

    One that is not there has no keys, and no length: StashTableNotFoundError.
    """

    def __init__(self, client: StashClient, name: str) -> None:
        self._client = client
        self._name = name

    @property
    def name(self) -> str:
        """The name of the table."""
        return self._name

    def __getitem__(self, key: Value) -> Value:
        try:
            return self._client.fetch(self._name, key)
        except StashTableNotFoundError:
            raise StashKeyNotFoundError(self._name, key) from None

    def __setitem__(self, key: Value, value: Value) -> None:
        self._client.put(self._name, key, value)

    def __delitem__(self, key: Value) -> None:
        if not self._client.delete(self._name, key):
            raise StashKeyNotFoundError(self._name, key)

    def __contains__(self, key: Value) -> bool:
        return self._client.exists(self._name, key)

    def __len__(self) -> int:
        return int(self._client.info(self._name)["size"])

    def __iter__(self) -> Iterator[Value]:
        return iter(self.keys())

    def put(self, key: Value, value: Value, ttl: float | None = None) -> None:
        """Store a value, for `ttl` seconds if that is said."""
        self._client.put(self._name, key, value, ttl)

    def put_if(self, key: Value, expected: Value, value: Value, ttl: float | None = None) -> bool:
        """Store a value where the present one is `expected`; whether that was so."""
        return self._client.put_if(self._name, key, expected, value, ttl)

    def add(self, key: Value, n: float = 1) -> float:
        """Add to the number of a key, and return the sum."""
        return self._client.add(self._name, key, n)

    def get(self, key: Value, default: Value = None) -> Value:
        """The value of a key, or `default`."""
        return self._client.get(self._name, key, default)

    def keys(self, pattern: str | None = None) -> list[Value]:
        """The keys, or those that a shell pattern fits."""
        return self._client.keys(self._name, pattern)

    def values(self) -> list[Value]:
        """The values."""
        return [value for _, value in self.items()]

    def items(self) -> list[tuple[Value, Value]]:
        """Keys and values as they are at one moment."""
        return self._client.items(self._name)

    def clear(self) -> None:
        """Remove all keys."""
        self._client.clear(self._name)

    def __repr__(self) -> str:
        return f"<StashTable {self._name!r}>"


# The functions of the module: one client a thread.

_of_thread = threading.local()


def _client() -> StashClient:
    path = get_stash_socket_path()
    client: StashClient | None = getattr(_of_thread, "client", None)
    if client is None or client.socket_path != path:
        client = _of_thread.client = StashClient(path)
    return client


def put(table: str, key: Value, value: Value, ttl: float | None = None) -> None:
    """Store a value, for `ttl` seconds if that is said. Raises StashError."""
    _client().put(table, key, value, ttl)


def put_if(table: str, key: Value, expected: Value, value: Value, ttl: float | None = None) -> bool:
    """Store a value where the present one is `expected` (None: there is none); whether that was so. Raises StashError.
    """
    return _client().put_if(table, key, expected, value, ttl)


def add(table: str, key: Value, n: float = 1) -> float:
    """Add to the number of a key, which is 0 where there is none, and return the sum. Raises StashError."""
    return _client().add(table, key, n)


def get(table: str, key: Value, default: Value = None) -> Value:
    """The value of a key, or `default`. Raises StashError."""
    return _client().get(table, key, default)


def delete(table: str, key: Value) -> bool:
    """Remove a key; whether it was there. Raises StashError."""
    return _client().delete(table, key)


def keys(table: str, pattern: str | None = None) -> list[Value]:
    """The keys, or those that a shell pattern fits. Raises StashError."""
    return _client().keys(table, pattern)


def clear(table: str) -> None:
    """Remove all keys. Raises StashError."""
    _client().clear(table)


def info(table: str) -> dict[str, Value]:
    """`size` and `table`. Raises StashError."""
    return _client().info(table)


def ensure(table: str) -> None:
    """Make a table, where there is none of this name. Raises StashError."""
    _client().ensure(table)


def exists(table: str, key: Value = None) -> bool:
    """Whether there is such a table, or such a key in it. Raises StashError."""
    return _client().exists(table, key)


def delete_table(table: str) -> None:
    """Remove a table. Raises StashError."""
    _client().delete_table(table)


def tables() -> list[str]:
    """The names of all tables. Raises StashError."""
    return _client().tables()


def table(name: str) -> StashTable:
    """A table as a mapping. Raises StashError where nobody knows where the stash is."""
    return _client().table(name)
