"""Start and end of an application (the ASGI specification, "Lifespan Protocol")."""

from __future__ import annotations

import asyncio

from gunicorn.errors import OwnSignal

from .messages import Misuse, as_dict, kind_of
from .scope import VERSIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol, Unpack

    from gunicorn._types import ASGIApp, LogOptions, Message

    class Teller(Protocol):
        """The part of a log that is told of a lifespan."""

        def error(self, msg: object, /, *args: object, **kwargs: Unpack[LogOptions]) -> None: ...
        def info(self, msg: object, /, *args: object, **kwargs: Unpack[LogOptions]) -> None: ...
        def debug(self, msg: object, /, *args: object, **kwargs: Unpack[LogOptions]) -> None: ...

EVENTS = ("startup", "shutdown")
# An application that has answered for the last time may return by itself for so long, in seconds.
LINGER = 1.0


class LifespanFailed(Exception):
    """The application did not start; the text says why."""


class Foreign(Misuse):
    """A message of another protocol: the application has not looked at the type of its scope."""


class Lifespan:
    """One task of the application that lives as long as its worker.

    `mode` is `auto`, `on` or `off`. With `auto` an application that raises before it has answered the start-up is
    taken for one that does not know the protocol. `who`: what the log calls it.
    """

    def __init__(self, app: ASGIApp, mode: str, log: Teller, who: str = "the application") -> None:
        self.app = app
        self._who = who
        self.mode = mode
        self.log = log
        self.state: dict[str, object] = {}
        #: Whether the application has answered the start-up.
        self.active = False
        self._task: asyncio.Task[None] | None = None
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._answers: dict[str, asyncio.Future[str]] = {}
        self._asked = False

    async def start(self, seconds: float) -> None:
        """Tell the application to start; `seconds` 0: it may take as long as it likes. Raises LifespanFailed."""
        if self.mode == "off":
            return
        loop = asyncio.get_running_loop()
        self._answers = {event: loop.create_future() for event in EVENTS}
        self._task = loop.create_task(self._run(), name="lifespan")
        answer = await self._ask("startup", seconds or None)
        if answer is None:
            await self._end_task(0.0)
            raise LifespanFailed(f"its lifespan start-up took more than {seconds:g} s (lifespan_startup_timeout)")
        if answer:
            await self._end_task(LINGER)
            raise LifespanFailed(answer)

    async def stop(self, seconds: float) -> None:
        """Tell the application that its worker ends, once; it has `seconds` to answer and to return."""
        if not self.active:
            return
        clock = asyncio.get_running_loop().time
        end = clock() + seconds
        answer = await self._ask("shutdown", seconds)
        self.active = False
        if answer is None:
            self.log.error("%s's lifespan shut-down took more than %g s", self._named(), seconds)
        elif answer:
            self.log.error("%s's lifespan shut-down failed: %s", self._named(), answer)
        await self._end_task(min(LINGER, max(0.0, end - clock())))

    async def _ask(self, event: str, seconds: float | None) -> str | None:
        """The answer: empty when all is well, None when there is none in time."""
        self._inbox.put_nowait({"type": f"lifespan.{event}"})
        answer = self._answers[event]
        await asyncio.wait([answer], timeout=seconds)
        return answer.result() if answer.done() else None

    async def _end_task(self, seconds: float) -> None:
        """The application may return by itself for `seconds`; then it is cancelled."""
        task = self._task
        if task is not None and not task.done():
            await asyncio.wait([task], timeout=seconds)
            task.cancel()
            await asyncio.wait([task], timeout=LINGER)

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": VERSIONS, "state": self.state}
        try:
            await self.app(scope, self._receive, self._send)
        except (asyncio.CancelledError, OwnSignal):
            raise
        except BaseException as error:  # noqa: BLE001  # the boundary around the application
            self._raised(error)
        else:
            if self.mode == "on" and not self.active:
                self._answer("startup", "it returned without an answer to lifespan.startup (asgi_lifespan = on)")
        finally:
            for event in EVENTS:
                self._answer(event, "")

    def _raised(self, error: BaseException) -> None:
        if self.active:
            self.log.error("Exception in %s's lifespan", self._who, exc_info=error)
            self._answer("shutdown", f"{type(error).__name__}: {error}")
        elif self._answers["startup"].done():
            # It has said itself that the start-up failed; many raise afterwards as well.
            self.log.debug("Exception after a failed start-up", exc_info=error)
        elif self.mode == "on" or (self._asked and not _knows_it_not(error)):
            self.log.error("Exception in %s's lifespan", self._who, exc_info=error)
            self._answer("startup", f"{type(error).__name__}: {error}")
        elif _knows_it_not(error) and (not self._asked or isinstance(error, Foreign)):
            self.log.debug("%s has no lifespan: %r", self._named(), error)
        else:
            # It may be the start-up that has failed: nobody should have to look for that.
            self.log.info("%s is served without a lifespan, since its lifespan raised %r", self._named(), error)

    def _named(self) -> str:
        return self._who[:1].upper() + self._who[1:]

    async def _receive(self) -> Message:
        self._asked = True
        return await self._inbox.get()

    async def _send(self, message: Message) -> None:
        plain = message if type(message) is dict else as_dict(message)
        kind = kind_of(plain)
        event, _, outcome = kind.removeprefix("lifespan.").partition(".")
        if not kind.startswith("lifespan."):
            raise Foreign(f"unexpected message {kind!r} in the lifespan")
        if event not in EVENTS or outcome not in ("complete", "failed"):
            raise Misuse(f"unknown message {kind!r} in the lifespan")
        if self._answers[event].done():
            raise Misuse(f"{kind!r} was sent after the answer to lifespan.{event}")
        if outcome == "failed":
            self._answer(event, str(plain.get("message", "")) or f"it sent {kind}")
            return
        if event == "startup":
            self.active = True
        self._answer(event, "")

    def _answer(self, event: str, text: str) -> None:
        answer = self._answers[event]
        if not answer.done():
            answer.set_result(text)


def _knows_it_not(error: BaseException) -> bool:
    """Applications without lifespan raise at once, by their kind: an assertion on the scope, a missing key."""
    return isinstance(error, AssertionError | Foreign | KeyError | NotImplementedError | TypeError | ValueError)
