"""What the application's own code did: its traceback, and who called `sys.exit()` where.

Frames of this package and of the import machinery say nothing to whoever reads a log.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from gunicorn._standard import standard_first
from gunicorn.errors import AppExitError, OwnSignal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from traceback import TracebackException
    from typing import TypeVar

    from gunicorn._types import Environ, StartResponse, WSGIApp

    T = TypeVar("T")

# The folder of this package, below which its rooms lie.
_PACKAGE_DIR = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


# Who leaves when it should not.


def without_exit(load: Callable[[], T], who: str, when: str) -> T:
    """Return `load()`. Raises AppExitError where that calls `sys.exit()`: what is loaded does not end the server,
    least of all with a status that says that all is well."""
    try:
        return load()
    except OwnSignal:
        raise
    except SystemExit as error:
        raise AppExitError(who_left(who, when, error)) from error


def who_left(who: str, when: str, error: SystemExit) -> str:
    """A line that says who called `sys.exit()`, when, and where."""
    place = ""
    trace = error.__traceback__
    while trace is not None:
        filename = trace.tb_frame.f_code.co_filename
        if not _is_ours(filename) and not _is_of_python(filename):
            place = f": {filename}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return f"{who} called sys.exit({'' if error.code is None else repr(error.code)}) {when}{place}"


def _is_of_python(filename: str) -> bool:
    folder = os.path.dirname(os.__file__) + os.sep
    return filename.startswith(("<frozen", folder)) and not filename.startswith(folder + "site-packages")


# An application's own traceback.


@standard_first()
def application_traceback(exc: BaseException) -> str:
    """Format `exc` as Python does, without the frames of this package and of the import machinery.

    The causes, contexts and members of the exception are trimmed in the same way. Ends with a newline.
    """
    import traceback

    report = traceback.TracebackException.from_exception(exc)
    _trim(report)
    return "".join(report.format())


def boot_traceback(exc: BaseException) -> str:
    """The same for an application that does not load: behind a library that is not there stands for which Python, since
    it mostly is there for another one."""
    text = application_traceback(exc)
    name = exc.name.partition(".")[0] if isinstance(exc, ModuleNotFoundError) and exc.name else ""
    return f"{text}{name!r} is not installed for {sys.executable}\n" if name and name not in sys.modules else text


def _trim(report: TracebackException) -> None:
    # No recursion: a chain of reasons may be longer than the stack is deep.
    left: list[TracebackException | None] = [report]
    seen: set[int] = set()
    while left:
        found = left.pop()
        if found is None or id(found) in seen:
            continue
        seen.add(id(found))
        found.stack[:] = [frame for frame in found.stack if not _is_ours(frame.filename)]
        left += [found.__cause__, found.__context__, *(found.exceptions or ())]


def _is_ours(filename: str) -> bool:
    if filename.startswith(_PACKAGE_DIR + os.sep):
        return not _is_application_file(filename)
    return filename.startswith("<frozen importlib") or filename.endswith("/importlib/__init__.py")


def _is_application_file(filename: str) -> bool:
    """An application may lie in our own folder (`cd gunicorn/app && python wsgiapp.py app:app`)."""
    for name, module in list(sys.modules.items()):
        if getattr(module, "__file__", None) == filename:
            return not name.startswith("gunicorn") and name != "__main__"
    return os.path.dirname(filename) == os.getcwd()


def make_fail_app(msg: str | bytes) -> WSGIApp:
    """Return a WSGI application that answers everything with 500 and `msg` as plain text."""
    body = msg.encode() if isinstance(msg, str) else msg

    def app(environ: Environ, start_response: StartResponse) -> list[bytes]:
        headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
        start_response("500 Internal Server Error", headers)
        return [body]

    return app
