"""Metrics and health at one address: the pages of `metrics_bind`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gunicorn.http.fields import FieldTable
from gunicorn.instrument.exposition import format_for
from gunicorn.instrument.metrics import families

from . import health
from .http_face import LIMITS, HTTPFace, Reply

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn.http.request import Request
    from gunicorn.instrument.metrics import Readings

    from .conversation import MakeConversation, Peer
    from .http_face import Resource

__all__ = ["face_of", "resources_of"]


def face_of(read: Callable[[], Readings], look: Callable[[], health.Health]) -> MakeConversation:
    """What makes the conversations; both are called when somebody asks."""
    table = FieldTable(LIMITS)
    resources = resources_of(read, look)

    def converse(peer: Peer) -> HTTPFace:
        return HTTPFace(resources, table)

    return converse


def resources_of(read: Callable[[], Readings], look: Callable[[], health.Health]) -> Mapping[str, Resource]:
    """The pages, by their paths."""

    def metrics(request: Request) -> Reply:
        chosen = format_for(request.header("ACCEPT"))
        return Reply(200, chosen.content_type, chosen.render(families(read())), (("Vary", "Accept"),))

    return {"/metrics": metrics, **health.resources(look)}
