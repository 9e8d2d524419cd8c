"""A place of the pool that is an actor of Ray, as the gateway has it.

To the pool it looks like a task process: calls come by one channel (`ray_calls.py`), and what is said about them by
another.

An actor on this machine is handed both channels, and one that comes to the server's door has connections in their
place. They serve them as a task process does: their calls cost what they cost without Ray, which starts and ends
actors, and says whether they live.
"""

from __future__ import annotations

import os
import socket
import time

import ray
from ray.exceptions import GetTimeoutError, RayActorError, RayError

from gunicorn.unix import unpatched
from gunicorn.unix.unpatched import Socket

from ._channel import Receiver
from .errors import DirtyError
from .frames import CANCEL, LEAVE, MORE, READY, FrameReader
from .ray_actor import PREPARED, TaskActor
from .ray_calls import Calls, first_line
from .ray_options import missing
from .sending import read_frames
from .values import decode, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gunicorn._types import Value

    from ._octets import Frame
    from .ray_cluster import Cluster
    from .ray_door import Door

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
"""So long an actor may take to come for its sockets, or to the door; one that cannot does without."""

STACKS_SECONDS = 1.0
BOOT_ERROR = 3
KILLED = 9


class RayPlace:
    """`id`: the pool's name for it; `order`: what the pool wants there; `door`: where actors on other nodes come, if
    there is one; `tell`: says something to the pool."""

    def __init__(
        self, id: int, order: dict[str, Value], channel: Socket, control: Socket, cluster: Cluster, door: Door | None,
        tell: Tell,
    ) -> None:
        self.id = id
        self.control = control
        self.is_over = False
        # Its actor has the channels, and nothing of them is to be read here.
        self.is_handed_over = False
        self.node = ""
        self.actor = ""
        self._order = {**order, "door": door.address if door is not None else "", "node": cluster.own_node}
        self._cluster = cluster
        self._door = door
        self._channel = channel
        # What the pool and the actor hear each other by.
        self._ends = [channel, control]
        self._tell = tell
        self._actor: Value = None
        self._options: dict[str, object] = {}
        self._calls = Calls(channel, order["max_calls"])
        self._control_receiver = Receiver(control)
        self._control_reader = FrameReader()
        self._ending = unpatched.allocate_lock()
        # By the paths that it has: in how many processes each is to be.
        self._limits: dict[str, int | None] = {}
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
        else:
            self._begin(told)

    def _begin(self, told: dict[str, Value]) -> None:
        """Have calls go to the actor, which has `told` where it is."""
        self.node, self.actor = told["node"], told["actor"]
        self._calls.actor = self.actor
        if self.is_over:
            return
        about = encode({
            "limits": self._limits, "pid": told["pid"], "actor": told["actor"], "node": told["node"],
        })
        if self.node == self._cluster.own_node:
            self.is_handed_over = self._hand_over()
        elif self._door is not None:
            self._let_in(self._door)
        self._is_ready = True
        if len(self._ends) > _CHANNELS:
            self._tell("moved", self.id, about, passed=[end.fileno() for end in self._ends[_CHANNELS:]])
        else:
            self._calls.send(READY, 0, about)
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

    def _let_in(self, door: Door) -> None:
        """Have an actor on another node come by TCP."""
        with door.expecting(self.id) as arrived:
            has_come = self._about(self._actor.come).remote(door.address, self.id, self._order["max_calls"])
            connections = arrived(MEETING_SECONDS)
        try:
            self.is_handed_over = bool(connections) and bool(ray.get(has_come))
        except RayError:
            # It has ended: so it is told where that is waited for.
            pass
        if self.is_handed_over:
            self._ends += [Socket(fileno=connection.detach()) for connection in connections]

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
        self._calls.give_to(self._actor)
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
        try:
            self._calls.work()
        except RayActorError as error:
            self.lost(error)

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
        self._calls.cancel(frame.number)
        # It may be on its way there.
        self._about(self._actor.cancel).remote(frame.number)

    def _on_more(self, frame: Frame) -> None:
        self._calls.more(frame.number, int(min(frame.amount, 1 << 20)))

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
            self._say("error", f"its actor has ended: {first_line(error)}")
        self.over(KILLED)

    def kill(self, number: int) -> None:
        """End it as this signal would. In a thread of its own."""
        if not self._is_ready and self._actor is not None and not self.is_over:
            self._say_what_lacks()
        elif (self._calls.are_running or self.is_handed_over) and number != _QUIT:
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
        self._calls.cancel_all()
        for end in self._ends:
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


_QUIT = 3
_CHANNELS = 2
_FOR_ACTORS = (*PREPARED, "age", "apps", "hook", "settings")

_ON_FRAME: dict[int, Callable[[RayPlace, Frame], None]] = {
    CANCEL: RayPlace._on_cancel, MORE: RayPlace._on_more, LEAVE: RayPlace._on_leave,
}
