"""The Autobahn testsuite against this server: every case must be OK or INFORMATIONAL.

    python -m tests.autobahn.run [--messages N] [--http2] FOLDER [CASE ...]

`FOLDER` gets a virtualenv of Python 2.7 with the suite, made when it is not there, and the reports. `CASE` narrows the
run, `9.*` for example. The 216 cases of compression send 1000 messages each, which is most of the time it takes; with
`--messages` they send fewer, of the same sizes, data and parameters. With `--http2` each WebSocket is a stream of
HTTP/2, by way of a bridge (bridge.py).

Exit status: 0 when all is well, 1 when a case is not, 2 when the suite could not be run, 77 when there is no
Python 2.7.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from tests.autobahn.bridge import Bridge
from tests.support.server import Server

GOOD = ("OK", "INFORMATIONAL")
#: Against hanging; the whole suite takes some minutes.
MOST_SECONDS = 3000
NO_PYTHON = 77
ALL_CASES = 517
#: Clients at a time, each with a part of the cases; they compute more than the server does.
PARTS = (
    ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*"], ["12.*"],
    ["13.1.*", "13.2.*", "13.3.*"], ["13.4.*", "13.5.*", "13.6.*", "13.7.*"],
)
#: The client judges by the clock: it gives an answer a second, and cuts the connection. A slow machine gets more.
CLIENT = """
import sys
from autobahntestsuite import fuzzing, wstest

def patient(after, factor):
    return lambda self, delay: after(self, factor * delay)

protocol = fuzzing.FuzzingProtocol
protocol.killAfter = patient(protocol.killAfter.__func__, 30)
# This is how some cases end that go well: it is waited for.
protocol.closeAfter = patient(protocol.closeAfter.__func__, 4)

messages = int(sys.argv.pop(1))
for case in fuzzing.Cases:
    if case.__name__.startswith(("Case12_", "Case13_")):
        case.COUNT = min(case.COUNT, messages)
wstest.run()
"""
PATIENT = {"openHandshakeTimeout": 60, "closeHandshakeTimeout": 60, "serverConnectionDropTimeout": 60}
LIMITS = ("--websocket-max-message-size", "33554432", "--ws-ping-interval", "0")


def find_python() -> str | None:
    """A Python 2.7."""
    versions = sorted(Path.home().glob(".pyenv/versions/2.7.*/bin/python2.7"))
    return str(versions[-1]) if versions else shutil.which("python2.7")


def install(python: str, folder: Path) -> Path:
    """The suite in a virtualenv of its own, whose interpreter is returned."""
    own = folder / "env" / "bin" / "python"
    if not (folder / "env" / "bin" / "wstest").exists():
        arguments = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        again([python, *arguments, "virtualenv==20.15.1"])
        subprocess.run([python, "-m", "virtualenv", "--quiet", str(folder / "env")], check=True)
        again([str(own), *arguments, "autobahntestsuite==0.8.2"])
        # Its masks and its UTF-8 in C, where there is a compiler: that is most of what it does.
        subprocess.run([str(own), *arguments, "wsaccel==0.6.3"])
    return own


def again(command: list[str], pauses: tuple[int, ...] = (5, 20, 60)) -> None:
    """Registries do not always answer."""
    for pause in pauses:
        if subprocess.run(command).returncode == 0:
            return
        time.sleep(pause)
    subprocess.run(command, check=True)


def run_cases(python: Path, folder: Path, url: str, cases: list[str], messages: int) -> dict[str, dict[str, str]]:
    """Run a client against `url`; its verdicts by case."""
    folder.mkdir(exist_ok=True)
    reports = folder / "reports"
    shutil.rmtree(reports, ignore_errors=True)
    specification = {
        "outdir": str(reports),
        "servers": [{"agent": "gunicorn", "url": url}],
        "options": PATIENT,
        "cases": cases,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    }
    (folder / "spec.json").write_text(json.dumps(specification))
    with open(folder / "client.log", "wb") as log:
        command = [str(python), "-c", CLIENT, str(messages), "-m", "fuzzingclient", "-s", str(folder / "spec.json")]
        subprocess.run(command, cwd=folder, stdout=log, stderr=log, check=True, timeout=MOST_SECONDS)
    verdicts: dict[str, dict[str, str]] = json.loads((reports / "index.json").read_text())["gunicorn"]
    return verdicts


def judge(verdicts: dict[str, dict[str, str]]) -> list[str]:
    """A line for each case that is neither OK nor INFORMATIONAL, in what it did or in how it closed."""
    return [
        f"{case}: {verdict['behavior']}, closing {verdict['behaviorClose']}"
        for case, verdict in verdicts.items()
        if verdict["behavior"] not in GOOD or verdict["behaviorClose"] not in GOOD
    ]


def main(folder: Path, cases: list[str], messages: int, by_http2: bool) -> int:
    """Install, serve, run, judge."""
    python = find_python()
    if python is None:
        print("no Python 2.7, which the Autobahn testsuite needs")
        return NO_PYTHON
    folder.mkdir(parents=True, exist_ok=True)
    own = install(python, folder)
    # Nothing of the run before: its log tells another address.
    shutil.rmtree(folder / "server", ignore_errors=True)
    application = (Path(__file__).parent / "app.py").read_text()
    streams = ("--http2-cleartext", "prior-knowledge") if by_http2 else ()
    server = Server(folder / "server", application, "--worker-class", "asgi", *LIMITS, *streams)
    try:
        with ExitStack() as stack:
            url = server.start().url.replace("http", "ws", 1)
            if by_http2:
                url = f"ws://127.0.0.1:{stack.enter_context(Bridge(server.port)).port}"
            verdicts = run_parts(own, folder, url, cases, messages)
        server.stop()
    finally:
        server.kill()
    return told(verdicts, cases)


def run_parts(own: Path, folder: Path, url: str, cases: list[str], messages: int) -> dict[str, dict[str, str]]:
    """The verdicts of all clients."""
    parts = [cases] if cases else PARTS
    with ThreadPoolExecutor(len(parts)) as pool:
        runs = [
            pool.submit(run_cases, own, folder / f"part{number}", url, part, messages)
            for number, part in enumerate(parts)
        ]
    return {case: verdict for run in runs for case, verdict in run.result().items()}


def told(verdicts: dict[str, dict[str, str]], cases: list[str]) -> int:
    """Say how it went; the exit status."""
    wrong = judge(verdicts)
    counts = Counter(verdict["behavior"] for verdict in verdicts.values())
    print("\n".join([*wrong, ", ".join(f"{kind}: {count}" for kind, count in sorted(counts.items()))]))
    if not verdicts or (not cases and len(verdicts) != ALL_CASES):
        print(f"{len(verdicts)} of {ALL_CASES} cases were run")
        return 2
    return 1 if wrong else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The Autobahn testsuite against this server.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("cases", nargs="*", metavar="CASE")
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--http2", action="store_true")
    options = parser.parse_args()
    try:
        sys.exit(main(options.folder.resolve(), options.cases, options.messages, options.http2))
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        print(error)
        sys.exit(2)
