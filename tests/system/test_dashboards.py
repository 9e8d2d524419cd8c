"""What is scraped, drawn and alerted on in the examples and the documentation exists."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from gunicorn.instrument.exposition import TEXT
from gunicorn.instrument.metrics import CAUSES, RELOADS, STATES, families
from gunicorn.instrument.scoreboard import SHED_REASONS, STATUSES
from gunicorn.instrument.task_readings import RESULTS
from tests.instrument.test_metrics import parsed, readings
from tests.support.server import REPOSITORY

FOLDER = REPOSITORY / "examples" / "prometheus"
KNOWN = {name for name, _ in parsed(TEXT.render(families(readings())), TEXT)}
NAME = re.compile(r"\bgunicorn_[a-z_]*[a-z]\b")


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> Iterator[str]:
    for panel in json.loads((FOLDER / "dashboard.json").read_text())["panels"]:
        for target in panel["targets"]:
            yield target["expr"]
    for rule in rules():
        yield rule["expr"]


@pytest.mark.parametrize("expression", list(expressions()))
def test_only_what_is_there_is_asked_for(expression: str) -> None:
    named = set(NAME.findall(expression))
    assert named
    assert named <= KNOWN
    assert expression.count("(") == expression.count(")")
    results = (*RELOADS, *RESULTS)
    values = {"cause": CAUSES, "result": results, "state": STATES, "status": STATUSES, "reason": SHED_REASONS}
    for label, said in re.findall(r'\b(cause|reason|result|state|status)[!=]~?"([^"]*)"', expression):
        assert set(said.split("|")) <= set(values[label])


def test_panels_have_their_places() -> None:
    board = json.loads((FOLDER / "dashboard.json").read_text())
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


def test_every_rule_says_what_is_the_matter() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names) == 10
    assert all(rule["annotations"]["summary"] and rule["labels"]["severity"] in ("page", "ticket") for rule in rules())
    jobs = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    assert jobs["rule_files"] == ["alerts.yml"]


def test_the_documentation_knows_every_name() -> None:
    text = (REPOSITORY / "docs" / "observability.md").read_text()
    section = text[text.index("## Metrics and health"):]
    named = set(NAME.findall(section)) - {"gunicorn_pywsgi"}
    times = re.compile(r"(gunicorn_(?:request|task)_(?:duration|queue)_seconds)_(?:bucket|count|sum)")
    ours = {name for name in KNOWN if name.startswith("gunicorn_")}
    assert named == {times.sub(r"\1", name) for name in ours}
    assert all(f"`{name}`" in section for name in KNOWN - ours)
    assert all(f"`{cause}`" in section for cause in CAUSES)
    assert all(f"`{result}`" in section for result in (*RELOADS, *RESULTS))
