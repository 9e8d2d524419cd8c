"""Servers whose logs are JSON: every line of both is an object, whatever comes in, over reloads and new files."""

from __future__ import annotations

import json
import os
import signal
import socket
from pathlib import Path
from typing import Any

from tests.conftest import Serve
from tests.logs.test_json_lines import ACCESS_KEYS, parsed
from tests.support.server import Server
from tests.support.wait import PATIENCE, wait_until
from tests.support.wire import get

APP = r'''
import logging, os, sys
log = logging.getLogger("gunicorn.error")

def app(environ, start_response):
    path = environ["PATH_INFO"]
    log.warning("saw %s \ud800 %s", environ.get("HTTP_X_ODD"), "line\nbreak")
    environ["wsgi.errors"].write('to "errors"\nand more\n')
    print("printed", path)
    if path == "/raise":
        raise ValueError('on "purpose"\n\x00')
    if path == "/system":
        os.write(1, b"raw\n")
    start_response("200 OK", [])
    return [b"x"]
'''

CONFIG = """
def when_ready(server):
    open("ready", "w").close()

def pre_request(worker, request):
    assert request.path != "/hook"
"""

HOSTILE = [
    b"GET /a?b=%22%0a HTTP/1.1\r\nHost: h\r\nUser-Agent: \"\\\t\xff\xfe\r\nX-Odd: \xc3\xa9\"}\r\n",
    b"GET /\"{}\xff HTTP/1.1\r\nHost: h\r\n",
    b"GET /raise HTTP/1.1\r\nHost: h\r\nReferer: \xe2\x80\xa8\xe2\x80\xae\r\n",
    b"\x16\x03\x01\x00\xff\x01\r\n",
    b"GET /long?" + b"x" * 3000 + b" HTTP/1.1\r\nHost: h\r\nUser-Agent: " + b"\xff" * 6000 + b"\r\n",
    b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: \x1b[2J\r\n",
    b"GET /hook HTTP/1.1\r\nHost: of.a.hook\r\n",
]


def lines(path: Path, count: int, server: Server) -> list[str]:
    """So many lines, or more, of a file."""
    def found() -> list[str]:
        return path.read_text().splitlines() if path.exists() else []

    wait_until(lambda: len(found()) >= count, PATIENCE, server.describe)
    return found()


def test_every_line_is_an_object(serve: Serve) -> None:
    server = serve(
        APP, "--access-logfile", "access", "--error-logfile", "error", "--capture-output", "--log-format", "json",
        bind="unix:sock", expect_traceback=True, workers=0,
        config=CONFIG)
    error, access = server.folder / "error", server.folder / "access"
    wait_until((server.folder / "ready").exists, PATIENCE, server.describe)
    address = str(server.folder / "sock")

    def send(head: bytes) -> None:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE)
            client.connect(address)
            client.sendall(head + b"Connection: close\r\n\r\n")
            while client.recv(65536):
                pass

    for head in HOSTILE:
        send(head)
    told = [parsed(line) for line in lines(access, len(HOSTILE), server)]
    assert all([name for name in each if name != "queue"] == ACCESS_KEYS for each in told)
    # Those of refused requests are not gathered, and come first.
    assert sorted(each["status"] for each in told) == [200, 200, 400, 400, 400, 500, 500]
    by_path = {each["path"]: each for each in told}
    assert by_path["/a"]["user_agent"] == '"\\\t\\xff\\xfe'
    assert by_path["/a"]["query"] == "b=%22%0a"
    assert by_path["/raise"]["referer"] == "\u2028\u202e"
    # No application has seen it; its line tells all that is known.
    assert (by_path["/hook"]["host"], by_path["/hook"]["protocol"]) == ("of.a.hook", "HTTP/1.1")
    assert {each["remote"] for each in told} == {None}

    found = [parsed(line) for line in error.read_text().splitlines()]
    by_logger: dict[str, list[dict[str, Any]]] = {}
    for each in found:
        by_logger.setdefault(each["logger"], []).append(each)
    assert set(by_logger) == {"gunicorn.error", "wsgi.errors", "stdout"}
    assert {each["message"] for each in by_logger["wsgi.errors"]} == {'to "errors"', "and more"}
    assert by_logger["stdout"][0]["message"] == "printed /a"
    failed, hook = [each for each in found if "exception" in each]
    assert hook["exception"]["type"] == "AssertionError"
    assert failed["exception"]["message"] == 'on "purpose"\n\x00'

    # What is no line of ours is not touched.
    send(b"GET /system HTTP/1.1\r\nHost: h\r\n")
    assert "raw" in lines(error, 1, server)

    # New files, objects again.
    error.rename(server.folder / "error.1")
    access.rename(server.folder / "access.1")
    (pid,) = server.worker_pids()
    for number in (server.pid, pid):
        os.kill(number, signal.SIGUSR1)
    wait_until(lambda: error.exists() and access.exists(), PATIENCE, server.describe)
    send(HOSTILE[0])
    assert parsed(lines(access, 1, server)[0])["status"] == 200


def test_another_format_by_a_reload(serve: Serve) -> None:
    server = serve(APP, "--access-logfile", "access", "--error-logfile", "error", config="log_format = 'json'\n",
                   bind="127.0.0.1:0", expect_traceback=True, workers=0)
    error, access = server.folder / "error", server.folder / "access"

    def port() -> int | None:
        for line in error.read_text().splitlines() if error.exists() else []:
            message = json.loads(line)["message"] if line.startswith("{") else line
            if "Listening at: http://127.0.0.1:" in message:
                return int(message.partition("127.0.0.1:")[2].split()[0])
        return None

    wait_until(port, PATIENCE, server.describe)
    address = ("127.0.0.1", port() or 0)
    assert get(address, "/one").status == 200
    assert parsed(lines(access, 1, server)[0])["path"] == "/one"
    (server.folder / "gunicorn.conf.py").write_text("log_format = 'text'\naccess_log_skip = ['path=/skipped']\n")
    before = server.worker_pids()
    os.kill(server.pid, signal.SIGHUP)
    server.wait_for_workers(lambda pids: len(pids) == 1 and pids != before)
    for path in ("/skipped", "/two"):
        assert get(address, path).status == 200
    assert '"GET /two HTTP/1.1" 200' in lines(access, 2, server)[1]
    assert "] [INFO] Booting worker with pid: " in error.read_text()


def test_syslog_gets_objects(serve: Serve, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(str(tmp_path / "log"))
        daemon.settimeout(PATIENCE)
        server = serve(APP, "--log-syslog", "--log-syslog-to", f"unix://{tmp_path}/log#dgram", "--log-syslog-prefix",
                       "shop", "--log-format", "json", expect_traceback=True)
        server.get("/a")
        kinds = set()
        while len(kinds) < 2:
            message = daemon.recv(65536).rstrip(b"\0").decode()
            _, _, message = message.partition(">")
            ident, _, text = message.partition(" ")
            assert ident in ("gunicorn.shop.error", "gunicorn.shop.access")
            assert parsed(text)["logger"] == ident.replace(".shop", "")
            kinds.add(ident)
