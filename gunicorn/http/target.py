"""The four forms of a request-target (RFC 9112 section 3.2), and the same resource elsewhere.

Which octets a target may hold is told by the spans `path_end` and `query_end`: those of RFC 3986 (unreserved,
sub-delims, `%`, `:`, `@`, `/`, and `?` in a query), and those that browsers send as they are although RFC 3986 does not
know them. The URL Standard (section 1.3, "percent-encode sets") leaves `[`, `]` and `|` alone in a path, and in a query
`{`, `}`, `^`, a backslash and a backtick besides. What neither lets through, nobody sends in good faith: `"`, `<`, `>`,
a control, a space, an octet beyond US-ASCII, and above all `#`, behind which two readers may see two targets. A `%`
without two hexadecimal digits behind it is sent by browsers, too, and stays what it is.
"""

from __future__ import annotations

import re

from .errors import HTTPError, InvalidHost, InvalidRequestLine, Redirected, UnsupportedMethod
from .fields import FieldTable
from .request import Request

_ABSOLUTE = re.compile(r"https?://([^/?]*)([^?]*)(?:\?(.*))?\Z", re.IGNORECASE).match
# What stands in a path as it is; of these, `%` would be read as an escape.
_TO_ENCODE = re.compile(r"[^!$&'()*+,\-./0-9:;=@A-Z_a-z~]").sub
_HEX = "0123456789abcdefABCDEF"
_OCTETS = {high + low: chr(int(high + low, 16)) for high in _HEX for low in _HEX}
_AUTHORITY = re.compile(r"[^/?@]+:[0-9]*[1-9][0-9]*\Z").match


def split_target(request: Request, table: FieldTable) -> None:
    """Set `path`, `query` and `authority` from `uri`, for every form but the plain origin-form.

    Raises `InvalidRequestLine` for a target that is none of the four forms or does not go with the method,
    `InvalidHost` for an authority that is none, and `UnsupportedMethod` for CONNECT without `permit_connect`.
    """
    uri, method = request.uri, request.method
    if method == "CONNECT":
        if _AUTHORITY(uri) is None or not table.is_host(uri):
            raise InvalidRequestLine(f"CONNECT needs host:port, not {uri}")
        if not table.limits.permit_connect:
            raise UnsupportedMethod("CONNECT, without permit_connect")
        request.authority = uri
    elif uri.startswith("/"):
        request.path, _, request.query = uri.partition("?")
    elif uri == "*":
        if method != "OPTIONS":
            raise InvalidRequestLine("only OPTIONS may ask for *")
        request.path = uri
    else:
        _split_absolute(request, table)


def _split_absolute(request: Request, table: FieldTable) -> None:
    found = _ABSOLUTE(request.uri)
    if found is None:
        raise InvalidRequestLine(request.uri)
    authority, path, query = found.groups()
    # RFC 9110 section 4.2.4: user information here is an error; an http URI without host is one by section 4.2.1.
    if not authority or authority.startswith(":") or not table.is_host(authority):
        raise InvalidHost(authority)
    request.authority = authority
    request.path = path or ("*" if request.method == "OPTIONS" and query is None else "/")
    request.query = query or ""


def unquote(path: str) -> str:
    """Percent-decoded (RFC 3986 section 2.1), one character an octet; what is no valid escape stays as it is."""
    first, *rest = path.split("%")
    parts = [first]
    for part in rest:
        octet = _OCTETS.get(part[:2])
        parts.append("%" + part if octet is None else octet + part[2:])
    return "".join(parts)


def percent_encoded(path: str) -> str:
    """A path of one character an octet, as a request-target has it (RFC 3986 section 2.1)."""
    return _TO_ENCODE(lambda found: f"%{ord(found[0]):02X}", path)


def elsewhere(request: Request, port: int) -> HTTPError:
    """The answer that sends a client to the same resource by HTTPS, on another port of this host."""
    host = request.authority or request.host
    if not host:
        return InvalidHost("a redirect needs to know the host")
    name, colon, old_port = host.rpartition(":")
    if not colon or not (old_port.isdigit() or not old_port):
        name = host
    path = request.path if request.path.startswith("/") else "/"
    query = f"?{request.query}" if request.query else ""
    return Redirected(f"https://{name}{'' if port == 443 else f':{port}'}{path}{query}")
