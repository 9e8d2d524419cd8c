"""A start that cannot be: one line that says what is wrong, where, and what would be right; the exit status.

Each case is a real process. All of them are in one test a mode, and forked from one that has imported the server.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.lives import lives
from tests.support.server import Server, clean_environment
from tests.support.wait import PATIENCE

SHOP = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]

def create_app(config=None):
    return app

def nothing(): ...
def five(): return 5
def four(a, b, c, d): ...

class Thing: ...
"""

# Arguments, exit status, and the line that says it.
Case = tuple[list[str], int, str]
CASES: list[Case] = [
    # Files and folders.
    (
        ["--error-logfile", "no/e.log"], 1,
        r"Error: errorlog = 'no/e.log' \(command line --error-logfile/--log-file\): .*No such",
    ),
    (["--error-logfile", "folder"], 1, r"Error: errorlog = 'folder' .*: Is a directory$"),
    (
        ["--access-logfile", "folder"], 1,
        r"Error: accesslog = 'folder' \(command line --access-logfile\): .*Is a directory$",
    ),
    (["--error-logfile", "folder", "--capture-output"], 1, r"Error: errorlog = 'folder' .*: Is a directory$"),
    (["-p", "folder"], 1, r"Error: pidfile = 'folder' \(command line -p/--pid\): Is a directory$"),
    (["-p", "no/pid"], 1, r"Error: pidfile = 'no/pid' \(command line -p/--pid\): no doesn't exist"),
    (["-p", "plain/pid"], 1, r"Error: pidfile = 'plain/pid' \(command line -p/--pid\): Not a directory$"),
    (["--log-config", "no"], 1, r"Error: logconfig: 'no' is not a file$"),
    (["--log-config", "plain"], 1, r"Error: logconfig: plain: .*no section headers"),
    (["--log-config", "log.ini"], 1, r"Error: logconfig: log.ini: .*No such file or directory"),
    (["--log-config-json", "no"], 1, r"Error: cannot read the logging configuration 'no': .*No such file"),
    (["--log-config-json", "plain"], 1, r"Error: cannot read the logging configuration 'plain': "),
    (
        ["--chdir", "plain"], 1,
        r"Error: chdir = 'plain' \(command line --chdir\): can't chdir to 'plain': no such folder$",
    ),
    (["-c", "folder"], 1, r"Error: configuration file 'folder' cannot be read: Is a directory$"),
    (["-c", "python:"], 1, r"Error: configuration module: '' is not the name of a module"),
    (["--certfile", "folder"], 1, r"Error: certfile = 'folder': Is a directory$"),
    (
        ["-b", "https://127.0.0.1:0"], 1,
        r"Error: certfile: TLS needs a certificate and its key: set certfile and keyfile$",
    ),
    # Classes.
    (
        ["--logger-class", "shop.Thing"], 1,
        r"Error: logger_class = 'shop.Thing' .*: this class is not derived from gunicorn\.glogging\.Logger$",
    ),
    (["--logger-class", "shop.app"], 1, r"Error: logger_class = 'shop.app' .*: this function is not derived from"),
    (["--logger-class", "shop.Nope"], 1, r"Error: class uri 'shop.Nope' invalid or not found: 'shop' has no 'Nope'$"),
    (
        ["--logger-class", "nowhere.Nope"], 1,
        r"Error: class uri 'nowhere.Nope' invalid or not found: No module named 'nowhere'$",
    ),
    (
        ["-k", "shop.Thing"], 1,
        r"Error: worker_class = 'shop.Thing' \(command line -k/--worker-class\): this class is not derived "
        r"from gunicorn\.workers\.base\.Worker$",
    ),
    (["-k", "shop.app"], 1, r"Error: worker_class = 'shop.app' .*: this function is not derived from"),
    (
        ["-k", "shop.Thong"], 1,
        r"Error: class uri 'shop.Thong' invalid or not found: 'shop' has no 'Thong', did you mean 'Thing'\?$",
    ),
    (["-k", "gthraed"], 1, r"Error: class uri 'gthraed' invalid or not found: did you mean 'gthread'\?$"),
    (["-k", "..."], 1, r"Error: class uri '\.\.\.' invalid or not found: expected a dotted path to a class$"),
    (["-k", ""], 1, r"Error: class uri '' invalid or not found: expected one of sync, "),
    # Formats, numbers, accounts.
    (
        ["--access-logformat", "%(r)s %(h"], 1,
        r"Error: access_log_format = .*: at position 6, '%\(h': expected a field such as %\(h\)s",
    ),
    (["--log-format", "xml"], 1, r"Error: log_format = 'xml' .*--log-format\): expected one of text, json$"),
    (
        ["--access-log-skip", "path=/a", "--access-log-skip", "pth=/b"], 1,
        r"Error: access_log_skip = .*: 'pth' is none of path, status, method, host, agent, remote$",
    ),
    (["--access-log-sample", "1.5"], 1, r"Error: access_log_sample = '1.5' .*: expected a number from 0 to 1$"),
    (
        ["--request-id-header", "X_ID"], 1,
        r"Error: request_id_header = 'X_ID' .*: expected the name of a header field, of letters, digits and dashes$",
    ),
    (["--access-logformat", "%(h)"], 1, r"Error: access_log_format = .*: at position 0, "),
    (["--access-logformat", "%h %l"], 1, r"Error: access_log_format = .*: at position 0, "),
    (
        ["-m", "999"], 1,
        r"Error: umask = '999' \(command line -m/--umask\): expected a file mode such as 0o022, up to 0o777",
    ),
    (
        ["-w", "0"], 1,
        r"Error: workers = '0' \(command line -w/--workers\): expected a whole number, 1 or more, or auto$",
    ),
    (["--backlog", "99999999999"], 1, r"Error: backlog = '99999999999' .*: expected a whole number from 0 to"),
    (["--threads", "99999999999"], 1, r"Error: threads = '99999999999' .*: expected a whole number from 0 to"),
    (["-t", "99999999999999999999"], 1, r"Error: timeout = .*: expected a whole number from 0 to"),
    (["-u", "99999999999"], 1, r"Error: user = '99999999999' .*: expected a name, or a number from 0 to 4294967294$"),
    (["-g", "no such group"], 1, r"Error: group = 'no such group' \(command line -g/--group\): No such group"),
    # Addresses.
    (["-b", "unix:"], 1, r"Error: bind = .*: a unix socket needs a path: write unix:PATH"),
    (["-b", "unix:@"], 1, r"Error: bind = .*: a unix socket needs a path"),
    (
        ["-b", "unix:" + "x" * 200], 1,
        r"Error: bind = .*: the path of a unix socket may have \d+ bytes, this one has 200",
    ),
    (["-b", "unix:folder"], 1, r"\[ERROR\] Cannot listen at folder: 'folder' is not a socket$"),
    (["-b", "unix:plain"], 1, r"\[ERROR\] Cannot listen at plain: 'plain' is not a socket$"),
    (["-b", "unix:no/socket"], 1, r"\[ERROR\] Cannot listen at no/socket: No such file or directory$"),
    (["-b", "127.0.0.1:99999"], 1, r"Error: bind = .*: '99999' is not a valid port number"),
    (["-b", "::1:8000"], 1, r"Error: bind = .*: '::1:8000' can be read in two ways: write \[::1\]:8000, or "),
    (
        ["-b", "a:b:c"], 1,
        r"Error: bind = .*: 'a:b:c' has more than one colon; an IPv6 address is written \[ADDRESS\]:PORT",
    ),
    (["-b", "8163"], 1, r"Error: bind = .*: '8163' is not a host; if it is the port, write 127.0.0.1:8163 or :8163"),
    (["-b", ""], 1, r"Error: bind = .*: one address is empty"),
    (["-b", "ftp://x:80"], 1, r"Error: bind = .*: 'ftp' is not a scheme"),
    # Mounts.
    (
        ["--mount", "api=shop:app"], 1,
        r"Error: mount = \['api=shop:app'\] \(command line --mount\): 'api': a prefix begins with a slash, expected ",
    ),
    (["--mount", "/a=shop:app", "--mount", "/a/=shop:five"], 1, r"Error: mount = .*: '/a' is there twice, for "),
    (
        ["--mount", "/=shop:app"], 1,
        r"Error: mount = \{'/': 'shop:app'\} \(command line --mount\): shop:app stands at / already: expected a prefix",
    ),
    # The command line.
    (["--host", "x"], 2, r"gunicorn: error: unrecognized arguments: --host \(did you mean --bind HOST:PORT\?\)$"),
    (["--port", "8"], 2, r"gunicorn: error: unrecognized arguments: --port \(did you mean --bind HOST:PORT\?\)$"),
    (["--listen=x"], 2, r"gunicorn: error: unrecognized arguments: --listen=x "
     r"\(did you mean --bind HOST:PORT or --backlog\?\)$"),
    (["other:app"], 2, r"gunicorn: error: one application can be served, and 2 are named: other:app shop:app$"),
    (["-workers", "2"], 2, r"gunicorn: error: one application can be served, and 2 are named: 2 shop:app "
     r"\(did you mean --workers\?\)$"),
]

# What only a worker finds: the application, the exit status of a start (1 of a check), the line.
APPLICATIONS: list[tuple[str, int, str]] = [
    ("./apps:app", 3, r"'\./apps' is not the name of a module: apps is there, the module is 'apps'$"),
    ("./shop.py:app", 3, r"'\./shop\.py' is not the name of a module: shop\.py is there, the module is 'shop'$"),
    (
        "../else/shop.py:app", 3,
        r"'\.\./else/shop\.py' is not the name of a module: with --chdir \.\./else the module is 'shop'$",
    ),
    ("shop.py:app", 3, r"No module named 'shop\.py' in .*: shop\.py is a file, the module is 'shop'$"),
    ("a..b:app", 3, r"'a\.\.b' is not the name of a module: write MODULE:VARIABLE$"),
    ("shop:ap", 4, r"Failed to find attribute 'ap' in 'shop' .*, did you mean 'app'\?$"),
    ("shop:xyz", 4, r"Failed to find attribute 'xyz' in 'shop' .*, did you mean 'app'\?$"),
    ("shop:nothing()", 4, r"Failed to find application object 'nothing\(\)' in 'shop': the factory returned None\.$"),
    (
        "shop:five()", 4,
        r"Failed to find application object 'five\(\)' in 'shop': the factory returned int, which is not callable\.$",
    ),
    ("shop:create_app", 4, r"shop:create_app looks like a factory, .*: use 'shop:create_app\(\)'\.$"),
    ("shop:Thing", 4, r"shop:Thing looks like a factory, .*: use 'shop:Thing\(\)'\.$"),
]
# The same of what is mounted beside one.
MOUNTED: list[tuple[str, int, str]] = [
    ("/a=nowhere:app", 3, r"mount /a=nowhere:app: No module named 'nowhere' in "),
    ("/a=shop:ap", 4, r"mount /a=shop:ap: Failed to find attribute 'ap' in 'shop' .*, did you mean 'app'\?$"),
    ("h/a=shop:five()", 4, r"mount h/a=shop:five\(\): Failed to find application object .*, which is not callable\.$"),
    ("/a=shop:create_app", 4, r"mount /a=shop:create_app: it looks like a factory, .*: use 'shop:create_app\(\)'\.$"),
    ("/a=shop:four", 4, r"mount /a=shop:four: it takes neither the arguments of WSGI nor those of ASGI\.$"),
]


AIOHTTP = """
from aiohttp import web

async def hello(request):
    return web.Response(text="ok")

def plain():
    return app

async def made():
    return app

app = web.Application()
app.router.add_get("/", hello)
"""


@pytest.mark.parametrize(
    ("target", "status"), [("site_:app", 0), ("site_:made", 0), ("site_:plain()", 0), ("site_:plain", 1)]
)
def test_applications_of_aiohttp_are_no_factories(folder: Path, target: str, status: int) -> None:
    """They are called by other rules: the application without arguments, and a coroutine function that makes one."""
    pytest.importorskip("aiohttp")
    (folder / "site_.py").write_text(AIOHTTP)
    code, said = ended(folder, ["-k", "gaiohttp", "--check-config", target])
    assert code == status, said
    assert "Traceback" not in said
    (folder / "site_.py").unlink()


def test_an_interface_that_the_worker_type_does_not_know(folder: Path) -> None:
    (folder / "shop.py").write_text("async def app(scope, receive, send): ...\n")
    for mode, status in ((), 4), (("--check-config",), 1):
        code, said = ended(folder, ["-k", "sync", *mode, "shop:app"])
        assert code == status
        assert "which worker_class = sync cannot serve: use -k asgi" in said


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with an application, and with what is not fit for what the cases use it for."""
    home = tmp_path / "home"
    (home / "folder").mkdir(parents=True)
    (home / "apps").mkdir()
    (home / "shop.py").write_text(SHOP)
    (home / "plain").write_text("x\n")
    (home / "log.ini").write_text(
        "[loggers]\nkeys=root\n[handlers]\nkeys=file\n[formatters]\nkeys=\n[logger_root]\nhandlers=file\n"
        "[handler_file]\nclass=FileHandler\nargs=('no/such/file',)\n"
    )
    yield home
    assert (home / "plain").read_text() == "x\n"
    left = {path.name for path in home.iterdir()} - {"__pycache__"}
    assert left == {"folder", "apps", "shop.py", "plain", "log.ini"}


def ended(folder: Path, args: list[str], **env: str) -> tuple[int, str]:
    """Exit status and output of a command that ends by itself."""
    done = subprocess.run(
        [sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0", *args],
        cwd=folder, env=clean_environment(env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=PATIENCE,
    )
    return done.returncode, done.stdout


def failures(
    folder: Path, cases: list[tuple[list[str], int, str]], problem: Callable[[str, str], bool]
) -> list[object]:
    """What the cases that are not as they should be have said instead."""
    found = lives(folder, [["--bind", "127.0.0.1:0", *args] for args, _, _ in cases])
    return [
        (args, code, said)
        for (args, wanted, line), (code, said) in zip(cases, found, strict=True)
        if code != wanted or "Traceback" in said or problem(line, said)
    ]


def is_not_the_only_line(line: str, said: str) -> bool:
    lines = [one for one in said.splitlines() if "[INFO]" not in one]
    return len(lines) != 1 or not re.search(line, lines[0])


def test_a_start_says_in_one_line_what_is_wrong(folder: Path) -> None:
    cases = [([*args, "shop:app"], status, line) for args, status, line in CASES]
    assert failures(folder, cases, is_not_the_only_line) == []


def test_a_check_says_the_same(folder: Path) -> None:
    cases = [(["--check-config", *args, "shop:app"], status, line) for args, status, line in CASES]
    assert failures(folder, cases, is_not_the_only_line) == []


def test_an_application_that_cannot_be_had(folder: Path) -> None:
    def is_not_said(line: str, said: str) -> bool:
        return not any(re.search(line, one) for one in said.splitlines())

    named = [*(([target], *rest) for target, *rest in APPLICATIONS)]
    named += [(["--mount", mount, "shop:app"], *rest) for mount, *rest in MOUNTED]
    starts = [(args, status, f"^{line}") for args, status, line in named]
    checks = [(["--check-config", *args], 1, f"^Error: {line}") for args, _, line in named]
    assert failures(folder, starts, is_not_said) == []
    assert failures(folder, checks, is_not_the_only_line) == []


class TestCheck:
    """What a check leaves alone, and what it does not mind."""

    def test_it_leaves_no_trace(self, folder: Path) -> None:
        args = [
            "--error-logfile", "e.log", "--access-logfile", "a.log", "--capture-output", "-p", "pid",
            "-b", "unix:socket", "--preload", "-k", "gthread", "--log-syslog", "--check-config", "shop:app",
        ]
        assert ended(folder, args) == (0, "")

    def test_a_server_may_be_running(self, tmp_path: Path) -> None:
        args = ("--error-logfile", "-", "-p", "pid", "-b", "unix:socket")
        server = Server(tmp_path, "", *args, target="shop:app")
        (tmp_path / "shop.py").write_text(SHOP)
        try:
            server.start()
            port = str(server.address[1])
            assert ended(tmp_path, [*args, "-b", f"127.0.0.1:{port}", "--check-config", "shop:app"]) == (0, "")
            assert (tmp_path / "pid").read_text() == f"{server.pid}\n"
            assert (tmp_path / "socket").is_socket()
            assert server.stop() == 0
        finally:
            server.kill()

    @pytest.mark.parametrize(("flag", "name"), [("-u", "user"), ("-g", "group")])
    @pytest.mark.parametrize(("mode", "number"), [("start", "12345"), ("check", "12345"), ("check", "0")])
    def test_rights_that_are_not_there(self, folder: Path, flag: str, name: str, mode: str, number: str) -> None:
        """Refused by the system as if it were not root that starts the server, whoever runs the tests."""
        program = (
            "import errno, os\n"
            "os.geteuid = os.getegid = lambda: 4321\n"
            "def refuse(*args): raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))\n"
            "os.setuid = os.setgid = os.setgroups = os.initgroups = refuse\n"
            "from gunicorn.app.wsgiapp import run; run('gunicorn')"
        )
        args = ["--bind", "127.0.0.1:0", flag, number, *(["--check-config"] if mode == "check" else []), "shop:app"]
        done = subprocess.run(
            [sys.executable, "-c", program, *args], cwd=folder, env=clean_environment(), capture_output=True, text=True,
            timeout=PATIENCE,
        )
        # Of root's own number the system is not asked.
        reason = r" \(Operation not permitted\)" if number != "0" else ""
        line = rf"{name} = {number} \(command line {flag}/--{name}\): only root can change it{reason}$"
        assert re.search(line, done.stderr, re.MULTILINE), done
        assert "Traceback" not in done.stderr
        assert done.returncode == (3 if mode == "start" else 1)

    def test_a_worker_type_whose_library_is_not_there(self, folder: Path) -> None:
        # Nor what it needs itself.
        absent = ("aiohttp", "eventlet", "gevent", "greenlet", "tornado")
        code = f"import sys; sys.modules |= dict.fromkeys({absent})\nfrom gunicorn.app.wsgiapp import run; run()"
        kinds = {"eventlet": "eventlet", "gevent": "gevent", "tornado": "tornado", "gaiohttp": "aiohttp"}
        for kind, package in kinds.items():
            for mode in ([], ["--check-config"]) if kind == "gevent" else ([],):
                done = subprocess.run(
                    [sys.executable, "-c", code, "-b", "127.0.0.1:0", "-k", kind, *mode, "shop:app"],
                    cwd=folder, env=clean_environment(), capture_output=True, text=True, timeout=PATIENCE,
                )
                assert done.returncode == 1
                assert done.stderr == f"Error: the {kind} worker needs {package}: pip install gunicorn[{kind}]\n"

    @pytest.mark.parametrize("mode", [[], ["--preload"], ["--check-config"]])
    def test_a_library_of_the_application_that_is_not_there(self, folder: Path, mode: list[str]) -> None:
        """It is mostly there for another Python: which one this is stands behind the traceback."""
        (folder / "needy.py").write_text("import nowhere_to_be_found.inside\n")
        code, said = ended(folder, ["-b", "127.0.0.1:0", *mode, "needy:app"])
        (folder / "needy.py").unlink()
        assert code == (1 if mode else 3)
        where = f"No module named 'nowhere_to_be_found'\n'nowhere_to_be_found' is not installed for {sys.executable}\n"
        assert where in said

    def test_a_port_for_the_few(self, folder: Path) -> None:
        """Refused by the system as if it were anybody who starts the server, whoever runs the tests."""
        code = (
            "import errno, os, socket\n"
            "def refuse(*args): raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))\n"
            "socket.socket.bind = refuse\n"
            "from gunicorn.app.wsgiapp import run; run()"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, "-b", "127.0.0.1:80", "--no-control-socket", "shop:app"], cwd=folder,
            env=clean_environment(), capture_output=True, text=True, timeout=PATIENCE,
        )
        assert done.returncode == 1
        remedy = " (a port below 1024 takes root, CAP_NET_BIND_SERVICE or a socket of systemd)"
        assert done.stderr.endswith(f"Cannot listen at ('127.0.0.1', 80): Permission denied{remedy}\n")


class TestVariables:
    def test_one_line_about_all_that_mean_nothing(self, folder: Path) -> None:
        code, said = ended(
            folder, ["--check-config", "shop:app"], GUNICORN_WROKERS="3", GUNICORN_PORT="80", GUNICORN_XYZZY="1",
            GUNICORN_PURE=os.environ.get("GUNICORN_PURE", ""), GUNICORN_SERVICE_HOST="10.0.0.1",
            GUNICORN_WEB_PORT="tcp://10.0.0.1:80", GUNICORN_PORT_80_TCP_ADDR="10.0.0.1",
        )
        assert code == 0
        (line,) = said.splitlines()
        assert line.startswith("Warning: no setting belongs to the environment variables ")
        assert "GUNICORN_WROKERS (did you mean GUNICORN_WORKERS?)" in line
        assert "GUNICORN_PORT (did you mean GUNICORN_BIND?)" in line
        assert "GUNICORN_XYZZY" in line
        assert "PURE" not in line
        assert "SERVICE" not in line
        assert "TCP" not in line
        assert "WEB" not in line

    @pytest.mark.parametrize("name", ["GUNICORN_WORKERS", "WEB_CONCURRENCY"])
    def test_no_workers(self, folder: Path, name: str) -> None:
        code, said = ended(folder, ["shop:app"], **{name: "0"})
        assert code == 1
        source = f"environment variable {name}"
        assert said == f"Error: workers = '0' ({source}): expected a whole number, 1 or more, or auto\n"


def test_a_flag_whose_value_may_be_left_out_does_not_take_the_application(folder: Path) -> None:
    for flag in ("--proxy-protocol", "--proxy-pro"):
        code, said = ended(folder, ["--print-config", flag, "shop:app"])
        assert code == 0
        assert re.search(r"^proxy_protocol +=? *= auto ", said, re.MULTILINE), said
    code, said = ended(folder, ["--check-config", "--proxy-protocol", "v3", "shop:app"])
    assert (code, said) == (2, "gunicorn: error: one application can be served, and 2 are named: v3 shop:app\n")


def test_help_marks_what_has_no_effect_yet(folder: Path) -> None:
    code, said = ended(folder, ["--help"], COLUMNS="200")
    assert code == 0
    by_flag = {line.split()[0]: line for line in said.splitlines() if line.startswith("  --")}
    assert "(no effect yet)" in " ".join(said.split())
    assert "(no effect yet)" not in by_flag["--reuse-port"]
