"""The helpers that third parties import from `gunicorn.util`."""

from __future__ import annotations

import fcntl
import io
import os
import random
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from gunicorn import util
from tests.support.wait import PATIENCE


def test_http_date_ignores_the_locale() -> None:
    assert util.http_date(0) == "Thu, 01 Jan 1970 00:00:00 GMT"
    assert util.http_date(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT"
    assert util.http_date().endswith(" GMT")


def test_text_and_bytes() -> None:
    assert util.to_bytestring("é") == "é".encode()
    assert util.to_bytestring(b"x") == b"x"
    assert util.bytes_to_str(b"\xe9") == "é"
    assert util.bytes_to_str("x") == "x"
    assert util.unquote_to_wsgi_str("%C3%A9") == "Ã©"
    with pytest.raises(TypeError):
        util.to_bytestring(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("uri", "path", "query"), [("/a?b", "/a", "b"), ("//a/b?c", "//a/b", "c"), ("http://h/a", "/a", "")]
)
def test_split_request_uri(uri: str, path: str, query: str) -> None:
    parts = util.split_request_uri(uri)
    assert (parts.path, parts.query) == (path, query)


def test_arity() -> None:
    assert util.get_arity(lambda a, b=1, *c, d=2: None) == 2


def test_has_fileno() -> None:
    with open(os.devnull) as file:
        assert util.has_fileno(file)
    assert not util.has_fileno(io.BytesIO())
    assert not util.has_fileno(object())
    assert not util.has_fileno(SimpleNamespace(fileno=None))


@pytest.mark.parametrize(
    ("text", "is_one"), [("::1", True), ("fe80::1%lo", True), ("1.2.3.4", False), ("a:b", False), ("", False)]
)
def test_is_ipv6(text: str, is_one: bool) -> None:
    assert util.is_ipv6(text) is is_one


def test_warn_is_hard_to_overlook(capsys: pytest.CaptureFixture[str]) -> None:
    util.warn("one\n  two")
    assert capsys.readouterr().err == "!!!\n!!! WARNING: one\n!!! two\n!!!\n\n"


def test_files(tmp_path: Path) -> None:
    file = tmp_path / "f"
    util.check_is_writable(str(file))
    assert file.exists()
    util.unlink(str(file))
    util.unlink(str(file))
    with pytest.raises(RuntimeError, match="isn't writable"):
        util.check_is_writable(str(tmp_path / "no" / "f"))


def test_descriptor_flags() -> None:
    read, write = os.pipe()
    try:
        os.set_inheritable(read, True)
        util.close_on_exec(read)
        util.set_non_blocking(read)
        assert fcntl.fcntl(read, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
        assert not os.get_blocking(read)
    finally:
        os.close(read)
        os.close(write)


def test_getcwd_keeps_the_name_the_shell_uses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "release").mkdir()
    (tmp_path / "current").symlink_to("release")
    monkeypatch.chdir(tmp_path / "current")
    monkeypatch.setenv("PWD", str(tmp_path / "current"))
    assert util.getcwd() == str(tmp_path / "current")
    monkeypatch.setenv("PWD", "/usr")
    assert util.getcwd() == str(tmp_path / "release")


def test_seed_changes_the_sequence() -> None:
    state = random.getstate()
    util.seed()
    assert random.getstate() != state


def test_get_username() -> None:
    assert util.get_username(0) == "root"
    with pytest.raises(KeyError):
        util.get_username(2**31 - 5)


def test_fail_app_answers_500() -> None:
    seen: list[object] = []
    body = util.make_fail_app("broken é")({}, lambda *args: seen.append(args))
    assert body == ["broken é".encode()]
    assert seen == [
        (
            "500 Internal Server Error",
            [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", "9")],
        )
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("initgroups", [False, True])
def test_owner_of_the_process(initgroups: bool) -> None:
    code = (
        "import os; from gunicorn.util import set_owner_process; "
        f"os.setgroups([0, 4, 6]); set_owner_process(65534, 65534, {initgroups}); "
        "print(os.getresuid(), os.getresgid(), os.getgroups())"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(65534, 65534, 65534) (65534, 65534, 65534) [65534]"


# (user, group, initgroups, the groups of one that had 0, 4 and 6)
GROUPS = {
    "user alone": (65534, 0, False, "[0]"),
    "group alone": (0, 65534, False, "[65534]"),
    "a number without entry": (54321, 54321, True, "[54321]"),
    "nobody else": (0, 0, False, "[0, 4, 6]"),
    "not set": (None, None, False, "[0, 4, 6]"),
}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("case", GROUPS)
def test_supplementary_groups(case: str) -> None:
    user, group, initgroups, expected = GROUPS[case]
    code = (
        "import os; from gunicorn.util import set_owner_process; os.setgroups([0, 4, 6]); "
        f"set_owner_process({user}, {group}, {initgroups}); print(os.getgroups())"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == expected


@pytest.mark.parametrize("inherit", [False, True])
def test_daemonize(tmp_path: Path, inherit: bool) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    code = (
        "import os, sys; from gunicorn.util import daemonize\n"
        f"before = os.getpid(); daemonize({inherit}); print('printed', flush=True)\n"
        f"file = open({str(fifo)!r}, 'w')\n"
        "print(os.getpid() != before, os.getsid(0) not in (before, os.getpid()), file=file)\n"
    )
    root = Path(__file__).parents[2]
    with open(tmp_path / "out", "w") as out:
        process = subprocess.Popen([sys.executable, "-c", code], cwd=root, stdout=out, stderr=out)
        assert process.wait(PATIENCE) == 0
    # The daemon opens the other end: reading waits for it.
    assert fifo.read_text() == "True True\n"
    assert (tmp_path / "out").read_text() == ("printed\n" if inherit else "")
