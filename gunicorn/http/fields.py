"""Field names and what the parser must do with each: looked up once, remembered.

A server sees the same few dozen names for ever. Each is turned once into a `FieldName`: its canonical forms and its
`kind`, the rule it stands under. The memory is bounded, so that a peer that invents names costs itself and no one else.
"""

from __future__ import annotations

import re
import socket

from .errors import InvalidHeaderName
from .limits import Limits

# What a field asks of the parser. Only an ORDINARY one needs no second look.
ORDINARY = 0
HOST = 1
CONTENT_LENGTH = 2
TRANSFER_ENCODING = 3
CONNECTION = 4
EXPECT = 5
SCHEME = 6
SINGLETON = 7
AMBIGUOUS = 8
UPGRADE = 9
FORWARDER = 10
QUEUE_TIME = 11

# Names up to this length are remembered; values up to this length are, one a name.
LONGEST_REMEMBERED = 64
LONGEST_VALUE = 128

# In the compiled form these are C integers, which other modules could not import by name.
globals().update(
    ORDINARY=ORDINARY, HOST=HOST, CONTENT_LENGTH=CONTENT_LENGTH, TRANSFER_ENCODING=TRANSFER_ENCODING,
    CONNECTION=CONNECTION, EXPECT=EXPECT, SCHEME=SCHEME, SINGLETON=SINGLETON, AMBIGUOUS=AMBIGUOUS,
    UPGRADE=UPGRADE, FORWARDER=FORWARDER, QUEUE_TIME=QUEUE_TIME, LONGEST_REMEMBERED=LONGEST_REMEMBERED,
    LONGEST_VALUE=LONGEST_VALUE,
)

KINDS = {
    "HOST": HOST,
    "CONTENT-LENGTH": CONTENT_LENGTH,
    "TRANSFER-ENCODING": TRANSFER_ENCODING,
    "CONNECTION": CONNECTION,
    "EXPECT": EXPECT,
    "UPGRADE": UPGRADE,
    "X-REQUEST-START": QUEUE_TIME,
    # What stands once (RFC 9110, each in its section) and says who asks, for what, or what the content is: of two, one
    # reader takes the first and another the last. User-Agent and Referer say nothing that anything hangs on.
    "AUTHORIZATION": SINGLETON,
    "CONTENT-LOCATION": SINGLETON,
    "CONTENT-RANGE": SINGLETON,
    "CONTENT-TYPE": SINGLETON,
    "DATE": SINGLETON,
    "FROM": SINGLETON,
    "IF-MODIFIED-SINCE": SINGLETON,
    "IF-RANGE": SINGLETON,
    "IF-UNMODIFIED-SINCE": SINGLETON,
    "MAX-FORWARDS": SINGLETON,
    "PROXY-AUTHORIZATION": SINGLETON,
    "RANGE": SINGLETON,
    # RFC 6454 section 7.3, RFC 6455 sections 11.3.1 and 11.3.5
    "ORIGIN": SINGLETON,
    "SEC-WEBSOCKET-KEY": SINGLETON,
    "SEC-WEBSOCKET-VERSION": SINGLETON,
}

# What becomes of a name whose environ key is another name's as well (`header_map`): of one with an underscore, and of
# the dashed twin of one of the `forwarder_headers`.
DROP = 0
REFUSE = 1
KEEP = 2

_HEADER_MAP = {"drop": DROP, "refuse": REFUSE, "dangerous": KEEP}

REMEMBERED = 1024

# Host = uri-host [ ":" port ] (RFC 9110 section 7.2): an IP literal in brackets, or a reg-name of RFC 3986; a port that
# there can be.
_HOST = re.compile(
    r"(?:\[(?:([0-9A-Fa-f:.]+)|v[0-9A-Fa-f]+\.[A-Za-z0-9._~!$&'()*+,;=:\-]+)\]"
    r"|(?:[A-Za-z0-9._~!$&'()*+,;=\-]|%[0-9A-Fa-f]{2})*)"
    r"(?::(?:0*(?:[0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?)?\Z"
).match


class FieldName:
    """A field name (RFC 9110 section 5.1) in the forms its readers want.

    `name` is upper-case with dashes, `lower` the octets in lower case, `variable` the meta-variable of
    RFC 3875 section 4.1.18 (`HTTP_ACCEPT`, `CONTENT_TYPE`), `kind` the rule the parser applies. `recent` is the last
    short value seen and `follower` the name that came last behind this one: clients repeat themselves, and what is
    there need not be made, or looked for, again.
    """

    __slots__ = ("follower", "kind", "lower", "name", "raw", "recent", "scheme", "variable")

    def __init__(self, raw: bytes, kind: int, scheme: str) -> None:
        text = str(raw, "latin-1")
        self.raw = raw
        self.name = text.upper()
        self.lower = raw.lower()
        variable = self.name.replace("-", "_")
        if (variable != "CONTENT_TYPE" and variable != "CONTENT_LENGTH") or "_" in text:
            variable = "HTTP_" + variable
        self.variable = variable
        self.kind = kind
        self.scheme = scheme
        self.recent = ""
        self.follower: FieldName | None = None

    def __repr__(self) -> str:
        return f"<FieldName {self.name}>"


class FieldTable:
    """The names seen lately and the rules of one `Limits`; shared by all connections of a process."""

    __slots__ = (
        "body_limit", "field_limit", "folding", "forwarder_names", "forwarder_variables", "head_limit", "hosts",
        "limits", "line_limit", "names", "origin", "proxied", "schemes", "size_limit", "underscores",
    )

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.line_limit = limits.request_line
        self.field_limit = limits.fields
        self.size_limit = limits.field_size
        self.head_limit = limits.head
        self.body_limit = limits.body
        # Whether connections may begin with a header of the PROXY protocol.
        self.proxied = limits.proxy_protocol != "off"
        self.folding = limits.permit_obsolete_folding
        self.underscores = _HEADER_MAP[limits.header_map]
        self.forwarder_names = frozenset(name.upper() for name in limits.forwarder_headers)
        self.forwarder_variables = frozenset(
            "HTTP_" + name.replace("-", "_") for name in self.forwarder_names if "_" in name)
        self.schemes = {name.upper(): value for name, value in limits.secure_scheme_headers}
        self.names: dict[bytes, FieldName] = {}
        # Stands in front of the first field of a message.
        self.origin = FieldName(b"", ORDINARY, "")
        self.hosts: dict[str, bool] = {}

    def known(self, raw: bytes) -> FieldName:
        """The `FieldName` of a name; `raw` is a token already."""
        field = self.names.get(raw)
        return self.learn(raw) if field is None else field

    def learn(self, raw: bytes) -> FieldName:
        """The `FieldName` of a name that is not remembered; `raw` is a token already."""
        upper = str(raw, "latin-1").upper()
        kind, scheme = KINDS.get(upper, ORDINARY), ""
        if upper in self.schemes:
            kind, scheme = SCHEME, self.schemes[upper]
        elif "_" in upper:
            listed = upper in self.forwarder_names or "*" in self.forwarder_names
            kind = FORWARDER if listed else AMBIGUOUS
        field = FieldName(raw, kind, scheme)
        is_free = kind in (ORDINARY, QUEUE_TIME)
        if is_free and field.variable in self.forwarder_variables and upper not in self.forwarder_names:
            # `Script-Name` would be taken for the proxy's SCRIPT_NAME. Proxies drop the one and pass the other on.
            field.kind = AMBIGUOUS
        if len(raw) <= LONGEST_REMEMBERED:
            if len(self.names) >= REMEMBERED:
                self.names.clear()
            self.names[raw] = field
        return field

    def admits(self, field: FieldName, trusted: bool) -> bool:
        """Whether a name that shares its environ key with another one reaches the application.

        Raises `InvalidHeaderName` where `header_map` refuses it. What the settings name, a trusted proxy may always
        send: under exactly that name.
        """
        if trusted and field.kind != AMBIGUOUS:
            return True
        if self.underscores == REFUSE:
            raise InvalidHeaderName(field.name)
        return self.underscores == KEEP

    def is_host(self, value: str) -> bool:
        """Whether `value` is a valid Host field value (RFC 9110 section 7.2)."""
        if value in self.hosts:
            return True
        found = _HOST(value)
        if found is None or (found[1] is not None and not _is_ipv6(found[1])):
            return False
        if len(value) <= LONGEST_REMEMBERED:
            if len(self.hosts) >= REMEMBERED:
                self.hosts.clear()
            self.hosts[value] = True
        return True


def _is_ipv6(text: str) -> bool:
    try:
        socket.inet_pton(socket.AF_INET6, text)
    except OSError:
        return False
    return True
