"""The control interface by HTTP, octets in and octets out."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunicorn.control import broadcast
from gunicorn.control.control_face import ControlFace, Office
from gunicorn.control.conversation import Peer
from gunicorn.control.guard import Guard
from gunicorn.control.http_face import Reply
from tests.control.orders import Noted, TaskOrder
from tests.control.talk import Hall, heard

NEAR, FAR = ("127.0.0.1", 5001), ("192.0.2.7", 5002)
HERE, EVERYWHERE = ("127.0.0.1", 9000), ("0.0.0.0", 9000)
FREE = {"/readyz": lambda request: Reply(200, "text/plain", b"free")}


class Talk:
    """A client of a server that is only a view."""

    def __init__(
        self, peer: Any = NEAR, listener: Any = HERE, host: str = "127.0.0.1", token: bytes | None = b"secret",
        office: Office | None = None, orders: Noted | None = None,
    ) -> None:
        self.orders = Noted() if orders is None else orders
        self.office = Office(self.orders) if office is None else office
        self.guard = Guard(host, listener, token)
        self.face = ControlFace(
            self.office, lambda: self.guard, Peer(peer, 1000, 77), FREE, lambda: self.orders.now, lambda: 0.0
        )

    def give(self, octets: bytes, size: int = 0) -> bytes:
        """What is answered to that, in pieces of `size`, the master making a turn for each."""
        size = size or max(1, len(octets))
        for at in range(0, len(octets), size):
            self.face.receive(octets[at:at + size])
            self.turn()
        return self.said()

    def turn(self) -> None:
        for _ in range(100):
            if self.face.due is not None:
                self.face.tick(self.orders.now)
                if self.face.due is not None:
                    return
            elif not self.face.answer():
                return

    def said(self) -> bytes:
        output = bytes(self.face.output)
        self.face.output.clear()
        return output

    def ask(self, line: str, *fields: str, body: str = "") -> tuple[int, Any]:
        """Status, and the JSON."""
        return parted(self.give(octets_of(line, *fields, body=body)))


def octets_of(line: str, *fields: str, body: str = "", host: str = "127.0.0.1:9000") -> bytes:
    lines = [f"{line} HTTP/1.1", *([f"Host: {host}"] if host else []), *fields]
    lines += [f"Content-Length: {len(body.encode())}"] if body else []
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode("utf-8")


def parted(answer: bytes) -> tuple[int, Any]:
    head, _, content = answer.partition(b"\r\n\r\n")
    assert b"\r\nX-Content-Type-Options: nosniff\r\n" in head, answer
    return int(head[9:12]), json.loads(content) if content else None


TOKEN, AS_JSON = "Authorization: Bearer secret", "Content-Type: application/json"
RIGHT = (TOKEN, AS_JSON)


# What there is.


@pytest.mark.parametrize(("path", "key"), [
    ("/stats", "workers_target"), ("/workers", "workers"), ("/requests", "requests"), ("/config", "settings"),
    ("/listeners", "listeners"), ("/dirty", "apps"),
])
def test_what_can_be_read(path: str, key: str) -> None:
    status, data = Talk().ask(f"GET {path}")
    assert status == 200
    assert key in data
    answer = Talk().give(octets_of(f"HEAD {path}"))
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.endswith(b"\r\n\r\n")


def test_what_may_be_secret_needs_the_token() -> None:
    talk = Talk()
    view = talk.orders.view()
    view.settings.set("raw_env", ["PASSWORD=hush"])
    talk.orders.changes["settings"] = view.settings
    assert "hush" not in json.dumps(talk.ask("GET /config"))
    _, data = talk.ask("GET /config", TOKEN)
    assert data["settings"]["raw_env"]["value"] == ["PASSWORD=hush"]
    assert data["settings"]["raw_paste_global_conf"]["value"] == []


@pytest.mark.parametrize(("line", "body", "data", "done"), [
    ("POST /reload", "", {"status": "reloading"}, ("signal", signal.SIGHUP)),
    ("POST /reload", '{"wait": false}', {"status": "reloading"}, ("signal", signal.SIGHUP)),
    ("POST /reopen", "{}", {"status": "reopening"}, ("signal", signal.SIGUSR1)),
    ("POST /workers", '{"add": 2}', {"added": 0, "previous": 2, "total": 2}, ("resize", 2)),
    ("POST /workers", '{"remove": 1}', {"removed": 0, "previous": 2, "total": 2}, ("resize", -1)),
    ("POST /workers/11/kill", "", {"success": True, "killed": 11}, ("dismiss", 11)),
    ("POST /workers/11/restart", "", {"success": True, "restarting": [11]}, ("renew", 11)),
    ("POST /workers/restart", " ", {"success": True, "restarting": [11, 12]}, ("renew", 11, 12)),
    ("POST /drain", '{"on": true}', {"draining": False, "ready": True}, ("drain", True)),
    ("POST /drain", '{"on": false}', {"draining": False, "ready": True}, ("drain", False)),
    ("POST /shutdown", "", {"status": "shutting_down", "mode": "graceful"}, ("signal", signal.SIGTERM)),
    ("POST /shutdown", '{"mode": "quick"}', {"status": "shutting_down", "mode": "quick"}, ("signal", signal.SIGINT)),
])
def test_what_can_be_done(line: str, body: str, data: object, done: tuple[object, ...]) -> None:
    talk = Talk()
    assert talk.ask(line, *RIGHT, body=body) == (200, data)
    order, (note, text) = talk.orders.done
    assert order == done
    assert note == "note"
    assert str(text).endswith(" by 127.0.0.1:5001")
    assert "secret" not in str(text)


def test_more_and_less_task_processes() -> None:
    talk = Talk()
    assert talk.ask("POST /dirty", *RIGHT, body='{"add": 2}') == (
        404, {"success": False, "error": "Dirty arbiter not running"}
    )
    talk.orders.task_order = TaskOrder(2, (4, ""))
    assert talk.ask("POST /dirty", *RIGHT, body='{"add": 2}') == (
        200, {"success": True, "operation": "add", "requested": 2, "spawned": 2, "previous": 2, "total_workers": 4,
              "target_workers": 4}
    )
    talk.orders.task_order = TaskOrder(2, (2, "No one can be spared."))
    assert talk.ask("POST /dirty", *RIGHT, body='{"remove": 1}') == (409, {"error": "No one can be spared."})
    assert talk.ask("POST /dirty", *RIGHT, body='{"remove": 0}')[0] == 400
    assert talk.ask("POST /dirty", AS_JSON, body='{"remove": 1}')[0] == 401


def test_what_a_worker_is_doing() -> None:
    talk = Talk()
    assert talk.give(octets_of("GET /stacks/11")) == b""
    assert talk.face.due is not None
    talk.orders.answer.text = "File"
    talk.turn()
    assert parted(talk.said()) == (200, {"pid": 11, "stacks": "File"})
    talk.orders.answer.text = ""
    assert talk.ask("GET /stacks/11") == (409, {"error": "The worker does not answer"})


def test_a_reload_that_is_waited_for() -> None:
    talk = Talk()
    assert talk.give(octets_of("POST /reload", *RIGHT, body='{"wait": 5}')) == b""
    talk.orders.now += 6
    talk.turn()
    assert parted(talk.said()) == (409, {"error": "The reload is still under way"})


def test_a_profile() -> None:
    talk = Talk()
    octets = octets_of("POST /profile", *RIGHT, body='{"pid": 11, "seconds": 0.5}')
    assert talk.give(octets) == b""
    assert talk.orders.done[0] == ("profile", 11, 0.5)
    assert parted(Talk(orders=talk.orders).give(octets))[0] == 409, "there is one already"
    talk.orders.now += 60
    talk.turn()
    status, data = parted(talk.said())
    assert status == 200
    assert data["workers"][0]["pid"] == 11


def test_the_page() -> None:
    talk = Talk()
    head, _, content = talk.give(octets_of("GET /", "Sec-Fetch-Site: cross-site")).partition(b"\r\n\r\n")
    fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    policy = dict(each.strip().partition(" ")[::2] for each in fields["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["connect-src"] == "'self'"
    nonce = policy["script-src"].removeprefix("'nonce-").removesuffix("'")
    assert policy["style-src"] == policy["script-src"]
    assert content.count(f'nonce="{nonce}"'.encode()) == 2
    assert len(nonce) == 32
    assert fields["Referrer-Policy"] == "no-referrer"
    assert fields["Cross-Origin-Opener-Policy"] == "same-origin"
    assert nonce.encode() not in Talk().give(octets_of("GET /")), "each time another one"


def test_what_others_have_there() -> None:
    assert Talk(FAR, EVERYWHERE).give(octets_of("GET /readyz", host="elsewhere")).endswith(b"\r\n\r\nfree")


# What there is not.


@pytest.mark.parametrize(("line", "status", "field"), [
    ("GET /nothing", 404, b""), ("POST /nothing", 404, b""), ("GET /stacks/x", 404, b""), ("GET /stacks", 404, b""),
    ("GET /stacks/99", 404, b""), ("GET /stacks/" + "1" * 30, 404, b""), ("GET /stacks/11/12", 404, b""),
    ("GET /stacks/-1", 404, b""), ("GET /stacks/%31%31", 404, b""), ("GET //stats", 404, b""), ("GET /PID", 404, b""),
    ("GET /stacks/PID", 404, b""), ("GET /stacks/\u0663", 400, b""),
    ("POST /stats", 405, b"Allow: GET, HEAD\r\n"), ("GET /reload", 405, b"Allow: POST\r\n"),
    ("HEAD /reload", 405, b"Allow: POST\r\n"), ("DELETE /workers", 405, b"Allow: GET, HEAD, POST\r\n"),
    ("OPTIONS /stats", 405, b"Allow: GET, HEAD\r\n"), ("POST /", 405, b"Allow: GET, HEAD\r\n"),
    ("POST /events", 405, b"Allow: GET, HEAD\r\n"), ("POST /workers/99/kill", 404, b""),
    ("POST /workers/99/restart", 404, b""),
])
def test_what_is_not_there(line: str, status: int, field: bytes) -> None:
    talk = Talk()
    answer = talk.give(octets_of(line, *(RIGHT if "99" in line else ())))
    if not line.startswith("HEAD"):
        code, data = parted(answer)
        assert code == status
        assert list(data) == ["error"]
    assert answer.startswith(b"HTTP/1.1 %d" % status)
    assert field in answer
    assert talk.orders.done == []


@pytest.mark.parametrize(("line", "body", "told"), [
    ("POST /workers", "", "Expected {"), ("POST /workers", "[]", "Expected an object"), ("POST /workers", "{", "JSON"),
    ("POST /workers", "[" * 5000, "JSON"), ("POST /workers", '{"add": 1' + "0" * 5000 + "}", "JSON"),
    ("POST /workers", '{"add": 1e999}', "whole number"), ("POST /workers", '{"add": true}', "whole number"),
    ("POST /workers", '{"add": 0}', "whole number"), ("POST /workers", '{"add": -1}', "whole number"),
    ("POST /workers", '{"add": 5000}', "whole number"), ("POST /workers", '{"add": "1"}', "whole number"),
    ("POST /workers", '{"add": 1, "remove": 1}', "Expected {"), ("POST /workers", '{"ad": 1}', "only add, remove"),
    ("POST /reopen", '{"ad": 1}', "none"), ("POST /drain", "", "Expected {"),
    ("POST /drain", '{"on": 1}', "Expected {"),
    ("POST /shutdown", '{"mode": "fast"}', "graceful or quick"), ("POST /shutdown", '{"mode": []}', "graceful or"),
    ("POST /profile", '{"pid": "x"}', "whole number"), ("POST /profile", '{"seconds": NaN}', "number of seconds"),
    ("POST /profile", '{"seconds": "1"}', "number of seconds"), ("POST /reload", '{"wait": "x"}', "number of seconds"),
    ("POST /reload", '{"wait": -1}', "number of seconds"), ("POST /reload", '\ufeff{}', "JSON"),
])
def test_content_that_is_wrong(line: str, body: str, told: str) -> None:
    talk = Talk()
    status, data = talk.ask(line, *RIGHT, body=body)
    assert status == 400
    assert told in data["error"]
    assert talk.orders.done == []


def test_content_that_is_no_text() -> None:
    octets = octets_of("POST /workers", *RIGHT, "Content-Length: 4") + b"\xff\xfe{\x00"
    assert parted(Talk().give(octets)) == (400, {"error": "This is not JSON"})


# How it comes.

MORE = octets_of("POST /workers", *RIGHT, body='{"add": 2}')


@pytest.mark.parametrize("size", [0, 1, 7])
def test_one_after_the_other(size: int) -> None:
    talk = Talk()
    answer = talk.give(MORE + octets_of("GET /dirty") + MORE + octets_of("POST /reopen", *RIGHT), size)
    assert answer.count(b"HTTP/1.1 200 OK") == 4
    assert [done[:2] for done in talk.orders.done if done[0] != "note"] == [
        ("resize", 2), ("resize", 2), ("signal", signal.SIGUSR1),
    ]


def test_in_chunks_and_asked_for() -> None:
    talk = Talk()
    head = octets_of("POST /workers", *RIGHT, "Transfer-Encoding: chunked", "Expect: 100-continue")
    assert talk.give(head) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert parted(talk.give(b'3\r\n{"a\r\n7\r\ndd": 3}\r\n0\r\n\r\n', 1))[0] == 200
    assert talk.orders.done[0] == ("resize", 3)
    assert parted(talk.give(octets_of("GET /dirty")))[0] == 200


@pytest.mark.parametrize("size", [0, 1000])
@pytest.mark.parametrize("chunked", [True, False])
def test_too_much(chunked: bool, size: int) -> None:
    talk = Talk()
    body = " " * 9000
    octets = octets_of("POST /reload", *RIGHT, body=body)
    if chunked:
        octets = octets_of("POST /reload", *RIGHT, "Transfer-Encoding: chunked") + b"2328\r\n" + body.encode() + b"\r\n"
    assert parted(talk.give(octets, size)) == (413, {"error": "Request body too large"})
    assert talk.face.finished
    assert talk.orders.done == []
    assert talk.give(MORE) == b""


def test_nothing_is_done_before_all_has_come() -> None:
    talk = Talk()
    assert talk.give(MORE[:-1]) == b""
    assert talk.orders.done == []


@given(st.lists(st.one_of(st.binary(max_size=40), st.just(MORE), st.just(octets_of("GET /events")),
                          st.just(octets_of("GET /stacks/11")), st.just(MORE[:60])), max_size=8))
def test_whatever_comes_is_answered_or_waited_for(pieces: list[bytes]) -> None:
    talk = Talk()
    for piece in pieces:
        said = talk.give(piece)
        assert not said or said.startswith((b"HTTP/1.1 ", b"retry")), said
    talk.face.left()
    assert talk.office.broadcast.viewers == []


# Who may.

LOOK, DO = ("GET /stats",), ("POST /reload", AS_JSON)
PROXIED = ("Via: 1.1 proxy", "X-Forwarded-For: 192.0.2.1", "Forwarded: for=192.0.2.1", "X-Forwarded-Proto: https",
           "X-Real-IP: 192.0.2.1")
WRONG = ("Authorization: Bearer secre", "Authorization: Bearer secrets", "Authorization: Bearer",
         "Authorization: secret",
         "Authorization: Basic c2VjcmV0", "Authorization: Bearer secret secret", "Authorization: Bearer s\u00e9cret")


@pytest.mark.parametrize(("peer", "listener", "token", "asked", "status"), [
    (NEAR, HERE, b"secret", LOOK, 200), (NEAR, HERE, None, LOOK, 200), ("", "/run/s", None, LOOK, 200),
    (("::1", 5, 0, 0), ("::1", 9, 0, 0), None, LOOK, 200),
    (NEAR, EVERYWHERE, b"secret", LOOK, 401), (FAR, EVERYWHERE, b"secret", LOOK, 401),
    (FAR, HERE, b"secret", LOOK, 401),
    (FAR, EVERYWHERE, None, LOOK, 403), (FAR, EVERYWHERE, b"secret", (*LOOK, TOKEN), 200),
    (FAR, EVERYWHERE, b"secret", ("GET /events",), 401), (FAR, EVERYWHERE, b"secret", ("GET /stacks/11",), 401),
    (("::ffff:127.0.0.1", 5, 0, 0), ("::", 9, 0, 0), b"secret", LOOK, 401),
    *((NEAR, HERE, b"secret", (*LOOK, field), 401) for field in PROXIED),
    *(("", "/run/s", b"secret", (*LOOK, field), 401) for field in PROXIED),
    *((NEAR, HERE, b"secret", (*LOOK, field, TOKEN), 200) for field in PROXIED),
    # What is given has to be right.
    (NEAR, HERE, b"secret", (*LOOK, WRONG[0]), 401), (NEAR, HERE, None, (*LOOK, TOKEN), 403),
    (NEAR, HERE, b"secret", DO, 401), ("", "/run/s", b"secret", DO, 401), (NEAR, HERE, None, (*DO, TOKEN), 403),
    (NEAR, HERE, b"secret", (*DO, TOKEN), 200), (FAR, EVERYWHERE, b"secret", (*DO, TOKEN), 200),
    ("", "/run/s", b"secret", (*DO, "authorization: bearer   secret"), 200),
    *((NEAR, HERE, b"secret", (*DO, field), 401) for field in WRONG),
    # The type of the content.
    (NEAR, HERE, b"secret", ("POST /reload", TOKEN), 415),
    (NEAR, HERE, b"secret", ("POST /reload", TOKEN, "Content-Type: text/plain"), 415),
    (NEAR, HERE, b"secret", ("POST /reload", TOKEN, "Content-Type: application/json-patch+json"), 415),
    (NEAR, HERE, b"secret", ("POST /reload", TOKEN, "Content-Type: Application/JSON; charset=utf-8"), 200),
    # Where a browser says it comes from.
    (NEAR, HERE, b"secret", (*DO, TOKEN, "Origin: http://127.0.0.1:9000", "Sec-Fetch-Site: same-origin"), 200),
    (NEAR, HERE, b"secret", (*DO, TOKEN, "Origin: https://127.0.0.1:9000"), 200),
    (NEAR, HERE, b"secret", (*DO, TOKEN, "Origin: http://127.0.0.1:3000"), 403),
    (NEAR, HERE, b"secret", (*DO, TOKEN, "Origin: https://evil.example"), 403),
    (NEAR, HERE, b"secret", (*DO, TOKEN, "Origin: null"), 403),
    (NEAR, HERE, b"secret", (*DO, TOKEN, "Sec-Fetch-Site: cross-site"), 403),
    (NEAR, HERE, b"secret", (*DO, TOKEN, "Sec-Fetch-Site: same-site"), 403),
    (NEAR, HERE, b"secret", (*LOOK, "Sec-Fetch-Site: same-site"), 403),
    (NEAR, HERE, b"secret", ("GET /events", "Sec-Fetch-Site: cross-site"), 403),
    (NEAR, HERE, b"secret", (*LOOK, "Sec-Fetch-Site: none"), 200),
])
def test_who_may(peer: Any, listener: Any, token: bytes | None, asked: tuple[str, ...], status: int) -> None:
    talk = Talk(peer, listener, token=token)
    answer = talk.give(octets_of(*asked))
    code, data = parted(answer)
    assert code == status, data
    assert (b"WWW-Authenticate: Bearer" in answer) is (code == 401)
    if code != 200:
        assert talk.orders.done == []
        assert "secret" not in data["error"]
        if token is None:
            assert "control_token_file" in data["error"]


FIELDS = (*PROXIED, *WRONG, AS_JSON, "Content-Type: text/plain", "Origin: http://127.0.0.1:9000", "Origin: null",
          "Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site", "Connection: close", "Cookie: token=secret",
          "X-Authorization: Bearer secret", "Proxy-Authorization: Bearer secret", "X-HTTP-Method-Override: GET")
LINES = ("POST /reload", "POST /workers", "POST /workers/11/kill", "POST /drain", "POST /shutdown", "POST /profile",
         "POST /reload?token=secret", "POST http://secret@127.0.0.1/reload", "PUT /reload", "GET /reload")


@given(
    st.sampled_from(LINES), st.lists(st.sampled_from(FIELDS), max_size=5),
    st.sampled_from([(NEAR, HERE), (FAR, HERE), (FAR, EVERYWHERE), ("", "/run/s")]), st.sampled_from([b"secret", None]),
    st.sampled_from(["", "{}", '{"add": 1}', '{"on": true}', '{"token": "secret"}']),
)
def test_without_the_token_nothing_is_ever_done(
    line: str, fields: list[str], where: tuple[Any, Any], token: bytes | None, body: str
) -> None:
    talk = Talk(*where, token=token)
    answer = talk.give(octets_of(line, *fields, body=body))
    assert talk.orders.done == []
    assert 400 <= int(answer[9:12]) < 500
    assert talk.face.due is None


@pytest.mark.parametrize(("host", "listener", "name", "is_own"), [
    ("127.0.0.1:9000", HERE, "127.0.0.1", True), ("localhost", HERE, "127.0.0.1", True),
    ("LOCALHOST:1", HERE, "127.0.0.1", True), ("127.8.8.8", HERE, "127.0.0.1", True), ("[::1]:9000", HERE, "x", True),
    ("[0:0::1]", HERE, "x", True), ("localhost", "/run/s", "", True), ("127.0.0.1", "/run/s", "", True),
    ("evil.localhost", HERE, "127.0.0.1", False), ("127.0.0.1.evil.example", HERE, "127.0.0.1", False),
    ("localhost.", HERE, "127.0.0.1", False), ("evil.example:9000", HERE, "127.0.0.1", False),
    ("", "/run/s", "", False), ("web1", "/run/s", "", False), ("2130706433", HERE, "127.0.0.1", False),
    ("127.1", HERE, "127.0.0.1", False), ("192.0.2.1", HERE, "127.0.0.1", False),
    ("192.0.2.1", ("192.0.2.1", 9), "192.0.2.1", True), ("192.0.2.2", ("192.0.2.1", 9), "192.0.2.1", False),
    ("192.0.2.2:80", EVERYWHERE, "0.0.0.0", True), ("[2001:db8::1]", ("::", 9, 0, 0), "::", True),
    ("[2001:DB8:0::1]", ("2001:db8::1", 9, 0, 0), "2001:db8::1", True), ("web1", EVERYWHERE, "0.0.0.0", False),
    ("Web1.example:9", ("192.0.2.1", 9), "web1.example", True), ("web1", ("192.0.2.1", 9), "web1.example", False),
    ("[::ffff:127.0.0.1]", HERE, "127.0.0.1", False),
])
@pytest.mark.parametrize("path", ["/", "/stats"])
def test_whose_host_it_is(host: str, listener: Any, name: str, is_own: bool, path: str) -> None:
    talk = Talk("" if listener == "/run/s" else NEAR, listener, name)
    octets = octets_of(f"GET {path}", TOKEN, host=host) if host else b"GET %s HTTP/1.0\r\n\r\n" % path.encode()
    assert talk.give(octets)[9:12] == (b"200" if is_own else b"421")
    # In the request line it counts before the field.
    assert talk.face.finished or talk.give(octets_of(f"GET http://evil.example{path}"))[9:12] == b"421"


# Events.

EVENTS = octets_of("GET /events")


def events_in(octets: bytes) -> list[dict[str, Any]]:
    """What a client reads out of chunks."""
    text = b""
    while octets:
        size, _, rest = octets.partition(b"\r\n")
        length = int(size, 16)
        text, octets = text + rest[:length], rest[length + 2:]
    blocks = [block for block in text.decode().split("\n\n") if block.startswith("id: ")]
    return [json.loads(block.partition("\ndata: ")[2]) | {"id": int(block.split()[1])} for block in blocks]


def test_events() -> None:
    talk = Talk()
    head, _, content = talk.give(EVENTS).partition(b"\r\n\r\n")
    assert b"Content-Type: text/event-stream\r\n" in head
    assert b"Transfer-Encoding: chunked" in head
    assert b"retry: 2000\n\n" in content
    (first,) = events_in(content)
    assert first["workers"][0]["pid"] == 11
    talk.turn()
    assert talk.said() == b""
    seen = b""
    for _ in range(20):
        talk.orders.now += 1.0
        talk.turn()
        seen += talk.said()
    assert [event["id"] for event in events_in(seen)] == list(range(2, 22))
    assert seen.count(b": still here\n\n") == 1
    assert talk.give(MORE) == b"", "nothing else is answered here"


def test_one_rendering_for_all_and_none_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    orders = Noted()
    office = Office(orders)
    talks = [Talk(office=office, orders=orders) for _ in range(broadcast.MOST_VIEWERS + 1)]
    views = 0
    seen = orders.view

    def view() -> Any:
        nonlocal views
        views += 1
        return seen()

    monkeypatch.setattr(orders, "view", view)
    for talk in talks[:-1]:
        assert events_in(talk.give(EVENTS).partition(b"\r\n\r\n")[2])[0]["id"] == 1
    assert views == 1
    assert parted(talks[-1].give(EVENTS)) == (503, {"error": "There are too many viewers"})
    orders.now += 1
    # The first one has not taken what it got: nobody asks it, and it misses this one.
    for talk in talks[1:-1]:
        talk.turn()
    assert views == 2
    orders.now += 1
    for talk in talks[:-1]:
        talk.turn()
    assert views == 3
    assert [event["id"] for event in events_in(talks[0].said())] == [3]
    for talk in talks[:-1]:
        talk.face.left()
        talk.face.left()
    assert office.broadcast.viewers == []
    assert talks[-1].give(EVENTS).startswith(b"HTTP/1.1 200")


def test_who_takes_nothing_gives_way() -> None:
    orders = Noted()
    office = Office(orders)
    talks = [Talk(office=office, orders=orders) for _ in range(broadcast.MOST_VIEWERS + 2)]
    for talk in talks[:-2]:
        talk.give(EVENTS)
    talks[3].face.output += b"not taken"
    for _ in range(31):
        orders.now += 1
        for talk in talks[:-2]:
            if talk is not talks[3]:
                talk.turn()
                talk.said()
    assert talks[-2].give(EVENTS).startswith(b"HTTP/1.1 200")
    assert talks[3].face.finished
    assert talks[3].face.due is None
    assert talks[3].said() == b""
    talks[3].face.left()
    assert len(office.broadcast.viewers) == broadcast.MOST_VIEWERS
    assert talks[-1].give(EVENTS).startswith(b"HTTP/1.1 503")


def test_events_for_an_old_client() -> None:
    talk = Talk()
    head, _, content = talk.give(b"GET /events HTTP/1.0\r\nHost: localhost\r\n\r\n").partition(b"\r\n\r\n")
    assert b"Connection: close" in head
    assert b"Transfer-Encoding" not in head
    assert content.startswith(b"retry: 2000\n\nid: 1\ndata: {")
    assert not talk.face.finished


def test_another_token_ends_what_was_begun_with_the_old_one() -> None:
    talk = Talk()
    talk.give(EVENTS)
    talk.guard = talk.guard.replaced(token=b"another")
    talk.orders.now += 1
    talk.turn()
    assert talk.face.finished
    assert talk.said() == b""


def test_what_is_too_long_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gunicorn.control.control_face.LONGEST", 200)
    status, data = Talk().ask("GET /config")
    assert status == 500
    assert "too long" in data["error"]


# On sockets.


def office_hall(folder: Path) -> tuple[Hall, Office]:
    orders = Noted()
    office = Office(orders)
    clock = hall_clock(orders)
    hall = Hall(folder, lambda peer: ControlFace(office, lambda: Guard("", "/run/s", b"secret"), peer, FREE, clock))
    hall.endpoint.farewell = lambda conversation: conversation.left()  # type: ignore[attr-defined]
    return hall, office


def hall_clock(orders: Noted) -> Callable[[], float]:
    return lambda: orders.now


def test_viewers_of_a_server(tmp_path: Path) -> None:
    hall, office = office_hall(tmp_path)
    orders: Noted = office.orders  # type: ignore[assignment]
    try:
        assert hall.server.due is None
        quick, slow = hall.connect(), hall.connect()
        for client in (quick, slow):
            client.sendall(EVENTS)
        hall.turn(4)
        seen = heard(quick) or b""
        assert b"id: 1\n" in seen
        assert hall.server.due == orders.now + 1
        # The slow one takes nothing for so long that no more goes in: it misses what the other one gets.
        slots = orders.view().workers
        orders.changes["workers"] = tuple(worker.replaced(age=age) for age in range(400) for worker in slots)
        for _ in range(40):
            orders.now += 1
            hall.now += 1
            hall.turn(3)
            while (more := heard(quick)):
                seen += more
                hall.turn()
        assert office.broadcast.number == 41
        assert seen.count(b"\ndata: ") == 41
        late = b""
        while (more := heard(slow)):
            late += more
        assert 1 < late.count(b"\ndata: ") < 40
        # Whoever leaves is no viewer any more; and with the last one goes the timer.
        assert len(office.broadcast.viewers) == 2
        quick.close()
        slow.close()
        hall.turn()
        assert office.broadcast.viewers == []
        assert hall.server.due is None
    finally:
        hall.close()


def test_a_client_that_leaves_while_it_waits(tmp_path: Path) -> None:
    hall, _ = office_hall(tmp_path)
    try:
        client = hall.connect()
        client.sendall(octets_of("GET /stacks/11"))
        hall.turn(2)
        assert hall.server.due is not None
        client.close()
        hall.turn()
        assert hall.server.due is None
        assert hall.clients == 0
    finally:
        hall.close()
