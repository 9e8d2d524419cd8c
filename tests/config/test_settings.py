"""The declarations: nothing that existed is missing or different, and what is new is complete."""

from __future__ import annotations

import re
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path

import pytest

import gunicorn.config
from gunicorn.config import KNOWN_SETTINGS, Config, Setting, make_settings, validate_pos_int
from gunicorn.config.arguments import lazy_parser, parse
from gunicorn.config.checks import pending_notices
from gunicorn.config.pending import PENDING
from gunicorn.config.reference import slug
from gunicorn.config.sources import apply_arguments
from gunicorn.errors import ConfigError
from tests.config.reference import DEPENDS, HOOK, SETTINGS

NEW = {
    "lifespan_startup_timeout", "lifespan_shutdown_timeout", "dirty_queue", "dirty_max_calls", "dirty_max_memory",
    "dirty_backend", "dirty_ray_address", "dirty_ray_env", "dirty_ray_direct", "dirty_ray_pool",
    "ws_ping_interval", "ws_ping_timeout", "ws_max_queue", "ws_per_message_deflate",
    "header_timeout", "body_timeout", "send_timeout", "body_buffer_size", "response_buffer_size",
    "buffer_request_body", "django_settings", "limit_request_head", "metrics_bind", "control_bind",
    "control_token_file", "otel_metrics", "otel_spans", "otel_trust",
    "log_format", "log_streams", "color", "access_log_skip", "access_log_sample", "access_log_slow",
    "request_id_header",
    "request_slow", "ready_workers", "health_path", "agent_bind", "metrics_buckets", "mount", "park_connections",
    "gc_freeze", "gc_threshold",
    "fastcgi_allow_ips", "scgi_allow_ips", "static", "static_cache_control", "static_index", "static_fallback",
    "allowed_hosts", "dirty_max_message", "dirty_stash_memory", "dirty_reload", "dirty_preload",
}


@pytest.fixture
def known_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that a test declares are forgotten at its end."""
    monkeypatch.setattr("gunicorn.config.setting.KNOWN_SETTINGS", list(KNOWN_SETTINGS))


def test_the_names_are_those_of_old_and_the_new_ones() -> None:
    assert {setting.name for setting in KNOWN_SETTINGS} == set(SETTINGS) | NEW


@pytest.mark.parametrize("name", ["access_log_format", "header_map", "loglevel", "metrics_buckets", "otel_trust",
                                  "root_path", "statsd_prefix", "syslog_addr"])
def test_none_is_the_default_where_the_server_needs_a_text(name: str) -> None:
    # Files say `name = os.environ.get("NAME")`.
    setting = make_settings()[name]
    before = setting.get()
    setting.set(None)
    assert before is not None
    assert setting.get() == before


@pytest.mark.parametrize("name", ["loglevel", "pidfile", "protocol", "syslog_facility"])
def test_nothing_is_the_default_where_it_means_nothing(name: str) -> None:
    # Command lines say `--pid "$PIDFILE"`.
    setting = make_settings()[name]
    before = setting.get()
    setting.set("")
    assert setting.get() == before


@pytest.mark.parametrize("name", SETTINGS)
def test_flags_sections_and_defaults_are_kept(name: str) -> None:
    flags, default, section = SETTINGS[name]
    setting = make_settings()[name]
    assert setting.cli == flags
    assert setting.section == section
    if default is HOOK:
        assert callable(setting.get())
    elif default is not DEPENDS:
        assert setting.get() == default


@pytest.mark.parametrize("setting", KNOWN_SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_is_documented_in_one_sentence_first(setting: type[Setting]) -> None:
    assert setting.desc
    assert setting.short
    assert setting.short.endswith(".") or setting.short.endswith("`.") or ": `(" in setting.short
    assert "\n" not in setting.short


def test_no_flag_is_used_twice() -> None:
    flags = [flag for setting in KNOWN_SETTINGS for flag in setting.cli or ()]
    assert sorted(flags) == sorted(set(flags))


def test_the_types_for_checkers_name_every_setting_that_is_no_property() -> None:
    source = (Path(gunicorn.config.__file__).parent / "setting_types.py").read_text()
    typed = set(re.findall(r"^        (\w+): ", source, re.MULTILINE))
    properties = {name for kind in Config.__mro__ for name, value in vars(kind).items() if isinstance(value, property)}
    assert typed == {setting.name for setting in KNOWN_SETTINGS} - properties


def test_names_of_declarations_and_validators_are_importable() -> None:
    for name in ("Bind", "Workers", "WorkerThreads", "SSLVersion", "validate_user", "auto_int", "PLATFORM"):
        assert hasattr(gunicorn.config, name)


@pytest.mark.usefixtures("known_settings")
class TestSettingsOfThirdParties:
    def test_a_subclass_is_known_at_once(self) -> None:
        class Colour(Setting):
            name = "colour"
            section = "Paint"
            cli = ["--colour"]
            meta = "NAME"
            validator = validate_pos_int
            type = int
            default = 3
            desc = """\
                What colour.

                And more.
                """

        cfg = Config()
        assert cfg.colour == 3  # type: ignore[attr-defined]
        cfg.set("colour", "0x10")
        assert cfg.settings["colour"].get() == 16
        assert Colour.short == "What colour."
        assert Colour.desc == "What colour.\n\nAnd more."
        assert cfg.parser().parse_args(["--colour", "5"]).colour == 5

    @pytest.mark.parametrize("words", [["--count", "5"], ["--count=5"], ["app:app", "--count", "5"], ["--cou", "5"]])
    def test_a_type_is_applied_by_the_parser(self, words: list[str]) -> None:
        class Count(Setting):
            name = "count"
            section = "Paint"
            cli = ["--count"]
            type = int

        class Ratios(Setting):
            name = "ratios"
            section = "Paint"
            cli = ["--ratio"]
            action = "append"
            type = float

        cfg = Config()
        options = cfg.parser().parse_args([*words, "--ratio", "1.5", "--ratio", "2"])
        assert (options.count, options.ratios) == (5, [1.5, 2.0])
        options = parse(cfg, lazy_parser(cfg), words)
        assert options.count == 5
        apply_arguments(cfg, options, "command line")
        assert cfg.count == 5  # type: ignore[attr-defined]

    def test_a_value_that_is_not_of_the_type_is_told_in_one_line(self) -> None:
        class Count(Setting):
            name = "count"
            section = "Paint"
            cli = ["--count"]
            type = int

        cfg = Config()
        with pytest.raises(ConfigError, match=r"count = 'many' \(command line --count\): .*'many'"):
            apply_arguments(cfg, cfg.parser().parse_args(["--count", "many"]), "command line")

    def test_a_validator_may_be_any_function_and_may_be_missing(self) -> None:
        class Shout(Setting):
            name = "shout"
            validator = lambda text: text.upper()  # noqa: E731
            default = "a"

        class Anything(Setting):
            name = "anything"

        cfg = Config()
        cfg.set("anything", [1])
        assert cfg.shout == "A"  # type: ignore[attr-defined]
        assert cfg.anything == [1]  # type: ignore[attr-defined]
        assert Shout.order < Anything.order

    def test_of_two_declarations_the_later_wins(self) -> None:
        class Twice(gunicorn.config.Workers):  # type: ignore[name-defined, misc]
            default = 7

        assert Config().workers == 7
        assert Twice.name == "workers"

    def test_a_function_as_default_is_not_bound(self) -> None:
        class Hook(Setting):
            name = "hook"

            def default(server) -> str:  # type: ignore[no-untyped-def]
                return f"got {server}"

        assert Config().hook("s") == "got s"  # type: ignore[attr-defined]

    def test_make_settings_leaves_out_what_it_is_told(self) -> None:
        assert "bind" not in make_settings(ignore=["bind"])

    def test_copy_is_independent(self) -> None:
        setting = make_settings()["workers"]
        twin = setting.copy()
        twin.set(9)
        assert (setting.get(), twin.get()) == (1, 9)


class TestPending:
    def test_the_table_names_settings(self) -> None:
        assert set(PENDING) <= {setting.name for setting in KNOWN_SETTINGS}

    def test_nothing_is_said_of_defaults(self) -> None:
        cfg = Config()
        cfg.set("ssl_version", cfg.ssl_version)
        assert pending_notices(cfg) == []

    def test_one_line_names_setting_source_and_reason(self) -> None:
        cfg = Config()
        cfg.set("ssl_version", 3, source="gunicorn.conf.py")
        (notice,) = pending_notices(cfg)
        assert notice.startswith("Setting ssl_version has no effect yet (gunicorn.conf.py): ")
        assert "\n" not in notice


class TestHelp:
    @pytest.fixture
    def text(self) -> str:
        env = {"COLUMNS": "80", "PYTHONPATH": str(Path(gunicorn.config.__file__).parents[2])}
        done = subprocess.run(
            [sys.executable, "-m", "gunicorn", "--help"], env=env, capture_output=True, text=True, check=True
        )
        return done.stdout

    def test_it_fits_80_columns(self, text: str) -> None:
        assert max(map(len, text.splitlines())) <= 80

    def test_it_is_grouped_by_section(self, text: str) -> None:
        headings = re.findall(r"^(\S.*):$", text, re.MULTILINE)
        assert headings[1:5] == ["Config File", "Server Socket", "Worker Processes", "Time Limits"]
        assert len(headings) == len(set(headings))

    def test_every_flag_is_there(self, text: str) -> None:
        flags = {flag for setting in KNOWN_SETTINGS for flag in setting.cli or ()}
        assert {flag for flag in flags if not re.search(rf"(^|[ ,]){re.escape(flag)}\b", text)} == set()

    def test_modes_are_shown_as_modes(self, text: str) -> None:
        assert "[0600]" in text


@pytest.fixture
def parser(monkeypatch: pytest.MonkeyPatch) -> ArgumentParser:
    monkeypatch.setenv("COLUMNS", "80")
    return Config(prog="gunicorn").parser()


class TestHelpOfASection:
    @pytest.mark.parametrize("section", sorted({setting.section for setting in KNOWN_SETTINGS}))
    def test_every_section_has_a_name_and_shows_its_settings(
        self, parser: ArgumentParser, capsys: pytest.CaptureFixture[str], section: str
    ) -> None:
        with pytest.raises(SystemExit) as done:
            parser.parse_args(["--help", slug(section)])
        assert done.value.code == 0
        text = capsys.readouterr().out
        assert text.startswith(f"{section}:\n")
        assert max(map(len, text.splitlines())) <= 80
        for setting in KNOWN_SETTINGS:
            is_there = re.search(rf"^  {setting.cli[0] if setting.cli else setting.name}([ ,]|$)", text, re.M)
            assert bool(is_there) == (setting.section == section), setting.name

    @pytest.mark.parametrize(
        ("words", "headings"),
        [
            (["--help", "tls"], ["SSL"]),
            (["-h", "TLS"], ["SSL"]),
            (["--help=HTTP/2"], ["HTTP/2"]),
            (["app:app", "--help", "Server Socket"], ["Server Socket"]),
            (["--hel", "socket"], ["Server Socket"]),
            (["--help", "hooks"], ["Server Hooks", "Dirty Arbiter Hooks"]),
        ],
    )
    def test_it_is_found_by_its_words(
        self, parser: ArgumentParser, capsys: pytest.CaptureFixture[str], words: list[str], headings: list[str]
    ) -> None:
        with pytest.raises(SystemExit):
            parser.parse_args(words)
        assert re.findall(r"^(\S.*):$", capsys.readouterr().out, re.M) == headings

    @pytest.mark.parametrize("words", [["--help"], ["-h", "app:app"], ["--help", "-w", "3"], ["app", "--help"]])
    def test_without_one_all_is_shown_and_the_sections_are_named(
        self, parser: ArgumentParser, capsys: pytest.CaptureFixture[str], words: list[str]
    ) -> None:
        with pytest.raises(SystemExit) as done:
            parser.parse_args(words)
        assert done.value.code == 0
        assert capsys.readouterr().out == parser.format_help()
        names = parser.format_help().partition("`--help SECTION`: ")[2].replace("\n", " ").strip().split(", ")
        assert names == list(dict.fromkeys(slug(setting.section) for setting in KNOWN_SETTINGS))

    @pytest.mark.parametrize(
        ("word", "hint"), [("sokcet", "did you mean socket?"), ("xyz", "expected one of config-file, server-socket, ")]
    )
    def test_one_that_there_is_not_is_told_in_a_line(
        self, parser: ArgumentParser, capsys: pytest.CaptureFixture[str], word: str, hint: str
    ) -> None:
        with pytest.raises(SystemExit) as done:
            parser.parse_args(["--help", word])
        assert done.value.code == 2
        told = capsys.readouterr()
        assert told.out == ""
        assert told.err.startswith(f"gunicorn: error: argument --help: no section is called '{word}': {hint}")
        assert told.err.count("\n") == 1

    def test_functions_are_not_shown_as_defaults(self, parser: ArgumentParser) -> None:
        assert "[<" not in parser.format_help()
        assert "[{}]" not in parser.format_help()
