"""What a peer may do now and then, and not for ever: a budget that fills with time."""

from __future__ import annotations


class Budget:
    """So many at once, so many a second after that. The clock is the caller's: seconds, as from a monotonic one."""

    __slots__ = ("at", "left", "most", "rate")

    def __init__(self, most: float, rate: float) -> None:
        self.most = most
        self.rate = rate
        self.left = most
        self.at = 0.0

    def spend(self, now: float) -> bool:
        """Take one; whether there was one left."""
        if self.left < 1.0:
            self.left = min(self.most, self.left + max(0.0, now - self.at) * self.rate)
            self.at = now
        elif self.left == self.most:
            self.at = now
        if self.left < 1.0:
            return False
        self.left -= 1.0
        return True
