"""A connection to the pool, for threads and greenlets.

Whoever waits for an answer and finds nobody reading reads for all: what comes for others is put where they find it, and
they are woken. When it has its own answer, one of the others reads on.
"""

from __future__ import annotations

import socket
import threading
from os import getpid
from time import monotonic

from ._channel import Receiver
from ._octets import head
from .addresses import connected, way_to
from .errors import DirtyConnectionError, DirtyTimeoutError
from .frames import CANCEL, MORE, TAKES_PASSED
from .replies import Replies, Reply
from .sending import send_all, send_frame

__all__ = ["Link", "ThreadReply"]


class ThreadReply(Reply):
    """What a thread waits for."""

    __slots__ = ("bell", "is_awaited")

    def wait_with(self, number: int, age: int) -> None:
        """Make a new one ready."""
        self.begin(number, age)
        self.bell: threading.Event | None = None
        # Whether a thread sleeps, or is about to.
        self.is_awaited = False

    def ring(self) -> bool:
        """Wake the thread, if one sleeps; whether that is so."""
        if self.bell is not None and self.is_awaited:
            self.bell.set()
            return True
        return False


class Link:
    """The connection to `path`, which may be a door (`addresses.py`). Every method may be called by any thread.
    Raise DirtyConnectionError and DirtyTimeoutError."""

    __slots__ = ("_marks", "_pid", "_reading", "_receiver", "_replies", "_sending", "_sock", "_timeout", "_way")

    def __init__(self, path: str) -> None:
        self._way = way_to(path)
        # Of all that is asked there.
        self._marks = TAKES_PASSED if self._way.is_local else 0
        self._sock: socket.socket | None = None
        # Sockets that a library has put in the place of the standard ones have none, and wait for octets alone.
        self._receiver: Receiver | None = None
        # Of the last call that was sent.
        self._timeout: float | None = None
        self._pid = 0
        self._replies = Replies()
        # Held to send, and to connect.
        self._sending = threading.Lock()
        # Held by the one that reads.
        self._reading = threading.Lock()

    def connect(self) -> None:
        """Connect, where that is not done yet in this process."""
        if self._pid != getpid():
            self._begin_anew()
        with self._sending:
            self._connected(None)

    def _begin_anew(self) -> None:
        """In a child: connection, locks and what others wait for are the parent's."""
        sock, self._sock = self._sock, None
        if sock is not None:
            sock.close()
        self._pid = getpid()
        self._sending, self._reading = threading.Lock(), threading.Lock()
        self._replies.drop()

    def _connected(self, timeout: float | None) -> socket.socket:
        if self._sock is None:
            try:
                sock = connected(self._way, timeout)
            except OSError as error:
                raise DirtyConnectionError(f"Failed to connect to dirty arbiter: {error}", self._way.name) from error
            self._sock, self._receiver = sock, None
            if type(sock).__module__ == "socket":
                # How long is said to the kernel, or asked of the poller where the kernel takes nothing.
                sock.settimeout(None)
                self._receiver = Receiver(sock)
            self._replies.drop()
        return self._sock

    def close(self) -> None:
        """Disconnect. Calls that are under way are lost."""
        with self._sending:
            sock, self._sock = self._sock, None
            if sock is not None:
                if self._pid == getpid():
                    # Whoever reads in it wakes.
                    _shut(sock)
                sock.close()
            self._replies.drop()

    def __del__(self) -> None:
        # Who has forgotten its client keeps no connection.
        sock = getattr(self, "_sock", None)
        if sock is not None:
            sock.close()

    # Calls.

    def ask(self, kind: int, target: bytes, payload: bytes, marks: int, timeout: float | None) -> ThreadReply:
        """Send a call; where its answer will be found."""
        if self._pid != getpid():
            self._begin_anew()
        # What `with` does makes two methods each time.
        self._sending.acquire()
        try:
            self._timeout = timeout
            for is_last in (False, True):
                is_new = self._sock is None
                sock = self._connected(timeout)
                try:
                    return self._send(sock, kind, target, payload, marks, timeout)
                except TimeoutError:
                    self._lose(sock)
                    raise DirtyTimeoutError("The pool takes no calls", timeout) from None
                except OSError as error:
                    # What was not taken as a whole is not run: where the old pool has ended there may be a new one.
                    self._lose(sock)
                    if is_last or is_new:
                        raise DirtyConnectionError(f"The connection is lost: {error}", self._way.name) from error
        finally:
            self._sending.release()
        raise AssertionError

    def _send(
        self, sock: socket.socket, kind: int, target: bytes, payload: bytes, marks: int, timeout: float | None
    ) -> ThreadReply:
        """Send a call, by a connection that is there; where its answer will be found. Raises OSError."""
        reply = ThreadReply.__new__(ThreadReply)
        reply.wait_with(self._replies.next_number(), self._replies.age)
        self._replies.add(reply)
        if self._receiver is not None:
            about = kind, reply.number, marks | self._marks, timeout or 0.0
            send_frame(sock, about, target, payload, timeout)
        else:
            length = len(target) + len(payload)
            sock.sendall(head(kind, reply.number, length, marks, len(target), timeout or 0.0) + target)
            sock.sendall(payload)
        return reply

    def request(
        self, kind: int, target: bytes, payload: bytes, timeout: float | None
    ) -> tuple[int, bytes]:
        """Send a call, and wait for the one thing that comes of it: its kind and payload."""
        return self.wait(self.ask(kind, target, payload, 0, timeout), timeout)

    def wait(self, reply: ThreadReply, timeout: float | None) -> tuple[int, bytes]:
        """The next thing that comes for a call: its kind and payload. Behind the last one it is forgotten."""
        until = None if timeout is None else monotonic() + timeout
        left = timeout
        while True:
            found = self._replies.take(reply)
            if found is not None:
                return found
            if reply.age != self._replies.age:
                raise DirtyConnectionError("The connection is lost: the call may have run", self._way.name)
            if left is not None and left <= 0:
                self.cancel(reply)
                raise DirtyTimeoutError(f"Timeout waiting for response after {timeout:g} s", timeout)
            try:
                self._read_or_sleep(reply, left, timeout)
            except BaseException:
                # The thread or greenlet was interrupted: so is the call.
                self.cancel(reply)
                raise
            left = None if until is None else until - monotonic()

    def _read_or_sleep(self, reply: ThreadReply, left: float | None, timeout: float | None) -> None:
        if self._reading.acquire(False):
            try:
                if not reply.inbox and reply.age == self._replies.age:
                    self._read(left, timeout)
            finally:
                self._reading.release()
                # Somebody else may read now.
                self._replies.wake_another(reply)
            return
        reply.bell = reply.bell or threading.Event()
        reply.is_awaited = True
        if not reply.inbox and reply.age == self._replies.age and self._reading.locked():
            # A reader that has just ended rings once more than is needed, and never too seldom.
            reply.bell.wait(min(left, 1.0) if left is not None else 1.0)
        reply.is_awaited = False
        reply.bell.clear()

    def _read(self, left: float | None, timeout: float | None) -> None:
        sock = self._sock
        if sock is None:
            return
        # To say how long costs a system call: not for a twentieth of a second.
        wanted = left if left is None or timeout is None or left < timeout - 0.05 else timeout
        try:
            found = self._received(sock, wanted)
        except TimeoutError:
            return
        except OSError:
            # The connection is lost.
            found = b"", None
        if found is None:
            return
        octets, messages = found
        if not self._replies.receive(octets, messages):
            with self._sending:
                self._lose(sock)

    def _received(
        self, sock: socket.socket, seconds: float | None
    ) -> tuple[bytes, list[tuple[int, int, bytes]] | None] | None:
        """What has come, as `Receiver.receive` tells it, in so many seconds. Raises TimeoutError and other OSErrors."""
        if self._receiver is not None:
            return self._receiver.receive(self._replies.wanted(), seconds)
        if sock.gettimeout() != seconds:
            sock.settimeout(seconds)
        return sock.recv(self._replies.wanted()), None

    def _lose(self, sock: socket.socket) -> None:
        if self._sock is sock:
            self._sock = None
            sock.close()
            self._replies.drop()

    # About calls that are under way.

    def more(self, reply: ThreadReply, items: int) -> None:
        """There is room for items more."""
        self._tell(reply, head(MORE, reply.number, amount=float(items)))

    def cancel(self, reply: ThreadReply) -> None:
        """The answer is not waited for any more."""
        if self.forget(reply):
            self._tell(reply, head(CANCEL, reply.number))

    def forget(self, reply: ThreadReply) -> bool:
        """Whatever comes for it is not looked at; whether something could still have come."""
        return self._replies.forget(reply)

    def _tell(self, reply: ThreadReply, octets: bytes) -> None:
        with self._sending:
            sock = self._sock
            if sock is None or reply.age != self._replies.age or self._pid != getpid():
                return
            try:
                if self._receiver is not None:
                    send_all(sock, octets, self._timeout)
                else:
                    sock.sendall(octets)
            except OSError:
                # Seen by the next one that waits.
                return


def _shut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        # The other end was faster.
        return
