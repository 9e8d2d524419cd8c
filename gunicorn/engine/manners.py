"""How a worker type runs requests, as far as its engine and its gateway must know: one value a type."""

from __future__ import annotations

from gunicorn._record import Record

from .preemption import Preemption
from .share import ACCEPTS, Share


class Manners(Record):
    """What a worker type says once, and what the constructors of gateways and `Engine.hand_to` are given.

    - `threaded`: requests run in other threads than the one that turns the engine; what they touch is guarded.
    - `multithread`: an application may be called again while it runs (PEP 3333, `wsgi.multithread`).
    - `gathers`: somebody calls the gateway's `idle` in a quiet moment, so access lines may wait for it.
    - `streams`: a body is handed on while it comes, whatever `buffer_request_body` says.
    - `fair`: whoever waits for a request waits for that one alone, so that a neighbour is better (`share.Share`).
    - `delays`: what several connections have to send may go at the end of a turn (`Engine.delay`): nothing that runs in
      it is waited for.
    - `accepts_alone`: the most connections of a listener in one turn where no neighbour could take them.
    """

    threaded: bool = False
    multithread: bool = False
    gathers: bool = False
    streams: bool = False
    fair: bool = False
    delays: bool = False
    accepts_alone: int = ACCEPTS

    def share(self, neighbours: bool) -> Share:
        """What such a worker takes of the work; `neighbours`: others accept from the same sockets."""
        # Several threads have an account each, and greenlets of several requests share one.
        preemption = Preemption() if self.delays else None
        if neighbours:
            return Share(self.fair, preemption=preemption)
        return Share(False, self.accepts_alone, preemption)
