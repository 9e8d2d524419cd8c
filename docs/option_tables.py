"""The tables of options on the pages for who comes from another server, from what the server itself says of them."""

from __future__ import annotations

import re
from pathlib import Path

from gunicorn.config import KNOWN_SETTINGS, others

__all__ = ["PAGES", "SAME", "with_table"]

PAGES = {
    "from-uvicorn.md": "uvicorn",
    "from-hypercorn.md": "hypercorn",
    "from-granian.md": "granian",
    "from-uwsgi.md": "uWSGI",
    "from-waitress.md": "waitress",
}

SAME = {
    "uvicorn":
        "reload workers ws-max-queue ws-ping-interval ws-ping-timeout forwarded-allow-ips root-path limit-concurrency "
        "backlog server-header",
    "hypercorn":
        "access-logfile access-logformat backlog bind ca-certs certfile cert-reqs ciphers config daemon error-logfile "
        "graceful-timeout group keep-alive keyfile keyfile-password log-config log-level max-requests "
        "max-requests-jitter pid reload root-path statsd-host statsd-prefix umask user worker-class workers",
    "granian":
        "backlog http2-max-concurrent-streams http2-max-frame-size log-level reload workers",
    "uWSGI":
        "chdir env max-requests max-worker-lifetime mount paste protocol pythonpath reuse-port static-index threads "
        "umask workers",
    "waitress": "backlog threads",
}
"""Options that are flags here, too."""

_MARKS = re.compile(r"(?<=<!-- options -->\n).*?(?=<!-- end of options -->)", re.DOTALL)


def with_table(page: Path, server: str) -> str:
    """The text of a page with the table as it is now."""
    text = page.read_text(encoding="utf-8")
    if not _MARKS.search(text):
        raise ValueError(f"{page.name} has no place for the options of {server}")
    return _MARKS.sub(lambda _: f"\n{table(server)}\n", text)


def table(server: str) -> str:
    """Theirs and ours, in the order of their names; and those that are called the same."""
    rows = {name: _ours(meant) for name, meant in others._SETTINGS[server].items()}
    rows |= {name: _told(remark) for name, remark in others._REMARKS[server].items()}
    lines = [f"| {server} | here |", "| --- | --- |"]
    lines += [f"| `{_theirs(name, server)}` | {row} |" for name, row in sorted(rows.items())]
    called = ", ".join(f"`--{name}`" for name in SAME[server].split())
    return "\n".join([*lines, "", f"Called the same: {called}.", ""])


def _theirs(name: str, server: str) -> str:
    """As it is typed; of hypercorn as it stands in a file, since most of its settings are there alone."""
    return name if server == "hypercorn" else "--" + name.replace("_", "-")


def _ours(meant: str) -> str:
    """A setting with its flag and the form of its value."""
    name, _, form = meant.partition(" ")
    flags = next(setting.cli or () for setting in KNOWN_SETTINGS if setting.name == name)
    flag = next((flag for flag in flags if flag.startswith("--")), "")
    typed = " ".join(filter(None, (flag, form))) or "MODULE:VARIABLE"
    return f"`{typed}`, setting [`{name}`](settings.md#{name})"


def _told(remark: str) -> str:
    """A remark, with what is code in it as code."""
    return re.sub(r"--[\w-]+|MODULE:\S+|environ\[.*?\]", r"`\g<0>`", remark)
