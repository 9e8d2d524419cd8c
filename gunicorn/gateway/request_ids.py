"""The id of a request: taken from a trusted peer or made, and told to the application, the client and the logs."""

from __future__ import annotations

import os
import re
import time

from gunicorn.http.fields import ORDINARY, FieldName
from gunicorn.http.request import Request
from gunicorn.http.response import ORDINARY as ORDINARY_LINE
from gunicorn.http.response import FieldLine
from gunicorn.logs.request_ids import running

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gunicorn._types import Clock

__all__ = ["RequestIds", "uuid7"]

_ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{1,128}\Z").match


def uuid7(milliseconds: int, octets: bytes) -> str:
    """A UUID of version 7 as text (RFC 9562 section 5.7): the time, by which ids sort, and ten octets of chance."""
    chance = int.from_bytes(octets[:10])
    # 48 bits of time, the version, 12 bits of chance, the variant, 62 bits of chance.
    digits = f"{milliseconds & 0xFFFFFFFFFFFF:012x}7{chance >> 68:03x}{0x8 << 60 | chance & (1 << 62) - 1:016x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


class RequestIds:
    """Gives every request its id, under the field `name`."""

    def __init__(
        self, name: str, wall_clock: Clock = time.time, chance: Callable[[int], bytes] = os.urandom
    ) -> None:
        self.name = name
        self._field = FieldName(name.encode("ascii"), ORDINARY, "")
        # As a line of a response begins, in lower case.
        self._begin = f"{name.lower()}:".encode("ascii")
        self._wall_clock = wall_clock
        self._chance = chance

    def give(self, request: Request) -> str:
        """Have `request` bear its id, in `request_id` and as its one field of that name."""
        if request.request_id is not None:
            return request.request_id
        variable = self._field.variable
        # Another name may be the same variable (`header_map`).
        found = [value for field, value in request.fields if field.variable == variable]
        if request.forwarder_trusted and len(found) == 1 and _ACCEPTABLE(found[0]):
            given = found[0]
        else:
            given = self.make()
            request.fields = [pair for pair in request.fields if pair[0].variable != variable]
            request.fields.append((self._field, given))
            request._headers = None
            self._replace_octets(request, given)
        request.request_id = given
        return given

    def make(self) -> str:
        """A fresh one."""
        return uuid7(int(self._wall_clock() * 1000), self._chance(10))

    def _replace_octets(self, request: Request, given: str) -> None:
        """The same for the header section as octets, where it has come so."""
        octets = request.octets
        if octets is not None:
            lower, other = self._field.lower, self._field.lower.replace(b"-", b"_")
            request.octets = [pair for pair in octets if pair[0] != lower and pair[0] != other]
            request.octets.append((lower, given.encode("ascii")))

    def line(self, given: str) -> FieldLine:
        """The field of a response. What is an id needs no check."""
        return FieldLine(ORDINARY_LINE, f"{self.name}: {given}\r\n".encode("ascii"), given)

    def is_in(self, fields: list[FieldLine]) -> bool:
        """Whether one of the fields of a response is this one."""
        return any(field.line[:len(self._begin)].lower() == self._begin for field in fields)

    # Lines that are written while a request runs.

    def enter(self, request: Request) -> str | None:
        """From now on this thread, greenlet or task is about `request`; what it was about before."""
        before = running.get()
        running.set(request.request_id)
        return before

    def leave(self, before: str | None = None) -> None:
        """Whatever runs here is about no request any more, or about the one before."""
        running.set(before)
