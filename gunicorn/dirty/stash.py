"""Public names: the stash (`tasks/stash.py`)."""

from __future__ import annotations

from gunicorn.tasks.errors import DirtyError, StashError, StashKeyNotFoundError, StashTableNotFoundError
from gunicorn.tasks.place import get_stash_socket_path, set_stash_socket_path
from gunicorn.tasks.stash import (
    StashClient,
    StashTable,
    add,
    clear,
    delete,
    delete_table,
    ensure,
    exists,
    get,
    info,
    keys,
    put,
    put_if,
    table,
    tables,
)

__all__ = [
    "DirtyError", "StashClient", "StashError", "StashKeyNotFoundError", "StashTable", "StashTableNotFoundError", "add",
    "clear", "delete", "delete_table", "ensure", "exists", "get", "get_stash_socket_path", "info", "keys", "put",
    "put_if", "set_stash_socket_path", "table", "tables",
]
