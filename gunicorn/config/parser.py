"""The command line: its parser and its help."""

from __future__ import annotations

import argparse
import os
import sys

from gunicorn import __version__

from .setting import Setting
from .values import SettingValues

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, NoReturn


class _Version(argparse.Action):
    """Prints version and build. The build is looked up only now: it costs a search for the extension."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from gunicorn._build import build_kind

        print(f"{parser.prog} (version {__version__}) {build_kind()}")
        parser.exit()


# What other servers, and people, call a flag of ours.
_OTHERS_FLAGS = {
    "--host": "--bind HOST:PORT",
    "--port": "--bind HOST:PORT",
    "--listen": "--bind HOST:PORT",
    "--address": "--bind HOST:PORT",
    "--socket": "--bind unix:PATH",
    "--uds": "--bind unix:PATH",
    "--unix-socket": "--bind unix:PATH",
    "--fd": "--bind fd://N",
    "--worker": "--workers",
    "--processes": "--workers",
    "--pidfile": "--pid",
    "--ssl-keyfile": "--keyfile",
    "--ssl-certfile": "--certfile",
    "--app-dir": "--chdir",
    "--loop": "--asgi-loop",
    "--lifespan": "--asgi-lifespan",
}


class _Parser(argparse.ArgumentParser):
    settings: dict[str, Setting] = {}

    def error(self, message: str) -> NoReturn:
        """Exit with status 2 and one line."""
        self.exit(2, f"{self.prog}: error: {message}{self._suggestion(message)}\n")

    def parse_known_args(self, args: Iterable[str] | None = None, namespace: Any = None) -> Any:
        """Parse, without a flag whose value may be left out taking what is none for it: the application."""
        words = list(sys.argv[1:] if args is None else args)
        for place, word in enumerate(words[:-1]):
            option = self._optional_value_of(word)
            if option is not None and not self._is_value(option, words[place + 1]):
                words[place] = f"{word}={option.const}"
        return super().parse_known_args(words, namespace)

    def _optional_value_of(self, word: str) -> argparse.Action | None:
        """The option that `word` is, or abbreviates, if it takes a value or none."""
        flags = [word] if word in self._option_string_actions else []
        if not flags and word.startswith("--"):
            flags = [flag for flag in self._option_string_actions if flag.startswith(word)]
        option = self._option_string_actions[flags[0]] if len(flags) == 1 else None
        return option if option is not None and option.nargs == "?" else None

    def _is_value(self, option: argparse.Action, word: str) -> bool:
        if word.startswith("-"):
            # The next flag, which argparse itself leaves alone.
            return True
        try:
            self.settings[option.dest].validator(word)
        except (TypeError, ValueError):
            return False
        return True

    def _suggestion(self, message: str) -> str:
        text, _, unknown = message.partition("unrecognized arguments: ")
        if text or not unknown:
            return ""
        from difflib import get_close_matches

        flag = unknown.split()[0].split("=")[0]
        if flag in _OTHERS_FLAGS:
            return f" (did you mean {_OTHERS_FLAGS[flag]}?)"
        flags = list(self._option_string_actions)
        close = get_close_matches(flag, flags, n=1)
        return f" (did you mean {close[0]}?)" if close else f" (see {self.prog} --help)"


def make_parser(cfg: SettingValues) -> argparse.ArgumentParser:
    """Return a parser whose options are the settings of `cfg` that have flags, in a group for each section.

    What is not given is None in the namespace; the positional arguments are the list `args`. Values are the
    text that was given: they are converted and checked when they are set, by the same code as all other
    sources.
    """
    parser = _Parser(prog=cfg.prog, usage=cfg.usage, formatter_class=_formatter)
    parser.settings = cfg.settings
    parser.add_argument(
        "-v",
        "--version",
        action=_Version,
        nargs=0,
        dest=argparse.SUPPRESS,
        default=argparse.SUPPRESS,
        help="show version and build, and exit",
    )
    parser.add_argument("args", nargs="*", help=argparse.SUPPRESS)
    groups: dict[str, argparse._ArgumentGroup] = {}
    for setting in cfg.settings.values():
        if setting.cli:
            if setting.section not in groups:
                groups[setting.section] = parser.add_argument_group(setting.section)
            setting.add_option(groups[setting.section])
    return parser


def _formatter(prog: str) -> argparse.HelpFormatter:
    # With a width given, argparse does not import shutil, with all its archive formats, to learn the
    # terminal's: it makes a formatter for every option it is told of.
    return argparse.HelpFormatter(prog, max_help_position=28, width=_terminal_width() - 2)


def _terminal_width() -> int:
    columns = os.environ.get("COLUMNS", "")
    if columns.isdigit() and int(columns) > 20:
        return int(columns)
    try:
        return min(os.get_terminal_size(sys.__stdout__.fileno()).columns, 120) if sys.__stdout__ else 80
    except (OSError, ValueError):
        return 80
