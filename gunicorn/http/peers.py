"""Which peers are believed."""

from __future__ import annotations

from gunicorn._standard import standard_first

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from ipaddress import IPv4Network, IPv6Network

    from gunicorn._types import Peer


class Peers:
    """Which peers belong to an allow-list of addresses and networks.

    `*` allows all. A peer on a unix socket has no address and is allowed.
    """

    def __init__(self, allowed: Iterable[object]) -> None:
        words = [str(word) for word in allowed]
        self._all = "*" in words
        # The default is plain addresses: those need no module that takes milliseconds to import.
        self._plain = frozenset(word for word in words if "/" not in word)
        self._words = [word for word in words if word != "*"]
        self._networks: list[IPv4Network | IPv6Network] | None = None

    def allows(self, address: Peer) -> bool:
        """`address` is what accept() gave: a tuple whose first member is an IP address, or a path or nothing."""
        if self._all or not isinstance(address, tuple):
            return True
        host = address[0]
        return host in self._plain or (bool(self._words) and self._look(host))

    def _look(self, host: str) -> bool:
        if self._networks is None:
            with standard_first():
                from ipaddress import ip_network

            self._networks = [ip_network(word, strict=False) for word in self._words]
        from ipaddress import ip_address

        try:
            ip = ip_address(host.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(ip, "ipv4_mapped", None)
        ip = mapped or ip
        return any(ip in network for network in self._networks if network.version == ip.version)
