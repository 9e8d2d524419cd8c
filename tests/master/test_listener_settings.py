"""Listeners and TLS contexts from settings that cannot work: told in one line, not by a traceback of ours."""

from __future__ import annotations

import socket

import pytest

from gunicorn.config import Config
from gunicorn.errors import ConfigError
from gunicorn.sock import ssl_context
from gunicorn.unix.listening import open_listener


class Log:
    """Lines at error, as text."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def error(self, text: str, *args: object) -> None:
        self.lines.append(text % args)


def test_a_python_without_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is built so, `getaddrinfo` tells an address of IPv6 as a number and octets, which nobody can bind."""
    raw = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (10, bytes(28)))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: [raw])
    log = Log()
    with pytest.raises(SystemExit):
        open_listener(("six.example", 8000), Config(), log)
    assert log.lines == ["Cannot listen at host 'six.example': this Python has no IPv6"]


def test_a_context_without_a_certificate() -> None:
    with pytest.raises(ConfigError, match="certificate"):
        ssl_context(Config())
