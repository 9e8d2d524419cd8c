"""The access line: atoms, escaping, and a compiled format that agrees with the plain one."""

from __future__ import annotations

import base64
import os
import re
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunicorn.glogging import Logger
from gunicorn.logs.atoms import SafeAtoms, clf_time, compile_format, escape


def config(**changes: Any) -> Any:
    """The settings that a logger looks at."""
    values: dict[str, Any] = {
        "errorlog": "-",
        "accesslog": None,
        "loglevel": "info",
        "capture_output": False,
        "syslog": False,
        "syslog_addr": "udp://localhost:514",
        "syslog_prefix": None,
        "syslog_facility": "user",
        "disable_redirect_access_to_syslog": False,
        "proc_name": "app",
        "logconfig": None,
        "logconfig_dict": {},
        "logconfig_json": None,
        "access_log_format": '%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"',
        "access_log_skip": [],
        "access_log_sample": 1.0,
        "access_log_slow": 0.0,
        "log_format": "text",
        "log_streams": "stderr",
        "color": "auto",
        "request_id_header": None,
        "uid": os.geteuid(),
        "gid": os.getegid(),
        "umask": 0,
    }
    return SimpleNamespace(**{**values, **changes})


ENVIRON: dict[str, Any] = {
    "REQUEST_METHOD": "GET",
    "RAW_URI": "/a/b?x=1",
    "PATH_INFO": "/a/b",
    "QUERY_STRING": "x=1",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "REMOTE_ADDR": "192.0.2.7",
    "HTTP_REFERER": "http://here/",
    "HTTP_USER_AGENT": "curl",
    "HTTP_AUTHORIZATION": "Basic " + base64.b64encode(b"anna:secret").decode(),
    "my.variable": "mine",
}
REQUEST = SimpleNamespace(headers=[("ACCEPT", "text/html"), ("X-TWICE", "1"), ("X-TWICE", "2")])
RESPONSE = SimpleNamespace(status="201 Created", sent=1024, headers=[("Content-Type", "text/plain")])
TOOK = timedelta(seconds=2, microseconds=34567)


def rendered(text: str, environ: dict[str, Any] = ENVIRON, resp: Any = RESPONSE) -> str:
    logger = Logger(config(access_log_format=text))
    return compile_format(text, logger)(resp, REQUEST, environ, TOOK)


@pytest.mark.parametrize(
    ("atom", "expected"),
    [
        ("%(h)s", "192.0.2.7"),
        ("%(l)s", "-"),
        ("%(u)s", "anna"),
        ("%(r)s", "GET /a/b?x=1 HTTP/1.1"),
        ("%(m)s", "GET"),
        ("%(U)s", "/a/b"),
        ("%(q)s", "x=1"),
        ("%(H)s", "HTTP/1.1"),
        ("%(s)s", "201"),
        ("%(b)s", "1024"),
        ("%(B)s", "1024"),
        ("%(f)s", "http://here/"),
        ("%(a)s", "curl"),
        ("%(T)s", "2"),
        ("%(D)s", "2034567"),
        ("%(M)s", "2034"),
        ("%(M)05d", "02034"),
        ("%(L)s", "2.034567"),
        pytest.param("%(p)s", f"<{os.getpid()}>", id="%(p)s"),
        ("%({accept}i)s", "text/html"),
        ("%({Accept}i)s", "text/html"),
        ("%({x-twice}i)s", "2"),
        ("%({content-type}o)s", "text/plain"),
        ("%({absent}i)s", "-"),
        ("%({absent}o)s", "-"),
        ("%({MY.Variable}e)s", "mine"),
        ("%({absent}e)s", "-"),
        ("%(unknown)s", "-"),
        ("100%% %(m)s", "100% GET"),
    ],
)
def test_atoms(atom: str, expected: str) -> None:
    assert rendered(atom) == expected
    logger = Logger(config())
    assert atom % SafeAtoms(logger.atoms(RESPONSE, REQUEST, ENVIRON, TOOK)) == expected


def test_what_is_missing_is_a_dash() -> None:
    environ = {name: ENVIRON[name] for name in ("REQUEST_METHOD", "RAW_URI", "SERVER_PROTOCOL")}
    empty = SimpleNamespace(status="204 No Content", sent=0, headers=[])
    assert rendered('%(h)s %(u)s %(b)s "%(f)s" "%(a)s"', environ, empty) == '- - 0 "-" "-"'


def test_a_response_that_counts_nothing_has_no_length() -> None:
    assert rendered("%(b)s", ENVIRON, SimpleNamespace(status="200 OK", headers=[])) == "-"


@pytest.mark.parametrize("status", ["200 OK", "200", 200, b"200 OK"])
def test_every_kind_of_status(status: Any) -> None:
    assert rendered("%(s)s", resp=SimpleNamespace(status=status, sent=0, headers=[])) == "200"


@pytest.mark.parametrize(
    "header", ["Basic", "Basic ", "Basic !!!", "Bearer abc", "Basic bm9jb2xvbg==", "basic\x00", ""]
)
def test_credentials_that_name_nobody(header: str) -> None:
    assert rendered("%(u)s", {**ENVIRON, "HTTP_AUTHORIZATION": header}) == "-"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ('a"b', '\\"'),
        ("a\nb", "\\x0a"),
        ("a\r\nb", "\\x0d\\x0a"),
        ("a\x1b[31m", "\\x1b"),
        ("a\\b", "\\\\"),
        ("a\x85b", "\\x85"),
        ("a\u2028b", "\\u2028"),
        ("a\u202eb", "\\u202e"),
        ("a\u2067b", "\\u2067"),
        ("a\u200fb", "\\u200f"),
        ("a\u061cb", "\\u061c"),
        ("a\ufeffb", "\\ufeff"),
        ("a\u00a0b", "\\xa0"),
        ("a\u00adb", "\\xad"),
        ("a\udc80b", "\\udc80"),
        ("a\U000e0041b", "\\U000e0041"),
        ("é☃b", "é☃b"),
    ],
)
def test_escaping(value: str, written: str) -> None:
    assert written in rendered('"%(a)s"', {**ENVIRON, "HTTP_USER_AGENT": value})


@given(st.text())
def test_no_text_ends_a_field_or_a_line(value: str) -> None:
    escaped = escape(value)
    assert len(escaped.splitlines()) <= 1
    assert not re.search(r'(?<!\\)(?:\\\\)*"', escaped)
    assert escaped.isprintable()


@given(st.dictionaries(st.sampled_from(sorted(ENVIRON)), st.text(), max_size=8), st.text(max_size=5))
def test_the_compiled_format_and_the_plain_one_agree(changes: dict[str, str], suffix: str) -> None:
    text = '%(h)s %(u)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s" %({accept}i)s' + suffix.replace("%", "%%")
    environ = {**ENVIRON, **changes}
    logger = Logger(config())
    plain = text % SafeAtoms(logger.atoms(RESPONSE, REQUEST, environ, TOOK))
    assert compile_format(text, logger)(RESPONSE, REQUEST, environ, TOOK) == plain


def test_the_time_is_that_of_the_common_log_format() -> None:
    months = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
    assert re.fullmatch(rf"\[\d\d/({months})/\d{{4}}(:\d\d){{3}} [+-]\d{{4}}\]", clf_time(0))
    assert re.fullmatch(r"\[.*\]", Logger(config()).now())


def test_a_user_name_cannot_turn_the_line_round() -> None:
    credentials = base64.b64encode("eve\u202e\u2066:secret".encode()).decode()
    line = rendered("%(h)s %(u)s", {**ENVIRON, "HTTP_AUTHORIZATION": f"Basic {credentials}"})
    assert line.endswith(" eve\\u202e\\u2066")
    assert line.isprintable()
