"""A profile as the master takes it: what workers have written, those that have not or are gone, and one at a time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from gunicorn.instrument import profile_file
from gunicorn.instrument.profile_file import (
    GRACE_SECONDS,
    LEASE_SECONDS,
    TEXT_ROOM,
    Profile,
    Profiled,
    ProfileFile,
    ProfileInUse,
    Taken,
)
from gunicorn.instrument.scoreboard import Scoreboard
from tests.control.test_session import Talk
from tests.support.wait import PATIENCE

pytestmark = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="nobody can be profiled here")

BUSY = "A profile is being taken; one at a time"


def outermost() -> None:
    """Where the life of nobody here begins."""


class Workers:
    """Two workers that write what they are told to, and a master with a clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0
        board = Scoreboard()
        self.pages = {11: board.allocate(1), 12: board.allocate(1)}
        self.file = ProfileFile(outermost, lambda: self.now)  # type: ignore[arg-type]
        self.called: list[int] = []
        self.file._call = self.called.append  # type: ignore[method-assign]
        self.writes = 0

    def write(self, pid: int, text: str, seconds: float = 5.0, done: bool = True, number: int = 0) -> Taken:
        self.writes += 1
        page, data = self.pages[pid], text.encode()
        head = Taken(number or self.file.number, pid, self.writes, len(data), int(seconds * 100), 7, int(done))
        room = page.index * profile_file._ROOM
        os.pwrite(self.file._fd, data, room + head.text_at)
        os.pwrite(self.file._fd, head.packed(), room)
        return head

    def begin(self) -> Profile:
        return self.file.begin(self.pages, 5.0)

    def result(self, profile: Profile) -> Profiled:
        """After as many looks as it takes."""
        for _ in self.pages:
            found = profile.look(self.pages)
            if found is not None:
                return found
        raise AssertionError("it is not complete")


@pytest.fixture
def workers() -> Iterator[Workers]:
    made = Workers()
    yield made
    os.close(made.file._fd)


def test_all_that_was_written_is_added_up(workers: Workers) -> None:
    profile = workers.begin()
    assert workers.called == [11, 12]
    assert profile.look(workers.pages) is None
    workers.write(11, "a;b 3\na 1\n")
    workers.write(12, "a;b 4\n")
    workers.now += 5.0
    assert profile.look(workers.pages) is None, "one at each look"
    assert profile.due == workers.now
    found = profile.look(workers.pages)
    assert found is not None
    assert dict(found.counts) == {"a;b": 7, "a": 1}
    assert [(each.pid, each.seconds, each.idle, each.problem) for each in found.shares] == [
        (11, 5.0, 7, ""), (12, 5.0, 7, "")
    ]
    assert os.fstat(workers.file._fd).st_size == 0


def test_workers_go_on_as_long_as_somebody_looks(workers: Workers) -> None:
    profile = workers.begin()
    page = workers.pages[11]
    assert (page.profile, page.profile_until) == (1, workers.now + LEASE_SECONDS)
    workers.now += 1.0
    assert page.profile_until == 1000.0 + LEASE_SECONDS
    profile.look(workers.pages)
    assert page.profile_until == workers.now + LEASE_SECONDS
    workers.now += 3.5
    profile.look(workers.pages)
    assert page.profile_until == 1005.0, "not longer than was asked for"


@pytest.mark.parametrize(
    ("writes", "lives", "problem"),
    [
        (None, True, "it has not answered"),
        (None, False, "it has ended"),
        ((2.0, False), True, "it has not been heard after 2.0 s"),
        ((2.0, False), False, "it has ended after 2.0 s"),
        ((2.0, True), False, "it has ended after 2.0 s"),
        ((2.0, True), True, "it has not been heard after 2.0 s"),
        ((4.9, True), True, ""),
    ],
)
def test_what_is_missing(workers: Workers, writes: Any, lives: bool, problem: str) -> None:
    profile = workers.begin()
    workers.write(11, "a 1\n")
    if writes:
        workers.write(12, "a 1\n", *writes)
    if not lives:
        del workers.pages[12]
    workers.now += 5.0 + GRACE_SECONDS
    workers.pages.setdefault(13, Scoreboard().allocate(1))
    found = workers.result(profile)
    assert [each.problem for each in found.shares] == ["", problem]
    assert dict(found.counts) == {"a": 1 + bool(writes)}


def test_one_that_writes_late_is_waited_for(workers: Workers) -> None:
    profile = workers.begin()
    workers.write(11, "a 1\n")
    workers.write(12, "a 1\n", 4.0, False)
    workers.now += 5.0
    assert profile.look(workers.pages) is None
    assert profile.look(workers.pages) is None
    assert profile.due > workers.now
    workers.write(12, "a 5\n")
    found = profile.look(workers.pages)
    assert found is not None
    assert dict(found.counts) == {"a": 6}


def test_one_that_is_killed_while_it_writes_has_written_what_it_had(workers: Workers) -> None:
    profile = workers.begin()
    workers.write(12, "b 1\n")
    head = workers.write(11, "a 1\n", 1.0, False)
    page = workers.pages.pop(11)
    room = page.index * profile_file._ROOM
    os.pwrite(workers.file._fd, b"half of", room + head.replaced(writes=head.writes + 1).text_at)
    workers.now += 5.0
    assert profile.look(workers.pages) is None
    found = profile.look(workers.pages)
    assert found is not None
    assert dict(found.counts) == {"a": 1, "b": 1}


def test_what_was_written_for_another_profile_is_not_read(workers: Workers) -> None:
    profile = workers.begin()
    workers.write(11, "a 1\n")
    workers.write(12, "a 1\n", number=77)
    workers.now += 5.0 + GRACE_SECONDS
    assert [each.problem for each in workers.result(profile).shares] == ["", "it has not answered"]


def test_a_head_that_is_being_written_is_none() -> None:
    head = Taken(1, 11, 3, 5, 6, 7, 1)
    assert Taken.unpacked(head.packed()) == head
    assert Taken.unpacked(head.packed()[:-8] + head.replaced(writes=2).packed()[-8:]) is None
    assert (Taken.unpacked(bytes(64)), Taken.unpacked(b"")) == (None, None)


def test_a_length_that_cannot_be(workers: Workers) -> None:
    workers.begin()
    head = workers.write(11, "a 1\n").replaced(length=1 << 62)
    assert len(workers.file.text(workers.pages[11].index, head)) <= TEXT_ROOM


def test_one_at_a_time(workers: Workers) -> None:
    first = workers.begin()
    with pytest.raises(ProfileInUse):
        workers.begin()
    workers.now += LEASE_SECONDS
    first.look(workers.pages)
    with pytest.raises(ProfileInUse):
        workers.begin()
    workers.now += LEASE_SECONDS
    second = workers.begin()
    assert workers.called == [11, 12, 11, 12]
    with pytest.raises(ProfileInUse):
        first.look(workers.pages)
    assert second.look(workers.pages) is None


def test_the_next_one_comes_as_soon_as_one_is_read(workers: Workers) -> None:
    profile = workers.begin()
    workers.now += 5.0 + GRACE_SECONDS
    workers.result(profile)
    workers.begin()


# The command.


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("profile 99", "Worker 99 not found"),
        ("profile some", "Invalid argument: invalid literal for int() with base 10: 'some'"),
        ("profile all x", "Invalid argument: Invalid number of seconds: x"),
        ("profile all -1", "Invalid argument: Invalid number of seconds: -1"),
    ],
)
def test_wrong_words(command: str, error: str) -> None:
    talk = Talk()
    assert talk.ask(command)["error"] == error
    assert talk.orders.done == []


@pytest.mark.parametrize(
    ("command", "order"),
    [
        # The other one boots.
        ("profile", ("profile", 11, 10.0)),
        ("profile all 5", ("profile", 11, 5.0)),
        ("profile ALL 0", ("profile", 11, 0.1)),
        ("profile 12 9999", ("profile", 12, 600.0)),
    ],
)
def test_words(command: str, order: tuple[object, ...]) -> None:
    talk = Talk()
    talk.send(command)
    assert talk.turn() == []
    assert talk.orders.done == [order]
    other = Talk()
    other.orders = talk.orders
    other.session._orders = talk.orders
    assert other.ask("profile")["error"] == BUSY
    talk.orders.now += order[-1] + GRACE_SECONDS  # type: ignore[operator]
    (answer,) = talk.turn()
    assert answer["data"] == {
        "seconds": order[-1], "hertz": 100, "samples": 0, "stacks": {},
        "workers": [{"pid": order[1], "seconds": 0.0, "idle": 0, "problem": "it has not answered"}],
    }


def test_nobody_to_be_profiled() -> None:
    talk = Talk()
    talk.orders.changes = {"workers": ()}
    assert talk.ask("profile")["error"] == "No worker is ready"


# In a worker.

FORKS = """
import os, signal, sys, threading, time
from gunicorn.instrument import profile_file
from gunicorn.instrument.scoreboard import Scoreboard

def live():
    pass

file, page = profile_file.ProfileFile(live), Scoreboard().allocate(1)
file.listen(page)
usual = sys.getswitchinterval()
page.profile, page.profile_until = 1, time.monotonic() + 60
os.kill(os.getpid(), profile_file.SIGNAL)
while sys.getswitchinterval() == usual:
    time.sleep(0.01)
read, write = os.pipe()
if os.fork() == 0:
    os.write(write, b"same" if sys.getswitchinterval() == usual else b"other")
    os._exit(0)
os.wait()
print(os.read(read, 5).decode())
page.profile_until = 0.0
while sys.getswitchinterval() != usual or not (head := file.head(page.index)) or not head.done:
    time.sleep(0.01)
print(head.number, head.pid == os.getpid())
"""


def test_a_thread_leaves_nothing_behind() -> None:
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKS], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert run.stdout.split() == ["same", "1", "True"], run.stderr
