"""The listener of metrics and health: bound at the start, moved by a reload, handed over in an upgrade.

The master answers there itself, in its own loop, so that it does when all workers are busy, or gone.
"""

from __future__ import annotations

import os

from gunicorn.config.address import parse_address
from gunicorn.control.health import Health
from gunicorn.control.metrics_face import face_of
from gunicorn.control.server import Endpoint
from gunicorn.unix import sockets
from gunicorn.unix.unpatched import Socket

from .measures import Measures
from .reception import Reception
from .state import MasterState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn.config.config import Config
    from gunicorn.instrument.metrics import Readings

__all__ = ["VARIABLE", "FaceSettings", "MetricsBind"]

VARIABLE = "GUNICORN_METRICS_FD"
"""In the environment of a successor: the descriptor of this listener, and the address as the setting has it."""

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
    """A listener, and how it is answered: not at all as long as another master does."""

    def __init__(self, setting: str, listener: sockets.BaseSocket) -> None:
        # A monkey patch may have been there before: the loop of a master knows plain sockets alone.
        self.sock = Socket(fileno=listener.sock.detach())
        listener.sock = self.sock  # type: ignore[assignment]
        self.setting = setting
        self.listener = listener
        self.endpoint: Endpoint | None = None


class MetricsBind:
    """What `metrics_bind` asks for."""

    def __init__(self, master: MasterState, reception: Reception, measures: Measures) -> None:
        self._master = master
        self._reception = reception
        self._measures = measures
        self._bound: _Bound | None = None
        # While a reload is under way that has changed it: what was there before.
        self._before: _Bound | None = None
        self._changed = False
        self._converse = face_of(self._read, self._look)

    # What is answered.

    def _read(self) -> Readings:
        return self._measures.read(self._reception.view())

    def _look(self) -> Health:
        view = self._reception.view()
        return Health(self._master.has_served, view.not_ready, self._master.supervisor.leaving or view.draining)

    # The listener.

    def open(self) -> None:
        """At the start. Raises SystemExit(1), the reason being in the log."""
        handed = os.environ.pop(VARIABLE, "")
        setting = self._master.cfg.metrics_bind
        number, _, before = handed.partition(" ")
        if number:
            listener = sockets.adopt(int(number), FaceSettings(self._master.cfg), self._master.log, borrowed=False)
            if before == setting:
                # The old master answers there for as long as it lives: two would contradict each other.
                self._bound = _Bound(setting, listener)
                return
            listener.close()
        if setting:
            self._bound = self._bind(setting)

    def _bind(self, setting: str) -> _Bound:
        master = self._master
        listener = sockets.open_listener(parse_address(setting), FaceSettings(master.cfg), master.log)
        bound = _Bound(setting, listener)
        self._answer_at(bound)
        return bound

    def _answer_at(self, bound: _Bound) -> None:
        bound.endpoint = Endpoint(bound.sock, self._converse)
        self._reception.receive_at(bound.endpoint)
        self._master.log.info("Metrics and health at: %s", bound.listener)

    def try_it(self) -> None:
        """Find out whether the address could be had. Raises SystemExit(1), the reason being in the log."""
        cfg = self._master.cfg
        if cfg.metrics_bind:
            sockets.try_address(parse_address(cfg.metrics_bind), FaceSettings(cfg), self._master.log)

    # A reload.

    def rebind(self) -> None:
        """The configuration was read again; what was there before is kept until `settle` or `undo`. Raises
        SystemExit(1), the reason being in the log."""
        setting = self._master.cfg.metrics_bind or ""
        if setting != (self._bound.setting if self._bound is not None else ""):
            bound = self._bind(setting) if setting else None
            self._before, self._bound, self._changed = self._bound, bound, True

    def settle(self) -> None:
        """The new configuration is the one that counts."""
        before, self._before, self._changed = self._before, None, False
        self._shut(before, unlink=True)

    def undo(self) -> None:
        """Back to what was there before."""
        if self._changed:
            self._shut(self._bound, unlink=True)
            self._bound, self._before, self._changed = self._before, None, False

    # An upgrade.

    @property
    def handed(self) -> str:
        """What a successor must be told; empty when there is nothing."""
        return f"{self._bound.listener.fileno()} {self._bound.setting}" if self._bound is not None else ""

    def let_inherit(self) -> None:
        """In the process that will be the successor."""
        if self._bound is not None:
            os.set_inheritable(self._bound.listener.fileno(), True)

    def promoted(self) -> None:
        """The old master is gone: answer in its place."""
        if self._bound is not None and self._bound.endpoint is None:
            self._answer_at(self._bound)

    # The end.

    def close(self, unlink: bool) -> None:
        """Nobody is answered any more. `unlink`: no other master has these addresses."""
        for bound in (self._bound, self._before):
            self._shut(bound, unlink)
        self._bound = self._before = None

    def _shut(self, bound: _Bound | None, unlink: bool) -> None:
        if bound is None:
            return
        if bound.endpoint is not None:
            self._reception.shut(bound.endpoint)
        sockets.close_sockets([bound.listener], unlink)
