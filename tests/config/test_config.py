"""`Config`: access, and what is derived from several settings."""

from __future__ import annotations

import os
import subprocess
import sys
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from gunicorn.config import Config, files, get_default_config_file
from gunicorn.config.checks import http2_notices
from gunicorn.errors import ConfigError

VARIABLES = ("WEB_CONCURRENCY", "PORT", "FORWARDED_ALLOW_IPS", "SENDFILE")


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("GUNICORN_") or name in VARIABLES:
            monkeypatch.delenv(name)


def config(**values: Any) -> Config:
    cfg = Config()
    for name, value in values.items():
        cfg.set(name, value)
    return cfg


def test_settings_are_attributes() -> None:
    cfg = config(workers="3")
    assert cfg.workers == 3
    assert cfg.settings["workers"].get() == 3


@pytest.mark.parametrize(
    "access",
    [
        lambda cfg: cfg.no_such_setting,
        lambda cfg: cfg.set("no_such_setting", 1),
        lambda cfg: cfg.set("WORKERS", 1),
        lambda cfg: setattr(cfg, "workers", 3),
    ],
)
def test_wrong_access_is_an_attribute_error(access: Any) -> None:
    with pytest.raises(AttributeError):
        access(Config())


def test_other_attributes_may_be_set_as_on_any_object() -> None:
    cfg = Config()
    cfg.note = "mine"  # type: ignore[attr-defined]
    assert cfg.note == "mine"  # type: ignore[attr-defined]


def test_a_refused_value_leaves_the_old_one() -> None:
    cfg = config(workers=3)
    with pytest.raises(ValueError, match="1 or more"):
        cfg.set("workers", -1)
    assert cfg.workers == 3


def test_program_usage_and_environment_are_kept() -> None:
    cfg = Config("%(prog)s X", prog="prg")
    assert (cfg.usage, cfg.prog) == ("%(prog)s X", "prg")
    assert cfg.env_orig == dict(os.environ)
    assert Config().prog == os.path.basename(sys.argv[0])


@pytest.mark.parametrize(
    ("bind", "address"),
    [
        ("unix:/tmp/x", "/tmp/x"),
        ("unix:///tmp/x", "/tmp/x"),
        ("unix:\0name", "\0name"),
        ("unix:\\0name", "\0name"),
        ("unix:@name", "@name"),
        ("fd://3", 3),
        ("tcp://1.2.3.4:80", ("1.2.3.4", 80)),
        ("[::1]:80", ("::1", 80)),
        ("[::1]", ("::1", 8000)),
        ("::1", ("::1", 8000)),
        ("tcp://[::1]", ("::1", 8000)),
        ("[fe80::1%eth0]:80", ("fe80::1%eth0", 80)),
        ("localhost", ("localhost", 8000)),
        (":8000", ("0.0.0.0", 8000)),
    ],
)
def test_address(bind: str, address: object) -> None:
    assert config(bind=bind).address == [address]


def test_several_addresses_in_their_order() -> None:
    assert config(bind=["a:1", "b:2"]).address == [("a", 1), ("b", 2)]


class TestWorkerClass:
    @pytest.mark.parametrize(
        ("values", "name"),
        [({}, "sync"), ({"threads": 4}, "gthread"), ({"worker_class": "gevent", "threads": 4}, "gevent")],
    )
    def test_short_name(self, values: dict[str, Any], name: str) -> None:
        assert config(**values).worker_class_str == name

    def test_the_class(self) -> None:
        from gunicorn.workers.sync import SyncWorker

        assert config().worker_class is SyncWorker
        assert config(worker_class="gunicorn.workers.sync.SyncWorker").worker_class is SyncWorker

    def test_a_class_object_and_its_setup(self) -> None:
        class Mine:
            ready = False

            @classmethod
            def setup(cls) -> None:
                cls.ready = True

            def init_process(self) -> None: ...

        cfg = config(worker_class=Mine)
        assert cfg.worker_class_str == "Mine"
        assert cfg.worker_class is Mine
        assert Mine.ready

    @pytest.mark.parametrize("name", ["no_such_worker", "no_such_module.Worker", "os.no_such_worker"])
    def test_one_that_is_not_there(self, name: str) -> None:
        with pytest.raises(RuntimeError, match=f"class uri '{name}' invalid or not found: ") as caught:
            _ = config(worker_class=name).worker_class
        assert "\n" not in str(caught.value)


class TestLoggerClass:
    def test_default_and_short_name(self) -> None:
        from gunicorn.glogging import Logger

        assert config().logger_class is Logger
        assert config(logger_class="simple").logger_class is Logger

    def test_statsd_takes_over_the_default_only(self) -> None:
        from gunicorn.glogging import Logger
        from gunicorn.instrument.statsd import Statsd

        class Mine(Logger): ...

        assert config(statsd_host="localhost:8125").logger_class is Statsd
        assert config(statsd_host="localhost:8125", logger_class=Mine).logger_class is Mine


def test_proc_name_falls_back() -> None:
    assert config().proc_name == "gunicorn"
    assert config(default_proc_name="app").proc_name == "app"
    assert config(default_proc_name="app", proc_name="mine").proc_name == "mine"


def test_sendfile() -> None:
    assert config().sendfile is True
    assert config(sendfile=False).sendfile is False


def test_env_and_paste_pairs() -> None:
    assert config(raw_env=["A=1", "B=x=y"]).env == {"A": "1", "B": "x=y"}
    assert config(raw_paste_global_conf=["a=b", "c=d\\=e"]).paste_global_conf == {"a": "b", "c": "d=e"}


def test_ssl() -> None:
    cfg = config(certfile="c.pem")
    assert cfg.is_ssl is True
    assert config().is_ssl is False
    assert cfg.ssl_options["certfile"] == "c.pem"
    assert set(cfg.ssl_options) == {
        "keyfile", "certfile", "ssl_version", "cert_reqs", "ca_certs", "suppress_ragged_eofs",
        "do_handshake_on_connect", "ciphers",
    }


def test_networks() -> None:
    cfg = config(forwarded_allow_ips="10.0.0.0/8,*", proxy_allow_ips="::1")
    assert cfg.forwarded_allow_networks() == [ip_network("10.0.0.0/8")]
    assert cfg.proxy_allow_networks() == [ip_network("::1")]


def test_uid_and_gid() -> None:
    cfg = config(user="0", group="0")
    assert (cfg.uid, cfg.gid) == (0, 0)


class TestDefaultVariables:
    @pytest.mark.parametrize(
        ("variable", "text", "name", "value"),
        [
            ("WEB_CONCURRENCY", "4", "workers", 4),
            ("WEB_CONCURRENCY", "", "workers", 1),
            ("PORT", "8123", "bind", ["0.0.0.0:8123"]),
            ("PORT", "", "bind", ["127.0.0.1:8000"]),
            ("FORWARDED_ALLOW_IPS", "*", "forwarded_allow_ips", ["*"]),
            ("FORWARDED_ALLOW_IPS", "", "forwarded_allow_ips", []),
            ("SENDFILE", "no", "sendfile", False),
            ("SENDFILE", "1", "sendfile", True),
            ("SENDFILE", "", "sendfile", True),
        ],
    )
    def test_table(
        self, monkeypatch: pytest.MonkeyPatch, variable: str, text: str, name: str, value: object
    ) -> None:
        monkeypatch.setenv(variable, text)
        assert getattr(Config(), name) == value

    @pytest.mark.parametrize("variable", ["WEB_CONCURRENCY", "PORT", "FORWARDED_ALLOW_IPS", "SENDFILE"])
    def test_a_wrong_one_is_named(self, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
        monkeypatch.setenv(variable, "x y")
        with pytest.raises(ConfigError, match=f"'x y' \\(environment variable {variable}\\): "):
            Config()


class TestCombinations:
    def test_defaults_are_right(self) -> None:
        Config().validate()

    @pytest.mark.parametrize(
        ("values", "text"),
        [
            ({"tmp_upload_dir": "/not there"}, "tmp_upload_dir = '/not there' .*no such folder"),
            ({"worker_class": "gthread", "threads": 0}, "threads = 0 .*1 or more"),
            ({"protocol": "uwsgi", "certfile": "c"}, "protocol = 'uwsgi' .*: it is spoken without TLS"),
        ],
    )
    def test_what_cannot_work_together(self, values: dict[str, Any], text: str) -> None:
        with pytest.raises(ConfigError, match=text):
            config(**values).validate()

    @pytest.mark.parametrize(("given", "served", "told"), [
        ({}, True, ""),
        ({"http_protocols": "h2,h1"}, True, "there is no TLS"),
        ({"http_protocols": "h2,h1", "http2_cleartext": "both"}, True, ""),
        ({"http_protocols": "h2,h1", "bind": ["https://127.0.0.1:8000"]}, True, ""),
        ({"http_protocols": "h2,h1", "bind": ["https://127.0.0.1:8000"]}, False, "worker_class = sync does not serve"),
    ], ids=["not-asked-for", "no-tls", "cleartext", "tls", "guest"])
    def test_http2_that_nobody_can_speak(self, given: dict[str, object], served: bool, told: str) -> None:
        notices = http2_notices(config(**given), served)
        assert told in "".join(notices)
        assert bool(notices) == bool(told)


def test_the_default_file_is_python_before_toml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert get_default_config_file() is None
    (tmp_path / "gunicorn.toml").touch()
    assert get_default_config_file() == str(tmp_path / "gunicorn.toml")
    (tmp_path / "gunicorn.conf.py").touch()
    assert get_default_config_file() == str(tmp_path / "gunicorn.conf.py")


def test_the_configuration_of_a_server_loads_nothing_heavy() -> None:
    heavy = (
        "argparse", "asyncio", "dataclasses", "difflib", "inspect", "ipaddress", "json", "logging", "random",
        "shlex", "shutil", "ssl", "textwrap", "tomllib", "typing",
    )
    code = "import sys; from gunicorn.config import Config; Config(); print([*{*HEAVY} & {*sys.modules}])"
    code = code.replace("HEAVY", repr(heavy))
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=root, capture_output=True, text=True, check=True, env={}
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("settings", "limit"),
    [
        ({}, 65536),
        ({"limit_request_head": 1000}, 1000),
        ({"limit_request_head": 0}, 0),
        ({"limit_request_line": 0}, 65536),
        ({"limit_request_fields": 50, "limit_request_field_size": 100}, 65536),
        ({"limit_request_fields": 200}, 200 * 8190),
        ({"limit_request_field_size": 16380}, 100 * 16380),
        ({"limit_request_field_size": 0}, 0),
        ({"limit_request_field_size": 16380, "limit_request_head": 70000}, 70000),
    ],
)
def test_the_limit_of_a_head_follows_those_of_its_fields(settings: dict[str, int], limit: int) -> None:
    cfg = Config()
    for name, value in settings.items():
        cfg.set(name, value)
    assert cfg.limit_request_head == limit


@pytest.mark.parametrize("text", ["", "[tool.other]\n", "tool = 3\n", "[tool]\ngunicorn = 3\n"])
def test_a_pyproject_without_our_table(tmp_path: Path, text: str) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"has no table \[tool\.gunicorn\]$"):
        files.read_file(str(path))
