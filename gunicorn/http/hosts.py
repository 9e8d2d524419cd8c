"""Which hosts a server answers for (RFC 9110 section 7.2)."""

from __future__ import annotations

from gunicorn._standard import standard_first

from .errors import HTTPError, InvalidHost, Misdirected
from .request import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Hosts"]

# So many hosts that were admitted are remembered, as they were written.
_REMEMBERED = 64


class Hosts:
    """The hosts of `patterns`: names and addresses in lower case (IPv6 in brackets, in its shortest form), `*.NAME` for
    all below a name, `.NAME` for these and the name itself, `*` for any."""

    def __init__(self, patterns: Iterable[str]) -> None:
        patterns = list(patterns)
        self._all = "*" in patterns
        self._suffixes = tuple(pattern.removeprefix("*") for pattern in patterns if pattern[:1] in ("*", "."))
        self._exact = {pattern.removeprefix(".") for pattern in patterns if not pattern.startswith("*")}
        self._addresses = any(pattern.startswith("[") for pattern in patterns)
        self._known: set[str] = set()

    def check(self, request: Request) -> None:
        """Raises `Misdirected` (421) where a request names a host that is not served here, `InvalidHost` (400) where it
        names none. Whatever part of it an application may read is looked at."""
        error = self.complaint(request)
        if error is not None:
            raise error

    def complaint(self, request: Request) -> HTTPError | None:
        """What `check` raises; None where it raises nothing."""
        host = request.host
        if request.authority is not None and request.method != "CONNECT":
            if not self.admits(request.authority):
                return Misdirected(request.authority)
            if host is None:
                return None
        if not host:
            return None if self._all else InvalidHost("missing, and allowed_hosts is set")
        return None if self.admits(host) else Misdirected(host)

    def admits(self, value: str) -> bool:
        """Whether the host of a valid value of the field Host is one of these; its port does not count."""
        if value in self._known or self._all:
            return True
        host = self._host(value.lower())
        if host not in self._exact and not (self._suffixes and host.endswith(self._suffixes)):
            return False
        if len(self._known) < _REMEMBERED:
            self._known.add(value)
        return True

    def _host(self, value: str) -> str:
        """Without the port, and without the dot at the end of a name."""
        if not value.startswith("["):
            return value.partition(":")[0].removesuffix(".")
        literal = value.partition("]")[0][1:]
        return f"[{_shortest(literal)}]" if self._addresses else value


def _shortest(literal: str) -> str:
    """An IPv6 address as it is compared; what is none stays as it is."""
    with standard_first():
        from ipaddress import IPv6Address

    try:
        return str(IPv6Address(literal))
    except ValueError:
        return literal
