"""The compiled build and the interpreted one: what runs, and that it can be chosen."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
import sysconfig
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from gunicorn import _build
from tests.support.server import REPOSITORY, clean_environment

LIST_MODULES = """
import sys
import gunicorn.wire.http1_head, gunicorn.engine.engine, gunicorn.wsgi.gateway
for name, module in sorted(sys.modules.items()):
    if name.startswith(("gunicorn.http.", "gunicorn.engine.", "gunicorn.wsgi.")):
        print(name, module.__file__)
"""
AGAIN = "`pip install --force-reinstall --no-cache-dir gunicorn`"
EXTENSION = Path(*_build.EXTENSION.split("."))


def python(tree: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    environment = clean_environment() | {"PYTHONPATH": str(tree)}
    environment.pop("GUNICORN_PURE", None)
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd="/", env=environment | env, capture_output=True, text=True, check=False
    )


def extension_of(tree: Path) -> Path:
    """The extension that this Python would load from there, if it is there."""
    return tree / f"{EXTENSION}{EXTENSION_SUFFIXES[0]}"


def is_compiled() -> bool:
    return extension_of(REPOSITORY).exists()


def imported(**env: str) -> dict[str, Path]:
    """Modules of the compiled rooms, and the file that each came from."""
    answer = python(REPOSITORY, "-c", LIST_MODULES, **env)
    assert answer.returncode == 0, answer.stderr
    lines = (line.partition(" ") for line in answer.stdout.splitlines())
    return {name: Path(file) for name, _, file in lines}


def test_version_says_which_build_runs() -> None:
    answer = python(REPOSITORY, "-m", "gunicorn", "--version")
    assert answer.returncode == 0, answer.stderr
    assert ("compiled" if is_compiled() else "interpreted") in answer.stdout
    assert "interpreted" in python(REPOSITORY, "-m", "gunicorn", "--version", GUNICORN_PURE="1").stdout


def test_all_or_nothing() -> None:
    """A half compiled tree does not import: every file with a declaration beside it is compiled, or none."""
    files = imported()
    assert files
    native = {name for name, file in files.items() if file == extension_of(REPOSITORY)}
    declared = {name for name in files if (REPOSITORY / (name.replace(".", "/") + ".pxd")).exists()}
    assert native == (declared if is_compiled() else set())


def test_pure_forces_the_source_files() -> None:
    assert {path.suffix for path in imported(GUNICORN_PURE="1").values()} == {".py"}


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source tree in which nothing is compiled."""
    tree = tmp_path_factory.mktemp("bare")
    shutil.copytree(REPOSITORY / "gunicorn", tree / "gunicorn", ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, tree / name)
    return tree


@pytest.mark.parametrize(("pure", "works"), [("1", True), ("0", False), ("", False)])
def test_pure_passes_by_an_extension(pure: str, works: bool, bare: Path) -> None:
    """With an extension that cannot be loaded, what is imported shows in whether it fails."""
    extension_of(bare).write_bytes(b"no shared object")
    try:
        answer = python(bare, "-c", "import gunicorn.wire.http1_head", GUNICORN_PURE=pure)
    finally:
        extension_of(bare).unlink()
    assert (answer.returncode == 0) is works, answer.stderr
    assert works or "ImportError" in answer.stderr


def test_an_extension_of_a_single_module_is_passed_by(bare: Path) -> None:
    """Builds of another day have left them beside the sources."""
    older = bare / "gunicorn" / "wire" / f"http1_head{EXTENSION_SUFFIXES[0]}"
    older.write_bytes(b"no shared object")
    try:
        answer = python(bare, "-c", "import gunicorn.wire.http1_head as m; print(m.__file__)")
    finally:
        older.unlink()
    assert answer.stdout.strip() == str(older.with_name("http1_head.py")), answer.stderr


OF_A_MODULE = """
import importlib, inspect, pickle, pkgutil, sys
import gunicorn
assert "gunicorn._compiled" not in sys.modules
sys.path_importer_cache.clear()
import gunicorn.engine.state, gunicorn.gateway.state, gunicorn.wire
for module in (gunicorn.engine.state, gunicorn.gateway.state):
    room = module.__name__.split(".")[1]
    assert module is sys.modules[f"gunicorn.{room}.state"]
    assert module.__package__ == module.__spec__.parent == f"gunicorn.{room}"
    assert module.__file__ == module.__spec__.origin == inspect.getfile(module)
    assert module.__spec__.has_location and not module.__spec__.loader.is_package(module.__name__)
    assert importlib.reload(module) is module
assert gunicorn.engine.state.EngineState.__module__ == "gunicorn.engine.state"
assert pickle.loads(pickle.dumps(gunicorn.engine.state.EngineState)) is gunicorn.engine.state.EngineState
assert importlib.util.find_spec("gunicorn.wire.nothing") is None
names = {found.name for found in pkgutil.iter_modules(gunicorn.wire.__path__)}
assert {"http1", "http1_head", "websocket"} <= names
assert gunicorn.wire.__spec__.loader.is_package("gunicorn.wire")
"""


@pytest.mark.parametrize("pure", ["", "1"])
def test_a_module_is_an_ordinary_one(pure: str) -> None:
    """Of either build; two of them have the same last name."""
    answer = python(REPOSITORY, "-c", OF_A_MODULE, GUNICORN_PURE=pure)
    assert answer.returncode == 0, answer.stderr


@pytest.mark.skipif(_build.build_kind() != "compiled", reason="nothing is compiled")
@pytest.mark.parametrize(
    ("spec", "refused", "said"),
    [
        (1, AttributeError, "'int' object has no attribute 'name'"),
        (SimpleNamespace(name=1), TypeError, "a spec's name is text"),
        (SimpleNamespace(name="gunicorn.engine"), ImportError, "'gunicorn.engine' is not in this extension"),
        (SimpleNamespace(name="gunicorn.wire.http1\0"), ImportError, "'gunicorn.wire.http1\\x00' is not in this"),
        (SimpleNamespace(name="\ud800"), ImportError, "'\\ud800' is not in this extension"),
    ],
)
def test_the_extension_makes_its_own_modules_alone(spec: object, refused: type[Exception], said: str) -> None:
    extension = import_module(_build.EXTENSION)
    with pytest.raises(refused, match=re.escape(said)):
        extension.create(spec)
    assert "gunicorn.wire.http1" in extension.modules


def build_of(tree: Path, **env: str) -> str:
    answer = python(tree, "-c", "from gunicorn import _build; print(_build.told())", **env)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.strip()


def test_a_build_says_why_it_is_interpreted(bare: Path, tmp_path: Path) -> None:
    assert build_of(REPOSITORY, GUNICORN_PURE="1") == "interpreted (GUNICORN_PURE is set)"
    assert build_of(bare) == "interpreted (nothing is compiled in this source tree: make build-inplace)"
    # As pip does it; this one cannot use the environment of the tests, which may have no setuptools.
    pytest.importorskip("setuptools")
    build = [str(bare / "setup.py"), "--quiet", "build", "--build-lib", str(tmp_path / "built")]
    done = python(bare, *build, GUNICORN_PURE="1")
    assert done.returncode == 0, done.stderr
    assert "building the interpreted package" in done.stderr
    assert build_of(tmp_path / "built") == (
        f"interpreted (GUNICORN_PURE was set when it was installed; {AGAIN} without it compiles)"
    )
    (tmp_path / "built" / "gunicorn" / "_compiled.cpython-399-x86_64-linux-gnu.so").write_bytes(b"")
    assert build_of(tmp_path / "built") == (
        "interpreted (its extension is for another Python: _compiled.cpython-399-x86_64-linux-gnu.so)"
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
    if expected == "compiled":
        (extension,) = handed["ext_modules"]
        names = {module.name for module in extension.modules}
        assert extension.name == "gunicorn._compiled"
        assert "gunicorn.wire.http1_head" in names
        assert len(names) == len(script["compiled_sources"]())
        assert len({extension.symbol(module) for module in extension.modules}) == len(names)
        assert script["Interpreted"].reason == ""
    else:
        assert not handed["ext_modules"]
        assert script["Interpreted"].reason == expected
        # Where something would have it compiled, that is told; the rest is as it has to be.
        told = AGAIN in script["Interpreted"].remedy
        assert told is not expected.startswith(("the system was not", "Python was free-threaded"))


class Recorder(Compiler):
    """Writes what it is to compile, and with what, into the object."""

    def object_filenames(self, sources: list[str], output_dir: str) -> list[str]:
        return [str(Path(output_dir, f"{Path(source).name}.o")) for source in sources]

    def compile(self, sources: list[str], *, output_dir: str, macros: Any, **_: Any) -> None:
        (made,) = self.object_filenames(sources, output_dir)
        Path(made).parent.mkdir(parents=True, exist_ok=True)
        Path(made).write_text(dict(macros)["PyInit_state"])


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """The names of `setup.py`, which builds nothing."""
    setuptools = pytest.importorskip("setuptools")
    monkeypatch.setattr(setuptools, "setup", lambda **arguments: None)
    monkeypatch.setenv("GUNICORN_PURE", "1")
    for name in ("REQUIRE_COMPILED", "CHECKED", "SANITIZED"):
        monkeypatch.delenv(f"GUNICORN_{name}", raising=False)
    # Is where it was before at the end; `setup.py` goes to its own folder.
    monkeypatch.chdir(tmp_path)
    return runpy.run_path(str(REPOSITORY / "setup.py"))


def test_what_is_compiled_again(script: dict[str, Any], tmp_path: Path) -> None:
    """What has changed; two modules of one last name do not clash."""
    setuptools = pytest.importorskip("setuptools")
    sources = [tmp_path / room / "state.c" for room in ("engine", "gateway")]
    for source in sources:
        source.parent.mkdir()
        source.write_text("")
    modules = [setuptools.Extension(f"gunicorn.{source.parent.name}.state", [str(source)]) for source in sources]
    linked = script["Linked"](modules)
    command = script["AllOrNothing"](setuptools.Distribution())
    command.compiler, command.force = Recorder(), False
    for module in modules:
        command.build_temp = str(tmp_path / module.name)
        made = Path(command.compile_module(linked, module))
        assert made.read_text() == "PyInit_" + module.name.replace(".", "__")
        # Objects of a checked or a sanitized build are not taken for those of this one.
        assert made.parent.name == script["KIND"] == "cython"
    for changed, again in ((made, False), (sources[1], True)):
        made.write_text("as it was")
        os.utime(changed, (2e9, 2e9))
        command.compile_module(linked, module)
        assert (made.read_text() != "as it was") is again


@pytest.mark.parametrize("error", ["CompileError", "LinkError", "ExecError"])
def test_what_does_not_compile_is_interpreted(
    error: str, script: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nothing is left of the extension, and the package says why."""
    setuptools = pytest.importorskip("setuptools")

    def run(command: Any) -> None:
        raise getattr(import_module("setuptools.errors"), error)("out of memory")

    monkeypatch.setattr(script["build_ext"], "run", run)
    command = script["AllOrNothing"](setuptools.Distribution())
    command.build_lib, command.inplace = str(tmp_path), False
    command.extensions = [script["Linked"]([])]
    command.get_ext_fullpath = lambda name: str(tmp_path / f"{name}.so")
    (tmp_path / "gunicorn").mkdir()
    (tmp_path / "gunicorn._compiled.so").write_bytes(b"")
    command.run()
    assert command.extensions == []
    assert not (tmp_path / "gunicorn._compiled.so").exists()
    assert (tmp_path / "gunicorn" / _build.NOTE).read_text() == (
        f"compiling failed (out of memory) when it was installed; {AGAIN} with -v shows how\n"
    )


def test_what_older_builds_have_left_is_removed(script: dict[str, Any], tmp_path: Path) -> None:
    """A wheel that is made where an older build was has none of its extensions."""
    setuptools = pytest.importorskip("setuptools")
    command = script["AllOrNothing"](setuptools.Distribution())
    command.build_lib, command.inplace = str(tmp_path), False
    older = tmp_path / "gunicorn" / "wire" / f"http1_head{EXTENSION_SUFFIXES[0]}"
    kept = older.with_name("http1_head.py")
    older.parent.mkdir(parents=True)
    for path in (older, kept):
        path.write_bytes(b"")
    command.forget_older()
    assert [path.name for path in older.parent.iterdir()] == [kept.name]


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
    monkeypatch.delenv("GUNICORN_PURE", raising=False)
    monkeypatch.setattr(sys, "abiflags", flags)
    monkeypatch.setattr(_build, "build_kind", lambda: kind)
    monkeypatch.setattr(_build, "_package", lambda: str(tmp_path))
    assert _build.told() == said
