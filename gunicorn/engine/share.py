"""A fair share of the work: how many connections a worker takes at once, and when it leaves some to its neighbours.

Workers accept from the same sockets, each last of all, after everything it has to run: a busy one leaves new
connections to an idle one. A kept-alive connection belongs to its worker, though, and its client would wait behind a
slow request there while others idle. So a worker whose application was slow lately deals its connections anew, for a
while:

- it takes one at a time;
- between two requests it parks them where every worker finds them again (`parking.Parking`): clients notice nothing;
- where that cannot be, since TLS has its state here, an answer closes the connection if somebody waits, or if a new one
  costs its client less than it would wait here on an average. The client comes back through the listening socket, and
  the kernel gives it to a worker that waits there.

How long a client waits on an average behind calls of other clients, who come whenever they like, is known from the
calls: half the square of their lengths, over the time in which they were (the mean residual life of renewal theory).

Of a call's length that part is left out in which its process was preempted (`preemption`): clients have waited for it,
but the application is not slow, and neighbours are preempted as well.

This is the policy alone. It reads no clock: every question brings its moment, in seconds of the engine's. Whether
somebody waits is seen by those who see descriptors and threads (`Engine.others_wait`, `Gateway.others_wait`).
"""

from __future__ import annotations

from .preemption import Preemption

# An application call of this length is slow, and its worker counts as slow for so long.
SLOW_SECONDS = 0.005
SLOW_FOR_SECONDS = 2.0
# Where nobody knows whether it was preempted: hardly any process stands still for so long, so that others run.
SURELY_SLOW_SECONDS = 0.1
# After one of this length the clients that have waited may be gone.
LONG_SECONDS = 1.0
# How long a request may come behind its connection, and the answer to our part of a handshake, for which the client has
# to reckon; and how long neither is waited for after a client that was silent: silent clients then cost no more than
# a thousandth of the time, or a fortieth.
PATIENCE_MILLISECONDS = 1
IMPATIENT_SECONDS = 1.0
HANDSHAKE_PATIENCE_MILLISECONDS = 5
HANDSHAKE_IMPATIENT_SECONDS = 0.2
# Connections that a listener gives in one turn: few, so that an idle neighbour gets its part.
ACCEPTS = 16
# Slow calls are remembered for one to two of these. To park a connection costs every request about a tenth of a
# millisecond: clients must wait longer than this on an average, behind more than a call or two, and there must be fewer
# of them than would keep the parking place busy alone.
WINDOW_SECONDS = 1.0
PARKING_WAIT = 0.0003
LEAST_SLOW = 4
MOST_CALLS = 2000
# Answers wait for those of other requests, but for so many times as long as a call has taken that was not brief: they
# would have waited for that one, too.
BRIEF_SECONDS = 0.0005
REMEMBERED_TIMES = 20.0
# A new connection costs its client so many round trips, and both sides this for the handshake of TLS.
ROUND_TRIPS = 3.0
HANDSHAKE_SECONDS = 0.0005


class Share:
    """What one worker takes, and when it leaves something to others.

    `fair`: it has neighbours, and whoever waits for a request here waits for that request alone. `accepts`: the most
    connections of a listener in one turn, 1 or more. `preemption`: of the thread in which everything runs; without,
    what takes long by the clock has taken long.
    """

    __slots__ = (
        "_accepts", "_calls", "_calls_before", "_fair", "_impatient_until", "_long_until", "_parks_until",
        "_preemption", "_quick_from", "_slow", "_slow_before", "_slow_until", "_wait", "_wait_before", "_window_until",
    )

    def __init__(self, fair: bool = False, accepts: int = ACCEPTS, preemption: Preemption | None = None) -> None:
        self._fair = fair
        self._preemption = preemption
        self._accepts = accepts
        # From then on answers may wait for others.
        self._quick_from = 0.0
        # While these moments lie ahead: applications have lately been slow here, and there are neighbours; connections
        # are parked; requests may have waited behind a long one; no request is waited for that should have come with
        # its connection.
        self._slow_until = 0.0
        self._parks_until = 0.0
        self._long_until = 0.0
        self._impatient_until = 0.0
        # Calls in this window and in the one before, the slow ones among them, and what whoever had come at any moment
        # would have waited behind these, summed up over all moments.
        self._window_until = 0.0
        self._calls = 0
        self._calls_before = 0
        self._slow = 0
        self._slow_before = 0
        self._wait = 0.0
        self._wait_before = 0.0

    # Requests.

    def turn(self, events: int, now: float) -> None:
        """A turn of the loop begins, with so many events."""
        if self._preemption is not None:
            self._preemption.turn(now, events > 1 or self._fair)

    def ended(self, seconds: float, now: float) -> None:
        """The application has answered a request, in so many seconds."""
        self._calls += 1
        if now >= self._window_until:
            self._begin_window(now)
        if seconds > BRIEF_SECONDS:
            self._was_long(seconds, now)

    def _was_long(self, seconds: float, now: float) -> None:
        if seconds > LONG_SECONDS:
            # Whoever has waited for it has waited, whatever the reason.
            self._long_until = now + seconds
        slow = SLOW_SECONDS
        if self._preemption is not None:
            seconds -= self._preemption.of_call(seconds, now)
            if self._preemption.guesses:
                slow = SURELY_SLOW_SECONDS
        self._remember(seconds, now)
        if self._fair and seconds > slow:
            self._slow_until = now + SLOW_FOR_SECONDS
            self._slow += 1
            self._wait += seconds * seconds / 2
            if self._is_worth_parking():
                self._parks_until = self._slow_until

    def _begin_window(self, now: float) -> None:
        recent = now < self._window_until + WINDOW_SECONDS
        self._wait_before = self._wait if recent else 0.0
        self._slow_before = self._slow if recent else 0
        self._calls_before = self._calls if recent else 0
        self._wait = 0.0
        self._slow = 0
        self._calls = 0
        self._window_until = now + WINDOW_SECONDS

    def _is_worth_parking(self) -> bool:
        return (
            self.waits() > PARKING_WAIT and self._slow + self._slow_before >= LEAST_SLOW
            and self._calls <= MOST_CALLS and self._calls_before <= MOST_CALLS
        )

    def waits(self) -> float:
        """Seconds that a client has lately waited here on an average behind slow calls for others."""
        return (self._wait + self._wait_before) / (2 * WINDOW_SECONDS)

    def is_slow(self, now: float) -> bool:
        """Whether clients are better served elsewhere: an answer closes its connection if others wait."""
        return now < self._slow_until

    def has_run(self, seconds: float, now: float) -> None:
        """Something in this turn has run for so long, and no answer should have waited for it."""
        if seconds > BRIEF_SECONDS and self._preemption is not None:
            seconds -= self._preemption.of_turn(seconds, now)
        self._remember(seconds, now)

    def _remember(self, seconds: float, now: float) -> None:
        if seconds > BRIEF_SECONDS:
            self._quick_from = max(self._quick_from, now + REMEMBERED_TIMES * seconds)

    def is_quick(self, now: float) -> bool:
        """Whether an answer may wait for those of other requests, whoever else accepts."""
        return now >= self._quick_from

    def may_have_left(self, now: float) -> bool:
        """Whether the client of a request that is begun now may have waited so long that it is gone."""
        return now < self._long_until

    # Connections.

    def parks(self, now: float) -> bool:
        """Whether connections are left to all workers between two requests."""
        return now < self._parks_until

    def parks_until(self) -> float:
        """Until when."""
        return self._parks_until

    def heard(self, until: float) -> None:
        """A neighbour with the same application parks its connections until then: so it is slow here, too."""
        if self._fair:
            self._parks_until = max(self._parks_until, until)
            self._slow_until = max(self._slow_until, until)

    def is_worth_closing(self, round_trip: float) -> bool:
        """Whether a client that is so many seconds away (there and back) waits here longer than for a new connection.
        """
        return self.waits() > ROUND_TRIPS * round_trip + HANDSHAKE_SECONDS

    def accepts_more(self, taken: int, now: float) -> bool:
        """Whether to take another connection of a listener that has given so many in this turn."""
        return taken < self._accepts and now >= self._slow_until

    def awaits_request(self, now: float) -> bool:
        """Whether to give the request of the connection just taken `PATIENCE_MILLISECONDS` to come, and what comes of a
        handshake `HANDSHAKE_PATIENCE_MILLISECONDS` each time.

        Whoever accepts while requests are slow serves the one it has accepted next, and not a third one in between.
        """
        return now < self._slow_until and now >= self._impatient_until

    def was_silent(self, now: float, greeted: bool = False) -> None:
        """None has come in that time; `greeted`: behind our words of a handshake."""
        self._impatient_until = now + (HANDSHAKE_IMPATIENT_SECONDS if greeted else IMPATIENT_SECONDS)
