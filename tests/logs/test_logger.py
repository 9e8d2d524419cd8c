"""Where log lines go: files, streams, syslog, logging.config, and what third parties replace."""

from __future__ import annotations

import io
import json
import logging
import logging.handlers
import os
import socket
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gunicorn.logs.handlers import LineHandler
from gunicorn.logs.logger import Logger
from gunicorn.logs.syslog import SyslogHandler
from gunicorn.logs.syslog_address import parse_syslog_address
from tests.logs.test_access_format import ENVIRON, REQUEST, RESPONSE, config
from tests.support.wait import PATIENCE

TOOK = timedelta(milliseconds=5)


def access(logger: Logger) -> None:
    logger.access(RESPONSE, REQUEST, ENVIRON, TOOK)


class TestFiles:
    def test_error_log(self, tmp_path: Path) -> None:
        path = tmp_path / "error.log"
        logger = Logger(config(errorlog=str(path), loglevel="warning"))
        logger.info("not this")
        logger.warning("but %s", "this")
        (line,) = path.read_text().splitlines()
        assert line.endswith(f"[{os.getpid()}] [WARNING] but this")
        assert line.startswith("[2")

    def test_access_log(self, tmp_path: Path) -> None:
        path = tmp_path / "access.log"
        logger = Logger(config(accesslog=str(path)))
        access(logger)
        assert '"GET /a/b?x=1 HTTP/1.1" 201 1024 "http://here/" "curl"' in path.read_text()

    def test_without_an_access_log_nothing_is_written(self, capfd: pytest.CaptureFixture[str]) -> None:
        access(Logger(config()))
        assert capfd.readouterr() == ("", "")

    def test_dash_is_stdout_for_access_and_stderr_for_errors(self, capfd: pytest.CaptureFixture[str]) -> None:
        logger = Logger(config(accesslog="-", access_log_format="%(m)s"))
        access(logger)
        logger.error("wrong")
        out, err = capfd.readouterr()
        assert out == "GET\n"
        assert err.endswith("[ERROR] wrong\n")

    def test_lines_of_many_writers_stay_whole(self, tmp_path: Path) -> None:
        path = tmp_path / "access.log"
        handlers = [LineHandler(str(path)) for _ in range(4)]

        def write(handler: LineHandler, letter: str) -> None:
            for _ in range(200):
                handler.write_line(letter * 3000)

        threads = [threading.Thread(target=write, args=pair) for pair in zip(handlers, "abcd", strict=True)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        lines = path.read_text().splitlines()
        assert len(lines) == 800
        assert all(line == line[0] * 3000 for line in lines)
        for handler in handlers:
            handler.close()

    def test_reopening(self, tmp_path: Path) -> None:
        path = tmp_path / "access.log"
        logger = Logger(config(accesslog=str(path)))
        access(logger)
        path.rename(tmp_path / "old.log")
        logger.reopen_files()
        access(logger)
        assert len(path.read_text().splitlines()) == 1
        assert len((tmp_path / "old.log").read_text().splitlines()) == 1

    def test_a_full_pipe_that_does_not_block_loses_nothing(self) -> None:
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        handler = LineHandler(None, os.fdopen(writer, "w"))
        collected = io.BytesIO()

        def drain() -> None:
            while data := os.read(reader, 4096):
                collected.write(data)

        thread = threading.Thread(target=drain)
        thread.start()
        for number in range(300):
            handler.write_line(f"{number:05d}" * 1000)
        handler.stream.close()
        thread.join()
        os.close(reader)
        lines = collected.getvalue().split()
        assert lines == [b"%05d" % number * 1000 for number in range(300)]

    def test_a_full_disk_is_told_of_once(self, capfd: pytest.CaptureFixture[str]) -> None:
        logger = Logger(config(accesslog="/dev/full", errorlog="-"))
        writer = logger.line_writer()
        assert writer is not None
        assert all(writer("a line\n") for _ in range(5))
        access(logger)
        (line,) = capfd.readouterr().err.splitlines()
        assert "Cannot write the access log" in line
        assert line.endswith("No space left on device")

    def test_a_full_disk_below_the_error_log(self, capfd: pytest.CaptureFixture[str]) -> None:
        logger = Logger(config(errorlog="/dev/full"))
        for number in range(5):
            logger.error("number %d", number)
        assert capfd.readouterr().err == "gunicorn: cannot write /dev/full: [Errno 28] No space left on device\n"

    def test_a_stream_without_a_descriptor(self) -> None:
        stream = io.StringIO()
        LineHandler(None, stream).write_line("text")
        assert stream.getvalue() == "text\n"


class TestReplacements:
    def test_a_subclass_that_changes_the_atoms(self, tmp_path: Path) -> None:
        class Mine(Logger):
            def atoms(self, *args: Any) -> dict[str, Any]:
                return {**super().atoms(*args), "m": "CHANGED"}

        path = tmp_path / "access.log"
        access(Mine(config(accesslog=str(path), access_log_format="%(m)s %(s)s")))
        assert path.read_text() == "CHANGED 201\n"

    def test_a_subclass_that_makes_all_by_itself(self, caplog: pytest.LogCaptureFixture) -> None:
        class Mine(Logger):
            def __init__(self, cfg: Any) -> None:
                self.cfg = cfg
                self.error_log = self.access_log = logging.getLogger("somebody's")

            def setup(self, cfg: Any) -> None:
                pass

        caplog.set_level(logging.INFO, "somebody's")
        logger = Mine(config(accesslog="-", access_log_format="%(m)s %(s)s"))
        assert logger.line_writer() is None
        access(logger)
        assert caplog.messages == ["GET 201"]
        assert logger.now().startswith("[")

    def test_handlers_of_others_get_the_atoms(self, caplog: pytest.LogCaptureFixture) -> None:
        logger = Logger(config(accesslog="-", access_log_format="%(m)s"))
        logger.access_log.addHandler(caplog.handler)
        access(logger)
        record = caplog.records[-1]
        assert record.getMessage() == "GET"
        assert isinstance(record.args, dict)
        assert record.args["U"] == "/a/b"

    def test_a_handler_that_is_added_later_is_heard(self, caplog: pytest.LogCaptureFixture) -> None:
        logger = Logger(config(accesslog="-", access_log_format="%(m)s"))
        logger.access_log.addHandler(caplog.handler)
        access(logger)
        assert caplog.records

    def test_a_format_that_fails_does_not_reach_the_request(self, capfd: pytest.CaptureFixture[str]) -> None:
        access(Logger(config(accesslog="-", access_log_format="%(q)d")))
        assert capfd.readouterr() == ("-\n", "")


class TestLoggingConfig:
    def test_dict(self, tmp_path: Path) -> None:
        path = tmp_path / "custom.log"
        handlers = {"file": {"class": "logging.FileHandler", "filename": str(path)}}
        loggers = {"gunicorn.access": {"level": "INFO", "handlers": ["file"], "propagate": False}}
        values = {"handlers": handlers, "loggers": loggers, "root": {"handlers": []}}
        logger = Logger(config(logconfig_dict=values, access_log_format="%(m)s"))
        access(logger)
        assert path.read_text() == "GET\n"
        path.rename(tmp_path / "old")
        logger.reopen_files()
        access(logger)
        assert path.read_text() == "GET\n"

    def test_json(self, tmp_path: Path) -> None:
        path, settings = tmp_path / "custom.log", tmp_path / "log.json"
        handlers = {"file": {"class": "logging.FileHandler", "filename": str(path)}}
        loggers = {"gunicorn.error": {"level": "INFO", "handlers": ["file"]}}
        settings.write_text(json.dumps({"handlers": handlers, "loggers": loggers, "root": {"handlers": []}}))
        Logger(config(logconfig_json=str(settings))).info("hello")
        assert path.read_text() == "hello\n"

    def test_ini(self, tmp_path: Path) -> None:
        path, settings = tmp_path / "custom.log", tmp_path / "log.ini"
        settings.write_text(
            "[loggers]\nkeys=root,access\n[handlers]\nkeys=file\n[formatters]\nkeys=f\n"
            "[logger_root]\nhandlers=file\n"
            "[logger_access]\nlevel=INFO\nhandlers=file\nqualname=gunicorn.access\npropagate=0\n"
            f"[handler_file]\nclass=FileHandler\nargs=({str(path)!r},)\nformatter=f\n"
            "[formatter_f]\nformat=<%(message)s>\n"
        )
        before = list(logging.root.handlers)
        try:
            access(Logger(config(logconfig=str(settings), access_log_format="%(m)s")))
        finally:
            logging.root.handlers[:] = before
        assert path.read_text() == "<GET>\n"

    @pytest.mark.parametrize(
        "changes",
        [
            {"logconfig": "/nowhere.ini"},
            {"logconfig_json": "/nowhere.json"},
            {"logconfig_dict": {"handlers": {"x": {"class": "no.such.Handler"}}}},
            {"logconfig_dict": {"version": 7}},
            {"syslog": True, "syslog_facility": "nonsense"},
            {"syslog": True, "syslog_addr": "pigeon://home"},
        ],
    )
    def test_mistakes_are_one_runtime_error(self, changes: dict[str, Any]) -> None:
        with pytest.raises(RuntimeError) as caught:
            Logger(config(**changes))
        assert "\n" not in str(caught.value)


class TestSyslog:
    def test_udp(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(("127.0.0.1", 0))
            server.settimeout(PATIENCE)
            address = f"udp://127.0.0.1:{server.getsockname()[1]}"
            values = {"syslog_facility": "local3", "access_log_format": "%(m)s"}
            logger = Logger(config(syslog=True, syslog_addr=address, **values))
            logger.info("hello")
            access(logger)
            # local3 is 19; info is 6.
            assert server.recv(1000).rstrip(b"\0") == b"<158>gunicorn.app.error [%d] hello" % os.getpid()
            assert server.recv(1000).rstrip(b"\0") == b"<158>gunicorn.app.access [%d] GET" % os.getpid()

    def test_access_lines_can_stay_out(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(("127.0.0.1", 0))
            server.settimeout(PATIENCE)
            address = f"udp://127.0.0.1:{server.getsockname()[1]}"
            changes = {"syslog_prefix": "mine", "disable_redirect_access_to_syslog": True}
            logger = Logger(config(syslog=True, syslog_addr=address, **changes))
            access(logger)
            logger.info("hello")
            assert b"gunicorn.mine.error" in server.recv(1000)

    def test_unix(self, tmp_path: Path) -> None:
        path = str(tmp_path / "log")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
            server.bind(path)
            server.settimeout(PATIENCE)
            Logger(config(syslog=True, syslog_addr=f"unix://{path}#dgram")).error("hello")
            assert b"hello" in server.recv(1000)

    def test_tcp(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(PATIENCE)
            address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
            Logger(config(syslog=True, syslog_addr=address)).error("hello")
            peer, _ = server.accept()
            with peer:
                peer.settimeout(PATIENCE)
                assert b"hello" in peer.recv(1000)

    def test_a_daemon_that_is_not_there_costs_one_line(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """At the start, and every ten seconds after that; when it comes, it gets its lines."""
        clock = [1000.0]
        monkeypatch.setattr("gunicorn.logs.syslog.time.monotonic", lambda: clock[0])
        monkeypatch.setattr(SyslogHandler, "_quiet_until", {})
        path, errors = tmp_path / "log", tmp_path / "errors"
        logger = Logger(config(syslog=True, syslog_addr=f"unix://{path}", errorlog=str(errors)))
        complaint = f"[ERROR] Cannot write to syslog at unix://{path}, its lines are lost: No such file or directory"

        def told() -> int:
            assert "Traceback" not in errors.read_text()
            return errors.read_text().count(complaint)

        assert told() == 1
        for _ in range(20):
            logger.info("hello")
            access(logger)
        assert told() == 1
        clock[0] += 10.0
        for _ in range(20):
            access(logger)
        assert told() == 2
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
            server.bind(str(path))
            server.settimeout(PATIENCE)
            logger.info("back again")
            assert b"back again" in server.recv(1000)
        path.unlink()
        clock[0] += 10.0
        logger.info("gone again")
        assert told() == 3

    def test_a_host_that_refuses_is_tried_again_later(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        clock = [1000.0]
        monkeypatch.setattr("gunicorn.logs.syslog.time.monotonic", lambda: clock[0])
        monkeypatch.setattr(SyslogHandler, "_quiet_until", {})
        errors = tmp_path / "errors"
        with socket.create_server(("127.0.0.9", 0)) as server:
            host, port = server.getsockname()
        logger = Logger(config(syslog=True, syslog_addr=f"tcp://{host}:{port}", errorlog=str(errors)))
        with socket.create_server((host, port)) as server:
            server.settimeout(PATIENCE)
            logger.info("too early")
            clock[0] += 10.0
            logger.info("in time")
            peer, _ = server.accept()
            with peer:
                peer.settimeout(PATIENCE)
                assert peer.recv(1000).startswith(b"<14>gunicorn.app.error [%d] in time" % os.getpid())
        assert errors.read_text().count("its lines are lost: Connection refused") == 1
        assert "Traceback" not in errors.read_text()

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("udp://localhost:514", (socket.SOCK_DGRAM, ("localhost", 514))),
            ("udp://Host", (socket.SOCK_DGRAM, ("host", 514))),
            ("tcp://[::1]:99", (socket.SOCK_STREAM, ("::1", 99))),
            ("unix:///dev/log", (None, "/dev/log")),
            ("unix:///dev/log#stream", (socket.SOCK_STREAM, "/dev/log")),
            ("unix:///dev/log#dgram", (socket.SOCK_DGRAM, "/dev/log")),
        ],
    )
    def test_addresses(self, text: str, expected: Any) -> None:
        assert parse_syslog_address(text) == expected

    @pytest.mark.parametrize("text", ["localhost:514", "unix:/dev/log", "unix:///x#what", "udp://h:port", ""])
    def test_wrong_addresses(self, text: str) -> None:
        with pytest.raises(RuntimeError):
            parse_syslog_address(text)


def test_capture_output(make_server: Any) -> None:
    app = """
        import os, sys
        def app(environ, start_response):
            print("printed by the application", flush=True)
            os.system("echo said by a child >&2")
            start_response("200 OK", [("Content-Length", "0")])
            return []
    """
    server = make_server(app, "--capture-output", "--error-logfile", "error.log")
    server.spawn()
    path = server.folder / "error.log"

    from tests.support.wait import wait_until
    from tests.support.wire import get

    wait_until(lambda: path.exists() and "Booting" in path.read_text(), what="the error log")
    port = int(path.read_text().partition("127.0.0.1:")[2].partition(" ")[0])
    get(("127.0.0.1", port), "/")
    wait_until(lambda: "said by a child" in path.read_text(), what="the output in the error log")
    assert "printed by the application" in path.read_text()
    assert server.log() == ""
    server.stop()


def test_levels_by_name() -> None:
    stream = io.StringIO()
    logger = Logger(config(loglevel="debug"))
    logger.error_log.addHandler(logging.StreamHandler(stream))
    logger.log("debug", "one %s", 1)
    logger.log(logging.ERROR, "two")
    assert stream.getvalue() == "one 1\ntwo\n"


def test_setup_again_leaves_one_handler(tmp_path: Path) -> None:
    logger = Logger(config(accesslog=str(tmp_path / "a"), errorlog=str(tmp_path / "e")))
    logger.setup(config(accesslog=None, errorlog=str(tmp_path / "e2")))
    assert logger.access_log.handlers == []
    assert [getattr(handler, "path", None) for handler in logger.error_log.handlers] == [str(tmp_path / "e2")]
