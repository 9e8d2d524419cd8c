"""What a reader is told of the settings, whatever the form: in which section one stands, and how that is called."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .setting import Setting

__all__ = ["SHELLS", "by_section", "find_sections", "slug"]

SHELLS = ("bash", "zsh", "fish")
"""Those there is completion for."""

# What sections are called as well.
_ALIASES = {"tls": "ssl", "otel": "opentelemetry"}


def by_section(settings: Iterable[Setting]) -> dict[str, list[Setting]]:
    """The settings of each section, in their order."""
    found: dict[str, list[Setting]] = {}
    for setting in settings:
        found.setdefault(setting.section, []).append(setting)
    return found


def slug(section: str) -> str:
    """The name of a section as one types it: `server-socket`."""
    return re.sub(r"[^a-z0-9]+", "-", section.lower().replace("/", "")).strip("-")


def find_sections(word: str, sections: Iterable[str]) -> list[str]:
    """The section that is called `word`, or else those with `word` among the words of their name."""
    wanted = _ALIASES.get(slug(word), slug(word))
    known = list(sections)
    return [name for name in known if slug(name) == wanted] or [
        name for name in known if wanted in slug(name).split("-")
    ]
