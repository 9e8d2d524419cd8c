"""The rules of `access_log_skip`: read, checked, and made into functions once."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    # A key, and what says whether its value fits. All conditions of a rule must hold.
    Rule = tuple[tuple[str, Callable[[str], object]], ...]

__all__ = ["KEYS", "compile_rule"]

# Key of a condition: the variable of the environ it is about; None for what the response or the target says.
KEYS: dict[str, str | None] = {
    "path": None,
    "status": None,
    "method": "REQUEST_METHOD",
    "host": "HTTP_HOST",
    "agent": "HTTP_USER_AGENT",
    "remote": "REMOTE_ADDR",
}

_STATUS = r"[1-5](?:[0-9]{2}|xx)"


def compile_rule(text: str) -> Rule:
    """Conditions `key=pattern`, with `&` between: all of them must hold. Raises ValueError."""
    return tuple(_condition(part) for part in text.split("&"))


def _condition(text: str) -> tuple[str, Callable[[str], object]]:
    key, equals, pattern = (word.strip() for word in text.partition("="))
    if not equals or not pattern:
        raise ValueError(f"{text!r} is not of the form KEY=PATTERN")
    if key not in KEYS:
        raise ValueError(f"{key!r} is none of {', '.join(KEYS)}")
    if key == "status":
        if re.fullmatch(_STATUS, pattern.lower()) is None:
            raise ValueError(f"{pattern!r} is no status: expected one such as 404, or 2xx")
        pattern = pattern.lower().removesuffix("xx") + ("*" if pattern.lower().endswith("xx") else "")
    return key, matcher(pattern)


def matcher(pattern: str) -> Callable[[str], object]:
    """Whether a text is `pattern`, in which `*` stands for anything. In one walk over the text, which a client may have
    made so that a regular expression would try very many."""
    first, *middle = pattern.split("*")
    if not middle:
        return lambda text: text == first
    last = middle.pop()

    def matches(text: str) -> bool:
        end = len(text) - len(last)
        position = len(first)
        if position > end or not text.startswith(first) or not text.endswith(last):
            return False
        for part in middle:
            position = text.find(part, position, end)
            if position < 0:
                return False
            position += len(part)
        return True

    return matches
