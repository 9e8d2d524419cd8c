"""Many short lives of the command `gunicorn`: a process each, forked from one that has imported the server already.

As a program it reads a JSON list of argument lists, and writes a list of exit statuses and outputs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

#: What a start imports on its way: once here instead of once a life.
IMPORTED = ("gunicorn.app.wsgiapp", "gunicorn.arbiter", "gunicorn.workers.sync", "gunicorn.workers.gthread")


def lives(folder: Path, commands: list[list[str]]) -> list[tuple[int, str]]:
    """Exit status and output (of both streams) of each command, one after the other in that folder; all end by
    themselves."""
    from tests.support.server import clean_environment

    done = subprocess.run(
        [sys.executable, __file__], cwd=folder, env=clean_environment(), input=json.dumps(commands),
        stdout=subprocess.PIPE, text=True, check=True,
    )
    return [(status, said) for status, said in json.loads(done.stdout)]


def life(arguments: list[str]) -> tuple[int, str]:
    """One life. The child does not return: its way out leads through the interpreter's end, like that of a command."""
    with tempfile.TemporaryFile() as output:
        pid = os.fork()
        if pid == 0:
            from gunicorn.app.wsgiapp import run

            null = os.open(os.devnull, os.O_RDONLY)
            for target, source in enumerate((null, output.fileno(), output.fileno())):
                os.dup2(source, target)
            sys.argv = ["gunicorn", *arguments]
            run(prog="gunicorn")
            sys.exit()
        _, status = os.waitpid(pid, 0)
        output.seek(0)
        return os.waitstatus_to_exitcode(status), output.read().decode()


def main() -> None:
    # This folder, which a command does not have there.
    del sys.path[0]
    for name in IMPORTED:
        __import__(name)
    print(json.dumps([life(arguments) for arguments in json.load(sys.stdin)]))


if __name__ == "__main__":
    main()
