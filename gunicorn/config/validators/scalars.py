"""Single values: yes and no, numbers, durations, sizes, words of a list; and what is known of them."""

from __future__ import annotations

from gunicorn._record import Record
from gunicorn.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
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
DOMAINS: dict[Validator, Domain] = {}


def domain_of(validator: Validator | None) -> Domain:
    """What is known of the values that `validator` takes."""
    return DOMAINS.get(validator, Domain()) if validator is not None else Domain()


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


def validate_filled(val: object) -> str | None:
    """Text, stripped; None where there is none in it."""
    return validate_string(val) or None


def text_or(none: str) -> Callable[[object], str]:
    """Make a validator for text, stripped; None means `none`: files set what they find in the environment."""

    def validate(val: object) -> str:
        return none if val is None else validate_text(val)

    DOMAINS[validate] = Domain(inner=validate_string)
    return validate


def validate_pos_int(val: object) -> int:
    """A whole number of at least 0, or its text in decimal (`030` is 30), 0x, 0o or 0b notation."""
    if isinstance(val, str):
        digits = val.strip()
        try:
            val = int(digits, 10 if digits.isdigit() else 0)
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

    DOMAINS[validate] = Domain(low=low, high=high)
    return validate


def optional(validator: Callable[[object], T]) -> Callable[[object], T | None]:
    """Make a validator that leaves None alone, for settings that may stay unset."""

    def validate(val: object) -> T | None:
        return None if val is None else validator(val)

    DOMAINS[validate] = Domain(inner=validator)
    return validate


LONGEST = 2**31 - 1
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


# No worker fits into less, so a smaller number is one of something else.
SMALLEST_PROCESS = 1 << 20


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


def validate_memory(val: object) -> int:
    """What a process may have, as `validate_size` has it: 0 for no limit, or 1M at least."""
    size = validate_size(val)
    if 0 < size < SMALLEST_PROCESS:
        raise ValueError(f"expected a number of bytes such as 300M, no process has so few as {size}")
    return size


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

    DOMAINS[validate] = Domain(words=(word,), low=1)
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
    *words: str, none: str, aliases: Mapping[str | bool, str] | None = None
) -> Callable[[object], str]:
    """Make a validator for one of `words` in any case; None means `none`, `aliases` their target."""
    expected = f"expected one of {', '.join(words)}"
    named = aliases or {}

    def validate(val: object) -> str:
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

    DOMAINS[validate] = Domain(words=words, takes_booleans=True in named)
    return validate


validate_dirty_reload = one_of("overlap", "replace", none="overlap")
validate_header_map_behaviour = one_of("drop", "refuse", "dangerous", none="drop")
validate_http_parser = one_of("auto", "fast", "python", none="auto")
validate_asgi_loop = one_of("auto", "asyncio", "uvloop", none="auto")
validate_asgi_lifespan = one_of("auto", "on", "off", none="auto")
validate_protocol = one_of("http", "uwsgi", "fastcgi", "scgi", none="http", aliases={"": "http"})
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
    *("debug", "info", "warning", "error", "critical"),
    none="info",
    # Empty where a command line has a variable of the shell that is not set.
    aliases={"warn": "warning", "fatal": "critical", "": "info"},
)
validate_syslog_facility = one_of(
    *("auth", "authpriv", "console", "cron", "daemon", "ftp", "kern", "lpr", "mail", "news", "ntp"),
    *("security", "solaris-cron", "syslog", "user", "uucp"),
    *(f"local{number}" for number in range(8)),
    none="user",
    aliases={"": "user"},
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


DOMAINS[validate_reload_engine] = Domain(words=_RELOAD_ENGINES)
_TLS_VERSIONS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")


def validate_tls_version(val: object) -> str:
    """`TLSv1`, `TLSv1.1`, `TLSv1.2` or `TLSv1.3`, in any case; None means `TLSv1.2`."""
    if val is None:
        return "TLSv1.2"
    versions = {name.lower(): name for name in _TLS_VERSIONS}
    version = versions.get(str(val).strip().lower())
    if version is None:
        raise ValueError(f"expected one of {', '.join(versions.values())}")
    return version


DOMAINS[validate_tls_version] = Domain(words=_TLS_VERSIONS)


def validate_ssl_version(val: object) -> object:
    """Anything: the setting is accepted for old configurations and means nothing."""
    return val


def validate_share(val: str | float) -> float:
    """A share, from 0 to 1, or its text."""
    try:
        share = float(val)
    except (TypeError, ValueError):
        raise ValueError("expected a number from 0 to 1") from None
    if isinstance(val, bool) or not 0 <= share <= 1:
        raise ValueError("expected a number from 0 to 1")
    return share


def validate_ray_pool(val: object) -> str:
    """`own` (also for None), or `shared:` and a name of letters, digits and `._-`."""
    text = (validate_string(val) or "").strip() or "own"
    kind, _, name = text.partition(":")
    is_name = name.isascii() and name.translate(str.maketrans("", "", "._-")).isalnum()
    if text != "own" and not (kind == "shared" and is_name):
        raise ValueError("expected own, or shared:NAME, a name of letters, digits, '.', '_' and '-'")
    return text


def validate_ray_address(val: object) -> str:
    """The address of a Ray cluster, `auto` for None. Those of Ray's clients, `ray://...`, are none."""
    text = (validate_string(val) or "").strip() or "auto"
    if "://" in text:
        raise ValueError("expected HOST:PORT of the cluster, or auto: Ray's client protocol is not used here")
    return text
