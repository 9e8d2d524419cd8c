"""The in-process suites and a bounded fuzz on a build with AddressSanitizer and UBSan: `python -m tests.sanitized`.

The build stands in a copy of the checkout, `build/sanitized`, so that the one beside the sources stays as it is, and is
made anew as far as the sources have changed. Arguments are given to pytest; without any, the suites that start no
server are run, and as many executions of each fuzz target as `--executions` says (0: none).

The last line is pytest's summary. Exit status: pytest's, 1 when the fuzz has found something, 77 when the compiler has
no runtime for it (the reason is told).
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.server import REPOSITORY

FOLDER = REPOSITORY / "build" / "sanitized"
SUITES = [
    "tests/http", "tests/wire", "tests/engine", "tests/gateway", "tests/wsgi", "tests/logs", "tests/fuzz",
    "tests/system/wire/test_canaries.py::test_what_an_error_tells_was_sent",
]
EXECUTIONS = 20000
LEFT_OUT = 77
#: What the build consists of; benchmarks and documents are of no use to it.
PARTS = ("gunicorn", "tests", "setup.py", "pyproject.toml", "README.md", "LICENSE", "MANIFEST.in")


def runtime(compiler: str) -> list[str]:
    """The libraries that must be loaded before Python's own; empty when the compiler has none."""
    found = []
    for name in ("libasan.so", "libubsan.so"):
        answer = subprocess.run([compiler, f"-print-file-name={name}"], capture_output=True, text=True, check=False)
        # A compiler that knows no such file says its name alone.
        path = Path(answer.stdout.strip())
        if answer.returncode != 0 or not path.is_absolute() or not path.exists():
            return []
        found.append(str(path.resolve()))
    return found


def copy_sources() -> None:
    """Bring the copy up to date; times are kept, so that what has not changed is not compiled again."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    ignore = shutil.ignore_patterns("__pycache__", "*.so", "*.pyc")
    for name in PARTS:
        source, target = REPOSITORY / name, FOLDER / name
        if source.is_dir():
            for stale in target.rglob("*.p[yx]*"):
                if not (source / stale.relative_to(target)).exists():
                    stale.unlink()
            shutil.copytree(source, target, dirs_exist_ok=True, ignore=ignore)
        elif source.exists():
            shutil.copy2(source, target)


def build() -> None:
    environment = os.environ | {"GUNICORN_SANITIZED": "1", "GUNICORN_REQUIRE_COMPILED": "1"}
    environment.pop("GUNICORN_PURE", None)
    command = [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"]
    subprocess.run(command, cwd=FOLDER, env=environment, check=True)


def environment_of(libraries: list[str]) -> dict[str, str]:
    environment = os.environ | {
        "LD_PRELOAD": " ".join(libraries),
        # The interpreter never frees all of its own.
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1:detect_stack_use_after_return=0",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1:abort_on_error=1",
        # Every object is an allocation of its own, whose bounds the sanitizer knows.
        "PYTHONMALLOC": "malloc",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    environment.pop("GUNICORN_PURE", None)
    environment.pop("PYTHONPATH", None)
    return environment


def main() -> int:
    parser = argparse.ArgumentParser(description="Run tests on a sanitized build.")
    parser.add_argument("--executions", type=int, default=EXECUTIONS, help="of each fuzz target")
    parser.add_argument("--seed", default="1")
    options, arguments = parser.parse_known_args()
    compiler = os.environ.get("CC", "gcc").split()[0]
    if shutil.which(compiler) is None:
        print(f"left out: no {compiler}")
        return LEFT_OUT
    libraries = runtime(compiler)
    if not libraries:
        print(f"left out: {compiler} has no runtime for AddressSanitizer and UBSan")
        return LEFT_OUT
    copy_sources()
    build()
    environment = environment_of(libraries)
    fuzzed = 0
    if options.executions:
        fuzz = [sys.executable, "-m", "tests.fuzz.run", "--executions", str(options.executions), "--seed", options.seed]
        fuzzed = subprocess.run(fuzz, cwd=FOLDER, env=environment, check=False).returncode
    suite = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *(arguments or SUITES)]
    tested = subprocess.run(suite, cwd=FOLDER, env=environment, check=False).returncode
    return tested or (1 if fuzzed else 0)


if __name__ == "__main__":
    sys.exit(main())
