"""Unix sockets whose file is there already: alive, dead, of another kind, or of a server that came later."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gunicorn.config import Config
from gunicorn.unix.listening import close_sockets
from gunicorn.unix.sockets import BaseSocket, UnixSocket
from tests.conftest import Serve
from tests.support.server import Server
from tests.support.wire import get

NAMED = """
import os

def app(environ, start_response):
    body = b"%d" % os.getppid()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""


class Log:
    """Lines at error, as text."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def error(self, text: str, *args: object) -> None:
        self.lines.append(text % args)


@pytest.fixture
def path() -> Iterator[str]:
    """In a folder whose name is short: that of a socket may have about a hundred bytes."""
    with tempfile.TemporaryDirectory(prefix="gu") as folder:
        yield f"{folder}/socket"


def dead_socket(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()


def opened(path: str) -> BaseSocket:
    return UnixSocket(path, Config(), Log())


class TestWhoListens:
    def test_a_live_one_is_left_alone(self, path: str, tmp_path: Path, make_server: Serve) -> None:
        first = Server(tmp_path / "first", NAMED, bind=f"unix:{path}")
        second = Server(tmp_path / "second", NAMED, bind=f"unix:{path}")
        try:
            first.start()
            assert second.spawn().wait() == 1
            assert f"Connection in use: {path}" in second.log()
            assert "Traceback" not in second.log()
            assert get(path, "/").body == b"%d" % first.pid
            assert first.stop() == 0
            assert not os.path.exists(path)
        finally:
            first.kill()
            second.kill()

    def test_a_full_backlog_is_alive(self, path: str) -> None:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen(0)
            clients = [socket.socket(socket.AF_UNIX) for _ in range(4)]
            for client in clients:
                client.setblocking(False)
                client.connect_ex(path)
            with pytest.raises(OSError, match="in use"):
                opened(path)
            for client in clients:
                client.close()
        assert os.path.exists(path)

    def test_a_socket_of_datagrams_is_alive(self, path: str) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
            other.bind(path)
            with pytest.raises(OSError, match="in use"):
                opened(path)
        assert os.path.exists(path)

    def test_a_dead_one_is_taken_over(self, path: str) -> None:
        dead_socket(path)
        listener = opened(path)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
        close_sockets([listener])
        assert not os.path.exists(path)

    @pytest.mark.parametrize("kind", ["file", "folder", "fifo"])
    def test_what_is_no_socket_stays(self, path: str, kind: str) -> None:
        if kind == "file":
            Path(path).write_text("mine")
        elif kind == "folder":
            os.mkdir(path)
        else:
            os.mkfifo(path)
        with pytest.raises(ValueError, match="is not a socket"):
            opened(path)
        assert os.path.exists(path)

    def test_one_of_many_takes_a_dead_one_over(self, path: str) -> None:
        dead_socket(path)

        def attempt(_: int) -> BaseSocket | None:
            try:
                return opened(path)
            except OSError:
                return None

        with ThreadPoolExecutor(8) as threads:
            listeners = [found for found in threads.map(attempt, range(24)) if found is not None]
        assert len(listeners) == 1
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
        close_sockets(listeners)

    def test_the_file_of_a_later_server_stays(self, path: str) -> None:
        old = opened(path)
        # As in a graceful stop: nobody listens any more, while the last requests end.
        old.close()
        new = opened(path)
        close_sockets([old])
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
        os.chmod(path, 0o600)
        close_sockets([new])
        assert not os.path.exists(path)


class TestReloads:
    def test_hup_keeps_the_socket(self, path: str, make_server: Serve) -> None:
        server = make_server(NAMED, bind=f"unix:{path}").start()
        number = os.stat(path).st_ino
        server.send_signal(signal.SIGHUP)
        server.wait_for_log("Reload done: 1 worker serves the new configuration, after ")
        assert os.stat(path).st_ino == number
        assert get(path, "/").status == 200
        assert server.stop() == 0
        assert not os.path.exists(path)
