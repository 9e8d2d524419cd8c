"""Public names: the logger (`logs/logger.py`)."""

from __future__ import annotations

from gunicorn.logs.logger import CONFIG_DEFAULTS, SYSLOG_FACILITIES, Logger, SafeAtoms, loggers, parse_syslog_address

__all__ = ["CONFIG_DEFAULTS", "SYSLOG_FACILITIES", "Logger", "SafeAtoms", "loggers", "parse_syslog_address"]
