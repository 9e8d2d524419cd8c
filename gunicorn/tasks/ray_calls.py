"""Calls that an actor of Ray runs, on their way there and back.

A thread that takes a call from the channel gives it to the actor and waits for the answer, so that a call costs what it
costs with Ray, and no event loop. Only as many calls are given to an actor as it can run at once: none waits in Ray,
where it could not be taken back.
"""

from __future__ import annotations

from _queue import SimpleQueue

import ray
from ray.exceptions import RayActorError, RayError

from gunicorn.unix import unpatched

from ._channel import Receiver
from .errors import DirtyError, DirtyWorkerError
from .frames import ERROR, ITEM, LEAVING, STREAM, WINDOW, WORN, FrameReader
from .ray_actor import LEAVES, pack_call
from .sending import read_frames, send_answer
from .values import encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn._types import Value
    from gunicorn.unix.unpatched import Socket

    from ._octets import Frame

__all__ = ["Calls", "first_line"]


class Flow:
    """What the reader of a stream lets through."""

    def __init__(self) -> None:
        self._room: SimpleQueue[None] = SimpleQueue()
        self.is_cancelled = False
        self.more(WINDOW)

    def more(self, items: int) -> None:
        """There is room for so many items more."""
        for _ in range(items):
            self._room.put(None)

    def cancel(self) -> None:
        """Nobody reads it any more."""
        self.is_cancelled = True
        self.more(1)

    def wait(self) -> bool:
        """Wait for room; False when nobody reads."""
        if not self.is_cancelled:
            self._room.get()
        return not self.is_cancelled


class Calls:
    """Those of one place, which come by `channel`; after `most` of them (0: any) its process is worn."""

    def __init__(self, channel: Socket, most: int) -> None:
        # What the actor is called.
        self.actor = ""
        self._channel = channel
        self._actor: Value = None
        self._run: Value = None
        self._receiver = Receiver(channel)
        self._reader = FrameReader()
        # Held by the thread that takes a call from the channel.
        self._reading = unpatched.allocate_lock()
        self._sending = unpatched.allocate_lock()
        # Calls that have been read and not been begun.
        self._frames: list[Frame] = []
        # And those that run, streams with what their readers let through.
        self._running: dict[int, Flow | None] = {}
        self._left = most or -1

    def give_to(self, actor: Value) -> None:
        """Have this actor run them."""
        self._actor = actor
        # What makes a method of an actor callable is made once.
        self._run = actor.run.remote

    @property
    def are_running(self) -> bool:
        """Whether there is one."""
        return bool(self._running)

    def more(self, number: int, items: int) -> None:
        """The reader of a stream takes so many more."""
        flow = self._running.get(number)
        if flow is not None:
            flow.more(items)

    def cancel(self, number: int) -> None:
        """Nobody reads that stream any more."""
        flow = self._running.get(number)
        if flow is not None:
            flow.cancel()

    def cancel_all(self) -> None:
        """The same, of all streams."""
        for number in list(self._running):
            self.cancel(number)

    # In threads.

    def work(self) -> None:
        """Have one after the other run, until the pool has ended, or this. Raises RayActorError when the actor has."""
        while (frame := self._next()) is not None:
            act = self._stream if frame.marks & STREAM else self._call
            try:
                act(frame)
            except RayActorError:
                raise
            except (RayError, DirtyError) as error:
                # The call may have run, and the actor lives.
                self._answer_error(frame.number, first_line(error))

    def _next(self) -> Frame | None:
        """Wait for a call; None when the pool has ended, or this."""
        with self._reading:
            frames = self._frames
            while not frames:
                frames += read_frames(self._receiver, self._reader)
                if not frames and not self._reader.is_within:
                    return None
            self._left -= 1
            is_worn = self._left == 0
            frame = frames.pop(0)
        if is_worn:
            self.send(WORN, 0, b"")
        return frame

    def _call(self, frame: Frame) -> None:
        self._running[frame.number] = None
        try:
            answer = ray.get(self._run(pack_call(frame, frame.payload)))
        finally:
            del self._running[frame.number]
        self._answer(frame.number, answer)

    def _stream(self, frame: Frame) -> None:
        self._running[frame.number] = flow = Flow()
        method = self._actor.stream.options(num_returns="streaming", _generator_backpressure_num_objects=WINDOW)
        try:
            # To its end in any case: a generator in an actor waits for whoever takes what it gives.
            for reference in method.remote(pack_call(frame, frame.payload)):
                answer = ray.get(reference)
                if answer[0] != ITEM or flow.wait():
                    self._answer(frame.number, answer)
        finally:
            del self._running[frame.number]

    def _answer(self, number: int, answer: bytes) -> None:
        self.send(answer[0] & ~LEAVES, number, answer[1:])
        if answer[0] & LEAVES:
            self.send(LEAVING, 0, b"")

    def _answer_error(self, number: int, problem: str) -> None:
        error = DirtyWorkerError(f"Ray has not brought a call to its end, which may have run: {problem}", self.actor)
        self.send(ERROR, number, encode(error.to_dict()))

    def send(self, kind: int, number: int, payload: bytes) -> None:
        """Tell the pool, by the channel of calls."""
        with self._sending:
            send_answer(self._channel, kind, number, payload)


def first_line(error: BaseException) -> str:
    """What Ray says first; it goes on for pages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
