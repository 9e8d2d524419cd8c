"""The command line: its parser and its help."""

from __future__ import annotations

import argparse
import os
import sys

from gunicorn import __version__

from .hinting_parser import HintingParser, Printed, nearest
from .reference import SHELLS, by_section, find_sections, slug
from .setting import Setting, help_text
from .values import SettingValues

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


class _Parser(HintingParser):
    settings: dict[str, Setting] = {}

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
        return option if option is not None and option.nargs == "?" and option.dest in self.settings else None

    def _is_value(self, option: argparse.Action, word: str) -> bool:
        if word.startswith("-"):
            # The next flag, which argparse itself leaves alone.
            return True
        try:
            self.settings[option.dest].validator(word)
        except (TypeError, ValueError):
            return False
        return True

    def known_elsewhere(self, flag: str) -> str:
        """Words about a flag of another server, empty for none."""
        from .others import flag_hint

        return flag_hint(flag, self.settings)

    def help_for(self, word: str) -> str:
        """The whole help, or that of the sections which `word` names, with settings that have no flag as well. Exits
        with status 2 when there is no such section."""
        if not word or ":" in word:
            # An application behind the flag was never looked at.
            return self.format_help()
        settings = by_section(self.settings.values())
        found = find_sections(word, settings)
        if not found:
            slugs = [slug(section) for section in settings]
            meant = nearest(slug(word), [*slugs, *"-".join(slugs).split("-")])
            hint = f"did you mean {meant}?" if meant else f"expected one of {', '.join(slugs)}"
            self.error(f"argument --help: no section is called {word!r}: {hint}")
        formatter = self._get_formatter()
        for section in found:
            formatter.start_section(section)
            formatter.add_arguments([self._entry(setting) for setting in settings[section]])
            formatter.end_section()
        return formatter.format_help()

    def version(self, _: str) -> str:
        """Version and build. The build is looked up only now: it costs a search for the extension."""
        from gunicorn._build import build_kind

        return f"{self.prog} (version {__version__}) {build_kind()}\n"

    def schema(self, _: str) -> str:
        """The JSON schema of a file with the settings."""
        from .schema import schema_text

        return schema_text(self.settings.values())

    def completion(self, shell: str) -> str:
        """The script that teaches `shell` to complete this command line."""
        from .completion import options_of, script

        sections = tuple(map(slug, by_section(self.settings.values())))
        return script(shell, self.prog, options_of(self, self.settings, {"--help": sections}), None)

    def _entry(self, setting: Setting) -> argparse.Action:
        if setting.cli:
            return self._option_string_actions[setting.cli[0]]
        text = f"{help_text(setting)} (configuration file, GUNICORN_{setting.name.upper()})"
        return argparse.Action([], setting.name, metavar=setting.name, help=text)


def make_parser(cfg: SettingValues) -> argparse.ArgumentParser:
    """Return a parser whose options are the settings of `cfg` that have flags, in a group for each section.

    What is not given is None in the namespace; the positional arguments are the list `args`. Values are the
    text that was given: they are converted and checked when they are set, by the same code as all other
    sources.
    """
    sections = by_section(setting for setting in cfg.settings.values() if setting.cli)
    parser = _Parser(
        prog=cfg.prog,
        usage=cfg.usage,
        formatter_class=_formatter,
        add_help=False,
        epilog=f"Part of this by `--help SECTION`: {', '.join(map(slug, by_section(cfg.settings.values())))}",
    )
    parser.settings = cfg.settings
    parser.add_argument(
        "-h", "--help", action=Printed, text=parser.help_for, nargs="?", metavar="SECTION",
        help="show this help message, or a section of it, and exit",
    )
    parser.add_argument(
        "-v", "--version", action=Printed, text=parser.version, nargs=0, help="show version and build, and exit"
    )
    parser.add_argument(
        "--completion", action=Printed, text=parser.completion, choices=SHELLS, metavar="SHELL",
        help=f"print the completion for a shell, and exit: {', '.join(SHELLS)}",
    )
    parser.add_argument(
        "--print-schema", action=Printed, text=parser.schema, nargs=0,
        help="print the JSON schema of gunicorn.toml, for editors, and exit",
    )
    parser.add_argument("args", nargs="*", help=argparse.SUPPRESS)
    for section, settings in sections.items():
        group = parser.add_argument_group(section)
        for setting in settings:
            setting.add_option(group)
    return parser


class _Formatter(argparse.HelpFormatter):
    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """Wrap a paragraph; names with dashes stay whole."""
        from textwrap import fill

        return fill(text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


def _formatter(prog: str) -> argparse.HelpFormatter:
    # With a width given, argparse does not import shutil, with all its archive formats, to learn the
    # terminal's: it makes a formatter for every option it is told of.
    return _Formatter(prog, max_help_position=28, width=_terminal_width() - 2)


def _terminal_width() -> int:
    columns = os.environ.get("COLUMNS", "")
    if columns.isdigit() and int(columns) > 20:
        return int(columns)
    try:
        return min(os.get_terminal_size(sys.__stdout__.fileno()).columns, 120) if sys.__stdout__ else 80
    except (OSError, ValueError):
        return 80
