"""The tables of the stash, without a socket."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunicorn.tasks.errors import DirtyProtocolError, StashError
from gunicorn.tasks.stash_tables import NO_KEY, NO_TABLE, StashTables
from gunicorn.tasks.values import decode, encode


def ask(tables: StashTables, *request: object, value: object = ..., now: float = 0.0) -> object:
    """Operation, table, key, argument: what is left out is None."""
    full = [*request, *[None] * (4 - len(request))]
    return decode(tables.perform(encode(full) + (b"" if value is ... else encode(value)), now))


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
                                    encode(["get", 3, "k", None]), b"\xff",
                                    encode([[], "t", None, None]), encode(["put_if", "t", "k", 1]) + encode(1)])
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


def test_what_is_stored_for_a_while() -> None:
    tables = StashTables()
    ask(tables, "put", "t", "short", 5.0, value=1, now=10.0)
    ask(tables, "put", "t", "long", 50, value=2, now=10.0)
    ask(tables, "put", "t", "ever", value=3, now=10.0)
    assert tables.due == 15.0
    assert ask(tables, "get", "t", "short", now=14.9) == 1
    assert ask(tables, "keys", "t", now=15.0) == ["long", "ever"]
    with pytest.raises(StashError, match=NO_KEY):
        ask(tables, "get", "t", "short", now=15.0)
    # Stored anew, it stays; removed and stored anew, too.
    ask(tables, "put", "t", "long", value=4, now=20.0)
    assert ask(tables, "info", "t", now=1000.0) == {"size": 2, "table": "t"}
    ask(tables, "put", "t", "again", 5.0, value=1, now=1000.0)
    ask(tables, "delete", "t", "again", now=1001.0)
    ask(tables, "put", "t", "again", 20.0, value=1, now=1001.0)
    assert ask(tables, "exists", "t", "again", True, now=1006.0) is True
    tables.expire(1021.0)
    assert (tables.entries, ask(tables, "keys", "t", now=1021.0)) == (2, ["long", "ever"])
    ask(tables, "delete_table", "t")
    assert (tables.octets, tables.entries, tables.count) == (0, 0, 0)


@pytest.mark.parametrize("seconds", [0, -1, True, "5", float("nan"), float("inf"), 1e12])
def test_times_that_are_none(seconds: object) -> None:
    tables = StashTables()
    with pytest.raises(StashError, match="as ttl"):
        ask(tables, "put", "t", "k", seconds, value=1)
    assert (tables.entries, tables.count) == (0, 0)


def test_times_that_do_not_hold_any_more_are_not_kept() -> None:
    tables = StashTables()
    for number in range(1000):
        ask(tables, "put", "t", "k", 3600, value=number)
    assert len(tables._order) < 100
    ask(tables, "clear", "t")
    assert (tables.octets, tables.entries) == (0, 0)


def test_numbers_are_added() -> None:
    tables = StashTables()
    assert [ask(tables, "add", "t", "k", number) for number in (1, 2, -5, 0.5)] == [1, 3, -2, -1.5]
    assert ask(tables, "get", "t", "k") == -1.5
    ask(tables, "put", "t", "timed", 5.0, value=7, now=1.0)
    assert ask(tables, "add", "t", "timed", 1, now=2.0) == 8
    assert tables.due == 6.0
    ask(tables, "put", "t", "text", value="x")
    for key, number in (("text", 1), ("k", "1"), ("k", True), ("k", None)):
        with pytest.raises(StashError, match="Only a number"):
            ask(tables, "add", "t", key, number)
    ask(tables, "put", "t", "large", value=10**400)
    with pytest.raises(StashError, match="too large"):
        ask(tables, "add", "t", "large", 0.5)
    assert ask(tables, "add", "t", "large", 1) == 10**400 + 1


@pytest.mark.parametrize(
    ("there", "expected", "fits"),
    [(..., None, True), (None, None, True), (..., 1, False), (1, None, False), (1, 1.0, True), ("x", b"x", False),
     ({"b": 1, "a": [2]}, {"a": [2], "b": 1}, True)],
)
def test_a_value_is_stored_where_another_one_is(there: object, expected: object, fits: bool) -> None:
    tables = StashTables()
    if there is not ...:
        ask(tables, "put", "t", "k", value=there)
    assert ask(tables, "put_if", "t", "k", [expected, 5.0], value="new") is fits
    if fits:
        assert (ask(tables, "get", "t", "k"), tables.due) == ("new", 5.0)
    else:
        assert tables.due is None


OPERATIONS = st.tuples(
    st.sampled_from(["put", "add", "put_if", "delete", "clear", "delete_table", "get", "ensure"]),
    st.sampled_from(["t", "u"]), st.sampled_from([1, "a", "b", None, b"c"]), st.sampled_from([None, 0.5, 3]),
    st.sampled_from([1, "x" * 50, None]), st.floats(0, 2),
)


@given(st.lists(OPERATIONS, max_size=40))
def test_what_is_counted_is_there(operations: list[tuple[str, str, object, float | None, object, float]]) -> None:
    tables, now = StashTables(most=1500), 0.0
    for name, table, key, seconds, value, passes in operations:
        now += passes
        argument = {"put": seconds, "add": 1, "put_if": [1, seconds]}.get(name)
        try:
            ask(tables, name, table, key, argument, value=value, now=now)
        except StashError:
            continue
        finally:
            entries = sum(len(each) for each in tables._tables.values())
            assert tables.entries == entries
            assert 0 <= tables.octets <= 1500
            assert set(tables._ends) <= {(name, key) for name, each in tables._tables.items() for key in each}
    for table in ("t", "u"):
        ask(tables, "delete_table", table, now=now)
    assert (tables.octets, tables.entries) == (0, 0)
