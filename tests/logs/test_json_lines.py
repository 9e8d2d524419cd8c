"""Both logs as JSON: one object a line, of plain US-ASCII, whatever is in it; both ways of an access line the same."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunicorn.gateway.access_json import JSONLines
from gunicorn.gateway.prefixes import Prefixes
from gunicorn.gateway.response import Response
from gunicorn.glogging import Logger
from gunicorn.http.request import Request
from gunicorn.logs.json_lines import JSONFormatter, access_line, decimal, stamp
from gunicorn.logs.traces import traces
from gunicorn.wsgi.error_stream import ErrorStream
from tests.logs.test_access_format import ENVIRON, REQUEST, RESPONSE, TOOK, config

KEYS = ["time", "level", "logger", "message", "pid"]
ACCESS_KEYS = [
    *KEYS, "method", "path", "query", "status", "duration", "bytes", "remote", "user_agent", "referer", "host",
    "protocol", "request_id",
]
WALL = 1764244215.25

#: What was sent, or printed, and how a reader of the log has it.
HOSTILE = [
    ("a\nb\r\nc", "a\nb\r\nc"),
    ('"},{"level":"x', '"},{"level":"x'),
    ("\x00\x1b[2J\x7f\x85", "\x00\x1b[2J\x7f\\x85"),
    ("back\\slash", "back\\slash"),
    ("\xc3\xa9", "é"),
    ("\xff\xfe", "\\xff\\xfe"),
    ("\u2028\u202e\U000e0041", "\u2028\u202e\U000e0041"),
    ("\udcff\ud800", "\\udcff\\ud800"),
    ("x" * 300_000, "x" * 300_000),
    ("", ""),
]


def parsed(line: str) -> dict[str, Any]:
    """A line of the log, which is one line and plain for whoever reads it."""
    assert line.isascii()
    assert line.isprintable()

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len({name for name, _ in pairs}) == len(pairs)
        return dict(pairs)

    found: dict[str, Any] = json.loads(line, object_pairs_hook=once)
    # Readers that want Unicode find it.
    json.dumps(found, ensure_ascii=False).encode()
    return found


def record(message: object, *args: object, error: BaseException | None = None) -> logging.LogRecord:
    info = (type(error), error, error.__traceback__) if error is not None else None
    return logging.LogRecord("gunicorn.error", logging.ERROR, __file__, 1, message, args, info)  # type: ignore[arg-type]


class Odd:
    def __str__(self) -> str:
        raise ZeroDivisionError

    __repr__ = __str__


# The error log.


def test_the_members_of_a_record() -> None:
    made = record("told %s", "twice")
    made.created = WALL
    assert parsed(JSONFormatter().format(made)) == {
        "time": "2025-11-27T11:50:15.250000Z", "level": "ERROR", "logger": "gunicorn.error", "message": "told twice",
        "pid": os.getpid(),
    }


@pytest.mark.parametrize(("text", "seen"), HOSTILE, ids=range(len(HOSTILE)))
def test_whatever_an_application_says_is_one_object(text: str, seen: str) -> None:
    found = parsed(JSONFormatter().format(record("%s", text)))
    assert list(found) == KEYS
    # Characters of an application are what they are.
    assert found["message"] == text.encode("utf-8", "backslashreplace").decode()
    assert seen or not text


@pytest.mark.parametrize(("message", "args", "seen"), [
    ("%d apples", ("many",), "%d apples ('many',)"), (Odd(), (), "-"), ("%s", (Odd(),), "%s -"),
    (b"\xff", (), "b'\\xff'"), ("100 %", (), "100 %"),
])
def test_what_has_no_text_is_told_all_the_same(message: object, args: tuple[object, ...], seen: str) -> None:
    assert parsed(JSONFormatter().format(record(message, *args)))["message"] == seen


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:
        return caught


def test_an_exception_is_one_object() -> None:
    error = raised(ValueError('a "quoted"\nline\udc80'))
    found = parsed(JSONFormatter().format(record("oops", error=error)))
    assert list(found) == [*KEYS, "exception"]
    assert list(found["exception"]) == ["type", "message", "stack"]
    assert found["exception"]["type"] == "ValueError"
    assert found["exception"]["message"] == 'a "quoted"\nline\\udc80'
    assert found["exception"]["stack"].startswith("Traceback (most recent call last):\n")


def test_an_exception_that_cannot_be_printed() -> None:
    class Silent(Exception):
        __str__ = Odd.__str__

    found = parsed(JSONFormatter().format(record("oops", error=raised(Silent()))))
    assert found["exception"]["message"] == "-"
    assert found["exception"]["type"].endswith("Silent")


def test_no_exception_where_there_is_none() -> None:
    made = record("oops")
    made.exc_info = (None, None, None)
    assert parsed(JSONFormatter().format(made))["exception"] is None


@pytest.mark.parametrize(("seconds", "text"), [
    (0.0, "1970-01-01T00:00:00.000000Z"), (1764244215.9999999, "2025-11-27T11:50:16.000000Z"),
    (1709208000.000001, "2024-02-29T12:00:00.000001Z"),
])
def test_moments(seconds: float, text: str) -> None:
    assert stamp(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [
    (0.0, "0.000000"), (-1.0, "0.000000"), (0.0000006, "0.000001"), (86400.5, "86400.500000"), (0.9999996, "1.000000"),
])
def test_durations(seconds: float, text: str) -> None:
    assert decimal(seconds) == text


# The access log.


class Bench:
    """Makes a line both ways."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.lines = JSONLines(SimpleNamespace(now=lambda: ""), self._write, None, lambda: WALL)  # type: ignore[arg-type]
        self.prefixes = Prefixes(b"gunicorn")

    def _write(self, text: str) -> bool:
        self.written.append(text)
        return True

    def line(self, response: Response, environ: dict[str, Any], seconds: float = 0.25) -> str:
        self.written.clear()
        self.lines.add(response, environ, self.prefixes, seconds, 1.0)
        assert self.lines.flush()
        (quick,) = self.written
        full = access_line(response, response.request, environ, timedelta(seconds=seconds), WALL)
        assert quick == full + "\n"
        return full


def answered(path: str = "/a", query: str = "b", status: Any = "200 OK", trusted: bool = False) -> Response:
    request = Request()
    request.method, request.path, request.query = "GET", path, query
    request.uri = f"{path}?{query}"
    request.forwarder_trusted = trusted
    response = Response(None, None, request, False)
    response.status, response.sent = status, 12
    return response


ORDINARY = {
    "REQUEST_METHOD": "GET", "RAW_URI": "/a?b", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "192.0.2.7",
    "HTTP_REFERER": "http://here/", "HTTP_USER_AGENT": "curl/8", "HTTP_HOST": "example.org",
}


def test_the_members_of_an_access_line() -> None:
    line = Bench().line(answered(), ORDINARY)
    found = parsed(line)
    assert list(found) == ACCESS_KEYS
    assert found == {
        "time": "2025-11-27T11:50:15.250000Z", "level": "INFO", "logger": "gunicorn.access", "message": "GET /a 200",
        "pid": os.getpid(), "method": "GET", "path": "/a", "query": "b", "status": 200, "duration": 0.25, "bytes": 12,
        "remote": "192.0.2.7", "user_agent": "curl/8", "referer": "http://here/", "host": "example.org",
        "protocol": "HTTP/1.1", "request_id": None,
    }


@pytest.mark.parametrize(("text", "seen"), HOSTILE, ids=range(len(HOSTILE)))
def test_whatever_a_client_sends_is_one_object(text: str, seen: str) -> None:
    environ = {**ORDINARY, "HTTP_USER_AGENT": text, "HTTP_REFERER": text, "HTTP_HOST": text}
    found = parsed(Bench().line(answered("/" + text, text), environ))
    assert list(found) == ACCESS_KEYS
    assert (found["user_agent"], found["referer"], found["host"], found["query"]) == (seen,) * 4
    assert found["path"] == "/" + seen
    assert found["message"] == f"GET /{seen} 200"


@pytest.mark.parametrize(("trace", "span"), [("0af7", "b7ad"), ("", None), (5, "\u20ac"), ('"', "\n")])
def test_the_ids_of_a_trace(trace: object, span: object) -> None:
    found = parsed(Bench().line(answered(), {**ORDINARY, "gunicorn.trace_id": trace, "gunicorn.span_id": span}))
    assert list(found) == [*ACCESS_KEYS, "trace_id", "span_id"]
    assert found["trace_id"] == str(trace)
    assert found["span_id"] == span


def test_a_line_of_the_error_log_has_the_ids_of_a_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[BaseException | None] = []

    def find(error: BaseException | None) -> tuple[str, str] | None:
        asked.append(error)
        return ("0af7", "b7ad") if error is not None else None

    monkeypatch.setattr(traces, "find", find)
    error = raised(ValueError("oops"))
    found = parsed(JSONFormatter().format(record("oops", error=error)))
    assert (found["trace_id"], found["span_id"]) == ("0af7", "b7ad")
    assert list(parsed(JSONFormatter().format(record("fine")))) == KEYS
    assert asked == [error, None]


@pytest.mark.parametrize(("status", "code"), [
    ("200 OK", 200), ("418", 418), (b"204 No Content", 204), (404, 404), (None, None), ("", None), ("OK", None),
    ("2\u00b20", None), (Odd(), None),
])
def test_each_kind_of_status(status: Any, code: int | None) -> None:
    assert parsed(Bench().line(answered(status=status), ORDINARY))["status"] == code


@pytest.mark.parametrize(("name", "value", "seen"), [
    ("REMOTE_ADDR", "", None), ("REMOTE_ADDR", None, None), ("HTTP_USER_AGENT", 5, "5"),
    ("HTTP_USER_AGENT", Odd(), "-"),
    ("HTTP_USER_AGENT", b"\xff", "\\xff"),
])
def test_what_an_application_has_put_into_its_environ(name: str, value: object, seen: object) -> None:
    found = parsed(Bench().line(answered(), {**ORDINARY, name: value}))
    assert found["remote" if name == "REMOTE_ADDR" else "user_agent"] == seen


@pytest.mark.parametrize(("trusted", "value", "queue"), [
    (True, f"t={WALL - 0.25 - 0.5:.3f}", 0.5), (True, f"{(WALL - 1.25) * 1000:.0f}", 1.0),
    (False, f"t={WALL - 9:.3f}", None), (True, "t=x", None), (True, None, None),
])
def test_queue_time_when_it_is_known(trusted: bool, value: object, queue: float | None) -> None:
    found = parsed(Bench().line(answered(trusted=trusted), {**ORDINARY, "HTTP_X_REQUEST_START": value}))
    assert found.get("queue") == (pytest.approx(queue) if queue is not None else None)
    assert ("queue" in found) is (queue is not None)


VALUES = st.one_of(st.none(), st.text(max_size=6), st.integers(), st.binary(max_size=3))


@given(
    st.text(max_size=8), st.text(max_size=8), st.one_of(VALUES, st.just("200 OK")),
    st.dictionaries(st.sampled_from(sorted([*ORDINARY, "gunicorn.request_id"])), VALUES), st.floats(0, 1e6),
)
def test_both_ways_write_the_same_object(
    path: str, query: str, status: Any, changes: dict[str, Any], seconds: float
) -> None:
    line = Bench().line(answered("/" + path, query, status), {**ORDINARY, **changes}, seconds)
    assert list(parsed(line)) == ACCESS_KEYS


def test_long_lines_count_for_several() -> None:
    bench = Bench()
    bench.lines.add(answered("/" + "x" * 600_000), ORDINARY, bench.prefixes, 0.1, 1.0)
    assert bench.lines.due(1.0)


# Loggers.


def redirected(monkeypatch: pytest.MonkeyPatch) -> tuple[io.StringIO, io.StringIO]:
    """Standard output and standard error from now on."""
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    return out, err


def test_a_logger_writes_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    streams = redirected(monkeypatch)
    log = Logger(config(log_format="json", accesslog="-"))
    log.access(RESPONSE, REQUEST, ENVIRON, TOOK)
    log.warning("two\nlines")
    (line,) = streams[0].getvalue().splitlines()
    assert parsed(line)["path"] == "/a/b"
    (line,) = streams[1].getvalue().splitlines()
    assert parsed(line)["message"] == "two\nlines"
    assert log.line_writer() is not None


def test_what_others_write_to_the_access_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """An application, or a server of somebody else's on our sockets."""
    streams = redirected(monkeypatch)
    log = Logger(config(log_format="json", accesslog="-"))
    log.access_log.info("two\n%s", "lines")
    log.access_log.addHandler(logging.NullHandler())
    log.access(RESPONSE, REQUEST, ENVIRON, TOOK)
    first, second = map(parsed, streams[0].getvalue().splitlines())
    assert (list(first), first["message"], first["logger"]) == (KEYS, "two\nlines", "gunicorn.access")
    assert list(second) == ACCESS_KEYS


def test_a_listener_gets_the_line_and_the_atoms(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    streams = redirected(monkeypatch)
    log = Logger(config(log_format="json", accesslog="-"))
    log.access_log.addHandler(caplog.handler)
    log.access(RESPONSE, REQUEST, ENVIRON, TOOK)
    (seen,) = caplog.records
    assert parsed(seen.getMessage()) == parsed(streams[0].getvalue().rstrip("\n"))
    assert isinstance(seen.args, dict)
    assert seen.args["U"] == "/a/b"


def test_an_access_of_its_own_has_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    streams = redirected(monkeypatch)
    class Own(Logger):
        def access(self, resp: Any, req: Any, environ: Any, request_time: Any) -> None:
            if environ["PATH_INFO"] == "/own":
                self.access_log.info("mine: %s", resp.status)
            else:
                super().access(resp, req, environ, request_time)

    log = Own(config(log_format="json", accesslog="-"))
    assert log.line_writer() is None
    log.access(RESPONSE, REQUEST, {**ENVIRON, "PATH_INFO": "/own"}, TOOK)
    log.access(RESPONSE, REQUEST, ENVIRON, TOOK)
    first, second = streams[0].getvalue().splitlines()
    assert first == "mine: 201 Created"
    assert parsed(second)["status"] == 201


def test_a_configuration_of_logging_has_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    streams = redirected(monkeypatch)
    handlers = {"plain": {"class": "logging.StreamHandler", "stream": streams[1], "formatter": "words"}}
    loggers = {"gunicorn.error": {"handlers": ["plain"], "level": "INFO", "propagate": False}}
    formatters = {"words": {"format": "words: %(message)s"}}
    told = {"version": 1, "handlers": handlers, "loggers": loggers, "formatters": formatters, "root": {"handlers": []}}
    log = Logger(config(log_format="json", logconfig_dict=told))
    log.error("hello")
    assert streams[1].getvalue() == "words: hello\n"


def test_what_an_application_prints_to_its_error_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    streams = redirected(monkeypatch)
    log = Logger(config(log_format="json"))
    errors = ErrorStream(log)
    print("one", 2, file=errors)
    errors.write("\nthree\nfo")
    errors.write("ur\n")
    errors.write("unfinished")
    found = [parsed(line) for line in streams[1].getvalue().splitlines()]
    assert [each["message"] for each in found] == ["one 2", "three", "four"]
    assert {each["logger"] for each in found} == {"wsgi.errors"}
    log.error_log.handlers[0].flush()
    assert parsed(streams[1].getvalue().splitlines()[-1])["message"] == "unfinished"


def test_a_line_without_an_end_is_not_kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    streams = redirected(monkeypatch)
    errors = ErrorStream(Logger(config(log_format="json")))
    for _ in range(3):
        errors.write("x" * 30_000)
    (line,) = streams[1].getvalue().splitlines()
    assert parsed(line)["message"] == "x" * 90_000


def test_text_is_printed_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    streams = redirected(monkeypatch)
    ErrorStream(Logger(config())).write("half")
    assert streams[1].getvalue() == "half"
