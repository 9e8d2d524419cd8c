"""nginx and HAProxy as child processes with configurations of their own, on sockets the test has bound."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from tests.support.wait import PATIENCE, wait_until
from tests.support.wire import Address, Wire

Command = Callable[[socket.socket], Sequence[str]]


def find(name: str) -> str | None:
    """The path of a program; Debian puts daemons where a user's PATH does not look."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")


def need(name: str, package: str = "") -> str:
    """The path of a program. Without it the test is skipped and says why, since not every machine has it.

    Where ``TEST_ALL`` is set (CI installs everything) the test fails instead.
    """
    found = name if os.path.isabs(name) and os.path.exists(name) else find(name)
    if found is None:
        missing = f"{package or name} is not installed"
        if os.environ.get("TEST_ALL"):
            pytest.fail(missing)
        pytest.skip(missing)
    return found


NGINX = """
daemon off;
{user}
pid nginx.pid;
error_log nginx.log notice;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_max_body_size 64m;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    upstream application {{
        server {upstream};
        keepalive 4;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://application;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            {directives}
        }}
    }}
}}
"""

NGINX_STREAM = """
load_module {module};
daemon off;
{user}
pid nginx.pid;
error_log nginx.log notice;
events {{ worker_connections 256; }}
stream {{
    server {{
        listen 127.0.0.1:{port};
        proxy_pass {upstream};
        proxy_protocol on;
    }}
}}
"""
STREAM_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so"

HAPROXY = """
global
    maxconn 256
    log stdout format raw local0 info
defaults
    mode {mode}
    timeout connect 60s
    timeout client 60s
    timeout server 60s
frontend outside
    bind fd@{fd}
    default_backend application
backend application
    {directives}
    server one {upstream} {options}
"""


class Proxy:
    """A running proxy; ``address`` is where it listens. The socket is inherited, so no port can be lost."""

    def __init__(self, folder: Path, command: Command, env_name: str = "") -> None:
        self.folder = folder
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self.socket.getsockname()
        env = dict(os.environ)
        if env_name:
            env[env_name] = f"{self.socket.fileno()};"
        with self.socket, open(folder / "proxy.log", "wb") as log:
            self.process = subprocess.Popen(
                command(self.socket), cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=[self.socket.fileno()], start_new_session=True,
            )
        wait_until(self.is_up, what=self.describe)

    def is_up(self) -> bool:
        assert self.process.poll() is None, self.describe()
        # An inherited listener takes connections before the proxy runs; its own log says when it does.
        log = self.log()
        return "start worker" in log or "Loading success" in log

    def log(self) -> str:
        return "".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))

    def describe(self) -> str:
        return f"proxy with this log:\n{self.log()}\n: its start"

    def connect(self) -> Wire:
        return Wire(self.address)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(PATIENCE)


def start_nginx(folder: Path, upstream: str, *directives: str) -> Proxy:
    """``upstream``: HOST:PORT or unix:PATH; ``directives`` go into the location."""
    binary = need("nginx")
    folder.mkdir()

    def command(listener: socket.socket) -> Sequence[str]:
        text = NGINX.format(
            user="user root;" if os.geteuid() == 0 else "",
            upstream=upstream,
            port=listener.getsockname()[1],
            directives="\n            ".join(directives),
        )
        (folder / "nginx.conf").write_text(text)
        return [binary, "-p", str(folder), "-e", "nginx.log", "-c", "nginx.conf"]

    return Proxy(folder, command, "NGINX")


def start_nginx_stream(folder: Path, upstream: str) -> Proxy:
    """nginx as a TCP proxy that says in a PROXY v1 line who is calling."""
    binary, module = need("nginx"), need(STREAM_MODULE, "nginx's stream module")
    folder.mkdir()

    def command(listener: socket.socket) -> Sequence[str]:
        text = NGINX_STREAM.format(
            module=module,
            user="user root;" if os.geteuid() == 0 else "",
            upstream=upstream,
            port=listener.getsockname()[1],
        )
        (folder / "nginx.conf").write_text(text)
        return [binary, "-p", str(folder), "-e", "nginx.log", "-c", "nginx.conf"]

    return Proxy(folder, command, "NGINX")


def start_haproxy(
    folder: Path, upstream: str, options: str = "", directives: str = "", mode: str = "http"
) -> Proxy:
    """``upstream``: HOST:PORT or unix@PATH; ``options`` stand on the server line."""
    binary = need("haproxy")
    folder.mkdir()

    def command(listener: socket.socket) -> Sequence[str]:
        text = HAPROXY.format(
            mode=mode, fd=listener.fileno(), directives=directives, upstream=upstream, options=options
        )
        (folder / "haproxy.cfg").write_text(text)
        return [binary, "-W", "-f", "haproxy.cfg"]

    return Proxy(folder, command)


NGINX_SERVERS = """
daemon off;
{user}
pid nginx.pid;
error_log nginx.log notice;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_max_body_size 64m;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server_names_hash_bucket_size 128;
    {blocks}
}}
"""
#: For each protocol what a location has, with the files that nginx ships; `{upstream}` is HOST:PORT or unix:PATH.
PASSES = {
    "http": "proxy_pass http://{name}; proxy_http_version 1.1; proxy_set_header Connection ''; "
    "proxy_set_header Host $host; proxy_set_header X-Forwarded-Proto $scheme;",
    "uwsgi": "uwsgi_pass {name}; include {params}/uwsgi_params;",
    "scgi": "scgi_pass {name}; include {params}/scgi_params;",
    "fastcgi": "fastcgi_pass {name}; fastcgi_keep_conn on; include {params}/fastcgi_params;",
}


def start_nginx_for(folder: Path, upstreams: dict[str, tuple[str, str, str]]) -> Proxy:
    """One nginx with a virtual host each: by its name the protocol of the upstream, its address (HOST:PORT or
    unix:PATH), and further directives."""
    binary = need("nginx")
    folder.mkdir()

    def command(listener: socket.socket) -> Sequence[str]:
        blocks = []
        for number, (host, (protocol, address, directives)) in enumerate(upstreams.items()):
            passes = PASSES[protocol].format(name=f"up{number}", params="/etc/nginx")
            blocks.append(
                f"upstream up{number} {{ server {address}; keepalive 4; }}\n"
                f"server {{ listen 127.0.0.1:{listener.getsockname()[1]}; server_name {host};"
                f" location / {{ {passes} {directives} }} }}\n")
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(NGINX_SERVERS.format(user=user, blocks="    ".join(blocks)))
        return [binary, "-p", str(folder), "-e", "nginx.log", "-c", "nginx.conf"]

    return Proxy(folder, command, "NGINX")


APACHE = """
ServerRoot "{folder}"
PidFile "{folder}/pid"
DefaultRuntimeDir "{folder}"
{modules}
ServerName localhost
Listen 127.0.0.1:{port}
StartServers 1
ErrorLog "{folder}/apache.log"
LogLevel notice
{blocks}
"""
APACHE_MODULES = "/usr/lib/apache2/modules"
LIGHTTPD = """
server.document-root = "{folder}"
server.bind = "{folder}/light.sock"
server.errorlog = "{folder}/light.log"
server.modules = ("mod_scgi", "mod_fastcgi")
{blocks}
"""


class Front:
    """Another web server as a child process; ``address`` is where it listens, ``up`` what its log says then."""

    def __init__(
        self, folder: Path, arguments: Sequence[str], address: Address, up: str, env: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.address = address
        with open(folder / "output.log", "wb") as log:
            self.process = subprocess.Popen(
                arguments, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env=env)
        wait_until(lambda: up in self.log() or self.process.poll() is not None, what=self.describe)
        assert self.process.poll() is None, self.describe()

    def log(self) -> str:
        return "".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))

    def describe(self) -> str:
        return f"web server with this log:\n{self.log()}\n: its start"

    def connect(self) -> Wire:
        return Wire(self.address)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(PATIENCE)


def start_apache(folder: Path, upstreams: dict[str, str]) -> Front:
    """Apache with a virtual host for each URL of `ProxyPass`, as in `fcgi://127.0.0.1:9000/`."""
    binary = need("apache2")
    folder.mkdir()
    names = ["mpm_event", "authz_core", "proxy", "proxy_http", "proxy_uwsgi", "proxy_scgi", "proxy_fcgi"]
    modules = [f"LoadModule {name}_module {need(f'{APACHE_MODULES}/mod_{name}.so')}" for name in names]
    blocks = [
        f"<VirtualHost *>\nServerName {host}\nProxyPass / {url}\n</VirtualHost>" for host, url in upstreams.items()]
    # It takes no socket from others.
    with socket.create_server(("127.0.0.1", 0)) as free:
        address: tuple[str, int] = free.getsockname()
    (folder / "httpd.conf").write_text(APACHE.format(
        folder=folder, port=address[1], modules="\n".join(modules), blocks="\n".join(blocks)))
    arguments = [binary, "-f", str(folder / "httpd.conf"), "-D", "FOREGROUND"]
    return Front(folder, arguments, address, "resuming normal operations")


def start_lighttpd(folder: Path, upstreams: dict[str, tuple[str, str, int]]) -> Front:
    """lighttpd with a virtual host for each (protocol, host, port); it listens on a unix socket."""
    binary = need("lighttpd")
    folder.mkdir()
    blocks = []
    for name, (protocol, host, port) in upstreams.items():
        module = "fastcgi" if protocol == "fastcgi" else "scgi"
        blocks.append(
            f'$HTTP["host"] == "{name}" {{ {f"""scgi.protocol = "{protocol}" """ if module == "scgi" else ""}\n'
            f'{module}.server = ("/" => (("host" => "{host}", "port" => {port}, "check-local" => "disable",'
            f' "fix-root-scriptname" => "enable"))) }}')
    (folder / "light.conf").write_text(LIGHTTPD.format(folder=folder, blocks="\n".join(blocks)))
    return Front(folder, [binary, "-D", "-f", "light.conf"], str(folder / "light.sock"), "server started")
