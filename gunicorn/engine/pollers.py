"""Which poller there is: the best one of the platform, or none that does anything."""

from __future__ import annotations

from gunicorn.unix.unpatched import select

from ._leaf import Poller

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def make_poller() -> Poller:
    """The best poller of the platform."""
    if hasattr(select, "epoll"):
        return Poller()
    from .portable import PortablePoller

    return PortablePoller()


class Nowhere(Poller):
    """In the place of a poller, in a process that is not to serve: whoever would wait for clients there is ended.

    `ended` does not return; it is set afterwards, since a poller is made without arguments.
    """

    ended: Callable[[], object]

    def __init__(self) -> None:
        """It has no descriptor."""

    def add(self, fd: int) -> None:
        """Nothing comes of it."""

    add_listener = add_level = arm_read = arm_write = remove = forget = add

    def wait(self, timeout: float) -> int:
        """Does not return."""
        self.ended()
        return 0
