"""What is written down about the settings is what the code says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

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


def test_there_are_examples() -> None:
    assert [file.suffix for file in EXAMPLES] == [".py", ".toml"]
