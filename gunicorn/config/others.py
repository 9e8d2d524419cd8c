"""Settings of other servers, and what ours are called: for who comes from there.

Read only where a flag, a name in a file or a variable is met that is no setting of ours.
"""

from __future__ import annotations

from gunicorn._record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .setting import Setting

__all__ = ["Foreign", "find", "flag_hint", "name_hint", "variable_hints"]

# By server: the name there, the setting here, and the form of its value where that is another one. What has no server
# is what people try.
_SETTINGS: dict[str, dict[str, str]] = {
    "": {
        "host": "bind HOST:PORT",
        "port": "bind HOST:PORT",
        "listen": "bind HOST:PORT",
        "address": "bind HOST:PORT",
        "socket": "bind unix:PATH",
        "uds": "bind unix:PATH",
        "unix_socket": "bind unix:PATH",
        "fd": "bind fd://N",
        "worker": "workers",
        "processes": "workers",
        "pid_file": "pidfile",
        "pidfile": "pidfile",
    },
    "uvicorn": {
        "host": "bind HOST:PORT",
        "port": "bind HOST:PORT",
        "uds": "bind unix:PATH",
        "fd": "bind fd://N",
        "reload_dir": "reload_extra_files PATH",
        "reload_include": "reload_extra_files PATTERN",
        "log_level": "loglevel",
        "log_config": "logconfig",
        "access_log": "accesslog -",
        "header": "response_headers NAME:VALUE",
        "limit_max_requests": "max_requests",
        "limit_max_requests_jitter": "max_requests_jitter",
        "timeout_keep_alive": "keepalive",
        "timeout_graceful_shutdown": "graceful_timeout",
        "timeout_worker_healthcheck": "timeout",
        "ssl_keyfile": "keyfile",
        "ssl_keyfile_password": "keyfile_password",
        "ssl_certfile": "certfile",
        "ssl_cert_reqs": "cert_reqs",
        "ssl_ca_certs": "ca_certs",
        "ssl_ciphers": "ciphers",
        "loop": "asgi_loop",
        "http": "http_parser",
        "http2": "http_protocols h2,h1",
        "use_colors": "color always",
        "no_use_colors": "color never",
        "ws_max_size": "websocket_max_message_size",
        "lifespan": "asgi_lifespan",
        "app_dir": "chdir",
        "no_server_header": "server_header off",
        "h11_max_incomplete_event_size": "limit_request_head",
    },
    "hypercorn": {
        "access_log": "accesslog",
        "error_log": "errorlog",
        "log_level": "loglevel",
        "log_config": "logconfig",
        "alpn_protocols": "http_protocols",
        "application_path": "wsgi_app",
        "debug": "loglevel debug",
        "h11_max_incomplete_size": "limit_request_head",
        "h2_max_concurrent_streams": "http2_max_concurrent_streams",
        "h2_max_header_list_size": "http2_max_header_list_size",
        "h2_max_inbound_frame_size": "http2_max_frame_size",
        "insecure_bind": "bind http://HOST:PORT",
        "include_server_header": "server_header",
        "keep_alive_timeout": "keepalive",
        "pid_path": "pidfile",
        "read_timeout": "body_timeout",
        "shutdown_timeout": "lifespan_shutdown_timeout",
        "server_name": "allowed_hosts",
        "server_names": "allowed_hosts",
        "ssl_handshake_timeout": "header_timeout",
        "startup_timeout": "lifespan_startup_timeout",
        "use_reloader": "reload",
        "verify_mode": "cert_reqs",
        "websocket_ping_interval": "ws_ping_interval",
        "wsgi_max_body_size": "limit_request_body",
    },
    "granian": {
        "host": "bind HOST:PORT",
        "port": "bind HOST:PORT",
        "uds": "bind unix:PATH",
        "uds_permissions": "unix_socket_mode",
        "http": "http_protocols",
        "blocking_threads": "threads",
        "loop": "asgi_loop",
        "backpressure": "worker_connections",
        "http1_header_read_timeout": "header_timeout",
        "http1_buffer_size": "limit_request_head",
        "http1_keep_alive": "keepalive",
        "http2_initial_stream_window_size": "http2_initial_window_size",
        "http2_max_headers_size": "http2_max_header_list_size",
        "access_log": "accesslog -",
        "access_log_fmt": "access_log_format",
        "log_access_enabled": "accesslog -",
        "log_access_fmt": "access_log_format",
        "log_level": "loglevel",
        "log_config": "logconfig_json",
        "ssl_certificate": "certfile",
        "ssl_keyfile": "keyfile",
        "ssl_keyfile_password": "keyfile_password",
        "ssl_protocol_min": "ssl_minimum_version",
        "ssl_ca": "ca_certs",
        "ssl_client_verify": "cert_reqs 2",
        "url_path_prefix": "root_path",
        "workers_lifetime": "max_worker_lifetime",
        "workers_max_rss": "max_worker_memory",
        "workers_kill_timeout": "graceful_timeout",
        "working_dir": "chdir",
        "reload_paths": "reload_extra_files PATH",
        "process_name": "proc_name",
        "pid_file": "pidfile",
        "metrics": "metrics_bind",
        "metrics_enabled": "metrics_bind",
        "metrics_address": "metrics_bind HOST:PORT",
        "metrics_port": "metrics_bind HOST:PORT",
        "static_path_route": "static /PREFIX=FOLDER",
        "static_path_mount": "static /PREFIX=FOLDER",
        "static_path_dir_to_file": "static_index",
        "static_path_expires": "static_cache_control max-age=N",
    },
    "uWSGI": {
        "http": "bind HOST:PORT",
        "http_socket": "bind HOST:PORT",
        "http11_socket": "bind HOST:PORT",
        "https": "bind https://HOST:PORT",
        "https_socket": "bind https://HOST:PORT",
        "http_to_https": "bind http+redirect://HOST:PORT",
        "socket": "bind uwsgi://HOST:PORT",
        "uwsgi_socket": "bind uwsgi://HOST:PORT",
        "fastcgi_socket": "bind fastcgi://HOST:PORT",
        "scgi_socket": "bind scgi://HOST:PORT",
        "module": "wsgi_app",
        "wsgi": "wsgi_app",
        "wsgi_file": "wsgi_app",
        "callable": "wsgi_app",
        "listen": "backlog",
        "gevent": "worker_class gevent",
        "mules": "dirty_workers",
        "mule": "dirty_workers",
        "processes": "workers",
        "harakiri": "request_timeout",
        "http_timeout": "body_timeout",
        "http_headers_timeout": "header_timeout",
        "http_keepalive": "keepalive",
        "socket_timeout": "send_timeout",
        "so_send_timeout": "send_timeout",
        "reload_mercy": "graceful_timeout",
        "worker_reload_mercy": "graceful_timeout",
        "max_requests_delta": "max_requests_jitter",
        "max_worker_lifetime_delta": "max_worker_lifetime_jitter",
        "buffer_size": "limit_request_head",
        "limit_post": "limit_request_body",
        "post_buffering": "body_buffer_size",
        "reload_on_rss": "max_worker_memory",
        "evil_reload_on_rss": "max_worker_memory_hard",
        "chmod_socket": "unix_socket_mode",
        "chown_socket": "unix_socket_owner",
        "uid": "user",
        "gid": "group",
        "python_path": "pythonpath",
        "pp": "pythonpath",
        "daemonize": "daemon",
        "logto": "errorlog",
        "logger": "errorlog",
        "req_logger": "accesslog",
        "logformat": "access_log_format",
        "log_slow": "access_log_slow",
        "log_x_forwarded_for": "forwarded_for x-forwarded-for",
        "procname": "proc_name",
        "procname_prefix": "proc_name",
        "safe_pidfile": "pidfile",
        "ini_paste": "paste",
        "add_header": "response_headers NAME:VALUE",
        "static_map": "static /PREFIX=FOLDER",
        "static_map2": "static /PREFIX=FOLDER",
        "check_static": "static /=FOLDER",
        "static_expires": "static_cache_control max-age=N",
        "py_autoreload": "reload",
        "py_auto_reload": "reload",
        "touch_reload": "reload_extra_files PATH",
        "stats": "metrics_bind",
        "stats_server": "metrics_bind",
    },
    "waitress": {
        "host": "bind HOST:PORT",
        "port": "bind HOST:PORT",
        "listen": "bind HOST:PORT",
        "unix_socket": "bind unix:PATH",
        "unix_socket_perms": "unix_socket_mode",
        "trusted_proxy": "forwarded_allow_ips",
        "trusted_proxy_count": "forwarded_hops",
        "trusted_proxy_headers": "forwarded_for",
        "url_prefix": "root_path",
        "connection_limit": "worker_connections",
        "channel_timeout": "keepalive",
        "max_request_header_size": "limit_request_head",
        "max_request_body_size": "limit_request_body",
        "inbuf_overflow": "body_buffer_size",
        "outbuf_overflow": "response_buffer_size",
        "outbuf_high_watermark": "response_buffer_size",
        "ident": "server_header",
    },
}

# By server: what nothing has to be set for here, and why.
_REMARKS: dict[str, dict[str, str]] = {
    "uvicorn": {
        "factory": "name the factory as MODULE:create_app()",
        "interface": "ASGI and WSGI applications are told apart",
        "no_access_log": "there is no access log unless --access-logfile is given",
        "proxy_headers": "the fields of --forwarded-allow-ips are believed",
        "date_header": "answers always have a Date",
        "ws": "WebSockets are always served",
        "no_date_header": "answers always have a Date",
        "env_file": "variables are set where the server is started, or with --env NAME=VALUE",
    },
    "hypercorn": {
        "include_date_header": "answers always have a Date",
        "quic_bind": "there is no HTTP/3",
    },
    "granian": {
        "factory": "name the factory as MODULE:create_app()",
        "interface": "ASGI and WSGI applications are told apart",
        "ws": "WebSockets are always served",
        "respawn_failed_workers": "workers that end are always replaced",
        "respawn_interval": "workers that end are replaced at once, and ever more slowly when they die young",
        "rss_samples": "--max-worker-memory looks three times before it replaces a worker",
        "rss_sample_interval": "how often --max-worker-memory looks is not set",
        "runtime_mode": "a worker has one loop",
        "runtime_threads": "a worker has one loop",
        "runtime_blocking_threads": "a worker has one loop",
        "task_impl": "tasks are those of the event loop",
        "env_files": "variables are set where the server is started, or with --env NAME=VALUE",
    },
    "uWSGI": {
        "master": "there is always a master",
        "vacuum": "sockets and the PID file are always removed at the end",
        "die_on_term": "TERM always ends the server",
        "need_app": "a server without its application always ends",
        "lazy_apps": "workers load the application themselves unless --preload is given",
        "lazy": "workers load the application themselves unless --preload is given",
        "enable_threads": "threads of the application always run",
        "single_interpreter": "a process has one interpreter",
        "disable_logging": "there is no access log unless --access-logfile is given",
        "plugin": "nothing has to be loaded",
        "plugins": "nothing has to be loaded",
        "virtualenv": "start the gunicorn of the virtual environment",
        "venv": "start the gunicorn of the virtual environment",
        "home": "start the gunicorn of the virtual environment",
        "ini": "a file of another server is not read",
        "xml": "a file of another server is not read",
        "yaml": "a file of another server is not read",
        "gevent_monkey_patch": "the worker type gevent always patches the standard library",
        "manage_script_name": "--mount sets SCRIPT_NAME",
        "harakiri_verbose": "the stacks of a stuck worker are always in the log",
        "catch_exceptions": "tracebacks are in the log, and never in an answer",
        "ignore_sigpipe": "a client that leaves is no error",
        "ignore_write_errors": "a client that leaves is no error",
        "disable_write_exception": "a client that leaves is no error",
        "log_master": "every process writes its own lines, whole",
        "touch_logreopen": "USR1 reopens the logs",
        "cheaper": "the number of workers stays as it is set; TTIN and TTOU change it",
        "offload_threads": "files are sent by the kernel, and a slow client holds no worker",
        "static_gzip_all": "a file with .br, .zst or .gz behind its name is sent to clients that take it",
        "http_auto_gzip": "nothing is compressed on the way",
        "auto_procname": "processes are named where setproctitle is installed",
        "cron": "there are no timers: systemd and cron have them",
        "spooler": "there is no spooler: task processes (--dirty-app) do work that takes long",
        "attach_daemon": "other programs are the service manager's to start",
        "cpu_affinity": "taskset and the service manager's CPUAffinity= set it",
    },
    "waitress": {
        "call": "name the factory as MODULE:create_app()",
        "expose_tracebacks": "tracebacks are in the log, and never in an answer",
        "no_expose_tracebacks": "tracebacks are in the log, and never in an answer",
        "url_scheme": "the scheme is that of the listener, or what a trusted proxy says",
        "log_socket_errors": "a client that leaves is no error",
        "no_log_socket_errors": "a client that leaves is no error",
        "channel_request_lookahead": 'environ["gunicorn.client_disconnected"] tells that a client has left',
        "asyncore_use_poll": "the loop has no limit of descriptors of its own",
        "asyncore_loop_timeout": "the loop wakes when something happens",
        "cleanup_interval": "time limits are kept without an interval",
        "recv_bytes": "how much is read at a time is not set",
        "send_bytes": "how much is sent at a time is not set",
        "clear_untrusted_proxy_headers": "fields of who is not trusted are never believed",
    },
}

# Servers that are set by environment variables as well.
_PREFIXES = {"UVICORN_": "uvicorn", "GRANIAN_": "granian", "UWSGI_": "uWSGI"}


class Foreign(Record):
    """What a name is elsewhere. `meant`: settings of ours, each with the form of its value, if that is another one."""

    servers: tuple[str, ...]
    meant: tuple[str, ...]
    remark: str


def find(name: str, server: str | None = None) -> Foreign | None:
    """What other servers, or only `server`, mean by a flag or by a setting; None when they do not know it."""
    word = name.lstrip("-").replace("-", "_").lower()
    asked = [server] if server else list(_SETTINGS)
    knowing = [each for each in asked if word in _SETTINGS[each] or word in _REMARKS.get(each, ())]
    if not knowing:
        return None
    meant = [_SETTINGS[each][word] for each in knowing if word in _SETTINGS[each]]
    remarks = [_REMARKS[each][word] for each in knowing if word in _REMARKS.get(each, ())]
    return Foreign(tuple(filter(None, knowing)), tuple(dict.fromkeys(meant)), "".join(remarks[:1]))


def flag_hint(flag: str, settings: Mapping[str, Setting]) -> str:
    """Words about a flag of another server, empty for none."""
    found = find(flag) if flag.startswith("--") else None
    if found is None:
        return ""
    if not found.meant:
        return f"{_named(found)}: {found.remark}"
    return f"did you mean {_either(_as_flag(meant, settings) for meant in found.meant)}?"


def _as_flag(meant: str, settings: Mapping[str, Setting]) -> str:
    name, _, form = meant.partition(" ")
    flags = [flag for flag in settings[name].cli or () if flag.startswith("--")]
    return f"{flags[0]} {form}".strip() if flags else "the application as MODULE:VARIABLE"


def name_hint(name: str, server: str | None = None) -> str:
    """Words about a name of another server in a file, or among the variables that `server` reads; empty for none."""
    found = find(name, server)
    if found is None:
        return ""
    told = found.remark
    if found.meant:
        told = f"here it is {_either(_as_setting(meant) for meant in found.meant)}"
    return f"{_named(found)}: {told}" if found.servers else told


def _as_setting(meant: str) -> str:
    name, _, form = meant.partition(" ")
    return f"{name} = {form!r}" if form else name


def _named(found: Foreign) -> str:
    return f"known to {_either(found.servers, 'and')}"


def _either(words: Iterator[str] | tuple[str, ...], conjunction: str = "or") -> str:
    *first, last = words
    return f"{', '.join(first)} {conjunction} {last}" if first else last


def variable_hints(environ: Mapping[str, str]) -> list[str]:
    """One line for each variable that sets another server, and has no effect here."""
    told = []
    for variable, text in environ.items():
        prefix = variable.partition("_")[0] + "_"
        hint = name_hint(variable.removeprefix(prefix), _PREFIXES[prefix]) if prefix in _PREFIXES and text else ""
        if hint:
            told.append(f"environment variable {variable} has no effect, {hint}")
    return told
