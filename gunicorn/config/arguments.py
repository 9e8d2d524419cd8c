"""Plain command lines, read without argparse.

Importing argparse and telling it of every setting takes a noticeable part of a start, and almost every
command line needs nothing of what it can do. `read` understands whole flags with their values, and gives up
on everything else: abbreviations, joined short flags, help, mistakes. Who calls it then asks the real parser,
which alone decides what is right; a test holds the two against each other.
"""

from __future__ import annotations

import sys
from types import SimpleNamespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterable, Iterator

    from .config import Config
    from .setting import Setting

_CONSTANTS = {"store_true": True, "store_false": False}


def lazy_parser(cfg: Config) -> ArgumentParser:
    """Return what stands for the parser of `cfg` and becomes it when something is asked of it."""
    return _LazyParser(cfg)  # type: ignore[return-value]


class _LazyParser:
    def __init__(self, cfg: Config) -> None:
        self._cfg = cfg
        self._parser: ArgumentParser | None = None

    def __getattr__(self, name: str) -> object:
        if self._parser is None:
            self._parser = self._cfg.parser()
        return getattr(self._parser, name)


def parse(cfg: Config, parser: ArgumentParser, words: list[str]) -> Namespace:
    """Return what `words` give each setting, None where nothing, and the positional ones as `args`.

    Exits with status 2 when they cannot be understood, and with 0 after help or version.
    """
    found = read(cfg.settings.values(), words)
    return parser.parse_args(words) if found is None else found  # type: ignore[return-value]


def single(parser: ArgumentParser, args: list[str]) -> str | None:
    """Return the one positional argument there may be. Exits with status 2 when there are more."""
    if len(args) > 1:
        parser.error(f"one application can be served, and {len(args)} are named: {' '.join(args)}{_two_dashes(parser)}")
    return args[0] if args else None


def _two_dashes(parser: ArgumentParser) -> str:
    """A word about a long flag with one dash, whose value was taken for an application: what it was taken for itself is
    a short one with the rest as its value."""
    words = (word.partition("=")[0] for word in sys.argv[1:] if word[:2] != "--")
    meant = next((f"-{word}" for word in words if f"-{word}" in parser._option_string_actions), "")
    return f" (did you mean {meant}?)" if meant else ""


def read(settings: Iterable[Setting], words: list[str]) -> SimpleNamespace | None:
    """Read `words`, or return None when they are anything but plain."""
    settings = list(settings)
    flags = {flag: setting for setting in settings for flag in setting.cli or ()}
    values: dict[str, object] = {setting.name: None for setting in settings if setting.cli}
    positional: list[str] = []
    rest = iter(words)
    ended = False
    for word in rest:
        if not word.startswith("-"):
            # argparse takes positional words from one place only.
            if positional and ended:
                return None
            positional.append(word)
            continue
        ended = bool(positional)
        setting = flags.get(word.partition("=")[0])
        if setting is None or not _take(values, setting, word, rest):
            return None
    return SimpleNamespace(args=positional, **values)


def _take(values: dict[str, object], setting: Setting, word: str, rest: Iterator[str]) -> bool:
    """Give `setting` the value in `word` or after it. Returns False when that is not plain."""
    flag, equals, text = word.partition("=")
    if setting.action in _CONSTANTS or setting.action == "store_const":
        values[setting.name] = _CONSTANTS.get(setting.action, setting.const)
        return not equals
    if not _takes_text(setting) or (equals and not flag.startswith("--")):
        return False
    value = text if equals else next(rest, "--")
    if not equals and value.startswith("-") and value != "-":
        return False
    if setting.action == "append":
        before = values[setting.name]
        values[setting.name] = [*before, value] if isinstance(before, list) else [value]
    else:
        values[setting.name] = value
    return True


def _takes_text(setting: Setting) -> bool:
    """Whether one word is its value, as it stands there."""
    # A type of somebody else's is argparse's to apply.
    is_converted = setting.is_foreign and setting.type is not None
    return setting.nargs is None and setting.action in (None, "append") and not is_converted
