"""Calls come from the pool, are run in threads, and are answered: what a task process and an actor on this machine do.

Calls come by one channel, and the thread that is to run one takes it from there itself, so that no thread has to wake
another. What is said about calls that run comes by a second one, to one thread more.
"""

from __future__ import annotations

import os
import threading
from collections import deque

from gunicorn.logs import request_ids
from gunicorn.unix import unpatched

from . import calls
from ._channel import Receiver
from ._octets import Frame
from .calls import Job
from .frames import CANCEL, KINDS, LEAVE, LEAVING, MORE, WORN, FrameReader
from .loop_thread import LoopThread
from .sending import read_frames, send_answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gunicorn.unix.unpatched import Socket

__all__ = ["Serving"]

BEAT_SECONDS = 2.0
"""So often it is said at least that this lives."""


class Serving:
    """`channel` and `control`: the two that come from the pool; `apps`: who is called, by path.

    After `max_calls` calls the pool is asked for another process (0: never). The thread that hears about calls
    calls `beat` again and again.
    """

    __slots__ = (
        "_apps", "_beat", "_calls_left", "_cancelled", "_channel", "_control", "_control_reader",
        "_control_receiver", "_frames", "_is_last", "_jobs", "_last_seen", "_loop", "_reader", "_reading", "_receiver",
        "_sending", "_wishes_to_leave", "wake",
    )

    def __init__(
        self, channel: Socket, control: Socket, apps: Mapping[str, Callable[..., object]], max_calls: int,
        beat: Callable[[], None],
    ) -> None:
        self._channel = channel
        self._control = control
        self._apps = apps
        self._beat = beat
        self._receiver, self._control_receiver = Receiver(channel), Receiver(control)
        self._reader = FrameReader()
        self._control_reader = FrameReader()
        # Held by the thread that takes a call from the channel.
        self._reading = unpatched.allocate_lock()
        self._sending = unpatched.allocate_lock()
        # Calls that have been read and not been begun.
        self._frames: deque[Frame] = deque()
        self._jobs: dict[int, Job] = {}
        # Calls that are cancelled and have not been seen yet, which come by the other channel; the last one seen.
        self._cancelled: set[int] = set()
        self._last_seen = 0
        # So many calls are left before another process is to take the place of this one; below 0: any number.
        self._calls_left = max_calls or -1
        self._loop = LoopThread()
        # No call comes any more.
        self._is_last = False
        self._wishes_to_leave = False
        # By the second one `hear` is woken.
        self.wake = os.pipe()
        for fd in self.wake:
            os.set_blocking(fd, False)

    @property
    def is_busy(self) -> bool:
        """Whether a call runs."""
        return bool(self._jobs)

    def send(self, kind: int, number: int, payload: bytes) -> None:
        """Say something to the pool. From any thread."""
        # What `with` does makes two methods each time.
        self._sending.acquire()
        try:
            send_answer(self._channel, kind, number, payload)
        finally:
            self._sending.release()

    def put_down(self) -> None:
        """In a child that an application has forked: calls are not its business."""
        self._channel.close()
        self._control.close()
        for fd in self.wake:
            os.close(fd)

    # What is said about calls, in one thread.

    def hear(self) -> bool:
        """Take what is said about calls, until none is left and none comes, or the pool has ended; whether it has said
        before that none comes."""
        waits = unpatched.select.poll()
        waits.register(self._control.fileno(), unpatched.select.POLLIN)
        waits.register(self.wake[0], unpatched.select.POLLIN)
        while not (self._is_last and not self._jobs):
            self._beat()
            woken = [fd for fd, _ in waits.poll(BEAT_SECONDS * 1000)]
            if self.wake[0] in woken:
                self._awake()
            if self._control.fileno() in woken and not self._receive():
                break
        return self._is_last

    def _awake(self) -> None:
        unpatched.read(self.wake[0], 4096)
        if self._wishes_to_leave:
            self._wishes_to_leave = False
            self.send(LEAVING, 0, b"")

    def _receive(self) -> bool:
        """Take what has come; False when the pool has ended, or talks nonsense."""
        said = read_frames(self._control_receiver, self._control_reader)
        for frame in said:
            _ON_FRAME[frame.kind](self, frame)
        return bool(said) or self._control_reader.is_within

    def leave(self) -> None:
        """Ask for no more calls, and end after those that run. From any thread, and from a signal."""
        # By itself a signal wakes before its handler has run.
        self._wishes_to_leave = True
        unpatched.write(self.wake[1], b"\0")

    def _on_cancel(self, frame: Frame) -> None:
        number = frame.number
        if number not in self._jobs:
            # It may be about to be read. Whoever registers it looks here behind that.
            self._cancelled.add(number)
        job = self._jobs.get(number)
        if job is not None or number <= self._last_seen:
            self._cancelled.discard(number)
        if job is not None:
            job.cancel()

    def _on_more(self, frame: Frame) -> None:
        job = self._jobs.get(frame.number)
        if job is not None:
            job.more(int(min(frame.amount, 1 << 20)))

    def _on_leave(self, frame: Frame) -> None:
        self._is_last = True

    def _on_nonsense(self, frame: Frame) -> None:
        """Nobody sends this here."""

    # Calls, in as many threads as run at once.

    def work(self, name: str) -> None:
        """Run calls until the pool ends, in a thread that applications see by this name."""
        threading.current_thread().name = name
        while (job := self._next_job()) is not None:
            error = calls.run(job, self._apps, self._loop, self.send)
            del self._jobs[job.number]
            if isinstance(error, SystemExit):
                self.leave()
            if self._is_last:
                # Who hears about calls waits for the last one.
                unpatched.write(self.wake[1], b"\0")

    def _next_job(self) -> Job | None:
        """Wait for a call; None when the pool has ended."""
        self._reading.acquire()
        try:
            while not self._frames:
                self._frames.extend(read_frames(self._receiver, self._reader))
                if not self._frames and not self._reader.is_within:
                    return None
            job = Job(self._frames.popleft())
            self._jobs[job.number] = job
            self._last_seen = job.number
            self._calls_left -= 1
            is_worn = self._calls_left == 0
        finally:
            self._reading.release()
        # Lines of the log that the action writes are about that request.
        if request_ids.running.get() != job.request_id:
            request_ids.running.set(job.request_id)
        if is_worn:
            self.send(WORN, 0, b"")
        if job.number in self._cancelled:
            self._cancelled.discard(job.number)
            job.cancel()
        return job


_ON_FRAME: dict[int, Callable[[Serving, Frame], None]] = {
    **dict.fromkeys(KINDS, Serving._on_nonsense),
    CANCEL: Serving._on_cancel, MORE: Serving._on_more, LEAVE: Serving._on_leave,
}
