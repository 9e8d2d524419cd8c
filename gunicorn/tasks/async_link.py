"""A connection to the pool, for the coroutines of one event loop.

The loop watches a socket that never waits. Another loop, or a child that was forked, gets a connection of its own.
"""

from __future__ import annotations

import asyncio
import os
import socket
import weakref
from collections import deque

from ._octets import head
from .addresses import open_socket, way_to
from .errors import DirtyConnectionError, DirtyTimeoutError
from .frames import CANCEL, MORE, PASSED, TAKES_PASSED
from .passing import ROOM, Passed
from .replies import Replies, Reply
from .sending import payload_to_send

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future
    from collections.abc import Callable


__all__ = ["AsyncLink", "AsyncReply", "shared_link"]


class AsyncReply(Reply):
    """What a coroutine waits for."""

    __slots__ = ("future",)

    def __init__(self, number: int, age: int) -> None:
        super().__init__(number, age)
        self.future: Future[None] | None = None

    def ring(self) -> bool:
        """Have the coroutine go on, if one waits; whether that is so."""
        if self.future is None or self.future.done():
            return False
        self.future.set_result(None)
        return True


class AsyncLink:
    """The connection to `path`, which may be a door (`addresses.py`). Its methods raise DirtyConnectionError and
    DirtyTimeoutError."""

    def __init__(self, path: str) -> None:
        self._way = way_to(path)
        self._sock: socket.socket | None = None
        self._loop: AbstractEventLoop | None = None
        self._pid = 0
        self._replies = Replies()
        # What the kernel has not taken yet.
        self._unsent: deque[tuple[memoryview, Passed | None]] = deque()

    async def connect(self) -> None:
        """Connect, where that is not done yet in this process and loop."""
        loop = asyncio.get_running_loop()
        if self._sock is not None and self._loop is loop and self._pid == os.getpid():
            return
        self.close()
        sock = open_socket(self._way)
        sock.setblocking(False)
        try:
            # One that is full says so at once.
            await loop.sock_connect(sock, self._way.where)
            if self._way.greeting:
                await loop.sock_sendall(sock, self._way.greeting)
        except OSError as error:
            sock.close()
            raise DirtyConnectionError(f"Failed to connect to dirty arbiter: {error}", self._way.name) from error
        if self._sock is not None:
            # Another coroutine was faster.
            sock.close()
            return
        self._sock, self._loop, self._pid = sock, loop, os.getpid()
        me = weakref.WeakMethod(self._readable)
        loop.add_reader(sock.fileno(), _call, me)

    def close(self) -> None:
        """Disconnect. Calls that are under way are lost."""
        sock, self._sock = self._sock, None
        self._unsent.clear()
        if sock is not None:
            if self._pid == os.getpid() and self._loop is not None and not self._loop.is_closed():
                self._loop.remove_reader(sock.fileno())
                self._loop.remove_writer(sock.fileno())
            sock.close()
        self._replies.drop()

    def __del__(self) -> None:
        if getattr(self, "_sock", None) is not None:
            self.close()

    # Calls.

    async def ask(self, kind: int, target: bytes, payload: bytes, marks: int, timeout: float | None) -> AsyncReply:
        """Send a call; where its answer will be found."""
        await self.connect()
        reply = self._registered(self._replies.next_number())
        inline, passed = payload_to_send(payload, passes=self._way.is_local)
        marks |= (TAKES_PASSED if self._way.is_local else 0) | (PASSED if passed is not None else 0)
        length = len(target) + len(inline)
        octets = head(kind, reply.number, length, marks, len(target), timeout or 0.0) + target
        if not self._send(octets, inline, passed):
            # The old pool has ended and taken nothing: there may be a new one.
            await self.connect()
            reply = self._registered(reply.number)
            if not self._send(octets, inline, passed):
                raise DirtyConnectionError("The connection is lost", self._way.name)
        return reply

    def _registered(self, number: int) -> AsyncReply:
        reply = AsyncReply(number, self._replies.age)
        self._replies.add(reply)
        return reply

    async def wait(self, reply: AsyncReply, timeout: float | None) -> tuple[int, bytes]:
        """The next thing that comes for a call: its kind and payload. Behind the last one it is forgotten."""
        if not reply.inbox:
            await self._sleep(reply, timeout)
        found = self._replies.take(reply)
        if found is not None:
            return found
        if reply.age != self._replies.age:
            raise DirtyConnectionError("The connection is lost: the call may have run", self._way.name)
        self.cancel(reply)
        raise DirtyTimeoutError(f"Timeout waiting for response after {timeout:g} s", timeout)

    async def _sleep(self, reply: AsyncReply, timeout: float | None) -> None:
        if reply.age != self._replies.age:
            return
        loop = asyncio.get_running_loop()
        reply.future = loop.create_future()
        alarm = None if timeout is None else loop.call_later(timeout, reply.ring)
        try:
            await reply.future
        except BaseException:
            # The task was cancelled: so is the call.
            self.cancel(reply)
            raise
        finally:
            reply.future = None
            if alarm is not None:
                alarm.cancel()

    def more(self, reply: AsyncReply, items: int) -> None:
        """There is room for items more."""
        if reply.age == self._replies.age:
            self._send(head(MORE, reply.number, amount=float(items)), b"")

    def cancel(self, reply: AsyncReply) -> None:
        """The answer is not waited for any more."""
        if self.forget(reply) and reply.age == self._replies.age and self._pid == os.getpid():
            self._send(head(CANCEL, reply.number), b"")

    def forget(self, reply: AsyncReply) -> bool:
        """Whatever comes for it is not looked at; whether something could still have come."""
        return self._replies.forget(reply)

    # The socket.

    def _send(self, begin: bytes, payload: bytes, passed: Passed | None = None) -> bool:
        """Send now what there is room for, and the rest when there is; False when the connection is gone."""
        sock = self._sock
        if sock is None:
            return False
        was_waiting = bool(self._unsent)
        self._unsent.append((memoryview(begin), passed))
        if payload:
            self._unsent.append((memoryview(payload), None))
        if was_waiting:
            return True
        if not self._flush(sock):
            self.close()
            return False
        if self._unsent and self._loop is not None:
            self._loop.add_writer(sock.fileno(), _call, weakref.WeakMethod(self._writable))
        return True

    def _flush(self, sock: socket.socket) -> bool:
        while self._unsent:
            first, passed = self._unsent[0]
            try:
                sent = sock.send(first) if passed is None else sock.sendmsg([first], passed.rights())
            except (BlockingIOError, InterruptedError):
                return True
            except OSError:
                return False
            if sent < len(first):
                self._unsent[0] = first[sent:], None
                return True
            self._unsent.popleft()
        return True

    def _writable(self) -> None:
        sock = self._sock
        if sock is None or self._loop is None:
            return
        if not self._flush(sock):
            self.close()
        elif not self._unsent:
            self._loop.remove_writer(sock.fileno())

    def _readable(self) -> None:
        sock = self._sock
        if sock is None:
            return
        try:
            octets, messages, _, _ = sock.recvmsg(self._replies.wanted(), ROOM)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            octets, messages = b"", []
        if not self._replies.receive(octets, messages):
            self.close()


def _call(method: weakref.WeakMethod[Callable[[], None]]) -> None:
    """Have the loop hold no link: one that nobody uses any more is closed."""
    bound = method()
    if bound is not None:
        bound()


_shared: weakref.WeakKeyDictionary[AbstractEventLoop, dict[str, AsyncLink]] = weakref.WeakKeyDictionary()


def shared_link(path: str) -> AsyncLink:
    """The link to `path` that all clients of the running loop have in common."""
    links = _shared.setdefault(asyncio.get_running_loop(), {})
    link = links.get(path)
    if link is None:
        link = links[path] = AsyncLink(path)
    return link
