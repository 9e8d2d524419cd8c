"""What is released, the archive of sources and the wheels: what is in them, and that whoever builds gets the same."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from gunicorn import _build
from tests.support.proxies import need
from tests.support.server import REPOSITORY, clean_environment

pytest.importorskip("setuptools", minversion="77")

#: The compiler needs most of what a test may take where it has a processor to itself.
pytestmark = pytest.mark.timeout(1800)

#: What the archive is made of, and nothing that lies about in a checkout.
FOLDERS = ("gunicorn", "docs", "examples", "tests", "benchmarks")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.so", "*.egg-info", "staticfiles")
#: A Tuesday in the past.
EPOCH = "1700000000"
BUILD = "import sys; from setuptools import build_meta as b; print(getattr(b, 'build_' + sys.argv[1])(sys.argv[2]))"
#: Of the package, what is no Python file.
DATA = {"gunicorn/py.typed", "gunicorn/control/page.html"}


def checkout(folder: Path) -> Path:
    """A copy of the sources, with other dates and in another place than ours."""
    folder.mkdir()
    for name in FOLDERS:
        shutil.copytree(REPOSITORY / name, folder / name, ignore=LEFT_OUT, copy_function=shutil.copyfile)
    for path in REPOSITORY.iterdir():
        if path.is_file() and not path.name.startswith("."):
            shutil.copyfile(path, folder / path.name)
    return folder


def build(sources: Path, kind: str, **env: str) -> Path:
    """The archive that an installer would have the backend make: `kind` is sdist or wheel."""
    into = sources / "dist"
    environment = clean_environment({"SOURCE_DATE_EPOCH": EPOCH, "PYTHONPATH": "", **env})
    done = subprocess.run(
        [sys.executable, "-c", BUILD, kind, str(into)], cwd=sources, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return into / done.stdout.splitlines()[-1]


def unpack(archive: Path, into: Path) -> Path:
    with tarfile.open(archive) as packed:
        # Debian 12 has a Python that does not know filters yet.
        packed.extractall(into, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    (folder,) = into.iterdir()
    return folder


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(checkout(tmp_path_factory.mktemp("first") / "a"), "sdist")


@pytest.fixture(scope="module")
def wheel(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreted one, made of the archive, as pip makes it where there is no wheel."""
    return build(unpack(sources, tmp_path_factory.mktemp("unpacked")), "wheel", GUNICORN_PURE="1")


def members(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def package_of(wheel: Path) -> set[str]:
    return {name for name in members(wheel) if name.startswith("gunicorn/")}


def python_files() -> set[str]:
    return {path.relative_to(REPOSITORY).as_posix() for path in (REPOSITORY / "gunicorn").rglob("*.py")}


def test_what_is_in_the_interpreted_wheel(wheel: Path) -> None:
    """No tests, nothing that only a compiler reads, and all that runs."""
    assert wheel.name.endswith("-py3-none-any.whl")
    assert package_of(wheel) == python_files() | DATA | {f"gunicorn/{_build.NOTE}"}
    others = {name.partition("/")[2] for name in members(wheel) - package_of(wheel)}
    manuals = {f"data/share/man/man1/{name}.1" for name in ("gunicorn", "gunicornc")}
    assert others == manuals | {
        "METADATA", "RECORD", "WHEEL", "entry_points.txt", "top_level.txt", "licenses/LICENSE",
    }


def test_what_is_in_the_archive_of_sources(sources: Path) -> None:
    """All that builds and tests it; nothing that was built."""
    with tarfile.open(sources) as packed:
        names = {name.partition("/")[2] for name in packed.getnames()}
    kinds = {".py", ".pyx", ".pxd"}
    ours = {
        path.relative_to(REPOSITORY).as_posix()
        for folder in ("gunicorn", "tests", "examples") for path in (REPOSITORY / folder).rglob("*")
        if path.suffix in kinds
    }
    assert ours - names == set()
    assert names >= DATA | {"gunicorn/_compiled.c", "pyproject.toml", "setup.py", "Makefile", "docs/gunicornc.1"}
    assert {name for name in names if name.endswith((".c", ".so", ".pyc", ".cpp"))} <= {
        path.relative_to(REPOSITORY).as_posix()
        for path in [REPOSITORY / "gunicorn" / "_compiled.c", *REPOSITORY.glob("benchmarks/*.c"),
                     *REPOSITORY.glob("tests/support/*.c")]
    }


def test_whoever_builds_gets_the_same(sources: Path, wheel: Path, tmp_path: Path) -> None:
    again = checkout(tmp_path / "elsewhere")
    assert build(again, "sdist").read_bytes() == sources.read_bytes()
    assert build(again, "wheel", GUNICORN_PURE="1").read_bytes() == wheel.read_bytes()
    with tarfile.open(sources) as packed:
        assert {(member.mtime, member.uid, member.uname) for member in packed} == {(int(EPOCH), 0, "")}


def test_the_index_would_take_them(sources: Path, wheel: Path) -> None:
    pytest.importorskip("twine")
    command = [sys.executable, "-m", "twine", "check", "--strict", str(sources), str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_installed_wheel_serves_and_says_what_would_compile_it(wheel: Path, tmp_path: Path) -> None:
    pytest.importorskip("pip")
    folder = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = str(folder / "bin" / "python")
    quietly = [sys.executable, "-m", "pip", "--python", python, "--quiet", "--disable-pip-version-check"]
    subprocess.run([*quietly, "install", "--no-deps", "--no-index", str(wheel)], check=True)
    environment = clean_environment() | {"PYTHONPATH": ""}
    environment.pop("GUNICORN_PURE", None)
    smoke = [python, str(REPOSITORY / ".ci" / "smoke.py"), "interpreted"]
    done = subprocess.run(smoke, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (line,) = (line for line in done.stderr.splitlines() if "Build: " in line)
    assert line.endswith(
        "Build: interpreted (GUNICORN_PURE was set when it was installed; "
        "`pip install --force-reinstall --no-cache-dir gunicorn` without it compiles)"
    )
    assert (folder / "share" / "man" / "man1" / "gunicornc.1").exists()


@pytest.mark.slow
def test_the_compiled_wheel(tmp_path: Path) -> None:
    """Of what is compiled already; one module is made anew, in another folder, and comes out the same."""
    if _build.build_kind() != "compiled" or not (REPOSITORY / "build").is_dir():
        pytest.skip("nothing is compiled")
    pytest.importorskip("Cython")
    need("gcc")
    wheels = []
    for name in ("a", "elsewhere"):
        folder = tmp_path / name
        folder.mkdir()
        for part in (*FOLDERS, "build"):
            shutil.copytree(REPOSITORY / part, folder / part, ignore=LEFT_OUT)
        for path in REPOSITORY.iterdir():
            if path.is_file() and not path.name.startswith("."):
                shutil.copy2(path, folder / path.name)
        for stale in [path for path in (folder / "build").rglob("fields.*") if name != "a"]:
            stale.unlink()
        wheels.append(build(folder, "wheel", GUNICORN_REQUIRE_COMPILED="1"))
    extensions = {name for name in package_of(wheels[0]) if name.endswith(".so")}
    assert len(extensions) == 1
    assert package_of(wheels[0]) == python_files() | DATA | extensions
    assert "linux" in wheels[0].name
    assert wheels[0].name == wheels[1].name
    assert wheels[0].read_bytes() == wheels[1].read_bytes()
    # Where it was built is nobody's business, and would make it another one.
    with zipfile.ZipFile(wheels[0]) as archive:
        assert os.fsencode(tmp_path) not in archive.read(extensions.pop())
