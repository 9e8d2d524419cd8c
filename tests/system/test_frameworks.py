"""Real applications with real clients: Flask with sessions, Django with its admin, validated WSGI."""

from __future__ import annotations

import hashlib
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
import requests

from tests.conftest import Serve
from tests.support.server import REPOSITORY, Server, clean_environment
from tests.support.wait import PATIENCE
from tests.support.wire import Wire

FLASK_EXAMPLE = (REPOSITORY / "examples" / "flask" / "app.py").read_text()


def counts_in_session(url: str) -> None:
    with requests.Session() as client:
        assert client.get(f"{url}/", timeout=PATIENCE).json() == {"k": "v"}
        assert [client.get(f"{url}/test", timeout=PATIENCE).json()["ret"] for _ in range(4)] == [0, 1, 2, 3]
    assert requests.get(f"{url}/test", timeout=PATIENCE).json()["ret"] == 0, "a session leaked to another client"


def test_flask_sessions(serve: Serve) -> None:
    counts_in_session(serve(FLASK_EXAMPLE, "--workers", "2", workers=2).url)


def test_the_main_job(make_server: Serve) -> None:
    """From a plain checkout, in the folder of wsgiapp.py with app.py beside it: python wsgiapp.py app:app"""
    server = make_server(
        FLASK_EXAMPLE, command=[sys.executable, str(REPOSITORY / "gunicorn" / "app" / "wsgiapp.py")]
    )
    server.env.pop("PYTHONPATH")
    # A copy of the package, so that nothing is written into the checkout.
    tree = server.folder / "checkout"
    shutil.copytree(REPOSITORY / "gunicorn", tree / "gunicorn", ignore=shutil.ignore_patterns("__pycache__"))
    folder = tree / "gunicorn" / "app"
    (folder / "app.py").write_text(FLASK_EXAMPLE)
    server.args[1] = "wsgiapp.py"
    server.folder = folder
    server.start()
    counts_in_session(server.url)
    lines = server.log_lines()
    stamp = r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}\] \[%s\] \[INFO\] "
    assert len(lines) == 7, server.log()
    for line, pid, text in zip(
        lines,
        [server.pid] * 5 + server.worker_pids() * 2,
        [
            r"Starting gunicorn \d+\.\d+\.\d+",
            r"Build: (compiled|interpreted \(.+\))",
            rf"Listening at: http://127\.0\.0\.1:{server.port} \({server.pid}\)",
            "Using worker: sync",
            r"Control socket listening at \S+/gunicorn\.ctl",
            rf"Booting worker with pid: {server.worker_pids()[0]}",
            rf"Worker ready \(pid: {server.worker_pids()[0]}\) after \d+\.\d\d s",
        ],
        strict=True,
    ):
        assert re.fullmatch(stamp % pid + text, line), line
    assert server.stop() == 0


VALIDATED = """
import hashlib
from wsgiref.validate import validator

def plain(environ, start_response):
    if environ["PATH_INFO"] == "/upload":
        return upload(environ, start_response)
    if environ["PATH_INFO"] == "/lines":
        return lines(environ, start_response)
    if environ["PATH_INFO"] == "/stream":
        return stream(environ, start_response)
    if environ["PATH_INFO"] == "/empty":
        start_response("204 No Content", [])
        return []
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2")])
    return [b"ok"]

def upload(environ, start_response):
    digest, stream = hashlib.sha256(), environ["wsgi.input"]
    while block := stream.read(10000):
        digest.update(block)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [digest.hexdigest().encode()]

def lines(environ, start_response):
    stream = environ["wsgi.input"]
    first, rest = stream.readline(), list(stream)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [repr([first, *rest]).encode()]

def stream(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    def parts():
        for i in range(5):
            yield str(i).encode()
    return parts()

app = validator(plain)
"""


def test_validated_wsgi(serve: Serve) -> None:
    server = serve(VALIDATED)
    body = bytes(range(256)) * 10000
    with httpx.Client(base_url=server.url) as client:
        assert client.get("/").text == "ok"
        assert client.head("/").headers["content-length"] == "2"
        assert client.post("/upload", content=body).text == hashlib.sha256(body).hexdigest()
        chunks = (body[i : i + 7777] for i in range(0, len(body), 7777))
        assert client.post("/upload", content=chunks).text == hashlib.sha256(body).hexdigest()
        assert client.post("/lines", content=b"one\ntwo\nthree").text == repr([b"one\n", b"two\n", b"three"])
        assert client.get("/stream").text == "01234"
        assert client.get("/empty").status_code == 204
        assert client.get("/?a=b&c").text == "ok"


SETTINGS = """
from pathlib import Path

BASE = Path(__file__).resolve().parent
SECRET_KEY = "only for the tests"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "site_urls"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE / "db.sqlite3"}}
STATIC_URL = "/static/"
INSTALLED_APPS = [
    "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
    "django.contrib.messages",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [{
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "APP_DIRS": True,
    "OPTIONS": {"context_processors": [
        "django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]},
}]
"""
URLS = """
import hashlib
import os

from django.conf import settings
from django.contrib import admin
from django.http import FileResponse, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt


@csrf_exempt
def upload(request):
    file = request.FILES["file"]
    digest = hashlib.sha256()
    for part in file.chunks():
        digest.update(part)
    return JsonResponse({"name": file.name, "size": file.size, "sha256": digest.hexdigest(),
                         "note": request.POST["note"]})


def stream(request):
    return StreamingHttpResponse((f"line {i}\\n" for i in range(1000)), content_type="text/plain")


def download(request):
    return FileResponse(open(settings.BASE / "big.bin", "rb"), as_attachment=True)


def fails(request):
    raise ValueError("on purpose")


urlpatterns = [
    path("admin/", admin.site.urls),
    path("upload", upload),
    path("stream", stream),
    path("download", download),
    path("fails", fails),
    path("", lambda request: HttpResponse(request.build_absolute_uri("/x"))),
]
"""
WSGI = """
import os

os.environ["DJANGO_SETTINGS_MODULE"] = "site_settings"
from django.core.wsgi import get_wsgi_application

app = get_wsgi_application()
"""
BIG = bytes(range(256)) * 4096 * 20


@pytest.fixture(scope="module")
def django_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("django")
    (folder / "site_settings.py").write_text(SETTINGS)
    (folder / "site_urls.py").write_text(URLS)
    (folder / "big.bin").write_bytes(BIG)
    env = clean_environment()
    env |= {"DJANGO_SETTINGS_MODULE": "site_settings", "DJANGO_SUPERUSER_PASSWORD": "secret"}
    for command in (
        ["migrate", "--verbosity", "0"],
        ["createsuperuser", "--noinput", "--username", "root", "--email", "root@site.example"],
    ):
        subprocess.run(
            [sys.executable, "-m", "django", *command], cwd=folder, env=env, check=True, capture_output=True
        )
    server = Server(folder, WSGI, "--workers", "2", expect_traceback=True)
    try:
        yield server.start(2)
        assert server.stop(signal.SIGTERM) == 0
    finally:
        server.kill()


def test_django_admin_login(django_site: Server) -> None:
    with requests.Session() as client:
        page = client.get(f"{django_site.url}/admin/", timeout=PATIENCE)
        assert page.url.endswith("/admin/login/?next=/admin/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token
        form = {"username": "root", "password": "secret", "csrfmiddlewaretoken": token[1], "next": "/admin/"}
        answer = client.post(page.url, data=form, headers={"Referer": page.url}, timeout=PATIENCE)
        assert answer.status_code == 200
        assert "Site administration" in answer.text
        assert "sessionid" in client.cookies
        users = client.get(f"{django_site.url}/admin/auth/user/", timeout=PATIENCE)
        assert "root@site.example" in users.text


def test_django_upload_of_20_mb(django_site: Server) -> None:
    answer = requests.post(
        f"{django_site.url}/upload", files={"file": ("big.bin", BIG)}, data={"note": "n"}, timeout=60
    )
    digest = hashlib.sha256(BIG).hexdigest()
    assert answer.json() == {"name": "big.bin", "size": len(BIG), "sha256": digest, "note": "n"}


def test_django_streaming(django_site: Server) -> None:
    with requests.get(f"{django_site.url}/stream", stream=True, timeout=PATIENCE) as answer:
        assert answer.headers["Transfer-Encoding"] == "chunked"
        assert list(answer.iter_lines()) == [b"line %d" % i for i in range(1000)]


def test_django_file_response(django_site: Server) -> None:
    with requests.Session() as client:
        for _ in range(2):
            answer = client.get(f"{django_site.url}/download", timeout=PATIENCE)
            assert answer.headers["Content-Length"] == str(len(BIG))
            assert answer.content == BIG


def test_django_error_page(django_site: Server) -> None:
    assert requests.get(f"{django_site.url}/fails", timeout=PATIENCE).status_code == 500


def test_django_absolute_uri_from_absolute_form(django_site: Server) -> None:
    with Wire(django_site.address) as wire:
        wire.send(f"GET http://127.0.0.1:{django_site.port}/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        assert wire.read_response().status == 200
