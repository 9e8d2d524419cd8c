"""Whether an installed package works: `python .ci/smoke.py compiled`, or `interpreted`, whichever it has to be.

Asks the command for its version, which names the build, and an application for one answer. The standard library is all
it needs, so it runs wherever a wheel can be installed. Exit status 1, and a line that says why, where something is
wrong.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import sysconfig
import tempfile
from http.client import HTTPConnection
from pathlib import Path

#: Seconds after which something is taken for hung; an emulated machine is slow.
PATIENCE = 120
APPLICATION = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "7")])
    return [b"served\\n"]
"""


def main(expected: str) -> str | None:
    """Return what is wrong."""
    gunicorn = str(Path(sysconfig.get_path("scripts"), "gunicorn"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GUNICORN_")}
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as listener:
        version = subprocess.run(
            [gunicorn, "--version"], cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE,
            check=True,
        ).stdout.strip()
        print(version)
        if version.split()[-1] != expected:
            return f"this build is not {expected}"
        Path(folder, "hello.py").write_text(APPLICATION)
        # A client of our own socket waits in its queue until the server is there.
        server = subprocess.Popen(
            [gunicorn, "--bind", f"fd://{listener.fileno()}", "hello:app"], cwd=folder, env=environment,
            pass_fds=[listener.fileno()],
        )
        try:
            host, port = listener.getsockname()
            client = HTTPConnection(host, port, timeout=PATIENCE)
            client.request("GET", "/")
            answer = client.getresponse()
            body = answer.read()
            client.close()
            if (answer.status, body) != (200, b"served\n"):
                return f"the answer is {answer.status} with {body!r}"
            server.terminate()
            status = server.wait(PATIENCE)
            return f"the server ended with status {status}" if status else None
        finally:
            if server.poll() is None:
                server.kill()
                server.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
