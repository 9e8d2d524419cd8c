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


@settings(max_examples=800, deadline=None)
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


# The specimens.


def version_2(command: int, family: int, block: bytes, size: int | None = None) -> bytes:
    """`size`: what the header says of the length of its block, if it is not true."""
    return SIGNATURE + struct.pack("!BBH", command, family, len(block) if size is None else size) + block


def addresses(source: str, target: str, source_port: int, target_port: int) -> bytes:
    packed = ipaddress.ip_address(source).packed + ipaddress.ip_address(target).packed
    return packed + struct.pack("!HH", source_port, target_port)


def tlv(kind: int, value: bytes) -> bytes:
    return struct.pack("!BH", kind, len(value)) + value


def info(protocol: str, client: str, client_port: int, proxy: str, proxy_port: int) -> dict[str, object]:
    return {
        "proxy_protocol": protocol, "client_addr": client, "client_port": client_port, "proxy_addr": proxy,
        "proxy_port": proxy_port,
    }


FOUR = addresses("192.0.2.7", "198.51.100.9", 4711, 443)
SIX = addresses("2001:db8::7", "::1", 65535, 0)
OF_FOUR = info("TCP4", "192.0.2.7", 4711, "198.51.100.9", 443)
OF_SIX = info("TCP6", "2001:db8::7", 65535, "::1", 0)
UNIX = b"/run/a".ljust(108, b"\0") + b"/run/b".ljust(108, b"\0")
REFUSED = 400
#: (mode, octets, what is told of the client; None: nothing; REFUSED: an error)
HEADERS: dict[str, tuple[str, bytes, dict[str, object] | int | None]] = {
    "v1 TCP4": ("v1", b"PROXY TCP4 192.0.2.7 198.51.100.9 4711 443\r\n", OF_FOUR),
    "v1 TCP6": ("v1", b"PROXY TCP6 2001:db8::7 ::1 65535 0\r\n", OF_SIX),
    "v1 TCP6 as it was written": (
        "v1", b"PROXY TCP6 2001:DB8:0:0::7 ::1 1 2\r\n", info("TCP6", "2001:DB8:0:0::7", 1, "::1", 2)),
    "v1 TCP6 with the form of IPv4": (
        "v1", b"PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n", info("TCP6", "::ffff:192.0.2.7", 1, "::1", 2)),
    "v1 the longest TCP6": (
        "v1", b"PROXY TCP6 %s %s 65535 65535\r\n" % (b"ffff:" * 7 + b"ffff", b"ffff:" * 7 + b"ffff"),
        info("TCP6", "ffff:" * 7 + "ffff", 65535, "ffff:" * 7 + "ffff", 65535)),
    "v1 UNKNOWN": ("v1", b"PROXY UNKNOWN\r\n", None),
    "v1 UNKNOWN with more": ("v1", b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", None),
    "v1 of auto": ("auto", b"PROXY TCP4 192.0.2.7 198.51.100.9 4711 443\r\n", OF_FOUR),
    "v1 another family": ("v1", b"PROXY UDP4 192.0.2.7 198.51.100.9 4711 443\r\n", REFUSED),
    "v1 small letters": ("v1", b"PROXY tcp4 192.0.2.7 198.51.100.9 4711 443\r\n", REFUSED),
    "v1 UNKNOWNS": ("v1", b"PROXY UNKNOWNS\r\n", REFUSED),
    "v1 nothing": ("v1", b"PROXY \r\n", REFUSED),
    "v1 too few words": ("v1", b"PROXY TCP4 192.0.2.7 198.51.100.9 4711\r\n", REFUSED),
    "v1 too many words": ("v1", b"PROXY TCP4 192.0.2.7 198.51.100.9 4711 443 1\r\n", REFUSED),
    "v1 two spaces": ("v1", b"PROXY TCP4  192.0.2.7 198.51.100.9 4711 443\r\n", REFUSED),
    "v1 a space at its end": ("v1", b"PROXY TCP4 192.0.2.7 198.51.100.9 4711 443 \r\n", REFUSED),
    "v1 a tab": ("v1", b"PROXY TCP4\t192.0.2.7 198.51.100.9 4711 443\r\n", REFUSED),
    "v1 a bare LF": ("v1", b"PROXY TCP4 192.0.2.7 198.51.100.9 4711 443\n", REFUSED),
    "v1 UNKNOWN and a bare LF": ("v1", b"PROXY UNKNOWN\n", REFUSED),
    "v1 a CR within": ("v1", b"PROXY TCP4 192.0.2.7 198.51.100.9 4711 4\r43\r\n", REFUSED),
    "v1 IPv6 for IPv4": ("v1", b"PROXY TCP4 ::1 198.51.100.9 4711 443\r\n", REFUSED),
    "v1 IPv4 for IPv6": ("v1", b"PROXY TCP6 ::1 198.51.100.9 4711 443\r\n", REFUSED),
    "v1 a name": ("v1", b"PROXY TCP4 localhost 198.51.100.9 4711 443\r\n", REFUSED),
    "v1 a short form": ("v1", b"PROXY TCP4 127.1 198.51.100.9 4711 443\r\n", REFUSED),
    "v1 octal": ("v1", b"PROXY TCP4 0300.0.2.7 198.51.100.9 4711 443\r\n", REFUSED),
    "v1 a zone": ("v1", b"PROXY TCP6 fe80::1%lo ::1 4711 443\r\n", REFUSED),
    "v1 brackets": ("v1", b"PROXY TCP6 [::1] ::1 4711 443\r\n", REFUSED),
    **{f"v1 port {port!r}": ("v1", b"PROXY TCP4 192.0.2.7 198.51.100.9 %s 443\r\n" % port, REFUSED)
       for port in (b"65536", b"99999", b"000080", b"-1", b"+1", b"1e3", b"0x50", b"", b"\xb2", b"8_0", b"1" * 40)},
    "v1 zeros before a port": (
        "v1", b"PROXY TCP4 192.0.2.7 198.51.100.9 00080 0\r\n", info("TCP4", "192.0.2.7", 80, "198.51.100.9", 0)),
    "v2 TCP4": ("v2", version_2(0x21, 0x11, FOUR), OF_FOUR),
    "v2 TCP6": ("v2", version_2(0x21, 0x21, SIX), OF_SIX),
    "v2 of auto": ("auto", version_2(0x21, 0x11, FOUR), OF_FOUR),
    "v2 with an empty TLV": ("v2", version_2(0x21, 0x11, FOUR + tlv(4, b"")), OF_FOUR),
    "v2 with TLVs": ("v2", version_2(0x21, 0x21, SIX + tlv(1, b"h2") + tlv(2, b"a" * 255) + tlv(0xEE, b"")), OF_SIX),
    "v2 with what is no TLV": ("v2", version_2(0x21, 0x11, FOUR + b"\xff\xff\xff"), OF_FOUR),
    "v2 with all the TLVs there may be": (
        "v2", version_2(0x21, 0x11, FOUR + tlv(4, bytes(LONGEST_V2 - len(FOUR) - 3))), OF_FOUR),
    "v2 with a TLV too long": (
        "v2", version_2(0x21, 0x11, FOUR + tlv(4, bytes(LONGEST_V2 - len(FOUR) - 2))), REFUSED),
    "v2 65535 octets": ("v2", version_2(0x21, 0x11, FOUR, 65535), REFUSED),
    "v2 LOCAL": ("v2", version_2(0x20, 0x00, b""), None),
    "v2 LOCAL with an address": ("v2", version_2(0x20, 0x11, FOUR), None),
    "v2 LOCAL of any family": ("v2", version_2(0x20, 0xFF, b"abc"), None),
    "v2 UNSPEC": ("v2", version_2(0x21, 0x00, b""), None),
    "v2 UNSPEC with more": ("v2", version_2(0x21, 0x00, b"whatever"), None),
    "v2 unix": ("v2", version_2(0x21, 0x31, UNIX), None),
    "v2 unix with a TLV": ("v2", version_2(0x21, 0x31, UNIX + tlv(4, b"a")), None),
    "v2 unix too short": ("v2", version_2(0x21, 0x31, UNIX[:-1]), REFUSED),
    "v2 a family of nobody": ("v2", version_2(0x21, 0x41, UNIX), REFUSED),
    "v2 datagrams": ("v2", version_2(0x21, 0x12, FOUR), REFUSED),
    "v2 no transport": ("v2", version_2(0x21, 0x20, SIX), REFUSED),
    "v2 TCP4 too short": ("v2", version_2(0x21, 0x11, FOUR[:-1]), REFUSED),
    "v2 TCP4 without anything": ("v2", version_2(0x21, 0x11, b""), REFUSED),
    "v2 TCP6 too short": ("v2", version_2(0x21, 0x21, SIX[:-1]), REFUSED),
    "v2 TCP6 with the block of TCP4": ("v2", version_2(0x21, 0x21, FOUR), REFUSED),
    "v2 another command": ("v2", version_2(0x22, 0x11, FOUR), REFUSED),
    "v2 of version 1": ("v2", version_2(0x11, 0x11, FOUR), REFUSED),
    "v2 of version 3": ("v2", version_2(0x31, 0x11, FOUR), REFUSED),
}
NO_HEADERS: dict[str, tuple[str, bytes]] = {
    "a request": ("auto", b"GET / HTTP/1.1\r\n"),
    "small letters": ("auto", b"proxy TCP4 "),
    "another word": ("auto", b"PROXYS"),
    "a signature that ends otherwise": ("auto", SIGNATURE[:-1] + b"\r"),
    "v1 where v2 is spoken": ("v2", b"PROXY TCP4 1.2.3.4 1.2.3.4 80 80\r\n"),
    "v2 where v1 is spoken": ("v1", version_2(0x21, 0x11, FOUR)),
}


def first_outcome(data: bytes, mode: str, allowed: bool = True) -> object:
    """What comes of octets that are looked at again with every one that comes."""
    for end in range(1, len(data) + 1):
        found = outcome(data[:end], mode, allowed)
        if found is not None:
            return found
    return None


@pytest.mark.parametrize("name", HEADERS)
def test_headers(name: str) -> None:
    mode, octets, told = HEADERS[name]
    expected = REFUSED if told == REFUSED else (len(octets), told)
    behind = b"GET / HTTP/1.1\r\n\r\n" + octets
    if name not in ("v2 65535 octets",):
        assert outcome(octets, mode, True) == first_outcome(octets, mode) == expected
    assert outcome(octets + behind, mode, True) == first_outcome(octets + behind, mode) == expected
    # Who may not send one is refused, whatever is wrong with it, and not before it is known to be one.
    assert outcome(octets, mode, False) == first_outcome(octets, mode, False)
    assert outcome(octets, mode, False) in (400, 403)
    if told != REFUSED:
        for end in range(len(octets)):
            assert outcome(octets[:end], mode, True) is None
        with pytest.raises(ForbiddenProxyRequest):
            parse_proxy(octets, mode, False)


@pytest.mark.parametrize("name", NO_HEADERS)
@pytest.mark.parametrize("allowed", [False, True])
def test_what_is_no_header(name: str, allowed: bool) -> None:
    mode, octets = NO_HEADERS[name]
    assert outcome(octets, mode, allowed) == first_outcome(octets, mode, allowed) == (0, None)


PAIRS = st.sampled_from([4, 6]).flatmap(lambda version: st.tuples(*[st.ip_addresses(v=version)] * 2))
PORTS = st.integers(0, 65535)


@given(PAIRS, PORTS, PORTS, st.lists(st.binary(max_size=40), max_size=3))
def test_what_a_proxy_writes_is_read(
    pair: tuple[ipaddress.IPv4Address, ipaddress.IPv4Address], client_port: int, proxy_port: int, values: list[bytes]
) -> None:
    source, target = str(pair[0]), str(pair[1])
    version = pair[0].version
    line = f"PROXY TCP{version} {source} {target} {client_port} {proxy_port}\r\n".encode()
    tlvs = b"".join(tlv(5, value) for value in values)
    block = version_2(0x21, 0x11 if version == 4 else 0x21, addresses(source, target, client_port, proxy_port) + tlvs)
    for octets in (line, block):
        found = outcome(octets + b"GET", "auto", True)
        assert isinstance(found, tuple)
        assert found[0] == len(octets)
        told = found[1]
        assert (told["client_port"], told["proxy_port"]) == (client_port, proxy_port)
        assert (ipaddress.ip_address(told["client_addr"]), ipaddress.ip_address(told["proxy_addr"])) == pair
        assert told["proxy_protocol"] == f"TCP{version}"
