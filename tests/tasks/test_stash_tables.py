"""The tables of the stash, without a socket."""

from __future__ import annotations

import pytest

from gunicorn.tasks.errors import DirtyProtocolError, StashError
from gunicorn.tasks.stash_tables import NO_KEY, NO_TABLE, StashTables
from gunicorn.tasks.values import decode, encode


def ask(tables: StashTables, *request: object, value: object = ...) -> object:
    """Operation, table, key, argument: what is left out is None."""
    full = [*request, *[None] * (4 - len(request))]
    return decode(tables.perform(encode(full) + (b"" if value is ... else encode(value))))


def test_a_value_is_kept_and_removed() -> None:
    tables = StashTables()
    assert ask(tables, "put", "t", "k", value={"a": [1]}) is None
    assert ask(tables, "get", "t", "k") == {"a": [1]}
    assert [ask(tables, "exists", "t"), ask(tables, "exists", "u"), ask(tables, "exists", "t", "k", True),
            ask(tables, "exists", "t", "x", True)] == [True, False, True, False]
    assert ask(tables, "info", "t") == {"size": 1, "table": "t"}
    assert [ask(tables, "delete", "t", "k"), ask(tables, "delete", "t", "k")] == [True, False]
    assert tables.octets == 0


def test_keys_and_patterns() -> None:
    tables = StashTables()
    for key in ("user:1", "user:2", "job:1", 7, 10):
        ask(tables, "put", "t", key, value=1)
    assert ask(tables, "keys", "t") == ["user:1", "user:2", "job:1", 7, 10]
    assert ask(tables, "keys", "t", None, "user:*") == ["user:1", "user:2"]
    assert ask(tables, "keys", "t", None, "?") == [7]


def test_a_table_that_is_not_there_has_nothing() -> None:
    tables = StashTables()
    assert [ask(tables, "keys", "t"), ask(tables, "delete", "t", "k"), ask(tables, "items", "t")] == [[], False, 0]
    assert ask(tables, "tables", "") == []


def test_tables_come_and_go() -> None:
    tables = StashTables()
    ask(tables, "ensure", "a")
    ask(tables, "put", "b", "k", value="x")
    assert ask(tables, "tables", "") == ["a", "b"]
    ask(tables, "clear", "b")
    assert ask(tables, "info", "b") == {"size": 0, "table": "b"}
    for name in ("a", "b", "never"):
        ask(tables, "delete_table", name)
        ask(tables, "clear", name)
    assert ask(tables, "tables", "") == []
    assert tables.octets == 0


@pytest.mark.parametrize(
    ("request_", "message"),
    [(("get", "t", "k"), NO_TABLE), (("get", "u", "k"), NO_KEY), (("info", "t"), NO_TABLE),
     (("put", "t", [1]), "A key of the stash cannot be a list"), (("put", "t", {}), "cannot be a dict")],
)
def test_what_is_refused(request_: tuple[object, ...], message: str) -> None:
    tables = StashTables()
    ask(tables, "ensure", "u")
    with pytest.raises(StashError, match=message):
        ask(tables, *request_, value=1)
    assert tables.octets == 0


@pytest.mark.parametrize("octets", [b"", encode(1), encode([1, 2]), encode(["explode", "t", None, None]),
                                    encode(["get", 3, "k", None]), b"\xff"])
def test_what_is_no_request(octets: bytes) -> None:
    with pytest.raises(DirtyProtocolError):
        StashTables().perform(octets)


def test_the_stash_is_bounded_and_what_is_removed_makes_room() -> None:
    tables = StashTables(most=1000)
    ask(tables, "put", "t", "a", value="x" * 500)
    with pytest.raises(StashError, match="full"):
        ask(tables, "put", "u", "b", value="x" * 500)
    # A table that a refused value would have made is not there either.
    assert ask(tables, "tables", "") == ["t"]
    ask(tables, "put", "t", "a", value="y" * 600)
    with pytest.raises(StashError, match="full"):
        ask(tables, "put", "t", "a", value="x" * 1000)
    assert ask(tables, "get", "t", "a") == "y" * 600
    ask(tables, "clear", "t")
    ask(tables, "put", "u", "b", value="x" * 800)
