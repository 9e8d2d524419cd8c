"""How long quick requests wait while others are slow, simulated and measured: ``python -m benchmarks.one_queue``.

Clients ask again and again, each at its own pace; one request in ten takes 100 ms, the others half a millisecond.
The figures are the times of the quick ones. What is possible at all tells a simulation of a single queue in front of
all workers (`one queue`); what happens where a client stays with one worker, another one (`own worker`). The measured
ones are real servers and real clients, which draw the same numbers.
"""

from __future__ import annotations

import argparse
import asyncio
import heapq
import itertools
import json
import multiprocessing
import random
import ssl
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import environment, measure, peers
from benchmarks.front import Nginx
from benchmarks.measure import Process
from benchmarks.peers import Launch, Peer
from tests.support.chromium import Chromium

# As apps/slow_and_quick.py has them.
SLOW_SECONDS = 0.1
QUICK_SECONDS = 0.0005
SLOW_SHARE = 0.1
MEAN_SECONDS = SLOW_SHARE * SLOW_SECONDS + (1 - SLOW_SHARE) * QUICK_SECONDS
CLIENTS_A_WORKER = 4
#: Clients that keep their connections or close them; through TLS; through an nginx that keeps its own; browsers.
KINDS = ("kept", "closed", "kept-tls", "nginx", "browsers")
#: Neither the start of a server nor that of the clients is meant.
SKIPPED_SECONDS = 3.0


class Load(NamedTuple):
    """What is asked: `share` of what the workers can do, and by whom (one of KINDS)."""

    workers: int
    share: float
    kind: str = "kept"

    @property
    def clients(self) -> int:
        return self.workers * CLIENTS_A_WORKER

    @property
    def period(self) -> float:
        """Seconds between two requests of a client."""
        return self.clients * MEAN_SECONDS / (self.workers * self.share)


class Times(NamedTuple):
    """Of the quick requests, in milliseconds, and how many there were."""

    p50: float
    p90: float
    p99: float
    count: int

    def __str__(self) -> str:
        return f"{self.p90:.0f} / {self.p99:.0f}"


def times_of(seconds: list[float]) -> Times:
    ordered = sorted(seconds)
    return Times(*(1e3 * ordered[int(len(ordered) * part)] for part in (0.5, 0.9, 0.99)), len(ordered))


def wishes(client: int, period: float) -> Iterator[tuple[float, bool]]:
    """What a client draws, one request after the other: seconds until it, and whether it is a slow one."""
    drawn = random.Random(client)
    yield drawn.random() * period, drawn.random() < SLOW_SHARE
    while True:
        yield period * (0.5 + drawn.random()), drawn.random() < SLOW_SHARE


def simulate(load: Load, seconds: float, own: bool) -> Times:
    """The workers with one queue in front of all, or each with the clients of its `own`."""
    free = [0.0] * load.workers
    clients = [wishes(number, load.period) for number in range(load.clients)]
    due: list[tuple[float, int, bool]] = []
    for number, client in enumerate(clients):
        after, slow = next(client)
        heapq.heappush(due, (after, number, slow))
    quick: list[float] = []
    while due and due[0][0] < seconds:
        asked, number, slow = heapq.heappop(due)
        worker = number % load.workers if own else min(range(load.workers), key=free.__getitem__)
        ended = free[worker] = max(asked, free[worker]) + (SLOW_SECONDS if slow else QUICK_SECONDS)
        if not slow and asked > SKIPPED_SECONDS:
            quick.append(ended - asked)
        after, slow = next(clients[number])
        heapq.heappush(due, (max(asked + after, ended), number, slow))
    return times_of(quick)


# The real thing.


def clients_of(port: int, load: Load, seconds: float) -> Times:
    """The same clients, in a process of their own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        quick: list[float] = pool.apply(ask_for, (port, load, seconds))
    return times_of(quick)


def ask_for(port: int, load: Load, seconds: float) -> list[float]:
    return asyncio.run(_ask(port, load, seconds))


class Resuming(ssl.SSLContext):
    """What a client of TLS knows: it comes back with the session that it has, as browsers and proxies do."""

    session: ssl.SSLSession | None = None

    def wrap_bio(self, *arguments: Any, **options: Any) -> ssl.SSLObject:
        return super().wrap_bio(*arguments, **{**options, "session": self.session})

    def keep_session(self, writer: asyncio.StreamWriter) -> None:
        self.session = writer.get_extra_info("ssl_object").session


def resuming() -> Resuming:
    context = Resuming(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


async def _ask(port: int, load: Load, seconds: float) -> list[float]:
    quick: list[float] = []
    began = time.perf_counter()

    async def client(number: int) -> None:
        context = resuming() if load.kind == "kept-tls" else None
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        due = began
        for after, slow in wishes(number, load.period):
            due = max(due + after, time.perf_counter())
            if due > began + seconds:
                break
            await asyncio.sleep(due - time.perf_counter())
            due = time.perf_counter()
            if streams is None:
                streams = await asyncio.open_connection("127.0.0.1", port, ssl=context)
            reader, writer = streams
            close = "Connection: close\r\n" if load.kind == "closed" else ""
            writer.write(f"GET /{'slow' if slow else ''} HTTP/1.1\r\nHost: a\r\n{close}\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            await reader.readexactly(2)
            if b"connection: close" in head:
                if context is not None:
                    context.keep_session(writer)
                writer.close()
                streams = None
            if not slow and due - began > SKIPPED_SECONDS:
                quick.append(time.perf_counter() - due)

    await asyncio.gather(*map(client, range(load.clients)))
    return quick


# Several fetches side by side, each at the moments it is given; a page of the server under load runs it.
SCRIPT = """
window.quick = [];
window.left = clients.length;
clients.forEach(async wishes => {
    let due = performance.now();
    const end = due + seconds * 1000;
    for (const [after, slow] of wishes) {
        due = Math.max(due + after * 1000, performance.now());
        if (due > end) break;
        await new Promise(go => setTimeout(go, due - performance.now()));
        due = performance.now();
        await (await fetch(slow ? '/slow' : '/', {cache: 'no-store'})).text();
        if (!slow && due > end - (seconds - skipped) * 1000) window.quick.push((performance.now() - due) / 1000);
    }
    window.left -= 1;
});
"""


def browsers_of(port: int, load: Load, seconds: float, folder: Path) -> Times:
    """The same clients in as many browsers as there are workers, each of which has six connections at most."""

    def one(first: int) -> list[float]:
        drawn = [wishes(number, load.period) for number in range(first, first + CLIENTS_A_WORKER)]
        clients = [list(itertools.islice(each, int(2 * seconds / load.period) + 9)) for each in drawn]
        with Chromium(folder / f"{port}.{first}") as chromium:
            chromium.open(f"http://127.0.0.1:{port}/")
            given = {"clients": clients, "seconds": seconds, "skipped": SKIPPED_SECONDS}
            names = "".join(f"const {name} = {json.dumps(value)};" for name, value in given.items())
            chromium.run(f"{{ {names} {SCRIPT} }}")
            time.sleep(seconds)
            chromium.wait("window.left === 0")
            quick: list[float] = chromium.run("window.quick")
            return quick

    with ThreadPoolExecutor(load.workers) as threads:
        found = threads.map(one, range(0, load.clients, CLIENTS_A_WORKER))
        return times_of(list(itertools.chain.from_iterable(found)))


def measured(peer: Peer, load: Load, seconds: float, folder: Path) -> Times:
    """A server under that load."""
    port = measure.free_port()
    tls = load.kind == "kept-tls"
    launch = Launch(port, "slow_and_quick:app", load.workers, tls=tls)
    server = Process(
        peer.command(launch), peers.environment_of(peer), environment.APPS, folder / f"{peer.name}.log", {0, 1}
    )
    try:
        server.wait_ready(port, tls)
        if load.kind == "nginx":
            with Nginx(folder / "nginx", "http", port) as front:
                return clients_of(front.port, load, seconds)
        if load.kind == "browsers":
            return browsers_of(port, load, seconds, folder)
        return clients_of(port, load, seconds)
    finally:
        server.stop()


# The table.


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.one_queue", description=__doc__)
    parser.add_argument("--peers", default="us,us-gthread,incumbent-sync", help="names, comma separated")
    parser.add_argument("--workers", default="2,4,8", help="numbers of workers, comma separated")
    parser.add_argument("--loads", default="0.3,0.5,0.8,0.95", help="shares of what the workers can do")
    parser.add_argument("--seconds", type=float, default=20, help="seconds of load a cell (default 20)")
    parser.add_argument("--kinds", default="kept,closed", help=f"of {', '.join(KINDS)}")
    parser.add_argument("--before", default="HEAD", help="the revision of the peer before")
    return parser.parse_args()


def prepare(wanted: list[Peer], revision: str, tls: bool) -> None:
    """Build what is measured."""
    errors = [environment.missing_packages().get(peer.package) for peer in wanted]
    if any(peer.env is peers.COMPILED_TREE for peer in wanted):
        errors.append(environment.ensure_compiled())
    if any(peer.env is peers.BEFORE_TREE for peer in wanted):
        errors.append(environment.ensure_before(revision))
    if tls:
        errors.append(environment.ensure_certificate())
    for error in filter(None, errors):
        sys.exit(error)


def main() -> None:
    """Print a table: p90 / p99 of the quick requests in milliseconds."""
    options = arguments()
    wanted = [peer for peer in peers.chosen(options.peers) if peer.protocol == "wsgi"]
    kinds = options.kinds.split(",")
    prepare(wanted, options.before, "kept-tls" in kinds)
    print("| workers, load, connections | one queue | own worker | " + " | ".join(peer.name for peer in wanted) + " |")
    print("|---|" + "---:|" * (2 + len(wanted)))
    with tempfile.TemporaryDirectory() as folder:
        for workers in map(int, options.workers.split(",")):
            for share in map(float, options.loads.split(",")):
                for kind in kinds:
                    load = Load(workers, share, kind)
                    cells = [str(simulate(load, 50 * options.seconds, own)) for own in (False, True)]
                    cells += [str(measured(peer, load, options.seconds, Path(folder))) for peer in wanted]
                    print(f"| {workers}, {share:.0%}, {kind} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
