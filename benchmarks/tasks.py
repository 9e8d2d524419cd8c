"""Calls to task processes beside what else runs work in other processes: ``python -m benchmarks.tasks``.

All peers run side by side, and each round asks one after the other the same: what is not asked sleeps. Two processes
take calls. A caller is a thread of one process, as in a worker. CPU is that of everything that takes part: the process
of the callers, and all that the server has started.

With ``--ray near`` or ``--ray far`` a cluster of Ray is started for that (Ray must be installed for the interpreter
runs this): tasks are in actors then, on the node of the server or on another one, which is on the same machine too.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks import environment, measure
from benchmarks.environment import APPS, BENCH, INCUMBENT, ROOT, python_of
from benchmarks.measure import Process
from tests.tasks.ray_nodes import Node

PROCESSES = 2


class Case(NamedTuple):
    """What is asked: one of those of `apps/task_load.py`, by so many callers."""

    title: str
    word: str
    callers: int = 1


CASES = (
    Case("A call", "call"), Case("A call, 16 callers", "call", 16), Case("1 MB there and back", "1 MB"),
    Case("32 MB there and back", "32 MB"), Case("An item of a stream", "stream"), Case("`get` of the stash", "stash"),
)  # fmt: skip


class Peer(NamedTuple):
    """`kind`: of `apps/task_load.py`; `python`: who runs it; `on_ray`: only there with a cluster; `cases`: that it has
    got."""

    name: str
    kind: str
    python: Path
    path: str = ""
    on_ray: bool = False
    lacks: tuple[str, ...] = ()


HERE = Path(sys.executable)
PEERS = (
    Peer("us", "gunicorn", HERE, str(ROOT)),
    Peer("incumbent", "gunicorn", python_of(INCUMBENT)),
    Peer("executor", "executor", HERE, lacks=("stash", "stream")),
    Peer("us-ray", "gunicorn", HERE, str(ROOT), on_ray=True),
    Peer("ray", "ray", HERE, on_ray=True, lacks=("stash",)),
)


class Sample(NamedTuple):
    """One round of a peer in one case, in microseconds. Others on the machine change the tenth percentile least."""

    p10: float
    p50: float
    p99: float
    cpu: float
    rate: float


class Subject:
    """A peer that runs: its server, if it is one, and the process of its callers."""

    def __init__(self, peer: Peer, cluster: str, folder: Path) -> None:
        self._server: Process | None = None
        env = {name: value for name, value in os.environ.items() if not name.startswith(("GUNICORN_", "PYTHON"))}
        if peer.path:
            env["PYTHONPATH"] = peer.path
        place = cluster if peer.kind == "ray" else ""
        if peer.kind == "gunicorn":
            place = self._serve(peer, cluster, env, folder)
        self._load = subprocess.Popen(
            [str(peer.python), "task_load.py", peer.kind, place], env=env, cwd=APPS, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
        )
        assert self._load.stdout is not None
        while (line := self._load.stdout.readline()) != "ready\n":
            if not line:
                self.stop()
                raise measure.ServerFailed(f"the callers of {peer.name} have ended")

    def _serve(self, peer: Peer, cluster: str, env: dict[str, str], folder: Path) -> str:
        port = measure.free_port()
        words = ["--bind", f"127.0.0.1:{port}", "--dirty-app", "task_app:Echo", "--dirty-workers", str(PROCESSES)]
        if peer.on_ray:
            words += ["--dirty-backend", "ray", "--dirty-ray-address", cluster]
        self._server = Process(
            [str(peer.python), "-m", "gunicorn", *words, "task_app:app"], env, APPS, folder / f"{peer.name}.log", {0, 1}
        )
        self._server.wait_ready(port)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
            return str(answer.read(), "ascii")

    def _cpu(self) -> float:
        pids = [self._load.pid, *([self._server.pid] if self._server is not None else [])]
        return sum(measure.cpu_seconds(pid) for pid in pids)

    def measured(self, case: Case, seconds: float) -> Sample:
        assert self._load.stdin is not None
        assert self._load.stdout is not None
        before = self._cpu()
        self._load.stdin.write(json.dumps([case.word, case.callers, seconds]) + "\n")
        self._load.stdin.flush()
        line = self._load.stdout.readline()
        if not line:
            raise measure.ServerFailed("the callers have ended")
        times = sorted(json.loads(line))
        count = len(times) * (200 if case.word == "stream" else 1)
        return Sample(
            *(times[len(times) * percent // 100] for percent in (10, 50, 99)),
            (self._cpu() - before) / count * 1e6, case.callers * 1e6 / statistics.fmean(times),
        )

    def stop(self) -> None:
        # With the processes of an executor, which have its output.
        os.killpg(self._load.pid, signal.SIGKILL)
        self._load.wait()
        for end in (self._load.stdin, self._load.stdout):
            assert end is not None
            end.close()
        if self._server is not None:
            self._server.stop()


@contextmanager
def cluster_of(where: str) -> Iterator[str]:
    """The address of a cluster whose actors are on the node of the server, or on another one."""
    if where == "none":
        yield ""
        return
    with ExitStack() as nodes:
        head = Node(2 * PROCESSES + 1 if where == "near" else 0)
        nodes.callback(head.close)
        head.wait()
        if where == "far":
            second = Node(2 * PROCESSES + 1, head)
            nodes.callback(second.close)
            second.wait()
        yield head.address


def table(case: Case, found: dict[str, list[Sample]]) -> list[str]:
    """The medians of the rounds, as Markdown."""
    rows = [f"### {case.title}", "", "| peer | p10, µs | p50, µs | × us | p99, µs | CPU, µs | a second |",
            "|---|---:|---:|---:|---:|---:|---:|"]
    ours = [sample.p50 for sample in found["us"]]
    for name, samples in found.items():
        median = Sample(*(statistics.median(column) for column in zip(*samples, strict=True)))
        # Of each round, so that a slow one is so for both.
        times = statistics.median(sample.p50 / base for sample, base in zip(samples, ours, strict=True))
        rows.append(
            f"| {name} | {median.p10:,.0f} | {median.p50:,.0f} | {times:.2f} | {median.p99:,.0f} | {median.cpu:,.0f} |"
            f" {median.rate:,.0f} |"
        )
    return [*rows, ""]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tasks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="of all peers and cases (default 5)")
    parser.add_argument("--seconds", type=float, default=0.5, help="seconds a cell (default 0.5)")
    parser.add_argument("--ray", choices=("none", "near", "far"), default="none", help="where actors are")
    parser.add_argument("--cases", default="", help=f"of {', '.join(case.word for case in CASES)}, comma separated")
    return parser.parse_args()


def played(peers: Sequence[Peer], cases: Sequence[Case], options: argparse.Namespace) -> Iterator[list[str]]:
    """The tables."""
    found: dict[Case, dict[str, list[Sample]]] = {case: {} for case in cases}
    with ExitStack() as running, tempfile.TemporaryDirectory() as folder:
        cluster = running.enter_context(cluster_of(options.ray))
        subjects = {}
        for peer in peers:
            subjects[peer] = Subject(peer, cluster, Path(folder))
            running.callback(subjects[peer].stop)
        for _ in range(options.rounds):
            for case in cases:
                for peer, subject in subjects.items():
                    if case.word not in peer.lacks:
                        found[case].setdefault(peer.name, []).append(subject.measured(case, options.seconds))
    for case, samples in found.items():
        yield table(case, samples)


def main() -> None:
    """Print tables, and write them to `.bench/results/tasks.md`."""
    options = arguments()
    missing = environment.install(INCUMBENT, {"gunicorn": environment.INCUMBENT_PACKAGES["gunicorn"]})
    for name, reason in missing.items():
        print(f"{name}: {reason}", file=sys.stderr)
    peers = [peer for peer in PEERS if (options.ray != "none" or not peer.on_ray) and not (
        missing and peer.name == "incumbent")]
    words = options.cases.split(",") if options.cases else [case.word for case in CASES]
    cases = [case for case in CASES if case.word in words]
    lines = [line for rows in played(peers, cases, options) for line in rows]
    results = BENCH / "results"
    results.mkdir(parents=True, exist_ok=True)
    (results / "tasks.md").write_text("\n".join(lines))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
