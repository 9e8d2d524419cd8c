"""What a connection can become: another protocol than the one it began with (RFC 9110 section 7.8)."""

from __future__ import annotations


class Driver:
    """Who gets the octets of a connection from `Exchange.become` on."""

    __slots__ = ()

    def receive(self, data: bytes) -> None:
        """Octets have come."""
        raise NotImplementedError

    def full(self) -> bool:
        """Whether no more should be read before some of it was used; this is asked again by `Engine.attend`."""
        return False

    def ended(self) -> None:
        """The client has shut its side; this is said once, and nothing comes after it."""
