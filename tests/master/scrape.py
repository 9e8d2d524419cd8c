"""Scraping a server under test: its `/metrics` read by Prometheus' own parser, and its health."""

from __future__ import annotations

from typing import Any

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from tests.support.server import Server
from tests.support.wait import wait_until
from tests.support.wire import Address, Response, get

OPENMETRICS = "Accept: application/openmetrics-text; version=1.0.0"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
#: How many requests have ended, by method and class of status.
Counts = dict[tuple[str, str], int]


def face_of(server: Server, count: int = 1) -> Address:
    """Where its master answers; `count`: after it has said so for so many times."""
    found = server.wait_for_log(r"Metrics and health at: (?:http://127\.0\.0\.1:(\d+)|unix:(\S+))", count=count)
    return found[2] or ("127.0.0.1", int(found[1]))


def samples(face: Address, text: bool = False) -> Samples:
    """All numbers, in one format or the other."""
    response = get(face, "/metrics", *([] if text else [OPENMETRICS]))
    assert response.status == 200
    kind = "text/plain; version=0.0.4" if text else "application/openmetrics-text; version=1.0.0"
    assert response.get("Content-Type") == f"{kind}; charset=utf-8"
    parse: Any = parse_text if text else parse_openmetrics
    families = list(parse(response.body.decode()))
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


def counts(found: Samples) -> Counts:
    """The requests by method and status, where there were any."""
    seen: Counts = {}
    for (name, labels), number in found.items():
        if name == "gunicorn_requests_total" and number:
            by = dict(labels)
            seen[by["method"], by["status"]] = int(number)
    return seen


def wait_for_counts(face: Address, wanted: Counts) -> Samples:
    """Wait until as many requests have ended, and see that they are these: a client may have its answer a moment before
    its request is counted."""
    found: Samples = {}

    def enough() -> bool:
        found.clear()
        found.update(samples(face))
        return sum(counts(found).values()) >= sum(wanted.values())

    wait_until(enough, what=lambda: f"{wanted}, but {counts(found)}")
    assert counts(found) == wanted
    return found


def health(face: Address, path: str = "/health/ready") -> Response:
    return get(face, path)
