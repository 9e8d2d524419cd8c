"""The file of the control socket: where it is, whose it is, what it replaces."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gunicorn.control import place

Claim = Callable[..., place.Place]


@pytest.fixture
def claim(tmp_path: Path) -> Iterator[Claim]:
    made: list[place.Place] = []

    def at(
        path: str, mode: int = 0o600, pid: int = 7, is_chosen: bool = False, is_successor: bool = False
    ) -> place.Place:
        made.append(place.claim(str(tmp_path / path), mode, pid, is_chosen, is_successor))
        return made[-1]

    yield at
    for each in made:
        each.listener.close()


def mode_of(path: str | Path) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.mark.parametrize("mode", [0o600, 0o660, 0o666])
def test_file_and_folder(claim: Claim, tmp_path: Path, mode: int) -> None:
    before = os.umask(0o027)
    try:
        found = claim("a/b/gunicorn.ctl", mode)
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)
    assert found.path == str(tmp_path / "a/b/gunicorn.ctl")
    assert (mode_of(found.path), mode_of(tmp_path / "a/b")) == (mode, 0o700)
    found.remove()
    assert not os.path.exists(found.path)


def test_a_dead_one_is_replaced(claim: Claim) -> None:
    first = claim("s.ctl")
    first.listener.close()
    second = claim("s.ctl")
    assert second.path == first.path
    first.remove()
    assert os.path.exists(second.path), "it is another server's by now"


def test_a_second_server_has_a_name_of_its_own(claim: Claim, tmp_path: Path) -> None:
    claim("gunicorn.ctl")
    assert claim("gunicorn.ctl", pid=123).path == str(tmp_path / "gunicorn.123.ctl")


def test_a_path_that_the_user_has_chosen_is_that_one_or_none(claim: Claim) -> None:
    claim("gunicorn.ctl")
    with pytest.raises(OSError, match="in use"):
        claim("gunicorn.ctl", is_chosen=True)


def test_another_file_stays(claim: Claim, tmp_path: Path) -> None:
    (tmp_path / "s.ctl").write_text("mine")
    with pytest.raises(ValueError, match="not a socket"):
        claim("s.ctl")
    assert (tmp_path / "s.ctl").read_text() == "mine"


def test_a_path_that_is_too_long(claim: Claim, tmp_path: Path) -> None:
    room = place.LONGEST_PATH - len(os.fsencode(tmp_path)) - 1
    claim("a" * room)
    with pytest.raises(ValueError, match=f"{place.LONGEST_PATH + 1} octets"):
        claim("b" * (room + 1))


def test_a_folder_that_cannot_be_made(claim: Claim, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):  # a file where a folder should be
        claim("file/gunicorn/s.ctl")


def test_without_a_home_folder() -> None:
    with pytest.raises(ValueError, match="no home folder"):
        place.claim("~nobody-of-this-name/s.ctl", 0o600, 7, False, False)


def test_a_successor_moves_in(claim: Claim, tmp_path: Path) -> None:
    old, new = claim("s.ctl"), claim("s.ctl", pid=8, is_successor=True)
    assert new.path == str(tmp_path / "s.ctl.2")
    old.listener.close()
    old.remove()
    new.move_in(8)
    assert new.path == old.path
    client = socket.socket(socket.AF_UNIX)
    client.connect(new.path)
    client.close()
    new.move_in(8)
    new.remove()
    assert os.listdir(tmp_path) == []


def test_a_successor_takes_nobodys_place(claim: Claim, tmp_path: Path) -> None:
    claim("s.ctl")
    new = claim("s.ctl", pid=8, is_successor=True)
    new.move_in(8)
    assert new.path == str(tmp_path / "s.8.ctl")


def test_a_second_successor(claim: Claim, tmp_path: Path) -> None:
    claim("s.ctl", is_successor=True)
    new = claim("s.ctl", pid=9, is_successor=True)
    assert new.path == str(tmp_path / "s.9.ctl")
    new.move_in(9)
    assert new.path == str(tmp_path / "s.9.ctl")
