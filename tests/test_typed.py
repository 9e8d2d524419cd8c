"""What type checkers make of programs that use the package."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.server import REPOSITORY

PAGE = REPOSITORY / "docs" / "quickstart.md"

pytestmark = pytest.mark.slow


def test_the_example_of_the_docs_is_typed_and_a_mistake_is_found(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    section = PAGE.read_text(encoding="utf-8").partition("\n## Types\n")[2].partition("\n## ")[0]
    source = re.findall(r"```python\n(.*?)```", section, re.DOTALL)[0]
    (tmp_path / "hello.py").write_text("def app(environ, start_response): ...\n")
    (tmp_path / "right.py").write_text(source)
    (tmp_path / "wrong.py").write_text(source.replace("cfg.timeout", "cfg.tiemout").replace("cfg.bind", "cfg.workers"))
    done = subprocess.run(
        [sys.executable, "-m", "mypy", f"--cache-dir={tmp_path / 'cache'}", "right.py", "wrong.py"],
        cwd=tmp_path, env={"MYPYPATH": str(REPOSITORY)}, capture_output=True, text=True,
    )
    assert re.findall(r"^(\w+\.py):\d+: error: (.*? has no attribute \S+?)[ ;]", done.stdout, re.MULTILINE) == [
        ("wrong.py", '"Config" has no attribute "tiemout"'),
        ("wrong.py", '"int" has no attribute "__iter__"'),
    ]
    assert "right.py" not in done.stdout
