"""The control interface by HTTP: requests become commands, what these answer becomes JSON; and the page that shows it.
"""

from __future__ import annotations

import time

from gunicorn._standard import standard_first
from gunicorn.http.fields import FieldTable
from gunicorn.http.response import CHUNKED

from . import page
from .broadcast import Broadcast
from .commands import run
from .facts import snapshot
from .guard import Refusal
from .http_face import LIMITS, HTTPFace, Reply
from .replies import CommandError
from .replies import Reply as Waiting
from .resources import BadContent, read_content
from .resources import find as resource_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gunicorn.http.request import Request

    from .broadcast import Viewing
    from .conversation import Peer
    from .facts import Data
    from .guard import Guard
    from .http_face import Resource
    from .orders import Orders
    from .resources import Action

    Clock = Callable[[], float]

__all__ = ["ControlFace", "Office"]

LONGEST = 1_000_000
"""Octets of JSON that an answer may have: a little less than what the server of conversations sends for one."""

JSON = "application/json"
_MAY_BE_SECRET = ("raw_env", "raw_paste_global_conf", "logconfig_dict")
# Where a browser shows it, it runs nothing, and no other site can have it.
_FIELDS = (("X-Content-Type-Options", "nosniff"), ("Cross-Origin-Resource-Policy", "same-origin"))


class Office:
    """What the conversations of a server share: the orders, those who look on, and the page."""

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.table = FieldTable(LIMITS)
        self.broadcast = Broadcast(lambda: snapshot(orders.view()))
        self.page = page.read()


class _Answer:
    """One that is waited for, and who waits."""

    def __init__(self, request: Request, close: bool, waiting: Waiting) -> None:
        self.request, self.close, self.waiting = request, close, waiting


class ControlFace(HTTPFace):
    """One client. `free`: resources that anybody may have, by their paths. `guard` gives the one of now."""

    def __init__(
        self, office: Office, guard: Callable[[], Guard], peer: Peer, free: Mapping[str, Resource],
        clock: Clock = time.monotonic, wall_clock: Clock = time.time,
    ) -> None:
        super().__init__(free, office.table, wall_clock)
        self._office = office
        self._guard = guard
        self._peer = peer
        self._clock = clock
        self._answer: _Answer | None = None
        self._viewing: Viewing | None = None
        self._is_chunked = False
        # What had to be known to begin what lasts.
        self._token: bytes | None = None

    def tick(self, now: float) -> None:
        """Look whether what is waited for has come."""
        if self._viewing is not None:
            self._go_on(self._viewing, now)
        elif self._answer is not None:
            self._look(self._answer)

    def left(self) -> None:
        """The client has gone."""
        if self._viewing is not None:
            self._viewing.leave()

    # A request.

    def _handle(self, request: Request, close: bool) -> None:
        if request.path in self._resources:
            super()._handle(request, close)
            return
        try:
            self._serve(request, close)
        except Refusal as refusal:
            self._say(request, self._error(refusal.status, refusal.text, refusal.fields), close)
        except BadContent as error:
            self._say(request, self._error(400, str(error)), close)
        except CommandError as error:
            self._say(request, self._failure(error), close)

    def _serve(self, request: Request, close: bool) -> None:
        guard = self._guard()
        guard.check_host(request)
        if request.path in ("/", "/events"):
            _demand(request, ("GET",))
            if request.path == "/":
                self._say(request, page.reply(self._office.page), close)
                return
            guard.check(request, self._peer)
            self._begin_events(request, close, guard)
            return
        actions, pid = resource_at(request.path)
        if actions is None:
            raise Refusal(404, "There is nothing here")
        _demand(request, tuple(actions))
        guard.check(request, self._peer)
        method = "GET" if request.method == "HEAD" else request.method
        self._run(request, close, actions[method], pid)

    def _run(self, request: Request, close: bool, action: Action, pid: str) -> None:
        words = self._words_of(request, action, pid)
        found = run(self._office.orders, words)
        if request.method == "POST":
            self._office.orders.note(f"{' '.join(words)!r} by {_name(self._peer)}")
        if action.command == "show config" and request.header("AUTHORIZATION") is None:
            _hide(found)
        if isinstance(found, Waiting):
            self._answer, self.due = _Answer(request, close, found), found.due
        else:
            self._say(request, _data(found), close)

    def _words_of(self, request: Request, action: Action, pid: str) -> list[str]:
        """The command as it would be typed. Raises `Refusal` where it is about a worker that is not there."""
        words = [*action.command.split(), *([pid] if pid else [])]
        if request.method == "POST":
            words += read_content(action, bytes(self._content))
        wanted = pid or (words[1] if action.command == "profile" and words[1] != "all" else "")
        if wanted and self._office.orders.view().worker(int(wanted)) is None:
            raise Refusal(404, f"Worker {wanted} not found")
        return words

    def _look(self, answer: _Answer) -> None:
        try:
            data = answer.waiting.look(self._office.orders.view())
            if data is None:
                self.due = answer.waiting.due
                return
            reply = _data(data)
        except CommandError as error:
            reply = self._failure(error)
        self._answer = self.due = None
        self._say(answer.request, reply, answer.close)

    # Events.

    def _begin_events(self, request: Request, close: bool, guard: Guard) -> None:
        head = Reply(200, "text/event-stream", b"", (("X-Accel-Buffering", "no"), *_FIELDS))
        if request.method == "HEAD":
            self._say(request, head, close)
            return
        viewing = self._office.broadcast.join(self._clock(), self._end)
        if viewing is None:
            raise Refusal(503, "There are too many viewers", (("Retry-After", "10"),))
        self._viewing, self._token = viewing, guard.token
        self._is_chunked = self._begin(request, head, -1, close).framing == CHUNKED
        # What ends the connection is said at its end.
        self.finished = False
        self.due = 0.0

    def _go_on(self, viewing: Viewing, now: float) -> None:
        if self._guard().token != self._token:
            # Who may look on has changed: it may come again.
            self._end()
            return
        piece = viewing.look(now)
        self.due = viewing.due
        if piece:
            self.output += b"%x\r\n%s\r\n" % (len(piece), piece) if self._is_chunked else piece

    def _end(self) -> None:
        self.output.clear()
        self.finished, self.due = True, None

    # Answers.

    def _reads(self, request: Request) -> bool:
        return request.method == "POST"

    def _error(self, status: int, title: str, fields: tuple[tuple[str, str], ...] = ()) -> Reply:
        return _json(status, {"error": title}, fields)

    def _failure(self, error: CommandError) -> Reply:
        return self._error(400 if str(error).startswith("Invalid argument") else 409, str(error))


def _demand(request: Request, methods: tuple[str, ...]) -> None:
    """That it has one of these methods. Raises Refusal."""
    allowed = tuple(name for each in methods for name in ((each, "HEAD") if each == "GET" else (each,)))
    if request.method not in allowed:
        raise Refusal(405, f"Only {' and '.join(allowed)} are possible here" if len(allowed) > 1
                      else f"Only {allowed[0]} is possible here", (("Allow", ", ".join(allowed)),))


def _name(peer: Peer) -> str:
    if isinstance(peer.address, tuple):
        host = str(peer.address[0])
        return f"[{host}]:{peer.address[1]}" if ":" in host else f"{host}:{peer.address[1]}"
    return f"user {peer.uid}, process {peer.pid}"


def _hide(config: object) -> None:
    """Take out what may hold passwords: what is free here is so for all users of the machine, which the environment of
    a process is not, nor the control socket."""
    settings = config.get("settings") if isinstance(config, dict) else None
    for name in _MAY_BE_SECRET:
        if settings and settings.get(name, {}).get("value"):
            settings[name]["value"] = "(hidden)"


def _data(data: Data) -> Reply:
    # Nobody has it who was asked for.
    return _json(404 if data.get("success") is False else 200, data)


def _json(status: int, data: Mapping[str, object], fields: tuple[tuple[str, str], ...] = ()) -> Reply:
    with standard_first():
        import json

    body = json.dumps(data).encode("ascii") + b"\n"
    if len(body) > LONGEST:
        return _json(500, {"error": f"The answer would have {len(body)} octets, which is too long"})
    return Reply(status, JSON, body, (*fields, *_FIELDS))
