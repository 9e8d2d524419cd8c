"""The process that speaks to Ray, the only driver of a server: started anew, and not forked, since Ray and fork do not
go together.

The master of the task processes tells it what it wants by the socket that is its standard input, a message an order,
and is told there what has happened. With each place that is ordered come two sockets, by which calls go to it and come
back as they do with a task process. Whatever Ray prints goes to a pipe. The process ends with that socket.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time

from gunicorn.unix import unpatched
from gunicorn.unix.process import set_process_title
from gunicorn.unix.unpatched import Socket

from .errors import DirtyError
from .messages import MessageEnd, Messages
from .ray_cluster import Cluster
from .ray_door import Door
from .ray_place import BOOT_ERROR, PING_EVERY, RayPlace
from .ray_share import Share
from .relay import Relay

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gunicorn._types import Value

__all__ = ["Gateway", "main"]

LOOK_SECONDS = PING_EVERY / 4


class Gateway:
    """`messages`: to and from the pool."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages
        self._cluster = Cluster()
        self._door: Door | None = None
        self._share: Share | None = None
        self._relays: set[Relay] = set()
        self._places: dict[int, RayPlace] = {}
        # By the descriptors of their control channels.
        self._controls: dict[int, RayPlace] = {}
        self._waits = unpatched.select.poll()
        # Those of them at which something is to be heard.
        self._watched: set[int] = set()

    def run(self) -> int:
        """Serve until the pool ends; the status of the process."""
        try:
            first, _ = self._messages.receive()
            _, about = first
            set_process_title(f"ray gateway [{about['name']}]")
            self._cluster.connect(about["address"], about["name"])
            problem = self._open_door() if about["direct"] else ""
            if about["shared"]:
                self._share_pool(about["shared"], problem)
        except DirtyError as error:
            self._messages.send("log", "error", 0, error.message)
            return BOOT_ERROR
        except MessageEnd:
            return 0
        self._waits.register(self._messages.fileno(), unpatched.select.POLLIN)
        try:
            while True:
                self._turn()
        except MessageEnd:
            return 0

    def _open_door(self) -> str:
        """Why there is none; empty: there is one."""
        host, problem = self._cluster.own_address, ""
        if os.environ.get("RAY_USE_TLS", "0").lower() in _YES:
            problem = "Ray uses TLS (RAY_USE_TLS), and this would not"
        else:
            try:
                self._door = Door(host, self._take_caller)
            except OSError as error:
                problem = f"no port at {host}: {error.strerror}"
        if self._door is not None:
            self._door.open()
        said = f"come to {self._door.name}" if self._door is not None else f"are called through Ray: {problem}"
        self._messages.send("log", "info", 0, f"actors on other nodes {said}")
        return problem

    def _share_pool(self, name: str, problem: str) -> None:
        """Raises DirtyError."""
        if self._door is None:
            raise DirtyError(f"dirty_ray_pool: a pool is shared by connections, and there are none: {problem}")
        self._share = Share(name, self._door.address, self._cluster, self._on_role)
        self._share.begin()

    def _on_role(self, *said: object) -> None:
        """The pool is led elsewhere than before: who has asked there has no answer any more."""
        self._messages.send(*said)
        for relay in list(self._relays):
            relay.end()

    def _relay(self, said: list[Value], passed: list[int]) -> None:
        for fd in passed:
            unpatched.start_new_thread(self._bring, (Socket(fileno=fd),))

    def _bring(self, caller: Socket) -> None:
        """Have a caller speak to the pool where that is led. In a thread of its own."""
        caller.setblocking(True)
        way = self._share.way if self._share is not None else None
        if way is None:
            # Here, by now.
            caller.close()
            return
        try:
            relay = Relay(caller, way)
        except OSError as error:
            caller.close()
            self._messages.send("log", "error", 0, f"the pool is not to be reached at {way.name}: {error}")
            return
        self._relays.add(relay)
        try:
            relay.run()
        finally:
            self._relays.discard(relay)

    def _take_caller(self, sock: socket.socket) -> None:
        self._messages.send("caller", passed=[sock.fileno()])

    def _turn(self) -> None:
        for fd, _ in self._waits.poll(LOOK_SECONDS * 1000):
            if fd == self._messages.fileno():
                order, passed = self._messages.receive()
                _ORDERS[order[0]](self, order[1:], passed)
                continue
            place = self._controls[fd]
            if place.is_handed_over:
                # Its actor reads there.
                self._ignore(fd)
            elif not place.hear():
                self._forget(place)
        now = time.monotonic()
        for place in list(self._places.values()):
            if place.is_handed_over and place.is_over:
                self._forget(place)
            place.look(now)

    def _forget(self, place: RayPlace) -> None:
        fd = place.control.fileno()
        self._ignore(fd)
        del self._places[place.id], self._controls[fd]
        place.control.close()
        if not place.is_over:
            # The pool is not there any more for this one.
            unpatched.start_new_thread(place.over, (0,))

    def _ignore(self, fd: int) -> None:
        if fd in self._watched:
            self._watched.remove(fd)
            self._waits.unregister(fd)

    def _begin(self, said: list[Value], passed: list[int]) -> None:
        id, order = said
        channel, control = (Socket(fileno=fd) for fd in passed)
        place = RayPlace(id, order, channel, control, self._cluster, self._door, self._messages.send)
        self._places[id] = self._controls[control.fileno()] = place
        self._watched.add(control.fileno())
        self._waits.register(control.fileno(), unpatched.select.POLLIN)
        unpatched.start_new_thread(place.boot, ())

    def _kill(self, said: list[Value], passed: list[int]) -> None:
        id, number = said
        place = self._places.get(id)
        if place is not None:
            unpatched.start_new_thread(place.kill, (number,))


_YES = ("1", "true")
_ORDERS: dict[str, Callable[[Gateway, list[Value], list[int]], None]] = {
    "begin": Gateway._begin, "kill": Gateway._kill, "relay": Gateway._relay,
}


def main() -> int:
    """Run until the pool closes the socket; the exit status."""
    # Before there is a thread, so that none of Ray's takes one: the end comes from the pool alone.
    signal.pthread_sigmask(signal.SIG_BLOCK, [
        signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGTTIN, signal.SIGTTOU, signal.SIGUSR1,
        signal.SIGUSR2, signal.SIGWINCH,
    ])
    status = Gateway(Messages(Socket(fileno=0))).run()
    sys.stdout.flush()
    sys.stderr.flush()
    # Ray would say farewell to each of its processes; what the pool wanted to end in good order has ended.
    os._exit(status)


if __name__ == "__main__":
    main()
