"""The PROXY protocol: whatever comes, a header, the wish for more octets, or an `HTTPError`; the same for every cut."""

from __future__ import annotations

import ipaddress
import struct

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gunicorn.http.errors import ForbiddenProxyRequest, HTTPError
from gunicorn.wire.proxy_protocol import LONGEST_LINE, LONGEST_V2, SIGNATURE, parse_proxy

MODES = st.sampled_from(["v1", "v2", "auto"])
WORDS = st.sampled_from([
    b"PROXY ", b"PROXY", b"TCP4 ", b"TCP6 ", b"UNKNOWN", b"UDP4 ", b" ", b"1.2.3.4 ", b"::1 ", b"2001:db8::7 ", b"80 ",
    b"443", b"65536", b"-1", b"\r\n", b"\r", b"\n", b"\0", b"1.2.3.4\0 ", b"\xff", b"fe80::1%lo ", b"0x50", b"\xb2",
])
LINES = st.lists(st.one_of(WORDS, st.binary(max_size=3)), max_size=12).map(b"".join)
V2 = st.builds(
    lambda command, family, size, block: SIGNATURE + struct.pack("!BBH", command, family, size) + block,
    st.one_of(st.sampled_from([0x20, 0x21, 0x22, 0x11]), st.integers(0, 255)),
    st.one_of(st.sampled_from([0x00, 0x11, 0x12, 0x21, 0x31, 0x41]), st.integers(0, 255)),
    st.one_of(st.sampled_from([0, 11, 12, 35, 36, 215, 216, LONGEST_V2, LONGEST_V2 + 1, 65535]), st.integers(0, 65535)),
    st.one_of(st.binary(max_size=300), st.integers(0, 5000).map(bytes)),
)
OCTETS = st.one_of(LINES, LINES.map(lambda data: b"PROXY " + data), V2, st.binary(max_size=200))


def outcome(data: bytes, mode: str, allowed: bool) -> object:
    """(end, info) of a header, the status of an error, or None."""
    try:
        header = parse_proxy(data, mode, allowed)
    except HTTPError as error:
        return error.status
    return None if header is None else (header.end, header.info)


@settings(max_examples=2000, deadline=None)
@given(OCTETS, MODES, st.booleans())
@example(b"PROXY TCP4 1.2.3.4\0 1.2.3.4 80 80\r\n", "v1", False)
@example(b"PROXY UNKNOWN a\nb\r\n", "auto", True)
@example(SIGNATURE + b"\x20\xf0\x00\x00", "auto", True)
def test_any_octets(data: bytes, mode: str, allowed: bool) -> None:
    whole = outcome(data, mode, allowed)
    for end in range(1, len(data) + 1):
        part = outcome(data[:end], mode, allowed)
        if part is not None:
            break
    assert part == whole if data else whole in (None, (0, None))
    if isinstance(whole, tuple) and whole[1] is not None:
        assert allowed
        info = whole[1]
        addresses = ipaddress.ip_address(info["client_addr"]), ipaddress.ip_address(info["proxy_addr"])
        assert {address.version for address in addresses} == {4 if info["proxy_protocol"] == "TCP4" else 6}
        assert 0 <= info["client_port"] <= 65535
        assert 0 <= info["proxy_port"] <= 65535


@pytest.mark.parametrize("line", [
    b"PROXY TCP4 1.2.3.4\0 1.2.3.4 80 80\r\n", b"PROXY TCP4 1.2.3.4 \0 80 80\r\n", b"PROXY TCP6 \0 \0 80 80\r\n",
    b"PROXY TCP4 1.2.3.4 1.2.3.4 8\x000 80\r\n", b"PROXY TCP4\0 1.2.3.4 1.2.3.4 80 80\r\n", b"PROXY \0\r\n",
])
@pytest.mark.parametrize("allowed", [False, True])
def test_a_nul_is_an_error_like_any_other(line: bytes, allowed: bool) -> None:
    assert outcome(line, "auto", allowed) == 400


def test_a_peer_that_may_not_send_one() -> None:
    with pytest.raises(ForbiddenProxyRequest):
        parse_proxy(b"PROXY TCP4 1.2.3.4 1.2.3.4 80 80\r\n", "auto", False)


def test_a_line_may_be_as_long_as_the_specification_has_it() -> None:
    longest = b"PROXY UNKNOWN ".ljust(LONGEST_LINE - 2, b"f") + b"\r\n"
    assert outcome(longest, "v1", True) == (LONGEST_LINE, None)
    assert outcome(longest[:-2] + b"f\r\n", "v1", True) == 400
