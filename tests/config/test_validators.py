"""What each validator accepts, what it makes of it, and how it refuses."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunicorn.config.validators import lists, places, resources, scalars, texts
from gunicorn.errors import ConfigError

REFUSED = object()

CASES: list[tuple[Any, Any, Any]] = [
    *((scalars.validate_bool, *case) for case in [
        (True, True), (False, False), (None, None), ("true", True), (" FALSE ", False),
        ("1", REFUSED), (1, REFUSED), ([], REFUSED),
    ]),
    *((scalars.validate_pos_int, *case) for case in [
        (3, 3), ("3", 3), (" 4 ", 4), ("0x10", 16), ("1_000", 1000), (True, 1), ("-1", REFUSED),
        (-1, REFUSED),
        ("010", 10), ("08", 8), ("0o10", 8), ("-010", REFUSED), ("0_8", REFUSED),
        (3.7, REFUSED), (None, REFUSED), ("abc", REFUSED),
    ]),
    *((scalars.validate_mode, *case) for case in [
        ("022", 18), ("0o22", 18), ("18", 18), (0o600, 384), ("0x12", 18), ("rw", REFUSED), ("09", REFUSED),
    ]),
    *((scalars.validate_string, *case) for case in [
        (None, None), (" a ", "a"), ("", ""), (3, REFUSED), (b"x", REFUSED),
    ]),
    *((lists.validate_list_string, *case) for case in [
        (None, []), ("", []), ("a", ["a"]), ("a,b", ["a,b"]), (["a ", "b"], ["a", "b"]), (("a",), ["a"]),
        (3, REFUSED), ([3], REFUSED),
    ]),
    *((lists.validate_string_to_list, *case) for case in [
        (None, []), ("", []), ("a, b,,c", ["a", "b", "c"]), ("a b", ["a b"]), (["a", "b"], ["a", "b"]),
        (3, REFUSED),
    ]),
    *((lists.validate_string_to_addr_list, *case) for case in [
        ("*", ["*"]), ("1.2.3.4, ::1 ", ["1.2.3.4", "::1"]), ("10.0.0.0/8", ["10.0.0.0/8"]), ("", []),
        ("10.0.0.1/8", REFUSED), ("bad", REFUSED), (3, REFUSED),
    ]),
    *((lists.validate_bind, *case) for case in [
        ("unix:/tmp/x", ["unix:/tmp/x"]), (["[::1]:80", "fd://3"], ["[::1]:80", "fd://3"]), ("::1", ["::1"]),
        ("h:99999", REFUSED), ("h:x", REFUSED), ("fd://x", REFUSED), ("[::1", REFUSED), ("[::1]80", REFUSED),
        ("h:", REFUSED),
    ]),
    *((lists.validate_pairs, *case) for case in [
        (["A=1", "B=x=y"], ["A=1", "B=x=y"]), ("A=", ["A="]), ("A", REFUSED), ("=1", REFUSED),
    ]),
    *((lists.validate_dict, *case) for case in [({"a": 1}, {"a": 1}), (None, REFUSED), ([("a", 1)], REFUSED)]),
    *((places.validate_server_names, *case) for case in [
        ({"A.test": "c.pem, k.pem", "*.b": ("c.pem",)}, {"a.test": ("c.pem", "k.pem"), "*.b": ("c.pem", None)}),
        (["a=c.pem,k.pem"], {"a": ("c.pem", "k.pem")}), (None, {}),
        ({"a": ""}, REFUSED), ({"a": 3}, REFUSED), ({3: "c.pem"}, REFUSED), ("a", REFUSED), (["a=c,k,x"], REFUSED),
    ]),
    *((resources.validate_class, *case) for case in [
        (None, REFUSED), (" x ", "x"), (int, int), (lambda: int, int), (lambda: " x ", "x"), (3, REFUSED),
    ]),
    *((resources.validate_file_exists, *case) for case in [
        (None, None), ("/etc/passwd", "/etc/passwd"), ("/not there", REFUSED),
    ]),
    *((resources.validate_list_of_files_or_patterns, *case) for case in [
        ("/etc/passwd", ["/etc/passwd"]), (["/not there/*"], ["/not there/*"]), (["/not there"], REFUSED),
        (3, REFUSED),
    ]),
    *((resources.validate_chdir, *case) for case in [
        ("/usr", "/usr"), ("/usr/../usr", "/usr"), ("/not there", REFUSED), ("/etc/passwd", REFUSED),
        (None, REFUSED),
    ]),
    *((resources.validate_user, *case) for case in [
        (None, os.geteuid()), ("root", 0), ("0", 0), (99999, 99999), ("99999", 99999),
        ("no such user", REFUSED),
        (1.5, REFUSED),
    ]),
    *((resources.validate_group, *case) for case in [
        (None, os.getegid()), ("root", 0), ("99999", 99999), ("no such group", REFUSED), (b"x", REFUSED),
    ]),
    *((resources.validate_statsd_address, *case) for case in [
        (None, None), ("h:8126", ("h", 8126)), ("h", ("h", 8125)), ("[::1]:9", ("::1", 9)),
        ("unix:///tmp/x", "/tmp/x"), ("h:x", REFUSED), ("fd://3", REFUSED),
    ]),
    *((scalars.validate_reload_engine, *case) for case in [
        ("auto", "auto"), ("poll", "poll"), ("x", REFUSED), (None, REFUSED),
    ]),
    *((scalars.validate_ssl_version, *case) for case in [("TLSv1", "TLSv1"), (5, 5)]),
    *((scalars.validate_proxy_protocol, *case) for case in [
        (True, "auto"), (False, "off"), ("true", "auto"), ("0", "off"), ("V2", "v2"), ("none", "off"),
        (None, "off"),
        ("on", REFUSED), ("", REFUSED), (1, REFUSED),
    ]),
    *((scalars.validate_header_map_behaviour, *case) for case in [
        ("DROP", "drop"), (None, "drop"), ("refuse", "refuse"), ("x", REFUSED), (3, REFUSED),
    ]),
    *((scalars.validate_http_parser, *case) for case in [(None, "auto"), (" FAST ", "fast"), ("rust", REFUSED)]),
    *((scalars.validate_asgi_loop, *case) for case in [(None, "auto"), ("UVLOOP", "uvloop"), ("trio", REFUSED)]),
    *((scalars.validate_asgi_lifespan, *case) for case in [(None, "auto"), ("ON", "on"), (True, REFUSED)]),
    *((scalars.validate_protocol, *case) for case in [
        ("HTTP", "http"), ("uwsgi", "uwsgi"), ("FastCGI", "fastcgi"), ("scgi", "scgi"), ("spdy", REFUSED),
    ]),
    *((scalars.validate_loglevel, *case) for case in [
        ("INFO", "info"), ("warn", "warning"), ("fatal", "critical"), ("loud", REFUSED),
    ]),
    *((scalars.validate_syslog_facility, *case) for case in [("LOCAL7", "local7"), ("local8", REFUSED)]),
    *((lists.validate_http_protocols, *case) for case in [
        ("h2, H1", ["h2", "h1"]), ("", ["h1"]), (None, ["h1"]), ("h3", REFUSED), ("h1,h1", REFUSED),
        (["h2", "h1"], ["h2", "h1"]), (["h2", 1], REFUSED),
    ]),
    *((scalars.validate_http2_cleartext, *case) for case in [
        (True, "prior-knowledge"), (False, "off"), (None, "off"), ("BOTH", "both"), ("x", REFUSED),
    ]),
    *((scalars.validate_http2_frame_size, *case) for case in [
        (16384, 16384), ("20000", 20000), (16777215, 16777215), (16383, REFUSED), (16777216, REFUSED),
    ]),
    *((scalars.validate_http2_stream_limit, *case) for case in [(1, 1), (0, REFUSED)]),
    *((scalars.validate_http2_window_size, *case) for case in [(0, 0), (2**31 - 1, 2**31 - 1), (2**31, REFUSED)]),
    *((texts.parse_bool, *case) for case in [
        ("1", True), ("Yes", True), ("on", True), ("0", False), ("n", False), ("OFF", False),
        ("maybe", REFUSED),
    ]),
    *((texts.parse_list, *case) for case in [
        ("a,b", ["a", "b"]), ("a b", ["a", "b"]), ("a, b", ["a", "b"]), ("'a,b' c", ["a,b", "c"]),
        ("A=1 B='x y'", ["A=1", "B=x y"]), ("#a", ["#a"]), ("'a", REFUSED),
    ]),
    *((texts.parse_mapping, *case) for case in [('{"a": 1}', {"a": 1}), ("[1]", REFUSED), ("a", REFUSED)]),
]


@pytest.mark.parametrize(("validator", "given_value", "expected"), CASES)
def test_table(validator: Any, given_value: Any, expected: Any) -> None:
    if expected is REFUSED:
        with pytest.raises((ValueError, TypeError, ConfigError)) as caught:
            validator(given_value)
        assert str(caught.value)
        assert "\n" not in str(caught.value)
    else:
        assert validator(given_value) == expected


class CallableWithOne:
    def __call__(self, server: object) -> None: ...

    def method(self, a: object, b: object) -> None: ...


@pytest.mark.parametrize(
    ("arity", "function", "accepted"),
    [
        (1, lambda a: None, True),
        (1, lambda a, b: None, False),
        (1, lambda a, b=1: None, False),
        (1, lambda *a: None, False),
        (2, lambda a, b: None, True),
        (1, len, True),
        (1, CallableWithOne(), True),
        (2, CallableWithOne().method, True),
        (-1, lambda a, b, c: None, True),
        (-1, "os.path.join", True),
        (-1, "os.path:join", True),
        (-1, "os", False),
        (-1, "no_such_module.x", False),
        (-1, "os.path.no_such_function", False),
        (-1, 3, False),
        (-1, None, False),
    ],
)
def test_callables(arity: int, function: Any, accepted: bool) -> None:
    validate = resources.validate_callable(arity)
    if accepted:
        assert callable(validate(function))
    else:
        with pytest.raises(TypeError):
            validate(function)


def test_post_request_accepts_its_older_forms() -> None:
    called: list[tuple[object, ...]] = []
    hooks = [
        lambda worker, req: called.append((worker, req)),
        lambda worker, req, environ: called.append((worker, req, environ)),
        lambda worker, req, environ, resp: called.append((worker, req, environ, resp)),
    ]
    for hook in hooks:
        resources.validate_post_request(hook)(1, 2, 3, 4)
    assert called == [(1, 2), (1, 2, 3), (1, 2, 3, 4)]
    for wrong in (lambda worker: None, lambda a, b, c, d, e: None):
        with pytest.raises(TypeError):
            resources.validate_post_request(wrong)


def test_auto_int_is_the_form_of_modes_on_the_command_line() -> None:
    assert [scalars.auto_int(None, text) for text in ("0", "022", "0o22", "18", "0x10")] == [0, 18, 18, 18, 16]


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)))
def test_every_list_can_be_written_as_text(items: list[str]) -> None:
    # Single quotes around everything: shlex.quote leaves a comma bare, which separates here.
    quoted = ["'" + item.replace("'", "'\"'\"'") + "'" for item in items]
    assert texts.parse_list(",".join(quoted)) == items


@given(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.lists(st.integers())
    ),
    st.sampled_from([setting.validator for setting in __import__("gunicorn.config").config.KNOWN_SETTINGS]),
)
def test_whatever_is_given_only_the_documented_exceptions_come(value: Any, validator: Any) -> None:
    try:
        validator(value)
    except (ValueError, TypeError, ConfigError):
        pass
