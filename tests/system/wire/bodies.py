"""Framing of bodies in both directions, Expect, pipelining and the PROXY protocol.

RFC 9112 sections 6 and 7, RFC 9110 sections 6.4.1, 8.6 and 10.1.1; the PROXY protocol's own specification.
"""

from __future__ import annotations

import socket
import struct

from tests.system.wire.cases import CLOSE, TAIL, Case, bad, chunked, get, head, lines, ok, post

A_LOT = "9" * 40

CONTENT_LENGTH: list[Case] = [
    ok("length", post("Content-Length: 5", body=b"abcde"), body=b"abcde", env={"CONTENT_LENGTH": "5"}),
    ok("length-zero", post("Content-Length: 0"), body=b""),
    ok("length-leading-zeros", post("Content-Length: 005", body=b"abcde"), body=b"abcde"),
    ok("length-on-get", get("Content-Length: 3") + b"abc", body=b"abc"),
    ok("no-length-no-body", post(), body=b""),
    ok("length-any-case", post("content-LENGTH: 3", body=b"abc"), body=b"abc"),
    ok("length-spaces-around", post("Content-Length: \t 3 ", body=b"abc"), body=b"abc"),
    ok("body-looks-like-a-request", post(f"Content-Length: {len(TAIL)}", body=TAIL), body=TAIL),
    ok("binary-body", post("Content-Length: 256", body=bytes(range(256))), body=bytes(range(256))),
    *(
        bad(f"length-{name}", post(b"Content-Length: " + value, body=b"abcde"))
        for name, value in (
            ("plus", b"+5"), ("minus", b"-5"), ("minus-zero", b"-0"), ("underscore", b"1_0"), ("empty", b""),
            ("hexadecimal", b"0x5"), ("decimal-point", b"5.0"), ("exponent", b"5e0"), ("letters", b"five"),
            ("space-inside", b"5 5"), ("list-different", b"5, 6"), ("list-trailing-comma", b"5,"),
            ("list-leading-comma", b",5"), ("semicolon", b"5;5"), ("quoted", b'"5"'), ("nul", b"5\x00"),
            ("arabic-digit", b"\xd9\xa5"), ("latin-1-superscript", b"\xb2"), ("vertical-tab", b"\x0b5"),
            ("form-feed", b"5\x0c"),
        )
    ),
    bad("length-huge", post(f"Content-Length: {A_LOT}", body=b"abcde"), 413),
    bad("length-list-same", post("Content-Length: 5, 5", body=b"abcde")),
    bad("length-twice-different", post("Content-Length: 5", "Content-Length: 6", body=b"abcde")),
    bad("length-twice-same", post("Content-Length: 5", "Content-Length: 5", body=b"abcde")),
]

TRANSFER_ENCODING: list[Case] = [
    ok("chunked", chunked(b"5\r\nabcde\r\n0\r\n\r\n"), body=b"abcde"),
    ok("chunked-any-case", post("Transfer-Encoding: CHUNKED", body=b"1\r\na\r\n0\r\n\r\n"), body=b"a"),
    ok("chunked-on-get", get("Transfer-Encoding: chunked") + b"1\r\na\r\n0\r\n\r\n", body=b"a"),
    *(
        bad(f"coding-{name}", post(b"Transfer-Encoding: " + value, body=b"1\r\na\r\n0\r\n\r\n"), status)
        for name, value, status in (
            ("unknown", b"xchunked", 501),
            ("gzip-then-chunked", b"gzip, chunked", 501),
            ("gzip-alone", b"gzip", 400),
            ("deflate-then-chunked", b"deflate, chunked", 501),
            ("chunked-twice", b"chunked, chunked", 400),
            ("chunked-not-last", b"chunked, gzip", 400),
            ("empty", b"", 400),
            ("comma-alone", b",", 400),
            ("with-parameter", b"chunked;q=1", 501),
            ("quoted", b'"chunked"', 501),
            ("vertical-tab", b"\x0bchunked", 400),
            ("nul", b"chunked\x00", 400),
        )
    ),
    bad("coding-in-two-fields",
        post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked", body=b"0\r\n\r\n")),
    bad("coding-and-length", post("Content-Length: 5", "Transfer-Encoding: chunked", body=b"0\r\n\r\n")),
    bad("length-and-coding", post("Transfer-Encoding: chunked", "Content-Length: 5", body=b"0\r\n\r\n")),
    bad("coding-and-zero-length", post("Transfer-Encoding: chunked", "Content-Length: 0", body=b"0\r\n\r\n")),
    bad("coding-in-1.0", head("POST / HTTP/1.0", "Transfer-Encoding: chunked") + b"0\r\n\r\n"),
    bad("coding-space-before-colon", post("Transfer-Encoding : chunked", body=b"0\r\n\r\n")),
    bad("coding-folded", post("Transfer-Encoding:", " chunked", body=b"0\r\n\r\n")),
]

CHUNKS: list[Case] = [
    ok("empty-body", chunked(b"0\r\n\r\n"), body=b""),
    ok("two-chunks", chunked(b"2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"), body=b"abcde"),
    ok("upper-hex", chunked(b"A\r\n0123456789\r\n0\r\n\r\n"), body=b"0123456789"),
    ok("lower-hex", chunked(b"a\r\n0123456789\r\n0\r\n\r\n"), body=b"0123456789"),
    ok("leading-zeros", chunked(b"0005\r\nabcde\r\n000\r\n\r\n"), body=b"abcde"),
    ok("crlf-in-data", chunked(b"4\r\n\r\n\r\n\r\n0\r\n\r\n"), body=b"\r\n\r\n"),
    ok("data-like-a-last-chunk", chunked(b"5\r\n0\r\n\r\n\r\n0\r\n\r\n"), body=b"0\r\n\r\n"),
    ok("big-chunk", chunked(b"2000\r\n" + b"x" * 8192 + b"\r\n0\r\n\r\n"), body=b"x" * 8192),
    # RFC 9112 section 7.1.1: an unknown extension is ignored.
    ok("extension", chunked(b"1;a=b\r\nx\r\n0\r\n\r\n"), body=b"x"),
    ok("extension-without-value", chunked(b"1;a\r\nx\r\n0\r\n\r\n"), body=b"x"),
    ok("extension-quoted", chunked(b'1;a="b c;d"\r\nx\r\n0\r\n\r\n'), body=b"x"),
    ok("extension-quoted-pair", chunked(b'1;a="b\\"c"\r\nx\r\n0\r\n\r\n'), body=b"x"),
    ok("two-extensions", chunked(b"1;a=b;c=d\r\nx\r\n0;e\r\n\r\n"), body=b"x"),
    # RFC 9112 section 7.1.2: trailers are read and dropped.
    ok("trailer", chunked(b"1\r\nx\r\n0\r\nX-T: v\r\n\r\n"), body=b"x", absent=("HTTP_X_T",)),
    ok("two-trailers", chunked(b"1\r\nx\r\n0\r\nX-T: v\r\nX-U: w\r\n\r\n"), body=b"x"),
    ok("forbidden-trailer-is-dropped", chunked(b"1\r\nx\r\n0\r\nContent-Length: 9\r\n\r\n"), body=b"x",
       # the size that was read, as it is for every chunked body that was buffered
       env={"CONTENT_LENGTH": "1"}, absent=("HTTP_CONTENT_LENGTH",)),
    *(
        bad(f"chunks-{name}", chunked(data))
        for name, data in (
            ("no-size", b"\r\nabc\r\n0\r\n\r\n"),
            ("minus", b"-1\r\na\r\n0\r\n\r\n"),
            ("plus", b"+1\r\na\r\n0\r\n\r\n"),
            ("hex-prefix", b"0x1\r\na\r\n0\r\n\r\n"),
            ("underscore", b"1_0\r\n" + b"a" * 16 + b"\r\n0\r\n\r\n"),
            ("letters", b"xyz\r\nabc\r\n0\r\n\r\n"),
            ("leading-space", b" 1\r\na\r\n0\r\n\r\n"),
            ("leading-tab", b"\t1\r\na\r\n0\r\n\r\n"),
            ("trailing-junk", b"1 a\r\na\r\n0\r\n\r\n"),
            ("nul", b"1\x00\r\na\r\n0\r\n\r\n"),
            ("bare-lf-after-size", b"1\na\r\n0\r\n\r\n"),
            ("bare-cr-after-size", b"1\ra\r\n0\r\n\r\n"),
            ("bare-lf-after-data", b"1\r\na\n0\r\n\r\n"),
            ("data-longer", b"1\r\nab\r\n0\r\n\r\n"),
            ("data-shorter", b"3\r\na\r\n0\r\n\r\n"),
            ("data-then-two-bytes", b"1\r\naXX0\r\n\r\n"),
            ("many-zeros", b"0" * 9000 + b"1\r\na\r\n0\r\n\r\n"),
            ("extension-with-lf", b"1;a\nb\r\na\r\n0\r\n\r\n"),
            ("extension-with-cr", b"1;a\rb\r\na\r\n0\r\n\r\n"),
            ("extension-with-nul", b"1;a\x00\r\na\r\n0\r\n\r\n"),
            ("extension-without-name", b"1;\r\na\r\n0\r\n\r\n"),
            ("extension-open-quote", b'1;a="b\r\na\r\n0\r\n\r\n'),
            ("extension-without-end", b"1;" + b"a" * 20000),
            ("trailer-without-colon", b"0\r\nX-T\r\n\r\n"),
            ("trailer-space-before-colon", b"0\r\nX-T : v\r\n\r\n"),
            ("trailer-with-nul", b"0\r\nX-T: v\x00\r\n\r\n"),
            ("trailer-bare-lf", b"0\r\nX-T: v\n\r\n"),
            ("trailer-folded", b"0\r\nX-T: v\r\n w\r\n\r\n"),
            ("last-chunk-bare-lf", b"0\n\n"),
        )
    ),
    bad("sixty-four-bit-size", chunked(b"10000000000000001\r\na\r\n0\r\n\r\n"), 413),
    bad("huge-size", chunked(b"f" * 40 + b"\r\na\r\n0\r\n\r\n"), 413),
    bad("endless-trailers", chunked(b"0\r\n" + b"X-T: v\r\n" * 20000), 431),
]

EXPECT: list[Case] = [
    ok("continue", post("Content-Length: 3", "Expect: 100-continue", body=b"abc"), body=b"abc"),
    ok("continue-any-case", post("Content-Length: 3", "Expect: 100-Continue", body=b"abc"), body=b"abc"),
    ok("continue-without-body", get("Expect: 100-continue"), body=b""),
    ok("continue-ignored-in-1.0",
       head("POST / HTTP/1.0", "Content-Length: 3", "Expect: 100-continue") + b"abc",
       body=b"abc", fate=CLOSE),
    bad("other-expectation", post("Content-Length: 3", "Expect: something", body=b"abc"), 417),
    bad("other-beside-continue", post("Content-Length: 3", "Expect: 100-continue, other", body=b"abc"), 417),
]

ANSWERS: list[Case] = [
    ok("app-length", head("GET /unread HTTP/1.1"), fields={"content-length": "6"}, answer=b"unread"),
    ok("app-no-length", head("GET /no-length HTTP/1.1"), answer=b"one,two",
       fields={"transfer-encoding": "chunked", "content-length": None}),
    ok("app-no-length-1.0", head("GET /no-length HTTP/1.0"), answer=b"one,two", fate=CLOSE,
       fields={"transfer-encoding": None}),
    ok("app-no-length-1.0-keep-alive", head("GET /no-length HTTP/1.0", "Connection: keep-alive"),
       answer=b"one,two", fate=CLOSE, fields={"transfer-encoding": None}),
    ok("app-one-part", head("GET /one-part HTTP/1.1"), answer=b"single"),
    ok("app-write", head("GET /by-write HTTP/1.1"), answer=b"written,returned"),
    ok("app-says-close", head("GET /says-close HTTP/1.1"), answer=b"ok", fate=CLOSE,
       fields={"connection": "close"}),
    ok("head-of-length", head("HEAD /unread HTTP/1.1"), method="HEAD", fields={"content-length": "6"}),
    ok("head-of-no-length", head("HEAD /no-length HTTP/1.1"), method="HEAD", fields={"content-length": None}),
    ok("unread-body", head("POST /unread HTTP/1.1", "Content-Length: 3") + b"abc", answer=b"unread"),
    ok("unread-chunks", head("POST /unread HTTP/1.1", "Transfer-Encoding: chunked") + b"1\r\na\r\n0\r\n\r\n",
       answer=b"unread"),
    Case("204", head("GET /status?line=204+No+Content HTTP/1.1"), 204,
         fields={"content-length": None, "transfer-encoding": None, "x-status": "seen"}),
    Case("304", head("GET /status?line=304+Not+Modified HTTP/1.1"), 304, fields={"transfer-encoding": None}),
    Case("304-with-length", head("GET /status?line=304+Not+Modified&length=5 HTTP/1.1"), 304,
         fields={"content-length": "5"}),
    Case("404", head("GET /status?line=404+Not+Found&body=none HTTP/1.1"), 404, answer=b"none"),
    Case("unknown-status", head("GET /status?line=799+Odd&body=odd&length=3 HTTP/1.1"), 799, answer=b"odd"),
    Case("599", head("GET /status?line=599+Odd&body=odd&length=3 HTTP/1.1"), 599, answer=b"odd"),
    Case("failing", head("GET /fails HTTP/1.1"), 500, CLOSE),
    Case("bad-status-line", head("GET /status?line=OK HTTP/1.1"), 500, CLOSE),
    ok("early-hints", head("GET /hints HTTP/1.1"), interim=(103,), answer=b"single"),
    ok("early-hints-1.0", head("GET /hints HTTP/1.0"), interim=(), answer=b"single", fate=CLOSE),
]


def v1(line: bytes, request: bytes | None = None) -> bytes:
    return line + b"\r\n" + (get() if request is None else request)


V2_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"


def v2(command: int, family: int, block: bytes, version: int = 2, length: int | None = None) -> bytes:
    size = len(block) if length is None else length
    return V2_SIGNATURE + bytes([version << 4 | command, family]) + struct.pack("!H", size) + block + get()


INET = socket.inet_aton("198.51.100.7") + socket.inet_aton("203.0.113.9") + struct.pack("!HH", 4711, 443)
INET6 = (
    socket.inet_pton(socket.AF_INET6, "2001:db8::7")
    + socket.inet_pton(socket.AF_INET6, "2001:db8::9")
    + struct.pack("!HH", 4712, 443)
)
TLV = b"\x02\x00\x03abc"
REAL = {"REMOTE_ADDR": "198.51.100.7", "REMOTE_PORT": "4711"}
REAL6 = {"REMOTE_ADDR": "2001:db8::7", "REMOTE_PORT": "4712"}
DIRECT = {"REMOTE_ADDR": "127.0.0.1"}

PROXY: list[Case] = [
    *(
        case._replace(name=f"{case.name}-{variant}", variant=variant)
        for variant in ("proxy-v1", "proxy-auto")
        for case in (
            ok("v1-tcp4", v1(b"PROXY TCP4 198.51.100.7 203.0.113.9 4711 443"), env=REAL),
            ok("v1-tcp6", v1(b"PROXY TCP6 2001:db8::7 2001:db8::9 4712 443"), env=REAL6),
            ok("v1-unknown", v1(b"PROXY UNKNOWN"), env=DIRECT),
            bad("v1-udp", v1(b"PROXY UDP4 198.51.100.7 203.0.113.9 4711 443")),
            bad("v1-wrong-family", v1(b"PROXY TCP4 2001:db8::7 2001:db8::9 4712 443")),
            bad("v1-wrong-family-6", v1(b"PROXY TCP6 198.51.100.7 203.0.113.9 4711 443")),
            bad("v1-short", v1(b"PROXY TCP4 198.51.100.7 203.0.113.9 4711")),
            bad("v1-port-too-big", v1(b"PROXY TCP4 198.51.100.7 203.0.113.9 65536 443")),
            bad("v1-port-letters", v1(b"PROXY TCP4 198.51.100.7 203.0.113.9 abc 443")),
            bad("v1-bad-address", v1(b"PROXY TCP4 198.51.100.777 203.0.113.9 4711 443")),
            bad("v1-too-long", b"PROXY TCP4 " + b"1" * 120 + b"\r\n" + get()),
            bad("v1-nul-in-address", v1(b"PROXY TCP4 198.51.100.7\x00 203.0.113.9 4711 443")),
            bad("v1-nul-in-address-6", v1(b"PROXY TCP6 2001:db8::7 \x002001:db8::9 4712 443")),
            bad("v1-high-byte-in-address", v1(b"PROXY TCP4 \xff 203.0.113.9 4711 443")),
            bad("v1-line-feed", v1(b"PROXY UNKNOWN a\nb")),
            bad("v1-zone-in-address", v1(b"PROXY TCP6 fe80::1%lo fe80::2%lo 4712 443")),
        )
    ),
    *(
        case._replace(name=f"{case.name}-{variant}", variant=variant)
        for variant in ("proxy-v2", "proxy-auto")
        for case in (
            ok("v2-tcp4", v2(1, 0x11, INET), env=REAL),
            ok("v2-tcp6", v2(1, 0x21, INET6), env=REAL6),
            ok("v2-tcp4-with-tlv", v2(1, 0x11, INET + TLV), env=REAL),
            ok("v2-local", v2(0, 0x00, b""), env=DIRECT),
            ok("v2-local-with-addresses", v2(0, 0x11, INET), env=DIRECT),
            ok("v2-unspecified", v2(1, 0x00, b""), env=DIRECT),
            # What stands behind LOCAL is not looked at.
            ok("v2-local-of-any-family", v2(0, 0xF0, b"abc"), env=DIRECT),
            ok("v2-unix", v2(1, 0x31, b"/" * 216), env=DIRECT),
            bad("v2-unix-too-short", v2(1, 0x31, b"/" * 215)),
            bad("v2-family-4", v2(1, 0x41, INET6)),
            bad("v2-datagram", v2(1, 0x12, INET)),
            bad("v2-too-long", v2(1, 0x11, b"", length=65535)),
            bad("v2-version-1", v2(1, 0x11, INET, version=1)),
            bad("v2-version-3", v2(1, 0x11, INET, version=3)),
            bad("v2-command-2", v2(2, 0x11, INET)),
            bad("v2-block-too-short", v2(1, 0x11, INET[:8])),
        )
    ),
    bad("v1-when-off", v1(b"PROXY TCP4 198.51.100.7 203.0.113.9 4711 443")),
    bad("v2-when-off", v2(1, 0x11, INET)),
    bad("v2-when-v1", v2(1, 0x11, INET), variant="proxy-v1"),
    bad("v1-when-v2", v1(b"PROXY TCP4 198.51.100.7 203.0.113.9 4711 443"), variant="proxy-v2"),
    bad("v1-untrusted", v1(b"PROXY TCP4 198.51.100.7 203.0.113.9 4711 443"), 403, variant="proxy-untrusted"),
    bad("v2-untrusted", v2(1, 0x11, INET), 403, variant="proxy-untrusted"),
    bad("v1-nul-untrusted", v1(b"PROXY TCP4 198.51.100.7\x00 203.0.113.9 4711 443"), variant="proxy-untrusted"),
    # A receiver must not guess: who may say who the client is must say it (section 2 of the specification).
    *(bad(f"no-header-{variant}", get(), variant=variant) for variant in ("proxy-v1", "proxy-v2", "proxy-auto")),
    bad("no-header-untrusted", get(), 403, variant="proxy-untrusted"),
    ok("no-header-permitted", get(), env=DIRECT, variant="proxy-permitted"),
    ok("v1-permitted", v1(b"PROXY TCP4 198.51.100.7 203.0.113.9 4711 443"), env=REAL, variant="proxy-permitted"),
    bad("v1-not-before-a-second-request",
        lines("GET / HTTP/1.1", "PROXY TCP4 198.51.100.7 203.0.113.9 4711 443", "", ""), variant="proxy-v1"),
]

