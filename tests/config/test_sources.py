"""The command as a person uses it: which source wins, and what is said when one of them is wrong."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.server import clean_environment
from tests.support.wait import PATIENCE

APP = "def application(environ, start_response): ...\n"


class Command:
    """Runs ``gunicorn`` in a folder that has an application, until it exits."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "app.py").write_text(APP)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def __call__(self, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "gunicorn", *args],
            cwd=self.folder, env=clean_environment(env), capture_output=True, text=True, timeout=PATIENCE,
        )

    def value_of(self, name: str, *args: str, **env: str) -> tuple[str, str]:
        """The value and the source of a setting, as --print-config shows them."""
        done = self("--print-config", "app", *args, **env)
        assert done.returncode == 0, done.stderr
        found = re.search(rf"^{name} += (.*)  # (.*)$", done.stdout, re.MULTILINE)
        assert found, done.stdout
        return found[1], found[2]

    def refusal(self, *args: str, **env: str) -> str:
        """The one line in which a wrong configuration is refused."""
        done = self("--check-config", *args, "app", **env)
        assert done.returncode == 1, done
        assert done.stdout == ""
        assert done.stderr.count("\n") == 1, done.stderr
        assert done.stderr.startswith("Error: ")
        return done.stderr[len("Error: ") : -1]


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


def test_every_source_is_stronger_than_the_one_before(command: Command) -> None:
    env: dict[str, str] = {}
    args: list[str] = []

    def workers() -> tuple[str, str]:
        return command.value_of("workers", *args, **env)

    assert workers() == ("1", "default")
    env["WEB_CONCURRENCY"] = "2"
    assert workers() == ("2", "environment variable WEB_CONCURRENCY")
    command.write("gunicorn.conf.py", "workers = 3\n")
    assert workers() == ("3", f"{command.folder}/gunicorn.conf.py")
    env["GUNICORN_WORKERS"] = "4"
    assert workers() == ("4", "environment variable GUNICORN_WORKERS")
    env["GUNICORN_CMD_ARGS"] = "--workers 5"
    assert workers() == ("5", "GUNICORN_CMD_ARGS -w/--workers")
    args += ["-w", "6"]
    assert workers() == ("6", "command line -w/--workers")


@pytest.mark.parametrize(
    ("variable", "text", "name", "shown"),
    [
        ("GUNICORN_BIND", "127.0.0.1:1,[::1]:2 unix:/x", "bind", "['127.0.0.1:1', '[::1]:2', 'unix:/x']"),
        ("GUNICORN_RELOAD", "yes", "reload", "True"),
        ("GUNICORN_PRELOAD_APP", "0", "preload_app", "False"),
        ("GUNICORN_BUFFER_REQUEST_BODY", "off", "buffer_request_body", "False"),
        ("GUNICORN_UMASK", "022", "umask", "18"),
        ("GUNICORN_TIMEOUT", "7", "timeout", "7"),
        ("GUNICORN_RAW_ENV", "A=1 'B=x y'", "raw_env", "['A=1', 'B=x y']"),
        ("GUNICORN_SECURE_SCHEME_HEADERS", '{"X-S": "1"}', "secure_scheme_headers", "{'X-S': '1'}"),
        ("GUNICORN_ON_EXIT", "app:hook", "on_exit", "<hook()>"),
        ("GUNICORN_FORWARDED_ALLOW_IPS", "*", "forwarded_allow_ips", "['*']"),
        ("GUNICORN_ACCESS_LOG_FORMAT", "%(h)s %(s)s", "access_log_format", "%(h)s %(s)s"),
        ("GUNICORN_WORKERS", "", "workers", "1"),
    ],
)
def test_environment_variables(command: Command, variable: str, text: str, name: str, shown: str) -> None:
    command.write("app.py", APP + "def hook(server): ...\n")
    value, source = command.value_of(name, **{variable: text})
    assert value == shown
    assert source == (f"environment variable {variable}" if text else "default")


@pytest.mark.parametrize(
    "variable", ["GUNICORN_FD", "GUNICORN_PID", "GUNICORN_PURE", "GUNICORN_SERVICE_HOST", "gunicorn_workers"]
)
def test_other_variables_are_no_settings(command: Command, variable: str) -> None:
    done = command("--check-config", "app", **{variable: "x"})
    assert (done.returncode, done.stderr) == (0, "")


class TestFiles:
    @pytest.mark.parametrize("location", ["conf.py", "./conf.py", "file:conf.py", "python:conf"])
    def test_python_by_path_and_by_name(self, command: Command, location: str) -> None:
        command.write("conf.py", "workers = 3\n")
        assert command.value_of("workers", "-c", location)[0] == "3"

    def test_a_python_file_may_have_any_name_and_is_a_module(self, command: Command) -> None:
        text = (
            "import sys\nassert __name__ == '__config__'\n"
            "assert sys.modules[__name__].__dict__ is globals()\n"
            "assert __file__.endswith('/settings')\nimport app\nworkers = 3\n"
        )
        command.write("settings", text)
        assert command.value_of("workers", "-c", "settings") == ("3", "settings")

    def test_the_path_may_come_from_the_environment(self, command: Command) -> None:
        command.write("conf.py", "workers = 3\n")
        assert command.value_of("workers", GUNICORN_CONFIG="conf.py")[0] == "3"
        assert command.value_of("workers", GUNICORN_CMD_ARGS="-c conf.py")[0] == "3"

    def test_toml_is_found_by_itself_when_there_is_no_python(self, command: Command) -> None:
        command.write("gunicorn.toml", "workers = 3\n")
        assert command.value_of("workers") == ("3", f"{command.folder}/gunicorn.toml")
        command.write("gunicorn.conf.py", "timeout = 3\n")
        assert command.value_of("workers") == ("1", "default")

    def test_toml_values_and_hooks(self, command: Command) -> None:
        command.write("app.py", APP + "def hook(server): ...\n")
        toml = 'bind = ["a:1", "b:2"]\nworker-class = "gthread"\numask = "022"\nwhen_ready = "app:hook"\n'
        command.write("x.toml", toml + "[secure_scheme_headers]\nX-S = '1'\n")
        shown = {
            name: command.value_of(name, "-c", "x.toml")[0]
            for name in ("bind", "worker_class", "umask", "when_ready", "secure_scheme_headers")
        }
        assert shown == {
            "bind": "['a:1', 'b:2']", "worker_class": "gthread", "umask": "18", "when_ready": "<hook()>",
            "secure_scheme_headers": "{'X-S': '1'}",
        }

    def test_pyproject_only_when_named(self, command: Command) -> None:
        command.write("pyproject.toml", "[tool.gunicorn]\nworkers = 3\n")
        assert command.value_of("workers")[0] == "1"
        assert command.value_of("workers", "-c", "pyproject.toml")[0] == "3"

    def test_the_application_in_the_file(self, command: Command) -> None:
        command.write("gunicorn.conf.py", "wsgi_app = 'app'\n")
        assert command("--check-config").returncode == 0

    def test_arguments_of_the_application_are_found_through_chdir(self, command: Command) -> None:
        (command.folder / "inner").mkdir()
        command.write("inner/there.py", APP)
        assert command("--check-config", "--chdir", "inner", "there").returncode == 0
        assert command("--check-config", "there").returncode == 1
        assert command("--check-config", "--pythonpath", "/nowhere, inner", "there").returncode == 0


class TestWarnings:
    @pytest.mark.parametrize(
        ("line", "name", "meant"),
        [
            ("worker = 3", "worker", "workers"),
            ("keep_alive = 3", "keep_alive", "keepalive"),
            ("log_level = 'info'", "log_level", "loglevel"),
            ("acces_log = '-'", "acces_log", "accesslog"),
            ("preload = True", "preload", "preload_app"),
            ("error_logfile = '-'", "error_logfile", "errorlog"),
            ("def post_forks(s, w): ...", "post_forks", "post_fork"),
        ],
    )
    def test_a_name_that_is_nearly_a_setting(
        self, command: Command, line: str, name: str, meant: str
    ) -> None:
        command.write("gunicorn.conf.py", line + "\n")
        done = command("--check-config", "app")
        assert done.returncode == 0
        place = f"{command.folder}/gunicorn.conf.py"
        assert done.stderr == f"Warning: {place}: '{name}' is not a setting, did you mean '{meant}'?\n"

    def test_names_of_ones_own_are_nobodys_business(self, command: Command) -> None:
        text = (
            "import os\nimport logging as loggings\nfrom os.path import join as binds\n"
            "name = env = port = host = 1\n_worker = 1\n"
            "WORKER = 1\nclass Workerz: ...\ncores = os.cpu_count()\nworkers = 2\n"
        )
        command.write("gunicorn.conf.py", text)
        assert command("--check-config", "app").stderr == ""

    @pytest.mark.parametrize(
        ("line", "name", "why"),
        [
            ("max_worker_memory = 200  # MB", "max_worker_memory", "no worker fits into so few bytes"),
            ("max_worker_memory_hard = 0.5", "max_worker_memory_hard", "no worker fits into so few bytes"),
            ("log_format = '[%(levelname)s] %(message)s'", "log_format", "it is text or json, and no template"),
            ("log_format = '{asctime} {message}'", "log_format", "it is text or json, and no template"),
            ("def static(path): ...", "static", "it is no function, class or module"),
            ("from gc import freeze as gc_freeze", "gc_freeze", "it is no function, class or module"),
            ("import os as mount", "mount", "it is no function, class or module"),
        ],
    )
    def test_names_of_ones_own_that_are_settings_since(
        self, command: Command, line: str, name: str, why: str
    ) -> None:
        command.write("gunicorn.conf.py", line + "\n")
        done = command("--check-config", "app")
        assert done.returncode == 0
        place = f"Warning: {command.folder}/gunicorn.conf.py"
        assert done.stderr.startswith(f"{place}: '{name}' is passed over as a name of your own: as a setting, {why}")
        assert done.stderr.count("\n") == 1

    def test_such_names_may_be_meant(self, command: Command) -> None:
        command.write("gunicorn.conf.py", "max_worker_memory = 2 ** 30\nlog_format = 'json'\n")
        done = command("--print-config", "app")
        assert done.stderr == ""
        assert re.search(r"max_worker_memory += 1073741824 ", done.stdout)
        assert re.search(r"\nlog_format += json ", done.stdout)

    def test_a_template_in_the_environment(self, command: Command) -> None:
        done = command("--check-config", "app", GUNICORN_LOG_FORMAT='%(h)s "%(r)s"')
        assert done.returncode == 0
        assert "GUNICORN_LOG_FORMAT (did you mean GUNICORN_ACCESS_LOG_FORMAT?)" in done.stderr

    def test_so_little_memory_is_refused_elsewhere(self, command: Command) -> None:
        done = command("--check-config", "--max-worker-memory", "200", "app")
        assert done.returncode == 1
        assert "expected a number of bytes such as 300M, no process has so few as 200" in done.stderr

    def test_toml_has_no_names_of_its_own(self, command: Command) -> None:
        command.write("gunicorn.toml", "flavour = 1\n")
        assert command("--check-config", "app").stderr.endswith("gunicorn.toml: 'flavour' is not a setting.\n")


    def test_names_of_other_servers(self, command: Command) -> None:
        command.write("gunicorn.toml", "harakiri = 30\n'alpn-protocols' = ['h2']\nmaster = true\n")
        done = command("--check-config", "app", UVICORN_HOST="::")
        assert done.returncode == 0
        place = f"Warning: {command.folder}/gunicorn.toml"
        assert done.stderr.splitlines() == [
            f"{place}: 'harakiri' is not a setting, known to uWSGI: here it is request_timeout",
            f"{place}: 'alpn_protocols' is not a setting, known to hypercorn: here it is http_protocols",
            f"{place}: 'master' is not a setting, known to uWSGI: there is always a master",
            "Warning: environment variable UVICORN_HOST has no effect, known to uvicorn: here it is bind = 'HOST:PORT'",
        ]

    def test_names_of_other_servers_in_a_python_file_are_told_by_a_check(self, command: Command) -> None:
        command.write("gunicorn.conf.py", "timeout_keep_alive = 5\napp_name = module = 'x'\n")
        place = f"Warning: {command.folder}/gunicorn.conf.py"
        assert command("--check-config", "app").stderr == (
            f"{place}: 'timeout_keep_alive' is not a setting, known to uvicorn: here it is keepalive\n"
        )
        assert command("--print-config", "app").stderr == ""


class TestRefusals:
    def test_python_file(self, command: Command) -> None:
        command.write("conf.py", "workers = 'many'\n")
        assert (
            command.refusal("-c", "conf.py")
            == "workers = 'many' (conf.py): expected a whole number, 1 or more, or auto"
        )

    def test_toml_file(self, command: Command) -> None:
        command.write("x.toml", "timeout = 1.5\n")
        line = command.refusal("-c", "x.toml")
        assert line == "timeout = 1.5 (x.toml): expected a whole number, 0 or more, not float"

    def test_variable(self, command: Command) -> None:
        line = command.refusal(GUNICORN_RELOAD="perhaps")
        assert line.startswith(
            "reload = 'perhaps' (environment variable GUNICORN_RELOAD): expected true or false"
        )

    def test_variable_of_arguments(self, command: Command) -> None:
        line = command.refusal(GUNICORN_CMD_ARGS="--workers x")
        assert line == "workers = 'x' (GUNICORN_CMD_ARGS -w/--workers): expected a whole number, 1 or more, or auto"
        assert command.refusal(GUNICORN_CMD_ARGS="'a").startswith("environment variable GUNICORN_CMD_ARGS: ")

    @pytest.mark.parametrize(
        ("args", "line"),
        [
            (["-w", "x"], "workers = 'x' (command line -w/--workers): expected a whole number, 1 or more, or auto"),
            (["-w", "-1"], "workers = '-1' (command line -w/--workers): expected a whole number, 1 or more, or auto"),
            (["-m", "rw"], "umask = 'rw' (command line -m/--umask): expected a file mode such as 0o022"),
            (["-u", "no such"], "user = 'no such' (command line -u/--user): No such user: 'no such'"),
            (
                ["--log-level", "loud"],
                "loglevel = 'loud' (command line --log-level): "
                "expected one of debug, info, warning, error, critical",
            ),
            (
                ["-b", "h:x"],
                "bind = ['h:x'] (command line -b/--bind): 'x' is not a valid port number. "
                "Expected HOST:PORT, [IPV6]:PORT, unix:PATH or fd://N",
            ),
        ],
    )
    def test_command_line(self, command: Command, args: list[str], line: str) -> None:
        assert command.refusal(*args) == line

    @pytest.mark.parametrize("location", ["nope.py", "file:nope.py", "nope.toml"])
    def test_a_file_that_is_not_there(self, command: Command, location: str) -> None:
        line = command.refusal("-c", location)
        assert (
            line == f"configuration file '{location.removeprefix('file:')}' doesn't exist in {command.folder}"
        )

    def test_a_module_that_is_not_there(self, command: Command) -> None:
        assert command.refusal("-c", "python:nope") == "configuration module: no module named 'nope'"

    def test_bad_toml(self, command: Command) -> None:
        command.write("x.toml", "workers = = 3\n")
        assert command.refusal("-c", "x.toml").startswith("configuration file 'x.toml' is not valid TOML: ")
        command.write("pyproject.toml", "[tool.other]\n")
        line = command.refusal("-c", "pyproject.toml")
        assert line == "configuration file 'pyproject.toml' has no table [tool.gunicorn]"

    @pytest.mark.parametrize("text", ["[uwsgi]\nmodule = x\n", "\n; of uWSGI\n# too\n  [app:main]\r\nuse = egg:x\r\n"])
    def test_an_ini_file(self, command: Command, text: str) -> None:
        command.write("shop.ini", text)
        assert command.refusal("-c", "shop.ini") == (
            "configuration file 'shop.ini' is an INI file, and settings are read from Python or TOML: "
            "gunicorn.conf.py, gunicorn.toml"
        )

    def test_a_hook_with_the_wrong_parameters(self, command: Command) -> None:
        command.write("conf.py", "def on_starting(a, b): ...\n")
        line = command.refusal("-c", "conf.py")
        assert line.endswith("(conf.py): expected a function with 1 positional parameters, it has 2")

    @pytest.mark.parametrize(("text", "kind"), [("x = (\n", "SyntaxError"), ("\n1/0\n", "ZeroDivisionError")])
    def test_code_that_fails_is_shown_with_its_own_traceback(
        self, command: Command, text: str, kind: str
    ) -> None:
        command.write("conf.py", text)
        done = command("-c", "conf.py", "app")
        assert done.returncode == 1
        assert "conf.py" in done.stderr
        assert kind in done.stderr
        assert os.sep + "gunicorn" + os.sep + "app" not in done.stderr
        assert done.stderr.splitlines()[-1].startswith(
            f"Error: configuration file 'conf.py' failed: {kind}: "
        )


class TestArguments:
    def test_an_unknown_flag_exits_with_2_and_a_hint(self, command: Command) -> None:
        done = command("--wokers", "3", "app")
        assert done.returncode == 2
        assert done.stderr == "gunicorn: error: unrecognized arguments: --wokers (did you mean --workers?)\n"

    def test_a_missing_value_exits_with_2(self, command: Command) -> None:
        done = command("app", "-w")
        assert (done.returncode, done.stderr) == (
            2,
            "gunicorn: error: argument -w/--workers: expected one argument\n",
        )

    def test_no_application(self, command: Command) -> None:
        done = command()
        assert done.returncode == 1
        assert done.stderr.startswith("Error: No application module specified")

    @pytest.mark.parametrize("flag", ["-v", "--version"])
    def test_version_names_the_build(self, command: Command, flag: str) -> None:
        done = command(flag)
        assert done.returncode == 0
        assert re.fullmatch(r"gunicorn \(version 28\.0\.0\) (interpreted|compiled)\n", done.stdout)

    def test_flags_may_be_shortened_and_joined(self, command: Command) -> None:
        assert command.value_of("max_requests_jitter", "--max-requests-j=3")[0] == "3"
        assert command.value_of("workers", "-w4")[0] == "4"

    def test_a_flag_with_an_optional_value(self, command: Command) -> None:
        assert command.value_of("proxy_protocol", "--proxy-protocol")[0] == "auto"
        assert command.value_of("proxy_protocol", "--proxy-protocol=v2")[0] == "v2"
