"""The id of a request: whose is taken, how one is made, and that no other name can stand for the field."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunicorn.gateway.request_ids import RequestIds, uuid7
from gunicorn.http.fields import ORDINARY, FieldName
from gunicorn.http.request import Request
from gunicorn.http.response import FieldLines
from gunicorn.logs.request_ids import RequestFormatter, RequestIdFilter, current_request_id
from tests.logs.test_json_lines import record

MADE = "019ac51b-7512-7000-8000-000000000000"


def ids() -> RequestIds:
    return RequestIds("X-Request-ID", lambda: 0x019AC51B7512 / 1000, bytes)


def request_with(*fields: tuple[bytes, str], trusted: bool = True) -> Request:
    request = Request()
    request.fields = [(FieldName(name, ORDINARY, ""), value) for name, value in fields]
    request.forwarder_trusted = trusted
    return request


@given(st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
def test_ids_are_uuids_of_version_7(milliseconds: int, chance: bytes) -> None:
    text = uuid7(milliseconds, chance)
    made = uuid.UUID(text)
    assert str(made) == text
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == milliseconds
    number = int.from_bytes(chance)
    assert made.int >> 64 & 0xFFF == number >> 68
    assert made.int & (1 << 62) - 1 == number & (1 << 62) - 1


def test_the_example_of_the_standard() -> None:
    """RFC 9562, appendix A.6: rand_a 0xCC3, rand_b 0x18C4DC0C0C07398F."""
    chance = (0xCC3 << 68 | 0x18C4DC0C0C07398F).to_bytes(10)
    assert uuid7(0x017F22E279B0, chance) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


def test_each_is_another() -> None:
    several = RequestIds("X-Request-ID")
    assert len({several.make() for _ in range(1000)}) == 1000


@pytest.mark.parametrize("value", ["a", "A-b_c.9", "x" * 128, "019ac51b-7512-7000-8000-000000000001", ".", "-"])
def test_what_a_trusted_peer_says_is_taken(value: str) -> None:
    request = request_with((b"Host", "h"), (b"x-request-id", value))
    fields = request.fields
    assert ids().give(request) == request.request_id == value
    assert request.fields is fields


@pytest.mark.parametrize(
    "value", ["", "x" * 129, "a b", "a\x85", "\xe9", "a,b", "a\n", "{}", '"', "a/b", "a:b", "\u0661"],
)
def test_what_is_no_id_is_replaced(value: str) -> None:
    request = request_with((b"x-request-id", value), (b"Host", "h"))
    assert ids().give(request) == MADE
    assert request.headers == [("HOST", "h"), ("X-REQUEST-ID", MADE)]


@pytest.mark.parametrize("fields", [
    [], [(b"x-request-id", "mine")], [(b"X-Request-Id", "mine"), (b"x-request-id", "mine")],
    [(b"x_request_id", "mine")],
])
def test_nobody_else_chooses_one(fields: list[tuple[bytes, str]]) -> None:
    request = request_with(*fields, trusted=False)
    assert ids().give(request) == MADE
    assert request.headers == [("X-REQUEST-ID", MADE)]


@pytest.mark.parametrize("fields", [
    [(b"x-request-id", "one"), (b"x-request-id", "two")], [(b"x-request-id", "one"), (b"X_REQUEST_ID", "two")],
])
def test_of_two_none_is_taken(fields: list[tuple[bytes, str]]) -> None:
    request = request_with(*fields)
    assert ids().give(request) == MADE
    assert request.headers == [("X-REQUEST-ID", MADE)]


def test_octets_say_the_same() -> None:
    request = request_with((b"x-request-id", "mine"), trusted=False)
    request.octets = [(b"host", b"h"), (b"x-request-id", b"mine"), (b"x_request_id", b"mine")]
    ids().give(request)
    assert request.octets == [(b"host", b"h"), (b"x-request-id", MADE.encode())]


def test_a_request_keeps_its_id() -> None:
    several = RequestIds("X-Request-ID")
    request = request_with()
    assert several.give(request) == several.give(request)
    assert Request().request_id is None


def test_the_headers_of_a_hook_that_looked_before_are_made_anew() -> None:
    request = request_with((b"x-request-id", "mine"), trusted=False)
    assert request.headers == [("X-REQUEST-ID", "mine")]
    ids().give(request)
    assert request.headers == [("X-REQUEST-ID", MADE)]


@pytest.mark.parametrize(("name", "there"), [
    ("X-Request-ID", True), ("x-request-id", True), ("X-Request-IDs", False), ("X-Request", False),
])
def test_whether_a_response_has_it(name: str, there: bool) -> None:
    lines = FieldLines()
    assert ids().is_in([lines.learn(("A", "b")), lines.learn((name, "x"))]) is there


def test_the_field_of_a_response() -> None:
    made, learned = ids().line("a.b-c_9"), FieldLines().learn(("X-Request-ID", "a.b-c_9"))
    for name in ("kind", "line", "value", "length"):
        assert getattr(made, name) == getattr(learned, name)


def test_lines_are_about_the_request_that_runs() -> None:
    several = ids()
    outer, inner = request_with((b"x-request-id", "outer")), request_with((b"x-request-id", "inner"))
    for request in (outer, inner):
        several.give(request)
    assert several.enter(outer) is None
    before = several.enter(inner)
    assert (before, current_request_id()) == ("outer", "inner")
    several.leave(before)
    assert current_request_id() == "outer"
    several.leave()
    assert current_request_id() is None


def test_text_lines_bear_it_in_front() -> None:
    several, request = ids(), request_with((b"x-request-id", "mine"))
    several.give(request)
    formatter = RequestFormatter("<%(levelname)s> %(message)s")
    made = record("hello")
    assert formatter.format(made) == "<ERROR> hello"
    several.enter(request)
    try:
        assert formatter.format(made) == "<ERROR> [mine] hello"
        assert made.message == "hello"
    finally:
        several.leave()
    made.request_id = "told"
    assert formatter.format(made) == "<ERROR> [told] hello"


def test_a_filter_for_other_configurations() -> None:
    made = record("hello")
    assert RequestIdFilter().filter(made)
    assert made.request_id == "-"  # type: ignore[attr-defined]
    assert RequestFormatter("%(message)s").format(made) == "hello"
