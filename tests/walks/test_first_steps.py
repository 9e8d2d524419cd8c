"""From nothing to each of the three, by what the pages of the examples show, line by line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.support.server import REPOSITORY
from tests.support.wait import wait_until
from tests.walks.conftest import Fresh
from tests.walks.debian import Debian, follow

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

EXAMPLES = REPOSITORY / "examples"
DEPLOYING = (REPOSITORY / "docs" / "deploy.md").read_text(encoding="utf-8")


def test_flask_behind_nginx_with_tls_and_systemd(fresh: Fresh) -> None:
    debian = fresh(boots=True)
    lines = follow(debian, EXAMPLES / "systemd" / "README.md")
    ask = lines[-1].line
    assert json.loads(lines[-1].printed) == {"k": "v"}
    # The first request is answered by a worker, before the master has told that all is there.
    debian.type("timeout 60 sh -c 'until systemctl is-active app.service; do sleep 0.2; done'")
    # What it may is what the page says.
    control = "runuser -u app -- /srv/app/.venv/bin/gunicornc -s /run/gunicorn-app/gunicorn.ctl"
    debian.type(f"{control} wait ready 60")
    (pid,) = re.findall(r"^MainPID=(\d+)$", debian.type("systemctl show -p MainPID app"), re.MULTILINE)
    status = debian.path(f"/proc/{pid}/status").read_text()
    assert re.findall(r"^(?:CapEff|CapBnd|NoNewPrivs):\s+(\w+)$", status, re.MULTILINE) == ["0" * 16, "0" * 16, "1"]
    mounts = debian.path(f"/proc/{pid}/mounts").read_text()
    assert re.search(r"^\S+ / \S+ ro[, ]", mounts, re.MULTILINE)

    def workers() -> set[int]:
        data = json.loads(debian.type(f"{control} -j show workers"))
        return {worker["pid"] for worker in data["workers"]}

    before = workers()
    assert len(before) == 4
    debian.type("systemctl reload app")
    wait_until(lambda: len(workers()) == 4 and not workers() & before, what="the reload")
    # Code that does not boot is told, and changes nothing.
    kept, module = workers(), debian.path("/srv/app/app.py")
    text = module.read_text()
    module.write_text("1/0\n")
    assert "failed" in debian.type("systemctl reload app", may_fail=True)
    assert kept & workers()
    module.write_text(text)
    assert f"MainPID={pid}" in debian.type("systemctl show -p MainPID app")
    # Over a restart clients wait in the socket, and none is sent away.
    debian.type("systemctl stop app")
    assert debian.type("systemctl is-active app.service", may_fail=True).strip() == "inactive"
    assert debian.type(ask) == lines[-1].printed
    debian.type("systemctl restart app")
    assert debian.type(ask) == lines[-1].printed
    log = debian.type("journalctl --no-pager --unit app --output cat")
    assert "Listening at: unix:/run/app/app.sock" in log
    # There is no trouble but that of the code that does not boot.
    assert log.count("Traceback") == log.count("ZeroDivisionError: ") > 0, log


def test_fastapi_with_a_websocket_behind_haproxy(fresh: Fresh) -> None:
    debian = fresh()
    lines = follow(debian, EXAMPLES / "haproxy" / "README.md")
    # In front of it are complaints of curl, while the server starts and HAProxy has not asked yet.
    answer = lines[-1].printed.splitlines()[-1]
    assert json.loads(answer) == {"stock": 7, "url": "http://127.0.0.1/stock"}
    client = (
        "from websockets.sync.client import connect\n"
        "with connect('ws://127.0.0.1/live') as socket:\n"
        "    print(socket.recv(60)); socket.send('more'); print(socket.recv(60))\n"
    )
    assert debian.type(f'.venv/bin/python -c "{client}"', cwd="/srv/api") == "7\n7\n"
    # Nobody but the proxy says where the application is mounted.
    line = lines[-1].line.replace("http://127.0.0.1", "--header 'SCRIPT_NAME: /x' --header 'PATH_INFO: /y' http://127.0.0.1")
    assert debian.type(line) == answer
    # What the page on deploying shows goes below what Debian has, and nothing is missing then.
    (shown,) = re.findall(r"^```haproxy\n(frontend web\n.*?)^```$", DEPLOYING, re.MULTILINE | re.DOTALL)
    with open(debian.path("/etc/haproxy/haproxy.cfg"), "a") as file:
        file.write(shown)
    assert debian.type("haproxy -c -f /etc/haproxy/haproxy.cfg").strip() == "Configuration file is valid"
    debian.type("kill -TERM $(cat /run/api.pid)")
    wait_until(lambda: not debian.path("/run/api.pid").exists(), what="the end of the server")
    log = debian.path("/var/log/api.log").read_text()
    assert not re.search(r"Traceback|\[(ERROR|WARNING|CRITICAL)\]", log), log


def test_django_with_its_files_and_no_proxy(fresh: Fresh) -> None:
    debian = fresh()
    lines = follow(debian, EXAMPLES / "django" / "README.md")
    (path,) = re.findall(r'href="(/static/site\.[0-9a-f]{12}\.css)"', lines[-1].printed)
    answer = debian.type(f"curl --silent --fail --include http://127.0.0.1{path}")
    assert "rebeccapurple" in answer
    assert "Cache-Control: public, max-age=31536000, immutable" in answer
    assert "404" in debian.type(f"curl --silent --include http://127.0.0.1{path}.map")
    pid = debian.path("/run/site.pid").read_text().strip()
    assert owners(debian, pid) == {"www-data"}
    log = debian.path("/var/log/site.log").read_text()
    assert not re.search(r"Traceback|\[(ERROR|WARNING|CRITICAL)\]", log), log
    debian.type(f"kill -TERM {pid}")
    wait_until(lambda: not debian.path("/run/site.pid").exists(), what="the end of the server")


def owners(debian: Debian, master: str) -> set[str]:
    """As whom the workers run."""
    children = debian.type(f"cat /proc/{master}/task/{master}/children").split()
    assert children
    return {debian.type(f"stat --format %U /proc/{child}").strip() for child in children}


def test_the_pages_need_no_file_but_those_that_are_there() -> None:
    for page in (EXAMPLES / name / "README.md" for name in ("systemd", "haproxy", "django")):
        for name in re.findall(r"\bexamples/[\w./-]+", page.read_text()):
            assert Path(REPOSITORY, name).exists(), f"{page}: {name}"
