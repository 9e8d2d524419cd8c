"""The names of the months in dates of HTTP and of logs, which never follow the locale (RFC 9110 section 5.6.7)."""

from __future__ import annotations

__all__ = ["MONTHS"]

# By their numbers, the first is 1.
MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
