"""The four forms of a request-target (RFC 9112 section 3.2), and the same resource elsewhere."""

from __future__ import annotations

import re

from .errors import HTTPError, InvalidHost, InvalidRequestLine, Redirected
from .fields import FieldTable
from .message import Request

_ABSOLUTE = re.compile(r"https?://([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#.*)?\Z", re.IGNORECASE | re.DOTALL).match
_AUTHORITY = re.compile(r"[^/?#@]+:[0-9]{1,5}\Z").match


def split_target(request: Request, table: FieldTable) -> None:
    """Set `path`, `query` and `authority` from `uri`, for every form but the plain origin-form.

    Raises `InvalidRequestLine` for a target that is none of the four forms or does not go with the method, and
    `InvalidHost` for an authority that is none.
    """
    uri, method = request.uri, request.method
    if method == "CONNECT":
        if _AUTHORITY(uri) is None or not table.is_host(uri):
            raise InvalidRequestLine(f"CONNECT wants host:port, not {uri}")
        request.authority = uri
    elif uri.startswith("/"):
        request.path, _, request.query = uri.partition("#")[0].partition("?")
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
