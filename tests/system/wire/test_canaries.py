"""No octet reaches a client, a page or a log that was not meant for it.

Every malformed specimen of the wire table is sent with octets behind it that are found again wherever they turn up,
while other clients are connected whose cookies are secret. What comes back must be one of the pages that we know by
heart; what the log quotes must be what this client has sent.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gunicorn.config import Config
from gunicorn.gateway.wiring import limits_of
from gunicorn.http import errors
from gunicorn.http.errors import HTTPError
from gunicorn.http.fields import FieldTable
from gunicorn.http.response import error_body
from gunicorn.wire.http1 import HTTP1
from gunicorn.wire.protocol import END, NEED_DATA, REQUEST
from tests.support.server import Server
from tests.support.wire import Wire
from tests.system.wire.cases import CLOSE, VARIANTS, Case
from tests.system.wire.test_wire import APPLICATIONS, CASES
from tests.workers.kinds import KINDS, PARAMS

MALFORMED: list[Case] = [
    each.values[0] for each in CASES  # type: ignore[misc]
    if each.values[0].status >= 400 and each.values[0].fate == CLOSE  # type: ignore[union-attr]
]
#: More than any reader looks at in one stretch.
BEHIND = 4096


def canary(mark: str, size: int = BEHIND) -> bytes:
    """Octets that nobody else sends, of which any six tell where they come from."""
    return (mark.encode() + os.urandom(4).hex().encode()) * (size // 12 + 1)


def classes(base: type[HTTPError]) -> Iterator[type[HTTPError]]:
    yield base
    for each in base.__subclasses__():
        yield from classes(each)


PAGES = {error_body(each.status, each.title) for each in classes(HTTPError)} | {error_body(500, "")}

# What is said in words of our own, with numbers; everything else must be a quotation.
OURS = re.compile(
    r"empty|missing; set permit_missing_host to serve health checks that send none|CONNECT, without permit_connect"
    r"|set permit_missing_proxy_header to serve connections that come without the proxy"
    r"|a bare CR|CONTENT-LENGTH|TRANSFER-ENCODING|an octet that is not allowed in a field"
    r"|only OPTIONS may ask for \*|(a field of )?over \d+ (bytes|fields)|\d+( > \d+)?"
    r"|address family \d+( with \d+ bytes)?|transport \d+ is not a stream|\d+ bytes of addresses|[0-9a-f]{8}"
    r"|the connection ended within a request"
)
QUOTING = (
    re.compile(r"(?s:(.*)) holds an octet that is not allowed in a field, 0x[0-9a-f]{2}"),
    re.compile(r"CONNECT needs host:port, not (?s:(.*))"),
)


def is_quoted(detail: object, sent: bytes) -> bool:
    """Whether what an error tells is ours to tell, or was sent by this client."""
    if detail is None or isinstance(detail, int):
        return True
    text = str(detail)
    if OURS.fullmatch(text):
        return True
    for form in QUOTING:
        if found := form.fullmatch(text):
            text = found[1]
    # Names are told in upper case.
    said = str(sent, "latin-1")
    return text in said or text in said.upper() or text in said.lower()


def read_whole(case: Case, pieces: list[bytes]) -> HTTPError | None:
    cfg = Config()
    arguments = VARIANTS[case.variant]
    parsed = vars(cfg.parser().parse_args(list(arguments)))
    for name, value in parsed.items():
        if value is not None and name in cfg.settings:
            cfg.set(name, value)
    protocol = HTTP1(FieldTable(limits_of(cfg)), "untrusted" not in case.variant, case.variant != "proxy-untrusted")
    try:
        for piece in pieces:
            protocol.receive(piece)
            while (event := protocol.next_event()) != NEED_DATA:
                if event == END or (event == REQUEST and not protocol.request.content_length):
                    protocol.next_request()
    except HTTPError as error:
        return error
    return None


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in MALFORMED])
def test_what_an_error_tells_was_sent(case: Case) -> None:
    """In process, with a heap that is full of others' secrets."""
    secrets = [canary("secret", size) for size in (24, 60, 120, 250, 500, 1000, 4000) for _ in range(20)]
    del secrets[::2]
    for behind in (b"", canary("behind")):
        sent = case.data + behind
        for pieces in ([sent], [sent[:len(case.data) // 2], sent[len(case.data) // 2:]], [case.data, behind]):
            error = read_whole(case, [piece for piece in pieces if piece])
            if error is not None:
                assert is_quoted(error.detail, sent), error
                assert len(str(error.detail)) < 400 or "X-" in str(error.detail)
                assert error.title == type(error).title


SECRET = "hidden"


class Others:
    """Clients that are connected all the while: in the middle of a head, of a body, and idle."""

    def __init__(self, server: Server) -> None:
        cookie = b"Cookie: session=" + canary(SECRET, 200)[:200] + b"\r\n"
        self.wires = [server.connect() for _ in range(4)]
        self.wires[0].send(b"GET /a HTTP/1.1\r\nHost: other\r\n" + cookie)
        self.wires[1].send(b"POST /b HTTP/1.1\r\nHost: other\r\n" + cookie + b"Content-Length: 99999\r\n\r\n"
                           + canary(SECRET, 30000)[:30000])
        self.wires[2].send(b"POST /c HTTP/1.1\r\nHost: other\r\n" + cookie + b"Transfer-Encoding: chunked\r\n\r\n"
                           b"FFF\r\n" + canary(SECRET, 1000)[:1000])
        self.wires[3].send(b"GET /d HTTP/1.1\r\nHost: other\r\n" + cookie + b"\r\n")

    def close(self) -> None:
        for wire in self.wires:
            wire.close()


LOGGED = re.compile(r"Invalid request from ip=127\.0\.0\.1: [^:]*: (['\"].*)")


@pytest.mark.parametrize("kind", PARAMS)
def test_nothing_of_others_in_pages_and_logs(kind: str, tmp_path: Path) -> None:
    """One server a worker type for all specimens of the default configuration."""
    server = Server(tmp_path, APPLICATIONS["wsgi"][0], *KINDS[kind], expect_traceback=True)
    wrong: list[object] = []
    sent_by_all = []
    try:
        server.start()
        others = Others(server)
        for number, case in enumerate(each for each in MALFORMED if each.variant == "default"):
            if number % 25 == 24:
                # Their octets go, and others' come to the same places.
                others.close()
                others = Others(server)
            sent = case.data + canary("behind")
            sent_by_all.append(str(sent, "latin-1"))
            with Wire(server.address) as wire:
                wire.send(sent)
                wire.finish_sending()
                answer = wire.read_until_eof()
            if SECRET.encode() in answer or b"behind" in answer:
                wrong.append((case.name, answer))
            _, _, body = answer.partition(b"\r\n\r\n")
            ours = kind not in ("tornado", "gevent_pywsgi")
            if ours and body and body not in PAGES:
                wrong.append((case.name, answer))
        others.close()
        assert server.stop() == 0
    finally:
        server.kill()
    assert wrong == []
    log = server.log()
    assert SECRET not in log
    quoted = [ast.literal_eval(each) for each in LOGGED.findall(log)]
    assert kind in ("tornado", "gevent_pywsgi") or len(quoted) > 20
    everything = "\n".join(sent_by_all).encode("latin-1")
    assert [each for each in quoted if not is_quoted(each, everything)] == []


def test_every_page_is_fixed_words() -> None:
    for each in classes(HTTPError):
        assert each.title.isascii()
        assert not set(each.title) & set("<>&\"'"), each
    assert errors.PlainRequest.title.startswith("HTTP without TLS")
