"""What the reference says of each setting besides its declaration: a release, and an example that holds."""

from __future__ import annotations

import re
import shlex
import sys
import tomllib
from pathlib import Path

import pytest

from gunicorn.config import KNOWN_SETTINGS, Config, Setting

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs"))
from option_tables import SAME  # noqa: E402
from setting_notes import EXAMPLES, SINCE, flag_example, since, toml_example  # noqa: E402

sys.path.pop(0)
NAMES = [setting.name for setting in KNOWN_SETTINGS]
#: Users and groups that this machine need not have, a file that has to be there, and what takes anything as it comes.
NOT_TRIED = {"user", "group", "unix_socket_owner", "unix_socket_group", "control_token_file", "ssl_version"}

each_setting = pytest.mark.parametrize("setting", KNOWN_SETTINGS, ids=lambda setting: setting.name)


def test_every_name_is_a_setting_once() -> None:
    named = [name for names in SINCE.values() for name in names.split()]
    assert sorted(named) == sorted(set(named) & set(NAMES))
    assert EXAMPLES.keys() <= set(NAMES)


def test_what_is_new_is_what_the_page_of_differences_calls_new() -> None:
    text = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8")
    (told,) = re.findall(r"^- New settings: (.*?)^- |^- New settings: (.*?)\n\n", text, re.MULTILINE | re.DOTALL)
    named = set(re.findall(r"`(\w+)`", "".join(told))) - {"django_settings", "gunicorn_django", "gunicorn_paster"}
    new = set(SINCE["28.0"].split())
    assert named - new <= {"ws_", "workers", "settings"}
    # "... and what belongs to them"; those of protocols and tasks are told with these.
    belonging = r"ws_\w+|\w+_(jitter|hard)|(fastcgi|scgi)_allow_ips|dirty_\w+|permit_missing_proxy_header"
    assert {name for name in new - named if not re.fullmatch(belonging, name)} == set()


@each_setting
def test_the_example_is_a_value_that_the_setting_takes(setting: type[Setting]) -> None:
    assert re.fullmatch(r"28\.0|19\.6 or earlier|\d\d\.\d+(\.\d)?", since(setting))
    given = tomllib.loads(toml_example(setting))
    assert given.keys() == {setting.name}
    if setting.name in NOT_TRIED or setting.section.endswith("Hooks"):
        return
    by_file = setting()
    by_file.set(given[setting.name])
    typed = flag_example(setting)
    assert bool(typed) == bool(setting.cli)
    if not typed:
        return
    # Typed in a shell it is the same.
    cfg = Config(prog="gunicorn")
    cfg.set(setting.name, getattr(cfg.parser().parse_args(shlex.split(typed)), setting.name))
    assert cfg.settings[setting.name].get() == by_file.get()


def test_what_is_called_the_same_is_a_flag() -> None:
    flags = {flag for setting in KNOWN_SETTINGS for flag in setting.cli or ()}
    assert {f"--{name}" for names in SAME.values() for name in names.split()} <= flags
