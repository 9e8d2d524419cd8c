"""The level of the error log while the server runs."""

from __future__ import annotations

import logging

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn._types import Log

__all__ = ["set_level"]


def set_level(log: Log, level: int) -> bool:
    """Have the error log tell what is of this level or above. Whether it has a level: a logger class of the user's need
    not."""
    logger = getattr(log, "error_log", None)
    if not isinstance(logger, logging.Logger):
        return False
    logger.setLevel(level)
    return True
