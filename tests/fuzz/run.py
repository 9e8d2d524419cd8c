"""Runs the fuzz targets: `python -m tests.fuzz.run [TARGET ...] [--executions N] [--seed WORD] [--compare K]`.

A target is a module here: `SPECIMENS` and `WORDS` to start from, and `make(rooms)`, which returns what is run with the


eces of an input and a number to choose by. Its first line is the invariant. Every input is given to the modules as they
are imported (compiled, checked or sanitized, as they were built), and every K-th one to the interpreted ones as well:
both must find the same, down to the text of an error.

Inputs come in batches, each with a seed of its own. When one breaks an invariant it is told; when one ends the process,
the file `build/fuzz/TARGET` names the batch, and `--batch` runs that one alone.
"""

from __future__ import annotations

import argparse
import importlib
import mmap
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from tests.fuzz.mutate import Mutator
from tests.fuzz.rooms import Rooms

TARGETS = (
    "heads", "request_lines", "chunks", "trailers", "frames", "handshake", "proxy", "forwarded", "environ",
    "access", "leaves", "field_sections", "http2", "variables",
)
BATCH = 1000
#: What `make fuzz` runs of each.
BOUNDED = 20000
SCRATCH = Path("build", "fuzz")


class Broken(AssertionError):
    """An input that breaks an invariant."""


class Target:
    """One target, ready to run batches."""

    def __init__(self, name: str, seed: str, compare: int) -> None:
        module: Any = importlib.import_module(f"tests.fuzz.{name}")
        self.name = name
        self.seed = seed
        self.compare = compare
        self.native = module.make(Rooms(interpreted=False))
        self.twin = module.make(Rooms(interpreted=True)) if compare else None
        self.mutator = Mutator(module.SPECIMENS, module.WORDS)
        self.compared = 0

    def run(self, batch: int, count: int = BATCH) -> None:
        """Raises `Broken`."""
        mutator, native, twin, compare = self.mutator, self.native, self.twin, self.compare
        mutator.seed(f"{self.seed}:{self.name}:{batch}")
        for number in range(count):
            pieces = mutator.next()
            choice = mutator.below(1 << 16)
            try:
                found = native(pieces, choice)
                if twin is not None and number % compare == 0:
                    self.compared += 1
                    other = twin(pieces, choice)
                    assert found == other, f"compiled {found!r}, interpreted {other!r}"
            except Exception as error:
                raise Broken(
                    f"{self.name}, batch {batch} of seed {self.seed}, number {number}, choice {choice}: {pieces!r}\n"
                    + "".join(traceback.format_exception(error))
                ) from None


def fuzz(name: str, executions: int, seed: str, compare: int, first: int = 0) -> tuple[int, float]:
    """Run a target; how many executions, and how many of them a second. Raises `Broken`."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    target = Target(name, seed, compare)
    with open(SCRATCH / name, "w+b") as file:
        file.truncate(64)
        with mmap.mmap(file.fileno(), 64) as note:
            began, done, batch = time.monotonic(), 0, first
            while done < executions:
                # What is stored here is there when the process is not.
                note[:] = f"{name} --seed {seed} --batch {batch}".encode()[:63].ljust(63) + b"\n"
                count = min(BATCH, executions - done)
                target.run(batch, count)
                done += count
                batch += 1
    return done, done / max(time.monotonic() - began, 1e-9)


def main() -> int:
    parser = argparse.ArgumentParser(description="Fuzz the parsers.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}; all by default")
    parser.add_argument("--executions", type=int, default=BOUNDED, help="of each target")
    parser.add_argument("--seed", default="1")
    parser.add_argument(
        "--compare", type=int, default=8, help="every so many executions with the interpreted form, too; 0: none")
    parser.add_argument("--batch", type=int, help="run this batch alone")
    options = parser.parse_args()
    failed = 0
    for name in options.targets or TARGETS:
        try:
            executions = options.executions if options.batch is None else BATCH
            done, speed = fuzz(name, executions, options.seed, options.compare, options.batch or 0)
        except Broken as error:
            failed += 1
            print(f"{name:14} BROKEN\n{error}", flush=True)
        else:
            print(f"{name:14} {done:>10} executions, {speed:>8.0f} a second", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
