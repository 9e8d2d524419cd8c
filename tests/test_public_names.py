"""What hooks, workers, loggers and tools of third parties import: each name is there, and is of its kind."""

from __future__ import annotations

import inspect
import subprocess
import sys
from importlib import import_module
from typing import Any

import pytest

#: Module: the names of its classes, exceptions, functions and values.
NAMES: dict[str, dict[str, str]] = {
    "gunicorn": {"values": "SERVER SERVER_SOFTWARE __version__ version_info"},
    "gunicorn.app.base": {"classes": "Application BaseApplication"},
    "gunicorn.app.wsgiapp": {"classes": "WSGIApplication", "functions": "run"},
    "gunicorn.arbiter": {"classes": "Arbiter", "values": "SERVER_SOFTWARE"},
    "gunicorn.config": {
        "classes": "Config Setting AccessLog Bind PreRequest WorkerClass Workers",
        "functions": "auto_int get_default_config_file make_settings validate_asgi_lifespan validate_asgi_loop "
        "validate_bool validate_callable validate_chdir validate_class validate_dict validate_file_exists "
        "validate_group validate_header_map_behaviour validate_http2_cleartext validate_http2_frame_size "
        "validate_http2_stream_limit validate_http2_window_size validate_http_parser validate_http_protocols "
        "validate_list_of_files_or_patterns validate_list_string validate_pos_int validate_post_request "
        "validate_proxy_protocol validate_reload_engine validate_ssl_version validate_statsd_address validate_string "
        "validate_string_to_addr_list validate_string_to_list validate_user",
        "values": "KNOWN_SETTINGS PLATFORM",
    },
    "gunicorn.debug": {"classes": "Spew", "functions": "spew unspew"},
    "gunicorn.errors": {"exceptions": "AppImportError ConfigError HaltServer"},
    "gunicorn.glogging": {
        "classes": "Logger SafeAtoms", "functions": "loggers parse_syslog_address",
        "values": "CONFIG_DEFAULTS SYSLOG_FACILITIES",
    },
    "gunicorn.http": {"classes": "Message Request RequestParser", "functions": "get_parser"},
    "gunicorn.http.body": {"classes": "Body ChunkedReader EOFReader LengthReader"},
    "gunicorn.http.errors": {
        "exceptions": "ChunkMissingTerminator ConfigurationProblem ExpectationFailed ForbiddenProxyRequest "
        "InvalidChunkExtension InvalidChunkSize InvalidH2CPreface InvalidHTTPVersion InvalidHeader InvalidHeaderName "
        "InvalidProxyHeader InvalidProxyLine InvalidRequestLine InvalidRequestMethod InvalidResponseHeader "
        "InvalidResponseHeaderName InvalidSchemeHeaders LimitRequestHeaders LimitRequestLine NoMoreData "
        "ObsoleteFolding ParseException UnsupportedTransferCoding",
    },
    "gunicorn.http.message": {
        "classes": "Message Request Body ChunkedReader EOFReader LengthReader",
        "exceptions": "InvalidHeader InvalidHeaderName InvalidRequestLine LimitRequestHeaders LimitRequestLine "
        "NoMoreData",
        "functions": "bytes_to_str split_request_uri",
        "values": "DEFAULT_MAX_HEADERFIELD_SIZE MAX_HEADERS MAX_REQUEST_LINE METHOD_BADCHAR_RE TOKEN_RE VERSION_RE",
    },
    "gunicorn.http.parser": {"classes": "Parser RequestParser"},
    "gunicorn.http.unreader": {"classes": "IterUnreader SocketUnreader Unreader"},
    "gunicorn.http.wsgi": {
        "classes": "FileWrapper Response WSGIErrorsWrapper",
        "exceptions": "ConfigurationProblem InvalidResponseHeader InvalidResponseHeaderName",
        "functions": "base_environ create default_environ proxy_environ",
        "values": "BLKSIZE HEADER_VALUE_RE SERVER SERVER_SOFTWARE STATUS_RE TOKEN_RE log",
    },
    "gunicorn.instrument.statsd": {
        "classes": "Statsd",
        "values": "COUNTER_TYPE GAUGE_TYPE HISTOGRAM_TYPE METRIC_VAR MTYPE_VAR TIMER_TYPE VALUE_VAR",
    },
    "gunicorn.pidfile": {"classes": "Pidfile"},
    "gunicorn.reloader": {
        "classes": "InotifyReloader Reloader ReloaderBase preferred_reloader",
        "values": "COMPILED_EXT_RE has_inotify reloader_engines",
    },
    "gunicorn.sock": {
        "classes": "BaseSocket TCP6Socket TCPSocket UnixSocket",
        "functions": "close_sockets create_sockets ssl_context ssl_wrap_socket",
    },
    "gunicorn.systemd": {"functions": "listen_fds sd_notify", "values": "SD_LISTEN_FDS_START"},
    "gunicorn.util": {
        "exceptions": "AppImportError",
        "functions": "_setproctitle bytes_to_str check_is_writable chown close close_graceful close_on_exec daemonize "
        "get_arity get_username getcwd has_fileno http_date import_app is_glob_pattern is_hoppish is_ipv6 load_class "
        "make_fail_app parse_address reraise seed set_non_blocking set_owner_process split_request_uri to_bytestring "
        "unlink unquote_to_wsgi_str warn write write_chunk write_error write_nonblock",
        "values": "REDIRECT_TO SUPPORTED_WORKERS hop_headers",
    },
    "gunicorn.workers": {"values": "SUPPORTED_WORKERS"},
    "gunicorn.workers.base": {"classes": "Worker"},
    "gunicorn.workers.base_async": {"classes": "AsyncWorker", "values": "ALREADY_HANDLED"},
    "gunicorn.workers.gasgi": {"classes": "ASGIWorker"},
    "gunicorn.workers.ggevent": {
        "classes": "GeventPyWSGIWorker GeventResponse GeventWorker PyWSGIHandler PyWSGIServer PyWSGIWorker",
        "values": "VERSION",
    },
    "gunicorn.workers.geventlet": {"classes": "EventletWorker"},
    "gunicorn.workers.gthread": {"classes": "TConn ThreadWorker"},
    "gunicorn.workers.gtornado": {"classes": "TornadoWorker"},
    "gunicorn.workers.sync": {"classes": "SyncWorker", "exceptions": "StopWaiting"},
    "gunicorn.workers.workertmp": {"classes": "WorkerTmp"},
}

_WORKER = "handle_abort handle_error handle_exit handle_quit handle_usr1 handle_winch init_process init_signals " \
    "load_wsgi notify run SIGNALS PIPE"

#: Class: what is called on it, or replaced in a subclass.
MEMBERS: dict[str, str] = {
    "gunicorn.arbiter.Arbiter": "APP_LOAD_ERROR LISTENERS SIGNALS SIG_NAMES START_CTX WORKERS WORKER_BOOT_ERROR halt "
    "handle_chld handle_hup handle_int handle_quit handle_term handle_ttin handle_ttou handle_usr1 handle_usr2 "
    "handle_winch init_signals kill_worker kill_workers manage_workers maybe_promote_master murder_workers "
    "num_workers reap_workers reexec reload run setup signal spawn_worker spawn_workers start stop wakeup",
    "gunicorn.glogging.Logger": "LOG_LEVELS loglevel error_fmt datefmt access_fmt syslog_fmt atoms_wrapper_class "
    "access access_log_enabled atoms close_on_exec critical debug error exception info log now reopen_files setup "
    "warning",
    "gunicorn.http.Request": "parse parse_headers parse_request_line set_body_reader should_close force_close",
    "gunicorn.http.RequestParser": "mesg_class finish_body __iter__ __next__ next",
    "gunicorn.http.body.Body": "read readline readlines __iter__ __next__ next getsize",
    "gunicorn.http.unreader.Unreader": "chunk read unread take_buffered",
    "gunicorn.http.wsgi.Response": "can_sendfile close default_headers force_close is_chunked process_headers "
    "send_headers sendfile should_close start_response write write_file status_code",
    "gunicorn.workers.base.Worker": _WORKER,
    "gunicorn.workers.base_async.AsyncWorker": _WORKER + " handle handle_request is_already_handled timeout_ctx",
    "gunicorn.workers.sync.SyncWorker": _WORKER + " accept handle handle_request is_parent_alive run_for_multiple "
    "run_for_one wait",
    "gunicorn.workers.gthread.ThreadWorker": _WORKER + " accept enqueue_req finish_request get_thread_pool handle "
    "handle_request is_parent_alive",
    "gunicorn.workers.gthread.TConn": "close init set_timeout",
    "gunicorn.workers.ggevent.GeventWorker": _WORKER + " handle handle_request is_already_handled patch server_class "
    "timeout_ctx wsgi_handler setup",
    "gunicorn.workers.geventlet.EventletWorker": _WORKER + " handle handle_request is_already_handled patch setup "
    "timeout_ctx",
}


def kind_of(value: Any) -> str:
    if inspect.isclass(value):
        return "exceptions" if issubclass(value, BaseException) else "classes"
    return "functions" if inspect.isroutine(value) else "values"


@pytest.mark.parametrize("module", NAMES)
def test_names(module: str) -> None:
    found = import_module(module)
    for kind, names in NAMES[module].items():
        for name in names.split():
            # Without the import statement's own ways.
            value = getattr(found, name)
            assert kind_of(value) == kind, f"{module}.{name}"


@pytest.mark.parametrize("path", MEMBERS)
def test_members(path: str) -> None:
    module, _, name = path.rpartition(".")
    kind = getattr(import_module(module), name)
    missing = [member for member in MEMBERS[path].split() if not hasattr(kind, member)]
    assert missing == []


def test_each_of_them_by_a_statement() -> None:
    """In a process of its own, in any order: no module needs another one to be there first."""
    lines = [
        f"from {module} import {name}"
        for module, kinds in reversed(NAMES.items()) for names in kinds.values() for name in names.split()
    ]
    subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True)


@pytest.mark.parametrize(
    "module", ["gunicorn.http", "gunicorn.http.body", "gunicorn.http.parser", "gunicorn.workers.ggevent"])
def test_a_name_that_is_none(module: str) -> None:
    with pytest.raises(AttributeError, match=f"module '{module}' has no attribute 'nothing'"):
        import_module(module).nothing  # noqa: B018
