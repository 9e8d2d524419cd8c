"""Where values come from, from the weakest source to the strongest.

    default            the declaration, or an environment variable of old standing (PORT, WEB_CONCURRENCY)
    application        what a framework or an embedding program sets
    file               Python or TOML
    GUNICORN_<NAME>    an environment variable a setting
    GUNICORN_CMD_ARGS  an environment variable with a command line
    command line

Each source is recorded in `Config.sources`, and named in the message when one of its values is wrong.
"""

from __future__ import annotations

from gunicorn.errors import ConfigError

from .own_names import why_not_meant
from .setting import Setting
from .validators.scalars import auto_int
from .validators.texts import parse_bool, text_parser
from .values import SettingValues

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Iterator, Mapping

    Converter = Callable[[str], object]

# Not settings: the inherited sockets and the parent of a re-executed master, the extra command line, and what
# setup.py reads when the package is built.
RESERVED_VARIABLES = frozenset({
    "GUNICORN_FD", "GUNICORN_METRICS_FD", "GUNICORN_CONTROL_FD", "GUNICORN_AGENT_FD", "GUNICORN_DIRTY_SOCKET",
    "GUNICORN_DIRTY_LIMIT",
    "GUNICORN_PID", "GUNICORN_CMD_ARGS",
    "GUNICORN_PURE", "GUNICORN_CHECKED", "GUNICORN_REQUIRE_COMPILED", "GUNICORN_SANITIZED",
})
# What Kubernetes and Docker tell every container of a service, or another container, that is called gunicorn.
_OF_A_SERVICE = ("_SERVICE_HOST", "_SERVICE_PORT", "_ENV_", "_TCP", "_UDP")
_PARTS_OF_BIND = frozenset({"host", "port", "listen", "address"})


def _bind_all(port: str) -> list[str]:
    return [f"0.0.0.0:{port}"]


_DEFAULT_VARIABLE_FORMS: dict[str, Converter] = {"PORT": _bind_all, "SENDFILE": parse_bool}

# An empty list of trusted proxies means that none is trusted; any other empty variable is the same as none at
# all.
_EMPTY_MEANS_SOMETHING = frozenset({"FORWARDED_ALLOW_IPS"})


def assign(cfg: SettingValues, name: str, value: object, source: str, convert: Converter | None = None) -> None:
    """Set `name` from `source`, a text after `convert`.

    Raises ConfigError, one line, when the value is wrong.
    """
    try:
        cfg.set(name, convert(value) if convert and isinstance(value, str) else value, source=source)
    except (ValueError, TypeError, ConfigError) as error:
        raise ConfigError(f"{name} = {value!r} ({source}): {_one_line(error)}") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def apply_default_variables(cfg: SettingValues, environ: Mapping[str, str]) -> None:
    """Replace defaults by the variables that have always done so."""
    for name, setting in cfg.settings.items():
        variable = setting.default_variable
        text = environ.get(variable) if variable else None
        if variable and text is not None and (text or variable in _EMPTY_MEANS_SOMETHING):
            assign(cfg, name, text, f"environment variable {variable}", _DEFAULT_VARIABLE_FORMS.get(variable))


def apply_variables(cfg: SettingValues, environ: Mapping[str, str]) -> None:
    """Set what environment variables named `GUNICORN_` and a setting in upper case say."""
    for name, setting, text, variable in _variables(cfg, environ):
        assign(cfg, name, text, f"environment variable {variable}", _converter(setting))


def _variables(cfg: SettingValues, environ: Mapping[str, str]) -> Iterator[tuple[str, Setting, str, str]]:
    for variable, text in environ.items():
        if not text or not variable.startswith("GUNICORN_") or variable in RESERVED_VARIABLES:
            continue
        name = variable[9:].lower()
        if name in cfg.settings and variable[9:].isupper() and not why_not_meant(name, text):
            yield name, cfg.settings[name], text, variable


def unknown_variables(cfg: SettingValues, environ: Mapping[str, str]) -> str | None:
    """Return one line about the variables named `GUNICORN_` that mean nothing, each with what was probably meant."""
    names = [
        name for name, text in environ.items() if name.startswith("GUNICORN_") and _is_unknown(cfg, name, text)
    ]
    if not names:
        return None
    from .files import meant_by

    words = [(name, name[9:].lower()) for name in names]
    found = [(name, "bind" if word in _PARTS_OF_BIND else meant_by(word, cfg.settings)) for name, word in words]
    told = ", ".join(f"{name} (did you mean GUNICORN_{meant.upper()}?)" if meant else name for name, meant in found)
    return f"no setting belongs to the environment variable{'s' if len(names) > 1 else ''} {told}"


def _is_unknown(cfg: SettingValues, variable: str, text: str) -> bool:
    if variable in RESERVED_VARIABLES or variable == "GUNICORN_NAME":
        return False
    of_a_service = text.startswith(("tcp://", "udp://")) or any(part in variable for part in _OF_A_SERVICE)
    name = variable[9:].lower()
    is_ours = name in cfg.settings and variable[9:].isupper() and not why_not_meant(name, text)
    return not of_a_service and not is_ours


def _converter(setting: Setting) -> Converter | None:
    return text_parser(setting.validator) or _type_converter(setting)


def _type_converter(setting: Setting) -> Converter | None:
    """The setting's `type`, unless its validator does the same and says better what is expected."""
    declared = setting.__class__.type
    if declared in (None, int, callable, auto_int) and setting.validator is not None:
        return None
    # A function among the class attributes is a method here, as it is for whoever declares one with two
    # parameters.
    return setting.type  # type: ignore[no-any-return]


def apply_arguments(cfg: SettingValues, options: Namespace, where: str) -> None:
    """Set what was given on the command line `where`."""
    apply_options(cfg, vars(options), where)


def apply_options(cfg: SettingValues, options: Mapping[str, object], where: str) -> None:
    """Set what the parsed options of `where` say; None is what was not given."""
    for name, value in options.items():
        if value is None or name == "args" or name not in cfg.settings:
            continue
        setting = cfg.settings[name]
        assign(cfg, name, value, f"{where} {_flag(setting)}", _argument_converter(setting, value))


def _flag(setting: Setting) -> str:
    return "/".join(setting.cli or ())


def _argument_converter(setting: Setting, value: object) -> Converter | None:
    return _type_converter(setting) if isinstance(value, str) else None


def apply_texts(cfg: SettingValues, values: Mapping[str, object], source: str) -> None:
    """Set what a file of texts gives, in the forms that environment variables have."""
    for name, value in values.items():
        if name in cfg.settings:
            convert = _converter(cfg.settings[name]) if isinstance(value, str) else None
            assign(cfg, name, value, source, convert)


def apply_mapping(cfg: SettingValues, values: Mapping[str, object], source: str) -> None:
    """Set what a framework or a configuration file gives; names that are no setting are passed over."""
    for name, value in values.items():
        if name in cfg.settings:
            assign(cfg, name, value, source)
