"""The images of examples/docker, built and run by their own steps, as an engine would: no engine runs everywhere."""

from __future__ import annotations

import re
import shlex
import signal
from pathlib import Path

import pytest

from tests.support.server import REPOSITORY
from tests.support.wait import wait_until
from tests.walks.conftest import Fresh
from tests.walks.debian import Debian, Process
from tests.walks.images import Image, Stage

yaml = pytest.importorskip("yaml")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

CONTEXT = REPOSITORY / "examples" / "docker"


class Built:
    """A stage whose steps are done in a Debian."""

    def __init__(self, stage: Stage, debian: Debian, earlier: dict[str, Built]) -> None:
        self.stage, self.debian = stage, debian
        self.env: dict[str, str] = {}
        self.folder, self.user = "/", ""
        self._earlier = earlier
        steps = {
            "RUN": self._run, "COPY": self._copy, "ENV": self._set, "WORKDIR": self._enter, "USER": self._become,
        }
        for instruction, value in stage.steps:
            if instruction in steps:
                steps[instruction](value)

    def _run(self, value: str) -> None:
        self.debian.type(value, online=True, cwd=self.folder, user=self.user, env=self.env)

    def _copy(self, value: str) -> None:
        words = value.split()
        options = dict(word.removeprefix("--").split("=", 1) for word in words if word.startswith("--"))
        *sources, target = (word for word in words if not word.startswith("--"))
        target = str(Path(self.folder, target))
        for source in sources:
            if "from" in options:
                # What is copied of a folder is its content.
                self.debian.path(target).mkdir(parents=True, exist_ok=True)
                self.debian.bring(self._earlier[options["from"]].debian.path(source), target)
            else:
                assert f"!{source}" in (CONTEXT / ".dockerignore").read_text().splitlines()
                self.debian.bring(CONTEXT / source, f"{target}/{source}")
            if "chown" in options:
                self.debian.type(f"chown --recursive {options['chown']} {target}")

    def _set(self, value: str) -> None:
        self.env |= dict(word.split("=", 1) for word in value.split())

    def _enter(self, value: str) -> None:
        self.folder = str(Path(self.folder, value))
        self.debian.path(self.folder).mkdir(parents=True, exist_ok=True)

    def _become(self, value: str) -> None:
        self.user = value

    def freeze(self) -> None:
        """Make the root one that nobody can write to, but for what the composition puts over it."""
        service = yaml.safe_load((CONTEXT / "compose.yaml").read_text())["services"]["app"]
        uid, _, gid = self.user.partition(":")
        for place in service["tmpfs"]:
            path, _, options = place.partition(":")
            options = re.sub(r"uid=\d+,gid=\d+", f"uid={uid},gid={gid}", options)
            self.debian.type(f"mount -t tmpfs -o {options} tmpfs {path}")
        assert service["read_only"]
        self.debian.type("mount -o remount,ro /")

    def start(self) -> Process:
        words = self.stage.words("ENTRYPOINT")
        return self.debian.start(words, "container", cwd=self.folder, user=self.user, env=self.env)

    def type_inside(self, line: str, may_fail: bool = False) -> str:
        """As `exec` does it: with the image's user and environment."""
        return self.debian.type(line, cwd=self.folder, user=self.user, env=self.env, may_fail=may_fail)

    def is_healthy(self) -> bool:
        """What the engine asks again and again."""
        line = shlex.join(self.stage.words("HEALTHCHECK"))
        return self.type_inside(f"{line} && echo healthy", may_fail=True).endswith("healthy\n")


def build(name: str, fresh: Fresh) -> Built:
    earlier: dict[str, Built] = {}
    for stage in Image.read(CONTEXT / name).stages:
        built = Built(stage, fresh(), earlier)
        earlier[stage.name] = built
    return built


@pytest.mark.parametrize(
    ("name", "kind"),
    [("Dockerfile", "interpreted (GUNICORN_PURE was set when it was installed"), ("Dockerfile.distroless", "compiled")],
)
def test_an_image_is_built_and_serves(name: str, kind: str, fresh: Fresh) -> None:
    """With the wheel of the tests, which is interpreted; the index has compiled ones."""
    image = build(name, fresh)
    debian = image.debian
    image.freeze()
    assert "Read-only" in image.type_inside("touch /app/app.py", may_fail=True)
    assert "Read-only" in debian.type("touch /app/app.py", may_fail=True)
    assert not image.is_healthy()
    server = image.start()
    wait_until(image.is_healthy, what=server.log)
    assert f"Build: {kind}" in server.log()
    url = "http://127.0.0.1:8000"
    assert debian.type(f"curl --silent --fail {url}/") == "Hello from a container\n"
    # More than is kept in memory.
    large = f"head --bytes=3000000 /dev/zero | curl --silent --fail --data-binary @- {url}/length"
    assert debian.type(large) == "3000000\n"
    words = shlex.join(image.stage.words("HEALTHCHECK")[:-3])
    assert "Total: " in image.type_inside(f"{words} show workers")
    assert server.stop(signal.SIGTERM) == 0
    assert not image.is_healthy()
    assert not re.search(r"\[(ERROR|WARNING|CRITICAL)\]|Traceback", server.log()), server.log()
