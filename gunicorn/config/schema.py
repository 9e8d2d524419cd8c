"""The settings as a JSON schema, by which editors complete and check `gunicorn.toml`.

It describes what one writes: the spellings that are accepted besides (numbers as text, words in capitals) are none of
it. Keys may have dashes for underscores; those are let through.
"""

from __future__ import annotations

from .reference import MACHINE_DEFAULTS, usual_words
from .validators.lists import (
    validate_dict,
    validate_field_name,
    validate_http_protocols,
    validate_string_to_addr_list,
    validate_string_to_list,
)
from .validators.places import validate_mounts, validate_server_names, validate_static
from .validators.resources import validate_group, validate_post_request, validate_statsd_address, validate_user
from .validators.scalars import (
    domain_of,
    validate_bool,
    validate_filled,
    validate_memory,
    validate_message_size,
    validate_mode,
    validate_path,
    validate_pos_int,
    validate_seconds,
    validate_share,
    validate_size,
    validate_ssl_version,
    validate_string,
)
from .validators.texts import TEXT_FORMS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .setting import Setting
    from .validators.scalars import Validator

    Schema = dict[str, object]

__all__ = ["schema_of", "schema_text"]

_DIALECT = "http://json-schema.org/draft-07/schema#"

_TEXT: Schema = {"type": "string"}
_TEXTS: Schema = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}
_NAMED: Schema = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}, {"type": "object"}]}
_FUNCTION: Schema = {"type": "string", "pattern": r"^\w[\w.]*[.:]\w+$"}
_NUMBER_OR_NAME: Schema = {"anyOf": [_TEXT, {"type": "integer", "minimum": 0}]}

# What validators take that are one function each. The lists are those that variables split.
_FORMS: dict[object, Schema] = {
    **{validator: _TEXTS for validators, _ in TEXT_FORMS for validator in validators},
    validate_bool: {"type": "boolean"},
    validate_dict: {"type": "object"},
    validate_field_name: _TEXT,
    validate_group: _NUMBER_OR_NAME,
    validate_http_protocols: {"anyOf": [_TEXT, {"type": "array", "items": {"enum": ["h1", "h2"]}}]},
    validate_mode: {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 0o777}, _TEXT]},
    validate_path: _TEXT,
    validate_pos_int: {"type": "integer", "minimum": 0},
    validate_post_request: _FUNCTION,
    validate_seconds: {"type": "number", "minimum": 0},
    validate_mounts: _NAMED,
    validate_server_names: _NAMED,
    validate_static: _NAMED,
    validate_share: {"type": "number", "minimum": 0, "maximum": 1},
    validate_size: {"anyOf": [{"type": "integer", "minimum": 0}, _TEXT]},
    validate_memory: {"anyOf": [{"type": "integer", "minimum": 0}, _TEXT]},
    validate_message_size: {"anyOf": [{"type": "integer", "minimum": 1 << 10, "maximum": 1 << 30}, _TEXT]},
    validate_ssl_version: {},
    validate_statsd_address: _TEXT,
    validate_filled: _TEXT,
    validate_string: _TEXT,
    validate_string_to_addr_list: _TEXTS,
    validate_string_to_list: _TEXTS,
    validate_user: _NUMBER_OR_NAME,
}
# Of the others the default tells: most take text, and say themselves in which form.
_BY_DEFAULT: dict[type, Schema] = {str: _TEXT, list: _TEXTS, type(None): {}}


def schema_text(settings: Iterable[Setting]) -> str:
    """The schema of a file with these settings, as JSON."""
    import json

    whole = {
        "$schema": _DIALECT,
        "title": "gunicorn.toml",
        "description": "Settings of gunicorn.",
        "type": "object",
        "properties": {setting.name: _property(setting) for setting in settings},
        "patternProperties": {"-": {}},
        "additionalProperties": False,
    }
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _property(setting: Setting) -> Schema:
    found: Schema = {"description": setting.desc or "", **schema_of(setting)}
    default = type(setting).default
    if setting.name not in MACHINE_DEFAULTS and isinstance(default, bool | int | float | str | list | dict):
        found["default"] = default
    return found


def schema_of(setting: Setting) -> Schema:
    """What a file may have as the value of `setting`; empty where nothing is known of it."""
    found = _of_validator(setting.validator) or dict(_BY_DEFAULT.get(type(type(setting).default), {}))
    words = usual_words(setting)
    # For editors to offer.
    return {"anyOf": [{"enum": list(words)}, found]} if words else found


def _of_validator(validator: Validator | None) -> Schema:
    domain = domain_of(validator)
    if domain.inner is not None:
        return _of_validator(domain.inner) or dict(_TEXT)
    choices: list[Schema] = []
    if domain.words:
        choices.append({"enum": list(domain.words)})
    if domain.low is not None:
        choices.append({"type": "integer", "minimum": domain.low} | _maximum(domain.high))
    if domain.takes_booleans:
        choices.append({"type": "boolean"})
    if domain.is_function:
        choices.append(_FUNCTION)
    if not choices:
        return dict(_FORMS.get(validator, {})) if validator is not None else {}
    return dict(choices[0]) if len(choices) == 1 else {"anyOf": choices}


def _maximum(high: int | None) -> Schema:
    return {} if high is None else {"maximum": high}
