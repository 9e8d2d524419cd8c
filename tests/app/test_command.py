"""The command: from a checkout and under a debugger; with applications that load and that do not."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import gunicorn
from tests.support.server import Server, clean_environment
from tests.support.wait import PATIENCE

PACKAGE = Path(gunicorn.__file__).parent

FLASK = """
    from flask import Flask, jsonify, request, session

    app = Flask(__name__)
    app.secret_key = "a secret of the test"

    @app.route("/")
    def index():
        return jsonify({"k": "v"})

    @app.route("/test")
    def test():
        old = session.get("num")
        session["num"] = request.args.get("num")
        return jsonify({"ret": old})
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the package, as in a fresh clone; returns its folder ``gunicorn/app``."""
    shutil.copytree(PACKAGE, tmp_path / "clone" / "gunicorn", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "clone" / "gunicorn" / "app"


def without_checkout(**extra: str) -> dict[str, str]:
    """An environment in which nothing but the script itself makes the package importable."""
    env = clean_environment(extra)
    del env["PYTHONPATH"]
    return env


def answer(server: Server, path: str, *fields: str) -> tuple[object, str]:
    """The JSON of an answer, and the cookie it sets."""
    response = server.get(path, *fields)
    assert response.status == 200
    cookies = [value for name, value in response.headers if name.lower() == "set-cookie"]
    return json.loads(response.body), cookies[0].partition(";")[0] if cookies else ""


@pytest.mark.parametrize("script", ["wsgiapp.py"])
def test_the_main_job_from_a_plain_checkout(
    checkout: Path, script: str, make_server: Callable[..., Server]
) -> None:
    server = Server(checkout, FLASK, command=[sys.executable, script])
    server.env = without_checkout()
    try:
        server.start()
        assert answer(server, "/")[0] == {"k": "v"}
        first, cookie = answer(server, "/test?num=1")
        assert first == {"ret": None}
        assert answer(server, "/test?num=2", f"Cookie: {cookie}")[0] == {"ret": "1"}
        said = [line.partition("] [INFO] ")[2].partition(" (")[0] for line in server.log_lines()]
        assert said[0] == f"Starting gunicorn {gunicorn.__version__}"
        assert said[1].startswith("Build: ")
        assert said[2].startswith("Listening at: http://127.0.0.1:")
        assert said[3] == "Using worker: sync"
        assert said[4].startswith("Control socket listening at ")
        assert said[5].startswith("Booting worker with pid: ")
        assert said[6].startswith("Worker ready")
        assert len(said) == 7
        assert server.stop() == 0
    finally:
        server.kill()


def test_a_debugger_steps_through_the_script(checkout: Path) -> None:
    (checkout / "app.py").write_text("def app(environ, start_response): ...\n")
    commands = "step\nwhere\nquit\n"
    done = subprocess.run(
        [sys.executable, "-m", "pdb", "wsgiapp.py", "app:app"],
        cwd=checkout, env=without_checkout(GUNICORN_CMD_ARGS="--check-config"), input=commands,
        capture_output=True, text=True, timeout=PATIENCE,
    )
    assert "wsgiapp.py(" in done.stdout
    assert "Error" not in done.stderr


def test_a_breakpoint_in_the_package_is_reached(checkout: Path) -> None:
    (checkout / "app.py").write_text("def app(environ, start_response): ...\n")
    loading = checkout.parent / "loading" / "names.py"
    lines = loading.read_text().splitlines()
    body = 1 + next(i for i, line in enumerate(lines) if line.startswith("    name, _, expression ="))
    commands = f"tbreak {loading}:{body}\ncontinue\nargs\nquit\n"
    done = subprocess.run(
        [sys.executable, "-m", "pdb", "wsgiapp.py", "app:app"],
        cwd=checkout, env=without_checkout(GUNICORN_CMD_ARGS="--check-config"), input=commands,
        capture_output=True, text=True, timeout=PATIENCE,
    )
    assert "module = 'app:app'" in done.stdout, done


def test_the_script_has_one_class_of_each_kind(checkout: Path) -> None:
    source = "import sys\nassert sys.modules['gunicorn.app.wsgiapp'].WSGIApplication\ndef app(e, s): ...\n"
    (checkout / "app.py").write_text(source)
    done = subprocess.run(
        [sys.executable, "wsgiapp.py", "--check-config", "app:app"],
        cwd=checkout, env=without_checkout(), capture_output=True, text=True, timeout=PATIENCE,
    )
    assert (done.returncode, done.stderr) == (0, "")


BROKEN = """
    def helper():
        return {}["missing"]

    helper()
"""


class TestFailures:
    """What a worker that cannot load its application makes of the server: exit codes 3 and 4."""

    @pytest.mark.parametrize(
        ("target", "code", "text"),
        [
            ("app:nope", 4, "Failed to find attribute 'nope' in 'app'"),
            ("app:number", 4, "Application object must be callable"),
            ("no_such_module:app", 3, "No module named 'no_such_module' in "),
            ("needy:app", 3, "No module named 'a_library_that_is_not_there'"),
        ],
    )
    def test_exit_codes(self, tmp_path: Path, target: str, code: int, text: str) -> None:
        (tmp_path / "needy.py").write_text("import a_library_that_is_not_there\n")
        server = Server(tmp_path, "number = 3\n", target=target, expect_traceback=True)
        try:
            assert server.spawn().wait() == code
            assert text in server.log()
        finally:
            server.kill()

    def test_the_applications_own_traceback(self, tmp_path: Path) -> None:
        server = Server(tmp_path, BROKEN, expect_traceback=True)
        try:
            assert server.spawn().wait() == 3
            log = server.log()
            assert 'app.py", line 5, in <module>' in log
            assert "KeyError: 'missing'" in log
            assert str(PACKAGE) not in log
        finally:
            server.kill()

    @pytest.mark.parametrize(
        ("target", "lines"),
        [
            ("app:nope", ["Error: Failed to find attribute 'nope' in 'app' "]),
            ("nope", ["Error: No module named 'nope' in "]),
        ],
    )
    def test_check_config_exits_with_1_and_one_line(
        self, tmp_path: Path, target: str, lines: list[str]
    ) -> None:
        server = Server(tmp_path, "number = 3\n", "--check-config", target=target)
        try:
            assert server.spawn().wait() == 1
            assert [
                line[: len(start)] for line, start in zip(server.log_lines(), lines, strict=True)
            ] == lines
        finally:
            server.kill()

    def test_check_config_shows_the_applications_own_traceback(self, tmp_path: Path) -> None:
        server = Server(tmp_path, BROKEN, "--check-config")
        try:
            assert server.spawn().wait() == 1
            assert "KeyError: 'missing'" in server.log()
            assert str(PACKAGE) not in server.log()
            assert server.log_lines()[-1] == "Error: the application failed to load: KeyError"
        finally:
            server.kill()

    def test_a_worker_class_that_is_not_there(self, tmp_path: Path) -> None:
        server = Server(tmp_path, "number = 3\n", "-k", "nope")
        try:
            assert server.spawn().wait() == 1
            assert server.log_lines()[-1].startswith("Error: class uri 'nope' invalid or not found: ")
            server.check_log()
        finally:
            server.kill()


ENVIRONMENT = """
    import os

    def make(name, *, upper=False):
        def app(environ, start_response):
            body = os.environ[name].encode()
            start_response("200 OK", [("Content-Length", str(len(body)))])
            return [body.upper() if upper else body]
        return app
"""


@pytest.mark.parametrize("args", [(), ("--preload",)])
def test_a_factory_with_the_environment_of_the_settings(
    make_server: Callable[..., Server], args: tuple[str, ...]
) -> None:
    target = "app:make('COLOUR', upper=True)"
    server = make_server(ENVIRONMENT, "-e", "COLOUR=green", *args, target=target).start()
    assert server.get("/").body == b"GREEN"
    assert server.stop() == 0


def test_a_setting_without_its_feature_says_so_in_one_line(make_server: Callable[..., Server]) -> None:
    server = make_server(config="ssl_version = 3\n", target="app:app").start()
    notices = [line for line in server.log_lines() if "has no effect yet" in line]
    assert len(notices) == 1
    assert "Setting ssl_version has no effect yet" in notices[0]
    assert server.stop() == 0
