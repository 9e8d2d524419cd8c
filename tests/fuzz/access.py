"""An access line is one line that can be printed, whatever is in it, and both ways to make one write the same.

As JSON it is an object of US-ASCII, the path of which is what a run puts together.
"""

from __future__ import annotations

import json
import re
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from tests.fuzz.rooms import Rooms

ATOMS = [*"hlutrsmUqHbBfaTDMLp", "{request-id}g", "{queue}g"]
WALL = 1764244215.25
#: Formats; what their atoms say is chosen by number.
SPECIMENS = [
    b'%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"', "|".join(f"%({atom})s" for atom in ATOMS).encode(),
    b"%(h)s", b"", b"%%%(h)s%%", b"%(D)d %(h)s", b"%({accept}i)s %(h)-15s", b"%({my.var}e)s|%({x}o)s|%(T).2f",
    *(f"%({atom})s %({atom})s".encode() for atom in ATOMS),
]
WORDS = [b"%(", b")s", b"%", b"%%", b"%(h)", b"%(D)d", b"%(T)f", b"{x}i", b"%({x}o)s", b"%(unknown)s", b"-", b"15",
         b".", b"(", b")", b"\xe9", b'"', *(f"%({atom})s".encode() for atom in ATOMS)]
VALUES = ["", "-", "plain", 'a"b\\c', "\x1b[31m\r\n", "\x80\xff\xa0", "\u2603\u202e", "\udc80", None, 5, 1.5, b"\xff\n",
          [1], "x" * 3000]
STATUSES = ["200 OK", "404", b"500 X", 204, None, "", "301 \xe9"]
SECONDS = [0.0, 0.5, 0.000001, 0.000003, 0.0009996, 0.9999996, 86399.999999, 86400.5, 1e6]
VARIABLES = ("REMOTE_ADDR", "PATH_INFO", "QUERY_STRING", "HTTP_REFERER", "HTTP_USER_AGENT", "my.var",
             "gunicorn.request_id")
CREDENTIALS = [None, "Basic YTpi", "basic !!!", "Bearer x", 5, "Basic \u2603", "Basic //86Yg=="]
#: A width that would be filled with so many spaces is whoever writes such a format's own wish.
WIDE = re.compile(r"\d{4}")


def make(rooms: Rooms) -> Any:
    access, accesslog = rooms("gateway.access_lines"), rooms("logs.atoms")
    response_of, request_of = rooms("gateway.response").Response, rooms("http.request").Request
    prefixes = rooms("gateway.prefixes").Prefixes(b"gunicorn")
    written: list[str] = []

    def write(text: str) -> bool:
        written.append(text)
        return True

    objects = rooms("gateway.access_json").JSONLines(SimpleNamespace(now=lambda: ""), write, None, lambda: WALL)
    access_object = rooms("logs.json_lines").access_line

    def one_object(request: Any, response: Any, environ: dict[str, Any], seconds: float) -> str:
        full: str = access_object(response, request, environ, timedelta(seconds=seconds), WALL)
        assert full.isascii()
        assert full.isprintable()
        assert json.loads(full)["logger"] == "gunicorn.access"
        written.clear()
        objects.add(response, environ, prefixes, seconds, 1.0)
        assert objects.flush()
        assert "".join(written) == full + "\n"
        return full

    log = SimpleNamespace(now=lambda: "[now]", line_writer=lambda: write, _get_user=accesslog.basic_user)

    def run(pieces: list[bytes], choice: int) -> object:
        text = str(b"".join(pieces), "latin-1")
        if WIDE.search(text):
            return None
        request = request_of()
        request.method, request.uri = "GET", ("/", "/\x80?\"", "*")[choice % 3]
        response = response_of(None, None, request, False)
        response.status = STATUSES[choice % len(STATUSES)]
        response.sent = choice << 20
        environ: dict[str, Any] = {
            name: VALUES[(choice + 3 * place) % len(VALUES)] for place, name in enumerate(VARIABLES)
        }
        environ.update(REQUEST_METHOD=request.method, RAW_URI=request.uri, SERVER_PROTOCOL="HTTP/1.1")
        environ["HTTP_AUTHORIZATION"] = CREDENTIALS[choice % len(CREDENTIALS)]
        seconds = SECONDS[choice % len(SECONDS)]
        full = accesslog.compile_format(text, log)(response, request, environ, timedelta(seconds=seconds))
        assert not text.isprintable() or full.isprintable()
        lines = access.access_lines(log, SimpleNamespace(access_log_format=text))
        if lines is not None:
            written.clear()
            lines.add(response, environ, prefixes, seconds, 1.0)
            assert lines.flush()
            assert "".join(written) == full + "\n"
        request.path, request.query, request.forwarder_trusted = f"/{text}", text[::-1], bool(choice & 1)
        environ["HTTP_X_REQUEST_START"] = (f"t={WALL - 1.5}", text, None)[choice % 3]
        return full, lines is None, one_object(request, response, environ, seconds)

    return run
