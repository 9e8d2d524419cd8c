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
            if about["direct"]:
                self._open_door()
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

    def _open_door(self) -> None:
        if os.environ.get("RAY_USE_TLS", "0").lower() in _YES:
            # What goes through Ray is encrypted there, and would not be here.
            return
        try:
            self._door = Door(self._cluster.own_address, self._take_caller)
        except OSError as error:
            text = f"actors on other nodes are called through Ray: no port at {self._cluster.own_address}: {error}"
            self._messages.send("log", "info", 0, text)
        else:
            self._door.open()
            self._messages.send("log", "info", 0, f"actors on other nodes come to {self._door.name}")

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
    "begin": Gateway._begin, "kill": Gateway._kill,
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
