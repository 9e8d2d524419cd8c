"""What a reader is told of the settings, whatever the form: in which section one stands, and how that is called."""

from __future__ import annotations

import re

from gunicorn.loading.aliases import SUPPORTED_WORKERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeVar

    from .setting import Setting

    S = TypeVar("S", Setting, type[Setting])

__all__ = ["MACHINE_DEFAULTS", "SHELLS", "by_section", "default_of", "find_sections", "slug", "usual_words"]

SHELLS = ("bash", "zsh", "fish")
"""Those there is completion for."""

# Defaults that depend on the user and the machine, or are told otherwise than they stand: in words, as Markdown.
MACHINE_DEFAULTS = {
    "chdir": "the current folder",
    "user": "the user who starts the server",
    "group": "the group of that user",
    "control_socket": "`$XDG_RUNTIME_DIR/gunicorn.ctl`, or `~/.gunicorn/gunicorn.ctl`",
    "syslog_addr": "`udp://localhost:514` on Linux, the system's own socket on macOS and the BSDs",
    "umask": "`0`",
    "control_socket_mode": "`0600`",
    "sendfile": "not set, which means yes",
}

# Words that are usual where a validator takes others, too.
_USUAL_WORDS: dict[str, tuple[str, ...]] = {
    "worker_class": tuple(SUPPORTED_WORKERS),
    "reload_strategy": ("all", "rolling"),
    "http_protocols": ("h1", "h2,h1"),
}

# What sections are called as well.
_ALIASES = {"tls": "ssl", "otel": "opentelemetry"}


def by_section(settings: Iterable[S]) -> dict[str, list[S]]:
    """The settings, or their declarations, of each section, in their order."""
    found: dict[str, list[S]] = {}
    for setting in settings:
        found.setdefault(setting.section, []).append(setting)
    return found


def usual_words(setting: Setting) -> tuple[str, ...]:
    """Values that are often given where there are others besides."""
    return _USUAL_WORDS.get(setting.name, ())


def default_of(setting: type[Setting]) -> str:
    """What a setting is when it is not set, as Markdown."""
    if setting.name in MACHINE_DEFAULTS:
        return MACHINE_DEFAULTS[setting.name]
    value = setting.default
    if value is None:
        return "not set"
    if value in ("", [], {}):
        return "empty"
    if isinstance(value, list):
        return ", ".join(f"`{item}`" for item in value)
    return f"`{value}`"


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
