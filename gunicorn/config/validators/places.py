"""What a path or a name of a host leads to: folders, applications, certificates."""

from __future__ import annotations

from gunicorn.config.mounts import parse_place, parse_rule

from .lists import validate_list_string, validate_pairs
from .scalars import validate_path, validate_string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def validate_server_names(val: object) -> dict[str, tuple[str, str | None]]:
    """Server names with certificate and key file: a dict, or texts `NAME=CERTFILE,KEYFILE`."""
    items: list[tuple[object, object]]
    if isinstance(val, dict):
        items = list(val.items())
    else:
        items = [(pair.partition("=")[0], pair.partition("=")[2]) for pair in validate_pairs(val)]
    return {_server_name(name): _certificate_files(files) for name, files in items}


def _server_name(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"expected the name of a server, but {name!r} is {type(name).__name__}")
    return name.lower()


def _certificate_files(files: object) -> tuple[str, str | None]:
    parts = files.split(",") if isinstance(files, str) else files
    if not isinstance(parts, list | tuple) or len(parts) not in (1, 2) or not parts[0]:
        raise ValueError(f"{files!r}: expected CERTFILE or CERTFILE,KEYFILE")
    key = parts[1] if len(parts) == 2 else None
    return str(parts[0]).strip(), str(key).strip() if key else None


def validate_static(val: object) -> dict[str, str | None]:
    """Paths with the folders of their files: a dict, or texts `/PATH=FOLDER`. No folder: the path is not one of files.
    """
    items: list[tuple[object, object]]
    if isinstance(val, dict):
        items = list(val.items())
    else:
        parts = [text.partition("=") for text in validate_list_string(val)]
        if not all(equals for _, equals, _ in parts):
            raise ValueError("expected /PATH=FOLDER")
        items = [(path, folder) for path, _, folder in parts]
    found: dict[str, str | None] = {}
    for path, folder in items:
        name = _static_path(path)
        if name in found:
            raise ValueError(f"{name} is there twice")
        found[name] = validate_string(folder) or None
    return found


def _static_path(val: object) -> str:
    """A path without a slash at its end, but for `/` itself."""
    text = validate_path(val)
    if text is None:
        raise ValueError("expected /PATH=FOLDER")
    path = text.rstrip("/") or "/"
    if "%" in path or "\\" in path or any(name in ("", ".", "..") for name in path[1:].split("/") if path != "/"):
        raise ValueError(f"{text!r}: expected a path such as /static, without escapes and empty names")
    return path


def validate_cache_control(val: object) -> list[str]:
    """A list of values for Cache-Control, each for all files or, as `/PATH=VALUE`, for those below a path."""
    items = validate_list_string(val)
    for path, value in cache_control_rules(items):
        if path:
            _static_path(path)
        if not value or not value.isascii() or not value.isprintable():
            raise ValueError(f"{value!r}: expected a value such as max-age=3600, or off")
    return items


def cache_control_rules(items: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of a path, empty for all files, and a value."""
    return [item.partition("=")[::2] if item.startswith("/") else ("", item) for item in items]


def validate_file_name(val: object) -> str:
    """The name of a file, without a folder; nothing for none."""
    name = validate_string(val) or ""
    if "/" in name or name.startswith(".") or not name.isprintable():
        raise ValueError("expected the name of a file such as index.html, without a folder")
    return name


def validate_fallback(val: object) -> str:
    """The path of a file within a folder; nothing for none."""
    text = (validate_string(val) or "").removeprefix("/")
    if not text.isprintable() or any(name.startswith(".") or not name for name in text.split("/") if text):
        raise ValueError("expected application, or a file of the folder such as index.html")
    return text


def validate_mounts(val: object) -> dict[str, str]:
    """Places with the names of their applications: a dict, or texts `PLACE=MODULE:VARIABLE`. Each place once."""
    items = list(val.items()) if isinstance(val, dict) else [parse_rule(text) for text in validate_list_string(val)]
    found: dict[str, str] = {}
    for written, target in items:
        if not (isinstance(written, str) and isinstance(target, str)):
            raise TypeError(f"expected texts, /PREFIX and MODULE:VARIABLE, not {written!r} and {target!r}")
        place = str(parse_place(written.strip()))
        if not target.strip():
            raise ValueError(f"{written!r}: no application is named: expected MODULE:VARIABLE behind it")
        if place in found:
            raise ValueError(f"{place!r} is there twice, for {found[place]!r} and {target!r}: expected each place once")
        found[place] = target.strip()
    return found
