"""How a server is, in the words of those who ask: a load balancer, an orchestrator, a person with curl.

Alive: the master's loop turns, or nobody would answer. Started: a worker has served. Ready: new clients are welcome;
being busy does not make it false, or the others would get what this one does not take, and be the next ones.
"""

from __future__ import annotations

from gunicorn._record import Record
from gunicorn._standard import standard_first

from .http_face import Reply

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gunicorn.http.request import Request

    from .http_face import Resource

__all__ = ["Health", "resources"]


class Health(Record):
    """`started`: a worker has been ready; `not_ready`: why no new clients should come, empty when they may; `leaves`:
    that is meant, and no failure."""

    started: bool
    not_ready: str
    leaves: bool


def resources(look: Callable[[], Health]) -> Mapping[str, Resource]:
    """The answers, by their paths."""

    def live(request: Request) -> Reply:
        return _reply(200, "alive")

    def startup(request: Request) -> Reply:
        return _reply(200, "started") if look().started else _reply(503, "starting", "no worker is ready yet")

    def ready(request: Request) -> Reply:
        health = look()
        if not health.not_ready:
            return _reply(200, "ready")
        # HAProxy's `disable-on-404` takes such a server out of the balance, and keeps those who are there.
        gone = health.leaves and "drain=404" in request.query.split("&")
        return _reply(404 if gone else 503, "not ready", health.not_ready)

    return {
        "/health/live": live, "/livez": live,
        "/health/startup": startup, "/startupz": startup,
        "/health/ready": ready, "/readyz": ready,
    }


def _reply(status: int, word: str, reason: str = "") -> Reply:
    # Not before somebody asks: a server that nobody looks at has no need of it.
    with standard_first():
        import json

    told = {"status": word, "reason": reason} if reason else {"status": word}
    return Reply(status, "application/json", json.dumps(told).encode() + b"\n")
