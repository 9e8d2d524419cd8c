"""The compiled build and the interpreted one: what runs, and that it can be chosen."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from tests.support.server import REPOSITORY, clean_environment

LIST_MODULES = """
import sys
import gunicorn.wire.http1_head, gunicorn.engine.engine, gunicorn.wsgi.gateway
for name, module in sorted(sys.modules.items()):
    if name.startswith(("gunicorn.http.", "gunicorn.engine.", "gunicorn.wsgi.")):
        print(module.__file__)
"""


def python(tree: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    environment = clean_environment() | {"PYTHONPATH": str(tree)}
    environment.pop("GUNICORN_PURE", None)
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd="/", env=environment | env, capture_output=True, text=True, check=False
    )


def is_compiled() -> bool:
    suffixes = tuple(EXTENSION_SUFFIXES)
    return any(path.name.endswith(suffixes) for path in (REPOSITORY / "gunicorn" / "http").iterdir())


def test_version_says_which_build_runs() -> None:
    answer = python(REPOSITORY, "-m", "gunicorn", "--version")
    assert answer.returncode == 0, answer.stderr
    assert ("compiled" if is_compiled() else "interpreted") in answer.stdout
    assert "interpreted" in python(REPOSITORY, "-m", "gunicorn", "--version", GUNICORN_PURE="1").stdout


def test_all_or_nothing() -> None:
    """A half compiled tree does not import: every file with a declaration beside it is compiled, or none."""
    files = set(python(REPOSITORY, "-c", LIST_MODULES).stdout.split())
    assert files
    native = {path for path in files if path.endswith(tuple(EXTENSION_SUFFIXES))}
    declared = {path for path in files if Path(path).with_name(module_name(path) + ".pxd").exists()}
    assert native == (declared if is_compiled() else set())


def module_name(path: str) -> str:
    return Path(path).name.split(".")[0]


def test_pure_forces_the_source_files() -> None:
    answer = python(REPOSITORY, "-c", LIST_MODULES, GUNICORN_PURE="1")
    assert answer.returncode == 0, answer.stderr
    assert {Path(path).suffix for path in answer.stdout.split()} == {".py"}


@pytest.mark.parametrize(("pure", "works"), [("1", True), ("0", False), ("", False)])
def test_pure_passes_by_an_extension(pure: str, works: bool, tmp_path: Path) -> None:
    """With an extension that cannot be loaded, what is imported shows in whether it fails."""
    ignore = shutil.ignore_patterns("__pycache__", "*.so")
    shutil.copytree(REPOSITORY / "gunicorn", tmp_path / "gunicorn", ignore=ignore)
    (tmp_path / "gunicorn" / "wire" / f"http1_head{EXTENSION_SUFFIXES[0]}").write_bytes(b"no shared object")
    answer = python(tmp_path, "-c", "import gunicorn.wire.http1_head", GUNICORN_PURE=pure)
    assert (answer.returncode == 0) is works, answer.stderr


def build_of(tree: Path, **env: str) -> str:
    answer = python(tree, "-c", "from gunicorn import _build; print(_build.told())", **env)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.strip()


def test_a_build_says_why_it_is_interpreted(tmp_path: Path) -> None:
    assert build_of(REPOSITORY, GUNICORN_PURE="1") == "interpreted (GUNICORN_PURE is set)"
    source = tmp_path / "source"
    ignore = shutil.ignore_patterns("__pycache__", "*.so", "*.c")
    shutil.copytree(REPOSITORY / "gunicorn", source / "gunicorn", ignore=ignore)
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, source / name)
    assert build_of(source) == "interpreted (nothing is compiled in this source tree: make build-inplace)"
    # As pip does it; this one cannot use the environment of the tests, which may have no setuptools.
    pytest.importorskip("setuptools")
    build = [str(source / "setup.py"), "--quiet", "build", "--build-lib", str(tmp_path / "built")]
    done = python(source, *build, GUNICORN_PURE="1")
    assert done.returncode == 0, done.stderr
    assert "building the interpreted package" in done.stderr
    assert build_of(tmp_path / "built") == "interpreted (GUNICORN_PURE was set when it was installed)"
    for name in ("http1_head.cpython-399-x86_64-linux-gnu.so", "websocket.cpython-399-x86_64-linux-gnu.so"):
        (tmp_path / "built" / "gunicorn" / "wire" / name).write_bytes(b"")
    assert build_of(tmp_path / "built") == (
        "interpreted (its extensions are for another Python: http1_head.cpython-399-x86_64-linux-gnu.so)"
    )
