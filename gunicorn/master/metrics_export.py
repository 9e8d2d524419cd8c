"""Metrics for OpenTelemetry (`otel_metrics`): a process of its own exports them, which the master starts and feeds.

No thread runs in the master, and nothing of OpenTelemetry is loaded there. Once in a while the master writes its
numbers into a pipe, without waiting; whoever does not read misses them. That process ends with the pipe, and so with
the master.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time

import gunicorn
from gunicorn._standard import standard_first
from gunicorn.unix import forks, unpatched

from .measures import Measures
from .reception import Reception
from .state import MasterState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from gunicorn._types import Clock

__all__ = ["MetricsExport", "interval_of", "is_possible"]

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""So long nothing is started after an exporter has ended by itself: twice as long each time."""

CLOSING_SECONDS = 3.0
"""How long a stop waits for the last export."""

LOOK_SECONDS = 0.02

# In a folder of the application's, "-m" would find its modules before the standard ones: so by "-P", and with the place
# of this package last.
_PROGRAM = (
    "import sys; sys.path.append(sys.argv.pop()); import runpy; "
    "runpy.run_module('gunicorn.otel.metrics_process', run_name='__main__')"
)
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(gunicorn.__file__)))


def interval_of(variables: Mapping[str, str]) -> float:
    """Seconds between two exports, by the standard variable."""
    try:
        milliseconds = float(variables.get("OTEL_METRIC_EXPORT_INTERVAL", ""))
    except ValueError:
        milliseconds = 60000.0
    return milliseconds / 1000 if 100 <= milliseconds <= 1e9 else 60.0


def is_possible(variables: Mapping[str, str]) -> bool:
    """Whether the standard variables let metrics be exported at all."""
    disabled = variables.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    return not disabled and variables.get("OTEL_METRICS_EXPORTER", "").strip().lower() != "none"


class MetricsExport:
    """`due`: monotonic moment of the next turn; None while nobody wants metrics."""

    def __init__(
        self, master: MasterState, reception: Reception, measures: Measures, clock: Clock = time.monotonic
    ) -> None:
        self.due: float | None = None
        self._master = master
        self._reception = reception
        self._measures = measures
        self._clock = clock
        self._pid = 0
        self._fd = -1
        self._rest = b""
        self._began = 0.0
        self._pause = FIRST_PAUSE

    def look(self, now: float) -> None:
        """Start the process where it is missing, and tell it the numbers, if it is time for that."""
        if not (self._master.cfg.otel_metrics and is_possible(os.environ)):
            self._close()
            self.due = None
            return
        if self.due is not None and now < self.due:
            return
        self.due = now + interval_of(os.environ)
        if not self._pid:
            self._start(now)
        self._tell()

    def ended(self, pid: int, status: int) -> bool:
        """A child has ended; whether it was this one."""
        if pid != self._pid or not pid:
            return False
        self._pid = 0
        if self._fd < 0:
            # It was told to; another one may be wanted by now.
            self.due = None if self.due is None else self._clock()
            return True
        self._close()
        now = self._clock()
        if now - self._began > LONGEST_PAUSE:
            self._pause = FIRST_PAUSE
        self._master.log.warning(
            "The exporter of metrics (pid:%s) ended with %s, another one is started in %g s",
            pid, os.waitstatus_to_exitcode(status), self._pause,
        )  # fmt: skip
        self.due = now + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
        return True

    # The process.

    def _start(self, now: float) -> None:
        try:
            writer = self._open()
        except OSError as error:
            self._master.log.error("The exporter of metrics cannot be started: %s", error)
            return
        self._fd, self._rest, self._began = writer, b"", now
        os.set_blocking(writer, False)
        cfg = self._master.cfg
        self._write({
            "uid": cfg.uid, "gid": cfg.gid, "initgroups": cfg.has_groups_of_user, "name": cfg.proc_name,
            "instance": f"{socket.gethostname()}:{self._master.pid}",
        })

    def _open(self) -> int:
        """Start the process; the end of the pipe to write to. Raises OSError."""
        reader, writer = os.pipe()
        try:
            self._pid = self._spawn(reader)
        except OSError:
            os.close(writer)
            raise
        finally:
            os.close(reader)
        return writer

    def _spawn(self, reader: int) -> int:
        # No descriptor goes along: what exec does not close, since somebody has handed it over to this process, the
        # program closes before all else.
        program = sys.executable or "python"
        return os.posix_spawn(
            program, [program, "-P", "-c", _PROGRAM, _PACKAGE], os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, reader, 0)],
            setsigmask=[], setsigdef=[signal.SIGPIPE],
        )

    def _tell(self) -> None:
        if self._fd < 0 or not self._flush():
            return
        with standard_first():
            from gunicorn.instrument.metrics import families

        read = self._measures.read(self._reception.view())
        self._write({
            "time": time.time(), "started": read.started_at,
            "families": [
                (each.name, each.kind, each.help, [(one.suffix, dict(one.labels), one.value) for one in each.samples])
                for each in families(read)
            ],
        })

    def _write(self, told: object) -> None:
        with standard_first():
            import json

        self._rest += json.dumps(told).encode() + b"\n"
        self._flush()

    def _flush(self) -> bool:
        """Write what is left; whether all of it was taken."""
        try:
            while self._rest:
                self._rest = self._rest[unpatched.write(self._fd, self._rest):]
        except BlockingIOError:
            return False
        except OSError:
            # It has ended: its exit tells.
            return False
        return True

    def _close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    # The end.

    def end(self) -> None:
        """The server is at its end: tell the last numbers, and give them a moment to be exported."""
        if self._fd >= 0:
            self._tell()
        self._close()
        self.due = None
        until = self._clock() + CLOSING_SECONDS
        while self._pid and self._clock() < until:
            if forks.has_ended(self._pid):
                return
            unpatched.select.select([], [], [], LOOK_SECONDS)

    def put_down(self) -> None:
        """In a child, to which nothing of this belongs."""
        self._close()
        self._pid = 0
