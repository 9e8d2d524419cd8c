"""Builds the hot path as one extension where that is possible, and an ordinary pure package where it is not.

Every ``.py`` of the compiled rooms that has a ``.pxd`` of the same name beside it is compiled by Cython, and
so is every ``.pyx``; what comes out is linked into ``gunicorn._compiled``. The ``.py`` files are installed in either
case: they are what runs interpreted. The rules of compiled code are in docs/compiled.md.

Environment, read at build time:

GUNICORN_PURE=1     build no extension
GUNICORN_REQUIRE_COMPILED=1
                    fail where the package would be interpreted, and build the extension where it is not built unasked
                    (a free-threaded Python)
GUNICORN_CHECKED=1  keep all checks for None and negative indices, and make the leaves assert what they have
                    drawn in (slower; for the tests)
GUNICORN_SANITIZED=1
                    build with AddressSanitizer and UBSan (gcc or clang); `python -m tests.sanitized` does that in a
                    copy, and runs the tests with the runtime in front. Besides GUNICORN_CHECKED, or without it: what
                    is checked cannot be seen to be wrong
SOURCE_DATE_EPOCH=N seconds since 1970, of the release: the same sources give the same archives, octet for octet
"""

from __future__ import annotations

import gzip
import os
import runpy
import sys
import sysconfig
import tarfile
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist
from setuptools.errors import BaseError, CCompilerError

ROOT = Path(__file__).resolve().parent
# The list has one home, which is read without importing the package.
BUILD = runpy.run_path(str(ROOT / "gunicorn" / "_build.py"))
ROOMS = BUILD["COMPILED_ROOMS"]
CHECKED = bool(os.environ.get("GUNICORN_CHECKED"))
SANITIZED = bool(os.environ.get("GUNICORN_SANITIZED"))
REQUIRED = bool(os.environ.get("GUNICORN_REQUIRE_COMPILED"))
# What one kind of build has compiled is none of another's; what Cython has made of the sources depends on less.
KIND = "-".join(["cython", *["checked"] * CHECKED, *["sanitized"] * SANITIZED])
GENERATED = Path("build", "cython-checked" if CHECKED else "cython")
# A null pointer ends the process by itself, and what the compiler knows of an object's size AddressSanitizer knows
# better; to look for those at every access takes most of the time of such a build.
SANITIZERS = [
    "-fsanitize=address,undefined", "-fno-sanitize=null,object-size,alignment", "-fno-sanitize-recover=undefined",
]
DIRECTIVES = {
    "language_level": 3,
    # The annotations are for mypy; the C types come from the .pxd alone, otherwise `n: int` and
    # `Py_ssize_t n` for the same argument would not build.
    "annotation_typing": False,
    # An index outside of a list, a tuple or octets raises, as it does interpreted. The few loops that must not ask
    # every time go through a `const unsigned char *`, and see to its bounds themselves.
    "boundscheck": True,
    "wraparound": CHECKED,
    "initializedcheck": CHECKED,
    "cdivision": True,
    # Nobody pickles a connection; the functions for it would be an eighth of the code, and made at each start.
    "auto_pickle": False,
}


# What every request runs through, where asking each time whether an attribute is None costs two percent of all. Their
# attributes are set once, by C, and are read-only to Python; all other modules ask.
TRUSTING = {
    "gunicorn.asgi.cycle", "gunicorn.asgi.gateway", "gunicorn.asgi.http", "gunicorn.asgi.waiting",
    "gunicorn.drivers.http1", "gunicorn.drivers.http1_ending", "gunicorn.drivers.http1_requests",
    "gunicorn.engine.engine", "gunicorn.engine.transport", "gunicorn.wire.http1", "gunicorn.wire.http1_head",
    "gunicorn.wire.http1_request_line", "gunicorn.wire.protocol",
    "gunicorn.wsgi.environ", "gunicorn.wsgi.gateway", "gunicorn.wsgi.handed", "gunicorn.wsgi.response",
    "gunicorn.gateway.gateway", "gunicorn.gateway.response", "gunicorn.gateway.turn",
}

# Functions that can be marked: an application is handed `receive` and `send`, and may ask whether they are coroutine
# functions. All others are plain functions of C, which have no signature to look at, and cost a start and the memory
# of each process a third less.
MARKED = "gunicorn.asgi."


def compiled_sources() -> list[Path]:
    """What to compile, relative to the project: each ``.pyx``, and each ``.py`` with a ``.pxd`` beside it."""
    found: dict[Path, Path] = {}
    for room in ROOMS:
        folder = ROOT / "gunicorn" / room
        for pxd in sorted(folder.glob("*.pxd")):
            if pxd.with_suffix(".py").exists():
                found[pxd.with_suffix("")] = pxd.with_suffix(".py")
        # A .pyx with an interpreted twin of the same name is the one that is compiled.
        for pyx in sorted(folder.glob("*.pyx")):
            found[pyx.with_suffix("")] = pyx
    return [path.relative_to(ROOT) for path in found.values()]


def compiler_works() -> bool:
    """Whether a C file that includes Python.h compiles here; found out before anything is promised to pip."""
    from setuptools._distutils.ccompiler import new_compiler
    from setuptools._distutils.errors import CompileError, DistutilsPlatformError
    from setuptools._distutils.sysconfig import customize_compiler, get_python_inc

    with tempfile.TemporaryDirectory() as folder:
        probe = Path(folder, "probe.c")
        probe.write_text("#include <Python.h>\nint probe(void) { return PY_MAJOR_VERSION; }\n")
        try:
            compiler = new_compiler()
            customize_compiler(compiler)
            compiler.compile([str(probe)], output_dir=folder, include_dirs=[get_python_inc()])
        except (CompileError, DistutilsPlatformError, OSError):
            return False
    return True


def is_free_threaded() -> bool:
    """Whether this Python can do without its GIL, which the first of our extensions would switch on for all threads.

    They do not declare that they need none: attributes with C types and the caches of the gateways lean on it.
    """
    return bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


def compiler_flags() -> list[str]:
    if SANITIZED:
        return ["-O1", "-g1", "-fno-omit-frame-pointer", "-fno-semantic-interposition", *SANITIZERS]
    # What is called outside goes through one table of addresses; without -fno-plt there would be one of jumps, too.
    return ["-O1" if CHECKED else "-O2", "-g0", "-fno-semantic-interposition", "-fno-plt", "-fvisibility=hidden"]


#: pip keeps what it has built, and would take that again.
AGAIN = "`pip install --force-reinstall --no-cache-dir gunicorn`"


class Interpreted:
    """Why this package is interpreted; empty while it is not. A start says it, as pip shows nothing of a build."""

    reason = ""
    remedy = ""

    @classmethod
    def because(cls, reason: str, remedy: str = "") -> None:
        """`remedy`: what would have it compiled, where something would; `AGAIN` is what to type then."""
        if REQUIRED:
            raise SystemExit(f"gunicorn: {reason}, but GUNICORN_REQUIRE_COMPILED is set")
        cls.reason, cls.remedy = reason, remedy
        print(f"gunicorn: {reason}, building the interpreted package", file=sys.stderr)

    @classmethod
    def note(cls, folder: str) -> None:
        remedy = f"; {cls.remedy}" if cls.remedy else ""
        Path(folder, "gunicorn", "build_note.txt").write_text(f"{cls.reason} when it was installed{remedy}\n")


def extensions() -> list[Extension]:
    """The extension to build; an empty list means the pure package."""
    if os.environ.get("GUNICORN_PURE"):
        Interpreted.because("GUNICORN_PURE was set", f"{AGAIN} without it compiles")
        return []
    if not REQUIRED and not sys.platform.startswith("linux"):
        Interpreted.because("the system was not Linux")
        return []
    if not REQUIRED and is_free_threaded():
        Interpreted.because("Python was free-threaded")
        return []
    sources = compiled_sources()
    if not sources:
        return []
    try:
        from Cython.Build import cythonize
    except ImportError:
        Interpreted.because("Cython was not there", f"{AGAIN} without --no-build-isolation brings it")
        return []
    if not compiler_works():
        Interpreted.because(
            "there was no C compiler, or Python's headers were missing",
            f"`apt install gcc libc6-dev python3-dev`, or what your system calls them, then {AGAIN}",
        )
        return []
    modules = [Extension(".".join(source.with_suffix("").parts), [str(source)]) for source in sources]
    built: list[Extension] = []
    # Directives are those of a call, so there is one for each kind.
    kinds: dict[tuple[bool, bool], list[Extension]] = {}
    for module in modules:
        kinds.setdefault((CHECKED or module.name not in TRUSTING, module.name.startswith(MARKED)), []).append(module)
    for (nonecheck, binding), those in kinds.items():
        built += cythonize(
            those,
            compiler_directives=DIRECTIVES | {"nonecheck": nonecheck, "binding": binding},
            build_dir=str(GENERATED),
            nthreads=0,
            quiet=True,
        )
    return [Linked(sorted(built, key=lambda module: module.name))]


class Linked(Extension):
    """The one extension, of many modules."""

    def __init__(self, modules: list[Extension]) -> None:
        self.modules = modules
        super().__init__(
            BUILD["EXTENSION"],
            [str(Path("gunicorn", "_compiled.c"))],
            include_dirs=[str(GENERATED)],
            extra_compile_args=compiler_flags(),
            extra_link_args=SANITIZERS if SANITIZED else [],
        )

    @staticmethod
    def symbol(module: Extension) -> str:
        """What the initialization of a module is called; left alone, it would have the last part of its name alone."""
        return "PyInit_" + module.name.replace(".", "__")

    def macros(self, module: Extension) -> list[tuple[str, str | None]]:
        macros: list[tuple[str, str | None]] = [
            ("PyInit_" + module.name.rpartition(".")[2], self.symbol(module)), ("CYTHON_NO_PYINIT_EXPORT", None),
        ]
        return [*macros, ("GUNICORN_CHECKED", "1")] if CHECKED else macros

    def write_list(self) -> None:
        """Write what `_compiled.c` includes, unless it is as it was."""
        header = GENERATED / "modules.h"
        lines = [f'MODULE({self.symbol(module)}, "{module.name}")\n' for module in self.modules]
        if not header.exists() or header.read_text() != "".join(lines):
            header.parent.mkdir(parents=True, exist_ok=True)
            header.write_text("".join(lines))
        self.depends = [str(header)]


class Noted(build_py):
    """Ships the reason with a package that is interpreted."""

    def run(self) -> None:
        super().run()
        if Interpreted.reason and not self.editable_mode:
            Interpreted.note(self.build_lib)


class AllOrNothing(build_ext):
    """Ships every module or none: they know each other's C layout, half a set fails on import."""

    def finalize_options(self) -> None:
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count()

    def run(self) -> None:
        self.forget_older()
        try:
            super().run()
        except (BaseError, CCompilerError, OSError) as error:
            if REQUIRED:
                raise
            Interpreted.because(f"compiling failed ({error})", f"{AGAIN} with -v shows how")
            self.forget_extensions()
            if not self.inplace:
                Interpreted.note(self.build_lib)

    def build_extension(self, ext: Linked) -> None:
        ext.write_list()
        # The longest first, or the others would wait for it.
        modules = sorted(ext.modules, key=lambda module: -Path(module.sources[0]).stat().st_size)
        with ThreadPoolExecutor(self.parallel) as threads:
            ext.extra_objects = sorted(threads.map(lambda module: self.compile_module(ext, module), modules))
        ext.depends += ext.extra_objects
        super().build_extension(ext)

    def compile_module(self, ext: Linked, module: Extension) -> str:
        """Compile what Cython has made of one module, unless that is done, and return the object's path."""
        folder, source = str(Path(self.build_temp, KIND)), module.sources[0]
        made = Path(self.compiler.object_filenames([source], output_dir=folder)[0])
        if not self.force and made.exists() and made.stat().st_mtime > Path(source).stat().st_mtime:
            return str(made)
        self.compiler.compile(
            [source], output_dir=folder, macros=ext.macros(module), extra_postargs=ext.extra_compile_args
        )
        return str(made)

    def forget_older(self) -> None:
        """Remove the extensions that older builds made of each module, which nobody would import any more."""
        for root in (Path(self.build_lib), *[ROOT] * self.inplace):
            for room in ROOMS:
                for stale in (root / "gunicorn" / room).glob("*.so"):
                    stale.unlink()

    def forget_extensions(self) -> None:
        for extension in self.extensions:
            places = {self.get_ext_fullpath(extension.name)}
            if self.inplace:
                places.add(str(ROOT / self.get_ext_filename(extension.name)))
            for place in places:
                Path(place).unlink(missing_ok=True)
        self.extensions = []
        self.distribution.ext_modules = []


class Dated(sdist):
    """The same archive from the same files, whoever builds it, where `SOURCE_DATE_EPOCH` says of when it is.

    setuptools does so for wheels.
    """

    def make_archive(self, base_name: str, format: str, *places: object, **options: object) -> str:
        epoch = os.environ.get("SOURCE_DATE_EPOCH")
        if format != "gztar" or not epoch:
            return super().make_archive(base_name, format, *places, **options)
        moment = int(epoch)

        def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
            member.mtime, member.uid, member.gid, member.uname, member.gname = moment, 0, 0, "", ""
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            return member

        path = f"{base_name}.tar.gz"
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with (
            open(path, "wb") as file,
            # The head of gzip would have a name and a time of its own.
            gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=moment) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            archive.add(str(options["base_dir"]), filter=plain)
        return path


os.chdir(ROOT)
# Where `man` looks beside the folder of a program. Whoever builds the package alone has no docs.
MANUAL = [name for name in ["docs/gunicorn.1", "docs/gunicornc.1"] if os.path.exists(name)]
setup(
    ext_modules=extensions(),
    cmdclass={"build_ext": AllOrNothing, "build_py": Noted, "sdist": Dated},
    data_files=[("share/man/man1", MANUAL)] if MANUAL else [],
)
