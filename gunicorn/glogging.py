"""Public names: the logger (`logs/logger.py`)."""

from __future__ import annotations

from gunicorn.logs.atoms import SafeAtoms
from gunicorn.logs.handlers import loggers
from gunicorn.logs.logger import Logger
from gunicorn.logs.logging_config import CONFIG_DEFAULTS
from gunicorn.logs.syslog_address import SYSLOG_FACILITIES, parse_syslog_address

__all__ = ["CONFIG_DEFAULTS", "SYSLOG_FACILITIES", "Logger", "SafeAtoms", "loggers", "parse_syslog_address"]
