"""What the scoreboard is told of a request that begins: its id, its line, its time in a queue in front."""

from __future__ import annotations

import time

from gunicorn.http.request import Request
from gunicorn.instrument._board import Board
from gunicorn.logs.queue_time import seconds_since

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn._types import Clock

    from .request_ids import RequestIds

__all__ = ["enter", "tell_queue_time"]


def enter(board: Board, request: Request, moment: float, ids: RequestIds | None) -> None:
    """A request begins at this moment (monotonic seconds). `ids` gives it its id; None where requests have none."""
    if ids is not None:
        board.identify(ids.give(request))
    if request.starts:
        tell_queue_time(board, request)
    board.begin(request.method, request.uri, moment, request.version_major * 10 + request.version_minor)


def tell_queue_time(board: Board, request: Request, wall_clock: Clock = time.time) -> None:
    """A request is about to be run, which bears a time of a trusted proxy."""
    # Two of them say nothing.
    waited = seconds_since(request.header("X-REQUEST-START"), wall_clock()) if request.starts == 1 else None
    if waited is not None:
        board.queue(waited)
