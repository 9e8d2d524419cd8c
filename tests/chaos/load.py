"""Steady load against one server: ``python load.py HOST PORT RATE SECONDS [tls]``.

An empty line is written when it begins, a JSON object at the end.

Clients keep their connections and pace themselves. A request is *lost* when it got no whole answer on a connection of
its own, or an answer that broke off, or a status of 500 and above. It is *repeated* when a kept-alive connection was
closed before an octet of the answer came: any client does that (RFC 9110 section 9.2.2), so it is counted apart.
"""

from __future__ import annotations

import itertools
import json
import socket
import ssl
import sys
import threading
import time

CLIENTS = 8
PATIENCE = 60.0


class Client:
    """One paced client."""

    def __init__(self, address: tuple[str, int], interval: float, tls: ssl.SSLContext | None) -> None:
        self.address = address
        self.interval = interval
        self.tls = tls
        self.answered = self.repeated = 0
        self.lost: list[str] = []
        self.latencies: list[float] = []
        self.moments: list[float] = []
        self.connection: socket.socket | None = None

    def run(self, end: float) -> None:
        due = time.monotonic()
        while (now := time.monotonic()) < end:
            if due > now:
                time.sleep(due - now)
            # Who was held up does not make up for it by a burst.
            due = max(due + self.interval, time.monotonic() - 10 * self.interval)
            began = time.monotonic()
            problem = self.ask()
            now = time.monotonic()
            if problem is None:
                self.answered += 1
                self.latencies.append(now - began)
                self.moments.append(now)
            else:
                self.lost.append(problem)
                self.drop()

    def drop(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def connect(self) -> socket.socket:
        plain = socket.create_connection(self.address, PATIENCE)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.tls is None:
            return plain
        return self.tls.wrap_socket(plain, server_hostname="localhost")

    def ask(self) -> str | None:
        """One request; what went wrong, None when nothing did."""
        kept = self.connection is not None
        try:
            data = self.exchange()
        except OSError as error:
            data, problem = b"", type(error).__name__
        else:
            problem = "no answer"
        if not data and kept:
            self.drop()
            self.repeated += 1
            try:
                data = self.exchange()
            except OSError as error:
                return type(error).__name__
        if not data:
            return problem
        head, _, body = data.partition(b"\r\n\r\n")
        status = int(head[9:12])
        if len(body) != length_of(head):
            return "broken off"
        if b"connection: close" in head.lower():
            self.drop()
        return None if status < 500 else str(status)

    def exchange(self) -> bytes:
        if self.connection is None:
            self.connection = self.connect()
        self.connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        data = b""
        while True:
            head, blank, body = data.partition(b"\r\n\r\n")
            if blank and len(body) >= length_of(head):
                return data
            try:
                piece = self.connection.recv(65536)
            except OSError:
                if not data:
                    raise
                return data
            if not piece:
                return data
            data += piece


def length_of(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return int(line[15:])
    return -1


def main() -> None:
    host, port, rate, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
    context = None
    if "tls" in sys.argv:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    end = time.monotonic() + seconds
    clients = [Client((host, port), CLIENTS / rate, context) for _ in range(CLIENTS)]
    threads = [threading.Thread(target=client.run, args=(end,)) for client in clients]
    print(flush=True)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    moments = sorted(moment for client in clients for moment in client.moments)
    latencies = sorted(latency for client in clients for latency in client.latencies)
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    lost: dict[str, int] = {}
    for client in clients:
        for problem in client.lost:
            lost[problem] = lost.get(problem, 0) + 1
    print(json.dumps({
        "answered": len(moments),
        "repeated": sum(client.repeated for client in clients),
        "lost": lost,
        "longest_gap": round(max(gaps, default=seconds), 3),
        "p99_ms": round(1000 * latencies[int(len(latencies) * 0.99)], 3) if latencies else None,
        "rate": round(len(moments) / seconds),
    }))


if __name__ == "__main__":
    main()
