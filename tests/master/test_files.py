"""Whose the workers are, and what permissions the server's files have."""

from __future__ import annotations

import ast
import grp
import os
import pwd
import stat
from pathlib import Path

import pytest

from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.pidfile import Pidfile
from tests.conftest import Serve
from tests.support.server import BOOTED
from tests.support.wait import PATIENCE, wait_until
from tests.support.wire import Wire

WHO = '''
import os

def app(environ, start_response):
    body = repr((os.getuid(), os.getgid(), sorted(os.getgroups()))).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
'''


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(("umask", "log", "pid"), [(0, 0o644, 0o644), (0o027, 0o640, 0o640), (0o077, 0o600, 0o600)])
def test_umask_of_logs_and_pid_file(umask: int, log: int, pid: int, make_server: Serve) -> None:
    words = [] if not umask else ["--umask", oct(umask)]
    before = os.umask(0o022)
    try:
        server = make_server(WHO, *words, "--log-file", "errors", "--access-logfile", "access", "--pid", "pid")
        server.spawn()
    finally:
        os.umask(before)
    wait_until(lambda: (server.folder / "pid").exists() and BOOTED in _text(server.folder / "errors"), PATIENCE,
               server.describe)
    assert [mode_of(server.folder / name) for name in ("errors", "access", "pid")] == [log, log, pid]


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def test_the_umask_holds_for_a_log_that_is_reopened_and_a_pid_file_that_moves(tmp_path: Path) -> None:
    cfg = Config()
    cfg.set("umask", 0o077)
    cfg.set("errorlog", str(tmp_path / "log"))
    log = Logger(cfg)
    (tmp_path / "log").rename(tmp_path / "log.1")
    log.reopen_files()
    assert mode_of(tmp_path / "log") == 0o600
    log._drop_own_handlers(log.error_log)
    pidfile = Pidfile(str(tmp_path / "pid"), 0o077)
    pidfile.create(os.getpid())
    pidfile.rename(str(tmp_path / "moved"))
    assert mode_of(tmp_path / "moved") == 0o600


def an_account() -> pwd.struct_passwd | None:
    """A user with a group of their own, who is a member of others if there is such a one."""
    found = [entry for entry in pwd.getpwall() if entry.pw_uid and entry.pw_gid]
    members = {name for group in grp.getgrall() for name in group.gr_mem}
    return max(found, key=lambda entry: entry.pw_name in members, default=None)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_user_without_a_group_has_its_own(make_server: Serve) -> None:
    account = an_account()
    if account is None:
        pytest.skip("there is no user with a group of its own")
    uid, gid, groups = account.pw_uid, account.pw_gid, sorted(os.getgrouplist(account.pw_name, account.pw_gid))
    cases: list[tuple[list[str], tuple[int, int, list[int]]]] = [
        (["-u", account.pw_name], (uid, gid, groups)),
        (["-u", str(uid)], (uid, gid, groups)),
        # A group that is named is the only one, be it that of the master.
        (["-u", account.pw_name, "-g", "54321"], (uid, 54321, [54321])),
        (["-u", account.pw_name, "-g", "0"], (uid, 0, [0])),
        # Nobody's number: there is no account to ask.
        (["-u", "54321"], (54321, os.getegid(), [os.getegid()])),
    ]
    for number, (words, expected) in enumerate(cases):
        # In a folder that everybody may enter.
        path = f"\0gunicorn-test-{os.getpid()}-{number}"
        server = make_server(WHO, *words, bind=f"unix:@{path[1:]}", config="preload_app = True\n").start()
        with Wire(path) as wire:
            wire.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            seen = wire.read_response().body.decode()
        uid_seen, gid_seen, groups_seen = ast.literal_eval(seen)
        assert (uid_seen, gid_seen) == expected[:2], words
        assert set(groups_seen) <= set(expected[2]), words
        if len(expected[2]) > 1:
            assert groups_seen == expected[2], words
        assert server.stop() == 0
