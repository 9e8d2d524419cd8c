"""From the variables of CGI (RFC 3875 section 4.1) to a request: for uwsgi, SCGI and FastCGI, which pack them each in
its own way.

A server in front has taken the request apart. What it has of the head comes as `HTTP_*`, and is judged here by the same
functions as a head of HTTP; what it says of its own (the client's address, who that is, the scheme) goes into environ
and scope as it stands. Whoever may speak these protocols is believed.

Two things are said twice, and differently by the files that servers ship with: the path, decoded in PATH_INFO and as
it was sent in REQUEST_URI, and where the application is mounted. The path is PATH_INFO, not to be decoded once more,
where that has come, and otherwise that of REQUEST_URI. SCRIPT_NAME is believed beside a PATH_INFO alone: without one
it is the whole path, in nginx' own `fastcgi_params`.
"""

from __future__ import annotations

import re

from ._octets import is_at, octets, path_end, query_end, text, text_again, token_end, value_end
from .errors import (
    InvalidHeader,
    InvalidHeaderName,
    InvalidHTTPVersion,
    InvalidRequestLine,
    InvalidRequestMethod,
    InvalidVariables,
    LimitRequestHeaders,
    LimitRequestLine,
    UnsupportedMethod,
)
from .fields import (
    CONTENT_LENGTH,
    HOST,
    LONGEST_REMEMBERED,
    LONGEST_VALUE,
    ORDINARY,
    REMEMBERED,
    FieldName,
    FieldTable,
)
from .head import SHOWN, Head, length_of
from .request import Request
from .target import percent_encoded, split_target, unquote

# What a variable is for.
PLAIN = 0
DROPPED = 1
FIELD = 2
CONTENT = 3
METHOD = 4
URI = 5
PATH = 6
QUERY = 7
VERSION = 8
MOUNT = 9

_KINDS = {
    b"REQUEST_METHOD": METHOD,
    b"REQUEST_URI": URI,
    b"PATH_INFO": PATH,
    b"QUERY_STRING": QUERY,
    b"SERVER_PROTOCOL": VERSION,
    b"SCRIPT_NAME": MOUNT,
    b"CONTENT_LENGTH": CONTENT,
    b"CONTENT_TYPE": CONTENT,
    # The front has undone the framing, and says the length and the type of the content by their own variables.
    b"HTTP_CONTENT_LENGTH": DROPPED,
    b"HTTP_CONTENT_TYPE": DROPPED,
    b"HTTP_TRANSFER_ENCODING": DROPPED,
    # Ours to say.
    b"SERVER_SOFTWARE": DROPPED,
    b"RAW_URI": DROPPED,
    b"SCGI": DROPPED,
}

# Variables besides those of fields: so many.
MOST_BESIDES = 64

# A name with a dot would be one of `wsgi.*`, or another of those that servers and frameworks have for themselves.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z").match
_ADDRESS = re.compile(r"[0-9A-Fa-f:.]{2,45}(?:%[0-9A-Za-z._~-]{1,15})?\Z").match
_VERSION = re.compile(r"HTTP/[0-9](?:\.[0-9])?\Z").match
_VERSIONS = frozenset({"HTTP/1.0", "HTTP/1.1", "HTTP/2.0", "HTTP/3.0"})
_YES = frozenset({"on", "1", "true", "yes", "https"})


class Variable:
    """A name, and what it is for: `field` the field that it stands for. `recent` and `follower` as of a `FieldName`."""

    __slots__ = ("field", "follower", "kind", "name", "raw", "recent")

    def __init__(self, raw: bytes, kind: int, field: FieldName | None) -> None:
        self.raw = raw
        self.name = str(raw, "latin-1")
        self.kind = kind
        self.field = field
        self.recent = ""
        self.follower: Variable | None = None

    def __repr__(self) -> str:
        return f"<Variable {self.name}>"


class VariableTable:
    """The names seen lately; shared by all connections of a process."""

    __slots__ = ("addresses", "fields", "names", "origin")

    def __init__(self, fields: FieldTable) -> None:
        self.fields = fields
        self.names: dict[bytes, Variable] = {}
        # Of clients, which are addresses.
        self.addresses: set[str] = set()
        # Stands in front of the first variable of a request.
        self.origin = Variable(b"", DROPPED, None)

    def known(self, raw: bytes) -> Variable:
        """The `Variable` of a name. Raises `HTTPError`."""
        variable = self.names.get(raw)
        return self.learn(raw) if variable is None else variable

    def learn(self, raw: bytes) -> Variable:
        """The `Variable` of a name that is not remembered. Raises `InvalidHeaderName`, `InvalidVariables`."""
        field = None
        kind = _KINDS.get(raw, PLAIN)
        if kind == CONTENT:
            field = self.fields.known(raw.replace(b"_", b"-"))
        elif kind == PLAIN and raw.startswith(b"HTTP_"):
            kind, field = FIELD, self._field(raw[5:])
        elif not raw:
            raise InvalidVariables("a variable without a name")
        elif _NAME(str(raw, "latin-1")) is None:
            kind = DROPPED
        variable = Variable(raw, kind, field)
        if len(raw) <= LONGEST_REMEMBERED:
            if len(self.names) >= REMEMBERED:
                self.names.clear()
            self.names[raw] = variable
        return variable

    def is_address(self, text: str) -> bool:
        """Whether this is the address of a client."""
        if text in self.addresses:
            return True
        if _ADDRESS(text) is None:
            return False
        if len(self.addresses) >= REMEMBERED:
            self.addresses.clear()
        self.addresses.add(text)
        return True

    def _field(self, raw: bytes) -> FieldName:
        """The field behind `HTTP_`, with dashes again: the front has made underscores of them."""
        if not raw or token_end(raw, 0, len(raw)) != len(raw):
            raise InvalidHeaderName(text(raw, 0, min(len(raw), SHOWN)))
        return self.fields.known(raw.replace(b"_", b"-"))


class VariableReader(Head):
    """Makes a request of one set of variables after another: `begin_request`, `take` each of them, `finish`."""

    __slots__ = (
        "besides", "count", "mount", "path", "previous", "query", "size", "told", "variables", "version",
    )

    def begin_reader(self, variables: VariableTable, trusted: bool) -> None:
        """What `__init__` would do."""
        self.begin_head(variables.fields, trusted)
        self.variables = variables
        self._forget_variables()

    def _forget_variables(self) -> None:
        self.previous = self.variables.origin
        # What the front says of its own, for the environ.
        self.told: dict[str, str] = {}
        self.mount = ""
        self.path: str | None = None
        self.query: str | None = None
        self.version: str | None = None
        # Fields, other variables, octets of fields.
        self.count = self.besides = self.size = 0

    def begin_request(self) -> None:
        """Variables begin to come."""
        self.forget()
        self._forget_variables()
        request = Request.__new__(Request)
        request.begin()
        self.request = request

    def take(self, data: bytes, name: int, name_end: int, value: int, value_stop: int) -> None:
        """A variable, by the places of its name and its value in `data`. Raises `HTTPError`."""
        variable = self._known(data, name, name_end)
        kind = variable.kind
        if kind == FIELD:
            self._field(variable, data, value, value_stop)
            return
        self.besides += 1
        if self.besides > MOST_BESIDES + self.table.field_limit:
            raise LimitRequestHeaders(f"over {MOST_BESIDES + self.table.field_limit} variables")
        if kind == DROPPED:
            return
        if kind == CONTENT:
            # Empty ones are none (RFC 3875 section 4.1).
            if value < value_stop:
                self._content(variable, data, value, value_stop)
        elif kind == PLAIN:
            if value < value_stop:
                self.told[variable.name] = _value_of(variable, data, value, value_stop)
        else:
            self._line(variable, data, value, value_stop)

    def _known(self, data: bytes, start: int, end: int) -> Variable:
        """A variable by its name: most often the one that followed the one before it the last time, too."""
        previous = self.previous
        variable = previous.follower
        if variable is None or not is_at(variable.raw, data, start, end):
            variable = self.variables.known(octets(data, start, end))
            if end - start <= LONGEST_REMEMBERED:
                previous.follower = variable
        self.previous = variable
        return variable

    def _field(self, variable: Variable, data: bytes, start: int, end: int) -> None:
        """A field of the head."""
        field, request = variable.field, self.request
        if field is None or request is None:
            raise ValueError("no request was begun")
        value = self._field_value(variable, field, data, start, end)
        if field.kind == ORDINARY or self._heed(request, field, value):
            request.fields.append((field, value))

    def _field_value(self, variable: Variable, field: FieldName, data: bytes, start: int, end: int) -> str:
        """Its value, checked and counted."""
        stop = value_end(data, start, end)
        if stop != end:
            raise InvalidHeader(f"{field.name} holds an octet that is not allowed in a field, {data[stop]:#04x}")
        while start < end and (data[start] == 32 or data[start] == 9):
            start += 1
        while end > start and (data[end - 1] == 32 or data[end - 1] == 9):
            end -= 1
        self._count(len(variable.raw) + end - start)
        return _value_of(variable, data, start, end)

    def _count(self, size: int) -> None:
        """Count a field of so many octets. Raises `LimitRequestHeaders`."""
        table = self.table
        if table.size_limit and size > table.size_limit:
            raise LimitRequestHeaders(f"a field of over {table.size_limit} bytes")
        self.size += size
        if table.head_limit and self.size > table.head_limit:
            raise LimitRequestHeaders(f"over {table.head_limit} bytes of fields")
        self.count += 1
        if self.count > table.field_limit:
            raise LimitRequestHeaders(f"over {table.field_limit} fields")

    def _content(self, variable: Variable, data: bytes, start: int, end: int) -> None:
        """The length or the type of the content. Of two types the last one counts; of lengths, none but the same."""
        field, request = variable.field, self.request
        if field is None or request is None:
            raise ValueError("no request was begun")
        value = self._field_value(variable, field, data, start, end)
        if field.kind != CONTENT_LENGTH:
            request.fields = [pair for pair in request.fields if pair[0] is not field]
        elif not self.has_length:
            self.interpret(request, field, value)
        elif request.content_length != length_of(value):
            raise InvalidHeader("CONTENT-LENGTH")
        else:
            return
        request.fields.append((field, value))

    def _heed(self, request: Request, field: FieldName, value: str) -> bool:
        """A field with a meaning of its own; False when it must not reach the application."""
        if not self.admits(field) or (field.kind == HOST and request.host == value):
            return False
        self.interpret(request, field, value)
        return True

    def _line(self, variable: Variable, data: bytes, start: int, end: int) -> None:
        """A part of the request line, as the front has it; where it comes twice, the last one counts."""
        request = self.request
        if request is None:
            raise ValueError("no request was begun")
        kind = variable.kind
        value = _value_of(variable, data, start, end)
        if kind == METHOD:
            self._method(request, value, data, start, end)
        elif kind == URI:
            self._uri(request, value, data, start, end)
        elif kind == PATH:
            self.path = value
        elif kind == QUERY:
            if query_end(data, start, end) != end:
                raise InvalidRequestLine(value[:SHOWN])
            self.query = value
        elif kind == VERSION:
            self._version(value)
        else:
            self.mount = value

    def _method(self, request: Request, value: str, data: bytes, start: int, end: int) -> None:
        if start == end or token_end(data, start, end) != end:
            raise InvalidRequestMethod(value[:SHOWN])
        request.method = "GET" if value == "GET" else self.method_of(value)

    def _version(self, value: str) -> None:
        """What the client and the front speak; an empty one is none (RFC 3875 section 4.1)."""
        if not value:
            return
        if value not in _VERSIONS and _VERSION(value) is None:
            raise InvalidHTTPVersion(value[:SHOWN])
        self.version = value

    def _uri(self, request: Request, value: str, data: bytes, start: int, end: int) -> None:
        """The request-target, of which the octets are judged as in a request line."""
        mark = path_end(data, start, end)
        stop = query_end(data, mark + 1, end) if mark < end and data[mark] == 63 else mark
        if stop != end:
            raise InvalidRequestLine(value[:SHOWN])
        request.uri = value
        if start < end and data[start] == 47:
            request.path = text(data, start, mark)
            request.query = text(data, mark + 1, end) if mark < end else ""

    def finish(self, cuts: bool) -> Request:
        """The request that all of them make. `cuts`: the mount point is to be cut off the path. Raises `HTTPError`."""
        request = self.request
        if request is None:
            raise ValueError("no request was begun")
        request.forwarder_trusted = self.trusted
        # No server in front passes interim responses on.
        request.expect_continue = False
        if not request.method:
            raise InvalidVariables("no REQUEST_METHOD")
        if request.method == "CONNECT":
            raise UnsupportedMethod("CONNECT")
        self._settle_target(request)
        limit = self.table.line_limit
        if limit and len(request.method) + len(request.uri) + 10 > limit:
            raise LimitRequestLine(len(request.method) + len(request.uri) + 10, limit)
        self._settle_path(request, cuts)
        self._settle_rest(request)
        if request.content_length:
            self.check_length(request)
        request.variables = self.told
        return request

    def _settle_target(self, request: Request) -> None:
        """The target with its parts, from REQUEST_URI, or made of what has come instead."""
        if request.uri:
            if not request.uri.startswith("/"):
                split_target(request, self.table)
        else:
            whole = self.mount + (self.path or "")
            if whole != "*" and not whole.startswith("/"):
                raise InvalidVariables("neither REQUEST_URI nor PATH_INFO")
            request.path = percent_encoded(whole)
            request.uri = f"{request.path}?{self.query}" if self.query else request.path
        if self.query is not None:
            # The front may have rewritten it.
            request.query = self.query

    def _settle_path(self, request: Request, cuts: bool) -> None:
        """SCRIPT_NAME and PATH_INFO for the environ."""
        mount = self.mount.rstrip("/")
        path = self.path
        if path is None or not (path or mount):
            self.told["PATH_INFO"] = unquote(request.path) if "%" in request.path else request.path
            return
        if path != "*":
            _check_slash("PATH_INFO", path)
        if mount:
            _check_slash("SCRIPT_NAME", mount)
            if is_below(mount, path) and (cuts or unquote(request.path) != mount + path):
                # The whole path, as nginx has it in `$document_uri`.
                path = path[len(mount):]
            self.told["SCRIPT_NAME"] = mount
        self.told["PATH_INFO"] = path

    def _settle_rest(self, request: Request) -> None:
        """The scheme, the version, and who the client is."""
        told = self.told
        scheme = scheme_in(told)
        if scheme is not None:
            request.scheme = scheme
        if self.version == "HTTP/1.0":
            request.version_minor = 0
        elif self.version is not None:
            # Of the client and the front: what we answer in is none of these.
            told["SERVER_PROTOCOL"] = self.version
        self._settle_client(told)

    def _settle_client(self, told: dict[str, str]) -> None:
        """What is no address, or no port, is not told."""
        address = told.get("REMOTE_ADDR")
        if address is None:
            return
        if not self.variables.is_address(address):
            # `unix:`, where the front listens on a socket of that kind.
            told["REMOTE_ADDR"] = told["REMOTE_PORT"] = ""
        elif not is_port(told.get("REMOTE_PORT", "")):
            told["REMOTE_PORT"] = ""


def _value_of(variable: Variable, data: bytes, start: int, end: int) -> str:
    """The octets as a native string of PEP 3333: one character an octet."""
    if end - start > LONGEST_VALUE:
        return text(data, start, end)
    value = variable.recent = text_again(variable.recent, data, start, end)
    return value


def _check_slash(name: str, path: str) -> None:
    """Raises `InvalidVariables` for a path, in this variable, that begins with anything else."""
    if path and not path.startswith("/"):
        raise InvalidVariables(f"a {name} without a slash at its begin")


def is_below(mount: str, path: str) -> bool:
    """Whether the path is that of a mount point, or of something in it."""
    return path == mount or path.startswith(mount + "/")


def is_port(text: str) -> bool:
    """Whether this is the number of a port."""
    return text.isascii() and text.isdigit() and len(text) <= 5


def scheme_in(told: dict[str, str]) -> str | None:
    """The scheme, as the front says; None where it does not say. A yes of HTTPS goes before REQUEST_SCHEME, and that
    before a no."""
    says, scheme = told.get("HTTPS"), told.get("REQUEST_SCHEME")
    if says is not None and says.lower() in _YES:
        return "https"
    if scheme is not None:
        return "https" if scheme.lower() == "https" else "http"
    return None if says is None else "http"


def client_in(told: dict[str, str]) -> tuple[str, int] | None:
    """Address and port of the client, as the front says; None where it does not say, port 0 where it is not told."""
    address = told.get("REMOTE_ADDR")
    if not address:
        return None
    port = told.get("REMOTE_PORT")
    return address, int(port) if port else 0
