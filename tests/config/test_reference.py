"""What is written down about the settings is what the code says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gunicorn.config import KNOWN_SETTINGS
from gunicorn.control.commands import COMMANDS
from tests.support.wait import PATIENCE

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples" / "config").glob("gunicorn.*"))


def test_the_reference_is_up_to_date() -> None:
    command = [sys.executable, str(ROOT / "docs" / "generate_settings.py"), "--check"]
    assert subprocess.run(command, timeout=PATIENCE).returncode == 0, "run python docs/generate_settings.py"


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_example_files_are_right(file: Path, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("def app(environ, start_response): ...\n")
    done = subprocess.run(
        [sys.executable, "-m", "gunicorn", "-c", str(file), "-b", "127.0.0.1:0", "--check-config", "app:app"],
        cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=PATIENCE,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def shown_by_man(name: str) -> str:
    """The page as a terminal has it, without bold letters."""
    if shutil.which("groff") is None:
        pytest.skip("groff is not installed")
    command = ["groff", "-man", "-ww", "-t", "-k", "-Tutf8", "-P-c", str(ROOT / "docs" / name)]
    done = subprocess.run(command, env={"PATH": os.environ["PATH"], "MANWIDTH": "80"}, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    shown = re.sub(r".\x08", "", done.stdout)
    # Neither Markdown is left of the descriptions, nor roff.
    assert re.findall(r"`|\]\(|\\\(|\\f[BIR]", shown) == []
    return shown


def test_the_manual_is_what_roff_understands() -> None:
    shown = shown_by_man("gunicorn.1")
    flags = {flag for setting in KNOWN_SETTINGS for flag in setting.cli or [setting.name]}
    assert {flag for flag in flags if not re.search(rf"^ +(\S+, )*{re.escape(flag)}\b", shown, re.MULTILINE)} == set()


def test_the_manual_of_the_control_program() -> None:
    shown = shown_by_man("gunicornc.1")
    names = [*COMMANDS, "top", "--socket", "--completion", "--version"]
    assert [name for name in names if not re.search(rf"^ +(-\w, )?{re.escape(name)}\b", shown, re.MULTILINE)] == []


def test_there_are_examples() -> None:
    assert [file.suffix for file in EXAMPLES] == [".py", ".toml"]
