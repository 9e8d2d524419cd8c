"""What a run needs and where it lies: environments of the peers, the floor, our own three forms, a big file.

Everything is made under ``.bench/`` once and reused. What cannot be made is named in one line and left out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BENCH = ROOT / ".bench"
APPS = ROOT / "benchmarks" / "apps"
FLOOR = BENCH / "floor"
WEBSOCKET_LOAD = BENCH / "websocket_load"
INSTRUCTIONS = BENCH / "instructions.so"
FILE = BENCH / "10MiB"
#: Files that servers answer with themselves, by their names and sizes.
STATIC = BENCH / "static"
STATIC_FILES = {"4k.bin": 4 << 10, "10m.bin": 10 << 20}
CERTIFICATE = BENCH / "certificate.pem"
KEY = BENCH / "key.pem"
COMPILED = BENCH / "compiled"
#: Another revision of ours, to compare with.
BEFORE = BENCH / "before"
PEERS = BENCH / "peers"
INCUMBENT = BENCH / "incumbent"

#: Distribution -> pip arguments. Each is installed by itself, so one that fails spoils no other.
PEER_PACKAGES: dict[str, tuple[str, ...]] = {
    "setuptools": ("setuptools<80", "wheel"),
    "cython": ("cython>=3.1",),
    "flask": ("flask",),
    "django": ("django",),
    "fastapi": ("fastapi",),
    "gevent": ("gevent",),
    "eventlet": ("eventlet",),
    "tornado": ("tornado",),
    "granian": ("granian",),
    "uvicorn": ("uvicorn", "httptools", "uvloop", "websockets"),
    # wants libuv at run time (Debian: libuv1)
    "socketify": ("socketify",),
    "hypercorn": ("hypercorn",),
    "waitress": ("waitress",),
    "whitenoise": ("whitenoise",),
    "cheroot": ("cheroot",),
    "uwsgi": ("uwsgi",),
    # wants libev's header (Debian: libev-dev)
    "bjoern": ("bjoern",),
    # its setup.py needs setuptools before 80
    "fastwsgi": ("--no-build-isolation", "fastwsgi"),
}
#: The incumbent bears our name, so it has an environment of its own.
INCUMBENT_PACKAGES: dict[str, tuple[str, ...]] = {
    "gunicorn": ("gunicorn[http2]==27.0.1",),
    "gunicorn_h1c": ("gunicorn_h1c",),
    "uvloop": ("uvloop",),
    # its gevent worker imports packaging
    "packaging": ("packaging",),
    "gevent": ("gevent",),
    "tornado": ("tornado",),
    "flask": ("flask",),
    "django": ("django",),
    "fastapi": ("fastapi",),
}


def python_of(venv: Path) -> Path:
    return venv / "bin" / "python"


def run_quietly(*command: str | Path, **options: object) -> str | None:
    """Run a command; None when it went well, else the last line it printed."""
    done = subprocess.run(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        **options,  # type: ignore[call-overload]
    )
    if done.returncode == 0:
        return None
    lines = [line for line in str(done.stdout).splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no output"


def ensure_venv(venv: Path) -> None:
    if not python_of(venv).exists():
        BENCH.mkdir(exist_ok=True)
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)


def pip_install(venv: Path, *arguments: str) -> str | None:
    return run_quietly(
        python_of(venv), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments
    )


def missing_packages() -> dict[str, str]:
    """Install what the peers need; package -> reason for those that could not be."""
    missing = install(PEERS, PEER_PACKAGES)
    for name, reason in install(INCUMBENT, INCUMBENT_PACKAGES).items():
        missing["incumbent" if name == "gunicorn" else f"incumbent's {name}"] = reason
    return missing


def install(venv: Path, packages: dict[str, tuple[str, ...]]) -> dict[str, str]:
    ensure_venv(venv)
    missing = {}
    for name, arguments in packages.items():
        if installed(venv, name):
            continue
        print(f"installing {name} for {venv.name} ...", file=sys.stderr)
        error = pip_install(venv, *arguments)
        if error:
            missing[name] = error
    return missing


def installed(venv: Path, distribution: str) -> bool:
    folders = (venv / "lib").glob("python*/site-packages/*.dist-info")
    return any(each.name.lower().startswith(distribution + "-") for each in folders)


def ensure_program(program: Path) -> str | None:
    """One of our C programs, or a library, built where its source is newer."""
    source = ROOT / "benchmarks" / f"{program.stem}.c"
    BENCH.mkdir(exist_ok=True)
    if program.exists() and program.stat().st_mtime > source.stat().st_mtime:
        return None
    kind = ("-shared", "-fPIC") if program.suffix == ".so" else ("-march=native",)
    return run_quietly("gcc", "-O3", *kind, "-Wall", "-o", program, source)


def ensure_certificate() -> str | None:
    """A certificate for the TLS scenarios, signed by itself, on the curve that most sites use."""
    if CERTIFICATE.exists() and KEY.exists():
        return None
    BENCH.mkdir(exist_ok=True)
    return run_quietly(
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-days", "3650", "-subj", "/CN=localhost", "-keyout", KEY, "-out", CERTIFICATE,
    )


def ensure_file() -> None:
    if not FILE.exists() or FILE.stat().st_size != 10 << 20:
        FILE.write_bytes(os.urandom(1 << 20) * 10)
    STATIC.mkdir(exist_ok=True)
    for name, size in STATIC_FILES.items():
        path = STATIC / name
        if not path.exists() or path.stat().st_size != size:
            path.write_bytes(os.urandom(4096) * (size // 4096))


def ensure_compiled() -> str | None:
    """A copy of the working tree with its extensions; only what changed is built again."""
    for name in ("gunicorn", "setup.py", "pyproject.toml", "README.md", "LICENSE"):
        copy_newer(ROOT / name, COMPILED / name)
    return compile_in(COMPILED, python_of(PEERS))


def ensure_before(revision: str, python: Path | None = None) -> str | None:
    """The same of a revision of this repository, made anew when it is another one than last time.

    `python`: for which it is compiled; that of the peers where none is named.
    """
    mark = BEFORE / ".revision"
    named = subprocess.run(
        ["git", "-C", str(ROOT), "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"],
        capture_output=True, text=True, check=False,
    )
    if named.returncode:
        return "no revision of this repository"
    python = python or python_of(PEERS)
    made = f"{named.stdout.strip()} {python}"
    if mark.exists() and mark.read_text() == made:
        return None
    shutil.rmtree(BEFORE, ignore_errors=True)
    BEFORE.mkdir(parents=True)
    archive = BENCH / "before.tar"
    error = run_quietly("git", "-C", ROOT, "archive", "--output", archive, named.stdout.strip())
    error = error or run_quietly("tar", "-xf", archive, "-C", BEFORE) or compile_in(BEFORE, python)
    if error is None:
        mark.write_text(made)
    return error


def compile_in(tree: Path, python: Path) -> str | None:
    return run_quietly(
        python, "setup.py", "--quiet", "build_ext", "--inplace",
        cwd=tree, env=os.environ | {"GUNICORN_REQUIRE_COMPILED": "1"},
    )


def copy_newer(source: Path, target: Path) -> None:
    """Copy a file or a tree with its times, skip what is the same, delete what is gone from the source."""
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        names = {
            each.name for each in source.iterdir() if each.name != "__pycache__" and each.suffix != ".so"
        }
        for each in target.iterdir():
            if each.name not in names and each.suffix in (".py", ".pyx", ".pxd"):
                each.unlink()
        for name in names:
            copy_newer(source / name, target / name)
    elif source.exists():
        same = target.exists() and target.stat().st_mtime == source.stat().st_mtime
        if not same:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
