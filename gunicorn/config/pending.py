"""Settings that are accepted and checked, but whose feature this release does not have yet.

The only place that knows them: a feature that arrives takes its names out of this table.
"""

from __future__ import annotations

_IGNORED = "use ssl_minimum_version to restrict versions"

PENDING: dict[str, str] = {
    "ssl_version": _IGNORED,
}
