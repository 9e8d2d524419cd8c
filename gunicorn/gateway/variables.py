"""The variables of a request that logs and hooks look at: the same whoever serves it, and for one that is refused.

Who the client is stands here once, for environ and scope too: those ask for the peer when they make what all requests
of a connection share, and for the client where a request may tell of another one.
"""

from __future__ import annotations

from gunicorn.engine.exchange import Exchange
from gunicorn.http.fields import FORWARDER
from gunicorn.http.request import Request
from gunicorn.http.target import unquote
from gunicorn.http.variables import client_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn._types import Environ, Peer
    from gunicorn.http.forwarded import Forwarded


def log_variables(exchange: Exchange, request: Request, forwarded: Forwarded | None) -> Environ:
    """Those of WSGI's environ; `forwarded`: the `Forwarded` that knows the client behind a trusted proxy, or None."""
    variables: Environ = {
        "REMOTE_ADDR": "",
        "REMOTE_PORT": "",
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
    if request.variables is not None:
        variables.update(request.variables)
    client = client_of(exchange.peer, request, forwarded)
    if client is not None:
        name_client(variables, client)
    if request.span_ids is not None:
        variables["gunicorn.trace_id"], variables["gunicorn.span_id"] = request.span_ids
    return variables


def client_of(peer: Peer, request: Request, forwarded: Forwarded | None) -> tuple[str, int] | None:
    """Address and port of the client: as a trusted proxy tells by a field (`forwarded`: who reads it, or None), or else
    by the PROXY protocol, or else as `peer_of`. The port is 0 where it is not known.

    A server in front that has a variable for the address tells by it of its own peer, which may be a proxy again.
    """
    told = request.variables
    if told is not None and "REMOTE_ADDR" in told:
        nearest = client_in(told)
        return nearest if forwarded is None else forwarded.client(request, nearest) or nearest
    if forwarded is not None and request.forwarder_trusted:
        found = forwarded.client(request)
        if found is not None:
            return found
    info = request.proxy_info
    return peer_of(peer) if info is None else (info["client_addr"], info["client_port"])


def peer_of(peer: Peer) -> tuple[str, int] | None:
    """Address and port of who has connected, without the flow and the scope of IPv6; None for a unix socket."""
    if not isinstance(peer, tuple):
        return None
    return peer if len(peer) == 2 else peer[:2]


def name_client(environ: Environ, client: tuple[str, int]) -> None:
    """Set the variables of CGI (RFC 3875 section 4.1.8) and its custom; a port that is not known is empty."""
    port = client[1]
    environ["REMOTE_ADDR"] = client[0]
    environ["REMOTE_PORT"] = f"{port}" if port else ""


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
