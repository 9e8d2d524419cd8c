"""Metrics by StatsD, with tags in the manner of DogStatsD.

A metric goes out as one datagram and nothing is waited for; when nobody listens, it is lost. Every log call
may carry one: `log.info("text", extra={"metric": "name", "value": 1, "mtype": "counter"})`; with an empty
text only the metric is sent.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from datetime import timedelta

from gunicorn.logs.atoms import printable
from gunicorn.logs.logger import Logger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Unpack

    from gunicorn._types import LogOptions
    from gunicorn.config.config import Config

__all__ = [
    "COUNTER_TYPE",
    "GAUGE_TYPE",
    "HISTOGRAM_TYPE",
    "METRIC_VAR",
    "MTYPE_VAR",
    "TIMER_TYPE",
    "VALUE_VAR",
    "Statsd",
]

# Keys of the mapping given as `extra`, and the kinds of metric that `mtype` may name.
METRIC_VAR, VALUE_VAR, MTYPE_VAR = "metric", "value", "mtype"
COUNTER_TYPE, GAUGE_TYPE, HISTOGRAM_TYPE, TIMER_TYPE = "counter", "gauge", "histogram", "timer"


class Statsd(Logger):
    """The logger that also counts. Used by itself when `statsd_host` is set."""

    def __init__(self, cfg: Config) -> None:
        super().__init__(cfg)
        prefix: str = cfg.statsd_prefix
        self.prefix = prefix.rstrip(".") + "." if prefix else ""
        self.dogstatsd_tags: str | None = cfg.dogstatsd_tags or None
        self._suffix = f"|#{self.dogstatsd_tags}".encode() if self.dogstatsd_tags else b""
        self.sock: socket.socket | None = None
        if cfg.statsd_host is None:
            # Made by a program or a subclass of its own: the log alone.
            return
        try:
            self.sock = _connect(cfg.statsd_host)
        except OSError as error:
            Logger.warning(self, "Cannot send metrics to %s: %s", cfg.statsd_host, error)

    # The error log, counted.

    def critical(self, msg: object, *args: object, **kwargs: Unpack[LogOptions]) -> None:
        Logger.critical(self, msg, *args, **kwargs)
        self.increment("gunicorn.log.critical", 1)

    def error(self, msg: object, *args: object, **kwargs: Unpack[LogOptions]) -> None:
        Logger.error(self, msg, *args, **kwargs)
        self.increment("gunicorn.log.error", 1)

    def warning(self, msg: object, *args: object, **kwargs: Unpack[LogOptions]) -> None:
        Logger.warning(self, msg, *args, **kwargs)
        self.increment("gunicorn.log.warning", 1)

    def exception(self, msg: object, *args: object, **kwargs: Unpack[LogOptions]) -> None:
        Logger.exception(self, msg, *args, **kwargs)
        self.increment("gunicorn.log.exception", 1)

    def info(self, msg: object, *args: object, **kwargs: Unpack[LogOptions]) -> None:
        self.log("info", msg, *args, **kwargs)

    def debug(self, msg: object, *args: object, **kwargs: Unpack[LogOptions]) -> None:
        self.log("debug", msg, *args, **kwargs)

    def log(self, lvl: int | str, msg: object, *args: object, **kwargs: Unpack[LogOptions]) -> None:
        extra: Mapping[str, Any] | None = kwargs.get("extra")
        if extra is not None:
            send = _BY_TYPE.get(extra.get(MTYPE_VAR))
            name, value = extra.get(METRIC_VAR), extra.get(VALUE_VAR)
            if send is not None and name and value is not None:
                send(self, name, value)
        if msg:
            Logger.log(self, lvl, msg, *args, **kwargs)

    # The access log.

    def access(
        self, resp: object, req: object, environ: Mapping[str, object], request_time: timedelta
    ) -> None:
        """Log the request, and send its duration in milliseconds, its count and its status."""
        Logger.access(self, resp, req, environ, request_time)
        self.timer("gunicorn.request.duration", request_time.total_seconds() * 1000)
        self.increment("gunicorn.requests", 1)
        code = printable(getattr(resp, "status", None))[:3]
        # A status that is none: hooks and middleware may have set it.
        self.increment(f"gunicorn.request.status.{code if code.isascii() and code.isdigit() else 'unknown'}", 1)

    # Metrics.

    def gauge(self, name: str, value: float) -> None:
        self._send(f"{name}:{value}|g")

    def increment(self, name: str, value: float, sampling_rate: float = 1.0) -> None:
        self._send(f"{name}:{value}|c|@{sampling_rate}")

    def decrement(self, name: str, value: float, sampling_rate: float = 1.0) -> None:
        self._send(f"{name}:-{value}|c|@{sampling_rate}")

    def timer(self, name: str, value: float) -> None:
        self._send(f"{name}:{value}|ms")

    def histogram(self, name: str, value: float) -> None:
        self._send(f"{name}:{value}|h")

    def _send(self, text: str) -> None:
        self._sock_send((self.prefix + text).encode())

    def _sock_send(self, msg: str | bytes) -> None:
        if self.sock is None:
            return
        data = msg.encode("ascii", "backslashreplace") if isinstance(msg, str) else msg
        try:
            self.sock.send(data + self._suffix)
        except OSError:
            # Nobody listens, or the queue is full. Said at debug level only: a warning would be a metric
            # again.
            Logger.debug(self, "A metric was lost", exc_info=True)


_BY_TYPE: dict[object, Callable[[Statsd, str, float], None]] = {
    GAUGE_TYPE: Statsd.gauge,
    COUNTER_TYPE: Statsd.increment,
    HISTOGRAM_TYPE: Statsd.histogram,
    TIMER_TYPE: Statsd.timer,
}


def _connect(host: tuple[str, int] | str) -> socket.socket:
    """A datagram socket towards (host, port) or a path. Raises OSError."""
    family = socket.AF_UNIX
    address: tuple[str | int | bytes, ...] | str = host
    if not isinstance(host, (str, bytes)):
        found = socket.getaddrinfo(host[0], int(host[1]), type=socket.SOCK_DGRAM)[0]
        family, address = found[0], found[4]
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.connect(address)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock
