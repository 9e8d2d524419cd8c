"""Clients that do anything a socket can do, at random: no worker type loses its worker, a thread or a descriptor.

Each client sends a specimen, whole, bent or garbage, in one piece, in octets or split anywhere, reads or does not, and
ends by a reset, a half-close, a close or the end of its TLS. For some a system call of the server fails. The seed is
fixed: FUZZ_CLIENTS and FUZZ_SEED in the environment ask for more, or for others.
"""

from __future__ import annotations

import contextlib
import os
import random
import socket
import ssl
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.asgi import test_one_connection
from tests.support import faults, frames
from tests.support.proxies import need
from tests.support.wait import wait_until
from tests.tls.conftest import Authority
from tests.workers.crew import (
    APP,
    BAD,
    BIG,
    BODY,
    CHUNKS,
    CLOSING,
    EXPECTING,
    FILE,
    HELLO,
    Crew,
    ending_anyhow,
)
from tests.workers.kinds import KINDS

CLIENTS = int(os.environ.get("FUZZ_CLIENTS", "120"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
SPECIMENS = [HELLO, CLOSING, BODY, CHUNKS, EXPECTING, EXPECTING + b"hello", BIG, FILE, BAD, HELLO * 5, CHUNKS * 3,
             b"HEAD / HTTP/1.0\r\n\r\n", b"GET /raise HTTP/1.1\r\nHost: a\r\n\r\n",
             b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
             frames.handshake(), frames.handshake() + frames.frame(frames.TEXT, b"hello") + frames.close(),
             frames.handshake() + frames.frame(frames.TEXT, b"flood"), frames.handshake() + frames.frame(9, b"x") * 20]
#: The asgi worker with an application that is one of ASGI.
ASGI = "asgi application"
#: Seconds; a client that waits longer for an answer goes on with what it does next.
IMPATIENCE = 0.05


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need("openssl")
    return Authority(tmp_path_factory.mktemp("certificates")).issue("server", "localhost")


def bent(chance: random.Random, octets: bytes) -> bytes:
    """The specimen as it is, or with something wrong in it."""
    if chance.random() < 0.6:
        return octets
    place = chance.randrange(len(octets) + 1)
    wrong = chance.choice([b"\0", b"\r", b"\n", b" ", b":", b"\xff", b"%", chance.randbytes(9)])
    return octets[:place] + wrong + octets[place + chance.randrange(3):]


def pieces(chance: random.Random, octets: bytes) -> list[bytes]:
    """The octets in one piece, one by one, or cut somewhere."""
    how = chance.random()
    if how < 0.4:
        return [octets]
    if how < 0.6 and len(octets) < 300:
        return [octets[at:at + 1] for at in range(len(octets))]
    cuts = sorted(chance.randrange(len(octets) + 1) for _ in range(chance.randrange(1, 5)))
    return [octets[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(octets)], strict=True)]


def misbehave(chance: random.Random, crew: Crew) -> None:
    """One client, from its connection to its end."""
    source = "127.0.0.1"
    if chance.random() < 0.4:
        call = chance.choice(["recv", "send", "sendfile", "epoll_add", "shutdown", "setsockopt", "dup", "close"])
        source = faults.address_of(call, chance.choice(["EIO", "ENOMEM", "ENOBUFS"]), chance.choice([1, 2, 3, 255]))
    client = faults.connect(crew.server.address, source)
    try:
        client.settimeout(IMPATIENCE)
        if crew.context is not None and chance.random() < 0.8:
            client.settimeout(5)
            client = crew.context.wrap_socket(client)
            client.settimeout(IMPATIENCE)
        for piece in pieces(chance, bent(chance, chance.choice(SPECIMENS))):
            client.sendall(piece)
        how = chance.randrange(6)
        if how < 3:
            client.recv(chance.choice([1, 1000, 1 << 20]))
        if how == 1:
            client.shutdown(socket.SHUT_WR)
            client.recv(1 << 20)
        if how == 4 and isinstance(client, ssl.SSLSocket):
            client.unwrap()
        if how == 5:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    finally:
        client.close()


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("kind", [*KINDS, ASGI])
def test_clients_at_random(kind: str, tls: bool, certificate: Path, tmp_path: Path) -> None:
    name, app = ("asgi", test_one_connection.APP) if kind == ASGI else (kind, APP)
    crew = Crew(tmp_path / "server", name, certificate if tls else None, app)
    try:
        crew.is_well()
        threads, descriptors = crew.threads(), crew.descriptors()
        chance = random.Random(f"{SEED} {kind} {tls}")
        # In a thread of their own: what OpenSSL keeps of an error is a thread's, and the witness must not be given it
        # (seen with OpenSSL 3.6).
        with ThreadPoolExecutor(1) as unlucky:
            for number in range(CLIENTS):
                with contextlib.suppress(TimeoutError), ending_anyhow():
                    unlucky.submit(misbehave, chance, crew).result()
                if number % 40 == 39:
                    crew.is_well()
        crew.is_well()
        assert crew.threads() >= threads
        wait_until(lambda: crew.descriptors() <= descriptors + 3, what=lambda: f"{crew.descriptors()} descriptors: few")
    finally:
        crew.end()
