"""The variables of a request that logs and hooks look at: the same whoever serves it, and for one that is refused."""

from __future__ import annotations

from gunicorn.engine.exchange import Exchange
from gunicorn.http.fields import FORWARDER
from gunicorn.http.request import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn._types import Environ
    from gunicorn.http.forwarded import Forwarded

_HEX = "0123456789abcdefABCDEF"
_OCTETS = {high + low: chr(int(high + low, 16)) for high in _HEX for low in _HEX}


def log_variables(exchange: Exchange, request: Request, forwarded: Forwarded | None) -> Environ:
    """Those of WSGI's environ; `forwarded`: the `Forwarded` that knows the client behind a trusted proxy, or None."""
    peer = exchange.peer
    variables: Environ = {
        "REMOTE_ADDR": peer[0] if isinstance(peer, tuple) else "",
        "REMOTE_PORT": str(peer[1]) if isinstance(peer, tuple) else "",
        "REQUEST_METHOD": request.method,
        "RAW_URI": request.uri,
        "PATH_INFO": unquote(request.path) if "%" in request.path else request.path,
        "QUERY_STRING": request.query,
        "SERVER_PROTOCOL": f"HTTP/{request.version_major}.{request.version_minor}",
        "wsgi.url_scheme": request.scheme or ("https" if exchange.is_secure() else "http"),
    }
    size = len(variables)
    for field, value in request.fields:
        variables[field.variable] = value
    if len(variables) != size + len(request.fields):
        join_repeated(variables, request)
    client = client_of(request, forwarded)
    if client is not None:
        variables["REMOTE_ADDR"], variables["REMOTE_PORT"] = client[0], str(client[1]) if client[1] else ""
    return variables


def client_of(request: Request, forwarded: Forwarded | None) -> tuple[str, int] | None:
    """The client that somebody else has told us of, a trusted proxy by a field or the PROXY protocol; None: its address
    is that of the connection. The port is 0 where it is not known."""
    if forwarded is not None and request.forwarder_trusted:
        found = forwarded.client(request)
        if found is not None:
            return found
    info = request.proxy_info
    return None if info is None else (info["client_addr"], info["client_port"])


def unquote(path: str) -> str:
    """Percent-decoded (RFC 3986 section 2.1), one character an octet; what is no valid escape stays as it is."""
    first, *rest = path.split("%")
    parts = [first]
    for part in rest:
        octet = _OCTETS.get(part[:2])
        parts.append("%" + part if octet is None else octet + part[2:])
    return "".join(parts)


def join_repeated(environ: Environ, request: Request) -> None:
    """Fields of one name are one variable: their values in order, with commas (RFC 9110 section 5.3).

    Where a trusted proxy has set one of `forwarder_headers`, other names of that variable do not count.
    """
    values: dict[str, list[str]] = {}
    fields = request.fields
    own: set[str] = set()
    if request.forwarder_trusted:
        own = {field.variable for field, _ in fields if field.kind == FORWARDER}
    for field, value in fields:
        if field.variable not in own or field.kind == FORWARDER:
            values.setdefault(field.variable, []).append(value)
    for variable, several in values.items():
        environ[variable] = ",".join(several)
