"""Django, the real one: a project served by ``gunicorn_django`` and by ``manage.py run_gunicorn``."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gunicorn.app.djangoapp import settings_module_in
from gunicorn.errors import ConfigError
from tests.support.server import Server
from tests.support.wait import PATIENCE

COMMAND = [sys.executable, "-c", "from gunicorn.app.djangoapp import run; run()"]

URLS = """
from django.http import HttpResponse
from django.urls import path

urlpatterns = [path("", lambda request: HttpResponse("from django"))]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project as ``django-admin startproject`` makes it, with gunicorn among its applications."""
    arguments = [sys.executable, "-m", "django", "startproject", "site1", str(tmp_path)]
    subprocess.run(arguments, check=True, timeout=PATIENCE)
    settings = tmp_path / "site1" / "settings.py"
    text = settings.read_text().replace("INSTALLED_APPS = [", "INSTALLED_APPS = [\n    'gunicorn',", 1)
    settings.write_text(text.replace("ALLOWED_HOSTS = []", "ALLOWED_HOSTS = ['*']"))
    (tmp_path / "site1" / "urls.py").write_text(URLS)
    return tmp_path


@pytest.fixture
def servers() -> Iterator[list[Server]]:
    made: list[Server] = []
    yield made
    for server in made:
        server.kill()


@pytest.mark.parametrize(
    ("args", "target"),
    [
        ([], None),
        ([], "site1.settings"),
        ([], "site1"),
        ([], "manage.py"),
        (["--settings", "site1.settings"], None),
    ],
)
def test_gunicorn_django(project: Path, servers: list[Server], args: list[str], target: str | None) -> None:
    server = Server(project, "", *args, command=COMMAND, target=target)
    servers.append(server)
    server.start()
    assert server.get("/").body == b"from django"
    assert server.stop() == 0


def test_run_gunicorn(project: Path, servers: list[Server]) -> None:
    command = [sys.executable, "manage.py", "run_gunicorn", "127.0.0.1:0", "--workers", "2"]
    server = Server(project, "", command=command, target=None, bind=None)
    servers.append(server)
    server.start(workers=2)
    assert server.get("/").body == b"from django"
    assert server.stop() == 0


def test_run_gunicorn_refuses_as_the_command_does(project: Path, servers: list[Server]) -> None:
    command = [sys.executable, "manage.py", "run_gunicorn", "-w", "x"]
    server = Server(project, "", command=command, target=None, bind=None)
    servers.append(server)
    assert server.spawn().wait() == 1
    said = "Error: workers = 'x' (manage.py run_gunicorn -w/--workers): expected a whole number, 1 or more, or auto\n"
    assert server.log() == said


class TestFindingTheSettings:
    def test_folder_with_manage_py(self, tmp_path: Path) -> None:
        (tmp_path / "shop").mkdir()
        (tmp_path / "shop" / "settings.py").touch()
        assert settings_module_in(str(tmp_path)) == ("shop.settings", str(tmp_path))

    def test_settings_package(self, tmp_path: Path) -> None:
        (tmp_path / "shop" / "settings").mkdir(parents=True)
        (tmp_path / "shop" / "settings" / "__init__.py").touch()
        assert settings_module_in(str(tmp_path)) == ("shop.settings", str(tmp_path))

    def test_the_package_itself(self, tmp_path: Path) -> None:
        (tmp_path / "shop").mkdir()
        (tmp_path / "shop" / "__init__.py").touch()
        (tmp_path / "shop" / "settings.py").touch()
        assert settings_module_in(str(tmp_path / "shop")) == ("shop.settings", str(tmp_path))

    def test_bare_folder(self, tmp_path: Path) -> None:
        (tmp_path / "settings.py").touch()
        assert settings_module_in(str(tmp_path)) == ("settings", str(tmp_path))

    def test_none_and_several(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="found none"):
            settings_module_in(str(tmp_path))
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "settings.py").touch()
        with pytest.raises(ConfigError, match="found several: a, b"):
            settings_module_in(str(tmp_path))
