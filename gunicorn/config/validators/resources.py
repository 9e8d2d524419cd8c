"""What has to be there: files, folders, accounts, addresses, functions and classes."""

from __future__ import annotations

import os
from types import FunctionType, MethodType

from gunicorn._standard import application_first
from gunicorn.config.address import parse_address
from gunicorn.errors import ConfigError

from .lists import validate_list_string
from .scalars import DOMAINS, Domain, validate_string, validate_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def validate_file_exists(val: str | None) -> str | None:
    """The path of a file that is there, or None."""
    if val is not None and not os.path.exists(val):
        raise ValueError(f"no such file: {val}")
    return val


def validate_list_of_files_or_patterns(val: object) -> list[str]:
    """Paths of files that are there, and glob patterns, which may match nothing yet."""
    entries = validate_list_string(val)
    for entry in entries:
        if not any(character in entry for character in "*?["):
            validate_file_exists(entry)
    return entries


def validate_chdir(val: object) -> str:
    """The absolute path of a folder that is there."""
    text = validate_string(val)
    if text is None:
        raise TypeError("expected the path of a folder")
    from gunicorn.unix.process import getcwd

    path = os.path.abspath(os.path.normpath(os.path.join(getcwd(), text)))
    if not os.path.isdir(path):
        raise ConfigError(f"can't chdir to {text!r}: no such folder")
    return path


def validate_user(val: object) -> int:
    """A user's name or number; None means the effective user."""
    return os.geteuid() if val is None else _number_of(val, "user", _uid)


def validate_group(val: object) -> int:
    """A group's name or number; None means the effective group."""
    return os.getegid() if val is None else _number_of(val, "group", _gid)


def _number_of(val: object, what: str, named: Callable[[str], int]) -> int:
    number = _account_number(val)
    if number is not None:
        return number
    try:
        return named(_account(val))
    except (KeyError, ValueError):
        raise ConfigError(f"No such {what}: {val!r}") from None


def _uid(name: str) -> int:
    import pwd

    return pwd.getpwnam(name).pw_uid


def _gid(name: str) -> int:
    import grp

    return grp.getgrnam(name).gr_gid


def _account_number(val: object) -> int | None:
    """The number that `val` is or spells, None for a name. The highest of 32 bits means nobody in particular."""
    if isinstance(val, bool) or not (isinstance(val, int) or (isinstance(val, str) and val.isdecimal())):
        return None
    number = int(val)
    if not 0 <= number < 2**32 - 1:
        raise ConfigError(f"expected a name, or a number from 0 to {2**32 - 2}")
    return number


def _account(val: object) -> str:
    if not isinstance(val, str):
        raise TypeError(f"expected a name or a number, not {type(val).__name__}")
    return val


def validate_statsd_address(val: object) -> tuple[str, int] | str | None:
    """`HOST:PORT`, `HOST` (port 8125) or `unix://PATH`."""
    text = validate_string(val)
    if text is None:
        return None
    try:
        address = parse_address(text, default_port="8125")
    except RuntimeError:
        raise TypeError("expected HOST:PORT or unix://PATH") from None
    if isinstance(address, int):
        raise TypeError("expected HOST:PORT or unix://PATH")
    return address


def validate_class(val: object) -> type | str:
    """A class, the text that names one, or a function that returns either."""
    if isinstance(val, FunctionType | MethodType):
        with application_first():
            val = val()
    return val if isinstance(val, type) else validate_text(val)


def validate_callable(arity: int) -> Callable[[object], Callable[..., object]]:
    """Make a validator for callables with `arity` positional parameters (-1: any number).

    Text of the form `module.function` or `module:function` is imported.
    """

    def _validate_callable(val: object) -> Callable[..., object]:
        found = _import_callable(val) if isinstance(val, str) else val
        if not callable(found):
            raise TypeError(f"expected a function, {found!r} is not callable")
        if arity != -1 and _arity(found) != arity:
            raise TypeError(f"expected a function with {arity} positional parameters, it has {_arity(found)}")
        return found

    DOMAINS[_validate_callable] = Domain(is_function=True)
    return _validate_callable


def _import_callable(text: str) -> object:
    from importlib import import_module

    module_name, _, name = text.replace(":", ".").rpartition(".")
    if not module_name:
        raise TypeError(f"{text!r} does not name a function: expected module.function")
    try:
        with application_first():
            return getattr(import_module(module_name), name)
    except ImportError as error:
        raise TypeError(str(error)) from None
    except AttributeError:
        raise TypeError(f"module {module_name!r} has no {name!r}") from None


def get_arity(f: Callable[..., object]) -> int:
    """Return how many positional parameters `f` declares; `*args` does not count."""
    from inspect import Parameter, signature

    positional = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    return sum(parameter.kind in positional for parameter in signature(f).parameters.values())


def _arity(function: Callable[..., object]) -> int:
    # Plain functions carry the number; inspect, which knows everything else, is slow to import.
    if isinstance(function, FunctionType) and not hasattr(function, "__wrapped__"):
        return function.__code__.co_argcount
    try:
        return get_arity(function)
    except ValueError:
        raise TypeError(f"{function!r} has no signature that can be read") from None


def validate_post_request(val: object) -> Callable[..., object]:
    """A callable `(worker, req, environ, resp)`; older ones without the last one or two are adapted."""
    hook = validate_callable(-1)(val)
    arity = _arity(hook)
    if arity == 4:
        return hook
    if arity == 3:
        return lambda worker, req, environ, resp: hook(worker, req, environ)
    if arity == 2:
        return lambda worker, req, environ, resp: hook(worker, req)
    raise TypeError(f"expected a function with 4 positional parameters, it has {arity}")
