"""nginx in front of a measured server, on the core of the load: what a server costs behind it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

from benchmarks.measure import LOAD_CPU, ServerFailed, free_port

#: Where nginx is, and the files that it ships for each protocol.
PROGRAM = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
PARAMS = Path("/etc/nginx")

#: How a location passes requests on; connections are kept where the protocol can.
PASSES = {
    "http": "proxy_pass http://server; proxy_http_version 1.1; proxy_set_header Connection '';"
    " proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Proto $scheme;"
    " proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
    "uwsgi": f"uwsgi_pass server; include {PARAMS}/uwsgi_params;",
    "fastcgi": f"fastcgi_pass server; fastcgi_keep_conn on; include {PARAMS}/fastcgi_params;",
}

CONFIGURATION = """
daemon off; {user} worker_processes 1; pid nginx.pid; error_log nginx.log warn;
events {{ worker_connections 4096; }}
http {{
    access_log off; keepalive_requests 100000000; default_type text/plain;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    upstream server {{ server 127.0.0.1:{port}; keepalive 128; keepalive_requests 100000000; }}
    server {{ listen 127.0.0.1:{front}; location / {{ {passes} }} }}
}}
"""


class Nginx:
    """A running nginx that speaks `protocol` with the server at `port`; itself it is at `port` of its own."""

    def __init__(self, folder: Path, protocol: str, port: int) -> None:
        if PROGRAM is None:
            raise ServerFailed("nginx is not installed")
        wait_for(port)
        self.port = free_port()
        folder.mkdir(exist_ok=True)
        user = "user root;" if os.geteuid() == 0 else ""
        text = CONFIGURATION.format(user=user, port=port, front=self.port, passes=PASSES[protocol])
        (folder / "nginx.conf").write_text(text)
        self.process = subprocess.Popen(
            ["taskset", "--cpu-list", str(LOAD_CPU), PROGRAM, "-p", str(folder), "-e", "nginx.log", "-c", "nginx.conf"],
            stdin=subprocess.DEVNULL,
        )
        wait_for(self.port)

    def __enter__(self) -> Nginx:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.terminate()
        self.process.wait(10)


STATIC_CONFIGURATION = """
daemon off; {user} worker_processes 1; pid nginx.pid; error_log nginx.log warn;
events {{ worker_connections 4096; }}
http {{
    access_log off; keepalive_requests 100000000; sendfile on; tcp_nopush on;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{ listen 127.0.0.1:{port}; location / {{ return 200; }} location /static/ {{ alias {files}/; }} }}
}}
"""


def static_nginx(folder: Path, port: int, files: Path) -> list[str]:
    """The command of an nginx that is measured itself: it serves files below `/static`, with a worker."""
    folder.mkdir(exist_ok=True)
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(STATIC_CONFIGURATION.format(user=user, port=port, files=files))
    return [PROGRAM or "nginx", "-p", str(folder), "-e", "nginx.log", "-c", "nginx.conf"]


def wait_for(port: int, deadline: float = 20.0) -> None:
    """Until somebody listens there."""
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.01)
        else:
            return
    raise ServerFailed(f"nobody listens in {deadline:g} s")
