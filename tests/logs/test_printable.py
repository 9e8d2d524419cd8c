"""Whatever an application leaves in its environ and response: a line of the access log, and never an exception."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.instrument.statsd import Statsd
from gunicorn.logs.atoms import SafeAtoms, basic_user, compile_format, printable
from tests.wsgi.test_gateway import request, serve

from .test_access_format import ENVIRON, REQUEST, RESPONSE, TOOK, config


class Raises:
    """Has no text."""

    def __str__(self) -> str:
        raise RuntimeError("on purpose")

    __repr__ = __str__


class NoText:
    """Its text is none."""

    def __str__(self) -> str:
        return 5  # type: ignore[return-value]


class Tricky(str):
    """Text whose methods cannot be relied on."""

    def __str__(self) -> str:
        raise RuntimeError("on purpose")

    isprintable = partition = split = lower = __getitem__ = __contains__ = __str__  # type: ignore[assignment]


class Breaks:
    """Would break a line."""

    def __str__(self) -> str:
        return 'a"\nb'


# A value, and what stands for it in a line.
VALUES: dict[str, tuple[Any, str]] = {
    "a number": (5, "5"),
    "none": (None, "-"),
    "octets": (b"a\xe9", "a\xe9"),
    "raises": (Raises(), "-"),
    "no text": (NoText(), "-"),
    "tricky text": (Tricky("abc"), "abc"),
    "breaks the line": (Breaks(), 'a\\"\\x0ab'),
    "surrogates": ("a\ud800b", "a\\ud800b"),
    "a list": ([1, "b"], "[1, 'b']"),
    "a list of such": ([Raises()], "-"),
    "truth": (True, "True"),
    "empty": ("", ""),
}
VARIABLES = {"h": "REMOTE_ADDR", "m": "REQUEST_METHOD", "U": "PATH_INFO", "q": "QUERY_STRING", "H": "SERVER_PROTOCOL",
             "f": "HTTP_REFERER", "a": "HTTP_USER_AGENT", "{my.variable}e": "my.variable"}


def formatted(text: str, environ: Any, resp: Any = RESPONSE, req: Any = REQUEST) -> set[str]:
    """The line by every way to make one."""
    logger = Logger(config(access_log_format=text))
    plain = text % SafeAtoms(logger.atoms(resp, req, environ, TOOK))
    lines = {plain, compile_format(text, logger)(resp, req, environ, TOOK)}
    return {line.encode("utf-8", "backslashreplace").decode() for line in lines}


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("atom", VARIABLES)
def test_any_value_of_a_variable(name: str, atom: str) -> None:
    value, written = VALUES[name]
    assert formatted(f"<%({atom})s>", {**ENVIRON, VARIABLES[atom]: value}) == {f"<{written}>"}


@pytest.mark.parametrize("name", VALUES)
def test_any_value_of_a_field(name: str) -> None:
    value, written = VALUES[name]
    odd = [None, "ab", (), ("X",), ("X", value), 5]
    for headers in ([("X", value)], [("X", "1"), ("x", value)], {"X": value}, odd):
        owner = SimpleNamespace(status="200 OK", sent=1, headers=headers)
        assert formatted("<%({x}o)s>", ENVIRON, resp=owner) == {f"<{written}>"}
        assert formatted("<%({x}i)s>", ENVIRON, req=owner) == {f"<{written}>"}


@pytest.mark.parametrize("headers", [None, 5, Raises(), [Raises()], [(Raises(), "a")], [(b"x", b"y")][:0], {1: 2}])
def test_headers_that_are_none(headers: Any) -> None:
    owner = SimpleNamespace(status="200 OK", sent=1, headers=headers)
    assert formatted("%({x}o)s %({x}i)s", ENVIRON, owner, owner) == {"- -"}


@pytest.mark.parametrize(("status", "written"), [
    (None, "-"), ("", "-"), (Raises(), "-"), (Tricky("200 OK"), "200"), (b"200 OK", "200"), (200, "200"), ("  ", "-"),
])
def test_any_status(status: Any, written: str) -> None:
    assert formatted("%(s)s", ENVIRON, SimpleNamespace(status=status, sent=1, headers=[])) == {written}


def test_a_response_and_a_request_without_anything() -> None:
    text = '%(h)s %(l)s %(u)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s" %(m)s %(U)s %(q)s %(H)s %(B)s'
    assert formatted(text, {}, object(), object()) == {'- - - "- - -" - - "-" "-" - - - - -'}
    assert formatted("%({a}i)s %({a}o)s %({a}e)s", {}, object(), object()) == {"- - -"}


def test_the_request_line() -> None:
    environ = {**ENVIRON, "REQUEST_METHOD": 5, "RAW_URI": Raises(), "SERVER_PROTOCOL": b"HTTP/1.1"}
    assert formatted("%(r)s", environ) == {"5 - HTTP/1.1"}


@pytest.mark.parametrize("name", VALUES)
def test_any_credentials(name: str) -> None:
    assert basic_user({"HTTP_AUTHORIZATION": VALUES[name][0]}) is None
    assert formatted("%(u)s", {"HTTP_AUTHORIZATION": VALUES[name][0]}) == {"-"}


def test_names_of_variables_that_are_no_text() -> None:
    assert formatted("%({my.variable}e)s", {1: 2, None: 3, Raises(): 4, **ENVIRON}) == {"mine"}


@pytest.mark.parametrize(("text", "line"), [
    ("%(B)d %(q)d", "1024 -"), ("%(h)5.1f|%(m)5s|%(M)06d", "-|  GET|002034"), ("%(unknown)d", "-"),
    ("%(h)c %(h)x", "- -"),
])
def test_a_number_where_there_is_none(text: str, line: str, caplog: pytest.LogCaptureFixture) -> None:
    logger = Logger(config(accesslog="-", access_log_format=text))
    assert compile_format(text, logger)(RESPONSE, REQUEST, ENVIRON, TOOK) == line
    # Whoever else listens gets the finished line.
    logger.access_log.addHandler(caplog.handler)
    logger.access(RESPONSE, REQUEST, ENVIRON, TOOK)
    assert [record.getMessage() for record in caplog.records] == [line]


@pytest.mark.parametrize("text", ["%", "%d", "%(h", "%(h)", "100% %(m)s", "%(h)y %(m)s", "%s %s"])
def test_a_format_that_is_none(text: str) -> None:
    with pytest.raises(RuntimeError, match=r"access_log_format = .*: at position [03], .*: expected a field") as caught:
        Logger(config(accesslog="-", access_log_format=text))
    assert "\n" not in str(caught.value)


def test_a_format_in_a_language_of_its_own() -> None:
    kind = type("Mine", (Logger,), {"access": lambda *args: None})
    assert kind(config(accesslog="-", access_log_format="%h %l")).cfg.access_log_format == "%h %l"


@pytest.mark.parametrize("method", ["now", "_get_user", "atoms"])
def test_a_subclass_that_raises(method: str, tmp_path: Path) -> None:
    def fail(self: Any, *args: Any) -> Any:
        raise RuntimeError("on purpose")

    path = tmp_path / "access.log"
    kind = type("Mine", (Logger,), {method: fail})
    logger = kind(config(accesslog=str(path), access_log_format="%(m)s %(u)s %(t)s"))
    logger.access(RESPONSE, REQUEST, ENVIRON, TOOK)
    line = path.read_text()
    assert line.startswith("GET ") if method != "atoms" else line == ""


@pytest.mark.parametrize(("status", "name"), [
    ("200 OK", "200"), (b"404 Not Found", "404"), (503, "503"), (None, "unknown"), ("", "unknown"), ("OK", "unknown"),
    (Raises(), "unknown"), ("20\nx", "unknown"),
])
def test_metrics_of_any_status(status: Any, name: str) -> None:
    logger = Statsd(config(statsd_host=("127.0.0.1", 9), statsd_prefix="", dogstatsd_tags=""))
    sent: list[bytes] = []
    logger._sock_send = sent.append  # type: ignore[assignment, method-assign]
    logger.access(SimpleNamespace(status=status, sent=1, headers=[]), REQUEST, ENVIRON, timedelta(seconds=1))
    assert sent[-1] == f"gunicorn.request.status.{name}:1|c|@1.0".encode()
    if logger.sock is not None:
        logger.sock.close()


# On a connection: by the gathered lines of the hot path, and by those of `Logger.access`.


def set_in(environ: dict[str, Any], start_response: Any) -> None:
    environ.update(dict.fromkeys(
        ("HTTP_AUTHORIZATION", "REMOTE_ADDR", "HTTP_REFERER", "HTTP_USER_AGENT", "PATH_INFO", "QUERY_STRING",
         "REQUEST_METHOD", "SERVER_PROTOCOL"), Raises()))


# What an application can reach of the response may be closed to it.
closed_to_it = contextlib.suppress(AttributeError, TypeError)


def no_status(environ: dict[str, Any], start_response: Any) -> None:
    with closed_to_it:
        start_response.__self__.status = None


def other_status(environ: dict[str, Any], start_response: Any) -> None:
    with closed_to_it:
        start_response.__self__.status = Tricky("200 OK")


def nothing_left(environ: dict[str, Any], start_response: Any) -> None:
    environ.clear()


def no_headers(environ: dict[str, Any], start_response: Any) -> None:
    with closed_to_it:
        start_response.__self__.headers = [None, Raises()]


def number_for_credentials(environ: dict[str, Any], start_response: Any) -> None:
    environ["HTTP_AUTHORIZATION"] = 5
    environ["REMOTE_ADDR"] = b"octets"
    environ["HTTP_USER_AGENT"] = "\ud800"


SPOILERS = [set_in, no_status, other_status, nothing_left, no_headers, number_for_credentials]


@pytest.mark.parametrize("text", [
    "%(h)s %(u)s %(s)s %(f)s %(a)s %(m)s %(U)s %(q)s %(H)s %(b)s %(B)s %(r)s",
    "%(h)s %(u)s %(s)s %(f)s %(a)s %(m)s %(U)s %(q)s %(H)s %(b)s %(B)s %(r)s %({x}i)s %({x}o)s %({x}e)s %(none)s",
])
@pytest.mark.parametrize("spoil", SPOILERS, ids=lambda spoil: spoil.__name__)
def test_an_application_that_spoils_what_it_was_given(
    spoil: Callable[..., None], text: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "access.log"
    settings = {"accesslog": str(path), "access_log_format": text}
    cfg = Config()
    for name, value in settings.items():
        cfg.set(name, value)

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        spoil(environ, start_response)
        return [b"abc"]

    logger = Logger(cfg)
    logger.error_log.addHandler(caplog.handler)
    try:
        answer, _ = serve(app, request() + request("GET", "1.1", "Connection: close"), log=logger, **settings)
    finally:
        logger.error_log.removeHandler(caplog.handler)
        logging.getLogger("gunicorn.error").handlers.clear()
    assert answer.count(b"HTTP/1.1 200 OK") == 2
    lines = path.read_text().splitlines()
    assert len(lines) == 2
    assert all(len(line.split()) >= 12 for line in lines)
    assert not caplog.records


def test_printable_is_always_a_plain_str() -> None:
    for value, _ in VALUES.values():
        assert type(printable(value)) is str
