"""How long requests have waited in a queue in front of this server, told to the scoreboard where a trusted proxy says.
"""

from __future__ import annotations

import time

from gunicorn.logs.queue_time import seconds_since

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn._types import Clock
    from gunicorn.http.request import Request
    from gunicorn.instrument._board import Board

__all__ = ["tell_queue_time"]


def tell_queue_time(board: Board, request: Request, wall_clock: Clock = time.time) -> None:
    """A request is about to be run."""
    # Two of them say nothing.
    waited = seconds_since(request.header("X-REQUEST-START"), wall_clock()) if request.starts == 1 else None
    if waited is not None:
        board.queue(waited)
