"""The runner: ``python -m benchmarks --scenario hello --peers us,bjoern,fastwsgi --rounds 3 --seconds 3``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks import environment, peers, report, scenarios
from benchmarks.runner import Runner, about, prepared


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--scenario", default="hello", help="names, comma separated, or 'all'")
    parser.add_argument(
        "--peers", default="all", help="names and groups, comma separated: all, wsgi, asgi, workers"
    )
    parser.add_argument(
        "--before", default="HEAD", help="the revision of the peers before and before-asgi (default HEAD)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="rounds, peers interleaved (default 3)")
    parser.add_argument("--seconds", type=int, default=3, help="seconds of load a round (default 3)")
    parser.add_argument(
        "--crowded", action="store_true", help="each load once more with a busy loop on either core beside it"
    )
    parser.add_argument(
        "--output", type=Path, default=environment.BENCH / "results", help="folder of the report"
    )
    parser.add_argument(
        "--no-setup", action="store_true", help="install and build nothing, use what is there"
    )
    parser.add_argument("--list", action="store_true", help="list scenarios and peers")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    if options.list:
        for scenario in scenarios.SCENARIO_LIST:
            print(f"{scenario.name:14} {scenario.title}")
        for group, members in peers.GROUPS.items():
            print(f"peers, {group}: {', '.join(members)}")
        return 0
    try:
        wanted = peers.chosen(options.peers)
        names = list(scenarios.BY_NAME) if options.scenario == "all" else options.scenario.split(",")
        chosen = [scenarios.BY_NAME[name] for name in names]
    except KeyError as error:
        print(f"unknown name {error}; --list shows them all", file=sys.stderr)
        return 2
    wanted = prepared(wanted, chosen, options.before, not options.no_setup)
    # Servers run in another folder, and their access logs lie in this one.
    runner = Runner(options.output.resolve(), options.seconds, options.crowded)
    tables = {}
    for scenario in chosen:
        table = report.Table(scenario.title, scenario.kind, runner.rows(scenario, wanted, options.rounds))
        tables[scenario.name] = table
        print(report.markdown(table), flush=True)
    report.write(options.output, about(options.rounds, options.seconds), tables)
    print(f"written to {options.output}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
