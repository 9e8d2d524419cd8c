"""Several applications of WSGI as one (PEP 3333, "environ Variables": SCRIPT_NAME and PATH_INFO)."""

from __future__ import annotations

from collections.abc import Iterable

from gunicorn.config.mounts import NOWHERE, Table, octets_of
from gunicorn.gateway.mounts import FIELDS, PAGE, Mount
from gunicorn.http.response import REASONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gunicorn._types import Environ, StartResponse, WSGIApp

__all__ = ["MountedWSGI"]

_STATUS = f"404 {REASONS[404]}"


class MountedWSGI:
    """Gives each request to the application that stands where it goes, or answers that there is none."""

    def __init__(self, mounts: Iterable[Mount]) -> None:
        mounts = list(mounts)
        self.table = Table([(mount.rank, mount.place) for mount in mounts], octets=True)
        self._at: dict[int, tuple[str, WSGIApp]] = {
            mount.rank: (octets_of(mount.place.prefix), mount.app) for mount in mounts
        }

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        rank = self.table.find(environ.get("HTTP_HOST", ""), path)
        if rank == NOWHERE:
            start_response(_STATUS, list(FIELDS))
            return [PAGE]
        prefix, app = self._at[rank]
        if prefix:
            # In the environ itself: what the application leaves there is seen by hooks and by the access log.
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + prefix
            environ["PATH_INFO"] = path[len(prefix):]
        return app(environ, start_response)
