"""The compiled build and the interpreted one: what runs, and that it can be chosen."""

from __future__ import annotations

import runpy
import shutil
import subprocess
import sys
import sysconfig
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from gunicorn import _build
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


class Compiler:
    """One that does what it is told, or is not there."""

    works = True

    def compile(self, *_: Any, **__: Any) -> None:
        if not self.works:
            raise OSError("no compiler")


@pytest.mark.parametrize(
    ("machine", "environment", "expected"),
    [
        ("linux gcc cython", "", "compiled"),
        ("linux gcc cython", "REQUIRE_COMPILED", "compiled"),
        ("linux gcc cython", "PURE", "GUNICORN_PURE was set"),
        ("darwin gcc cython", "", "the system was not Linux"),
        ("linux gcc", "", "Cython was not there"),
        ("linux cython", "", "there was no C compiler, or Python's headers were missing"),
        ("linux gcc cython free-threaded", "", "Python was free-threaded"),
        ("linux gcc cython free-threaded", "REQUIRE_COMPILED", "compiled"),
        ("linux gcc cython", "PURE REQUIRE_COMPILED", "refused: GUNICORN_PURE was set"),
        ("linux gcc", "REQUIRE_COMPILED", "refused: Cython was not there"),
        ("linux cython", "REQUIRE_COMPILED", "refused: there was no C compiler, or Python's headers were missing"),
    ],
)
def test_what_setup_decides(
    machine: str, environment: str, expected: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Which extensions are built, if any, and what is told where none are; nothing is compiled for it."""
    setuptools = pytest.importorskip("setuptools")
    handed: dict[str, Any] = {}
    monkeypatch.setattr(setuptools, "setup", lambda **arguments: handed.update(arguments))
    monkeypatch.setattr(Compiler, "works", "gcc" in machine)
    # By their names: as attributes they may be the modules that are imported as `distutils`.
    monkeypatch.setattr(import_module("setuptools._distutils.ccompiler"), "new_compiler", Compiler)
    monkeypatch.setattr(import_module("setuptools._distutils.sysconfig"), "customize_compiler", lambda compiler: None)
    cython = ModuleType("Cython.Build")
    cython.cythonize = lambda modules, **options: modules  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "Cython", ModuleType("Cython"))
    monkeypatch.setitem(sys.modules, "Cython.Build", cython if "cython" in machine else None)  # type: ignore[arg-type]
    ask = sysconfig.get_config_var
    monkeypatch.setattr(
        sysconfig, "get_config_var", lambda name: "free" in machine if name == "Py_GIL_DISABLED" else ask(name)
    )
    monkeypatch.setattr(sys, "platform", machine.split()[0])
    for name in ("PURE", "REQUIRE_COMPILED", "CHECKED", "SANITIZED"):
        monkeypatch.delenv(f"GUNICORN_{name}", raising=False)
    for name in environment.split():
        monkeypatch.setenv(f"GUNICORN_{name}", "1")
    # Is where it was before at the end; `setup.py` goes to its own folder.
    monkeypatch.chdir(tmp_path)
    if expected.startswith("refused: "):
        with pytest.raises(SystemExit) as refusal:
            runpy.run_path(str(REPOSITORY / "setup.py"))
        reason = expected.removeprefix("refused: ")
        assert refusal.value.code == f"gunicorn: {reason}, but GUNICORN_REQUIRE_COMPILED is set"
        return
    script = runpy.run_path(str(REPOSITORY / "setup.py"))
    names = {extension.name for extension in handed["ext_modules"]}
    if expected == "compiled":
        assert "gunicorn.wire.http1_head" in names
        assert len(names) == len(script["compiled_sources"]())
        assert script["Interpreted"].reason == ""
    else:
        assert not names
        assert script["Interpreted"].reason == expected


@pytest.mark.parametrize(
    ("flags", "kind", "said"),
    [
        ("", "compiled", "compiled"),
        ("t", "compiled", "compiled (it switches on the GIL of this free-threaded Python)"),
        ("", "interpreted", "interpreted (nothing is compiled in this source tree: make build-inplace)"),
        ("t", "interpreted", "interpreted (this Python is free-threaded)"),
    ],
)
def test_a_free_threaded_python_is_told_of(
    flags: str, kind: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "wire").mkdir()
    monkeypatch.delenv("GUNICORN_PURE", raising=False)
    monkeypatch.setattr(sys, "abiflags", flags)
    monkeypatch.setattr(_build, "build_kind", lambda: kind)
    monkeypatch.setattr(_build, "_package", lambda: str(tmp_path))
    assert _build.told() == said
