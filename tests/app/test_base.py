"""Embedding: `BaseApplication` and `Application` as programs of third parties use them."""

from __future__ import annotations

import os
import re
import signal
import sys
import textwrap
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gunicorn.app.base import Application, BaseApplication
from gunicorn.errors import ConfigError
from tests.support.server import Server
from tests.support.wait import wait_until

Answer = Any


class Embedded(BaseApplication):
    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.loads = 0
        super().__init__(prog="embedded")

    def load_config(self) -> None:
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        self.loads += 1
        return lambda environ, start_response: []


def test_options_become_settings() -> None:
    app = Embedded({"bind": "127.0.0.1:0", "workers": "2"})
    assert app.cfg.workers == 2
    assert app.cfg.prog == "embedded"
    assert app.cfg.sources["workers"] == "application"


def test_the_application_is_loaded_once() -> None:
    app = Embedded({})
    assert app.wsgi() is app.wsgi()
    assert app.loads == 1


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"workers": -1}, "Error: expected a whole number, 1 or more, or auto"),
        ({"nope": 1}, "Error: No configuration setting for: nope"),
    ],
)
def test_a_wrong_option_ends_the_process_and_shows_the_line(
    options: dict[str, Any], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        Embedded(options)
    assert caught.value.code == 1
    err = capsys.readouterr().err
    assert "self.cfg.set(name, value)" in err
    assert err.splitlines()[-1] == text


class TestReload:
    def test_it_takes_new_values(self) -> None:
        app = Embedded({"workers": 1})
        app.options = {"workers": 2}
        app.reload()
        assert app.cfg.workers == 2

    @pytest.mark.parametrize("options", [{"workers": "x"}, {"nope": 1}, {"tmp_upload_dir": "/not there"}])
    def test_a_wrong_configuration_leaves_the_old_one(self, options: dict[str, Any]) -> None:
        app = Embedded({"workers": 3})
        before = app.cfg
        app.options = options
        with pytest.raises(ConfigError) as caught:
            app.reload()
        assert app.cfg is before
        assert "\n" not in str(caught.value)


class Framework(Application):
    def init(self, parser: ArgumentParser, opts: Namespace, args: list[str]) -> Mapping[str, Any]:
        self.arguments = args
        return {"WORKERS": 3, "timeout": 7, "not_a_setting": 1}

    def load(self) -> Any:
        return None


@pytest.fixture
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))


@pytest.mark.usefixtures("_in_folder")
class TestApplication:
    def test_a_framework_is_weaker_than_file_and_command_line(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "gunicorn.conf.py").write_text("timeout = 8\n")
        monkeypatch.setattr(sys, "argv", ["x", "--keep-alive", "9", "one", "two"])
        app = Framework()
        assert (app.cfg.workers, app.cfg.timeout, app.cfg.keepalive) == (3, 8, 9)
        assert app.arguments == ["one", "two"]
        assert app.cfg.sources["workers"] == "application"

    @pytest.mark.parametrize("bytecode", [False, True], ids=["bytecode", "no bytecode"])
    @pytest.mark.parametrize("name", ["python:conf_for_reload", "conf_for_reload.py"])
    def test_the_file_is_read_again_on_reload(
        self, name: str, bytecode: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Also when the new one is as long as the old one and no second younger: bytecode counts as the same then."""
        monkeypatch.setattr(sys, "argv", ["x", "-c", name])
        monkeypatch.setattr(sys, "dont_write_bytecode", bytecode)
        file = tmp_path / "conf_for_reload.py"

        def write(text: str) -> None:
            file.write_text(text)
            os.utime(file, (1_700_000_000, 1_700_000_000))

        write("keepalive = 100\n")
        app = Framework()
        write("keepalive = 200\n")
        app.reload()
        assert app.cfg.keepalive == 200
        write("keepalive = 'x'\n")
        with pytest.raises(ConfigError, match="keepalive = 'x'"):
            app.reload()
        assert app.cfg.keepalive == 200
        file.unlink()
        with pytest.raises(ConfigError, match="conf_for_reload"):
            app.reload()
        sys.modules.pop("conf_for_reload", None)

    def test_public_loading_methods_return_what_was_read(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "argv", ["x"])
        (tmp_path / "c.py").write_text("keepalive = 5\nother = 1\n")
        app = Framework()
        assert app.get_config_from_filename("c.py")["other"] == 1
        assert app.load_config_from_file("c.py")["keepalive"] == 5
        assert app.cfg.keepalive == 5
        assert app.load_config_from_module_name_or_filename("file:c.py")["other"] == 1
        assert "path" in app.get_config_from_module_name("os")


PROGRAM = """
    import sys
    from gunicorn.app.base import BaseApplication

    class Mine(BaseApplication):
        def load_config(self):
            self.cfg.set("bind", "127.0.0.1:0")

        def load(self):
            def app(environ, start_response):
                start_response("200 OK", [("Content-Length", "8")])
                return [b"embedded"]
            return app

    Mine().run()
"""


def test_a_program_that_embeds_the_server(tmp_path: Path) -> None:
    server = Server(tmp_path, PROGRAM, command=[sys.executable, "app.py"], target=None, bind=None)
    try:
        server.start()
        assert server.get("/").body == b"embedded"
        assert server.stop() == 0
    finally:
        server.kill()


RELATIVE = """
    import os

    def app(environ, start_response):
        body = os.getcwd().encode()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]
"""


def test_relative_paths_survive_a_reload(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "inside.py").write_text(textwrap.dedent(RELATIVE))
    (tmp_path / "conf.py").write_text("workers = 1\n")
    server = Server(tmp_path, "", "--chdir", "inner", "-c", "conf.py", target="inside:app")
    try:
        server.start()
        (tmp_path / "conf.py").write_text("workers = 2\n")
        server.send_signal(signal.SIGHUP)
        server.wait_for_log("Booting worker with pid", count=3)
        wait_until(lambda: len(server.worker_pids()) == 2, what=server.describe)
        assert server.get("/").body == str(tmp_path / "inner").encode()
        assert server.stop() == 0
    finally:
        server.kill()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("access_log_format = '%(h'", r"access_log_format = '%\(h' \(.*gunicorn.conf.py\): at position 0, "),
        ("worker_class = 'app.app'", r"worker_class = 'app.app' \(.*gunicorn.conf.py\): this function is not "),
        ("errorlog = 'no/such/log'", r"errorlog = 'no/such/log' \(.*\): Cannot open a log file: No such file"),
        ("bind = 'unix:gunicorn.conf.py'", "Cannot listen at gunicorn.conf.py: 'gunicorn.conf.py' is not a socket"),
        ("bind = []", "there is nothing to listen on"),
    ],
)
def test_what_would_stop_a_start_does_not_stop_a_server(tmp_path: Path, text: str, line: str) -> None:
    server = Server(tmp_path, bind=None, config="bind = '127.0.0.1:0'\naccesslog = '-'\n")
    try:
        server.start()
        pids = server.worker_pids()
        (tmp_path / "gunicorn.conf.py").write_text(f"bind = '127.0.0.1:0'\naccesslog = '-'\n{text}\n")
        server.send_signal(signal.SIGHUP)
        server.wait_for_log("Reload refused, the running configuration stays: ")
        assert re.search(line, server.log())
        assert server.get("/").body == b"Hello, World!"
        assert server.worker_pids() == pids
        assert server.stop() == 0
    finally:
        server.kill()


def test_a_reload_with_a_wrong_file_leaves_the_server_as_it_is(tmp_path: Path) -> None:
    server = Server(tmp_path, config="workers = 1\n")
    try:
        server.start()
        pids = server.worker_pids()
        (tmp_path / "gunicorn.conf.py").write_text("workers = 'x'\n")
        server.send_signal(signal.SIGHUP)
        server.wait_for_log(r"workers = 'x' \(.*gunicorn.conf.py\): expected a whole number, 1 or more")
        assert server.get("/").body == b"Hello, World!"
        assert server.worker_pids() == pids
        assert server.stop() == 0
    finally:
        server.kill()
