"""From a name to the object it means: applications, worker and logger classes."""

from __future__ import annotations

import os
import sys
from importlib import import_module

from gunicorn.errors import AppImportError, AppModuleNotFoundError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast
    from collections.abc import Callable
    from typing import Any, NoReturn

    WSGIApp = Callable[..., Any]

_PACKAGE_DIR = os.path.dirname(os.path.abspath(__file__))


def import_app(module: str) -> WSGIApp:
    """Return the application that ``module`` names.

    ``MODULE`` alone means its variable ``application``. After a colon: a name, a dotted path of attributes,
    or a call of one of them whose arguments are literals (they are never evaluated as code).

    Raises AppImportError when what is named is not there, is no callable or is called wrongly. What the
    module or the factory itself raises is let through untouched, with the application's own traceback.
    """
    name, _, expression = module.partition(":")
    found = _import_named_module(name, module)
    expression = expression.strip() if ":" in module else "application"
    if _is_dotted(expression):
        app = _attribute(found, expression)
    else:
        app = _call_factory(found, expression)
    if app is None:
        raise AppImportError(f"Failed to find application object {expression!r} in {name!r}.")
    if not callable(app):
        raise AppImportError(f"Application object must be callable, {module!r} is {type(app).__name__}.")
    return app  # type: ignore[no-any-return]


def _is_dotted(expression: str) -> bool:
    return all(part.isidentifier() for part in expression.split("."))


def _import_named_module(name: str, spec: str) -> Any:
    if not name:
        raise AppImportError(f"No module is named in {spec!r}: write MODULE:VARIABLE.")
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if not _is_itself_missing(name, error):
            raise
        raise AppModuleNotFoundError(
            f"No module named {error.name!r} in {os.getcwd()}{_file_hint(name)}", name=error.name
        ) from None


def _is_itself_missing(name: str, error: ModuleNotFoundError) -> bool:
    """True when ``name`` or a package above it is missing, not something that the found module imports."""
    return error.name is not None and (name + ".").startswith(error.name + ".") and name not in sys.modules


def _file_hint(name: str) -> str:
    if name.endswith(".py") and os.path.exists(name):
        return f": {name} is a file, the module is {name[:-3]!r}"
    if os.path.isfile(name.replace(".", "/") + ".py"):
        return f" (but {name.replace('.', '/')}.py is there: is its folder a package, and on the path?)"
    return " or elsewhere on the path (--chdir and --pythonpath add to it)"


def _attribute(module: Any, path: str) -> Any:
    found = module
    for part in path.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise AppImportError(f"Failed to find attribute {path!r} in {_place(module)}.") from None
    return found


def _place(module: Any) -> str:
    where = getattr(module, "__file__", None)
    return f"{module.__name__!r} ({where})" if where else repr(module.__name__)


def _call_factory(module: Any, expression: str) -> Any:
    call = _parse_call(expression)
    factory = _attribute(module, _dotted_name(call.func, expression))
    args, kwargs = _literal_arguments(call, expression)
    try:
        return factory(*args, **kwargs)
    except TypeError as error:
        # Raised by the call itself, no frame of the factory is in the traceback: the arguments do not fit.
        if error.__traceback__ is not None and error.__traceback__.tb_next is None:
            raise AppImportError(f"{expression!r}: TypeError: {error}") from None
        raise


def _parse_call(expression: str) -> ast.Call:
    import ast

    try:
        tree = ast.parse(expression, mode="eval").body
    except SyntaxError:
        _refuse(expression)
    if not isinstance(tree, ast.Call):
        _refuse(expression)
    return tree


def _refuse(expression: str) -> NoReturn:
    raise AppImportError(f"Failed to parse {expression!r} as an attribute name or function call.")


def _dotted_name(node: ast.expr, expression: str) -> str:
    import ast

    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        raise AppImportError(f"Function reference must be a name or a dotted name: {expression!r}")
    parts.append(node.id)
    return ".".join(reversed(parts))


def _literal_arguments(call: ast.Call, expression: str) -> tuple[list[Any], dict[str, Any]]:
    import ast

    try:
        args = [ast.literal_eval(arg) for arg in call.args]
        kwargs = {word.arg: ast.literal_eval(word.value) for word in call.keywords if word.arg is not None}
    except ValueError:
        raise AppImportError(f"Failed to parse arguments as literal values: {expression!r}") from None
    if len(kwargs) != len(call.keywords):
        raise AppImportError(f"Failed to parse arguments as literal values: {expression!r}")
    return args, kwargs


# -- classes


def load_class(
    uri: Any, default: str = "gunicorn.workers.sync.SyncWorker", section: str = "gunicorn.workers"
) -> Any:
    """Return the class that ``uri`` names.

    ``uri`` may be a class itself, an alias or an entry point of ``section``, a dotted path
    (``package.module.Class``), or ``egg:DISTRIBUTION#NAME``.

    Raises RuntimeError, whose text is one line, when there is no such class.
    """
    if not isinstance(uri, str):
        return uri
    if uri.startswith("egg:"):
        distribution, _, name = uri[4:].partition("#")
        return _entry_point(distribution, section, name or default, uri)
    uri = _aliases(section).get(uri, uri)
    if "." in uri or ":" in uri:
        return _class_at(uri.replace(":", "."), uri)
    return _entry_point("gunicorn", section, uri, uri)


def _aliases(section: str) -> dict[str, str]:
    if section != "gunicorn.workers":
        return {}
    from gunicorn.workers import SUPPORTED_WORKERS

    return SUPPORTED_WORKERS


def _class_at(dotted: str, uri: str) -> Any:
    module_name, _, name = dotted.rpartition(".")
    try:
        module = import_module(module_name)
    except ImportError as error:
        raise RuntimeError(f"class uri {uri!r} invalid or not found: {error}") from error
    try:
        return getattr(module, name)
    except AttributeError:
        raise RuntimeError(
            f"class uri {uri!r} invalid or not found: {module_name!r} has no {name!r}"
        ) from None


def _entry_point(distribution: str, section: str, name: str, uri: str) -> Any:
    from importlib.metadata import entry_points

    for entry in entry_points(group=section, name=name):
        if distribution == "gunicorn" or (entry.dist is not None and entry.dist.name == distribution):
            return entry.load()
    known = ", ".join([*_aliases(section), f"an entry point of {section}", "a dotted path to a class"])
    raise RuntimeError(f"class uri {uri!r} invalid or not found: expected one of {known}")


# -- an application's own traceback


def application_traceback(exc: BaseException) -> str:
    """Format ``exc`` as Python does, without the frames of this package and of the import machinery.

    The causes, contexts and members of the exception are trimmed in the same way. Ends with a newline.
    """
    import traceback

    report = traceback.TracebackException.from_exception(exc)
    _trim(report)
    return "".join(report.format())


def _trim(report: Any) -> None:
    # No recursion: a chain of reasons may be longer than the stack is deep.
    left, seen = [report], set()
    while left:
        report = left.pop()
        if report is None or id(report) in seen:
            continue
        seen.add(id(report))
        report.stack[:] = [frame for frame in report.stack if not _is_ours(frame.filename)]
        left += [report.__cause__, report.__context__, *(report.exceptions or ())]


def _is_ours(filename: str) -> bool:
    if filename.startswith(_PACKAGE_DIR + os.sep):
        return not _is_application_file(filename)
    return filename.startswith("<frozen importlib") or filename.endswith("/importlib/__init__.py")


def _is_application_file(filename: str) -> bool:
    """An application may lie in our own folder (``cd gunicorn/app && python wsgiapp.py app:app``)."""
    for name, module in list(sys.modules.items()):
        if getattr(module, "__file__", None) == filename:
            return not name.startswith("gunicorn") and name != "__main__"
    return os.path.dirname(filename) == os.getcwd()
