"""Which listener speaks TLS: found by what the configuration says of its address."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest

from gunicorn.config import Config
from gunicorn.tls.entrance import listener_role


class HandedOver:
    """A socket of systemd's: what is known of it is what the system tells."""

    def __init__(self, name: object) -> None:
        self.name = name

    def getsockname(self) -> object:
        return self.name


@pytest.mark.parametrize(
    ("bind", "name"),
    [
        ("https://127.0.0.1:4430?certfile=c", ("127.0.0.1", 4430)),
        ("https://[::1]:4430?certfile=c", ("::1", 4430, 0, 0)),
        ("https://unix:/run/secure.sock?certfile=c", "/run/secure.sock"),
        ("https://unix:\\0secure?certfile=c", b"\0secure"),
    ],
    ids=["ipv4", "ipv6", "path", "abstract"],
)
def test_a_listener_that_was_handed_over(bind: str, name: object) -> None:
    """It speaks TLS as its bind says: none that is meant for TLS serves in the clear."""
    cfg, log = Config(), logging.getLogger("test")
    cfg.set("bind", ["http://127.0.0.1:8080", bind])
    terminator = SimpleNamespace()
    cfg.terminators = {(("certfile", "c"),): terminator}
    assert listener_role(HandedOver(name), 0, cfg, log) == (terminator, 0)
    assert terminator.log is log
    assert listener_role(HandedOver(("127.0.0.1", 8080)), 0, cfg, log) == (None, 0)
