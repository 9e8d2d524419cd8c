"""Stacks that are asked for without waiting: the answer, none, and a second question before the first answer."""

from __future__ import annotations

import os
import signal
import time
import warnings
from collections.abc import Callable, Iterator

import pytest

from gunicorn.instrument import stacks
from gunicorn.instrument.stacks import ANSWER_SECONDS, StackFile, StackQuestion
from tests.support.wait import wait_until

pytestmark = pytest.mark.skipif(not stacks.SIGNAL or not hasattr(os, "memfd_create"), reason="nobody can be asked here")


def outermost() -> None:
    """Where the life of nobody here begins."""


def one_work() -> None:
    while True:
        time.sleep(0.01)


def another_work() -> None:
    while True:
        time.sleep(0.01)


def busy_child(file: StackFile, listens: bool, work: Callable[[], None] = one_work) -> int:
    with warnings.catch_warnings():
        # Of a library that another test has imported.
        warnings.simplefilter("ignore")
        pid = os.fork()
    if pid:
        return pid
    try:
        if listens:
            file.listen()
        work()
    finally:
        os._exit(1)


@pytest.fixture
def file() -> Iterator[StackFile]:
    made = StackFile(outermost)  # type: ignore[arg-type]
    yield made
    os.close(made._fd)


def listening(file: StackFile, work: Callable[[], None]) -> Iterator[int]:
    pid = busy_child(file, True, work)
    wait_until(lambda: stacks.listens(pid))
    yield pid
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


@pytest.fixture
def child(file: StackFile) -> Iterator[int]:
    yield from listening(file, one_work)


@pytest.fixture
def other(file: StackFile) -> Iterator[int]:
    yield from listening(file, another_work)


def answer(question: StackQuestion, word: str) -> str:
    """What is answered, with `word` in it: on a machine that others use the first lines may come long before it."""
    found = ""

    def is_there() -> bool:
        nonlocal found
        found = question.look() or ""
        return word in found

    wait_until(is_there)
    return found


def test_an_answer_comes_by_itself(file: StackFile, child: int) -> None:
    question = StackQuestion(file, child)
    assert question.look() is None, "so soon nobody looks"
    assert answer(question, "in one_work")
    assert wait_until(lambda: "in one_work" in file.ask(child))


def test_two_questions_have_their_turns(file: StackFile, child: int, other: int) -> None:
    first, second = StackQuestion(file, child), StackQuestion(file, other)
    assert second.look() is None
    assert answer(first, "in one_work")
    assert "in one_work" not in answer(second, "in another_work")


def test_a_question_that_nobody_looks_after_holds_up_no_other(file: StackFile, child: int, other: int) -> None:
    now = [1000.0]
    first, second = StackQuestion(file, child, lambda: now[0]), StackQuestion(file, other, lambda: now[0])
    wait_until(lambda: file.size)
    now[0] += ANSWER_SECONDS
    assert second.look() is None
    assert first.look() is None, "it is another one's turn"
    now[0] += ANSWER_SECONDS
    assert second.look() is not None
    assert first.look() is None
    assert file.asked == 3, "the first one is asked once more"
    now[0] += ANSWER_SECONDS
    assert first.look() is not None
    # Whoever is asked while it still writes an answer does not hear that: so it may have been here.
    assert wait_until(lambda: "in one_work" in file.ask(child))


def test_one_that_stands_still_does_not_answer(file: StackFile, child: int) -> None:
    os.kill(child, signal.SIGSTOP)
    wait_until(lambda: os.waitpid(child, os.WUNTRACED | os.WNOHANG)[0] == child)
    now = [1000.0]
    question = StackQuestion(file, child, lambda: now[0])
    now[0] += ANSWER_SECONDS / 2
    assert question.look() is None
    now[0] += ANSWER_SECONDS / 2
    assert question.look() == ""


def test_one_that_does_not_listen_is_not_ended_by_the_question(file: StackFile) -> None:
    pid = busy_child(file, False)
    try:
        assert (StackQuestion(file, pid).look(), file.ask(pid)) == ("", "")
        assert os.waitpid(pid, os.WNOHANG) == (0, 0)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    assert StackQuestion(file, pid).look() == ""
