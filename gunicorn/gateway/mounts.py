"""What applications of both interfaces that are mounted have in common, and the answer where none stands."""

from __future__ import annotations

from gunicorn._record import Record
from gunicorn.config.mounts import Place
from gunicorn.http.response import error_body

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn._types import App

__all__ = ["FIELDS", "PAGE", "STATUS", "Mount"]

STATUS = 404
PAGE = error_body(STATUS, "No application stands here")
FIELDS = (("Content-Type", "text/html"), ("Content-Length", str(len(PAGE))))


class Mount(Record):
    """An application where it stands. `rank`: of several that take a request, that with the lowest gets it; `target`:
    what names the application."""

    rank: int
    place: Place
    target: str
    app: App

    def __str__(self) -> str:
        return f"{self.place} ({self.target})" if self.target else str(self.place)
