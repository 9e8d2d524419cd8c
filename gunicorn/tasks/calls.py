"""One call inside of a task process: its application is run, and what comes of it is told.

Whatever an application raises is its caller's: it is caught here, sent as data, and ends nothing but the call. Actions
run in threads; one that is a coroutine or an asynchronous generator is stepped by one event loop, which runs in a
thread of its own from the first such action on, while the thread of the call waits for it.
"""

from __future__ import annotations

from _queue import SimpleQueue
from types import AsyncGeneratorType, CoroutineType, GeneratorType

from gunicorn.loading.tracebacks import application_traceback

from ._octets import Frame
from .errors import DirtyAppError, DirtyAppNotFoundError, DirtyError, DirtyProtocolError
from .frames import END, ERROR, ITEM, RESULT, STREAM, WINDOW, names_of
from .loop_thread import LoopThread, Pending
from .passing import opened
from .running import running
from .values import decode, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Mapping

    Apps = Mapping[str, Callable[..., object]]
    # Kind, number, payload.
    Tell = Callable[[int, int, bytes], None]
    # Kind, payload.
    Answers = Generator[tuple[int, bytes], None, None]

__all__ = ["Job", "answer", "answers", "run"]


_GENERATORS = (GeneratorType, AsyncGeneratorType)


class Job:
    """A call that runs here. Others than its thread may `cancel` it, and give it `more` room for items; unless it
    `is_paced` by whoever takes them. `error`: what the application has raised; `request_id`: of the request that
    asks, where it has one."""

    __slots__ = ("_pending", "_room", "action", "app_path", "error", "is_cancelled", "is_stream", "number", "payload",
                 "request_id")

    def __init__(self, frame: Frame, is_paced: bool = False) -> None:
        self.error: BaseException | None = None
        self.number = frame.number
        self.app_path, self.action, self.request_id = names_of(frame.target)
        self.payload = frame.payload
        self.is_stream = bool(frame.marks & STREAM)
        self.is_cancelled = False
        # There is an entry for each item that may be sent.
        self._room: SimpleQueue[None] | None = SimpleQueue() if self.is_stream and not is_paced else None
        self._pending: Pending | None = None
        if self._room is not None:
            self.more(WINDOW)

    def cancel(self) -> None:
        """Nobody waits for this any more."""
        self.is_cancelled = True
        pending = self._pending
        if pending is not None:
            pending.cancel()
        self.more(1)

    def more(self, items: int) -> None:
        """There is room for so many items more."""
        if self._room is not None:
            for _ in range(items):
                self._room.put(None)

    def has_room(self) -> bool:
        """Wait for room for an item; False when nobody wants it any more."""
        if self._room is not None:
            self._room.get()
        return not self.is_cancelled

    def result_of(self, pending: Pending) -> object:
        """Wait for what runs in the loop; it is cancelled with this."""
        self._pending = pending
        try:
            if self.is_cancelled:
                pending.cancel()
            return pending.wait()
        finally:
            self._pending = None


def run(job: Job, apps: Apps, loop: LoopThread, tell: Tell) -> BaseException | None:
    """Run a call and tell what comes of it. What the application has raised, where it has."""
    if job.is_stream:
        for kind, payload in answers(job, apps, loop):
            tell(kind, job.number, payload)
    else:
        kind, payload = answer(job, apps, loop)
        tell(kind, job.number, payload)
    # Its traceback has frames that have the job.
    error, job.error = job.error, None
    return error


def answer(job: Job, apps: Apps, loop: LoopThread) -> tuple[int, bytes]:
    """Run a call that gives no items: the kind of the frame that comes of it, and its payload."""
    token = running.set(job)
    try:
        result = _result(job, apps, loop)
        if isinstance(result, _GENERATORS):
            if isinstance(result, GeneratorType):
                result.close()
            raise TypeError(f"{job.action} gives items: ask for them by stream(), not by execute()")
        return RESULT, encode(result)
    except BaseException as error:  # noqa: BLE001  # the boundary around the application
        job.error = error
        return ERROR, encode(_as_data(error, job))
    finally:
        running.reset(token)


def answers(job: Job, apps: Apps, loop: LoopThread) -> Answers:
    """Run a call, as far as what comes of it is taken: kinds of frames, and their payloads."""
    if not job.is_stream:
        yield answer(job, apps, loop)
        return
    token = running.set(job)
    try:
        result = _result(job, apps, loop)
        if isinstance(result, GeneratorType):
            yield from _items(job, result)
        elif isinstance(result, AsyncGeneratorType):
            yield from _items(job, _stepped(job, result, loop))
        yield END, b""
    except BaseException as error:  # noqa: BLE001  # the boundary around the application
        job.error = error
        yield ERROR, encode(_as_data(error, job))
    finally:
        running.reset(token)


def _result(job: Job, apps: Apps, loop: LoopThread) -> object:
    """What the application returns."""
    app = apps.get(job.app_path)
    if app is None:
        raise DirtyAppNotFoundError(job.app_path)
    args, kwargs = _arguments(job)
    result = app(job.action, *args, **kwargs)
    return job.result_of(loop.submit(result)) if isinstance(result, CoroutineType) else result


def _arguments(job: Job) -> tuple[list[object], dict[str, object]]:
    payload, job.payload = job.payload, b""
    both = decode(payload if type(payload) is bytes else opened(payload))
    if not isinstance(both, list) or len(both) != 2:
        raise DirtyProtocolError("A call has no arguments")
    args, kwargs = both
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        raise DirtyProtocolError("A call has no arguments")
    return args, kwargs


def _items(job: Job, items: Generator[object, None, None]) -> Answers:
    """As far as somebody wants them. The generator is closed in any case, and so knows."""
    try:
        for item in items:
            octets = encode(item)
            if not job.has_room():
                return
            yield ITEM, octets
    finally:
        items.close()


def _stepped(job: Job, items: AsyncGenerator[object, None], loop: LoopThread) -> Generator[object, None, None]:
    """The items of an asynchronous generator, which is stepped by the loop."""
    try:
        while True:
            try:
                yield job.result_of(loop.submit(_next_of(items)))
            except StopAsyncIteration:
                return
    finally:
        loop.submit(_close(items)).wait()


async def _next_of(items: AsyncGenerator[object, None]) -> object:
    return await items.__anext__()


async def _close(items: AsyncGenerator[object, None]) -> None:
    await items.aclose()


def _as_data(error: BaseException, job: Job) -> dict[str, object]:
    """An error as it is sent; what an application raises, of whatever kind, is an error of the application."""
    if isinstance(error, DirtyAppNotFoundError):
        return error.to_dict()
    message = error.message if isinstance(error, DirtyError) else str(error)
    text = application_traceback(error)
    told = DirtyAppError(message, job.app_path, job.action, text, type(error).__name__)
    return told.to_dict()
