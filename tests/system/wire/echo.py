"""The application of the wire table. Its source is what the server under test loads."""

import json
from urllib.parse import parse_qs


def echo(environ, start_response, body):
    seen = {key: value for key, value in environ.items() if isinstance(value, (str, int, bool, tuple))}
    data = json.dumps({"environ": seen, "body": body.decode("latin-1")}).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(data)))])
    return [data]


def unread(environ, start_response):
    start_response("200 OK", [("Content-Length", "6")])
    return [b"unread"]


def no_length(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return iter([b"one,", b"", b"two"])


def one_part(environ, start_response):
    """No length given, but a list of one: the server can count."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"single"]


def by_write(environ, start_response):
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    write(b"written,")
    return [b"returned"]


def says_close(environ, start_response):
    start_response("200 OK", [("Content-Length", "2"), ("Connection", "close")])
    return [b"ok"]


def status(environ, start_response):
    query = parse_qs(environ["QUERY_STRING"])
    fields = [("X-Status", "seen")]
    body = query.get("body", [""])[0].encode()
    if "length" in query:
        fields.append(("Content-Length", query["length"][0]))
    start_response(query["line"][0], fields)
    return [body] if body else []


def fails(environ, start_response):
    raise RuntimeError("on purpose")


def hints(environ, start_response):
    environ["wsgi.early_hints"]([("Link", "</style.css>; rel=preload")])
    return one_part(environ, start_response)


ROUTES = {
    "/unread": unread,
    "/no-length": no_length,
    "/one-part": one_part,
    "/by-write": by_write,
    "/says-close": says_close,
    "/status": status,
    "/fails": fails,
    "/hints": hints,
}


def app(environ, start_response):
    route = ROUTES.get(environ["PATH_INFO"])
    if route is not None:
        return route(environ, start_response)
    return echo(environ, start_response, environ["wsgi.input"].read())
