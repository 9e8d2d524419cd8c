"""The scripts of `--completion`, in the shells themselves."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
from pathlib import Path

import pytest

from gunicorn.config import Config
from gunicorn.config.completion import Option, script
from gunicorn.config.reference import SHELLS
from gunicorn.control.cli import main as gunicornc
from gunicorn.loading.aliases import SUPPORTED_WORKERS
from tests.support.wait import PATIENCE, wait_until

#: A command line up to the cursor, and what may come there; one that is no list is among what is offered.
GUNICORN: list[tuple[str, list[str] | str]] = [
    ("--log-level ", ["critical", "debug", "error", "info", "warning"]),
    ("--log-level=d", ["debug"]),
    ("-k ", sorted(SUPPORTED_WORKERS)),
    ("--cert-reqs ", ["0", "1", "2"]),
    ("--completion ", ["bash", "fish", "zsh"]),
    ("--http-protocols ", ["h1", "h2,h1"]),
    ("--certfile ", ["folder/", "my app.pem", "shop.py", "setup-it.py"]),
    ("-c sh", ["shop.py"]),
    ("--chdir ", ["folder/"]),
    ("--threads ", []),
    ("--health-path ", []),
    ("--work", ["--worker-class", "--worker-connections", "--worker-tmp-dir", "--workers"]),
    ("--reload --prelo", ["--preload"]),
    ("--proxy-protocol --relo", "--reload-engine"),
    ("--help ", "server-socket"),
    ("", "shop"),
    ("--reload sh", ["shop"]),
    ("-w 4 sh", ["shop"]),
]
GUNICORNC: list[tuple[str, list[str] | str]] = [
    ("", "reload"),
    ("sho", ["show"]),
    ("--json show ", ["all", "config", "dirty", "listeners", "requests", "stacks", "stats", "workers"]),
    ("wait re", ["ready", "reloaded"]),
    ("-o ", ["folder/", "my app.pem", "shop.py", "setup-it.py"]),
    ("--wa", ["--wait"]),
]
CASES = [*(("gunicorn", *case) for case in GUNICORN), *(("gunicornc", *case) for case in GUNICORNC)]


def needs(shell: str) -> str:
    """The path of a shell, or the test is left out."""
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed")
    return found


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder with files to complete, and beside it the scripts, by program and shell."""
    for shell in SHELLS:
        for name, run in (("gunicorn", Config(prog="gunicorn").parser().parse_args), ("gunicornc", gunicornc)):
            with pytest.raises(SystemExit) as done:
                run(["--completion", shell])
            assert done.value.code == 0
            (tmp_path / f"{name}.{shell}").write_text(capsys.readouterr().out)
    work = tmp_path / "work"
    (work / "folder").mkdir(parents=True)
    for name in ("shop.py", "setup-it.py", "my app.pem"):
        (work / name).touch()
    return work


def wrong(shell: str, told: list[list[str]]) -> list[object]:
    """The cases in which something else than expected was offered."""
    assert len(told) == len(CASES)
    return [
        (shell, prog, line, offered, expected)
        for (prog, line, expected), offered in zip(CASES, told, strict=True)
        if (sorted(offered) != sorted(expected) if isinstance(expected, list) else expected not in offered)
    ]


def bash_words(line: str) -> str:
    """What bash makes of a line: an equals sign is a word of its own."""
    words = line.replace("=", " = ").split(" ")
    return " ".join(f"'{word}'" for word in words)


def test_bash(folder: Path) -> None:
    lines = [f"source ../{name}.bash" for name in ("gunicorn", "gunicornc")]
    for prog, line, _ in CASES:
        lines += [f"COMP_WORDS=({prog} {bash_words(line)})", "COMP_CWORD=$((${#COMP_WORDS[@]}-1))", f"_{prog}"]
        # A slash behind a folder is readline's.
        lines.append('for word in "${COMPREPLY[@]}"; do [[ -d $word ]] && word+=/; printf "%s\\n" "$word"; done')
        lines.append("echo ..")
    text = run([needs("bash"), "--norc", "-c", "\n".join(lines)], folder)
    assert wrong("bash", [part.splitlines() for part in text.split("..\n")[:-1]]) == []


def test_fish(folder: Path) -> None:
    lines = [f"source ../{name}.fish" for name in ("gunicorn", "gunicornc")]
    lines += [f"complete -C '{prog} {line}'; echo .." for prog, line, _ in CASES]
    text = run([needs("fish"), "--no-config", "-c", "\n".join(lines)], folder)
    told = [[row.partition("\t")[0] for row in part.splitlines()] for part in text.split("..\n")[:-1]]
    # In the form `--flag=value` fish tells both.
    told = [[re.sub(r"^--[\w-]+=", "", row).replace("\\ ", " ") for row in part] for part in told]
    assert wrong("fish", told) == []


def run(command: list[str], folder: Path) -> str:
    env = {"PATH": os.environ["PATH"], "HOME": str(folder.parent), "TERM": "dumb"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=PATIENCE)
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("gunicorn --log-lev\tinf\t", "gunicorn --log-level=info "),
        ("gunicorn --reload sho\t", "gunicorn --reload shop:"),
        ("gunicorn --certfile my\t", "gunicorn --certfile my\\ app.pem "),
        ("gunicornc sho\tconf\t", "gunicornc show config "),
    ],
)
def test_zsh(folder: Path, line: str, completed: str) -> None:
    shell = needs("zsh")
    child, terminal = pty.fork()
    if not child:
        os.chdir(folder)
        os.execve(shell, [shell, "-f", "-i"], {"PATH": os.environ["PATH"], "HOME": str(folder.parent), "TERM": "dumb"})
    try:
        setup = "unsetopt zle_bracketed_paste; PS1='> '; autoload -Uz compinit; compinit -u -D; "
        setup += "source ../gunicorn.zsh; source ../gunicornc.zsh; "
        # What is in the line at the key ^X goes to a file.
        setup += "show() { print -rn -- $BUFFER > ../line }; zle -N show; bindkey '^X' show; print -n > ../ready\n"
        os.write(terminal, setup.encode())
        wait_until(lambda: drained(terminal) and (folder.parent / "ready").exists())
        os.write(terminal, line.encode() + b"\x18")
        told = folder.parent / "line"
        wait_until(lambda: drained(terminal) and told.exists() and told.read_text() != "")
        assert told.read_text() == completed
    finally:
        os.close(terminal)
        os.waitpid(child, 0)


def drained(terminal: int) -> bool:
    """Take what the shell has written, so that it never waits for a reader."""
    while select.select([terminal], [], [], 0)[0]:
        os.read(terminal, 65536)
    return True


@pytest.mark.parametrize("shell", SHELLS)
def test_what_shells_understand_is_quoted(shell: str) -> None:
    text = "It's `here`: $(touch gone) [x] \\ \"y\""
    made = script(shell, "a-b.c", [Option(("-x", "--xx"), text, "A:B", "text", ("a", "b"))], None)
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=made, text=True, check=True, timeout=PATIENCE)
    assert made.count("$(touch gone)") == (0 if shell == "bash" else made.count("here"))


def test_another_shell_is_refused_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        Config(prog="gunicorn").parser().parse_args(["--completion", "csh"])
    assert done.value.code == 2
    assert re.fullmatch(r"gunicorn: error: argument --completion: invalid choice: 'csh' .*\n", capsys.readouterr().err)
