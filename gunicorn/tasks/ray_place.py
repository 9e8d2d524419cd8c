"""A place of the pool that is an actor of Ray, as the gateway has it.

To the pool it looks like a task process: calls come by one channel, and what is said about them by another. A thread
that takes a call from the channel gives it to the actor and waits for the answer, so that a call costs what it costs
with Ray, and no event loop. Only as many calls are given to an actor as it can run at once: none waits in Ray, where it
could not be taken back.

An actor on this machine is handed both channels, and serves them as a task process does: its calls cost what they cost
without Ray, which starts and ends it, and says whether it lives.
"""

from __future__ import annotations

import os
import socket
import time
from _queue import SimpleQueue

import ray
from ray.exceptions import GetTimeoutError, RayActorError, RayError

from gunicorn.unix import unpatched

from ._channel import Receiver
from .errors import DirtyError, DirtyWorkerError
from .frames import CANCEL, ERROR, ITEM, LEAVE, LEAVING, MORE, READY, STREAM, WINDOW, WORN, FrameReader
from .ray_actor import LEAVES, TaskActor, pack_call
from .ray_options import missing
from .sending import read_frames, send_answer
from .values import decode, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gunicorn._types import Value
    from gunicorn.unix.unpatched import Socket

    from ._octets import Frame
    from .ray_cluster import Cluster

    # A word, and what belongs to it.
    Tell = Callable[..., None]

__all__ = ["RayPlace"]

CONTROL = "control"
"""The group of an actor's threads that hears of calls which run."""

PING_EVERY = 2.0
SILENT_AFTER = 5.0
"""Seconds after which an actor that does not answer has its node looked at: it may only be busy."""

WAITS_FOR_ROOM = 5.0
"""So long an actor may wait for a node before it is looked whether there is one."""

MEETING_SECONDS = 2.0
"""So long an actor on this machine may take to come for its sockets; one that cannot get them does without."""

STACKS_SECONDS = 1.0
BOOT_ERROR = 3
KILLED = 9


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


class RayPlace:
    """`id`: the pool's name for it; `order`: what the pool wants there; `tell`: says something to the pool."""

    def __init__(
        self, id: int, order: dict[str, Value], channel: Socket, control: Socket, cluster: Cluster, tell: Tell
    ) -> None:
        self.id = id
        self.control = control
        self.is_over = False
        # Its actor has the channels, and nothing of them is to be read here.
        self.is_handed_over = False
        self.node = ""
        self.actor = ""
        self._order = order
        self._cluster = cluster
        self._channel = channel
        self._tell = tell
        self._actor: Value = None
        self._options: dict[str, object] = {}
        self._receiver, self._control_receiver = Receiver(channel), Receiver(control)
        self._reader = FrameReader()
        self._control_reader = FrameReader()
        # Held by the thread that takes a call from the channel.
        self._reading = unpatched.allocate_lock()
        self._sending = unpatched.allocate_lock()
        self._ending = unpatched.allocate_lock()
        # Calls that have been read and not been begun.
        self._frames: list[Frame] = []
        # And those that run, streams with what their readers let through.
        self._running: dict[int, Flow | None] = {}
        # By the paths that it has: in how many processes each is to be.
        self._limits: dict[str, int | None] = {}
        self._calls_left = order["max_calls"] or -1
        self._is_ready = False
        self._ping: Value = None
        self._pinged_at = 0.0
        self._looks_at_node = False

    # From the actor to the first call.

    def boot(self) -> None:
        """Have an actor made, and serve when it is ready. In a thread of its own."""
        try:
            self._make()
            told = decode(ray.get(self._actor.ready.remote()))
        except (RayError, DirtyError, ValueError, TypeError) as error:
            self.fail(str(error))
            return
        assert isinstance(told, dict)
        if told["problem"]:
            self.fail(told["problem"])
            return
        self.node, self.actor = told["node"], told["actor"]
        if self.is_over:
            return
        self.is_handed_over = self.node == self._cluster.own_node and self._hand_over()
        self._is_ready = True
        about = {"limits": self._limits, "pid": told["pid"], "actor": told["actor"], "node": told["node"]}
        self._send(READY, 0, encode(about))
        if self.is_handed_over:
            self._attend()
            return
        for _ in range(self._threads):
            unpatched.start_new_thread(self._work, ())

    @property
    def _threads(self) -> int:
        return max(int(self._order["threads"]), 1)

    def _hand_over(self) -> bool:
        """Give the actor the channels, as descriptors; False where it cannot have them."""
        path = os.path.join(os.path.dirname(self._order["socket"]), f"actor-{self.id}.sock")
        try:
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(path)
                listener.listen(1)
                listener.settimeout(MEETING_SECONDS)
                has_met = self._about(self._actor.meet).remote(path, self._order["max_calls"])
                meeting, _ = listener.accept()
                with meeting:
                    socket.send_fds(meeting, [b"\0"], [self._channel.fileno(), self.control.fileno()])
                return bool(ray.get(has_met))
        except (OSError, RayError):
            return False
        finally:
            _remove(path)

    def _attend(self) -> None:
        """Wait for the end of an actor that serves the channels itself."""
        for number in range(self._threads):
            self._actor.work.remote(number)
        try:
            ray.get(self._about(self._actor.hear).remote())
        except RayError as error:
            self.lost(error)
        else:
            self.over(0)

    def _about(self, method: Value) -> Value:
        """The same method, in threads that no call has."""
        return method.options(concurrency_group=CONTROL)

    def _make(self) -> None:
        order = self._order
        found = self._cluster.applications(order)
        self._limits = {path: limit for path, (limit, rank) in found.limits.items() if limit is None or rank < limit}
        self._options = found.options_for(self._limits)
        order["apps"] = list(self._limits)
        kind = ray.remote(concurrency_groups={CONTROL: 3})(TaskActor)
        made = kind.options(
            max_restarts=0, max_task_retries=0, max_concurrency=self._threads,
            runtime_env=order["ray_env"] or None, **self._cluster.placed(self._options),
        )
        about = {name: order[name] for name in _FOR_ACTORS}
        with self._ending:
            if self.is_over:
                raise DirtyError("it was told to end")
            self._actor = made.remote(encode(about))
        # What makes a method of an actor callable is made once.
        self._run = self._actor.run.remote
        self._wait_for_room()

    def _wait_for_room(self) -> None:
        done, _ = ray.wait([self._about(self._actor.pulse).remote()], timeout=WAITS_FOR_ROOM)
        lacks = "" if done else missing(self._options, self._cluster.resources())
        if lacks:
            self._say("warning", f"an actor waits for what no node has: {lacks}")

    def fail(self, problem: str) -> None:
        """There is no place to be had."""
        if not self.is_over:
            self._say("error", f"it cannot start: {problem}")
        self.over(BOOT_ERROR << 8)

    # Calls. In threads.

    def _work(self) -> None:
        while (frame := self._next()) is not None:
            act = self._stream if frame.marks & STREAM else self._call
            try:
                act(frame)
            except RayActorError as error:
                self.lost(error)
                return
            except (RayError, DirtyError) as error:
                # The call may have run, and the actor lives.
                self._answer_error(frame.number, _first_line(error))

    def _next(self) -> Frame | None:
        """Wait for a call; None when the pool has ended, or this."""
        with self._reading:
            frames = self._frames
            while not frames:
                frames += read_frames(self._receiver, self._reader)
                if not frames and not self._reader.is_within:
                    return None
            self._calls_left -= 1
            frame = frames.pop(0)
        if self._calls_left == 0:
            self._send(WORN, 0, b"")
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
        self._send(answer[0] & ~LEAVES, number, answer[1:])
        if answer[0] & LEAVES:
            self._send(LEAVING, 0, b"")

    def _answer_error(self, number: int, problem: str) -> None:
        error = DirtyWorkerError(f"Ray has not brought a call to its end, which may have run: {problem}", self.actor)
        self._send(ERROR, number, encode(error.to_dict()))

    def _send(self, kind: int, number: int, payload: bytes) -> None:
        with self._sending:
            send_answer(self._channel, kind, number, payload)

    # What is said about calls. In the main thread.

    def hear(self) -> bool:
        """Take what the pool says; False when it says nothing more."""
        frames = read_frames(self._control_receiver, self._control_reader)
        for frame in frames:
            rule = _ON_FRAME.get(frame.kind)
            if rule is not None:
                rule(self, frame)
        return bool(frames) or self._control_reader.is_within

    def _on_cancel(self, frame: Frame) -> None:
        flow = self._running.get(frame.number)
        if flow is not None:
            flow.cancel()
        # It may be on its way there.
        self._about(self._actor.cancel).remote(frame.number)

    def _on_more(self, frame: Frame) -> None:
        flow = self._running.get(frame.number)
        if flow is not None:
            flow.more(int(min(frame.amount, 1 << 20)))

    def _on_leave(self, frame: Frame) -> None:
        unpatched.start_new_thread(self._leave, ())

    def _leave(self) -> None:
        try:
            if self._is_ready:
                ray.get(self._actor.close.remote())
        except RayError:
            # It has ended without.
            pass
        self.over(0)

    # Whether it lives.

    def look(self, now: float) -> None:
        """Ask it whether it lives, or see what it has answered. In the main thread."""
        if not self._is_ready or self.is_over:
            return
        if self._ping is None:
            if now - self._pinged_at >= PING_EVERY:
                self._pinged_at = now
                self._ping = self._about(self._actor.pulse).remote()
            return
        done, _ = ray.wait([self._ping], timeout=0)
        if done:
            self._take_pulse()
        elif now - self._pinged_at >= SILENT_AFTER and not self._looks_at_node:
            self._looks_at_node = True
            unpatched.start_new_thread(self._look_at_node, ())

    def _take_pulse(self) -> None:
        ping, self._ping = self._ping, None
        try:
            used = ray.get(ping)
        except RayError as error:
            self.lost(error)
        else:
            self._tell("pulse", self.id, used)

    def _look_at_node(self) -> None:
        """An actor that says nothing may be busy in code that keeps the interpreter to itself. Its node is asked."""
        try:
            problem = self._cluster.problem_of(self.node)
            if problem:
                self._cluster.suspect(self.node)
                self._say("error", f"it is given up: {problem}")
                self.over(KILLED)
        finally:
            # Not again at once, where the node lives and the actor goes on to be silent.
            time.sleep(PING_EVERY)
            self._looks_at_node = False

    # The end.

    def lost(self, error: RayError) -> None:
        """The actor has ended by itself."""
        if not self.is_over:
            self._say("error", f"its actor has ended: {_first_line(error)}")
        self.over(KILLED)

    def kill(self, number: int) -> None:
        """End it as this signal would. In a thread of its own."""
        if not self._is_ready and self._actor is not None and not self.is_over:
            self._say_what_lacks()
        elif (self._running or self.is_handed_over) and number != _QUIT:
            self._say_where_it_is()
        self.over(number if number != _QUIT else 0)

    def _say_what_lacks(self) -> None:
        lacks = missing(self._options, self._cluster.resources())
        if lacks:
            self._say("error", f"its actor was not placed, since no node has {lacks}")
        else:
            self._say("error", f"its actor was not ready in time: {self._cluster.room_for(self._options)}")

    def _say_where_it_is(self) -> None:
        """A call does not end: say what its actor does."""
        try:
            stacks = ray.get(self._about(self._actor.stacks).remote(), timeout=STACKS_SECONDS)
        except (RayError, GetTimeoutError):
            return
        if stacks:
            self._say("critical", f"it is here:\n{stacks}")

    def over(self, status: int) -> None:
        """This has ended with that status, as waitpid(2) has it."""
        with self._ending:
            if self.is_over:
                return
            self.is_over = True
            actor = self._actor
        for flow in list(self._running.values()):
            if flow is not None:
                flow.cancel()
        for end in (self._channel, self.control):
            try:
                # Whoever waits for octets there, waits no longer.
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        if actor is not None:
            try:
                ray.kill(actor, no_restart=True)
            except (RayError, ValueError):
                # It is not there any more.
                pass
        self._tell("exit", self.id, status)

    def _say(self, level: str, text: str) -> None:
        self._tell("log", level, self.id, text)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        # There is no such folder, as far as this process sees.
        return


def _first_line(error: BaseException) -> str:
    """What Ray says first; it goes on for pages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


_QUIT = 3
_FOR_ACTORS = ("age", "apps", "chdir", "env", "folders", "hook", "settings", "socket")

_ON_FRAME: dict[int, Callable[[RayPlace, Frame], None]] = {
    CANCEL: RayPlace._on_cancel, MORE: RayPlace._on_more, LEAVE: RayPlace._on_leave,
}
