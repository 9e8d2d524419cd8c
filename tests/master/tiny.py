"""The smallest worker that serves: enough to test the master without an engine."""

from __future__ import annotations

import os
import select
import socket
from typing import Any

from gunicorn.workers.base import Worker
from tests.support.wait import PATIENCE


class TinyWorker(Worker):
    """Answers one request a connection. Calls the application with PATH_INFO only."""

    def run(self) -> None:
        reader, writer = os.pipe()
        for fd in (reader, writer):
            os.set_blocking(fd, False)
        self.wakeup_fd = writer
        self.init_signals()
        listeners: list[Any] = [listener.sock for listener in self.sockets]
        while self.alive and self.ppid == os.getppid():
            self.notify()
            ready = select.select([*listeners, reader], [], [], min(self.timeout or 1.0, 1.0))[0]
            for listener in ready:
                if listener is not reader:
                    self.serve(listener)

    def serve(self, listener: socket.socket) -> None:
        try:
            peer, _ = listener.accept()
        except BlockingIOError:
            return
        with peer:
            peer.settimeout(PATIENCE)
            path = peer.recv(4096).split(b" ")[1].decode()
            status, body = self.answer(path)
            head = b"HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (status, len(body))
            peer.sendall(head + body)
        self.nr += 1
        if self.nr >= self.max_requests:
            self.recycle()

    def answer(self, path: str) -> tuple[bytes, bytes]:
        seen: list[str] = []

        def start_response(status: str, headers: Any) -> None:
            seen.append(status)

        environ = {"PATH_INFO": path, "REQUEST_METHOD": "GET"}
        body = b"".join(self.wsgi(environ, start_response))
        return seen[0].encode(), body
