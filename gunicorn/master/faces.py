"""The master's own HTTP listeners: bound at the start, moved by a reload, handed over in an upgrade.

Three settings ask for one. Where `metrics_bind` and `control_bind` name one address, one listener serves both;
`agent_bind` is no HTTP, and has one of its own. The master answers there itself, in its own loop, so that it does when
all workers are busy, or gone.
"""

from __future__ import annotations

import os

from gunicorn.config.address import parse_address
from gunicorn.config.checks import complaint
from gunicorn.control.server import Endpoint
from gunicorn.errors import ConfigError
from gunicorn.unix import listening
from gunicorn.unix.sockets import BaseSocket
from gunicorn.unix.trial import try_address
from gunicorn.unix.unpatched import Socket

from .measures import Measures
from .reception import Reception
from .state import MasterState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from gunicorn._types import Address
    from gunicorn.config.config import Config
    from gunicorn.control.control_face import Office
    from gunicorn.control.conversation import Conversation, MakeConversation, Peer
    from gunicorn.control.health import Health
    from gunicorn.control.view import ServerView
    from gunicorn.instrument.metrics import Readings

__all__ = ["FaceSettings", "Faces"]

METRICS, CONTROL, AGENT = "metrics_bind", "control_bind", "agent_bind"

_TITLES = {METRICS: "Metrics and health at: %s", CONTROL: "Control interface at: %s", AGENT: "Agent check at: %s"}

#: In the environment of a successor: the descriptor of the listener, and the address as the setting has it.
_VARIABLES = {METRICS: "GUNICORN_METRICS_FD", CONTROL: "GUNICORN_CONTROL_FD", AGENT: "GUNICORN_AGENT_FD"}

BACKLOG = 64


class FaceSettings:
    """Of a configuration, what a listener needs that is the master's own: no TLS, no copies in the workers."""

    backlog = BACKLOG
    is_ssl = False

    def __init__(self, cfg: Config) -> None:
        self.umask, self.uid, self.gid = cfg.umask, cfg.uid, cfg.gid
        self.unix_socket_mode = cfg.unix_socket_mode
        self.unix_socket_owner, self.unix_socket_group = cfg.unix_socket_owner, cfg.unix_socket_group


class _Bound:
    """A listener, the settings that ask for it, and how it is answered: not at all as long as another master does."""

    def __init__(self, setting: str, listener: BaseSocket) -> None:
        # A monkey patch may have been there before: the loop of a master knows plain sockets alone.
        self.sock = Socket(fileno=listener.sock.detach())
        listener.sock = self.sock  # type: ignore[assignment]
        self.setting = setting
        self.listener = listener
        self.endpoint: Endpoint | None = None
        self.names: tuple[str, ...] = ()


_Wanted = dict["Address", tuple[str, tuple[str, ...]]]


def _wanted(cfg: Config) -> _Wanted:
    """By address: it as it was written, and the names of the settings that ask for it."""
    wanted: _Wanted = {}
    for name, text in ((METRICS, cfg.metrics_bind), (CONTROL, cfg.control_bind), (AGENT, cfg.agent_bind)):
        if text:
            address = parse_address(text)
            _, names = wanted.get(address, ("", ()))
            wanted[address] = text, (*names, name)
    return wanted


class Faces:
    """What `metrics_bind`, `control_bind` and `agent_bind` ask for."""

    def __init__(self, master: MasterState, reception: Reception, measures: Measures) -> None:
        self._master = master
        self._reception = reception
        self._measures = measures
        self._bound: dict[Address, _Bound] = {}
        # While a reload is under way that has changed something: what was there before.
        self._before: dict[Address, _Bound] | None = None
        self._token: bytes | None = None
        self._token_before: bytes | None = None
        self._office: Office | None = None
        self._metrics: MakeConversation | None = None

    # What is answered.

    def _read(self) -> Readings:
        return self._measures.read(self._reception.view())

    def _look(self) -> Health:
        return self._health_of(self._reception.view())

    def _health_of(self, view: ServerView) -> Health:
        from gunicorn.control.health import Health

        return Health(self._master.has_served, view.not_ready, self._master.supervisor.leaving or view.draining)

    def _agent(self) -> Conversation:
        from gunicorn.control.agent import Agent, line_of

        def tell() -> str:
            view = self._reception.view()
            return line_of(self._health_of(view), self._measures.busy_share(view))

        return Agent(tell)

    def _converse(self, bound: _Bound, peer: Peer) -> Conversation:
        if AGENT in bound.names:
            return self._agent()
        if CONTROL not in bound.names:
            return self._open_metrics()(peer)
        from gunicorn.control.control_face import ControlFace
        from gunicorn.control.guard import Guard
        from gunicorn.control.metrics_face import resources_of

        address = parse_address(bound.setting)
        host = str(address[0]) if isinstance(address, tuple) else ""
        name = bound.listener.getsockname()
        free = resources_of(self._read, self._look) if METRICS in bound.names else {}
        return ControlFace(self._open_office(), lambda: Guard(host, name, self._token), peer, free)

    def _prepare(self, cfg: Config) -> None:
        """Load what the listeners need that are wanted, most servers want none; what reads a file is done when nobody
        waits for it."""
        if cfg.control_bind:
            self._open_office()
        if cfg.metrics_bind:
            self._open_metrics()
        if cfg.agent_bind:
            from gunicorn.control import agent, health  # noqa: F401 - files may be another release's later

    def _open_metrics(self) -> MakeConversation:
        if self._metrics is None:
            from gunicorn.control.metrics_face import face_of

            self._metrics = face_of(self._read, self._look)
        return self._metrics

    def _open_office(self) -> Office:
        if self._office is None:
            from gunicorn.control.control_face import Office

            self._office = Office(self._reception.orders)
        return self._office

    # The listeners.

    def open(self) -> None:
        """At the start. Raises ConfigError, and SystemExit(1), the reason being in the log."""
        cfg = self._master.cfg
        self._token = _token_of(cfg)
        self._prepare(cfg)
        handed = dict(self._inherited())
        for address, (setting, names) in _wanted(cfg).items():
            if address in handed:
                # The old master answers there for as long as it lives: two would contradict each other.
                self._bound[address] = handed.pop(address)
                self._bound[address].names = names
            else:
                self._bound[address] = self._bind(address, setting, names)
        for left in handed.values():
            left.listener.close()

    def _inherited(self) -> Iterable[tuple[Address, _Bound]]:
        for variable in _VARIABLES.values():
            number, _, setting = os.environ.pop(variable, "").partition(" ")
            if number:
                conf = FaceSettings(self._master.cfg)
                listener = listening.adopt(int(number), conf, self._master.log, borrowed=False)
                yield parse_address(setting), _Bound(setting, listener)

    def _bind(self, address: Address, setting: str, names: tuple[str, ...]) -> _Bound:
        master = self._master
        bound = _Bound(setting, listening.open_listener(address, FaceSettings(master.cfg), master.log))
        bound.names = names
        self._answer_at(bound)
        return bound

    def _answer_at(self, bound: _Bound) -> None:
        bound.endpoint = Endpoint(bound.sock, lambda peer: self._converse(bound, peer), _has_left)
        self._reception.receive_at(bound.endpoint)
        for name in bound.names:
            # What is no HTTP is not called so.
            shown = str(bound.listener).removeprefix("http://") if name == AGENT else bound.listener
            self._master.log.info(_TITLES[name], shown)

    def try_it(self) -> None:
        """Find out whether the addresses could be had. Raises ConfigError, and SystemExit(1), the reason being in the
        log."""
        cfg = self._master.cfg
        _token_of(cfg)
        for address in _wanted(cfg):
            try_address(address, FaceSettings(cfg), self._master.log)

    # A reload.

    def rebind(self) -> None:
        """The configuration was read again; what was there before is kept until `settle` or `undo`. Raises
        ConfigError, and SystemExit(1), the reason being in the log."""
        cfg = self._master.cfg
        token = _token_of(cfg)
        self._prepare(cfg)
        now: dict[Address, _Bound] = {}
        self._before, self._token_before = self._bound, self._token
        # From here on `undo` knows what to take back.
        self._bound = now
        for address, (setting, names) in _wanted(cfg).items():
            bound = self._before.get(address)
            if bound is None:
                now[address] = self._bind(address, setting, names)
            else:
                now[address] = bound
                self._serve_there(bound, names)
        self._token = token

    def settle(self) -> None:
        """The new configuration is the one that counts."""
        before, self._before = self._before, None
        for address, bound in (before or {}).items():
            if address not in self._bound:
                self._shut(bound, unlink=True)

    def undo(self) -> None:
        """Back to what was there before, and to the configuration of before."""
        before, self._before = self._before, None
        if before is None:
            return
        for address, bound in self._bound.items():
            if address not in before:
                self._shut(bound, unlink=True)
        self._bound, self._token = before, self._token_before
        for address, (_, names) in _wanted(self._master.cfg).items():
            if address in before:
                self._serve_there(before[address], names)

    def _serve_there(self, bound: _Bound, names: tuple[str, ...]) -> None:
        """Another setting may ask for a listener that was there before."""
        if names != bound.names:
            bound.names = names
            if bound.endpoint is not None:
                # Those who were served by the other names are not served by these: they come again.
                self._reception.cut(bound.endpoint)

    # An upgrade.

    @property
    def handed(self) -> dict[str, str]:
        """What a successor must be told, as variables of its environment."""
        return {
            _VARIABLES[bound.names[0]]: f"{bound.listener.fileno()} {bound.setting}" for bound in self._bound.values()
        }

    def let_inherit(self) -> None:
        """In the process that will be the successor."""
        for bound in self._bound.values():
            os.set_inheritable(bound.listener.fileno(), True)

    def promoted(self) -> None:
        """The old master is gone: answer in its place."""
        for bound in self._bound.values():
            if bound.endpoint is None:
                self._answer_at(bound)

    # The end.

    def close(self, unlink: bool) -> None:
        """Nobody is answered any more. `unlink`: no other master has these addresses."""
        everything = {**(self._before or {}), **self._bound}
        self._bound, self._before = {}, None
        for bound in everything.values():
            self._shut(bound, unlink)

    def _shut(self, bound: _Bound, unlink: bool) -> None:
        if bound.endpoint is not None:
            self._reception.shut(bound.endpoint)
        listening.close_sockets([bound.listener], unlink)


def _has_left(conversation: Conversation) -> None:
    """A client has gone."""
    from gunicorn.control.http_face import HTTPFace

    if isinstance(conversation, HTTPFace):
        conversation.left()


def _token_of(cfg: Config) -> bytes | None:
    """The token, where there is to be one. Raises ConfigError."""
    if not cfg.control_bind or not cfg.control_token_file:
        return None
    from gunicorn.control.guard import read_token

    try:
        return read_token(cfg.control_token_file)
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or str(error)
        raise ConfigError(complaint(cfg, "control_token_file", problem)) from error
