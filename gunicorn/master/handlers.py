"""What the master does for each signal, by the names that subclasses of third parties know: nearly all are news for the
supervisor."""

from __future__ import annotations

import signal
from types import FrameType

from gunicorn.unix import unpatched

from . import signals
from .news import News
from .state import MasterState

__all__ = ["Handlers"]


class Handlers(MasterState):
    """A master that hears signals: those of the system and those that it is given."""

    def __init__(self) -> None:
        self._news = News()

    def signal(self, sig: int, frame: FrameType | None = None) -> None:
        """Queue a signal as if it had come from outside."""
        unpatched.write(self.PIPE[1], bytes([sig]))

    def wakeup(self) -> None:
        """End the present sleep of the loop."""
        signals.poke(self.PIPE[1])

    def _handle(self, number: int) -> None:
        name = self.SIG_NAMES.get(number)
        if name is None or number == signals.POKE:
            return
        if number != signal.SIGCHLD:
            self.log.info("Handling signal: %s", name)
        getattr(self, f"handle_{name}")()

    def handle_chld(self) -> None:
        """A child ended; the loop reaps after every sleep."""

    def handle_hup(self) -> None:
        self.log.info("Hang up: %s", self.master_name)
        self._news.signals.append(signal.SIGHUP)

    def handle_term(self) -> None:
        self._begin_stop(signal.SIGTERM)

    def handle_int(self) -> None:
        self._begin_stop(signal.SIGINT)

    def handle_quit(self) -> None:
        self._begin_stop(signal.SIGQUIT)

    def _begin_stop(self, number: int) -> None:
        self._news.signals.append(number)

    def handle_ttin(self) -> None:
        self._news.signals.append(signal.SIGTTIN)

    def handle_ttou(self) -> None:
        self._news.signals.append(signal.SIGTTOU)

    def handle_usr1(self) -> None:
        self._news.signals.append(signal.SIGUSR1)

    def handle_usr2(self) -> None:
        self._news.signals.append(signal.SIGUSR2)

    def handle_winch(self) -> None:
        """Stop the workers of a daemon; for all others WINCH means that the window of a terminal has changed."""
        if self.cfg.daemon:
            self._news.signals.append(signal.SIGWINCH)
        else:
            self.log.debug("SIGWINCH ignored. Not daemonized")
