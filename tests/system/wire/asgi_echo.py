"""The application of the wire table under ASGI. It tells what it saw in the words of a WSGI environ."""

import json
from urllib.parse import parse_qs

NAMES = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}


def environ_of(scope):
    """What the table compares; a variable that ASGI has no word for is left out."""
    environ = {
        "REQUEST_METHOD": scope["method"],
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "wsgi.url_scheme": scope["scheme"],
        "REMOTE_ADDR": scope["client"][0],
        "REMOTE_PORT": str(scope["client"][1]),
    }
    for name, value in scope["headers"]:
        name, value = name.decode("latin-1"), value.decode("latin-1")
        key = NAMES.get(name, "HTTP_" + name.upper().replace("-", "_"))
        environ[key] = environ[key] + "," + value if key in environ else value
    return environ


def start(status=200, **fields):
    headers = [(name.replace("_", "-").encode(), value.encode()) for name, value in fields.items()]
    return {"type": "http.response.start", "status": status, "headers": headers}


def part(data=b"", more=False):
    return {"type": "http.response.body", "body": data, "more_body": more}


async def echo(scope, receive, send):
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message["body"]
        more = message["more_body"]
    data = json.dumps({"environ": environ_of(scope), "body": body.decode("latin-1")}).encode()
    await send(start(content_type="application/json", content_length=str(len(data))))
    await send(part(data))


async def unread(scope, receive, send):
    await send(start(content_length="6"))
    await send(part(b"unread"))


async def no_length(scope, receive, send):
    await send(start(content_type="text/plain"))
    for data in (b"one,", b"", b"two"):
        await send(part(data, True))
    await send(part())


async def one_part(scope, receive, send):
    await send(start(content_type="text/plain"))
    await send(part(b"single"))


async def by_write(scope, receive, send):
    await send(start(content_type="text/plain"))
    await send(part(b"written,", True))
    await send(part(b"returned"))


async def says_close(scope, receive, send):
    await send(start(content_length="2", connection="close"))
    await send(part(b"ok"))


async def status(scope, receive, send):
    query = parse_qs(scope["query_string"].decode())
    fields = {"x_status": "seen"}
    if "length" in query:
        fields["content_length"] = query["length"][0]
    await send(start(int(query["line"][0][:3]), **fields))
    await send(part(query.get("body", [""])[0].encode()))


async def fails(scope, receive, send):
    raise RuntimeError("on purpose")


async def hints(scope, receive, send):
    await send({"type": "http.response.early_hint", "links": [b"</style.css>; rel=preload"]})
    await one_part(scope, receive, send)


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


async def app(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    await ROUTES.get(scope["path"], echo)(scope, receive, send)
