"""What the engine is told, as plain values."""

from __future__ import annotations

from gunicorn._record import Record

# How long a connection that is done may go on sending before it is cut: a reset must not overtake our last octets.
LINGER_SECONDS = 2.0
# The same where the end of the process waits for it.
LAST_LINGER_SECONDS = 0.5
# How often deadlines are looked at; and where somebody has set a limit of a few seconds, which should be kept to a
# quarter of one.
SWEEP_SECONDS = 1.0
SHORT_LIMIT = 5.0
SHORT_SWEEP_SECONDS = 0.15


class Settings(Record):
    """Times in seconds (0: no limit), sizes in bytes."""

    keepalive: float = 2.0
    header_timeout: float = 60.0
    body_timeout: float = 60.0
    send_timeout: float = 60.0
    body_buffer_size: int = 1048576
    response_buffer_size: int = 1048576
    upload_dir: str | None = None
    max_connections: int = 0
    buffer_request_body: bool = True
    sendfile: bool = True
    most_running: int = 0


def is_short(seconds: float) -> bool:
    """Whether this is a time limit of a few seconds; 0 is none."""
    return 0.0 < seconds < SHORT_LIMIT


def has_short_limits(settings: Settings) -> bool:
    """Whether somebody has asked for a limit of a few seconds; `keepalive` as nobody has set it does not count."""
    limits = [settings.header_timeout, settings.body_timeout, settings.send_timeout]
    if settings.keepalive != Settings().keepalive:
        limits.append(settings.keepalive)
    return any(map(is_short, limits))
