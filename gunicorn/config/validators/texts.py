"""From the text of a flag or a variable to a value."""

from __future__ import annotations

from .lists import (
    validate_bind,
    validate_dict,
    validate_header_lines,
    validate_list_string,
    validate_pairs,
    validate_skip_rules,
)
from .places import validate_cache_control, validate_mounts, validate_server_names, validate_static
from .resources import validate_list_of_files_or_patterns
from .scalars import validate_bool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .scalars import Validator


def parse_bool(text: str) -> bool:
    """Read a truth value from an environment variable. Raises ValueError."""
    word = text.strip().lower()
    if word in ("1", "true", "yes", "y", "on"):
        return True
    if word in ("0", "false", "no", "n", "off"):
        return False
    raise ValueError("expected true or false (also 1, 0, yes, no, on, off)")


def parse_list(text: str) -> list[str]:
    """Split at commas and white space, with quotes as in a shell. Raises ValueError on an open quote."""
    import shlex

    lexer = shlex.shlex(text, posix=True, punctuation_chars="")
    lexer.whitespace += ","
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        return list(lexer)
    except ValueError as error:
        raise ValueError(
            f"{error}: expected values with commas or spaces between, quoted as in a shell"
        ) from None


def parse_lines(text: str) -> list[str]:
    """Read the lines of a text, or a JSON list of texts. Raises ValueError."""
    if not text.lstrip().startswith("["):
        return [line for line in map(str.strip, text.split("\n")) if line]
    import json

    return validate_list_string(json.loads(text))


def parse_names(text: str) -> dict[str, object] | list[str]:
    """Read a JSON object, or texts with white space between. Raises ValueError."""
    return parse_mapping(text) if text.lstrip().startswith("{") else text.split()


def parse_mapping(text: str) -> dict[str, object]:
    """Read a JSON object. Raises ValueError."""
    import json

    try:
        found = json.loads(text)
    except ValueError as error:
        raise ValueError(f"expected a JSON object ({error})") from None
    if not isinstance(found, dict):
        raise ValueError("expected a JSON object")
    return found


TEXT_FORMS: Sequence[tuple[tuple[Validator, ...], Callable[[str], object]]] = (
    ((validate_bool,), parse_bool),
    ((validate_list_string, validate_bind, validate_pairs, validate_list_of_files_or_patterns), parse_list),
    ((validate_header_lines, validate_skip_rules, validate_cache_control), parse_lines),
    ((validate_server_names, validate_static, validate_mounts), parse_names),
    ((validate_dict,), parse_mapping),
)


def text_parser(validator: Validator | None) -> Callable[[str], object] | None:
    """Return what reads an environment variable for a setting with `validator`, if anything must."""
    for validators, parse in TEXT_FORMS:
        if validator in validators:
            return parse
    return None
