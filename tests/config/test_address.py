"""Addresses as people write them: what each means, and what is said of those that mean nothing or two things."""

from __future__ import annotations

import pytest

from gunicorn.config import Config
from gunicorn.config.address import parse_address, parse_bind

LONG = "x" * 107


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:80", ("127.0.0.1", 80)), ("localhost", ("localhost", 8000)), (":8163", ("0.0.0.0", 8163)),
        ("0:8163", ("0.0.0.0", 8163)), ("tcp://0:8163", ("0.0.0.0", 8163)),
        ("::1", ("::1", 8000)), ("[::1]:8000", ("::1", 8000)), ("[::1:8000]", ("::1:8000", 8000)),
        ("fe80::a:b", ("fe80::a:b", 8000)), ("2001:db8::1", ("2001:db8::1", 8000)),
        ("1:2:3:4:5:6:7:8", ("1:2:3:4:5:6:7:8", 8000)), ("tcp://h:1", ("h", 1)), ("127.1:80", ("127.1", 80)),
        ("unix:a", "a"), ("unix:///run/a", "/run/a"), ("unix:@a", "@a"), ("unix:\\0a", "\0a"),
        (f"unix:@{LONG}", f"@{LONG}"), ("fd://3", 3),
    ],
)
def test_what_an_address_means(text: str, address: object) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("8163", "'8163' is not a host; if it is the port, write 127.0.0.1:8163 or :8163"),
        ("8163:80", "'8163' is not a host"),
        ("::1:8000", r"write \[::1\]:8000, or \[::1:8000\] if all of it is the address"),
        ("2001:db8::1:80", r"write \[2001:db8::1\]:80, or "),
        ("a:b:c", r"more than one colon; an IPv6 address is written \[ADDRESS\]:PORT"),
        ("h:65536", "'65536' is not a valid port number"),
        ("h:-1", "'-1' is not a valid port number"),
        ("[::1", r"write \[ADDRESS\]:PORT"),
        ("ftp://h:1", "'ftp' is not a scheme of an address"),
        ("unix:", "a unix socket needs a path: write unix:PATH"),
        ("unix://", "a unix socket needs a path"),
        ("unix:@", "a unix socket needs a path"),
        ("unix:\\0", "a unix socket needs a path"),
        ("unix:a\0b", "is not the path of a file"),
        ("unix:" + "x" * 200, r"may have \d+ bytes, this one has 200"),
        ("unix:" + "ä" * 60, r"may have \d+ bytes, this one has 120"),
        ("unix:@" + "x" * 200, r"may have \d+ bytes, this one has 201"),
        ("fd://x", "'x' is not a valid file descriptor"),
    ],
)
def test_what_is_no_address(text: str, problem: str) -> None:
    with pytest.raises(RuntimeError, match=problem) as caught:
        parse_bind(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("binds", "port"),
    [
        (["http+redirect://127.0.0.1:8080", "https://127.0.0.1:8443"], 8443),
        (["https://127.0.0.1:8443", "http+redirect://127.0.0.1:8080"], 8443),
        (["http://127.0.0.1:8080?redirect=https", "https://127.0.0.1:8443"], 8443),
        (["http+redirect://a:80", "https://b:8444", "https://a:8443"], 8443),
        (["http+redirect://a:80", "https://b:8444", "https://b:443"], 443),
        (["http+redirect://a:80", "https://a:0"], 443),
        (["http+redirect://a:80"], 443),
        (["http+redirect://a:80", "https://unix:b"], 443),
        (["http://a:80?redirect=https:9", "https://a:8443"], 9),
        (["http+redirect://a:80", "http://a:8443"], 443),
    ],
)
def test_where_a_redirect_leads(binds: list[str], port: int) -> None:
    cfg = Config()
    cfg.set("bind", binds)
    (found,) = [bind.redirect for bind in cfg.binds if bind.redirect]
    assert found == port


def test_a_redirect_to_what_the_settings_make_secure() -> None:
    cfg = Config()
    cfg.set("bind", ["http+redirect://a:80", "a:8443"])
    cfg.set("certfile", "cert.pem")
    assert cfg.binds[0].redirect == 8443


@pytest.mark.parametrize(("bind", "protocol", "spoken", "address"), [
    ("127.0.0.1:80", "http", "http", ("127.0.0.1", 80)),
    ("127.0.0.1:80", "scgi", "scgi", ("127.0.0.1", 80)),
    ("unix:/a", "uwsgi", "uwsgi", "/a"),
    ("http://h", "uwsgi", "http", ("h", 80)),
    ("https://unix:/a", "uwsgi", "http", "/a"),
    ("http+redirect://h", "uwsgi", "http", ("h", 80)),
    ("uwsgi://h", "http", "uwsgi", ("h", 3031)),
    ("fastcgi://[::1]", "http", "fastcgi", ("::1", 9000)),
    ("scgi://:1", "uwsgi", "scgi", ("0.0.0.0", 1)),
    ("uwsgi://unix:/a", "http", "uwsgi", "/a"),
    ("fastcgi://fd://3", "http", "fastcgi", 3),
])  # fmt: skip
def test_what_is_spoken_where(bind: str, protocol: str, spoken: str, address: object) -> None:
    cfg = Config()
    cfg.set("bind", bind)
    cfg.set("protocol", protocol)
    (found,) = cfg.binds
    assert (cfg.protocol_of(found), found.address) == (spoken, address)
    assert cfg.speaks_tls(found) == bind.startswith("https")


def test_there_is_no_option_where_there_is_no_tls() -> None:
    with pytest.raises(RuntimeError, match="'certfile' is an option, and such an address has none"):
        parse_bind("uwsgi://h?certfile=c")
