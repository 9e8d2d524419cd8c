"""Makes the pictures of the README: the web page and `gunicornc top`, of a server under a realistic load.

python docs/screenshots.py     (or `make screenshots`; needs Chromium and tmux, and takes a minute and a half)
"""

from __future__ import annotations

import html
import http.client
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.support.chromium import Chromium  # noqa: E402
from tests.support.server import Server, clean_environment  # noqa: E402
from tests.support.wait import wait_until  # noqa: E402

IMAGES = ROOT / "docs" / "images"
PORT = 8000
SECONDS = 70.0
"""Of load before the first picture: the page shows the last minute."""

CLIENTS = 9
COLUMNS, ROWS = 120, 40

APP = """
import random, time

def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path.startswith("/reports"):
        time.sleep(random.uniform(6, 14))
    else:
        time.sleep(random.expovariate(1 / (0.09 if path.startswith("/search") else 0.018)))
    status = "502 Bad Gateway" if path == "/payments/callback" else "200 OK"
    start_response(status, [("Content-Length", "5")])
    return [b"12345"]
"""
PATHS = (
    "/", "/", "/products/4711", "/products/815", "/products/1138?colour=red", "/cart", "/search?q=rain+boots",
    "/search?q=umbrella&page=2", "/api/v1/orders?page=2", "/api/v1/orders/20931", "/account", "/checkout",
)
SELDOM = ("/reports/2026/turnover.pdf", "/reports/2026/stock.xlsx", "/payments/callback", "/payments/callback")


class Load:
    """Clients, until the end of the block."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._ended = threading.Event()
        self._random = random.Random(7)
        self._threads = [threading.Thread(target=self._go, daemon=True) for _ in range(CLIENTS)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _go(self) -> None:
        while not self._ended.is_set():
            try:
                self._visit()
            except (OSError, http.client.HTTPException):
                self._ended.wait(0.2)

    def _visit(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        for _ in range(self._random.randrange(5, 30)):
            path = self._random.choice(SELDOM if self._random.random() < 0.005 else PATHS)
            connection.request("GET", path)
            connection.getresponse().read()
            wave = 1.5 + 1.2 * ((time.monotonic() / 25) % 2 > 1)
            if self._ended.wait(self._random.expovariate(wave * 25)):
                break
        connection.close()


def main() -> int:
    if shutil.which("tmux") is None:
        print("there is no tmux", file=sys.stderr)
        return 1
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        token = folder / "token"
        token.write_text("a-token-for-pictures")
        token.chmod(0o600)
        server = Server(
            folder / "shop", APP, "--workers", "6", "--control-bind", "127.0.0.1:9090", "--control-token-file",
            str(token), bind=f"127.0.0.1:{PORT}",
        ).start(6)
        try:
            take(server, folder)
        finally:
            server.kill()
    return 0


def take(server: Server, folder: Path) -> None:
    """All pictures, one after the other."""
    with Chromium(folder / "browser") as chromium, Load(server.port):
        chromium.size(1240, 700)
        chromium.scheme("light")
        chromium.open("http://127.0.0.1:9090/")
        chromium.run("sessionStorage.setItem('token', 'a-token-for-pictures'); setToken('a-token-for-pictures')")
        time.sleep(SECONDS / 3)
        server.send_signal(signal.SIGHUP)
        server.wait_for_log("Reload done")
        time.sleep(SECONDS / 3)
        os.kill(server.worker_pids()[1], signal.SIGKILL)
        time.sleep(SECONDS / 3)
        # The dear thing is a moment in which something slow runs.
        chromium.wait("/^([2-9]|1[0-9])(.[0-9])? s/.test(document.querySelector('#stuck tbody').innerText)")
        chromium.picture(IMAGES / "page.png")
        chromium.scheme("dark")
        chromium.picture(IMAGES / "page-dark.png")
        screen = terminal(server)
        chromium.open("about:blank")
        chromium.size(984, 690)
        chromium.scheme("light")
        chromium.run(f"document.write({page_of(screen)!r}), document.close()")
        chromium.picture(IMAGES / "top.png")


# The terminal.


def terminal(server: Server) -> str:
    """What `gunicornc top` shows after a few seconds, with the sequences that colour it."""
    name = f"screenshots-{os.getpid()}"
    command = f"{sys.executable} -m gunicorn.control -s {server.folder}/gunicorn.ctl top"
    tmux = ["tmux", "-L", name]
    env = clean_environment({"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"})
    size = ["-x", str(COLUMNS), "-y", str(ROWS)]
    subprocess.run([*tmux, "-u", "new-session", "-d", *size, command], env=env, check=True)
    try:
        time.sleep(12)
        wait_until(lambda: "requests/s" in captured(tmux), what="the screen of top")
        return captured(tmux)
    finally:
        subprocess.run([*tmux, "kill-server"], check=False)


def captured(tmux: list[str]) -> str:
    return subprocess.run([*tmux, "capture-pane", "-e", "-N", "-p"], check=True, capture_output=True, text=True).stdout


_SEQUENCE = re.compile(r"\x1b\[([0-9;]*)m")
COLOURS = ("#3b4252", "#e06c75", "#7ec699", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d8dee9")
_INK, _GROUND = "#d8dee9", "#14191f"


def page_of(screen: str) -> str:
    """A screen of a terminal as a page."""
    found, state = [], {"ink": "", "ground": "", "bold": "", "dim": "", "turned": ""}
    pieces = _SEQUENCE.split(screen.rstrip("\n"))
    for place, piece in enumerate(pieces):
        if place % 2:
            for code in (int(each or 0) for each in piece.split(";")):
                follow(state, code)
        elif piece:
            found.append(f'<span style="{style_of(state)}">{html.escape(piece)}</span>')
    return (
        '<!doctype html><meta charset="utf-8">'
        f'<body style="margin:0;background:{_GROUND};color:{_INK};padding:14px 16px">'
        f'<pre style="margin:0;font:13px/1.27 DejaVu Sans Mono,monospace">{"".join(found)}</pre>'
    )


def follow(state: dict[str, str], code: int) -> None:
    """What one number of a sequence changes (ECMA-48, select graphic rendition)."""
    if code == 0:
        state.update(dict.fromkeys(state, ""))
    elif code in (1, 2, 7):
        state[{1: "bold", 2: "dim", 7: "turned"}[code]] = "yes"
    elif code in (22, 27):
        state.update({"turned": ""} if code == 27 else {"bold": "", "dim": ""})
    elif 30 <= code <= 37 or 90 <= code <= 97:
        state["ink"] = COLOURS[code % 10]
    elif 40 <= code <= 47:
        state["ground"] = COLOURS[code % 10]
    elif code in (39, 49):
        state["ink" if code == 39 else "ground"] = ""


def style_of(state: dict[str, str]) -> str:
    ink, ground = state["ink"] or _INK, state["ground"] or _GROUND
    if state["turned"]:
        ink, ground = ground, ink
    more = (";font-weight:bold" if state["bold"] else "") + (";opacity:.65" if state["dim"] else "")
    return f"color:{ink};background:{ground}{more}"


if __name__ == "__main__":
    sys.exit(main())
