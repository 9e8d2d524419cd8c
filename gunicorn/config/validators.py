"""What values settings accept.

A validator takes a value as a file, a flag or a program gave it and returns it as the server uses it. It
raises ValueError or TypeError (ConfigError where a user, a group or a folder does not exist) whose text says
what would be right; who called it knows the name of the setting and where the value came from.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from types import FunctionType, MethodType

from gunicorn._record import Record
from gunicorn._standard import application_first
from gunicorn.errors import ConfigError

from .address import parse_address, parse_bind
from .hosts import host_pattern
from .mounts import parse_place, parse_rule
from .skip_rules import compile_rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeVar

    Validator = Callable[[object], object]
    T = TypeVar("T")


class Domain(Record):
    """What a validator that was made takes, for those who describe settings: `words`, whole numbers from `low` to
    `high`, yes and no, functions, and what `inner` takes."""

    words: tuple[str, ...] = ()
    low: int | None = None
    high: int | None = None
    takes_booleans: bool = False
    is_function: bool = False
    inner: Validator | None = None


# By validator; what is missing here is described by its function alone.
_DOMAINS: dict[Validator, Domain] = {}


def domain_of(validator: Validator | None) -> Domain:
    """What is known of the values that `validator` takes."""
    return _DOMAINS.get(validator, Domain()) if validator is not None else Domain()


# Scalars.


def validate_bool(val: object) -> bool | None:
    """True, False, None, or "true" and "false" in any case."""
    if val is None or isinstance(val, bool):
        return val
    if not isinstance(val, str):
        raise TypeError(f"expected True or False, not {type(val).__name__}")
    word = val.strip().lower()
    if word not in ("true", "false"):
        raise ValueError("expected true or false")
    return word == "true"


def validate_string(val: object) -> str | None:
    """Text, stripped, or None."""
    if val is None:
        return None
    if not isinstance(val, str):
        raise TypeError(f"expected text, not {type(val).__name__}")
    return val.strip()


def validate_text(val: object) -> str:
    """Text, stripped."""
    text = validate_string(val)
    if text is None:
        raise TypeError("expected text, not None")
    return text


def validate_pos_int(val: object) -> int:
    """A whole number of at least 0, or its text in decimal, 0x, 0o or 0b notation."""
    if isinstance(val, str):
        try:
            val = int(val, 0)
        except ValueError:
            raise ValueError("expected a whole number, 0 or more") from None
    if not isinstance(val, int):
        raise TypeError(f"expected a whole number, 0 or more, not {type(val).__name__}")
    if val < 0:
        raise ValueError("expected a whole number, 0 or more")
    return int(val)


def auto_int(_: object, x: str) -> int:
    """Convert the text of a file mode or a number: a leading 0 means octal, 0x, 0o and 0b as in Python."""
    return parse_mode(x)


def parse_mode(text: str) -> int:
    """Convert the text of a file mode: `022`, `0o22`, `0x12`, `18`. Raises ValueError."""
    digits = text.strip()
    if len(digits) > 1 and digits[0] == "0" and digits.isdigit():
        digits = "0o" + digits
    try:
        return int(digits, 0)
    except ValueError:
        raise ValueError("expected a file mode such as 0o022") from None


def validate_mode(val: object) -> int:
    """A file mode, as a number or as text, where a leading 0 means octal."""
    mode = validate_pos_int(parse_mode(val) if isinstance(val, str) else val)
    if mode > 0o777:
        raise ValueError("expected a file mode such as 0o022, up to 0o777 (without a 0 in front it is decimal)")
    return mode


def in_range(low: int, high: int | None = None) -> Callable[[object], int]:
    """Make a validator for whole numbers from `low` to `high`, both included."""
    expected = (
        f"expected a whole number from {low} to {high}" if high else f"expected a whole number, {low} or more"
    )

    def validate(val: object) -> int:
        number = validate_pos_int(val)
        if number < low or (high is not None and number > high):
            raise ValueError(expected)
        return number

    _DOMAINS[validate] = Domain(low=low, high=high)
    return validate


def optional(validator: Callable[[object], T]) -> Callable[[object], T | None]:
    """Make a validator that leaves None alone, for settings that may stay unset."""

    def validate(val: object) -> T | None:
        return None if val is None else validator(val)

    _DOMAINS[validate] = Domain(inner=validator)
    return validate


LONGEST = 2**31 - 1
"""What system calls take as a length or a time (seconds): the highest number of 32 bits with a sign."""

validate_count = in_range(0, LONGEST)


def validate_seconds(val: str | float) -> float:
    """A time of 0 or more, fractions allowed, or its text."""
    try:
        seconds = float(val)
    except (TypeError, ValueError):
        raise ValueError("expected a number of seconds, 0 or more") from None
    if isinstance(val, bool) or not 0 <= seconds <= LONGEST:
        raise ValueError(f"expected a number of seconds from 0 to {LONGEST}")
    return seconds


_SIZES = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def validate_size(val: object) -> int:
    """A number of bytes, 0 or more, or its text, in which K, M, G and T stand for powers of 1024."""
    if not isinstance(val, str):
        return validate_pos_int(val)
    text = val.strip().lower().removesuffix("b").removesuffix("i")
    unit = text[-1:] if text[-1:].isalpha() else ""
    try:
        number = float(text.removesuffix(unit)) * _SIZES[unit]
        if not 0 <= number < 2.0**63:
            raise ValueError
        return int(number)
    except (KeyError, ValueError):
        raise ValueError("expected a number of bytes such as 300M") from None


def validate_message_size(val: object) -> int:
    """A number of bytes as `validate_size` has it, from 1K to 1G."""
    size = validate_size(val)
    if not 1 << 10 <= size <= 1 << 30:
        raise ValueError("expected a number of bytes from 1K to 1G")
    return size


def count_or(word: str) -> Callable[[object], int | str]:
    """Make a validator for a number, 1 or more, or `word` in any case."""

    def validate(val: object) -> int | str:
        if isinstance(val, str) and val.strip().lower() == word:
            return word
        try:
            number = validate_pos_int(val)
        except ValueError:
            number = 0
        if number == 0:
            raise ValueError(f"expected a whole number, 1 or more, or {word}")
        return number

    _DOMAINS[validate] = Domain(words=(word,), low=1)
    return validate


def validate_path(val: object) -> str | None:
    """The path of a URL, without a query; nothing or None for none."""
    path = validate_string(val)
    if not path:
        return None
    if not path.startswith("/") or not path.isascii() or not path.isprintable() or set(" ?#") & set(path):
        raise ValueError("expected a path that begins with a slash, as it stands in a request, without a query")
    return path


def validate_reload_strategy(val: object) -> str:
    """`all`, `rolling`, `rolling:N` or `rolling:N%`, in any case."""
    expected = "expected all, rolling, rolling:NUMBER or rolling:PERCENT%"
    if not isinstance(val, str):
        raise TypeError(f"{expected}, not {type(val).__name__}")
    word = val.strip().lower()
    name, colon, amount = word.partition(":")
    number = amount.removesuffix("%")
    if name not in ("all", "rolling") or (colon and (name == "all" or not number.isdecimal() or not int(number))):
        raise ValueError(expected)
    return word


def one_of(
    *words: str, none: str | None = None, aliases: Mapping[str | bool, str] | None = None
) -> Callable[[object], str | None]:
    """Make a validator for one of `words` in any case; None means `none`, `aliases` their target."""
    expected = f"expected one of {', '.join(words)}"
    named = aliases or {}

    def validate(val: object) -> str | None:
        if val is None:
            return none
        if isinstance(val, bool) and val in named:
            return named[val]
        if not isinstance(val, str):
            raise TypeError(f"{expected}, not {type(val).__name__}")
        word = val.strip().lower()
        word = named.get(word, word)
        if word not in words:
            raise ValueError(expected)
        return word

    _DOMAINS[validate] = Domain(words=words, takes_booleans=True in named)
    return validate


validate_dirty_reload = one_of("overlap", "replace", none="overlap")
validate_header_map_behaviour = one_of("drop", "refuse", "dangerous")
validate_http_parser = one_of("auto", "fast", "python", none="auto")
validate_asgi_loop = one_of("auto", "asyncio", "uvloop", none="auto")
validate_asgi_lifespan = one_of("auto", "on", "off", none="auto")
validate_protocol = one_of("http", "uwsgi", "fastcgi", "scgi", none="http")
validate_dirty_backend = one_of("local", "ray", none="local")
validate_http2_cleartext = one_of(
    "off", "prior-knowledge", "upgrade", "both", none="off", aliases={True: "prior-knowledge", False: "off"}
)
validate_proxy_protocol = one_of(
    "off",
    "v1",
    "v2",
    "auto",
    none="off",
    aliases={
        True: "auto",
        False: "off",
        "true": "auto",
        "1": "auto",
        "false": "off",
        "0": "off",
        "none": "off",
    },
)
validate_loglevel = one_of(
    "debug", "info", "warning", "error", "critical", aliases={"warn": "warning", "fatal": "critical"}
)
validate_syslog_facility = one_of(
    *("auth", "authpriv", "console", "cron", "daemon", "ftp", "kern", "lpr", "mail", "news", "ntp"),
    *("security", "solaris-cron", "syslog", "user", "uucp"),
    *(f"local{number}" for number in range(8)),
    none="user",
)

validate_http2_frame_size = in_range(16384, 16777215)
validate_http2_stream_limit = in_range(1)
validate_http2_window_size = in_range(0, 2**31 - 1)


_RELOAD_ENGINES = ("auto", "poll", "inotify")


def validate_reload_engine(val: object) -> str:
    """The name of a way to watch files: auto, poll, inotify."""
    if val not in _RELOAD_ENGINES:
        raise ConfigError(f"expected one of {', '.join(_RELOAD_ENGINES)}")
    return str(val)


_DOMAINS[validate_reload_engine] = Domain(words=_RELOAD_ENGINES)

_TLS_VERSIONS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")


def validate_tls_version(val: object) -> str:
    """`TLSv1`, `TLSv1.1`, `TLSv1.2` or `TLSv1.3`, in any case."""
    versions = {name.lower(): name for name in _TLS_VERSIONS}
    version = versions.get(str(val).strip().lower())
    if version is None:
        raise ValueError(f"expected one of {', '.join(versions.values())}")
    return version


_DOMAINS[validate_tls_version] = Domain(words=_TLS_VERSIONS)


def validate_ssl_version(val: object) -> object:
    """Anything: the setting is accepted for old configurations and means nothing."""
    return val


# Lists and mappings.


def validate_list_string(val: object) -> list[str]:
    """A list of texts; a single text is a list of one."""
    if not val:
        return []
    if isinstance(val, str):
        val = [val]
    if not isinstance(val, Iterable):
        raise TypeError(f"expected a list of texts, not {type(val).__name__}")
    return [_text(item) for item in val]


def _text(item: object) -> str:
    if not isinstance(item, str):
        raise TypeError(f"expected a list of texts, but {item!r} is {type(item).__name__}")
    return item.strip()


def validate_bind(val: object) -> list[str]:
    """A list of addresses, each one that a socket can be made for."""
    binds = validate_list_string(val)
    for bind in binds:
        if not bind:
            raise ValueError("one address is empty: expected HOST:PORT, [IPV6]:PORT, unix:PATH or fd://N")
        try:
            parse_bind(bind)
        except RuntimeError as error:
            raise ValueError(f"{error} Expected HOST:PORT, [IPV6]:PORT, unix:PATH or fd://N") from None
    return binds


def validate_face(val: object) -> str:
    """One address at which the master itself answers, without TLS."""
    expected = "Expected HOST:PORT, [IPV6]:PORT or unix:PATH"
    text = validate_text(val)
    try:
        address = parse_address(text) if text else 0
    except RuntimeError as error:
        raise ValueError(f"{error} {expected}") from None
    if isinstance(address, int):
        raise ValueError(expected[0].lower() + expected[1:])
    return text


def validate_pairs(val: object) -> list[str]:
    """A list of texts of the form NAME=VALUE."""
    pairs = validate_list_string(val)
    for pair in pairs:
        name, equals, _ = pair.partition("=")
        if not (name and equals):
            raise ValueError(f"{pair!r} is not of the form NAME=VALUE")
    return pairs


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


def validate_hosts(val: object) -> list[str]:
    """Comma-separated hosts, in the form in which they are compared."""
    return [host_pattern(host) for host in validate_string_to_list(val)]


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


def validate_header_lines(val: object) -> list[str]:
    """A list of texts of the form NAME:VALUE, each fit to be a header field of a response."""
    lines = validate_list_string(val)
    for line in lines:
        name, colon, value = line.partition(":")
        if not (colon and name and name.isascii() and all(c.isalnum() or c in "!#$%&'*+-.^_`|~" for c in name)):
            raise ValueError(f"{line!r} is not of the form NAME:VALUE")
        if not all(c == "\t" or " " <= c <= "~" or "\x80" <= c <= "\xff" for c in value):
            raise ValueError(f"{line!r} has characters that no header field may have")
        if name.lower() in ("connection", "content-length", "date", "transfer-encoding"):
            raise ValueError(f"{line!r}: the server sets {name} itself")
    return lines


def validate_skip_rules(val: object) -> list[str]:
    """A list of rules for the access log, such as `path=/healthz`."""
    rules = validate_list_string(val)
    for rule in rules:
        compile_rule(rule)
    return rules


def validate_share(val: str | float) -> float:
    """A share, from 0 to 1, or its text."""
    try:
        share = float(val)
    except (TypeError, ValueError):
        raise ValueError("expected a number from 0 to 1") from None
    if isinstance(val, bool) or not 0 <= share <= 1:
        raise ValueError("expected a number from 0 to 1")
    return share


def validate_field_name(val: object) -> str | None:
    """The name of a header field, without what other names could be mistaken for; nothing or None for none."""
    name = validate_string(val)
    if not name:
        return None
    if not (name.isascii() and name.replace("-", "").isalnum()):
        raise ValueError("expected the name of a header field, of letters, digits and dashes")
    if name.lower() in _FIELDS_OF_THE_SERVER:
        raise ValueError(f"{name} means something else")
    return name


_FIELDS_OF_THE_SERVER = frozenset([
    "authorization", "connection", "content-length", "content-type", "cookie", "date", "expect", "host", "keep-alive",
    "server", "te", "trailer", "transfer-encoding", "upgrade",
])


def validate_server_header(val: object) -> str:
    """The value of the Server field; `off` or nothing for none."""
    text = validate_string(val) or ""
    if not all(" " <= c <= "~" for c in text):
        raise ValueError("expected plain text, or off")
    return "" if text.lower() == "off" else text


def validate_string_to_list(val: object) -> list[str]:
    """Comma-separated text, as the list of what is between the commas."""
    text = validate_string(_joined(val))
    return [item for item in map(str.strip, (text or "").split(",")) if item]


def _joined(val: object) -> object:
    return (
        ",".join(val) if isinstance(val, list | tuple) and all(isinstance(item, str) for item in val) else val
    )


def validate_string_to_addr_list(val: object) -> list[str]:
    """Comma-separated IP addresses and networks in CIDR notation, or `*` for everyone."""
    addresses = validate_string_to_list(val)
    for address in addresses:
        # The defaults need no proof; importing ipaddress for them would cost every start some milliseconds.
        if address not in ("*", "127.0.0.1", "::1"):
            _check_network(address)
    return addresses


def _check_network(address: str) -> None:
    from ipaddress import ip_network

    try:
        ip_network(address)
    except ValueError as error:
        raise ValueError(f"{error}: expected addresses or networks such as 10.0.0.0/8, or *") from None


def validate_dict(val: object) -> dict[object, object]:
    """A dict."""
    if not isinstance(val, dict):
        raise TypeError(f"expected a dict, not {type(val).__name__}")
    return val


def validate_ray_address(val: object) -> str:
    """The address of a Ray cluster, `auto` for None. Those of Ray's clients, `ray://...`, are none."""
    text = (validate_string(val) or "").strip() or "auto"
    if "://" in text:
        raise ValueError("expected HOST:PORT of the cluster, or auto: Ray's client protocol is not used here")
    return text


def validate_http_protocols(val: object) -> list[str]:
    """Comma-separated `h1` and `h2`, in the order of preference; or a list of them."""
    if isinstance(val, list | tuple) and all(isinstance(name, str) for name in val):
        val = ",".join(val)
    if val is not None and not isinstance(val, str):
        raise TypeError(f"expected comma-separated protocols of h1, h2, not {type(val).__name__}")
    names = [name.strip().lower() for name in (val or "h1").split(",") if name.strip()]
    if unknown := [name for name in names if name not in ("h1", "h2")]:
        raise ValueError(f"expected comma-separated protocols of h1, h2, not {unknown[0]!r}")
    if len(set(names)) != len(names):
        raise ValueError("expected each protocol once")
    return names or ["h1"]


# Files, users, addresses.


def validate_file_exists(val: str | None) -> str | None:
    """The path of a file that is there, or None."""
    if val is not None and not os.path.exists(val):
        raise ValueError(f"no such file: {val}")
    return val


def validate_list_of_files_or_patterns(val: object) -> list[str]:
    """Paths of files that are there, and glob patterns, which may match nothing yet."""
    entries = validate_list_string(val)
    for entry in entries:
        if not any(character in entry for character in "*?["):
            validate_file_exists(entry)
    return entries


def validate_chdir(val: object) -> str:
    """The absolute path of a folder that is there."""
    text = validate_string(val)
    if text is None:
        raise TypeError("expected the path of a folder")
    from gunicorn.unix.process import getcwd

    path = os.path.abspath(os.path.normpath(os.path.join(getcwd(), text)))
    if not os.path.isdir(path):
        raise ConfigError(f"can't chdir to {text!r}: no such folder")
    return path


def validate_user(val: object) -> int:
    """A user's name or number; None means the effective user."""
    if val is None:
        return os.geteuid()
    number = _account_number(val)
    if number is not None:
        return number
    import pwd

    try:
        return pwd.getpwnam(_account(val)).pw_uid
    except (KeyError, ValueError):
        raise ConfigError(f"No such user: {val!r}") from None


def validate_group(val: object) -> int:
    """A group's name or number; None means the effective group."""
    if val is None:
        return os.getegid()
    number = _account_number(val)
    if number is not None:
        return number
    import grp

    try:
        return grp.getgrnam(_account(val)).gr_gid
    except (KeyError, ValueError):
        raise ConfigError(f"No such group: {val!r}") from None


def _account_number(val: object) -> int | None:
    """The number that `val` is or spells, None for a name. The highest of 32 bits means nobody in particular."""
    if isinstance(val, bool) or not (isinstance(val, int) or (isinstance(val, str) and val.isdecimal())):
        return None
    number = int(val)
    if not 0 <= number < 2**32 - 1:
        raise ConfigError(f"expected a name, or a number from 0 to {2**32 - 2}")
    return number


def _account(val: object) -> str:
    if not isinstance(val, str):
        raise TypeError(f"expected a name or a number, not {type(val).__name__}")
    return val


def validate_statsd_address(val: object) -> tuple[str, int] | str | None:
    """`HOST:PORT`, `HOST` (port 8125) or `unix://PATH`."""
    text = validate_string(val)
    if text is None:
        return None
    try:
        address = parse_address(text, default_port="8125")
    except RuntimeError:
        raise TypeError("expected HOST:PORT or unix://PATH") from None
    if isinstance(address, int):
        raise TypeError("expected HOST:PORT or unix://PATH")
    return address


# Code.


def validate_class(val: object) -> type | str:
    """A class, the text that names one, or a function that returns either."""
    if isinstance(val, FunctionType | MethodType):
        with application_first():
            val = val()
    return val if isinstance(val, type) else validate_text(val)


def validate_callable(arity: int) -> Callable[[object], Callable[..., object]]:
    """Make a validator for callables with `arity` positional parameters (-1: any number).

    Text of the form `module.function` or `module:function` is imported.
    """

    def _validate_callable(val: object) -> Callable[..., object]:
        found = _import_callable(val) if isinstance(val, str) else val
        if not callable(found):
            raise TypeError(f"expected a function, {found!r} is not callable")
        if arity != -1 and _arity(found) != arity:
            raise TypeError(f"expected a function with {arity} positional parameters, it has {_arity(found)}")
        return found

    _DOMAINS[_validate_callable] = Domain(is_function=True)
    return _validate_callable


def _import_callable(text: str) -> object:
    from importlib import import_module

    module_name, _, name = text.replace(":", ".").rpartition(".")
    if not module_name:
        raise TypeError(f"{text!r} does not name a function: expected module.function")
    try:
        with application_first():
            return getattr(import_module(module_name), name)
    except ImportError as error:
        raise TypeError(str(error)) from None
    except AttributeError:
        raise TypeError(f"module {module_name!r} has no {name!r}") from None


def get_arity(f: Callable[..., object]) -> int:
    """Return how many positional parameters `f` declares; `*args` does not count."""
    from inspect import Parameter, signature

    positional = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    return sum(parameter.kind in positional for parameter in signature(f).parameters.values())


def _arity(function: Callable[..., object]) -> int:
    # Plain functions carry the number; inspect, which knows everything else, is slow to import.
    if isinstance(function, FunctionType) and not hasattr(function, "__wrapped__"):
        return function.__code__.co_argcount
    try:
        return get_arity(function)
    except ValueError:
        raise TypeError(f"{function!r} has no signature that can be read") from None


def validate_post_request(val: object) -> Callable[..., object]:
    """A callable `(worker, req, environ, resp)`; older ones without the last one or two are adapted."""
    hook = validate_callable(-1)(val)
    arity = _arity(hook)
    if arity == 4:
        return hook
    if arity == 3:
        return lambda worker, req, environ, resp: hook(worker, req, environ)
    if arity == 2:
        return lambda worker, req, environ, resp: hook(worker, req)
    raise TypeError(f"expected a function with 4 positional parameters, it has {arity}")


# Text into values.


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
