"""Where root follows a link to a log file, and where it does not."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gunicorn.logs.handlers import LineHandler
from gunicorn.sock import UnixSocket
from gunicorn.unix.files import open_log
from tests.logs.test_access_format import config

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="it is about what root does")

USER, OTHER = 65534, 65533


class Place:
    """`ours` belongs to root, `site` to a user who may write in it, `other` to another one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.folder("ours", 0)
        self.folder("site", USER)
        self.folder("other", OTHER)

    def folder(self, name: str, owner: int) -> None:
        (self.path / name).mkdir()
        os.chown(self.path / name, owner, owner)

    def file(self, name: str, owner: int) -> None:
        (self.path / name).write_text("before\n")
        os.chown(self.path / name, owner, owner)

    def link(self, name: str, target: str, owner: int) -> None:
        (self.path / name).symlink_to(target.replace("HERE", str(self.path)))
        os.chown(self.path / name, owner, owner, follow_symlinks=False)

    def write(self, name: str) -> None:
        fd = open_log(str(self.path / name))
        try:
            os.write(fd, b"line\n")
        finally:
            os.close(fd)

    def read(self, name: str) -> str:
        return (self.path / name).read_text()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


# name -> (links as (name, target, owner), what is opened, where the line ends up)
FOLLOWED = {
    "no link": ([], "site/log", "site/log"),
    "a new file in a folder of root's": ([], "ours/log", "ours/log"),
    "dots and slashes": ([], "site/..//./site//log", "site/log"),
    "a link of root's": ([("site/log", "../ours/new", 0)], "site/log", "ours/new"),
    "an absolute one": ([("ours/log", "HERE/other/file", 0)], "ours/log", "other/file"),
    "a folder linked by root": ([("site/logs", "../ours", 0)], "site/logs/log", "ours/log"),
    "to what is their own": ([("site/log", "mine", USER)], "site/log", "site/mine"),
    "to a new file of their own": ([("site/log", "not-there-yet", USER)], "site/log", "site/not-there-yet"),
    "the release of the day": ([("site/current", "releases", USER)], "site/current/log", "site/releases/log"),
    "link after link": (
        [("site/a", "b", USER), ("site/b", "../site/c", USER), ("site/c", "mine", 0)], "site/a", "site/mine"),
    "up and down": ([("site/log", "../../../../../../../../HERE/site/mine", USER)], "site/log", "site/mine"),
}


@pytest.mark.parametrize("case", FOLLOWED)
def test_followed(place: Place, case: str) -> None:
    links, opened, expected = FOLLOWED[case]
    place.file("site/mine", USER)
    place.file("other/file", OTHER)
    place.folder("site/releases", USER)
    for link in links:
        place.link(*link)
    place.write(opened)
    assert place.read(expected).endswith("line\n")


REFUSED = {
    "to a file of root's": ([("site/log", "../ours/file", USER)], "site/log"),
    "to nothing yet, in a folder of root's": ([("site/log", "../ours/new", USER)], "site/log"),
    "to a file of somebody else": ([("site/log", "HERE/other/file", USER)], "site/log"),
    "a folder": ([("site/logs", "../ours", USER)], "site/logs/log"),
    "a folder on the way": ([("site/logs", "..", USER)], "site/logs/ours/log"),
    "through a link of root's": ([("site/log", "../ours/link", USER), ("ours/link", "file", 0)], "site/log"),
    "through their own": ([("site/log", "b", USER), ("site/b", "../ours/file", USER)], "site/log"),
    "through one of another": ([("site/log", "../other/b", USER), ("other/b", "../site/mine", OTHER)], "site/log"),
    "reached by one of root's": ([("ours/log", "../site/log", 0), ("site/log", "../ours/file", USER)], "ours/log"),
    "an open file of somebody": ([("site/log", f"/proc/{os.getpid()}/fd/FD", USER)], "site/log"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(place: Place, case: str) -> None:
    links, opened = REFUSED[case]
    for name in ("ours/file", "other/file"):
        place.file(name, 0 if "ours" in name else OTHER)
    place.file("site/mine", USER)
    fd = os.open(place.path / "ours/file", os.O_RDONLY)
    for name, target, owner in links:
        place.link(name, target.replace("FD", str(fd)), owner)
    try:
        with pytest.raises(PermissionError, match=r"root does not follow '.*', a symbolic link of user"):
            place.write(opened)
    finally:
        os.close(fd)
    assert place.read("ours/file") == place.read("other/file") == "before\n"
    assert not (place.path / "ours/new").exists()


def test_links_in_a_circle(place: Place) -> None:
    place.link("site/a", "b", 0)
    place.link("site/b", "a", 0)
    with pytest.raises(OSError, match="Too many levels"):
        place.write("site/a")


@pytest.mark.parametrize("path", ["", "/", "site", "site/no/log"])
def test_what_is_no_file(place: Place, path: str) -> None:
    with pytest.raises(OSError):
        os.close(open_log(str(place.path / path)))


@pytest.mark.parametrize("owner", [0, USER])
@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_link_to_our_own_output(place: Place, owner: int, name: str) -> None:
    """As images of containers have it, whoever owns the folder."""
    place.link("site/log", f"/dev/{name}", owner)
    path = str(place.path / "site/log")
    code = f"import os; from gunicorn.unix.files import open_log; os.write(open_log({path!r}), b'x')"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert getattr(done, name) == "x"


@pytest.fixture
def handler(place: Place) -> Iterator[LineHandler]:
    handler = LineHandler(str(place.path / "site/log"), owner=(USER, USER))
    yield handler
    handler.close()


def owner_of(path: Path) -> tuple[int, int]:
    facts = path.stat()
    return facts.st_uid, facts.st_gid


def test_the_file_is_given_to_the_workers_at_every_opening(place: Place, handler: LineHandler) -> None:
    path = place.path / "site/log"
    assert owner_of(path) == (USER, USER)
    path.unlink()
    handler.reopen()
    assert owner_of(path) == (USER, USER)
    # As logrotate makes it: the user's own, with a group for those who read logs.
    os.chown(path, USER, 4)
    handler.reopen()
    assert owner_of(path) == (USER, 4)


def test_a_file_with_another_name_is_not_given_away(place: Place, handler: LineHandler) -> None:
    place.file("ours/file", 0)
    path = place.path / "site/log"
    path.unlink()
    os.link(place.path / "ours/file", path)
    handler.reopen()
    assert owner_of(path) == (0, 0)


def test_a_link_in_the_place_of_a_socket_is_not_followed(place: Place) -> None:
    place.file("ours/file", 0)
    place.link("site/socket", "../ours/file", USER)
    listener = UnixSocket.__new__(UnixSocket)
    listener.conf = config(uid=USER, gid=USER)
    listener._give_away(str(place.path / "site/socket"))
    assert owner_of(place.path / "ours/file") == (0, 0)
