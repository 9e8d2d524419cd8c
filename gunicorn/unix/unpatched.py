"""Functions of the operating system as the interpreter came with them.

gevent and eventlet replace functions of `os`, `select`, `signal` and `socket` by ones that switch greenlets
where the kernel would make them wait, and delete some that cannot. The master's loop and the engine lie below the loop
that those libraries bring: they have to ask the kernel itself, whoever has patched what, and when. The C modules behind
the standard ones are not patched; `select` is such a module itself, so a copy of it is kept, made before it is
patched or from the interpreter's own.
"""

from __future__ import annotations

import select as _select
from _signal import signal as set_handler  # type: ignore[import-not-found]
from _socket import socket as Socket
from _thread import allocate_lock, get_ident, start_new_thread
from posix import close, fork, read, readv, sendfile, waitpid, write, writev

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

__all__ = [
    "Socket", "allocate_lock", "close", "fork", "get_ident", "read", "readv", "select", "sendfile", "set_handler",
    "start_new_thread", "waitpid", "write", "writev",
]


def _pristine(module: ModuleType) -> ModuleType:
    if type(module.select) is not type(len) and module.__spec__ is not None and module.__spec__.loader is not None:
        from importlib.util import module_from_spec

        fresh = module_from_spec(module.__spec__)
        module.__spec__.loader.exec_module(fresh)
        return fresh
    # Whoever patches it later changes the module in place.
    copy = type(module)("select")
    copy.__dict__.update(module.__dict__)
    return copy


select = _pristine(_select)
