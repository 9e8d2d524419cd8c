"""A fair share of the work: how many connections a worker takes at once, and when it has clients go to its neighbours.

Workers accept from the same sockets, each last of all, after everything it has to run: a busy one leaves new
connections to an idle one. A kept-alive connection belongs to its worker, though, and its client would wait behind a
slow request there while others idle. So a worker whose application was slow lately deals its connections anew, for a
while: it takes one at a time, and its answers close theirs as long as somebody waits. The client comes back through the
listening socket, and the kernel gives it to a worker that waits there.

This is the policy alone. It reads no clock: every question brings its moment, in seconds of the engine's. Whether
somebody waits is seen by those who see descriptors and threads (`Engine.others_wait`, `Gateway.others_wait`).
"""

from __future__ import annotations

# An application call of this length is slow, and its worker counts as slow for so long.
SLOW_SECONDS = 0.005
SLOW_FOR_SECONDS = 2.0
# After one of this length the clients that have waited may be gone.
LONG_SECONDS = 1.0
# How long a request may come behind its connection, and how long none is waited for after a client that was silent:
# silent clients then cost no more than a millisecond a second.
PATIENCE_MILLISECONDS = 1
IMPATIENT_SECONDS = 1.0
# Connections that a listener gives in one turn: few, so that an idle neighbour gets its part.
ACCEPTS = 16


class Share:
    """What one worker takes, and when it leaves something to others.

    `fair`: it has neighbours, and whoever waits for a request here waits for that request alone. `accepts`: the most
    connections of a listener in one turn, 1 or more.
    """

    __slots__ = ("_accepts", "_fair", "_impatient_until", "_lately_until", "_long_until", "_slow_until")

    def __init__(self, fair: bool = False, accepts: int = ACCEPTS) -> None:
        self._fair = fair
        self._accepts = accepts
        # While these moments lie ahead: applications have lately been slow here, with
        # neighbours and in any case; requests may have waited behind a long
        # one; no request is waited for that should have come with its connection.
        self._slow_until = 0.0
        self._lately_until = 0.0
        self._long_until = 0.0
        self._impatient_until = 0.0

    # Requests.

    def ended(self, seconds: float, now: float) -> None:
        """The application has answered a request, in so many seconds."""
        if seconds <= SLOW_SECONDS:
            return
        self._lately_until = now + SLOW_FOR_SECONDS
        if self._fair:
            self._slow_until = now + SLOW_FOR_SECONDS
        if seconds > LONG_SECONDS:
            self._long_until = now + seconds

    def is_slow(self, now: float) -> bool:
        """Whether clients are better served elsewhere: an answer closes its connection if others wait."""
        return now < self._slow_until

    def was_slow(self, now: float) -> bool:
        """Whether an application was slow lately, whoever else accepts: no answer waits here for another one's."""
        return now < self._lately_until

    def may_have_left(self, now: float) -> bool:
        """Whether the client of a request that is begun now may have waited so long that it is gone."""
        return now < self._long_until

    # Connections.

    def accepts_more(self, taken: int, now: float) -> bool:
        """Whether to take another connection of a listener that has given so many in this turn."""
        return taken < self._accepts and now >= self._slow_until

    def awaits_request(self, now: float) -> bool:
        """Whether to give the request of the connection just taken `PATIENCE_MILLISECONDS` to come.

        Whoever accepts while requests are slow serves the one it has accepted next, and not a third one in between.
        """
        return now < self._slow_until and now >= self._impatient_until

    def was_silent(self, now: float) -> None:
        """None has come in that time."""
        self._impatient_until = now + IMPATIENT_SECONDS
