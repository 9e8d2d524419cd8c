"""The JSON schema of `gunicorn.toml` against the settings: what it lets through, and what they take."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from gunicorn.config import KNOWN_SETTINGS, Config
from gunicorn.config.schema import schema_text
from gunicorn.errors import ConfigError
from tests.config.test_reference import EXAMPLES

SCHEMA = json.loads(schema_text(Config().settings.values()))
PROPERTIES: dict[str, Any] = SCHEMA["properties"]
TYPES = {
    "string": str, "integer": int, "number": int | float, "boolean": bool, "array": list, "object": dict,
}
#: Of the forms that values have in a file.
VALUES: list[object] = [
    0, 1, 2, 7, 0o600, 20000, 2**31, 2**33, -1, 0.5, 1.5, "x", "a=b", "a:b", "/p", "auto", "on", "h1", "TLSv1.2", "GET",
    "127.0.0.1", [], ["x"], ["a=b"], ["h1"], {}, {"a": "b"},
]

SETTINGS = {setting.name: setting for setting in KNOWN_SETTINGS}
BEYOND = (("minimum", -1), ("maximum", 1))


def conforms(schema: dict[str, Any], value: object) -> bool:
    """Whether a value is as the schema says: of its language, what is used here."""
    assert schema.keys() <= {
        "description", "default", "type", "enum", "minimum", "maximum", "pattern", "items", "anyOf"
    }
    kind = schema.get("type")
    return (
        (kind is None or (isinstance(value, TYPES[kind]) and (isinstance(value, bool) == (kind == "boolean"))))
        and ("enum" not in schema or value in schema["enum"])
        and ("minimum" not in schema or (isinstance(value, int | float) and value >= schema["minimum"]))
        and ("maximum" not in schema or (isinstance(value, int | float) and value <= schema["maximum"]))
        and ("pattern" not in schema or (isinstance(value, str) and re.search(schema["pattern"], value) is not None))
        and ("items" not in schema or (isinstance(value, list) and all(conforms(schema["items"], v) for v in value)))
        and ("anyOf" not in schema or any(conforms(choice, value) for choice in schema["anyOf"]))
    )


def is_taken(name: str, value: object) -> bool:
    try:
        SETTINGS[name]().set(value)
    except (ValueError, TypeError, ConfigError):
        return False
    return True


def parts(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return schema.get("anyOf", [schema])


def is_list(schema: dict[str, Any]) -> bool:
    return any(part.get("type") == "array" for part in parts(schema))


def test_it_has_every_setting_with_its_description() -> None:
    assert {name: found["description"] for name, found in PROPERTIES.items()} == {
        setting.name: setting.desc for setting in KNOWN_SETTINGS
    }
    assert SCHEMA["additionalProperties"] is False


def test_defaults_are_as_it_says() -> None:
    defaults = {name: found["default"] for name, found in PROPERTIES.items() if "default" in found}
    assert len(defaults) > 100
    assert [name for name, value in defaults.items() if not conforms(PROPERTIES[name], value)] == []
    assert [name for name, value in defaults.items() if not is_taken(name, value)] == []


def test_what_a_setting_takes_is_no_fault_to_an_editor() -> None:
    assert [
        (name, value)
        for name, schema in PROPERTIES.items()
        for value in VALUES
        if is_taken(name, value) and not conforms(schema, value)
        # What is empty, and anything that can be gone through, is a list as well. Nobody writes that.
        and not (is_list(schema) and isinstance(value, int | dict))
    ] == []


def test_words_and_numbers_that_it_names_are_taken_and_those_beyond_are_not() -> None:
    named = [(name, part) for name, schema in PROPERTIES.items() for part in parts(schema)]
    taken = [(name, word) for name, part in named for word in part.get("enum", ())]
    bounds = [(name, part[bound], beyond) for name, part in named for bound, beyond in BEYOND if bound in part]
    taken += [(name, number) for name, number, _ in bounds]
    assert [case for case in taken if not is_taken(*case)] == []
    refused = [(name, number + beyond) for name, number, beyond in bounds]
    assert [case for case in refused if is_taken(*case)] == []


def test_most_of_them_say_what_they_take() -> None:
    assert [name for name, found in PROPERTIES.items() if not {"type", "enum", "anyOf"} & found.keys()] == [
        "ssl_version"
    ]


@pytest.mark.parametrize("file", [file for file in EXAMPLES if file.suffix == ".toml"], ids=lambda file: file.name)
def test_the_example_conforms(file: Path) -> None:
    values = tomllib.loads(file.read_text())
    assert {name: value for name, value in values.items() if not conforms(PROPERTIES[name], value)} == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("workers", "many"), ("workers", 0), ("timeout", 1.5), ("timeout", "30"), ("loglevel", "loud"),
        ("reload", "yes"), ("bind", [8000]), ("post_fork", "hook"), ("http2_max_frame_size", 1), ("umask", 0o1000),
    ],
)
def test_what_is_wrong_is_seen(name: str, value: object) -> None:
    assert not conforms(PROPERTIES[name], value)


def test_it_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        Config(prog="gunicorn").parser().parse_args(["--print-schema"])
    assert done.value.code == 0
    assert json.loads(capsys.readouterr().out) == SCHEMA
