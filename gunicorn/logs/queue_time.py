"""How long a request has waited between a proxy and this server, as `X-Request-Start` tells it.

nginx writes `t=` and seconds with a fraction, Heroku's router milliseconds, Apache `t=` and microseconds: the size of
the number tells the unit.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["queue_seconds", "seconds_since"]

# A proxy's clock that is so far from ours says nothing.
IMPLAUSIBLE_SECONDS = 3600.0
# Seconds, milliseconds, microseconds or nanoseconds: from which number on, and how many of them a second has.
_UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3), (0.0, 1.0))


def seconds_since(value: str | None, moment: float) -> float | None:
    """The seconds from what a field says to `moment` (since the epoch); None where it says nothing that can be."""
    if not value:
        return None
    try:
        number = float(value.removeprefix("t="))
    except ValueError:
        return None
    unit = next((unit for least, unit in _UNITS if number >= least), 1.0)
    waited = moment - number / unit
    return waited if 0.0 < waited < IMPLAUSIBLE_SECONDS else None


def queue_seconds(req: object, environ: Mapping[str, object], began: float) -> float | None:
    """How long a request had waited when it was begun; None where no trusted proxy tells. `req`: one of any kind."""
    if not getattr(getattr(req, "head", req), "forwarder_trusted", False):
        return None
    value = environ.get("HTTP_X_REQUEST_START")
    return seconds_since(value, began) if isinstance(value, str) else None
