"""One setting: its declaration, and the value it has in one configuration.

A setting is declared by a subclass of `Setting` and is known to every `Config` made afterwards, without
further registration: packages of third parties add settings of their own by importing a module that declares
them.
"""

from __future__ import annotations

from types import FunctionType

from gunicorn.errors import ConfigError

from .pending import PENDING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, _ArgumentGroup
    from collections.abc import Callable, Iterable
    from typing import Any, ClassVar

KNOWN_SETTINGS: list[type[Setting]] = []


def make_settings(ignore: Iterable[str] | None = None) -> dict[str, Setting]:
    """Return a new instance of every known setting by its name, with the default as its value.

    Of two declarations with the same name the later one wins.
    """
    left_out = frozenset(ignore or ())
    return {setting.name: setting() for setting in KNOWN_SETTINGS if setting.name not in left_out}


class Setting:
    """Base of all declarations. Subclasses are class attributes only.

    - name: the name in configuration files and on `Config`.
    - section: the heading in help and reference.
    - cli: the flags, or None when the command line cannot set it.
    - validator: takes what was given and returns the value; raises ValueError or TypeError.
    - type: converts the text of a flag or a variable before the validator sees it.
    - default: goes through the validator as well; None stays None.
    - default_variable: the environment variable of old standing that replaces the default.
    - meta, action, nargs, const: as in argparse.
    - desc: the documentation, in Markdown.
    - short: the first paragraph of it, unless given.
    """

    name: ClassVar[str] = ""
    section: ClassVar[str] = ""
    cli: ClassVar[list[str] | None] = None
    validator: ClassVar[Any] = None
    type: ClassVar[Any] = None
    meta: ClassVar[str | None] = None
    action: ClassVar[str | None] = None
    default: ClassVar[Any] = None
    default_variable: ClassVar[str | None] = None
    short: ClassVar[str | None] = None
    desc: ClassVar[str | None] = None
    nargs: ClassVar[int | str | None] = None
    const: ClassVar[object] = None
    order: ClassVar[int] = 0

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        validator = cls.__dict__.get("validator")
        if isinstance(validator, FunctionType):
            # Called through an instance, a plain function would receive the setting as its first argument.
            cls.validator = staticmethod(validator)
        if not cls.name:
            return
        cls.order = len(KNOWN_SETTINGS)
        desc = cls.__dict__.get("desc")
        if desc is not None:
            cls.desc = _Dedented(desc)  # type: ignore[assignment]
            if cls.__dict__.get("short") is None:
                cls.short = _FirstParagraph()  # type: ignore[assignment]
        KNOWN_SETTINGS.append(cls)

    def __init__(self) -> None:
        self.value: Any = None
        # Through the class: a function that is a default must not become a method of this setting.
        default = self.__class__.default
        if default is not None:
            self.set(default)

    @property
    def is_foreign(self) -> bool:
        """Whether somebody else has declared it."""
        return not self.__class__.__module__.startswith("gunicorn.")

    def get(self) -> Any:
        """Return the value."""
        return self.value

    def set(self, val: object) -> None:
        """Validate and keep `val`. Raises what the validator raises; the old value then stays."""
        validator: Callable[[object], object] | None = self.validator
        self.value = val if validator is None else validator(val)

    def copy(self) -> Setting:
        """Return a setting of the same declaration and value."""
        twin = object.__new__(self.__class__)
        twin.__dict__.update(self.__dict__)
        return twin

    def add_option(self, parser: ArgumentParser | _ArgumentGroup) -> None:
        """Add the flags of this setting, if it has any, to `parser`."""
        if self.cli:
            parser.add_argument(*self.cli, **option_arguments(self))

    def __lt__(self, other: Setting) -> bool:
        return (self.section, self.order) < (other.section, other.order)

    def __repr__(self) -> str:
        return f"<{self.__class__.__module__}.{self.__class__.__name__} {self.name}={self.value!r}>"


# Hardly any process reads what is said of settings: it is put in form for those who do.


class _Dedented:
    """A documentation without the indentation that it has in its class."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __get__(self, setting: Setting | None, declaration: type[Setting]) -> str:
        return _dedent(self._text)


class _FirstParagraph:
    """The first paragraph of a documentation, in one line."""

    __slots__ = ()

    def __get__(self, setting: Setting | None, declaration: type[Setting]) -> str:
        return " ".join((declaration.desc or "").partition("\n\n")[0].split())


def _dedent(text: str) -> str:
    """Remove the indentation of the first line from every line (without the cost of importing textwrap)."""
    lines = text.strip("\n").rstrip().split("\n")
    margin = len(lines[0]) - len(lines[0].lstrip())
    return "\n".join(line[margin:] if line[:margin].isspace() else line for line in lines).strip()


# How a setting looks on the command line.


def option_arguments(setting: Setting) -> dict[str, Any]:
    """Return the keyword arguments of `add_argument` for `setting`."""
    arguments: dict[str, Any] = {"dest": setting.name, "default": None, "help": help_text(setting)}
    if setting.action:
        arguments["action"] = setting.action
    if setting.action in ("store_true", "store_false"):
        return arguments
    if setting.action == "store_const":
        return arguments | {"const": setting.const}
    if setting.is_foreign and setting.type is not None:
        # Ours are converted where all sources are; who declares one for a command of their own asks argparse for it.
        arguments["type"] = _lenient(setting.type)
    arguments["metavar"] = setting.meta or setting.name.rpartition("_")[2].upper()
    if setting.nargs is not None:
        arguments |= {"nargs": setting.nargs, "const": setting.const}
    return arguments


def _lenient(convert: Callable[[str], object]) -> Callable[[str], object]:
    """`convert` as argparse is to use it: what it does not take stays text, and is refused as every wrong value is."""

    def converted(text: str) -> object:
        try:
            return convert(text)
        except (ValueError, TypeError, ConfigError):
            return text

    return converted


def help_text(setting: Setting) -> str:
    """What the help says of it, for argparse."""
    text = (setting.short or "").replace("`", "")
    shown = _default_text(setting)
    if shown:
        text += f" [{shown}]"
    if setting.name in PENDING:
        text += " (no effect yet)"
    # argparse formats help by the % operator.
    return text.replace("%", "%%")


def _default_text(setting: Setting) -> str:
    if setting.action in ("store_true", "store_false", "store_const"):
        return ""
    value = setting.__class__.default
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if setting.name in ("umask", "control_socket_mode"):
        return f"{value:04o}"
    return "" if value in (None, {}) or callable(value) else str(value)
