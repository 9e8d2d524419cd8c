"""One round of one server under one load; and all rounds of a scenario, servers in turns."""

from __future__ import annotations

import math
import os
import platform
import resource
import socket
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from benchmarks import environment, measure, peers, report, scenarios
from benchmarks.front import Nginx
from benchmarks.loads import Companion, run_websockets
from benchmarks.measure import Load, Process, ServerFailed, Unreachable
from benchmarks.peers import Peer
from benchmarks.report import Row, Sample
from benchmarks.scenarios import Scenario

WARM_UP_SECONDS = 1
#: Slow readers ask for their large answers all at once; filling the buffers of the kernel with them is no part of it.
SETTLE_SECONDS = 1


def prepare(wanted: list[Peer], chosen: list[Scenario], revision: str) -> dict[str, str]:
    """Build and install; peer name -> why it cannot be measured."""
    missing = environment.missing_packages()
    unusable = {peer.name: missing[peer.package] for peer in wanted if peer.package in missing}
    environment.ensure_file()
    error = environment.ensure_program(environment.FLOOR)
    if error:
        unusable["floor"] = error
    compiled = [peer.name for peer in wanted if peer.env is peers.COMPILED_TREE]
    error = environment.ensure_compiled() if compiled else None
    if error:
        unusable |= dict.fromkeys(compiled, f"not compiled: {error}")
    older = [peer.name for peer in wanted if peer.env is peers.BEFORE_TREE]
    error = environment.ensure_before(revision) if older else None
    if error:
        unusable |= dict.fromkeys(older, f"{revision}: {error}")
    if any(scenario.websockets for scenario in chosen):
        stop_with(environment.ensure_program(environment.WEBSOCKET_LOAD))
    if any(scenario.tls for scenario in chosen):
        stop_with(environment.ensure_certificate())
    return unusable


def prepared(wanted: list[Peer], chosen: list[Scenario], revision: str, setup: bool = True) -> list[Peer]:
    """Those of `wanted` that can be measured, everything being there; raises SystemExit where nobody can be.

    `setup`: build and install what is missing.
    """
    if (os.cpu_count() or 1) < 2:
        sys.exit("two cores are needed: one for the server, one for the load")
    raise_file_limit()
    unusable = prepare(wanted, chosen, revision) if setup else {}
    for name, reason in unusable.items():
        print(f"{name} cannot be measured: {reason}", file=sys.stderr)
    return [peer for peer in wanted if peer.name not in unusable]


def stop_with(error: str | None) -> None:
    """Without its load, or its certificate, a scenario has no figures for anybody."""
    if error:
        sys.exit(error)


class Runner:
    """Measures a scenario; `crowded`: the usual load beside busy loops, too."""

    def __init__(self, folder: Path, seconds: int, crowded: bool) -> None:
        self.folder = folder
        self.seconds = seconds
        self.crowded = crowded
        self.work = folder / "work"
        self.work.mkdir(parents=True, exist_ok=True)
        self.kinds: dict[str, Callable[[Scenario, Process, int], Sample]] = {
            "start": self.started,
            "load": self.under_load,
            "slow": self.beside_slow_clients,
            "streams": self.under_streams,
            "websocket": self.under_messages,
            "sockets": self.with_open_sockets,
        }

    def rows(self, scenario: Scenario, wanted: list[Peer], rounds: int) -> list[Row]:
        """All rounds of a scenario, peers interleaved; a peer that fails says why once and is left out."""
        results: dict[str, list[Sample]] = {}
        taking_part = []
        for peer in wanted:
            reason = scenarios.reason_against(scenario, peer)
            if reason is None:
                taking_part.append(peer)
            elif reason:
                print(f"{scenario.name}: {peer.name} {reason}", file=sys.stderr)
        for _ in range(rounds):
            for peer in list(taking_part):
                try:
                    results.setdefault(peer.name, []).append(self.measure(scenario, peer))
                except ServerFailed as error:
                    print(f"{scenario.name}: {peer.name} is left out: {error}", file=sys.stderr)
                    taking_part.remove(peer)
                    results.pop(peer.name, None)
        return report.rows_of(results)

    def measure(self, scenario: Scenario, peer: Peer) -> Sample:
        """One round; with one worker beside it, where the scenario says so."""
        sample = self.round(scenario, peer)
        if scenario.beside_one:
            one = self.round(scenario._replace(workers=1), peer)
            sample = sample._replace(one_us=one.cpu_us, one_rate=one.rate)
        return sample

    def round(self, scenario: Scenario, peer: Peer) -> Sample:
        """Start, warm up, load, account, stop."""
        port = measure.free_port()
        access_log = str(self.work / f"{peer.name}.access.log")
        cpus = {0, 1} if scenario.both_cores else {measure.SERVER_CPU}
        server = Process(
            peer.command(scenario.launch(peer, port, access_log)),
            peers.environment_of(peer),
            environment.APPS,
            self.work / f"{peer.name}.log",
            cpus,
        )
        try:
            with ExitStack() as stack:
                if scenario.front:
                    port = stack.enter_context(Nginx(self.work / "nginx", scenario.front, port)).port
                start = server.wait_ready(port, scenario.tls)
                return self.kinds[scenario.kind](scenario, server, port)._replace(start_ms=start * 1e3)
        finally:
            server.stop()
            Path(access_log).unlink(missing_ok=True)

    def started(self, scenario: Scenario, server: Process, port: int) -> Sample:
        return Sample(pss=measure.pss_bytes(server.pid))

    def wrk(self, scenario: Scenario, port: int, seconds: float) -> Load:
        lua = self.work / "wrk.lua"
        lua.write_text(scenario.lua)
        url = f"{'https' if scenario.tls else 'http'}://127.0.0.1:{port}{scenario.path}"
        cpus = {0, 1} if scenario.both_cores else {measure.LOAD_CPU}
        return measure.run_wrk(
            url, scenario.connections, seconds, scenario.wrk_arguments(str(lua)), cpus=cpus
        )

    def under_load(self, scenario: Scenario, server: Process, port: int) -> Sample:
        self.wrk(scenario, port, WARM_UP_SECONDS)
        with ExitStack() as stack:
            before = measure.pss_bytes(server.pid)
            opened = open_idle(stack, port, scenario.idle)
            idle_bytes = (measure.pss_bytes(server.pid) - before) / opened if opened else None
            sample = accounted(server, lambda: self.wrk(scenario, port, self.seconds))
        if sample.rate == 0:
            raise ServerFailed(f"no request was answered ({sample.errors} errors)")
        if self.crowded:
            with measure.Crowd():
                crowded = accounted(server, lambda: self.wrk(scenario, port, self.seconds))
            sample = sample._replace(crowded_us=crowded.cpu_us)
        return sample._replace(idle_bytes=idle_bytes)

    def beside_slow_clients(self, scenario: Scenario, server: Process, port: int) -> Sample:
        """The same load twice: alone, and while slow clients are connected."""
        assert scenario.slow
        self.wrk(scenario, port, WARM_UP_SECONDS)
        quiet = self.wrk(scenario, port, self.seconds)
        with Companion(scenario.slow.command(port)) as clients:
            time.sleep(SETTLE_SECONDS)
            sample = accounted(server, lambda: self.wrk(scenario, port, self.seconds))
            held = int(clients.ask("count", "open")[0])
        return sample._replace(quiet_rate=quiet.rate, quiet_p99_ms=quiet.p99_ms, held=held)

    def under_streams(self, scenario: Scenario, server: Process, port: int) -> Sample:
        """The load of clients of HTTP/2."""
        arguments = scenario.h2load_arguments(self.work / "body")

        def load(seconds: float) -> Load:
            url = f"https://127.0.0.1:{port}/"
            return measure.run_h2load(url, scenario.connections, scenario.streams, seconds, arguments)

        load(WARM_UP_SECONDS)
        sample = accounted(server, lambda: load(self.seconds))
        if sample.rate == 0:
            raise ServerFailed(f"no request was answered ({sample.errors} errors)")
        return sample

    def under_messages(self, scenario: Scenario, server: Process, port: int) -> Sample:
        assert scenario.websockets
        with Companion(scenario.websockets.command(port)) as load:
            run_websockets(load, WARM_UP_SECONDS)
            sample = accounted(server, lambda: run_websockets(load, self.seconds))
        if sample.rate == 0:
            raise ServerFailed(f"no message came back ({sample.errors} errors)")
        return sample

    def with_open_sockets(self, scenario: Scenario, server: Process, port: int) -> Sample:
        """Memory of each open socket, and CPU of having opened it."""
        assert scenario.websockets
        # One that comes and goes first, so that what a server loads for its first socket is not counted.
        with Companion(scenario.websockets._replace(connections=1).command(port)):
            pass
        before, cpu = measure.pss_bytes(server.pid), measure.cpu_seconds(server.pid)
        with Companion(scenario.websockets.command(port)) as load:
            cpu = measure.cpu_seconds(server.pid) - cpu
            errors = run_websockets(load, self.seconds).errors
            pss = measure.pss_bytes(server.pid)
        count = load.opened
        return Sample(cpu_us=cpu / count * 1e6, pss=pss, errors=errors, idle_bytes=(pss - before) / count)


def accounted(server: Process, load: Callable[[], Load]) -> Sample:
    """A load with the CPU time that the server spent on it."""
    cpu = measure.cpu_seconds(server.pid)
    try:
        seen = load()
    except Unreachable:
        seen = Load(0, 1.0, 0.0, 0.0, 0)
    cpu = measure.cpu_seconds(server.pid) - cpu
    pss = measure.pss_bytes(server.pid)
    if seen.requests == 0:
        return Sample(math.inf, 0.0, math.inf, math.inf, pss, seen.errors)
    return Sample(cpu / seen.requests * 1e6, seen.rate, seen.p50_ms, seen.p99_ms, pss, seen.errors)


def open_idle(stack: ExitStack, port: int, count: int) -> int:
    """Open connections that make one request each and then stay silent; returns their number."""
    request = b"GET / HTTP/1.1\r\nHost: idle\r\n\r\n"
    for i in range(count):
        try:
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), 10))
            connection.sendall(request)
            answered = bool(connection.recv(4096))
        except OSError as error:
            raise ServerFailed(f"the {i + 1}th idle connection: {error}") from error
        if not answered:
            raise ServerFailed(f"the {i + 1}th idle connection was closed without an answer")
    return count


def raise_file_limit() -> None:
    """10,000 idle connections want as many descriptors here and in the server, which inherits the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if hard == resource.RLIM_INFINITY else min(65536, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def about(rounds: int, seconds: int) -> dict[str, str | int]:
    """What figures were measured with."""
    return {
        "Python": platform.python_version(),
        "CPU": cpu_model(),
        "rounds": rounds,
        "seconds a round": seconds,
        "date": time.strftime("%Y-%m-%d"),
    }
