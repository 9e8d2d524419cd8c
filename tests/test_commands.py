"""The commands on the pages: each is run, or its command line is read as the server would, or it stands in a table."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from gunicorn.config import Config
from tests.conftest import Serve
from tests.support.server import REPOSITORY, Server, clean_environment
from tests.support.wait import PATIENCE
from tests.workers.kinds import at_once

PAGES = sorted((REPOSITORY / "docs").glob("*.md"))
FENCE = re.compile(r"^ *```(?:console)?\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)

#: By the program, or the program and its first argument: why it is not run from the page.
NOT_RUN = {
    ".": "changes the shell it is typed into",
    "cd": "changes the shell it is typed into",
    "cp": "needs root; tests/system/test_examples.py has the units read",
    "systemctl": "needs systemd; tests/system/test_examples.py has the units read",
    "docker": "needs a daemon and a registry",
    "pip": "needs an index; the packages are in the environment of the tests",
    "python3 -m venv": "what CI's own environments are made with",
    "curl": "asks a server that the command before it has started: asked in tests of their own",
    "kill": "signals a server: tests/master has each signal",
    "gunicornc": "tests/control has every command of it",
    "ray": "starts a cluster; tests/tasks/ray_nodes.py starts one of two nodes",
    "make": "the verbs are compared with the Makefile (tests/test_pages.py); CI runs what they run",
    "uvicorn": "another server's: what it is here stands below it",
    "hypercorn": "another server's: what it is here stands below it",
    "granian": "another server's: what it is here stands below it",
    "waitress-serve": "another server's: what it is here stands below it",
}
#: Run in `test_first_steps`.
FIRST_STEPS = {"django-admin", "python manage.py collectstatic"}
#: A command line that is wrong, to show what is said of it.
REFUSED = "gunicorn --harakiri 30 app:app"


def commands() -> list[tuple[str, str]]:
    """Each command with its page: of blocks that show a terminal, what is behind a prompt."""
    found = []
    for page in PAGES:
        for block in FENCE.findall(page.read_text(encoding="utf-8")):
            for line in re.findall(r"^ *(?:\$|#(?= (?:cp|systemctl))) (.+)$", block, re.MULTILINE):
                found.append((page.name, line))
    return found


def words_of(command: str) -> list[str]:
    """As a shell reads it, without comments and what follows `&&` or `|`."""
    words = shlex.split(re.split(r" && | \| ", command)[0], comments=True)
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words.pop(0)
    return words


def is_ours(words: list[str]) -> bool:
    return Path(words[0]).name == "gunicorn" or words[:3] == ["python", "-m", "gunicorn"]


def reason(words: list[str]) -> str | None:
    """Why a command is not run here; None where nobody says."""
    for length in (3, 2, 1):
        name = " ".join(words[:length])
        if name in FIRST_STEPS:
            return "run in test_first_steps"
        if name in NOT_RUN:
            return NOT_RUN[name]
    return None


OURS = [(page, command) for page, command in commands() if is_ours(words_of(command)) and command != REFUSED]


def test_every_command_is_run_or_has_a_reason() -> None:
    others = [words for _, command in commands() if not is_ours(words := words_of(command))]
    assert [" ".join(words) for words in others if reason(words) is None] == []


def test_every_reason_is_that_of_a_command() -> None:
    others = [words for _, command in commands() if not is_ours(words := words_of(command))]
    named = {" ".join(words[:length]) for words in others for length in (1, 2, 3)}
    assert NOT_RUN.keys() | FIRST_STEPS <= named


@pytest.mark.parametrize(("page", "command"), OURS)
def test_a_command_line_is_one_that_the_server_takes(page: str, command: str) -> None:
    words = words_of(command)[1:]
    if words == ["--version"]:
        return
    cfg = Config(prog="gunicorn")
    chosen = vars(cfg.parser().parse_args(words))
    targets = chosen.pop("args", [])
    assert targets or chosen.get("mount")
    for name, value in chosen.items():
        if value is not None:
            cfg.set(name, value)


def test_a_wrong_command_line_is_answered_as_the_page_shows(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        Config(prog="gunicorn").parser().parse_args(shlex.split(REFUSED)[1:])
    page = (REPOSITORY / "docs" / "coming-from.md").read_text(encoding="utf-8")
    shown = page.split(f"$ {REFUSED}\n")[1].split("\n")[0]
    assert capsys.readouterr().err.splitlines()[-1] == shown


# First steps, as they are told.

PAGE = (REPOSITORY / "docs" / "quickstart.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def source_in(text: str) -> str:
    """The first module that it shows."""
    return re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[0]


def command_in(text: str, number: int = 0) -> list[str]:
    """The words behind `gunicorn` in a command that it shows."""
    return [words_of(line)[1:] for line in re.findall(r"^\$ (gunicorn .+)$", text, re.MULTILINE)][number]


def start(make: Serve, words: list[str], source: str = "") -> Server:
    """A server for a command line, with a module under the name that it has there."""
    server = make("", *words[:-1], target=words[-1])
    if source:
        (server.folder / f"{words[-1].partition(':')[0]}.py").write_text(source)
    return server.start()


def served(server: Server, path: str = "/") -> requests.Response:
    answer = requests.get(server.url + path, timeout=PATIENCE)
    assert answer.status_code == 200, (path, answer.text, server.log())
    return answer


def run_in(folder: Path, *words: str) -> None:
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=clean_environment(), capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr


def test_first_steps(make_server: Serve) -> None:
    def flask() -> None:
        text = section("Flask")
        assert served(start(make_server, command_in(text), source_in(text))).json() == {"hello": "Flask"}

    def fastapi() -> None:
        text = section("FastAPI")
        server = start(make_server, command_in(text), source_in(text))
        assert served(server).json() == {"hello": "FastAPI"}
        server.wait_for_log(re.escape(re.findall(r"`(Using worker: \w+)`", text)[0]))

    def without() -> None:
        text = section("Without a framework")
        assert served(start(make_server, command_in(text), source_in(text))).text == "Hello!\n"

    def django() -> None:
        text = section("Django")
        words = command_in(text, 1)
        server = make_server("", *words[:-1], target=words[-1])
        (project,) = re.findall(r"^\$ django-admin (.+)$", text, re.MULTILINE)
        run_in(server.folder, "-m", "django", *project.split())
        settings = server.folder / "mysite" / "settings.py"
        # Django has static files of its own where there is the admin.
        settings.write_text(f"{settings.read_text()}\n{source_in(text)}\n")
        (collect,) = re.findall(r"^\$ python (manage.py .+)$", text, re.MULTILINE)
        run_in(server.folder, *collect.split())
        server.start()
        (seen,) = re.findall(r"^<http://127.0.0.1:8000(/.+)>", text, re.MULTILINE)
        assert "Django administration" in served(server, seen).text
        assert "css" in served(server, "/static/admin/css/base.css").headers["Content-Type"]
        # Its first command is the same without files.
        assert [word for word in words if not word.startswith(("--static", "/static"))] == command_in(text)

    plays = {"flask": flask, "fastapi": fastapi, "without": without, "django": django}
    at_once(plays, lambda name: plays[name]())
