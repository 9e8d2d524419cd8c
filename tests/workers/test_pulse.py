"""How often a worker in its loop shows that it lives."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gunicorn.workers import engine_worker
from gunicorn.workers.engine_worker import EngineWorker

#: How long each turn takes -> before which of them the worker has shown itself.
TURNS = [
    ([0.0001] * 5, [0]),
    ([0.004] * 7, [0, 3, 6]),
    # Who was in a request for long says so before it waits, or begins another one.
    ([5.0, 5.0, 0.0001, 5.0], [0, 1, 2]),
    ([1.0, 1.0], [0, 1]),
]


@pytest.mark.parametrize(("turns", "expected"), TURNS)
def test_a_pulse_is_hardly_late(turns: list[float], expected: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    done = 0
    pulses: list[int] = []
    worker: Any = SimpleNamespace(alive=True)

    def pulse() -> float:
        pulses.append(done)
        return 0.75

    def poll(timeout: float) -> None:
        nonlocal now, done
        assert timeout == 0.75
        now += turns[done]
        done += 1
        worker.alive = done < len(turns)

    worker.pulse = pulse
    worker.engine = SimpleNamespace(poll=poll)
    monkeypatch.setattr(engine_worker, "monotonic", lambda: now)
    EngineWorker.serve(worker)
    assert done == len(turns)
    assert pulses == expected
