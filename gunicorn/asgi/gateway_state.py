"""What cycles see of their gateway."""

from __future__ import annotations

from contextvars import Context, copy_context

from gunicorn.engine.manners import Manners
from gunicorn.engine.settings import is_short
from gunicorn.gateway.gateway import Gateway

from .scope import Scopes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task, TimerHandle
    from typing import Any

    from gunicorn.gateway.response import Response

# A response of which so much waits for its client makes the application wait as well.
HIGH_WATER = 65536
# WebSockets are looked at so often where a limit of a few seconds is to be kept.
SHORT_LOOK_SECONDS = 0.2


class ASGIGatewayState(Gateway):
    """The part of a gateway that its cycles share."""

    __slots__ = (
        "context", "deflates", "grace_seconds", "high_water", "largest_message", "leaving", "look_seconds", "loop",
        "most_queued", "ping_interval", "ping_timeout", "scopes", "seen_sent", "sockets", "task_arguments", "tasks",
        "watches", "writer",
    )

    def __init__(self, worker: Any, app: Any, server: str, manners: Manners) -> None:
        super().__init__(worker, app, server, manners)
        cfg = self.cfg
        # The worker sets it before the first request.
        self.loop: AbstractEventLoop = None  # type: ignore[assignment]
        self.scopes = Scopes(cfg.root_path)
        self.scopes.forwarded = self.forwarded
        self.scopes.tells_ids = self.request_ids is not None
        self.grace_seconds = float(cfg.asgi_disconnect_grace_period)
        self.high_water = min(HIGH_WATER, cfg.response_buffer_size)
        # Somebody wants to know of every request: the access log or a hook.
        self.watches = self.logs_access or self.post_request is not None
        # The timer that will write the lines gathered for the access log.
        self.writer: TimerHandle | None = None
        # Tasks that wait for something: a loop itself holds its tasks but weakly.
        self.tasks: set[Task[object]] = set()
        # What is said of each of them when it is made.
        self.task_arguments: dict[str, object] = {}
        # WebSockets that are open or being closed.
        self.sockets: set[Any] = set()
        self.leaving = False
        # How much open responses had sent at the last look.
        self.seen_sent: dict[Response, int] = {}
        self.deflates = bool(cfg.ws_per_message_deflate)
        self.largest_message: int = cfg.websocket_max_message_size
        self.most_queued: int = max(1, cfg.ws_max_queue)
        self.ping_interval = float(cfg.ws_ping_interval)
        self.ping_timeout = float(cfg.ws_ping_timeout)
        # How often WebSockets are looked at.
        self.look_seconds = SHORT_LOOK_SECONDS if is_short(self.ping_interval) or is_short(self.ping_timeout) else 1.0
        # What every request's context begins as.
        self.context: Context = copy_context()

    def report(self, cycle: Any) -> None:
        """Tell the access log and the hook of a response that is complete, or will never be."""
        raise NotImplementedError
