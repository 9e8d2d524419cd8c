"""Lines to a syslog daemon, which may be absent, or restarted, while the server runs.

`logging` prints a traceback for every line that its handler cannot send. Here one line says so at the start, and one
every ten seconds after that, in the error log.
"""

from __future__ import annotations

import logging
import logging.handlers
import socket
import sys
import time

__all__ = ["SyslogHandler"]

COMPLAIN_EVERY = 10.0
"""Seconds between two complaints about one address."""

RETRY_AFTER = 10.0
"""Seconds without an attempt after a host could not be reached: each may take as long as `PATIENCE`."""

PATIENCE = 1.0
"""Seconds that a host has to accept a connection, or a line: a log must not stop the server."""


class SyslogHandler(logging.handlers.SysLogHandler):
    """Sends to `address`: a path, or (host, port). `shown` is that address in messages.

    A daemon that is not there is no error here: its lines are lost, and that is said.
    """

    # Found by Logger when it looks for what it made itself.
    _gunicorn = True

    # Moments before which nothing is said of an address: error log and access log have a handler each.
    _quiet_until: dict[str, float] = {}

    def __init__(
        self, address: str | tuple[str, int], facility: int, socktype: socket.SocketKind | None, shown: str
    ) -> None:
        self.shown = shown
        self._retry_at = 0.0
        try:
            super().__init__(address=address, facility=facility, socktype=socktype)
            if isinstance(address, str) and self.socket.fileno() < 0:
                # The base class has kept to itself why.
                self._connect_unixsocket(address)  # type: ignore[attr-defined]
        except OSError as error:
            self._failed(error)

    def createSocket(self) -> None:
        """Connect. Raises OSError."""
        if isinstance(self.address, str) or self.socktype != socket.SOCK_STREAM:
            super().createSocket()
            return
        self.unixsocket = False
        self.socket = socket.create_connection(self.address, PATIENCE)

    def emit(self, record: logging.LogRecord) -> None:
        """Send a line, unless it is too early for another attempt."""
        if time.monotonic() >= self._retry_at:
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """Say that lines are lost, if it is time to."""
        error = sys.exception()
        if isinstance(error, OSError):
            self._failed(error)
        else:
            super().handleError(record)

    def _failed(self, error: OSError) -> None:
        now = time.monotonic()
        if not isinstance(self.address, str):
            # A new socket next time: one that broke stays broken.
            stale, self.socket = self.socket, None  # type: ignore[assignment]
            if stale is not None:
                stale.close()
            self._retry_at = now + RETRY_AFTER
        if now < self._quiet_until.get(self.shown, 0.0):
            return
        self._quiet_until[self.shown] = now + COMPLAIN_EVERY
        _say("Cannot write to syslog at %s, its lines are lost: %s", self.shown, error.strerror or str(error))


def _say(text: str, *args: str) -> None:
    """Write to what else the error log goes to, or where there is nothing else, to standard error."""
    log = logging.getLogger("gunicorn.error")
    others = [handler for handler in log.handlers if not isinstance(handler, SyslogHandler)]
    record = log.makeRecord(log.name, logging.ERROR, __file__, 0, text, args, None)
    for handler in others:
        handler.handle(record)
    if not others:
        print(f"gunicorn: {record.getMessage()}", file=sys.stderr, flush=True)
