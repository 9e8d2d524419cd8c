"""Listeners themselves."""

from __future__ import annotations

import logging
import socket
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gunicorn.unix.sockets import BaseSocket, TCP6Socket, TCPSocket, UnixSocket

CONF: Any = SimpleNamespace(backlog=16, is_ssl=False, umask=0, uid=0, gid=0)


@pytest.mark.skipif(not hasattr(socket, "TCP_DEFER_ACCEPT"), reason="a kernel that does not know it")
@pytest.mark.parametrize("kind", [TCPSocket, TCP6Socket])
def test_who_is_silent_is_not_shown(kind: type[TCPSocket]) -> None:
    """For a second; whoever speaks at once."""
    listener = kind(("::1" if kind is TCP6Socket else "127.0.0.1", 0), CONF, cast(Any, logging.getLogger()))
    try:
        assert listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT) == 0
        listener.defer()
        assert listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT) > 0
        with socket.create_connection(listener.getsockname()[:2], 10) as client:
            client.sendall(b"a")
            listener.settimeout(10)
            accepted, _ = listener.accept()
            with accepted:
                assert accepted.recv(10) == b"a"
    finally:
        listener.close()


def test_others_know_nothing_of_it(tmp_path: Any) -> None:
    listener: BaseSocket = UnixSocket(str(tmp_path / "socket"), CONF, cast(Any, logging.getLogger()))
    try:
        # Nothing is raised: the option is one of TCP.
        listener.defer()
    finally:
        listener.close()
