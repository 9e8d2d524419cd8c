"""The figures of the documentation, made anew: ``python -m benchmarks.page``.

It measures every part in turn, some forty minutes in all, and keeps after each what it has seen in
`docs/benchmarks/figures.json`; at the end the pages are written anew from that file. With ``--parts tls,start`` only
those are measured, with ``--parts none`` nothing is. In a page a table stands between `<!-- figures: NAME -->` and
`<!-- end -->`; what is written there by hand is lost.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import environment, peers, report, scenarios
from benchmarks.environment import BENCH, ROOT
from benchmarks.report import Table
from benchmarks.runner import Runner, about, prepared

FIGURES = ROOT / "docs" / "benchmarks" / "figures.json"
PAGES = tuple(ROOT / name for name in ("docs/benchmarks.md", "docs/choosing.md", "README.md"))
#: The measurements of task processes print their own table.
TASKS = "tasks"
MARK = re.compile(r"(<!-- figures: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


class Part(NamedTuple):
    """Scenarios that are measured with the same peers."""

    name: str
    scenarios: str
    peers: str
    rounds: int = 2
    crowded: bool = False


ASGI_PEERS = "us-asgi,us-uvloop,granian-asgi,socketify,uvicorn,hypercorn,incumbent-asgi"
BESIDE_SLOW = (
    "us,us-gthread,us-gevent,us-eventlet,us-tornado,us-asgi,granian,uvicorn,incumbent,incumbent-sync,incumbent-gevent,"
    "incumbent-asgi"
)
PARTS = (
    Part("wsgi", "hello,browser,close,flask", "us,us-gthread,us-pure,fastwsgi,bjoern,granian,uwsgi,incumbent",
         crowded=True),
    Part("asgi", "hello,browser,fastapi_json", ASGI_PEERS, crowded=True),
    Part("start", "start", "us,us-asgi,fastwsgi,bjoern,granian,uvicorn,waitress,uwsgi,incumbent", rounds=5),
    Part("two", "workers2,workers2-flask,workers2-fastapi,workers2-down1m,workers2-up1m",
         "us,us-asgi,granian,granian-asgi,uvicorn,incumbent"),
    Part("more-wsgi", "django,accesslog,up1m,down1m", "us,us-gthread,fastwsgi,bjoern,granian,incumbent"),
    Part("more-asgi", "accesslog,up1m,down1m,stream16", ASGI_PEERS),
    Part("tls", "tls,tls-handshake", "us,us-gthread,us-asgi,granian,granian-asgi,uvicorn,incumbent"),
    Part("http2", "h2,h2-browser,h2-single,h2-down1m,h2-up1m", "us,us-asgi,granian,granian-asgi"),
    Part("websocket", "ws-echo64,ws-echo64k,ws-broadcast", ASGI_PEERS),
    Part("kinds", "hello,flask", "workers"),
    Part("sleep", "sleep32,sleep256", "us-gthread,us-gevent,us-eventlet,granian,waitress,incumbent,incumbent-gevent"),
    Part("fronts", "nginx-http,nginx-uwsgi,nginx-fastcgi", "us,us-asgi,uwsgi,incumbent"),
    Part("static", "static4k,static10m", "files"),
    Part("slow", "slow200,tricklers5000", BESIDE_SLOW, rounds=1),
    Part("idle", "idle10k,ws-idle10k", f"us,us-gthread,fastwsgi,bjoern,incumbent,{ASGI_PEERS}", rounds=1),
)


class Figure(NamedTuple):
    """One figure of each peer: where it stands, and how it is written."""

    head: str
    table: str
    field: str
    form: str


class Summary(NamedTuple):
    """Figures of several tables in one; `names`: what the peers are called there."""

    figures: tuple[Figure, ...]
    names: dict[str, str]
    peers_are_columns: bool = False


KINDS = {"us": "`sync`"} | {f"us-{kind}": f"`{kind}`" for kind in ("gthread", "gevent", "eventlet", "tornado")}
SUMMARIES = {
    "summary": Summary(
        (
            Figure("Hello, World!", "wsgi/hello", "cpu_us", ".1f"),
            Figure("a browser's request", "wsgi/browser", "cpu_us", ".1f"),
            Figure("Flask, a JSON answer", "wsgi/flask", "cpu_us", ".0f"),
        ),
        {"us": "this", "granian": "granian", "bjoern": "bjoern", "incumbent": "Gunicorn before 28"},
        peers_are_columns=True,
    ),
    "choosing": Summary(
        (
            Figure("Hello, World!: CPU µs a request", "kinds/hello", "cpu_us", ".1f"),
            Figure("Flask, JSON: CPU µs a request", "kinds/flask", "cpu_us", ".1f"),
            Figure("sleep of 10 ms, 32 clients: requests a second", "sleep/sleep32", "rate", ",.0f"),
            Figure("sleep of 10 ms, 256 clients: requests a second", "sleep/sleep256", "rate", ",.0f"),
            Figure("sleep of 10 ms, 256 clients: p50, ms", "sleep/sleep256", "p50_ms", ".0f"),
            Figure("memory of a server of one worker, Hello, MiB", "kinds/hello", "pss_mib", ".1f"),
        ),
        KINDS,
        peers_are_columns=True,
    ),
    "fronts": Summary(
        (
            Figure("HTTP, CPU µs/request", "fronts/nginx-http", "cpu_us", ".2f"),
            Figure("uwsgi", "fronts/nginx-uwsgi", "cpu_us", ".2f"),
            Figure("FastCGI", "fronts/nginx-fastcgi", "cpu_us", ".2f"),
        ),
        {name: name for name in ("us", "us-asgi", "uwsgi", "incumbent")},
    ),
    "static": Summary(
        (
            Figure("4 KiB, CPU µs/request", "static/static4k", "cpu_us", ".2f"),
            Figure("10 MiB, CPU µs/request", "static/static10m", "cpu_us", ",.0f"),
            Figure("memory, MiB", "static/static4k", "pss_mib", ".1f"),
        ),
        {name: name for name in peers.GROUPS["files"]},
    ),
}
#: Tables that have a chart, too.
CHARTS = {"wsgi/hello": "hello.svg", "wsgi/browser": "browser.svg"}


class Book:
    """What was measured: by part with what, and tables by `PART/SCENARIO`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        self.measured: dict[str, dict[str, str | int]] = known.get("measured", {})
        self.lines: dict[str, list[str]] = known.get("lines", {})
        self.tables = {
            name: Table(table["title"], table["kind"], [report.row_from(row) for row in table["rows"]])
            for name, table in known.get("tables", {}).items()
        }

    def save(self) -> None:
        """A line for each row, so that a difference can be read."""
        tables = ",\n".join(f"{json.dumps(name)}: {written(table)}" for name, table in sorted(self.tables.items()))
        lines, measured = json.dumps(self.lines, indent=1), json.dumps(self.measured).replace("}, ", "},\n")
        text = f'{{"measured": {measured},\n"lines": {lines},\n"tables": {{\n{tables}\n}}}}\n'
        self.path.write_text(text, encoding="utf-8")

    def told(self, name: str) -> list[str]:
        """The lines that a page has by this name; raises KeyError for what was never measured."""
        if name == "measured":
            return self.origins()
        if name in SUMMARIES:
            return self.summary(SUMMARIES[name])
        return self.lines[name] if name in self.lines else report.lines_of(self.tables[name])

    def origins(self) -> list[str]:
        """A sentence for each run: when, where, how long, and which parts where there are several."""
        runs: dict[str, list[str]] = {}
        for part, facts in self.measured.items():
            runs.setdefault(origin(facts), []).append(part)
        if len(runs) == 1:
            return [*runs]
        return [f"- {said} Parts: {', '.join(parts)}." for said, parts in runs.items()]

    def summary(self, shown: Summary) -> list[str]:
        cells = [[self.cell(figure, peer) for peer in shown.names] for figure in shown.figures]
        heads = [figure.head for figure in shown.figures]
        if shown.peers_are_columns:
            return report.grid(("", *shown.names.values()), labelled(heads, cells))
        return report.grid(("server", *heads), labelled(shown.names.values(), zip(*cells, strict=True)))

    def cell(self, figure: Figure, peer: str) -> str:
        rows = [row for row in self.tables[figure.table].rows if row.peer == peer]
        return format(getattr(rows[0], figure.field), figure.form) if rows else ""


def written(table: Table) -> str:
    rows = ",\n  ".join(json.dumps(report.finite(row)) for row in table.rows)
    return f'{{"title": {json.dumps(table.title)}, "kind": {json.dumps(table.kind)}, "rows": [\n  {rows}]}}'


def labelled(names: Iterable[str], rows: Iterable[Sequence[str]]) -> list[tuple[str, ...]]:
    return [(name, *row) for name, row in zip(names, rows, strict=True)]


def origin(facts: dict[str, str | int]) -> str:
    machine = f"two cores of a virtual machine ({facts['CPU']}) with Python {facts['Python']}"
    return f"Measured on {facts['date']} on {machine}, in rounds of {facts['seconds a round']} s."


def rewritten(text: str, book: Book) -> str:
    """A page with its tables as they are in `book`; raises KeyError for one that is not."""
    return MARK.sub(lambda mark: "\n".join([mark[1], *book.told(mark[2]), "", mark[3]]), text)


def write(book: Book) -> None:
    """The file of figures, the pages and the charts."""
    book.save()
    for page in PAGES:
        page.write_text(rewritten(page.read_text(encoding="utf-8"), book), encoding="utf-8")
    for name, chart in CHARTS.items():
        (FIGURES.parent / chart).write_text(report.svg(book.tables[name]), encoding="utf-8")


def measure(part: Part, book: Book, seconds: int, setup: bool) -> None:
    chosen = [scenarios.BY_NAME[name] for name in part.scenarios.split(",")]
    wanted = prepared(peers.chosen(part.peers), chosen, "HEAD", setup)
    runner = Runner((BENCH / "results" / part.name).resolve(), seconds, part.crowded)
    for scenario in chosen:
        table = Table(scenario.title, scenario.kind, runner.rows(scenario, wanted, part.rounds))
        book.tables[f"{part.name}/{scenario.name}"] = table
        print(report.markdown(table), flush=True)
    book.measured[part.name] = about(part.rounds, seconds)


def measure_tasks(book: Book) -> None:
    """Raises CalledProcessError."""
    asked = subprocess.run([sys.executable, "-m", "benchmarks.tasks"], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    book.lines[TASKS] = joined_tables(asked.stdout.decode())


def joined_tables(text: str) -> list[str]:
    """Tables with a heading each as one, whose first column has the headings."""
    head: list[str] = []
    rows: list[str] = []
    for part in re.split("^### ", text, flags=re.MULTILINE)[1:]:
        title, *lines = [line for line in part.splitlines() if line]
        table = [line for line in lines if line.startswith("|")]
        head = [f"| case {table[0]}", f"|---{table[1]}"]
        rows += [f"| {title if row is table[2] else ''} {row}" for row in table[2:]]
    return [*head, *rows]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description=__doc__)
    parser.add_argument("--parts", default="all", help=f"of {', '.join(part.name for part in PARTS)}, {TASKS}")
    parser.add_argument("--seconds", type=int, default=1, help="seconds of load a round (default 1)")
    parser.add_argument("--no-setup", action="store_true", help="install and build nothing, use what is there")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    every = [*(part.name for part in PARTS), TASKS]
    wanted = every if options.parts == "all" else options.parts.split(",")
    unknown = set(wanted) - {*every, "none"}
    if unknown:
        sys.exit(f"no part of the page: {', '.join(sorted(unknown))}; there are {', '.join(every)}")
    environment.ensure_file()
    book = Book(FIGURES)
    for part in PARTS:
        if part.name in wanted:
            measure(part, book, options.seconds, not options.no_setup)
            book.save()
    if TASKS in wanted:
        measure_tasks(book)
    write(book)


if __name__ == "__main__":
    main()
