"""What a plain sync server has not loaded, master and worker: its start and its memory are made of modules.

Whoever needs one of these imports it where its feature is wanted, as early as that is known: a master that imports late
may find the files of another release.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import gunicorn
from tests.conftest import Serve

#: Of the standard library, what is large, or brings much along.
STANDARD = """
    _strptime argparse ast asyncio base64 calendar concurrent configparser ctypes dataclasses decimal dis email
    fractions getpass gettext glob gzip hashlib hmac html http importlib.metadata importlib.resources inspect json
    locale logging.config logging.handlers multiprocessing opcode pathlib pickle platform pprint queue random secrets
    shlex shutil socketserver ssl statistics subprocess sysconfig tempfile tokenize tomllib typing unittest urllib uuid
    xml zipfile
"""
#: Of the server, what other worker types, protocols, listeners and logs need.
OURS = """
    app.paste app.rehearsal asgi.gateway blocking.cycle config.completion config.hinting_parser config.others
    config.parser config.reference config.schema control.agent control.cli control.control_face control.guard
    control.health control.http_face control.metrics_face control.page drivers.http2 gateway.access_json
    gateway.allowed_hosts gateway.health_path gateway.request_ids gateway.static_files gateway.static_site guests.host
    http.forwarded instrument.exposition instrument.metrics instrument.statsd loading.reloader logs.colours
    logs.json_lines logs.syslog master.openings master.pool_master master.ray_pool otel.provider otel.wsgi tasks.client
    tasks.errors tasks.messages tasks.process tasks.ray_options tasks.router tls.channel tls.terminator unix.beneath
    wire.hpack wire.http2 wire.websocket workers.gasgi workers.ggevent workers.gthread workers.mixed_gateway
    workers.mounted
"""
HOOKS = """
import sys

def tell(name):
    with open(name, "w") as file:
        file.write(" ".join(sys.modules))

def when_ready(server):
    tell("master")

def worker_exit(server, worker):
    # Behind a request, so that what it brings along is seen.
    tell("worker")
"""


@pytest.fixture
def loaded(serve: Serve) -> dict[str, set[str]]:
    """By process, the modules that are there and not in any Python that logs: some have `tokenize` with that."""
    server = serve(config=HOOKS)
    assert server.get().status == 200
    assert server.stop() == 0
    program = "import sys, logging; print(*sys.modules)"
    python = subprocess.check_output([sys.executable, "-c", program], text=True).split()
    return {name: set((server.folder / name).read_text().split()) - set(python) for name in ("master", "worker")}


def test_a_plain_server_has_not_loaded_what_it_does_not_use(loaded: dict[str, set[str]]) -> None:
    unwanted = {*STANDARD.split(), *(f"gunicorn.{name}" for name in OURS.split())}
    assert {name: modules & unwanted for name, modules in loaded.items()} == {"master": set(), "worker": set()}
    # It is no other server that has been looked at.
    assert "gunicorn.master.arbiter" in loaded["master"]
    assert "gunicorn.workers.sync" in loaded["worker"]


def test_the_modules_that_are_named_exist() -> None:
    package = Path(gunicorn.__file__).parent
    assert [name for name in OURS.split() if not package.joinpath(*name.split(".")).with_suffix(".py").exists()] == []
    assert [name for name in STANDARD.split() if name.partition(".")[0] not in sys.stdlib_module_names] == []
