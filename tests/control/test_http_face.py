"""The master's own HTTP, octets in and octets out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunicorn.control import health
from gunicorn.control.conversation import Peer
from gunicorn.control.health import Health
from gunicorn.control.http_face import HTTPFace, Reply
from gunicorn.control.metrics_face import face_of
from gunicorn.instrument.exposition import OPENMETRICS, TEXT
from tests.instrument.test_metrics import parsed, readings

RESOURCES = {"/a": lambda request: Reply(200, "text/plain", b"12345")}
DATE = b"Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
HEAD = b"HTTP/1.1 200 OK\r\n" + DATE + b"Cache-Control: no-store\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n"


def face() -> HTTPFace:
    return HTTPFace(RESOURCES, wall_clock=lambda: 0.0)


def asked(octets: bytes, size: int = 0) -> tuple[bytes, bool]:
    """What is answered, all of it given at once or in pieces, and whether that is the end."""
    spoken = face()
    size = size or max(1, len(octets))
    for at in range(0, len(octets), size):
        spoken.receive(octets[at:at + size])
        while spoken.answer():
            pass
    return bytes(spoken.output), spoken.finished


GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
CASES: dict[str, tuple[bytes, bytes, bool]] = {
    "get": (GET, HEAD + b"\r\n12345", False),
    "two in a row": (GET * 2, (HEAD + b"\r\n12345") * 2, False),
    "head": (b"HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n" + GET, HEAD + b"\r\n" + HEAD + b"\r\n12345", False),
    "query": (b"GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n", HEAD + b"\r\n12345", False),
    "close": (b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" + GET,
              HEAD + b"Connection: close\r\n\r\n12345", True),
    "old": (b"GET /a HTTP/1.0\r\n\r\n" + GET, HEAD + b"Connection: close\r\n\r\n12345", True),
    "old, kept": (b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", HEAD + b"Connection: keep-alive\r\n\r\n12345",
                  False),
    "with content": (b"GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" + GET,
                     (HEAD + b"\r\n12345") * 2, False),
    "in chunks": (b"GET /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" + GET,
                  (HEAD + b"\r\n12345") * 2, False),
    "asks before it sends": (
        b"GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n",
        HEAD + b"Connection: close\r\n\r\n12345", True,
    ),
    "unfinished": (GET[:-2], b"", False),
    "nothing": (b"", b"", False),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_answered(name: str) -> None:
    octets, answer, ends = CASES[name]
    assert asked(octets) == (answer, ends)
    assert asked(octets, 1) == (answer, ends)
    assert asked(octets, 7) == (answer, ends)


@pytest.mark.parametrize(("octets", "line", "field"), [
    (b"GET /b HTTP/1.1\r\nHost: x\r\n\r\n", b"404 Not Found", b""),
    (b"POST /b HTTP/1.1\r\nHost: x\r\n\r\n", b"404 Not Found", b""),
    (b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", b"405 Method Not Allowed", b"Allow: GET, HEAD\r\n"),
    (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", b"404 Not Found", b""),
    (b"rubbish\r\n\r\n", b"400 Bad Request", b"Connection: close\r\n"),
    (b"GET /a HTTP/1.1\r\n\r\n", b"400 Bad Request", b"Connection: close\r\n"),
    (b"GET /a HTTP/1.1\nHost: x\n\n", b"400 Bad Request", b"Connection: close\r\n"),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n", b"400 Bad Request", b"Connection: close\r\n"),
    (b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"414 ", b"Connection: close\r\n"),
    (b"GET /a HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 9000 + b"\r\n\r\n", b"431 ", b"Connection: close\r\n"),
    (b"GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n", b"413 ", b"Connection: close\r\n"),
    (b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", b"501 ", b"Connection: close\r\n"),
])
def test_what_is_not_there_or_no_request(octets: bytes, line: bytes, field: bytes) -> None:
    answer, _ = asked(octets)
    assert answer.startswith(b"HTTP/1.1 " + line), answer
    assert field in answer
    assert asked(octets + GET if b"close" not in field else octets, 1)[0].startswith(answer[:20])


def test_after_a_refusal_nothing_more_is_answered() -> None:
    spoken = face()
    spoken.receive(b"rubbish\r\n\r\n" + GET)
    assert spoken.answer()
    assert spoken.finished
    assert not spoken.answer()
    spoken.receive(GET)
    assert not spoken.answer()
    assert spoken.output.count(b"HTTP/1.1") == 1


@given(st.lists(st.one_of(st.binary(max_size=40), st.just(GET), st.just(b"\r\n"), st.just(b"")), max_size=8))
def test_whatever_comes_is_answered_or_waited_for(pieces: list[bytes]) -> None:
    spoken = face()
    for piece in pieces:
        spoken.receive(piece)
        for _ in range(30):
            if not spoken.answer():
                break
        else:
            raise AssertionError("more answers than requests")
    assert not spoken.output or spoken.output.startswith(b"HTTP/1.1 ")


# Health.


def told(path: str, state: Health) -> tuple[int, Any]:
    spoken = HTTPFace(health.resources(lambda: state))
    spoken.receive(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert spoken.answer()
    head, _, body = bytes(spoken.output).partition(b"\r\n\r\n")
    assert b"Content-Type: application/json" in head
    return int(head[9:12]), json.loads(body)


WELL = Health(True, "", False)
BEGINS = Health(False, "no worker is ready yet", False)
LEAVES = Health(True, "the server is about to stop", True)


@pytest.mark.parametrize(("path", "state", "status"), [
    *((path, state, 200) for path in ("/health/live", "/livez") for state in (WELL, BEGINS, LEAVES)),
    *((path, state, 503 if state is BEGINS else 200) for path in ("/health/startup", "/startupz")
      for state in (WELL, BEGINS, LEAVES)),
    *((path, state, 200 if state is WELL else 503) for path in ("/health/ready", "/readyz")
      for state in (WELL, BEGINS, LEAVES)),
    ("/readyz?drain=404", WELL, 200), ("/readyz?drain=404", LEAVES, 404), ("/readyz?drain=404", BEGINS, 503),
    ("/readyz?drain=4040", LEAVES, 503),
])
def test_health(path: str, state: Health, status: int) -> None:
    code, said = told(path, state)
    assert code == status
    if code != 200:
        assert said["reason"] == state.not_ready
    assert said["status"]


def test_metrics_are_given_as_they_are_liked() -> None:
    for accept, chosen in (("application/openmetrics-text", OPENMETRICS), ("*/*", TEXT)):
        spoken = face_of(readings, lambda: WELL)(Peer(("127.0.0.1", 1)))
        spoken.receive(f"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\n\r\n".encode())
        assert spoken.answer()
        head, _, body = bytes(spoken.output).partition(b"\r\n\r\n")
        assert f"Content-Type: {chosen.content_type}".encode() in head
        assert b"Vary: Accept" in head
        assert parsed(body, chosen)["gunicorn_ready", frozenset()] == 1
