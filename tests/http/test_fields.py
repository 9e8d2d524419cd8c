"""Field names and hosts: what each is called, which rule it stands under, and how much of them is remembered."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunicorn.http import fields
from gunicorn.http.errors import InvalidHeaderName
from gunicorn.http.fields import LONGEST_REMEMBERED, REMEMBERED, FieldTable
from gunicorn.http.limits import Limits

FORWARDER = Limits(forwarder_headers=frozenset({"SCRIPT_NAME", "Remote_User", "X-DASHED"}))
SCHEMES = Limits(secure_scheme_headers=(("X-Forwarded-Proto", "https"), ("X_SSL", "on")))
#: octets -> (name, variable)
NAMES = {
    b"Host": ("HOST", "HTTP_HOST"),
    b"x-own-name": ("X-OWN-NAME", "HTTP_X_OWN_NAME"),
    b"X_A": ("X_A", "HTTP_X_A"),
    b"Content-Type": ("CONTENT-TYPE", "CONTENT_TYPE"),
    b"content-LENGTH": ("CONTENT-LENGTH", "CONTENT_LENGTH"),
    b"Content_Type": ("CONTENT_TYPE", "HTTP_CONTENT_TYPE"),
    b"Content_Length": ("CONTENT_LENGTH", "HTTP_CONTENT_LENGTH"),
    b"Content-Length-": ("CONTENT-LENGTH-", "HTTP_CONTENT_LENGTH_"),
    b"!#$%&'*+.^`|~1": ("!#$%&'*+.^`|~1", "HTTP_!#$%&'*+.^`|~1"),
}


@pytest.mark.parametrize("raw", NAMES, ids=str)
def test_the_forms_of_a_name(raw: bytes) -> None:
    field = FieldTable(Limits()).learn(raw)
    assert (field.name, field.variable) == NAMES[raw]
    assert (field.raw, field.lower) == (raw, raw.lower())


@pytest.mark.parametrize(
    ("limits", "raw", "kind"),
    [
        (Limits(), b"Accept", fields.ORDINARY), (Limits(), b"hOsT", fields.HOST),
        (Limits(), b"content-length", fields.CONTENT_LENGTH),
        (Limits(), b"Transfer-Encoding", fields.TRANSFER_ENCODING),
        (Limits(), b"CONNECTION", fields.CONNECTION), (Limits(), b"Expect", fields.EXPECT),
        (Limits(), b"Upgrade", fields.UPGRADE), (Limits(), b"Content-Type", fields.SINGLETON),
        (Limits(), b"Sec-WebSocket-Key", fields.SINGLETON), (Limits(), b"Referer", fields.ORDINARY),
        (Limits(), b"Cookie", fields.ORDINARY), (Limits(), b"X_A", fields.AMBIGUOUS),
        (Limits(), b"Transfer_Encoding", fields.AMBIGUOUS), (Limits(), b"script_name", fields.FORWARDER),
        (Limits(), b"Script-Name", fields.AMBIGUOUS), (Limits(), b"Path-Info", fields.AMBIGUOUS),
        (Limits(), b"Remote-User", fields.ORDINARY), (Limits(), b"X-Forwarded-Proto", fields.ORDINARY),
        (FORWARDER, b"Remote_User", fields.FORWARDER), (FORWARDER, b"remote-user", fields.AMBIGUOUS),
        (FORWARDER, b"PATH_INFO", fields.AMBIGUOUS), (FORWARDER, b"Path-Info", fields.ORDINARY),
        (FORWARDER, b"X-Dashed", fields.ORDINARY), (FORWARDER, b"X_Dashed", fields.AMBIGUOUS),
        (Limits(forwarder_headers=frozenset({"*"})), b"X_Any", fields.FORWARDER),
        (Limits(forwarder_headers=frozenset({"*"})), b"X-Any", fields.ORDINARY),
        (SCHEMES, b"x-forwarded-proto", fields.SCHEME), (SCHEMES, b"X_Ssl", fields.SCHEME),
        (SCHEMES, b"X-Ssl", fields.ORDINARY),
        (Limits(), b"x-request-start", fields.QUEUE_TIME), (Limits(), b"X_Request_Start", fields.AMBIGUOUS),
        (Limits(forwarder_headers=frozenset({"X_REQUEST_START"})), b"X-Request-Start", fields.AMBIGUOUS),
    ],
)
def test_the_rule_of_a_name(limits: Limits, raw: bytes, kind: int) -> None:
    table = FieldTable(limits)
    assert table.learn(raw).kind == kind
    assert table.names[raw].kind == kind


def test_a_scheme_field_knows_its_word() -> None:
    table = FieldTable(SCHEMES)
    assert [table.learn(raw).scheme for raw in (b"X-Forwarded-Proto", b"x_ssl", b"Accept")] == ["https", "on", ""]


@pytest.mark.parametrize(
    ("header_map", "raw", "by_stranger", "by_proxy"),
    [
        ("drop", b"X_A", False, False), ("dangerous", b"X_A", True, True), ("refuse", b"X_A", None, None),
        ("drop", b"SCRIPT_NAME", False, True), ("dangerous", b"SCRIPT_NAME", True, True),
        ("refuse", b"SCRIPT_NAME", None, True), ("drop", b"Script-Name", False, False),
        ("refuse", b"Script-Name", None, None),
    ],
)
def test_who_may_send_a_name_with_a_twin(
    header_map: str, raw: bytes, by_stranger: bool | None, by_proxy: bool | None
) -> None:
    table = FieldTable(Limits(header_map=header_map))
    field = table.learn(raw)
    for trusted, expected in ((False, by_stranger), (True, by_proxy)):
        if expected is None:
            with pytest.raises(InvalidHeaderName):
                table.admits(field, trusted)
        else:
            assert table.admits(field, trusted) == expected


HOSTS = [
    "", "a", "a.example", "A.EXAMPLE", "a.example.", "xn--a", "1.2.3.4", "a:80", "a:", "a:0", "a:00080", "a:65535",
    ":80", "[::1]",
    "[::1]:80", "[::1]:", "[2001:DB8::7]:443", "[::ffff:1.2.3.4]", "[v1.a:b]", "[vF.x]:1", "%41", "a%2Fb", "a_b",
    "~a!$&'()*+,;=",
]
NO_HOSTS = [
    " ", "a b", "a\t", "a/b", "a?b", "a#b", "a@b", "u:p@a", "http://a", "a\\b", 'a"b', "<a>", "a|b", "{a}", "a^", "`",
    "a:b", "a:-1", "a:+1", "a:65536", "a:99999", "a:100000", "a:80:80", "a:8 0", "::1", "[::1", "::1]", "[]",
    "[1.2.3.4]",
    "[::1]a", "[::g]", "[:::]", "[1:2:3:4:5:6:7:8:9]", "[fe80::1%lo]", "[fe80::1%25lo]", "[v.a]", "[v1.]", "[vg.a]",
    "[::1]]", "[[::1]]", "%", "%4", "%zz", "a\0", "a\x7f", "a\x80", "\xe9", "\u0661", "a:\u0661", "a\n", "a:80\n",
]


@pytest.mark.parametrize("host", HOSTS, ids=ascii)
def test_hosts(host: str) -> None:
    table = FieldTable(Limits())
    assert table.is_host(host)
    assert table.is_host(host), "when it is remembered, too"


@pytest.mark.parametrize("host", NO_HOSTS, ids=ascii)
def test_what_is_no_host(host: str) -> None:
    table = FieldTable(Limits())
    assert not table.is_host(host)
    assert not table.is_host(host)
    assert not table.hosts


@given(st.integers(0, 99999), st.integers(0, 3))
def test_ports(port: int, zeros: int) -> None:
    assert FieldTable(Limits()).is_host(f"a:{'0' * zeros}{port}") == (port <= 65535)


@given(st.text("0123456789abcdefg:.", max_size=12))
def test_an_address_in_brackets_is_one(text: str) -> None:
    try:
        socket.inet_pton(socket.AF_INET6, text)
    except OSError:
        expected = False
    else:
        expected = True
    assert FieldTable(Limits()).is_host(f"[{text}]") == expected


def test_what_is_remembered_has_a_bound() -> None:
    table = FieldTable(Limits())
    for number in range(3 * REMEMBERED):
        field = table.learn(b"X-%d" % number)
        assert field.name == f"X-{number}"
        assert table.is_host(f"host{number}")
        assert 0 < len(table.names) <= REMEMBERED
        assert 0 < len(table.hosts) <= REMEMBERED
    for size, kept in ((LONGEST_REMEMBERED, True), (LONGEST_REMEMBERED + 1, False)):
        assert table.learn(b"y" * size).name == "Y" * size
        assert (b"y" * size in table.names) == kept
        assert table.is_host("h" * size)
        assert ("h" * size in table.hosts) == kept
