"""What a load balancer's agent check is told, and how."""

from __future__ import annotations

from pathlib import Path

import pytest

from gunicorn.config import Config
from gunicorn.config.checks import check_combinations
from gunicorn.control.agent import Agent, line_of
from gunicorn.control.health import Health
from gunicorn.errors import ConfigError
from tests.control.talk import Hall, heard


@pytest.mark.parametrize(("busy", "line"), [
    (0.0, "up ready 100%"), (0.2, "up ready 80%"), (0.994, "up ready 1%"), (1.0, "up ready 1%"),
])
def test_a_weight_by_what_is_free(busy: float, line: str) -> None:
    assert line_of(Health(True, "", False), busy) == line


@pytest.mark.parametrize(("health", "line"), [
    (Health(True, "drained by a command", True), "drain"),
    (Health(True, "the server is about to stop", True), "drain"),
    (Health(True, "", True), "up ready 50%"),
    (Health(False, "no worker is ready yet", False), "down #no worker is ready yet"),
    (Health(True, "no worker is well", False), "down #no worker is well"),
])
def test_words(health: Health, line: str) -> None:
    assert line_of(health, 0.5) == line


@pytest.mark.parametrize("sent", [b"", b"agent-send\n", b"\0" * 100_000])
def test_whoever_connects_is_told_and_let_go(sent: bytes, tmp_path: Path) -> None:
    hall = Hall(tmp_path, lambda peer: Agent(lambda: "up ready 7%"))
    try:
        client = hall.connect()
        if sent:
            client.send(sent)
        hall.turn(2)
        assert heard(client) == b"up ready 7%\n"
        assert heard(client) == b""
        assert hall.clients == 0
    finally:
        hall.close()


def test_what_cannot_be_told_ends_that_connection(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    hall = Hall(tmp_path, lambda peer: Agent(lambda: str(1 // 0)))
    try:
        client = hall.connect()
        hall.turn(2)
        assert heard(client) == b""
        assert "A conversation has failed" in caplog.text
        assert hall.server.due is None
    finally:
        hall.close()


@pytest.mark.parametrize("name", ["metrics_bind", "control_bind"])
def test_its_address_is_its_own(name: str) -> None:
    cfg = Config()
    cfg.set("agent_bind", "127.0.0.1:9000")
    cfg.set(name, "127.0.0.1:9001")
    check_combinations(cfg)
    cfg.set(name, "127.0.0.1:9000")
    with pytest.raises(ConfigError, match=f"agent_bind = '127.0.0.1:9000' .*: at the address of {name} HTTP is spoken"):
        check_combinations(cfg)
