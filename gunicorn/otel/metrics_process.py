"""The process that exports metrics, so that no thread has to run in the master.

The master starts it and writes lines of JSON into its standard input: the first says who tells, each of the others is a
snapshot. It exports the latest one, and ends when the master closes the pipe, or is gone.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading

import gunicorn
from gunicorn.unix.process import set_owner_process, set_process_title

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .metrics import Snapshot

__all__ = ["CLOSING_SECONDS", "Latest", "lines_of", "main"]

# How long the last export may take when the master has closed the pipe.
CLOSING_SECONDS = 2.5
# A terminal and a service manager send signals to all processes of a service; the end comes from the master.
_SIGNALS = ("HUP", "INT", "QUIT", "TERM", "TTIN", "TTOU", "USR1", "USR2", "WINCH")
_MOST_READ = 65536


class Latest:
    """Exports snapshots in a thread: of those that come while it is busy the last one."""

    def __init__(self, export: Callable[[Snapshot], object]) -> None:
        self._export = export
        self._changed = threading.Condition()
        self._next: Snapshot | None = None
        self._ends = False
        self._thread = threading.Thread(target=self._run, name="export", daemon=True)
        self._thread.start()

    def give(self, snapshot: Snapshot) -> None:
        """Export this next."""
        with self._changed:
            self._next = snapshot
            self._changed.notify()

    def end(self, seconds: float) -> bool:
        """Export what is left; whether that was done within so many seconds."""
        with self._changed:
            self._ends = True
            self._changed.notify()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._next is not None or self._ends)
                snapshot, self._next = self._next, None
            if snapshot is None:
                return
            try:
                self._export(snapshot)
            except Exception:  # the boundary around this thread
                logging.getLogger("gunicorn").exception("Metrics could not be exported")


def lines_of(read: Callable[[], bytes]) -> Iterator[bytes]:
    """The whole lines of what `read` gives until that is nothing."""
    rest = b""
    while data := read():
        *lines, rest = (rest + data).split(b"\n")
        yield from lines


def close_inherited() -> None:
    """Close all but the standard streams: what the master was handed over is none of this process's affair.

    One by one, as they are there: the highest number that there may be can be a billion.
    """
    for name in os.listdir("/dev/fd"):
        try:
            if int(name) > 2:
                os.close(int(name))
        except OSError:
            # The one of the list itself.
            pass


def main() -> int:
    """Run until the master closes the pipe; the exit status."""
    close_inherited()
    for name in _SIGNALS:
        signal.signal(getattr(signal, f"SIG{name}"), signal.SIG_IGN)
    lines = lines_of(lambda: os.read(0, _MOST_READ))
    try:
        who = json.loads(next(lines))
    except StopIteration:
        return 0
    # Before anything else is loaded: the master may be root.
    set_owner_process(who["uid"], who["gid"], initgroups=who["initgroups"])
    set_process_title(f"metrics [{who['name']}]")
    logging.basicConfig(format="[%(asctime)s] [%(process)d] [%(levelname)s] %(message)s", level=logging.WARNING)
    latest = Latest(exporter_of(who["name"], who["instance"]))
    for line in lines:
        latest.give(json.loads(line))
    latest.end(CLOSING_SECONDS)
    return 0


def exporter_of(name: str, instance: str) -> Callable[[Snapshot], object]:
    """What exports a snapshot, by the standard variables."""
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

    from .metrics import metrics_of
    from .provider import resource_of

    exporter = OTLPMetricExporter()
    resource = resource_of({"service.name": name, "service.instance.id": instance})

    def export(snapshot: Snapshot) -> None:
        exporter.export(metrics_of(snapshot, resource, gunicorn.__version__))

    return export


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    # An export that still waits for a collector is not waited for.
    os._exit(status)
