"""Request lines, fields, Host and limits. RFC 9112 sections 2, 3 and 5; RFC 9110 sections 5, 7.2 and 9."""

from __future__ import annotations

from tests.system.wire.cases import CLOSE, KEEP, Case, bad, get, head, lines, ok


def target(value: str, method: str = "GET") -> bytes:
    return head(f"{method} {value} HTTP/1.1")


def path_env(path: str, query: str = "", raw: str | None = None) -> dict[str, str]:
    env = {"PATH_INFO": path, "QUERY_STRING": query}
    return env if raw is None else env | {"RAW_URI": raw}


TARGETS: list[Case] = [
    # RFC 9112 section 3.2.1, origin-form
    ok("root", target("/"), env=path_env("/", raw="/")),
    ok("path-and-query", target("/a/b?c=d"), env=path_env("/a/b", "c=d", "/a/b?c=d")),
    ok("empty-query", target("/a?"), env=path_env("/a", "", "/a?")),
    ok("second-question-mark", target("/a?b?c"), env=path_env("/a", "b?c")),
    ok("escape-in-path", target("/a%20b"), env=path_env("/a b", raw="/a%20b")),
    ok("escape-in-query-stays", target("/?a=%20"), env=path_env("/", "a=%20")),
    ok("escaped-slash", target("/a%2Fb"), env=path_env("/a/b", raw="/a%2Fb")),
    ok("escaped-utf8", target("/%E2%82%AC"), env=path_env("/\xe2\x82\xac")),
    ok("escaped-non-utf8", target("/%FF"), env=path_env("/\xff")),
    ok("lower-case-escape", target("/%e4"), env=path_env("/\xe4")),
    ok("escaped-nul", target("/a%00b"), env=path_env("/a\x00b")),
    ok("half-an-escape", target("/a%2"), env=path_env("/a%2")),
    ok("no-escape-at-all", target("/a%zzb"), env=path_env("/a%zzb")),
    ok("double-slash", target("//a//b"), env=path_env("//a//b", raw="//a//b")),
    ok("double-slash-is-no-authority", target("//evil.example/x"), env=path_env("//evil.example/x")),
    ok("dot-segments-stay", target("/a/../b/./c"), env=path_env("/a/../b/./c")),
    ok("semicolon", target("/a;b=c"), env=path_env("/a;b=c")),
    ok("colon", target("/a:b"), env=path_env("/a:b")),
    ok("plus-is-no-space", target("/a+b"), env=path_env("/a+b")),
    ok("tilde-and-friends", target("/~-._!$&'()*,;=:@"), env=path_env("/~-._!$&'()*,;=:@")),
    # RFC 9112 section 3.2.2, absolute-form
    ok("absolute", target("http://example.com/a?b"), env=path_env("/a", "b", "http://example.com/a?b")),
    ok("absolute-https", target("https://example.com/a"), env=path_env("/a")),
    ok("absolute-without-path", target("http://example.com"), env={"QUERY_STRING": ""}),
    ok("absolute-with-port", target("http://example.com:8080/a"), env=path_env("/a")),
    ok("absolute-ipv6", target("http://[2001:db8::1]:8080/a"), env=path_env("/a")),
    ok("absolute-port-empty", target("http://example.com:/a"), env=path_env("/a")),
    *(
        bad(f"absolute-{name}", target(value))
        for name, value in (
            ("without-host", "http:///a"), ("with-port-only", "http://:80/a"), ("userinfo", "http://me@example.com/a"),
            ("password", "http://user:secret@example.com/a"), ("port-too-high", "http://example.com:65536/a"),
            ("port-endless", "http://example.com:" + "9" * 30 + "/a"), ("port-letters", "http://example.com:http/a"),
            ("open-bracket", "http://[::1/a"), ("no-ipv6", "http://[:::]/a"), ("ipv4-in-brackets", "http://[127.0.0.1]/"),
            ("other-scheme", "ftp://example.com/a"), ("no-slashes", "http:example.com/a"), ("fragment", "http://a/b#c"),
            ("bar-in-host", "http://a|b/"), ("backslash-for-slash", "http:\\\\example.com\\a"),
        )
    ),
    # `#` is in no request-target: behind it two readers may see two of them.
    *(
        bad(f"fragment-{name}", target(value, method))
        for name, value, method in (
            ("in-path", "/a#b", "GET"), ("at-end", "/a#", "GET"), ("alone", "#", "GET"), ("in-query", "/a?b#c", "GET"),
            ("before-query", "/a#b?c", "GET"), ("twice", "/a#b#c", "GET"), ("behind-asterisk", "*#", "OPTIONS"),
            ("in-authority", "example.com:443#", "CONNECT"),
        )
    ),
    # Neither RFC 3986 nor a browser's URL has these.
    *(bad(f"path-with-{ord(c):02x}", target(f"/a{c}b")) for c in '"<>\\^`{}'),
    *(bad(f"query-with-{ord(c):02x}", target(f"/a?b{c}c")) for c in '"<>'),
    # No grammar of RFC 3986, but browsers send them as they are.
    *(ok(f"browser-path-with-{ord(c):02x}", target(f"/a{c}b"), env=path_env(f"/a{c}b")) for c in "[]|"),
    *(
        ok(f"browser-query-with-{ord(c):02x}", target(f"/a?b{c}c"), env=path_env("/a", f"b{c}c"))
        for c in "[]|\\^`{}'?/"
    ),
    ok("browser-raw-percent", target("/100%?a=100%"), env=path_env("/100%", "a=100%")),
    # RFC 9112 section 3.2.4, asterisk-form
    ok("asterisk", target("*", "OPTIONS"), env={"REQUEST_METHOD": "OPTIONS", "RAW_URI": "*"}),
    bad("asterisk-needs-options", target("*")),
    # RFC 9112 section 3.2.3, authority-form
    bad("authority-needs-connect", target("example.com:80")),
    bad("connect-needs-authority", target("/", "CONNECT")),
    bad("connect", target("example.com:443", "CONNECT"), 501),
    bad("connect-ipv6", target("[2001:db8::1]:443", "CONNECT"), 501),
    *(
        bad(f"connect-{name}", target(value, "CONNECT"))
        for name, value in (
            ("port-0", "example.com:0"), ("port-00", "example.com:00"), ("port-65536", "example.com:65536"),
            ("port-99999", "example.com:99999"), ("without-port", "example.com"), ("empty-port", "example.com:"),
            ("without-host", ":443"), ("userinfo", "user@example.com:443"), ("port-letters", "example.com:https"),
            ("absolute", "http://example.com:443"), ("asterisk", "*"), ("two-ports", "example.com:1:2"),
            ("no-ipv6", "[:::]:443"), ("open-bracket", "[::1:443"), ("query", "example.com:443?a"),
        )
    ),
    # neither of the four
    bad("relative-path", target("a/b")),
    bad("bare-query", target("?a=b")),
    bad("empty-target", b"GET  HTTP/1.1\r\nHost: a\r\n\r\n"),
    bad("no-target", b"GET HTTP/1.1\r\nHost: a\r\n\r\n"),
    bad("space-in-target", target("/a b")),
    bad("tab-in-target", target("/a\tb")),
    bad("nul-in-target", target("/a\x00b")),
    bad("del-in-target", target("/a\x7fb")),
    bad("control-in-target", target("/a\x01b")),
    bad("raw-utf8-in-target", head(b"GET /\xe2\x82\xac HTTP/1.1")),
    bad("raw-high-byte-in-target", head(b"GET /\xff HTTP/1.1")),
    bad("raw-high-byte-in-query", head(b"GET /?\xff HTTP/1.1")),
]


def method(name: str) -> bytes:
    return head(f"{name} / HTTP/1.1")


METHODS: list[Case] = [
    *(
        ok(f"method-{name}", method(name), env={"REQUEST_METHOD": name})
        for name in (
            "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "M-SEARCH",
            "QUERY", "GE!T",
        )
    ),
    ok("method-HEAD", method("HEAD"), method="HEAD"),
    ok("long-method", method("BASELINE-CONTROL"), env={"REQUEST_METHOD": "BASELINE-CONTROL"}),
    bad("lower-case-method", method("get")),
    bad("mixed-case-method", method("Get")),
    bad("two-letter-method", method("GE")),
    bad("endless-method", method("A" * 40)),
    bad("hash-in-method", method("GET#")),
    bad("comma-in-method", method("GE,T")),
    bad("bracket-in-method", method("GE[T")),
    bad("nul-in-method", method("GE\x00T")),
    bad("high-byte-in-method", head(b"G\xc4T / HTTP/1.1")),
    bad("no-method", b" / HTTP/1.1\r\nHost: a\r\n\r\n"),
    bad("tab-after-method", b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    bad("two-spaces-after-method", b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n"),
    bad("space-before-method", b" GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ok("permit-lower-case", method("get"), variant="methods", env={"REQUEST_METHOD": "get"}),
    ok("permit-hash", method("GET#"), variant="methods", env={"REQUEST_METHOD": "GET#"}),
    ok("permit-two-letters", method("GE"), variant="methods", env={"REQUEST_METHOD": "GE"}),
    bad("permit-does-not-permit-non-tokens", method("GE,T"), variant="methods"),
    bad("permit-does-not-permit-nul", method("GE\x00T"), variant="methods"),
    ok("casefold", method("POST"), variant="casefold", env={"REQUEST_METHOD": "POST"}),
]

VERSIONS: list[Case] = [
    ok("http-1.1", get(), env={"SERVER_PROTOCOL": "HTTP/1.1"}),
    ok("http-1.0", head("GET / HTTP/1.0"), env={"SERVER_PROTOCOL": "HTTP/1.0"}, fate=CLOSE),
    bad("http-0.9", b"GET /\r\n"),
    bad("http-0.9-with-fields", b"GET /\r\nHost: a\r\n\r\n"),
    bad("lower-case-version", head("GET / http/1.1")),
    bad("mixed-case-version", head("GET / Http/1.1")),
    bad("version-word-alone", head("GET / HTTP")),
    bad("version-without-number", head("GET / HTTP/")),
    bad("version-without-minor", head("GET / HTTP/1")),
    bad("version-dot-without-minor", head("GET / HTTP/1.")),
    bad("version-two-digit-minor", head("GET / HTTP/1.10")),
    bad("version-leading-zero", head("GET / HTTP/01.1")),
    bad("version-negative", head("GET / HTTP/-1.1")),
    bad("version-letters", head("GET / HTTP/a.b")),
    bad("version-unicode-digit", head(b"GET / HTTP/1.\xb9")),
    bad("version-other-protocol", head("GET / ICY/1.1")),
    bad("version-space-at-end", head("GET / HTTP/1.1 ")),
    bad("version-tab-at-end", head("GET / HTTP/1.1\t")),
    # RFC 9110 section 15.6.6: a version of the right form that is not spoken here
    bad("version-1.2", head("GET / HTTP/1.2"), 505),
    bad("version-1.9", head("GET / HTTP/1.9"), 505),
    bad("version-2.0", head("GET / HTTP/2.0"), 505),
    bad("version-0.9", head("GET / HTTP/0.9"), 505),
    bad("version-comma", head("GET / HTTP/1,1")),
    bad("fourth-word", head("GET / HTTP/1.1 more")),
    bad("two-spaces-before-version", head("GET /  HTTP/1.1")),
    bad("tab-before-version", head("GET /\tHTTP/1.1")),
    ok("permit-1.2", head("GET / HTTP/1.2"), variant="versions"),
    bad("permit-needs-form", head("GET / HTTP/1"), variant="versions"),
    bad("permit-needs-case", head("GET / http/1.1"), variant="versions"),
]

LINE_ENDS: list[Case] = [
    bad("bare-lf-after-line", b"GET / HTTP/1.1\nHost: a\r\n\r\n"),
    bad("bare-lf-after-field", b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n"),
    bad("bare-lf-everywhere", b"GET / HTTP/1.1\nHost: a\n\n"),
    bad("bare-lf-ends-head", b"GET / HTTP/1.1\r\nHost: a\r\n\n"),
    bad("bare-cr-in-line", b"GET /\r HTTP/1.1\r\nHost: a\r\n\r\n"),
    bad("bare-cr-in-name", get("X\r: a")),
    bad("bare-cr-in-value", get("X: a\rb")),
    bad("cr-cr-lf-after-line", b"GET / HTTP/1.1\r\r\nHost: a\r\n\r\n"),
    bad("cr-cr-lf-after-field", b"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n"),
    bad("lf-cr", b"GET / HTTP/1.1\n\rHost: a\n\r\n\r"),
    # RFC 9112 section 2.2: one empty line before the request line is ignored.
    ok("leading-crlf", b"\r\n" + get()),
    bad("leading-lf", b"\n" + get()),
    bad("leading-space-line", b" \r\n" + get()),
    bad("leading-nul", b"\x00" + get()),
    bad("space-before-first-field", b"GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
    bad("tab-before-first-field", b"GET / HTTP/1.1\r\n\tHost: a\r\n\r\n"),
    bad("tls-hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(32)) + b"\r\n\r\n"),
    bad("http2-preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    bad("garbage", b"garbage\r\n\r\n"),
]


FIELDS: list[Case] = [
    ok("value", get("X-A: b"), env={"HTTP_X_A": "b"}),
    ok("no-space-after-colon", get("X-A:b"), env={"HTTP_X_A": "b"}),
    ok("space-around-value", get("X-A: \t b \t "), env={"HTTP_X_A": "b"}),
    ok("space-inside-value", get("X-A: b \t c"), env={"HTTP_X_A": "b \t c"}),
    ok("empty-value", get("X-A:"), env={"HTTP_X_A": ""}),
    ok("blank-value", get("X-A:   "), env={"HTTP_X_A": ""}),
    ok("colon-in-value", get("X-A: b:c"), env={"HTTP_X_A": "b:c"}),
    ok("value-starts-with-colon", get("X-A::b"), env={"HTTP_X_A": ":b"}),
    ok("obs-text-in-value", get(b"X-A: \xe4\xff"), env={"HTTP_X_A": "\xe4\xff"}),
    ok("name-case-folds", get("x-FoO: b"), env={"HTTP_X_FOO": "b"}),
    ok("all-token-characters", get("X!#$%&'*+-.^`|~9: b"), env={"HTTP_X!#$%&'*+_.^`|~9": "b"}),
    ok("digit-name", get("1: b"), env={"HTTP_1": "b"}),
    ok("repeated-fields-join", get("X-A: b", "X-A: c"), env={"HTTP_X_A": "b,c"}),
    ok("repeated-with-other-case", get("X-A: b", "x-a: c"), env={"HTTP_X_A": "b,c"}),
    ok("repeated-cookie", get("Cookie: a=1", "Cookie: b=2"), env={"HTTP_COOKIE": "a=1,b=2"}),
    ok("content-type-is-no-http-key", get("Content-Type: a/b"), env={"CONTENT_TYPE": "a/b"},
       absent=("HTTP_CONTENT_TYPE",)),
    bad("repeated-content-type", get("Content-Type: a/b", "Content-Type: c/d")),
    *(
        bad(f"repeated-{name.lower()}", get(f"{name}: a", f"{name}: a"))
        for name in (
            "Authorization", "Proxy-Authorization", "Origin", "Content-Location", "Content-Range", "Date", "From",
            "If-Modified-Since", "If-Unmodified-Since", "If-Range", "Range", "Max-Forwards",
        )
    ),
    ok("repeated-user-agent", get("User-Agent: a", "User-Agent: b"), env={"HTTP_USER_AGENT": "a,b"}),
    # RFC 6455 sections 11.3.1 and 11.3.5
    *(
        bad(f"websocket-{name.lower()}-twice",
            get("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", f"{name}: {value}"))
        for name, value in (("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Sec-WebSocket-Version", "13"))
    ),
    ok("proxy-header-is-what-it-is", get("Accept: a", "Accept: b"), env={"HTTP_ACCEPT": "a,b"}),
    bad("space-before-colon", get("X-A : b")),
    bad("tab-before-colon", get("X-A\t: b")),
    bad("space-in-name", get("X A: b")),
    bad("leading-space-in-name-is-a-fold", get("X-A: b", " X-B: c")),
    bad("folded-with-space", get("X-A: b", " c")),
    bad("folded-with-tab", get("X-A: b", "\tc")),
    bad("blank-folded-line", get("X-A: b", " ")),
    bad("no-colon", get("X-A")),
    bad("no-name", get(": b")),
    bad("only-colon", get(":")),
    *(
        bad(f"name-with-{ord(c):02x}", get(f"X{c}A: b"))
        for c in "\x00\x01\x0b\x0c\x1b\"(),/;<=>?@[\\]{}\x7f\x80\xe4\xff"
    ),
    *(
        bad(f"value-with-{c:02x}", get(b"X-A: b" + bytes([c]) + b"c"))
        for c in (0x00, 0x01, 0x08, 0x0B, 0x0C, 0x1F, 0x7F)
    ),
    bad("value-with-nul-at-end", get("X-A: b\x00")),
    ok("permit-folding-space", get("X-A: b", " c"), variant="folding", env={"HTTP_X_A": "b c"}),
    ok("permit-folding-tab", get("X-A: b", "\t c"), variant="folding", env={"HTTP_X_A": "b c"}),
    ok("permit-folding-twice", get("X-A: b", " c", " d", "X-B: e"), variant="folding",
       env={"HTTP_X_A": "b c d", "HTTP_X_B": "e"}),
    bad("permit-folding-not-first", b"GET / HTTP/1.1\r\n X: a\r\nHost: a\r\n\r\n", variant="folding"),
    bad("permit-folding-still-refuses-nul", get("X-A: b", " c\x00d"), variant="folding"),
    ok("strip-space-before-colon", get("X-A : b"), variant="strip", env={"HTTP_X_A": "b"}),
    ok("strip-tab-before-colon", get("X-A \t: b"), variant="strip", env={"HTTP_X_A": "b"}),
    bad("strip-needs-a-name", get(" : b"), variant="strip"),
    bad("strip-not-inside", get("X A: b"), variant="strip"),
]

HOSTS: list[Case] = [
    bad("missing", head("GET / HTTP/1.1", host=None)),
    ok("missing-in-1.0", head("GET / HTTP/1.0", host=None), absent=("HTTP_HOST",), fate=CLOSE),
    bad("twice", get("Host: example.com")),
    bad("twice-different", get("Host: other.example")),
    bad("twice-in-1.0", head("GET / HTTP/1.0", "Host: other.example")),
    ok("missing-permitted", head("GET / HTTP/1.1", host=None), variant="hostless", absent=("HTTP_HOST",),
       env={"SERVER_NAME": "127.0.0.1"}),
    ok("permitted-but-there", get(), variant="hostless", env={"HTTP_HOST": "example.com"}),
    bad("permitted-but-twice", get("Host: example.com"), variant="hostless"),
    bad("permitted-but-wrong", head("GET / HTTP/1.1", host="Host: a/b"), variant="hostless"),
    *(
        ok(f"host-{name}", head("GET / HTTP/1.1", host=f"Host: {value}"), env={"HTTP_HOST": value})
        for name, value in (
            ("name", "a"), ("dotted", "a.b.c"), ("port", "a:8000"), ("ipv4", "127.0.0.1:80"),
            ("ipv6", "[::1]"), ("ipv6-port", "[2001:db8::1]:443"), ("underscore", "my_service:8000"),
            ("trailing-dot", "a."), ("comma", "a,b"), ("escaped", "a%20b"), ("upper", "EXAMPLE.com"),
        )
    ),
    *(
        bad(f"host-{name}", head("GET / HTTP/1.1", host=b"Host: " + value))
        for name, value in (
            ("space", b"a b"), ("slash", b"a/b"), ("userinfo", b"user@a"), ("query", b"a?b"),
            ("fragment", b"a#b"),
            ("port-letters", b"a:b"), ("backslash", b"a\\b"), ("high-byte", b"\xe4"),
            ("open-bracket", b"[::1"), ("two-ports", b"a:1:2"), ("port-too-high", b"a:65536"), ("no-ipv6", b"[:::]"),
            ("ipv4-in-brackets", b"[127.0.0.1]"),
        )
    ),
    ok("empty", head("GET / HTTP/1.1", host="Host:"), env={"HTTP_HOST": ""}),
]

DEFAULT_FIELD = "X-%03d: v"

LIMITS: list[Case] = [
    ok("line-at-the-limit", head("GET /" + "a" * (60 - 14) + " HTTP/1.1"), variant="limits"),
    bad("line-over-the-limit", head("GET /" + "a" * (61 - 14) + " HTTP/1.1"), 414, variant="limits"),
    bad("line-without-end", b"GET /" + b"a" * 200, 414, variant="limits"),
    # RFC 9112 section 3 recommends 8000 octets at least.
    ok("long-line-by-default", head("GET /" + "a" * (8190 - 14) + " HTTP/1.1")),
    bad("too-long-line-by-default", head("GET /" + "a" * (8191 - 14) + " HTTP/1.1"), 414),
    ok("five-fields", get("A: 1", "B: 2", "C: 3", "D: 4"), variant="limits"),
    bad("six-fields", get("A: 1", "B: 2", "C: 3", "D: 4", "E: 5"), 431, variant="limits"),
    ok("hundred-fields", get(*(DEFAULT_FIELD % i for i in range(99)))),
    bad("hundred-and-one-fields", get(*(DEFAULT_FIELD % i for i in range(100))), 431),
    ok("field-below-the-limit", get("X: " + "a" * 50), variant="limits"),
    bad("field-over-the-limit", get("X: " + "a" * 70), 431, variant="limits"),
    bad("name-over-the-limit", get("X" * 70 + ": a"), 431, variant="limits"),
    bad("field-without-end", b"GET / HTTP/1.1\r\nX: " + b"a" * 8000, 431, variant="limits"),
    ok("8000-byte-field", get("X: " + "a" * 8000)),
    bad("8300-byte-field", get("X: " + "a" * 8300), 431),
    ok("no-limit-line", head("GET /" + "a" * 10000 + " HTTP/1.1"), variant="no-limits"),
    ok("no-limit-field", get("X: " + "a" * 20000), variant="no-limits"),
]


def version_1_0(*fields: str) -> bytes:
    return head("GET / HTTP/1.0", *fields)


CONNECTION: list[Case] = [
    ok("1.1-stays", get(), fate=KEEP),
    ok("1.1-close", get("Connection: close"), fate=CLOSE, fields={"connection": "close"}),
    ok("1.1-close-any-case", get("Connection: CLoSE"), fate=CLOSE),
    ok("1.1-close-among-others", get("Connection: foo, close, bar"), fate=CLOSE),
    ok("1.1-close-in-second-field", get("Connection: foo", "Connection: close"), fate=CLOSE),
    ok("1.1-close-with-empty-members", get("Connection: ,, close ,"), fate=CLOSE),
    ok("1.1-not-closed", get("Connection: not-close"), fate=KEEP),
    ok("1.1-close-is-a-whole-token", get("Connection: closed"), fate=KEEP),
    ok("1.1-keep-alive", get("Connection: keep-alive"), fate=KEEP),
    ok("1.1-close-wins", get("Connection: keep-alive, close"), fate=CLOSE),
    ok("1.1-close-wins-first", get("Connection: close, keep-alive"), fate=CLOSE),
    ok("1.0-closes", version_1_0(), fate=CLOSE),
    ok("1.0-keep-alive", version_1_0("Connection: keep-alive"), fields={"connection": "keep-alive"}),
    ok("1.0-keep-alive-any-case", version_1_0("Connection: Keep-Alive"), fate=KEEP),
    ok("1.0-keep-alive-among-others", version_1_0("Connection: foo, keep-alive"), fate=KEEP),
    ok("1.0-close-wins", version_1_0("Connection: keep-alive, close"), fate=CLOSE),
    ok("1.0-close", version_1_0("Connection: close"), fate=CLOSE),
    ok("keepalive-0-closes", get(), variant="no-keepalive", fate=CLOSE, fields={"connection": "close"}),
]

HEADER_MAP: list[Case] = [
    ok("drop-underscore", get("X_A: b"), variant="untrusted", absent=("HTTP_X_A",)),
    ok("drop-keeps-the-hyphen", get("X_A: b", "X-A: c"), variant="untrusted", env={"HTTP_X_A": "c"}),
    ok("drop-content-length-alias", get("Content_Length: 5"), variant="untrusted",
       absent=("HTTP_CONTENT_LENGTH", "CONTENT_LENGTH")),
    ok("drop-transfer-encoding-alias", get("Transfer_Encoding: chunked"), variant="untrusted",
       absent=("HTTP_TRANSFER_ENCODING",)),
    ok("drop-from-trusted", get("X_A: b"), absent=("HTTP_X_A",)),
    bad("refuse-underscore", get("X_A: b"), variant="map-refuse"),
    ok("refuse-not-hyphen", get("X-A: b"), variant="map-refuse", env={"HTTP_X_A": "b"}),
    ok("dangerous-underscore", get("X_A: b"), variant="map-dangerous", env={"HTTP_X_A": "b"}),
    ok("dangerous-joins", get("X_A: b", "X-A: c"), variant="map-dangerous", env={"HTTP_X_A": "b,c"}),
    ok("script-name-trusted", head("GET /app/page HTTP/1.1", "SCRIPT_NAME: /app"),
       env={"SCRIPT_NAME": "/app", "PATH_INFO": "/page"}),
    ok("script-name-whole-path", head("GET /app HTTP/1.1", "SCRIPT_NAME: /app"),
       env={"SCRIPT_NAME": "/app", "PATH_INFO": ""}),
    ok("script-name-untrusted", head("GET /app/page HTTP/1.1", "SCRIPT_NAME: /app"), variant="untrusted",
       env={"SCRIPT_NAME": "", "PATH_INFO": "/app/page"}),
    bad("script-name-untrusted-refuse", get("SCRIPT_NAME: /app"), variant="map-refuse-untrusted"),
    ok("script-name-trusted-refuse", head("GET /app/page HTTP/1.1", "SCRIPT_NAME: /app"),
       variant="map-refuse", env={"SCRIPT_NAME": "/app", "PATH_INFO": "/page"}),
    ok("remote-user-listed", get("REMOTE_USER: joe"), variant="forwarder", env={"HTTP_REMOTE_USER": "joe"}),
    ok("remote-user-not-listed", get("REMOTE_USER: joe"), absent=("HTTP_REMOTE_USER",)),
    # A name is the octets that were sent: proxies drop names with an underscore and pass on those with a dash.
    ok("script-name-dashed", head("GET /app/page HTTP/1.1", "Script-Name: /app"), absent=("HTTP_SCRIPT_NAME",),
       env={"SCRIPT_NAME": "", "PATH_INFO": "/app/page"}),
    ok("script-name-dashed-beside", head("GET /app/page HTTP/1.1", "Script-Name: /", "SCRIPT_NAME: /app"),
       env={"SCRIPT_NAME": "/app", "PATH_INFO": "/page", "HTTP_SCRIPT_NAME": "/app"}),
    ok("script-name-dashed-dangerous", head("GET /app/page HTTP/1.1", "Script-Name: /app"), variant="map-dangerous",
       env={"SCRIPT_NAME": "", "PATH_INFO": "/app/page", "HTTP_SCRIPT_NAME": "/app"}),
    bad("script-name-dashed-refuse", head("GET /app/page HTTP/1.1", "Script-Name: /app"), variant="map-refuse"),
    ok("script-name-any-case", head("GET /app/page HTTP/1.1", "Script_Name: /app"),
       env={"SCRIPT_NAME": "/app", "PATH_INFO": "/page"}),
    ok("script-name-slash-at-its-end", head("GET /app/page HTTP/1.1", "SCRIPT_NAME: /app/"),
       env={"SCRIPT_NAME": "/app", "PATH_INFO": "/page"}),
    ok("script-name-root", head("GET /app/page HTTP/1.1", "SCRIPT_NAME: /"),
       env={"SCRIPT_NAME": "", "PATH_INFO": "/app/page"}),
    ok("script-name-empty", head("GET /app/page HTTP/1.1", "SCRIPT_NAME:"),
       env={"SCRIPT_NAME": "", "PATH_INFO": "/app/page"}),
    bad("script-name-twice", head("GET /app/page HTTP/1.1", "SCRIPT_NAME: /app", "SCRIPT_NAME: /app")),
    bad("script-name-no-path", head("GET /app/page HTTP/1.1", "SCRIPT_NAME: app")),
    bad("script-name-url", head("GET /app/page HTTP/1.1", "SCRIPT_NAME: http://a/app")),
    ok("script-name-dangerous-untrusted", head("GET /app/page HTTP/1.1", "SCRIPT_NAME: /app"),
       variant="map-dangerous-untrusted", env={"SCRIPT_NAME": "", "PATH_INFO": "/app/page"}),
    ok("path-info-sets-nothing", head("GET /page HTTP/1.1", "PATH_INFO: /admin"),
       env={"PATH_INFO": "/page", "HTTP_PATH_INFO": "/admin"}),
    ok("path-info-dashed", head("GET /page HTTP/1.1", "Path-Info: /admin"),
       env={"PATH_INFO": "/page"}, absent=("HTTP_PATH_INFO",)),
    *(
        case._replace(name=f"{case.name}-{variant}", variant=variant)
        for variant in ("forwarder", "forwarder-untrusted")
        for case in (
            ok("remote-user-dashed", get("Remote-User: admin"), absent=("HTTP_REMOTE_USER",)),
            ok("remote-user-half-dashed", get("REMOTE-USER: admin"), absent=("HTTP_REMOTE_USER",)),
        )
    ),
    ok("remote-user-beside", get("Remote-User: admin", "REMOTE_USER: joe"), variant="forwarder",
       env={"HTTP_REMOTE_USER": "joe"}),
    ok("remote-user-dangerous", get("Remote-User: admin"), variant="forwarder-dangerous",
       env={"HTTP_REMOTE_USER": "admin"}),
    bad("remote-user-refuse", get("Remote-User: admin"), variant="forwarder-refuse"),
    ok("all-listed", get("X_A: b"), variant="forwarder-all", env={"HTTP_X_A": "b"}),
    ok("all-listed-dashed-alone", get("X-A: c"), variant="forwarder-all", env={"HTTP_X_A": "c"}),
    ok("dangerous-content-length", get("Content_Length: 5"), variant="map-dangerous",
       env={"HTTP_CONTENT_LENGTH": "5"}, absent=("CONTENT_LENGTH",)),
    ok("dangerous-transfer-encoding", get("Transfer_Encoding: chunked"), variant="map-dangerous", body=b""),
    ok("dangerous-scheme", get("X_Forwarded_Proto: https"), variant="map-dangerous", env={"wsgi.url_scheme": "http"}),
]

SCHEME: list[Case] = [
    ok("plain", get(), env={"wsgi.url_scheme": "http"}),
    ok("proto-https", get("X-Forwarded-Proto: https"), env={"wsgi.url_scheme": "https"}),
    ok("proto-http", get("X-Forwarded-Proto: http"), env={"wsgi.url_scheme": "http"}),
    ok("protocol-ssl", get("X-Forwarded-Protocol: ssl"), env={"wsgi.url_scheme": "https"}),
    ok("ssl-on", get("X-Forwarded-Ssl: on"), env={"wsgi.url_scheme": "https"}),
    ok("ssl-off", get("X-Forwarded-Ssl: off"), env={"wsgi.url_scheme": "http"}),
    ok("agreeing", get("X-Forwarded-Proto: https", "X-Forwarded-Ssl: on"), env={"wsgi.url_scheme": "https"}),
    bad("contradicting", get("X-Forwarded-Proto: https", "X-Forwarded-Ssl: off")),
    bad("contradicting-other-way", get("X-Forwarded-Proto: http", "X-Forwarded-Protocol: ssl")),
    ok("untrusted", get("X-Forwarded-Proto: https"), variant="untrusted", env={"wsgi.url_scheme": "http"}),
    ok("untrusted-contradiction-is-nothing", get("X-Forwarded-Proto: https", "X-Forwarded-Ssl: off"),
       variant="untrusted", env={"wsgi.url_scheme": "http"}),
]

BASIC_ENVIRON: list[Case] = [
    ok(
        "environ",
        lines("GET /p?q HTTP/1.1", "Host: h", "User-Agent: u", "", ""),
        env={
            "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/p", "QUERY_STRING": "q",
            "RAW_URI": "/p?q", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "h", "HTTP_USER_AGENT": "u",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.version": [1, 0], "wsgi.url_scheme": "http", "wsgi.multithread": False,
            "wsgi.run_once": False, "wsgi.input_terminated": True, "SERVER_NAME": "127.0.0.1",
        },
        absent=("CONTENT_LENGTH", "HTTP_CONTENT_LENGTH"),
    ),
]
