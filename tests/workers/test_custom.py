"""Worker classes that users write: subclasses of ours and of `Worker` alone, found in every way there is."""

from __future__ import annotations

import os
import signal

import pytest

from tests.conftest import Serve
from tests.support.server import HELLO
from tests.support.wait import wait_until

#: A worker that brings a server of its own, after the pattern that third parties know.
OWN_LOOP = '''
import select, socket
from gunicorn.workers.base import Worker

class Own(Worker):
    def init_process(self):
        self.log.info("own init_process")
        super().init_process()

    def run(self):
        for listener in self.sockets:
            listener.setblocking(False)
        while self.alive:
            self.notify()
            ready, _, _ = select.select(self.sockets, [], [], 0.1)
            for listener in ready:
                try:
                    client, _ = listener.accept()
                except BlockingIOError:
                    continue
                client.setblocking(True)
                client.recv(65536)
                body = b"".join(self.wsgi({"REQUEST_METHOD": "GET"}, lambda *_: None))
                client.sendall(b"HTTP/1.1 200 OK\\r\\nConnection: close\\r\\nContent-Length: %d\\r\\n\\r\\n%s"
                               % (len(body), body))
                client.close()
                self.nr += 1
'''

#: Subclasses that put something around each request.
AROUND = '''
from gunicorn.workers.{module} import {base}

class Around({base}):
    def init_process(self):
        self.log.info("around: init_process")
        super().init_process()

    def handle_request(self, listener, req, client, addr):
        self.log.info("around: %s %s from %s", req.method, req.path, addr[0])
        return super().handle_request(listener, req, client, addr)

    def handle_exit(self, sig, frame):
        self.log.info("around: handle_exit")
        super().handle_exit(sig, frame)
'''

BASES = {"sync": "SyncWorker", "ggevent": "GeventWorker", "geventlet": "EventletWorker"}


#: Workers that tell the application by a field who has sent a request.
NAMES = '''
from gunicorn.workers.{module} import {base}

class Names({base}):
    def handle_request(self, listener, req, client, addr):
        fields = dict(req.headers)
        fields["X-USER"] = "somebody"
        req.headers = list(fields.items())
        return super().handle_request(listener, req, client, addr)
'''

WHO = '''
def app(environ, start_response):
    start_response("200 OK", [])
    return [environ["HTTP_X_USER"].encode()]
'''


@pytest.mark.parametrize("module", BASES)
def test_subclasses_that_add_a_field(module: str, serve: Serve) -> None:
    config = NAMES.format(module=module, base=BASES[module]) + "worker_class = Names\n"
    assert serve(WHO, config=config).get().body == b"somebody"


def test_a_class_with_its_own_loop(make_server: Serve) -> None:
    server = make_server(HELLO, "-k", "own.Own", "--workers", "2")
    (server.folder / "own.py").write_text(OWN_LOOP)
    server.start(2)
    assert server.get().body == b"Hello, World!"
    before = set(server.wait_for_workers(lambda pids: len(pids) == 2))
    server.send_signal(signal.SIGHUP)
    server.wait_for_workers(lambda pids: len(pids) == 2 and not before & set(pids))
    assert server.get().body == b"Hello, World!"
    server.wait_for_log("own init_process", count=4)
    assert server.stop() == 0


@pytest.mark.parametrize("module", BASES)
def test_subclasses_around_a_request(module: str, serve: Serve) -> None:
    config = AROUND.format(module=module, base=BASES[module]) + "worker_class = Around\n"
    server = serve(HELLO, config=config)
    for _ in range(2):
        assert server.get("/path").body == b"Hello, World!"
    server.wait_for_log("around: GET /path from 127.0.0.1", count=2)
    os.kill(server.worker_pids()[0], signal.SIGTERM)
    server.wait_for_log("around: handle_exit")
    wait_until(lambda: server.get().status == 200)


def test_a_class_of_an_entry_point(make_server: Serve) -> None:
    server = make_server(HELLO, "-k", "mine", env={})
    (server.folder / "own.py").write_text(OWN_LOOP)
    metadata = server.folder / "own-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: own\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[gunicorn.workers]\nmine = own:Own\n")
    server.start()
    assert server.get().body == b"Hello, World!"
    assert "Using worker: mine" in server.log()
    assert server.stop() == 0


@pytest.mark.parametrize(
    ("kind", "package"),
    [("gevent", "gevent"), ("eventlet", "eventlet"), ("tornado", "tornado"), ("gaiohttp", "aiohttp")],
)
def test_a_missing_package_is_named_in_one_line(kind: str, package: str, make_server: Serve) -> None:
    server = make_server(HELLO, "-k", kind)
    # A module that cannot be imported, in front of the real one.
    (server.folder / f"{package}.py").write_text(f"raise ModuleNotFoundError('No module named {package}')\n")
    server.env["PYTHONPATH"] = os.pathsep.join([str(server.folder), server.env["PYTHONPATH"]])
    server.spawn()
    assert server.wait() == 1
    assert f"the {kind} worker needs {package}: pip install gunicorn[{kind}]" in server.log()
    assert "Traceback" not in server.log()
