"""A folder with static files, and ways out of it that nobody must find."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

MODIFIED = 784111777
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
SMALL = b"body { color: red }\n" * 20
LARGE = bytes(range(256)) * 40960
SECRET = b"nobody is to see this"

#: Paths below `/static` that are answered with 404, as they go on the wire.
HIDDEN = (
    "/static/", "/static", "/static/nothing", "/static/folder", "/static/small.css/", "/static/.env",
    "/static/%2Eenv", "/static/.git/config", "/static/../secret", "/static/../../secret", "/static/folder/../../secret",
    "/static/%2e%2e/secret", "/static/%2E%2E%2Fsecret", "/static/..%2fsecret", "/static/..%5Csecret",
    "/static/%252e%252e/secret", "/static/%c0%ae%c0%ae/secret", "/static/..;/secret", "/static//secret",
    "/static//etc/passwd", "/static/%2Fetc/passwd", "/static/small.css%00", "/static/secret%00.css",
    "/static/small.css%0a", "/static/out", "/static/absolute", "/static/parent/secret", "/static/root/etc/passwd",
    "/static/fifo", "/%73tatic/../secret", "/static/%", "/static/%zz", "/static/" + "a/" * 400,
    "/static/" + "a" * 300, "/static/small.css::$DATA", "/static/folder%2f..%2fsmall.css", "/static/~root/.bashrc",
)


def make_site(folder: Path) -> Path:
    """The folder, below one that has a secret."""
    folder.mkdir(parents=True)
    (folder / "secret").write_bytes(SECRET)
    site = folder / "site"
    (site / "folder").mkdir(parents=True)
    (site / ".git").mkdir()
    for name, content in {
        "small.css": SMALL, "large.bin": LARGE, "empty.txt": b"", ".env": SECRET, ".git/config": SECRET,
        "app.55e7cbb9ba48.js": b"let a", "a b.txt": b"space", "middle.bin": LARGE[:100000],
    }.items():
        (site / name).write_bytes(content)
        os.utime(site / name, (MODIFIED, MODIFIED))
    (site / "small.css.gz").write_bytes(gzip.compress(SMALL, mtime=0))
    (site / "out").symlink_to("../secret")
    (site / "absolute").symlink_to(folder / "secret")
    (site / "parent").symlink_to("..")
    (site / "root").symlink_to("/")
    (site / "link.css").symlink_to("small.css")
    os.mkfifo(site / "fifo")
    return site
