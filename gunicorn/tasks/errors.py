"""What callers of tasks are told when something goes wrong: `DirtyError` and its kinds.

Errors cross processes as data. `to_dict` is what is sent, and `from_dict` makes an error of the same kind of it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "DirtyAppError", "DirtyAppNotFoundError", "DirtyConnectionError", "DirtyError", "DirtyNoWorkersAvailableError",
    "DirtyProtocolError", "DirtyQueueFullError", "DirtyTimeoutError", "DirtyWorkerError", "StashError",
    "StashKeyNotFoundError", "StashTableNotFoundError",
]


class DirtyError(Exception):
    """Base of them. `message`: what has happened; `details`: what is known about it, by name."""

    def __init__(self, message: str, details: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details: dict[str, object] = dict(details or {})

    def __str__(self) -> str:
        return f"{self.message}: {self.details}" if self.details else self.message

    def _know(self, **known: object) -> None:
        """Keep what is known as attributes, and what is more than None as details."""
        for name, value in known.items():
            setattr(self, name, value)
            if value is not None:
                self.details[name] = value

    def to_dict(self) -> dict[str, object]:
        """The error as data: `error_type`, `message`, `details`."""
        return {"error_type": type(self).__name__, "message": self.message, "details": dict(self.details)}

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> DirtyError:
        """The error that `data` tells of, of the kind that it names; of this one where it names none that is known."""
        kind = _KINDS.get(str(data.get("error_type")), cls)
        details = data.get("details")
        error = kind.__new__(kind)
        DirtyError.__init__(error, str(data.get("message", "")), details if isinstance(details, dict) else None)
        for name in kind.known:
            setattr(error, name, error.details.get(name))
        return error

    #: What a kind knows besides; attributes of its errors.
    known: tuple[str, ...] = ()

    def __reduce__(self) -> tuple[object, ...]:
        return DirtyError.from_dict, (self.to_dict(),)


class DirtyTimeoutError(DirtyError):
    """A call took longer than it may; `timeout`: how many seconds that are."""

    known = ("timeout",)
    timeout: float | None

    def __init__(self, message: str = "Operation timed out", timeout: float | None = None) -> None:
        super().__init__(message)
        self._know(timeout=timeout)


class DirtyConnectionError(DirtyError):
    """The pool cannot be reached at `socket_path`, or has ended. A call that was under way may have run."""

    known = ("socket_path",)
    socket_path: str | None

    def __init__(self, message: str = "Connection failed", socket_path: str | None = None) -> None:
        super().__init__(message)
        self._know(socket_path=socket_path)


class DirtyWorkerError(DirtyError):
    """The process `worker_id` has ended while it ran a call: nobody knows how far it came."""

    known = ("worker_id", "traceback")
    worker_id: int | str | None
    traceback: str | None

    def __init__(self, message: str, worker_id: int | str | None = None, traceback: str | None = None) -> None:
        super().__init__(message)
        self._know(worker_id=worker_id, traceback=traceback)


class DirtyProtocolError(DirtyError):
    """A value that cannot be sent, or octets that mean nothing; the beginning of these as `raw_data`, in hex."""

    def __init__(self, message: str = "Protocol error", raw_data: bytes | None = None) -> None:
        super().__init__(message, None if raw_data is None else {"raw_data": raw_data[:100].hex()})


class DirtyAppError(DirtyError):
    """An application has failed in `action`; `traceback` is its text, `error_type` the name of the exception."""

    known = ("app_path", "action", "traceback", "error_type")
    app_path: str | None
    action: str | None
    traceback: str | None
    error_type: str | None

    def __init__(
        self, message: str, app_path: str | None = None, action: str | None = None, traceback: str | None = None,
        error_type: str | None = None,
    ) -> None:
        super().__init__(message)
        self._know(app_path=app_path, action=action, traceback=traceback, error_type=error_type)


class DirtyAppNotFoundError(DirtyAppError):
    """There is no such application."""

    def __init__(self, app_path: str) -> None:
        super().__init__(f"Dirty app not found: {app_path}", app_path=app_path)


class DirtyNoWorkersAvailableError(DirtyError):
    """No process has the application, and none is about to."""

    known = ("app_path",)
    app_path: str | None

    def __init__(self, app_path: str, message: str | None = None) -> None:
        super().__init__(message or f"No workers available for app: {app_path}")
        self._know(app_path=app_path)


class DirtyQueueFullError(DirtyError):
    """As many calls wait for the application as may."""

    known = ("app_path",)
    app_path: str | None

    def __init__(self, app_path: str, message: str | None = None) -> None:
        super().__init__(message or f"Too many calls wait for app: {app_path}")
        self._know(app_path=app_path)


class StashError(DirtyError):
    """Base of what the stash refuses."""


class StashTableNotFoundError(StashError):
    """There is no such table."""

    def __init__(self, table_name: str) -> None:
        super().__init__(f"Stash table not found: {table_name}")
        self.table_name = table_name


class StashKeyNotFoundError(StashError, KeyError):
    """The table has no such key."""

    def __init__(self, table_name: str, key: object) -> None:
        super().__init__(f"Key not found in {table_name}: {key}")
        self.table_name = table_name
        self.key = key


_KINDS: dict[str, type[DirtyError]] = {
    kind.__name__: kind
    for kind in (
        DirtyError, DirtyTimeoutError, DirtyConnectionError, DirtyWorkerError, DirtyProtocolError, DirtyAppError,
        DirtyAppNotFoundError, DirtyNoWorkersAvailableError, DirtyQueueFullError, StashError,
    )
}
