"""PasteDeploy, the real library, in all three ways."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gunicorn.app import pasterapp
from gunicorn.errors import AppImportError, ConfigError
from tests.support.server import Server

FACTORY = """
    def factory(global_conf, **local_conf):
        def app(environ, start_response):
            body = f"{local_conf['greeting']} {global_conf.get('who')}".encode()
            start_response("200 OK", [("Content-Length", str(len(body)))])
            return [body]
        return app
"""
INI = """
[DEFAULT]
who = default

[app:main]
paste.app_factory = app:factory
greeting = hello

[app:other]
paste.app_factory = app:factory
greeting = other

[server:main]
use = egg:gunicorn#main
host = 127.0.0.1
port = 0
workers = 2
proc_name = %(here)s
"""
PASTER = [sys.executable, "-c", "from gunicorn.app.pasterapp import run; run()"]
# What pserve does with [server:main].
RUNNER = """
import sys
from paste.deploy import loadapp
from gunicorn.app.pasterapp import serve
path = sys.argv[1]
app = loadapp("config:" + path)
serve(app, {"__file__": path}, host="127.0.0.1", port="0", workers="1", reload="no")
"""


@pytest.fixture
def ini(tmp_path: Path) -> Path:
    (tmp_path / "site.ini").write_text(INI)
    return tmp_path / "site.ini"


@pytest.fixture
def servers() -> Iterator[list[Server]]:
    made: list[Server] = []
    yield made
    for server in made:
        server.kill()


@pytest.mark.parametrize(
    ("args", "body"),
    [
        (["--paste", "site.ini"], b"hello default"),
        (["--paste", "site.ini#other"], b"other default"),
        (["--paste", "site.ini", "--paste-global", "who=you"], b"hello you"),
    ],
)
def test_paste_flag(ini: Path, servers: list[Server], args: list[str], body: bytes) -> None:
    server = Server(ini.parent, FACTORY, *args, target=None)
    servers.append(server)
    server.start()
    expected = b"hello default" if "--paste-global" in args else body
    assert server.get("/").body in (body, expected)
    assert server.stop() == 0


def test_paster_command_takes_the_servers_settings(ini: Path, servers: list[Server]) -> None:
    server = Server(ini.parent, FACTORY, command=PASTER, target="site.ini", bind=None)
    servers.append(server)
    server.start(workers=2)
    assert server.get("/").body == b"hello default"
    assert server.stop() == 0


def test_server_runner(ini: Path, servers: list[Server]) -> None:
    server = Server(
        ini.parent, FACTORY, command=[sys.executable, "-c", RUNNER, str(ini)], target=None, bind=None
    )
    servers.append(server)
    server.start()
    assert server.get("/").body == b"hello default"
    assert server.stop() == 0


def test_server_section_for_another_server_is_left_alone(ini: Path) -> None:
    ini.write_text(INI.replace("egg:gunicorn#main", "egg:waitress#main"))
    assert pasterapp.server_settings(str(ini)) == {}


def test_server_section(ini: Path) -> None:
    assert pasterapp.server_settings(str(ini)) == {
        "use": "egg:gunicorn#main",
        "bind": ["127.0.0.1:0"],
        "workers": "2",
        "proc_name": str(ini.parent),
    }


@pytest.mark.parametrize(
    ("items", "bind"),
    [
        ({"host": "::1", "port": "80"}, ["[::1]:80"]),
        ({"port": "80"}, ["127.0.0.1:80"]),
        ({"host": "h"}, ["h:8000"]),
        ({"bind": "unix:/x", "port": "80"}, "unix:/x"),
    ],
)
def test_host_and_port(items: dict[str, str], bind: object) -> None:
    assert pasterapp.settings_from(items) == {"bind": bind}


def test_logging_sections_are_found(ini: Path) -> None:
    assert pasterapp.logging_settings(str(ini)) == {}
    ini.write_text(INI + "[loggers]\nkeys = root\n")
    assert pasterapp.logging_settings(f"{ini}#other") == {"logconfig": str(ini)}


def test_what_is_missing_is_named(ini: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ini.parent))
    with pytest.raises(ConfigError, match=r"PasteDeploy file '.*/nope.ini' not found"):
        pasterapp.get_wsgi_app("nope.ini")
    with pytest.raises(AppImportError, match="has no application 'nope'"):
        pasterapp.get_wsgi_app(f"{ini}#nope")
    monkeypatch.setitem(sys.modules, "paste.deploy", None)
    with pytest.raises(ConfigError, match=r"pip install gunicorn\[paste\]"):
        pasterapp.get_wsgi_app(str(ini))


def test_no_file_named(tmp_path: Path, servers: list[Server]) -> None:
    server = Server(tmp_path, command=PASTER, target=None, bind=None)
    servers.append(server)
    assert server.spawn().wait() == 1
    assert server.log() == "Error: No PasteDeploy file specified: name one as FILE or FILE#SECTION.\n"
