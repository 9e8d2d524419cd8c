"""Failing system calls for one client of a real server, and counted ones: `faults.c`, built once and preloaded."""

from __future__ import annotations

import errno
import functools
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("faults.c")
#: The kinds of calls, numbered as in `faults.c`.
CALLS = {"recv": 1, "send": 2, "sendfile": 3, "epoll_add": 4, "shutdown": 5, "setsockopt": 6, "accept": 7, "dup": 8,
         "close": 9}
EVERY_TIME = 255
#: From where a client connects whose calls are counted, and the variable with the path where the counts are told.
COUNTED = "127.100.0.1"
COUNTS_PATH = "COUNTED_CALLS"


@functools.cache
def library() -> str:
    """The path of the library; skips the test where it cannot be built."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler to build the library that makes system calls fail")
    built = Path(tempfile.mkdtemp(prefix="faults-"), "faults.so")
    done = subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-o", str(built), str(SOURCE), "-ldl"], capture_output=True, text=True,
    )
    assert done.returncode == 0, done.stderr
    return str(built)


def address_of(call: str, error: str, nth: int) -> str:
    """From where a client connects whose `nth` call of this kind is to fail with this error."""
    return f"127.{CALLS[call]}.{getattr(errno, error)}.{nth}"


def counts(path: Path) -> list[dict[str, int]]:
    """The calls on each connection from `COUNTED` that was closed; those that were not made are left out."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [
        {call: int(number) for call, number in zip(CALLS, line.split(), strict=True) if number != "0"} for line in lines
    ]


def connect(server: tuple[str, int], source: str) -> socket.socket:
    """A client from that address."""
    client = socket.socket()
    client.settimeout(20)
    client.bind((source, 0))
    client.connect(server)
    return client
