"""From a name to the object it means: applications, worker and logger classes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from functools import partial
from importlib import import_module
from types import FunctionType, MethodType, ModuleType

from gunicorn._standard import standard_first
from gunicorn.errors import AppImportError, AppModuleNotFoundError

from .aliases import SUPPORTED_WORKERS
from .tracebacks import application_traceback, who_left

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast
    from importlib.metadata import EntryPoint
    from types import ModuleType
    from typing import Any, NoReturn

    from gunicorn._types import App

# Flag of code objects with *args (the documentation of `inspect`, "Code Objects Bit Flags").
_VARARGS = 0x04


def import_app(module: str) -> App:
    """Return the application that `module` names.

    `MODULE` alone means its variable `application`. After a colon: a name, a dotted path of attributes,
    or a call of one of them whose arguments are literals (they are never evaluated as code).

    Raises AppImportError when what is named is not there, is no callable or is called wrongly. What the
    module or the factory itself raises is let through untouched, with the application's own traceback.
    """
    name, _, expression = module.partition(":")
    found = _import_named_module(name, module)
    expression = expression.strip() if ":" in module else "application"
    is_called = not _is_dotted(expression)
    app = _call_factory(found, expression) if is_called else _attribute(found, expression)
    if is_called and not callable(app):
        what = "returned None" if app is None else f"returned {type(app).__name__}, which is not callable"
        raise AppImportError(f"Failed to find application object {expression!r} in {name!r}: the factory {what}.")
    if app is None:
        raise AppImportError(f"Failed to find application object {expression!r} in {name!r}: it is None.")
    if not callable(app):
        raise AppImportError(f"Application object must be callable, {module!r} is {type(app).__name__}.")
    return app


def looks_like_factory(app: object) -> bool:
    """Whether `app` can be called without arguments, and certainly not as an application: with the two of WSGI or
    the three of ASGI. False where its signature does not tell."""
    return _takes(app, 0) is True and _takes(app, 2) is False and _takes(app, 3) is False


def is_an_application(app: object) -> bool:
    """Whether `app` can be called with the two arguments of WSGI or the three of ASGI, as far as its signature tells;
    a class of ASGI 2 is made with one."""
    return _takes(app, 2) is not False or _takes(app, 3) is not False or isinstance(app, type)


def _takes(app: object, count: int) -> bool | None:
    """Whether `app` takes `count` positional arguments; None when that cannot be seen.

    By the code that is really called, whatever `__wrapped__` and `__signature__` claim.
    """
    if isinstance(app, FunctionType):
        return _function_takes(app, count)
    if isinstance(app, MethodType):
        return _takes(app.__func__, count + 1)
    if isinstance(app, type):
        return _class_takes(app, count)
    if isinstance(app, partial):
        return None if app.keywords else _takes(app.func, count + len(app.args))
    call = _declared(type(app), "__call__")
    return _takes(call, count + 1) if isinstance(call, FunctionType) else None


def _function_takes(function: FunctionType, count: int) -> bool:
    code = function.__code__
    required = set(code.co_varnames[code.co_argcount:code.co_argcount + code.co_kwonlyargcount])
    if required - set(function.__kwdefaults__ or ()):
        return False
    least = code.co_argcount - len(function.__defaults__ or ())
    return least <= count and (count <= code.co_argcount or bool(code.co_flags & _VARARGS))


def _class_takes(kind: type, count: int) -> bool | None:
    """The same for a class: what its instances are made with."""
    new, init = _declared(kind, "__new__"), _declared(kind, "__init__")
    if type(kind) is not type or new is not vars(object)["__new__"]:
        # A metaclass, or a __new__ of its own, may do anything.
        return None
    if init is vars(object)["__init__"]:
        return count == 0
    return _takes(init, count + 1) if isinstance(init, FunctionType) else None


def _declared(kind: type, name: str) -> object:
    """The attribute `name` as the class that has it declares it."""
    return next((vars(base)[name] for base in kind.__mro__ if name in vars(base)), None)


def _is_dotted(expression: str) -> bool:
    return all(part.isidentifier() for part in expression.split("."))


def _import_named_module(name: str, spec: str) -> ModuleType:
    if not name:
        raise AppImportError(f"No module is named in {spec!r}: write MODULE:VARIABLE.")
    if not _may_be_module(name):
        raise AppModuleNotFoundError(f"{name!r} is not the name of a module{_path_hint(name)}", name=name)
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if not _is_itself_missing(name, error):
            raise
        raise AppModuleNotFoundError(
            f"No module named {error.name!r} in {os.getcwd()}{_file_hint(name)}", name=error.name
        ) from None


def _is_itself_missing(name: str, error: ModuleNotFoundError) -> bool:
    """True when `name` or a package above it is missing, not something that the found module imports."""
    return error.name is not None and (name + ".").startswith(error.name + ".") and name not in sys.modules


def _may_be_module(name: str) -> bool:
    """False for a path, and for dots that lead nowhere. What stands between dots need not be an identifier."""
    return "/" not in name and all(name.split("."))


def _path_hint(path: str) -> str:
    """What to write in the place of the path of a file or a folder."""
    if "/" not in path:
        return ": write MODULE:VARIABLE"
    stem = os.path.relpath(path.removesuffix(".py"))
    if stem.startswith(".."):
        folder, name = os.path.split(stem)
        return f": with --chdir {folder} the module is {name!r}"
    what = next((f"{found} is there, " for found in (f"{stem}.py", stem) if os.path.exists(found)), "")
    return f": {what}the module is {stem.replace('/', '.')!r}"


def _file_hint(name: str) -> str:
    if name.endswith(".py") and os.path.exists(name):
        return f": {name} is a file, the module is {name[:-3]!r}"
    if os.path.isfile(name.replace(".", "/") + ".py"):
        return f" (but {name.replace('.', '/')}.py is there: is its folder a package, and on the path?)"
    return " or elsewhere on the path (--chdir and --pythonpath add to it)"


def _attribute(module: ModuleType, path: str) -> object:
    found: object = module
    for part in path.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            hint = _nearest_callable(module, path)
            raise AppImportError(f"Failed to find attribute {path!r} in {_place(module)}{hint}") from None
    return found


def _nearest_callable(module: ModuleType, path: str) -> str:
    """A guess at what was meant by a path of attributes that is not there."""
    names = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
    close = _nearest(path, names) or [name for name in ("app", "application") if name in names]
    return f", did you mean {close[0]!r}?" if close else "."


def _nearest(name: str, names: Iterable[str]) -> list[str]:
    with standard_first():
        from difflib import get_close_matches

    return get_close_matches(name, list(names), n=1)


def _place(module: ModuleType) -> str:
    where = getattr(module, "__file__", None)
    return f"{module.__name__!r} ({where})" if where else repr(module.__name__)


def _call_factory(module: ModuleType, expression: str) -> object:
    call = _parse_call(expression)
    factory: Any = _attribute(module, _dotted_name(call.func, expression))
    args, kwargs = _literal_arguments(call, expression)
    try:
        return factory(*args, **kwargs)
    except TypeError as error:
        # Raised by the call itself, no frame of the factory is in the traceback: the arguments do not fit.
        if error.__traceback__ is not None and error.__traceback__.tb_next is None:
            raise AppImportError(f"{expression!r}: TypeError: {error}") from None
        raise


def _parse_call(expression: str) -> ast.Call:
    with standard_first():
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


def _literal_arguments(call: ast.Call, expression: str) -> tuple[list[object], dict[str, object]]:
    import ast

    try:
        args = [ast.literal_eval(arg) for arg in call.args]
        kwargs = {word.arg: ast.literal_eval(word.value) for word in call.keywords if word.arg is not None}
    except ValueError:
        raise AppImportError(f"Failed to parse arguments as literal values: {expression!r}") from None
    if len(kwargs) != len(call.keywords):
        raise AppImportError(f"Failed to parse arguments as literal values: {expression!r}")
    return args, kwargs


# Classes.


def load_class(
    uri: object, default: str = "gunicorn.workers.sync.SyncWorker", section: str = "gunicorn.workers"
) -> object:
    """Return the class that `uri` names; that it is one is for the caller to see.

    `uri` may be a class itself, an alias or an entry point of `section`, a dotted path
    (`package.module.Class`), or `egg:DISTRIBUTION#NAME`.

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


def is_ours(module: str) -> bool:
    """Whether a module is of this package."""
    return module.partition(".")[0] == "gunicorn"


def _aliases(section: str) -> dict[str, str]:
    return SUPPORTED_WORKERS if section == "gunicorn.workers" else {}


def _class_at(dotted: str, uri: str) -> object:
    module_name, _, name = dotted.rpartition(".")
    if not (name and _may_be_module(module_name)):
        raise RuntimeError(f"class uri {uri!r} invalid or not found: expected a dotted path to a class")
    module = _module_at(module_name, uri)
    try:
        return getattr(module, name)
    except AttributeError:
        close = _nearest(name, vars(module))
        hint = f", did you mean {close[0]!r}?" if close else ""
        raise RuntimeError(
            f"class uri {uri!r} invalid or not found: {module_name!r} has no {name!r}{hint}"
        ) from None


def _module_at(name: str, uri: str) -> ModuleType:
    try:
        with standard_first(is_ours(name)):
            return import_module(name)
    except SystemExit as error:
        raise RuntimeError(who_left(f"the module {name!r}", "while it was imported", error)) from error
    except ImportError as error:
        raise RuntimeError(f"class uri {uri!r} invalid or not found: {error}") from error
    except Exception as error:  # the boundary around the user's code
        if is_ours(name) and isinstance(error, RuntimeError):
            # It says which package it needs.
            raise
        # The module is the user's: its own traceback is all that helps.
        sys.stderr.write(application_traceback(error))
        raise RuntimeError(f"class uri {uri!r}: the module failed to load: {type(error).__name__}") from error


def _entry_point(distribution: str, section: str, name: str, uri: str) -> object:
    with standard_first():
        from importlib.metadata import entry_points

    for entry in entry_points(group=section, name=name):
        if distribution == "gunicorn" or (entry.dist is not None and entry.dist.name == distribution):
            return _loaded_entry(entry, uri)
    close = _nearest(name, _aliases(section))
    if close:
        raise RuntimeError(f"class uri {uri!r} invalid or not found: did you mean {close[0]!r}?")
    known = ", ".join([*_aliases(section), f"an entry point of {section}", "a dotted path to a class"])
    raise RuntimeError(f"class uri {uri!r} invalid or not found: expected one of {known}")


def _loaded_entry(entry: EntryPoint, uri: str) -> object:
    try:
        return entry.load()
    except (ImportError, AttributeError) as error:
        raise RuntimeError(f"class uri {uri!r} invalid or not found: {error}") from error
