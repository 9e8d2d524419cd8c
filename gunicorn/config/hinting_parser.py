"""A parser of command lines that, asked for a flag it does not have, says which one was probably meant."""

from __future__ import annotations

import argparse
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import NoReturn

__all__ = ["HintingParser", "Printed", "nearest"]


class Printed(argparse.Action):
    """A flag that prints what `text` makes of its value, and ends the process. It leaves nothing in the namespace."""

    def __init__(
        self,
        option_strings: list[str],
        dest: str,
        text: Callable[[str], str],
        nargs: int | str | None = None,
        choices: Iterable[str] | None = None,
        metavar: str | None = None,
        help: str | None = None,
    ) -> None:
        super().__init__(
            option_strings, argparse.SUPPRESS, nargs, default=argparse.SUPPRESS, choices=choices, metavar=metavar,
            help=help,
        )
        self._text = text

    def __call__(self, parser: argparse.ArgumentParser, _: object, value: object, flag: str | None = None) -> None:
        sys.stdout.write(self._text(value if isinstance(value, str) else ""))
        sys.stdout.flush()
        parser.exit()


class HintingParser(argparse.ArgumentParser):
    """Ends with status 2 and one line when a command line is wrong, without all of the usage."""

    def error(self, message: str) -> NoReturn:
        """Exit with status 2 and one line."""
        self.exit(2, f"{self.prog}: error: {message}{self._suggestion(message)}\n")

    def _suggestion(self, message: str) -> str:
        kind, _, rest = message.partition(": ")
        if kind not in ("unrecognized arguments", "ambiguous option") or not rest:
            return ""
        flag = rest.split()[0].split("=")[0]
        # Which flags an abbreviation could be is in the message itself.
        found = self.known_elsewhere(flag) or (self._nearest(flag) if kind.startswith("un") else "")
        return f" ({found})" if found else ""

    def known_elsewhere(self, flag: str) -> str:
        """Words about a flag that there is not, but that others have; empty for none."""
        return ""

    def _nearest(self, flag: str) -> str:
        meant = nearest(flag, self._option_string_actions)
        return f"did you mean {meant}?" if meant else f"see {self.prog} --help"


def nearest(word: str, words: Iterable[str]) -> str:
    """The one of `words` that was probably meant, empty for none."""
    from difflib import get_close_matches

    close = get_close_matches(word, list(words), n=1)
    return close[0] if close else ""
