"""Fields of HTTP/2 as the tables of HPACK hold them: each is judged once, when it is made (RFC 9113 section 8.2).

A client sends the same fields again and again, an index each. What an index stands for is a finished object: with the
`FieldName` that HTTP/1 knows for the name, its value as a string, the rule it stands under.
"""

from __future__ import annotations

from gunicorn.http._octets import path_end, query_end, token_end, value_end
from gunicorn.http.fields import ORDINARY, FieldName, FieldTable

# What a field asks for besides the kinds that every version has (`http/fields.py`).
COOKIE = 32
MALFORMED = 33
PRIORITY = 34
TE = 35
# From here on: the pseudo-header fields (RFC 9113 section 8.3.1, RFC 8441 section 4).
METHOD = 40
PATH = 41
AUTHORITY = 42
URI_SCHEME = 43
PROTOCOL = 44

# What a field costs a table beside its octets (RFC 7541 section 4.1).
OVERHEAD = 32

# In the compiled form these are C integers, which other modules could not import by name.
globals().update(
    COOKIE=COOKIE, MALFORMED=MALFORMED, PRIORITY=PRIORITY, TE=TE, METHOD=METHOD, PATH=PATH, AUTHORITY=AUTHORITY,
    URI_SCHEME=URI_SCHEME, PROTOCOL=PROTOCOL, OVERHEAD=OVERHEAD,
)

_PSEUDO = {
    b":method": METHOD,
    b":path": PATH,
    b":authority": AUTHORITY,
    b":scheme": URI_SCHEME,
    b":protocol": PROTOCOL,
}
# Fields that have a part in this version alone.
_OWN = {b"cookie": COOKIE, b"priority": PRIORITY, b"te": TE}
# Fields of one hop of HTTP/1 (RFC 9113 section 8.2.2).
_OF_A_CONNECTION = frozenset([b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"])


class Field:
    """One field. `text` is its value as a native string, `pair` what a request keeps of it: the name and the value (of
    `:authority`, as those of Host; of other pseudo-header fields, nothing); `octets` the same as octets. Of `:path`,
    `path` and `query` are the parts.

    `kind` is the rule it stands under; a `MALFORMED` one says in `fault` what is wrong with it, to whoever uses it.
    """

    __slots__ = ("fault", "kind", "name", "octets", "pair", "path", "query", "size", "text")

    def __init__(self, name: bytes, value: bytes, table: FieldTable) -> None:
        self.name = name
        self.text = str(value, "latin-1")
        self.size = len(name) + len(value) + OVERHEAD
        self.pair: tuple[FieldName, str] | None = None
        self.octets: tuple[bytes, bytes] | None = None
        self.path = self.query = ""
        self.fault: str | None = fault_of(name, value)
        if self.fault is not None:
            self.kind = MALFORMED
            return
        self.kind = _PSEUDO.get(name, ORDINARY)
        if self.kind == ORDINARY:
            known = table.known(name)
            self.kind = _OWN.get(name, known.kind)
            self.pair = (known, self.text)
            self.octets = (name, value)
        elif self.kind == AUTHORITY:
            self.pair = (table.known(b"host"), self.text)
            self.octets = (b"host", value)
        elif self.kind == PATH:
            self.path, _, self.query = self.text.partition("?")

    def __repr__(self) -> str:
        return f"<Field {self.name!r}: {self.text!r}>"


def fault_of(name: bytes, value: bytes) -> str | None:
    """What makes a request with this field malformed; None for one that is well-formed by itself."""
    if name.startswith(b":"):
        return _fault_of_pseudo(name, value)
    if not name or token_end(name, 0, len(name)) != len(name):
        return "a field name that is no token"
    elif name != name.lower():
        return "a field name in upper case"
    elif name in _OF_A_CONNECTION:
        return "a field of a connection of HTTP/1"
    elif name == b"te" and value.lower() != b"trailers":
        return "TE with anything but trailers"
    return _fault_of_value(value)


def _fault_of_value(value: bytes) -> str | None:
    if value_end(value, 0, len(value)) != len(value):
        return "an octet that is not allowed in a field"
    if value[:1] in (b" ", b"\t") or value[len(value) - 1:] in (b" ", b"\t"):
        return "white space around a field value"
    return None


def _fault_of_pseudo(name: bytes, value: bytes) -> str | None:
    if name not in _PSEUDO:
        return "a pseudo-header field that no request has"
    if not value:
        return "a pseudo-header field without a value"
    if name == b":path":
        # The same octets as in a request line: what those are stands in `http/target.py`.
        end = path_end(value, 0, len(value))
        if end < len(value) and value[end] == 63:
            end = query_end(value, end + 1, len(value))
        return None if end == len(value) else "an octet that is not allowed in a target"
    if name != b":authority" and token_end(value, 0, len(value)) != len(value):
        # A scheme is less than a token, and says nothing here (RFC 3986 section 3.1).
        return "a pseudo-header field that is no token"
    return _fault_of_value(value)
