"""The web page: the file, and what a browser makes of it; that where there is a Chromium."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gunicorn.control import page
from tests.conftest import Serve
from tests.master.test_control_bind import control_of, pids
from tests.support.chromium import PROGRAM, Chromium
from tests.support.server import Server
from tests.support.wait import wait_until
from tests.support.wire import get

APP = """
import os, time
def app(environ, start_response):
    if environ["PATH_INFO"] != "/":
        while not os.path.exists("go"):
            time.sleep(0.01)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""
# The server refuses a path with the half of this; who can say what else comes to be shown one day.
HOSTILE = "<img src=x onerror=document.title=1><b>\u202e\u0000\u0007"
SHOWN = "<img src=x onerror=document.title=1><b>\\u202e\\u0000\\u0007"

TEXT = Path(page.FILE).read_text(encoding="utf-8")


# The file.


def test_it_is_one_small_file_and_needs_nothing_else() -> None:
    assert len(TEXT.encode()) <= 40_000
    assert not re.search(r"\b(https?:)?//[a-z]", TEXT.replace("http://www.w3.org/2000/svg", "")), "no other host"
    assert "innerHTML" not in TEXT
    assert "eval(" not in TEXT
    # Neither would be allowed to do anything under the policy.
    assert not re.search(r"<[a-z][^>]*\s(style|on[a-z]+)=", TEXT)
    assert TEXT.count('nonce="NONCE"') == 2


def test_it_is_in_what_is_shipped() -> None:
    root = Path(__file__).parents[2]
    assert '"gunicorn.control" = ["page.html"]' in (root / "pyproject.toml").read_text()
    assert "*.html" in (root / "MANIFEST.in").read_text()


def test_the_marks_become_one_word() -> None:
    reply = page.reply(page.read())
    assert b"NONCE" not in reply.body
    assert len(set(re.findall(rb'nonce="([0-9a-f]{32})"', reply.body))) == 1


# In a browser.


@pytest.fixture
def chromium(tmp_path: Path) -> Iterator[Chromium]:
    with Chromium(tmp_path / "profile") as found:
        yield found
        # What the policy has forbidden, and what the script has failed at.
        assert found.problems == []


def token_of(folder: Path) -> str:
    path = folder / "token"
    path.write_text("sesame")
    path.chmod(0o600)
    return str(path)


def url_of(server: Server) -> str:
    face = control_of(server)
    return f"http://127.0.0.1:{face[1]}/"


@pytest.mark.slow
@pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium")
def test_what_it_shows(serve: Serve, tmp_path: Path, chromium: Chromium) -> None:
    options = ("-w", "2", "--control-bind", "127.0.0.1:0", "--control-token-file", token_of(tmp_path))
    server = serve(APP, *options, workers=2)
    url = url_of(server)
    chromium.size(360, 700)
    chromium.open(url)
    chromium.wait("document.querySelector('#verdict').innerText === 'Serving'")
    chromium.wait("document.querySelector('#workers').innerText === '2 of 2'")
    assert chromium.run("document.querySelector('#tasks').hidden"), "there are none"
    # Numbers move under load.
    for _ in range(50):
        assert get(server.address).status == 200
    chromium.wait("parseFloat(document.querySelector('#rate').innerText) >= 1")
    chromium.wait("/ms$/.test(document.querySelector('#p50').innerText)")
    # Sorted as one likes; by keys, too, since the heads are buttons.
    chromium.click("[data-by=age] button")
    assert chromium.run("document.querySelector('[data-by=age]').ariaSort") == "descending"
    chromium.wait("document.querySelectorAll('#who tbody tr').length === 2")
    # A path is text, whatever it is.
    with socket.create_connection(server.address) as client:  # type: ignore[arg-type]
        client.sendall(b"GET /wait&lt;img?'%3Cb%3E HTTP/1.1\r\nHost: a\r\n\r\n")
        chromium.wait("document.querySelector('#stuck tbody').innerText.includes(\"GET /wait&lt;img?'%3Cb%3E\")")
        (server.folder / "go").touch()
        assert client.recv(12) == b"HTTP/1.1 200"
    chromium.run(f"""
        const hostile = {json.dumps(HOSTILE)};
        show({{...last, version: hostile, moment: last.moment + 1, events: [{{at: 1, text: hostile}}],
            stats: {{...last.stats, ready: false, not_ready_because: hostile, reload_problem: hostile,
                restarts: {{[hostile]: 1}}}},
            listeners: [{{address: hostile, waiting: null}}],
            requests: [{{pid: last.workers[0].pid, age: 11, line: hostile, running: 1}}],
            workers: last.workers.map(each => ({{...each, phase: hostile}})),
            tasks: {{enabled: true, target: 2, workers: [{{phase: "ready", state: "busy"}}], stash: {{entries: 3}},
                apps: [{{import_path: hostile, worker_count: null, current_workers: 1, running: 1, waiting: 2, calls: 5,
                    results: {{ok: 4, error: 1}}}}],
                calls: [{{pid: 7, age: 80, call: hostile, request_id: hostile}}]}}}})
    """)
    assert "1 of 2 processes, 1 busy, 3 entries" in chromium.text("#tasks-about")
    assert chromium.text("#apps tbody").split("\t")[1:4] == ["1 / 2", "1", "2"]
    for place in ("#apps tbody", "#calls tbody", "#verdict", "#about", "#workers-note", "#queues", "#stuck tbody",
                  "#who tbody", "#events tbody"):
        assert SHOWN in chromium.text(place), place
    assert chromium.run("document.images.length") == 0
    assert chromium.run("document.querySelectorAll('main script, main b').length") == 0
    # A phone has no sideways scrolling, of the page or of a table.
    for width in (360, 1280):
        chromium.size(width, 700)
        assert chromium.run("document.documentElement.scrollWidth") == width
    # One that is killed turns up among the events; and the next one in the table.
    face = control_of(server)
    (victim, other) = sorted(pids(face))
    os.kill(victim, signal.SIGKILL)
    chromium.wait(f"document.querySelector('#events tbody').innerText.includes('{victim}')")
    chromium.wait("document.querySelector('#workers').innerText === '2 of 2'")
    table = chromium.text("#who tbody")
    assert str(victim) not in table
    assert str(other) in table
    assert {each.split("/")[2] for each in chromium.requests if not each.startswith("data:")} == {url.split("/")[2]}


@pytest.mark.slow
@pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium")
def test_what_it_does(make_server: Serve, tmp_path: Path, chromium: Chromium) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ("--control-bind", f"127.0.0.1:{port}", "--control-token-file", token_of(tmp_path))
    server = make_server(APP, *options).start(1)
    chromium.open(f"http://127.0.0.1:{port}/")
    chromium.wait("document.querySelector('#workers').innerText === '1 of 1'")
    # Without the token there is nothing to press; and what is sent all the same is refused.
    assert chromium.run("[...document.querySelectorAll('[data-acts]')].every(each => each.hidden)") is True
    refused = "fetch('workers', {method: 'POST', body: '{\"add\": 1}', headers: {'Content-Type': 'application/json'}})"
    assert chromium.run(f"{refused}.then(reply => reply.status)") == 401
    # By keys alone: the first thing on the page is the button for the token.
    chromium.key("Tab")
    assert chromium.run("document.activeElement.id") == "token"
    chromium.key("Enter")
    chromium.wait("document.activeElement.tagName === 'INPUT'")
    chromium.type("wrong")
    chromium.key("Enter")
    chromium.wait("document.querySelector('#dialog').innerText.includes('not the token')")
    chromium.run("document.activeElement.value = ''")
    chromium.type("sesame")
    chromium.key("Enter")
    chromium.wait("!document.querySelector('#dialog').open && !document.querySelector('#more').hidden")
    assert "sesame" not in chromium.run("location.href")
    chromium.click("#more")
    chromium.wait("document.querySelector('#workers').innerText === '2 of 2'")
    # What ends something asks first.
    pid = int(chromium.text("#who tbody button"))
    chromium.click("#who tbody button")
    chromium.press("Stacks")
    chromium.wait("document.querySelector('dialog pre').innerText.includes('sync.py')")
    chromium.press("End")
    chromium.press("Cancel")
    assert pid in pids(("127.0.0.1", port))
    chromium.click("#who tbody button")
    chromium.press("End")
    chromium.press("End it")
    wait_until(lambda: pid not in pids(("127.0.0.1", port)))
    # A profile, drawn under the policy.
    chromium.run("profile('all', 0.3)")
    chromium.wait("document.querySelector('dialog svg title')")
    # Names are text there, too; and one becomes the widest.
    stacks = json.dumps({"a;b": 3, f"a;{HOSTILE}": 1})
    chromium.run(f"""
        const root = treeOf({stacks}), frame = document.querySelector('.flame');
        const choose = box => frame.replaceChildren(flame(root, box, choose));
        choose(root)
    """)
    assert chromium.run("document.querySelectorAll('.flame rect').length") == 4
    assert f"{SHOWN}: 1 samples, 25.0 %" in chromium.run("document.querySelector('.flame').textContent")
    chromium.run("[...document.querySelectorAll('.flame g')].pop().dispatchEvent(new Event('click'))")
    assert chromium.run("[...document.querySelectorAll('.flame rect')].every(each => each.width.baseVal.value > 1000)")
    chromium.key("Escape")
    chromium.wait("!document.querySelector('#dialog').open")
    # It says so when the server is away, and is back when that is.
    assert server.stop() == 0
    chromium.wait("document.querySelector('#lost').innerText === 'Connection lost, trying again'")
    again = make_server(APP, *options).start(1)
    chromium.wait("document.querySelector('#lost').hidden && document.querySelector('#workers').innerText === '1 of 1'")
    assert f"pid {again.pid}" in chromium.text("#about")
    # What is not its own is not let in.
    assert chromium.run("fetch('http://127.0.0.1:1/').then(() => 1, () => 0)") == 0
    assert any("127.0.0.1:1" in problem for problem in chromium.problems), chromium.problems
    chromium.problems.clear()
    assert json.dumps("sesame") not in again.log() + server.log()
    assert again.stop() == 0
