"""From a server that runs already: its command line or its file is taken along, and what is said there is followed."""

from __future__ import annotations

import json
import re

import pytest

from tests.support.server import REPOSITORY
from tests.support.wait import wait_until
from tests.walks.conftest import Fresh
from tests.walks.debian import Debian

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

# What it complains of while it tries again is left out.
ASK = "2>/dev/null curl --silent --show-error --fail --retry 20 --retry-all-errors --retry-delay 1"
APP = """
import os

def app(environ, start_response):
    if environ["PATH_INFO"] == "/wait":
        import time
        time.sleep(60)
    lines = [environ["wsgi.url_scheme"], environ["REMOTE_ADDR"], os.environ.get("SHOP", ""), str(os.getppid())]
    body = "\\n".join(lines).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
"""

#: A file as it has grown over the years, with what most of them have.
INCUMBENT = """
import multiprocessing

bind = ["unix:/run/shop.sock", "127.0.0.1:8000"]
backlog = 2048
workers = min(multiprocessing.cpu_count() * 2 + 1, 3)
worker_class = "gthread"
threads = 4
worker_connections = 1000
worker_tmp_dir = "/dev/shm"
max_requests = 1000
max_requests_jitter = 50
timeout = 60
graceful_timeout = 30
keepalive = 5
preload_app = True
proc_name = "shop"
pidfile = "/run/shop.pid"
user = group = "www-data"
umask = 0o007
raw_env = ["SHOP=open"]
loglevel = "info"
errorlog = "/var/log/shop.log"
accesslog = "/var/log/shop-access.log"
access_log_format = '%({x-forwarded-for}i)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s" %(L)s'
forwarded_allow_ips = "127.0.0.1"
secure_scheme_headers = {"X-FORWARDED-PROTO": "https"}
limit_request_line = 4094
limit_request_fields = 100
limit_request_field_size = 8190


def on_starting(server):
    server.log.info("hook: on_starting")


def when_ready(server):
    server.log.info("hook: when_ready")


def pre_fork(server, worker):
    pass


def post_fork(server, worker):
    server.log.info("hook: post_fork %s", worker.pid)


def pre_request(worker, req):
    worker.log.debug("%s %s", req.method, req.path)


def post_request(worker, req, environ, resp):
    worker.log.info("hook: post_request %s", resp.status)


def worker_exit(server, worker):
    server.log.info("hook: worker_exit")
"""

UWSGI = """
[uwsgi]
http-socket = 127.0.0.1:8000
module = shop:app
master = true
processes = 2
threads = 2
harakiri = 2
buffer-size = 32768
max-requests = 1000
vacuum = true
die-on-term = true
"""

#: What stands in its place, by what was said.
INSTEAD = {
    "here it is bind = 'HOST:PORT'": 'bind = "127.0.0.1:8000"',
    "here it is wsgi_app": 'wsgi_app = "shop:app"',
    "here it is workers": "workers = 2",
    "here it is request_timeout": "request_timeout = 2",
    "here it is limit_request_head": "limit_request_head = 32768",
}


def prepared(fresh: Fresh, *packages: str) -> Debian:
    """With an environment in /srv/shop, and the application beside it."""
    debian = fresh()
    debian.type("install --directory /srv/shop && python3 -m venv /srv/shop/.venv")
    debian.type(f".venv/bin/pip install {' '.join(packages)}", online=True, cwd="/srv/shop")
    debian.path("/srv/shop/shop.py").write_text(APP)
    return debian


def no_complaint(log: str) -> None:
    assert not re.search(r"Traceback|\[(ERROR|WARNING|CRITICAL)\]|[Ww]arning", log), log


def life(debian: Debian) -> list[object]:
    """Start it, ask it, reload it, ask again, end it: what there was to see."""
    debian.type(".venv/bin/gunicorn --daemon shop:app", cwd="/srv/shop")
    port = debian.type(f"{ASK} http://127.0.0.1:8000/").splitlines()[:3]
    proxied = f"{ASK} --header 'X-Forwarded-Proto: https' --unix-socket /run/shop.sock http://shop/"
    scheme = debian.type(proxied).splitlines()[0]
    mode = debian.type("stat --format '%a %U' /run/shop.sock").strip()
    errors, access = debian.path("/var/log/shop.log"), debian.path("/var/log/shop-access.log")
    debian.type("kill -HUP $(cat /run/shop.pid)")
    wait_until(lambda: errors.read_text().count("hook: worker_exit") >= 3, what="a reload")
    debian.type(f"{ASK} http://127.0.0.1:8000/")
    debian.type("kill -TERM $(cat /run/shop.pid)")
    wait_until(lambda: not debian.path("/run/shop.pid").exists(), what="the end")
    log = errors.read_text()
    assert "Traceback" not in log
    lines = access.read_text().count('"GET / HTTP/1.1" 200')
    for path in (errors, access):
        path.unlink()
    return [port, scheme, mode, set(re.findall(r"hook: \w+", log)), lines]


def test_from_the_incumbent(fresh: Fresh) -> None:
    """The same file, the same line, the same packages but for one; what clients and hooks see is the same."""
    debian = prepared(fresh, "'gunicorn<28'")
    debian.path("/srv/shop/gunicorn.conf.py").write_text(INCUMBENT)
    before = life(debian)
    debian.type(".venv/bin/pip install --upgrade gunicorn", online=True, cwd="/srv/shop")
    assert "version 28." in debian.type(".venv/bin/gunicorn --version", cwd="/srv/shop")
    assert debian.type(".venv/bin/gunicorn --check-config shop:app", cwd="/srv/shop") == ""
    assert life(debian) == before
    assert before[:2] == [["http", "127.0.0.1", "open"], "https"]


def test_from_an_ini_of_uwsgi(fresh: Fresh) -> None:
    """The lines become those of a TOML file; what is no setting is told what it is called here, or why it is not."""
    debian = prepared(fresh, "gunicorn")
    debian.path("/srv/shop/uwsgi.ini").write_text(UWSGI)
    refused = debian.type(".venv/bin/gunicorn -c uwsgi.ini", cwd="/srv/shop", may_fail=True)
    assert refused.lstrip() == (
        "Error: configuration file 'uwsgi.ini' is an INI file, and settings are read from Python or TOML: "
        "gunicorn.conf.py, gunicorn.toml\n"
    )
    options = [line.split(" = ") for line in UWSGI.splitlines() if " = " in line]
    file = debian.path("/srv/shop/gunicorn.toml")
    taken = {
        name.replace("-", "_"): value if value.isdigit() or value == "true" else f'"{value}"' for name, value in options
    }
    file.write_text("".join(f"{name} = {value}\n" for name, value in taken.items()))
    told = debian.type(".venv/bin/gunicorn --check-config shop:app", cwd="/srv/shop")
    names = dict(re.findall(r"'(\w+)' is not a setting, known to uWSGI: (.+)$", told, re.MULTILINE))
    assert taken.keys() - names.keys() == {"threads", "max_requests"}
    lines = [INSTEAD[hint] for hint in names.values() if hint.startswith("here it is")]
    file.write_text("".join(f"{line}\n" for line in [*lines, "threads = 2", "max_requests = 1000"]))
    assert debian.type(".venv/bin/gunicorn --check-config", cwd="/srv/shop") == ""
    server = debian.start([".venv/bin/gunicorn"], "server", cwd="/srv/shop")
    assert debian.type(f"{ASK} http://127.0.0.1:8000/").splitlines()[0] == "http"
    # `harakiri`: a request that takes longer is ended, and the others are not.
    slow = debian.type("curl --silent --include http://127.0.0.1:8000/wait", may_fail=True)
    assert "504" in slow.splitlines()[0]
    assert debian.type(f"{ASK} http://127.0.0.1:8000/").splitlines()[0] == "http"
    server.wait_for_log("Listening at: http://127.0.0.1:8000")


def test_from_a_command_line_of_uvicorn(fresh: Fresh) -> None:
    """Another word in front, and then what is said, one flag after the other."""
    debian = prepared(fresh, "'uvicorn[standard]'", "fastapi", "gunicorn")
    debian.bring(REPOSITORY / "examples" / "mounts" / "api.py", "/srv/shop/api.py")
    flags = (
        "--host 127.0.0.1 --port 8000 --workers 2 --proxy-headers --timeout-keep-alive 75 --lifespan on "
        "--log-level info"
    )

    def ask() -> list[object]:
        plain = json.loads(debian.type(f"{ASK} http://127.0.0.1:8000/stock"))
        secure = json.loads(debian.type(f"{ASK} --header 'X-Forwarded-Proto: https' http://127.0.0.1:8000/stock"))
        return [plain, secure]

    before = debian.start([".venv/bin/uvicorn", *flags.split(), "api:app"], "before", cwd="/srv/shop")
    expected = ask()
    before.stop(15)
    for said, old, new in (
        ("did you mean --asgi-lifespan?", "--lifespan", "--asgi-lifespan"),
        ("did you mean --bind HOST:PORT?", "--host 127.0.0.1 --port 8000", "--bind 127.0.0.1:8000"),
        ("known to uvicorn: the fields of --forwarded-allow-ips are believed", "--proxy-headers ", ""),
        ("did you mean --keep-alive?", "--timeout-keep-alive", "--keep-alive"),
    ):
        told = debian.type(f".venv/bin/gunicorn {flags} api:app", cwd="/srv/shop", may_fail=True)
        assert told.count("\n") == 1
        assert said in told
        assert old in flags
        flags = flags.replace(old, new)
    after = debian.start([".venv/bin/gunicorn", *flags.split(), "api:app"], "after", cwd="/srv/shop")
    assert ask() == expected
    assert after.stop(15) == 0
    assert "Using worker: asgi" in after.log()
    no_complaint(after.log())
