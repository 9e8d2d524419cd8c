"""Files of a folder: what is in it is opened, and nothing else, by the kernel and step by step."""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from gunicorn.unix.beneath import Folder, open_beneath, opener, walk_beneath

Opener = Callable[[int, bytes], int]
OPENERS: dict[str, Opener] = {"kernel": open_beneath, "walk": walk_beneath}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with ways out of it."""
    (tmp_path / "secret").write_text("secret")
    site = tmp_path / "site"
    (site / "a" / "b").mkdir(parents=True)
    (site / "file").write_text("file")
    (site / "a" / "b" / "deep").write_text("deep")
    for name, target in {
        "link": "file", "a/up": "../file", "a/far": "../a/b/deep", "folder": "a/b", "two": "link",
        "out": "../secret", "a/out": "../../secret", "parent": "..", "outfolder": "../", "absolute": str(site / "file"),
        "root": "/", "loop": "loop", "ping": "pong", "pong": "ping", "dangling": "nothing", "fd": "/proc/self/fd/0",
        "round": "../site/file",
    }.items():
        (site / name).symlink_to(target)
    os.mkfifo(site / "fifo")
    return site


def content(folder: int, path: str, open_file: Opener) -> str:
    """What a file says, or how it was refused."""
    try:
        fd = open_file(folder, path.encode())
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    with os.fdopen(fd, "rb", closefd=True) as file:
        return file.read().decode()


FOUND = {
    "file": "file", "a/b/deep": "deep", "link": "file", "two": "file", "a/up": "file", "a/far": "deep",
    "folder/deep": "deep", "a/../file": "file", "./file": "file",
}
REFUSED = {
    "out": "EXDEV", "a/out": "EXDEV", "parent/secret": "EXDEV", "outfolder/secret": "EXDEV", "absolute": "EXDEV",
    "root/etc/passwd": "EXDEV", "../secret": "EXDEV", "a/../../secret": "EXDEV", "round": "EXDEV", "fd": "EXDEV",
    "loop": "ELOOP", "ping": "ELOOP", "dangling": "ENOENT", "nothing": "ENOENT", "file/x": "ENOTDIR",
    "x" * 300: "ENAMETOOLONG",
}


@pytest.mark.parametrize("kind", OPENERS)
def test_what_is_in_the_folder_and_nothing_else(kind: str, site: Path) -> None:
    folder = os.open(site, os.O_RDONLY)
    before = len(os.listdir("/proc/self/fd"))
    try:
        for path, wanted in (FOUND | REFUSED).items():
            assert content(folder, path, OPENERS[kind]) == wanted, path
        assert len(os.listdir("/proc/self/fd")) == before
    finally:
        os.close(folder)


@pytest.mark.parametrize("kind", OPENERS)
def test_what_is_no_file_holds_up_nobody(kind: str, site: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(site / "socket"))
        folder = os.open(site, os.O_RDONLY)
        try:
            os.close(OPENERS[kind](folder, b"fifo"))
            os.close(OPENERS[kind](folder, b"a"))
            os.close(OPENERS[kind](folder, b"."))
            assert content(folder, "socket", OPENERS[kind]) == "ENXIO"
        finally:
            os.close(folder)


def test_the_kernel_does_it_where_it_can() -> None:
    assert opener() is not walk_beneath or os.uname().sysname != "Linux"
    with pytest.raises(OSError, match="Invalid argument"):
        open_beneath(0, b"a\0b")


@pytest.mark.parametrize("kind", OPENERS)
def test_whoever_renames_meanwhile_opens_no_way_out(kind: str, site: Path) -> None:
    """The folder on the way is exchanged with a link out of it, again and again."""
    (site.parent / "deep").write_text("out!")
    (site / "swap").mkdir()
    (site / "swap" / "deep").write_text("in")
    (site / "evil").symlink_to("..")
    done = threading.Event()

    def exchange() -> None:
        while not done.is_set():
            for old, new in (("swap", "kept"), ("evil", "swap"), ("swap", "evil"), ("kept", "swap")):
                os.rename(site / old, site / new)

    folder = os.open(site, os.O_RDONLY)
    thread = threading.Thread(target=exchange)
    thread.start()
    try:
        seen = {content(folder, "swap/deep", OPENERS[kind]) for _ in range(2000)}
        done.set()
        thread.join()
        assert content(folder, "swap/deep", OPENERS[kind]) == "in"
    finally:
        done.set()
        thread.join()
        os.close(folder)
    assert seen <= {"in", "EXDEV", "ENOENT", "EAGAIN", "ELOOP", "ENOTDIR"}


def test_a_folder_that_was_replaced_is_found(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    (tmp_path / "site").symlink_to("old")
    folder = Folder(str(tmp_path / "site"), 1.0)

    def read(now: float) -> str:
        with os.fdopen(folder.open(["file"], now)) as file:
            return file.read()

    assert read(10.0) == "old"
    (tmp_path / "site").unlink()
    (tmp_path / "site").symlink_to("new")
    assert (read(10.9), read(11.0)) == ("old", "new")
    (tmp_path / "site").unlink()
    with pytest.raises(FileNotFoundError):
        read(12.0)
    (tmp_path / "site").symlink_to("old")
    assert read(12.0) == "old"
    folder.close()
