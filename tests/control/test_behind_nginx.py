"""The page behind nginx, configured as docs/observability.md says."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.conftest import Serve
from tests.control.test_page import APP, token_of
from tests.master.test_control_bind import control_of
from tests.support.chromium import PROGRAM, Chromium
from tests.support.proxies import Proxy, need
from tests.support.server import REPOSITORY
from tests.support.wire import get

CONFIG = """
daemon off;
%s
pid nginx.pid;
error_log nginx.log notice;
events { worker_connections 256; }
http {
    access_log off;
    server {
        listen 127.0.0.1:%d;
        %s
    }
}
"""


@pytest.fixture
def nginx(serve: Serve, tmp_path: Path) -> Iterator[Proxy]:
    binary = need("nginx")
    server = serve(APP, "--control-bind", "127.0.0.1:0", "--control-token-file", token_of(tmp_path))
    found = re.search(r"^location /gunicorn/ \{.*?^\}", (REPOSITORY / "docs/observability.md").read_text(), re.M | re.S)
    assert found is not None
    location = found[0].replace("127.0.0.1:9090", f"127.0.0.1:{control_of(server)[1]}")
    folder = tmp_path / "nginx"
    folder.mkdir()

    def command(listener: socket.socket) -> Sequence[str]:
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(CONFIG % (user, listener.getsockname()[1], location))
        return [binary, "-p", str(folder), "-e", "nginx.log", "-c", "nginx.conf"]

    proxy = Proxy(folder, command, "NGINX")
    yield proxy
    proxy.stop()


@pytest.mark.slow
@pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium")
def test_it_asks_for_the_token_and_works(nginx: Proxy, tmp_path: Path) -> None:
    for path in ("stats", "events", "config"):
        assert get(nginx.address, f"/gunicorn/{path}").status == 401
    with Chromium(tmp_path / "profile") as chromium:
        chromium.open(f"http://127.0.0.1:{nginx.address[1]}/gunicorn/")
        chromium.wait("document.querySelector('#lost').innerText.includes('Send the field Authorization')")
        chromium.click("#token")
        chromium.type("sesame")
        chromium.key("Enter")
        chromium.wait("document.querySelector('#workers').innerText === '1 of 1'")
        chromium.click("#more")
        chromium.wait("document.querySelector('#workers').innerText === '2 of 2'")
        assert chromium.problems == []
