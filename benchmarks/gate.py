"""Whether a change costs instructions: `python -m benchmarks.gate` compares each scenario with `instructions.json`.

Exit status 0: every figure is within a hundredth of its reference, or has none here. 1: one is beyond. 2: something did
not work. 77: this machine cannot count.
"""

from __future__ import annotations

import argparse
import functools
import json
import platform
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import environment, instructions
from benchmarks.instructions import BY_NAME, SCENARIOS, Counted
from benchmarks.measure import ServerFailed

REFERENCE = Path(__file__).with_name("instructions.json")
#: The share of the reference by which a figure may differ.
TOLERANCE = 0.01
#: Where objects lie in memory decides which of them share a place in the interpreter's caches, and a change far from
#: the hot path moves them: up to 2 % by luck. So what seems too much is counted with other layouts; the least counts.
LAYOUTS = 5
#: Instructions do not become more when others run beside them.
AT_ONCE = 2
CANNOT_COUNT = 77

#: What a figure depends on besides our code.
Environment = dict[str, str]


class Entry(NamedTuple):
    """Figures of one environment: scenario -> instructions a request, and the packages that are in them."""

    environment: Environment
    instructions: dict[str, int]
    packages: dict[str, Environment]

    def of(self, scenario: Counted, packages: Environment) -> int | None:
        """The reference of a scenario, where it was counted with these packages."""
        same = self.packages.get(scenario.name, {}) == packages
        return self.instructions.get(scenario.name) if same else None


# The file.


def read(path: Path) -> list[Entry]:
    return [Entry(**entry) for entry in json.loads(path.read_text("utf-8"))]


def write(path: Path, entries: Iterable[Entry]) -> None:
    path.write_text(json.dumps([entry._asdict() for entry in entries], indent=1, sort_keys=True) + "\n", "utf-8")


def entry_of(entries: Iterable[Entry], here: Environment) -> Entry:
    """The one of this environment; an empty one where there is none."""
    return next((entry for entry in entries if entry.environment == here), Entry(here, {}, {}))


def updated(entries: list[Entry], here: Environment, counts: dict[Counted, int], packages: Packages) -> list[Entry]:
    """The entries with these figures in that of `here`.

    What other environments have of a scenario whose figure has moved was counted with other code, and goes.
    """
    mine = entry_of(entries, here)
    moved = {
        scenario.name for scenario, count in counts.items()
        if not is_within(count, mine.of(scenario, packages(scenario)) or 0)
    }
    others = [without(entry, moved) for entry in entries if entry.environment != here]
    figures = {scenario.name: count for scenario, count in counts.items()}
    used = {scenario.name: packages(scenario) for scenario in counts if scenario.packages}
    mine = Entry(here, mine.instructions | figures, mine.packages | used)
    return [*(entry for entry in others if entry.instructions), mine]


def without(entry: Entry, names: set[str]) -> Entry:
    def kept(table: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in table.items() if name not in names}

    return Entry(entry.environment, kept(entry.instructions), kept(entry.packages))


# The environment.


Packages = Callable[[Counted], Environment]


def environment_here() -> Environment:
    """An interpreter of the same version that was built otherwise runs other instructions, so its build is named."""
    return {
        "python": f"{platform.python_implementation()} {' '.join(sys.version.split())}",
        "compiler": first_line(*str(sysconfig.get_config_var("CC") or "cc").split()[:1], "--version"),
        "cython": version("cython"),
        "libc": " ".join(platform.libc_ver()),
        "machine": f"{platform.machine()} {vectors(Path('/proc/cpuinfo').read_text())}",
        "valgrind": first_line("valgrind", "--version"),
    }


def packages_here(scenario: Counted) -> Environment:
    return {name: version(name) for name in scenario.packages}


def first_line(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0].strip()


def vectors(cpuinfo: str) -> str:
    """The registers for which the C library chooses its functions, as far as valgrind has them."""
    flags = next((line.split() for line in cpuinfo.splitlines() if line.startswith("flags")), [])
    return next((name for name in ("avx2", "avx") if name in flags), "")


def missing() -> str | None:
    """What is not here and has to be."""
    if not shutil.which("valgrind"):
        return "valgrind is not installed"
    names = {"cython", *(name for scenario in SCENARIOS for name in scenario.packages)}
    return next((f"{name} is not installed" for name in sorted(names) if not is_installed(name)), None)


def is_installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def is_compiled(tree: Path) -> bool:
    return (tree / "gunicorn" / f"_compiled{sysconfig.get_config_var('EXT_SUFFIX')}").exists()


# Counting and judging.


class Verdict(NamedTuple):
    scenario: Counted
    #: None: there is none for this environment.
    reference: int | None
    count: int

    @property
    def passes(self) -> bool:
        return self.reference is None or is_within(self.count, self.reference)

    def __str__(self) -> str:
        name, title = self.scenario.name, self.scenario.title
        if self.reference is None:
            return f"{name:10} {'':>9} {self.count:>9,}  no reference here  {title}"
        change = (self.count / self.reference - 1) * 100
        word = "ok" if self.passes else "MORE" if change > 0 else "FEWER"
        return f"{name:10} {self.reference:>9,} {self.count:>9,} {change:>+7.2f} %  {word:9}  {title}"


def is_within(count: int, reference: int) -> bool:
    return abs(count - reference) <= reference * TOLERANCE


def least(count: Callable[[int], int], reference: int | None = None) -> int:
    """The least of the counts of all layouts; the first is enough where it is within the reference, or below."""
    found = count(0)
    for layout in range(1, LAYOUTS):
        if reference is not None and found <= reference * (1 + TOLERANCE):
            break
        found = min(found, count(layout))
    return found


def counted(tree: Path, scenario: Counted, layout: int) -> int:
    profile = environment.BENCH / "instructions" / f"{scenario.name}.callgrind"
    return round(instructions.count(scenario, tree, layout, profile if tree == environment.ROOT else None))


def judged(tree: Path, reference: Callable[[Counted], int | None], scenario: Counted) -> Verdict:
    known = reference(scenario)
    count = functools.partial(counted, tree, scenario)
    return Verdict(scenario, known, least(count, known) if known is not None else count(0))


def at_once(judge: Callable[[Counted], Verdict], chosen: list[Counted]) -> Iterator[Verdict]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(judge, chosen)


def exhaustive(tree: Path, scenario: Counted) -> Verdict:
    """The least of all layouts, for figures that become a reference."""
    return Verdict(scenario, None, least(functools.partial(counted, tree, scenario)))


# The command.


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gate", description=__doc__)
    parser.add_argument("--scenario", default=",".join(BY_NAME), help="names, comma separated (default: all)")
    parser.add_argument("--update", action="store_true", help="write the figures of this environment")
    parser.add_argument("--before", metavar="REVISION", help="compare with that revision instead of the file")
    return parser.parse_args()


def reference_from_file(here: Environment) -> Callable[[Counted], int | None]:
    mine = entry_of(read(REFERENCE), here)
    if not mine.instructions:
        print(f"no reference for {here['python']} here; --before REVISION compares with another revision")
    return lambda scenario: mine.of(scenario, packages_here(scenario))


def reference_from_revision(revision: str, chosen: list[Counted]) -> Callable[[Counted], int | None]:
    """Raises ServerFailed where that revision cannot be built."""
    error = environment.ensure_before(revision, Path(sys.executable))
    if error:
        raise ServerFailed(f"{revision}: {error}")
    before = {each.scenario: each.count for each in at_once(functools.partial(exhaustive, environment.BEFORE), chosen)}
    return before.get


def compare(options: argparse.Namespace, chosen: list[Counted]) -> int:
    if options.before:
        reference = reference_from_revision(options.before, chosen)
    else:
        reference = reference_from_file(environment_here())
    verdicts = []
    for verdict in at_once(functools.partial(judged, environment.ROOT, reference), chosen):
        print(verdict, flush=True)
        verdicts.append(verdict)
    failed = [each.scenario.name for each in verdicts if not each.passes]
    if failed:
        print(
            f"beyond 1 %: {', '.join(failed)}; if that is meant: make bench-gate ARGS=--update."
            " callgrind_annotate .bench/instructions/NAME.callgrind shows where they are"
        )
    return 1 if failed else 0


def update(chosen: list[Counted]) -> int:
    counts = {}
    for verdict in at_once(functools.partial(exhaustive, environment.ROOT), chosen):
        print(verdict, flush=True)
        counts[verdict.scenario] = verdict.count
    entries = read(REFERENCE) if REFERENCE.exists() else []
    write(REFERENCE, updated(entries, environment_here(), counts, packages_here))
    return 0


def main() -> int:
    options = arguments()
    try:
        chosen = [BY_NAME[name] for name in options.scenario.split(",")]
    except KeyError as error:
        print(f"unknown scenario {error}; there are {', '.join(BY_NAME)}", file=sys.stderr)
        return 2
    reason = missing()
    if reason:
        print(f"nothing can be counted here: {reason}")
        return CANNOT_COUNT
    if not is_compiled(environment.ROOT):
        print("the compiled build is what is counted: make build-inplace", file=sys.stderr)
        return 2
    error = environment.ensure_program(environment.INSTRUCTIONS)
    if error:
        print(f"nothing can be counted here: {error}")
        return CANNOT_COUNT
    try:
        return update(chosen) if options.update else compare(options, chosen)
    except ServerFailed as failure:
        print(failure, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
