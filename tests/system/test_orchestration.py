"""The examples for containers and clusters: their files are right, and a server does what they say."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from gunicorn.config import make_settings
from tests.conftest import Serve
from tests.master.scrape import face_of
from tests.support.proxies import need
from tests.support.server import REPOSITORY
from tests.support.wait import wait_until
from tests.support.wire import get
from tests.walks.images import Image

yaml = pytest.importorskip("yaml")

DOCKER = REPOSITORY / "examples" / "docker"
KUBERNETES = REPOSITORY / "examples" / "kubernetes"
IMAGES = sorted(DOCKER.glob("Dockerfile*"))
#: Seconds that the master's own end may take, behind all that is waited for.
END = 5

each_image = pytest.mark.parametrize("path", IMAGES, ids=lambda path: path.name)


def tool(name: str) -> str:
    """A program that is installed beside this Python, or anywhere."""
    beside = Path(sys.prefix, "bin", name)
    return str(beside) if beside.exists() else need(name)


def manifest(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((KUBERNETES / f"{name}.yaml").read_text())
    return found


def pod() -> dict[str, Any]:
    found: dict[str, Any] = manifest("deployment")["spec"]["template"]["spec"]
    return found


def container() -> dict[str, Any]:
    (found,) = pod()["containers"]
    return dict(found)


def argument(name: str) -> str:
    (found,) = (word.partition("=")[2] for word in container()["args"] if word.startswith(f"--{name}="))
    return str(found)


# Docker.


@each_image
def test_a_linter_has_nothing_to_say(path: Path) -> None:
    done = subprocess.run([tool("hadolint"), str(path)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


@each_image
def test_an_image_is_what_its_page_says(path: Path) -> None:
    last = Image.read(path).stages[-1]
    assert int(last.value("USER").partition(":")[0]) > 0
    # Lists, so that no shell stands between the runtime and the server.
    assert last.words("ENTRYPOINT")
    assert last.words("HEALTHCHECK")[-3:] == ["wait", "ready", "2"]
    assert "/run/app" in last.environment()["XDG_RUNTIME_DIR"]
    allowed = {line[1:] for line in (DOCKER / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copies = [
        value.split()[:-1]
        for stage in Image.read(path).stages for name, value in stage.steps if name == "COPY" and "--from" not in value
    ]
    copied = {word for words in copies for word in words}
    assert copied == allowed
    assert [name for name in copied if not (DOCKER / name).exists()] == []


def test_the_settings_of_the_image(serve: Serve) -> None:
    """Its application and its file, at another port."""
    server = serve(
        (DOCKER / "app.py").read_text(), config=(DOCKER / "gunicorn.conf.py").read_text(), target=None,
    )
    assert server.get().body == b"Hello from a container\n"


def test_the_composition_gives_it_time() -> None:
    service = yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"]["app"]
    grace = int(service["stop_grace_period"].removesuffix("s"))
    assert grace == make_settings()["graceful_timeout"].get() + END
    image = Image.read(DOCKER / "Dockerfile").stages[-1]
    (run,) = (place for place in service["tmpfs"] if place.startswith(image.environment()["XDG_RUNTIME_DIR"]))
    assert "uid={},gid={}".format(*image.value("USER").split(":")) in run
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]


# Kubernetes.


@pytest.mark.parametrize("path", sorted(KUBERNETES.glob("*.yaml")), ids=lambda path: path.name)
def test_manifests_are_what_the_cluster_takes(path: Path) -> None:
    validate = pytest.importorskip("kubernetes_validate")
    data = yaml.safe_load(path.read_text())
    if data["kind"] == "Kustomization":
        assert sorted([*data["resources"], path.name]) == sorted(file.name for file in KUBERNETES.glob("*.yaml"))
        return
    validate.validate(data, validate.latest_version(), strict=True)


def test_manifests_speak_of_one_another() -> None:
    labels = manifest("deployment")["spec"]["template"]["metadata"]["labels"]
    assert manifest("service")["spec"]["selector"] == labels
    assert manifest("poddisruptionbudget")["spec"]["selector"]["matchLabels"] == labels
    assert manifest("horizontalpodautoscaler")["spec"]["scaleTargetRef"]["name"] == "shop"
    ports = {port["name"]: port["containerPort"] for port in container()["ports"]}
    assert {port["targetPort"] for port in manifest("service")["spec"]["ports"]} == {"http"}
    assert argument("metrics-bind").endswith(f":{ports['metrics']}")
    image = Image.read(DOCKER / "Dockerfile").stages[-1]
    assert f"0.0.0.0:{ports['http']}" in (DOCKER / "gunicorn.conf.py").read_text()
    context = pod()["securityContext"]
    assert f"{context['runAsUser']}:{context['runAsGroup']}" == image.value("USER")
    mounted = {mount["mountPath"] for mount in container()["volumeMounts"]}
    assert mounted == {"/tmp", image.environment()["XDG_RUNTIME_DIR"]}


def test_the_grace_is_what_a_stop_takes() -> None:
    wanted = int(argument("shutdown-delay")) + int(argument("graceful-timeout")) + END
    assert pod()["terminationGracePeriodSeconds"] == wanted
    readme = (KUBERNETES / "README.md").read_text()
    assert f"| {wanted} (`terminationGracePeriodSeconds`)" in readme
    assert f"| {argument('shutdown-delay')} (`--shutdown-delay`)" in readme


SLOW = """
import os, time
def app(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        open("begun", "w").close()
        while not os.path.exists("go"):
            time.sleep(0.01)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""


@pytest.mark.slow
def test_what_a_kubelet_sees(make_server: Serve) -> None:
    """Probes from the first moment; `TERM`, requests that go on, and the end in time. The arguments are the manifest's,
    at a port that is free."""
    args = [word.replace("0.0.0.0:9100", "127.0.0.1:0") for word in container()["args"]]
    server = make_server(SLOW, *args, "--threads", "2").spawn()
    face = face_of(server)

    def probe(kind: str) -> int:
        return get(face, container()[f"{kind}Probe"]["httpGet"]["path"]).status

    assert probe("liveness") == 200
    wait_until(lambda: probe("startup") == 200, what="the startup probe")
    assert probe("readiness") == 200
    with server.connect() as slow:
        slow.send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_until((server.folder / "begun").exists, what="the slow request")
        told = time.monotonic()
        server.send_signal(signal.SIGTERM)
        wait_until(lambda: probe("readiness") == 503, what="the readiness probe")
        assert b"stop" in get(face, "/health/ready").body
        # Whoever has not heard of it yet is served, by new connections; and the container is not started anew for it.
        for _ in range(3):
            answer = server.get()
            assert (answer.status, answer.get("Connection")) == (200, "close")
        assert probe("liveness") == 200
        # When the listeners have gone the request still runs.
        wait_until(lambda: refuses(server.port), what="the end of shutdown_delay")
        (server.folder / "go").touch()
        assert slow.read_response().status == 200
    assert server.wait() == 0
    assert time.monotonic() - told < pod()["terminationGracePeriodSeconds"]
    server.check_log()


def refuses(port: int) -> bool:
    try:
        get(("127.0.0.1", port))
    except OSError:
        return True
    return False


def test_the_pages_name_the_files() -> None:
    for folder in (DOCKER, KUBERNETES):
        page = (folder / "README.md").read_text()
        named = set(re.findall(r"`([\w.-]+\.yaml|Dockerfile[\w.]*|\.dockerignore)`", page))
        assert [name for name in named if not (folder / name).exists()] == []
