"""How every response begins: status line, Server and Date, made once a second for each status."""

from __future__ import annotations

import time

from gunicorn.http.response import check_status, http_date, status_line
from gunicorn.http.response_head import Prefix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

REMEMBERED = 256


class Prefixes:
    """The prefixes of the current second."""

    __slots__ = ("date", "expires", "fields", "known", "server", "wall_clock")

    def __init__(self, server: bytes, wall_clock: Any = time.time) -> None:
        self.server = b"Server: %s\r\n" % server if server else b""
        # Field lines for every response, behind Server and Date.
        self.fields = b""
        self.wall_clock = wall_clock
        self.date = b""
        self.expires = 0.0
        self.known: dict[str, Prefix] = {}

    def refresh(self, now: float) -> None:
        """Renew the date; `now` is the engine's time, which says when to look again."""
        wall = self.wall_clock()
        self.date = http_date(time.gmtime(wall))
        self.expires = now + 1.0 - wall % 1.0
        self.known.clear()

    def of(self, status: Any, now: float) -> Prefix:
        """The prefix of a status. Raises `InvalidResponseStatus`."""
        if now >= self.expires:
            self.refresh(now)
        prefix = self.known.get(status)
        if prefix is None:
            status = check_status(status)
            code = int(status[:3])
            prefix = Prefix(code, status_line(status) + self.server + b"Date: %s\r\n" % self.date + self.fields)
            if len(self.known) < REMEMBERED:
                self.known[status] = prefix
        return prefix

    def partial(self, status: str, with_server: bool, with_date: bool) -> Prefix:
        """For an application that gives Server or Date itself; `status` is one that was checked."""
        server = self.server if with_server else b""
        date = b"Date: %s\r\n" % self.date if with_date else b""
        return Prefix(int(status[:3]), status_line(status) + server + date + self.fields)
