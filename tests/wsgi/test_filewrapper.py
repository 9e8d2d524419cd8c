"""`wsgi.file_wrapper`: what is sent is what `read` gives, whoever reads it."""

# ruff: noqa: SIM115  # the files are the server's to close

from __future__ import annotations

import gzip
import io
import os
import socket
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gunicorn.wsgi.filewrapper import FileWrapper, file_region
from tests.wsgi.test_gateway import request, serve

CONTENT = bytes(range(256)) * 40


class Upper(io.BufferedReader):
    def read(self, size: int | None = -1) -> bytes:
        return super().read(size).upper()


class RawUpper(io.FileIO):
    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer)) or b""
        buffer[: len(data)] = data.upper()
        return len(data)


class Opened:
    """Has the descriptor of a file, and other content."""

    def __init__(self, path: Path) -> None:
        self.file = open(path, "rb")

    def fileno(self) -> int:
        return self.file.fileno()

    def tell(self) -> int:
        return self.file.tell()

    def read(self, size: int = -1) -> bytes:
        return self.file.read(size)[::-1]

    def close(self) -> None:
        self.file.close()


def at(file: Any, position: int) -> Any:
    file.seek(position)
    return file


def piped(content: bytes) -> Any:
    reading, writing = os.pipe()

    def write() -> None:
        with open(writing, "wb") as file:
            file.write(content)

    threading.Thread(target=write).start()
    return open(reading, "rb")


def connected(content: bytes) -> Any:
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.sendall(content)
    with ours:
        return ours.makefile("rb")


def zipped(path: Path) -> Any:
    with gzip.open(path.with_suffix(".gz"), "wb") as file:
        file.write(CONTENT)
    return gzip.open(path.with_suffix(".gz"))


def written_through(path: Path) -> Any:
    file = open(path, "r+b")
    file.write(b"new")
    file.seek(1)
    file.write(b"E")
    return at(file, 0)


def unflushed(path: Path) -> Any:
    file = open(path, "r+b")
    file.seek(0, 2)
    file.write(b"more")
    return file


def shadowed(path: Path) -> Any:
    file: Any = open(path, "rb")
    parts = [b"some", b"thing", b""]
    file.read = lambda size: parts.pop(0)
    return file


def temporary(path: Path) -> Any:
    file = tempfile.NamedTemporaryFile()
    file.write(CONTENT)
    return at(file, 4)


def half_read(path: Path) -> Any:
    file = open(path, "rb")
    assert file.read(10) == CONTENT[:10]
    return file


Make = Callable[[Path], Any]
#: What is wrapped, what `read` gives of it, and whether the kernel may send it.
FILES: dict[str, tuple[Make, bytes, bool]] = {
    "plain": (lambda path: open(path, "rb"), CONTENT, True),
    "unbuffered": (lambda path: open(path, "rb", buffering=0), CONTENT, True),
    "at a position": (lambda path: at(open(path, "rb"), 300), CONTENT[300:], True),
    "half read": (half_read, CONTENT[10:], True),
    "at the end": (lambda path: at(open(path, "rb"), len(CONTENT)), b"", True),
    "behind the end": (lambda path: at(open(path, "rb"), len(CONTENT) + 9), b"", True),
    "for update": (lambda path: open(path, "r+b"), CONTENT, True),
    "written to": (written_through, b"nEw" + CONTENT[3:], True),
    "not flushed": (unflushed, b"", True),
    "temporary": (temporary, CONTENT[4:], True),
    "unnamed": (lambda path: at(_filled(tempfile.TemporaryFile()), 1), CONTENT[1:], True),
    "gzip": (zipped, CONTENT, False),
    "memory": (lambda path: io.BytesIO(CONTENT), CONTENT, False),
    "spooled": (lambda path: at(_filled(tempfile.SpooledTemporaryFile(100)), 2), CONTENT[2:], False),
    "pipe": (lambda path: piped(CONTENT), CONTENT, False),
    "socket": (lambda path: connected(CONTENT), CONTENT, False),
    "/proc": (lambda path: open("/proc/version", "rb"), Path("/proc/version").read_bytes(), False),
    "/sys": (lambda path: open("/sys/kernel/mm/transparent_hugepage/enabled", "rb"), b"", False),
    "subclass": (lambda path: Upper(io.FileIO(path)), CONTENT.upper(), False),
    "raw subclass": (lambda path: io.BufferedReader(RawUpper(path)), CONTENT.upper(), False),
    "another's descriptor": (Opened, b"", False),
    "read replaced": (shadowed, b"something", False),
    "hole": (lambda path: _hole(path), bytes(100_000), False),
}


def _filled(file: Any) -> Any:
    file.write(CONTENT)
    return file


def _hole(path: Path) -> Any:
    file = open(path, "w+b")
    file.truncate(100_000)
    return file


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("length", ["own", "none", "less"])
@pytest.mark.parametrize("name", FILES)
def test_what_read_gives_is_sent(name: str, length: str, method: str, tmp_path: Path) -> None:
    make, content, by_kernel = FILES[name]
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    if name == "/sys":
        found = Path("/sys/kernel/mm/transparent_hugepage/enabled")
        if not found.exists():
            pytest.skip("no such file in /sys")
        content = found.read_bytes()
    elif name == "another's descriptor":
        content = b"".join(CONTENT[at:at + 8192][::-1] for at in range(0, len(CONTENT), 8192))
    closed = []

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        file = make(path)
        wrapper = environ["wsgi.file_wrapper"](file)
        assert (file_region(FileWrapper(file)) is not None) is by_kernel
        close = getattr(wrapper, "close", lambda: None)
        wrapper.close = lambda: (close(), closed.append(name))
        headers = [] if length == "none" else [("Content-Length", str(len(content) // (1 if length == "own" else 2)))]
        start_response("200 OK", headers)
        return wrapper

    received, log = serve(app, request(method, "1.0"))
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    expected = content[: len(content) // 2] if length == "less" else content
    assert body == (expected if method == "GET" else b"")
    assert closed == [name]
    assert set(log.lines) <= {"access"}


@pytest.mark.parametrize("change", [-3000, 3000, 0])
def test_a_file_that_changes_its_size(change: int, tmp_path: Path) -> None:
    """Never more than was promised; less is a connection that breaks off, not padding."""
    path = tmp_path / "file"
    size = 8_000_000
    path.write_bytes(b"x" * size)

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [("Content-Length", str(size))])
        os.truncate(path, size + change)
        return environ["wsgi.file_wrapper"](open(path, "rb"))

    received, log = serve(app, request())
    body = received.partition(b"\r\n\r\n")[2]
    assert len(body) == min(size, size + change)
    assert body.strip(b"x") == b""
    assert bool([line for line in log.lines if "shorter than its Content-Length" in line]) is (change < 0)


def test_text_is_no_content(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"text")

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [])
        return environ["wsgi.file_wrapper"](open(path))

    received, log = serve(app, request())
    assert received.startswith(b"HTTP/1.1 500 ")
    assert [line for line in log.lines if "Error handling request" in line]


def test_a_file_for_writing_has_nothing_to_read(tmp_path: Path) -> None:
    path = tmp_path / "file"

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        file = open(path, "wb", buffering=0)
        file.write(b"text")
        file.seek(0)
        start_response("200 OK", [])
        return environ["wsgi.file_wrapper"](file)

    received, _ = serve(app, request())
    assert received.startswith(b"HTTP/1.1 500 ")
