"""`wsgi.errors` is a text stream: what programs do with one works, into the error log."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.wsgi.error_stream import ErrorStream
from tests.conftest import Serve
from tests.support.server import BOOTED
from tests.support.wait import PATIENCE, wait_until
from tests.support.wire import Wire


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[ErrorStream]:
    cfg = Config()
    cfg.set("errorlog", str(tmp_path / "log"))
    log = Logger(cfg)
    yield ErrorStream(log)
    log._drop_own_handlers(log.error_log)


def test_it_writes_into_the_error_log(stream: ErrorStream, tmp_path: Path) -> None:
    print("printed", "here", file=stream)
    assert stream.write("caf\u00e9\n") == 5
    stream.writelines(["a", "b\n"])
    stream.flush()
    assert (tmp_path / "log").read_bytes() == b"printed here\ncaf\xc3\xa9\nab\n"


def test_what_a_text_stream_tells(stream: ErrorStream, tmp_path: Path) -> None:
    assert isinstance(stream, io.TextIOBase)
    assert (stream.readable(), stream.writable(), stream.seekable()) == (False, True, False)
    assert (stream.encoding, stream.errors, stream.newlines, stream.mode) == ("utf-8", "backslashreplace", None, "w")
    assert not stream.isatty()
    assert os.path.samestat(os.fstat(stream.fileno()), os.stat(tmp_path / "log"))
    assert not hasattr(stream, "buffer")


def test_it_stays_open_whoever_closes_it(stream: ErrorStream, tmp_path: Path) -> None:
    with stream:
        stream.close()
    assert not stream.closed
    stream.write("on")
    assert (tmp_path / "log").read_text() == "on"


def test_what_cannot_be_read_or_written_is_refused(stream: ErrorStream) -> None:
    with pytest.raises(TypeError):
        stream.write(b"octets")  # type: ignore[arg-type]
    for name in ("read", "readline", "detach"):
        with pytest.raises(io.UnsupportedOperation):
            getattr(stream, name)()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_fails_no_application(capfd: pytest.CaptureFixture[str]) -> None:
    cfg = Config()
    cfg.set("errorlog", "/dev/full")
    log = Logger(cfg)
    try:
        stream = ErrorStream(log)
        assert [stream.write("a line\n") for _ in range(3)] == [7, 7, 7]
        assert capfd.readouterr().err == "gunicorn: cannot write /dev/full: [Errno 28] No space left on device\n"
    finally:
        log._drop_own_handlers(log.error_log)


def test_a_broken_stream_of_somebody_elses_fails_no_application(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w", buffering=1) as broken:
        monkeypatch.setattr("sys.stderr", broken)
        assert ErrorStream(None).write("a line\n") == 7
        # What is left in its buffer has a place to go.
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, writer)
        os.close(null)


def test_without_a_descriptor(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log whose handlers are somebody's own, without streams: standard error, here a test's."""
    stand_in = io.StringIO()
    monkeypatch.setattr("sys.stderr", stand_in)
    stream = ErrorStream(None)
    print("there", file=stream)
    assert stand_in.getvalue() == "there\n"
    assert not stream.isatty()
    assert not hasattr(stream, "buffer")
    with pytest.raises(io.UnsupportedOperation):
        stream.fileno()


APP = '''
import faulthandler, logging

def app(environ, start_response):
    errors = environ["wsgi.errors"]
    print("PRINTED", file=errors)
    logging.StreamHandler(errors).emit(logging.makeLogRecord({"msg": "LOGGED"}))
    faulthandler.dump_traceback(errors)
    start_response("200 OK", [("Content-Length", "0")])
    return []
'''


@pytest.mark.parametrize("where", ["-", "errors.log"])
def test_printing_logging_and_faulthandler(make_server: Serve, where: str) -> None:
    name = f"gunicorn-test-{os.getpid()}"
    server = make_server(APP, "--log-file", where, bind=f"unix:@{name}", expect_traceback=True).spawn()
    path = server.log_path if where == "-" else server.folder / where
    wait_until(lambda: path.exists() and BOOTED in path.read_text(), PATIENCE, server.describe)
    with Wire("\0" + name) as wire:
        wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert wire.read_response().status == 200
    words = ("PRINTED\n", "LOGGED\n", "most recent call first")
    wait_until(lambda: all(word in path.read_text() for word in words), PATIENCE, server.describe)
