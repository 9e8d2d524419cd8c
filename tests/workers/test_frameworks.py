"""Flask and Django under every worker type, with real clients."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.conftest import Serve
from tests.support.server import REPOSITORY
from tests.support.wait import PATIENCE
from tests.system.test_frameworks import FLASK_EXAMPLE, counts_in_session
from tests.workers.kinds import KINDS, PARAMS

DJANGO_EXAMPLE = (REPOSITORY / "examples" / "django" / "mysite.py").read_text()
ALL = pytest.mark.parametrize("kind", PARAMS)


@ALL
def test_flask(serve: Serve, kind: str) -> None:
    url = serve(FLASK_EXAMPLE, *KINDS[kind], "--workers", "2", workers=2).url
    with ThreadPoolExecutor(4) as clients:
        list(clients.map(counts_in_session, [url] * 4))


@ALL
def test_django(serve: Serve, kind: str) -> None:
    url = serve(DJANGO_EXAMPLE, *KINDS[kind]).url
    with requests.Session() as client:
        assert client.get(f"{url}/", timeout=PATIENCE).text == f"Hello from {url}/\n"
        content = b"12345" * 300_000
        assert client.post(f"{url}/upload", files={"f": content}, timeout=PATIENCE).json() == {"f": len(content)}
        assert len(client.get(f"{url}/stream", timeout=PATIENCE).text.splitlines()) == 100
        assert client.get(f"{url}/nowhere", timeout=PATIENCE).status_code == 404
