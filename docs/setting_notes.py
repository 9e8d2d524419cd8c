"""What the reference says of each setting besides its declaration: since when there is one, and an example of it."""

from __future__ import annotations

import json
import shlex

from gunicorn.config import Setting

__all__ = ["EXAMPLES", "SINCE", "example_of", "flag_example", "since", "toml_example"]

FIRST = "19.6 or earlier"

SINCE = {
    "19.7": "reload_engine initgroups raw_paste_global_conf child_exit",
    "19.8": "reload_extra_files reuse_port disable_redirect_access_to_syslog logconfig_dict",
    "19.10": "strip_header_spaces",
    "20.0": "dogstatsd_tags",
    "20.1": "wsgi_app print_config",
    "21.0": "logconfig_json ssl_context",
    "22.0": "permit_unconventional_http_method permit_unconventional_http_version casefold_http_method header_map",
    "23.0": "permit_obsolete_folding forwarder_headers",
    "24.0": "protocol uwsgi_allow_ips root_path asgi_loop asgi_lifespan",
    "24.1": "enable_backlog_metric",
    "25.0":
        "http_protocols http2_max_concurrent_streams http2_initial_window_size http2_max_frame_size "
        "http2_max_header_list_size dirty_apps dirty_workers dirty_timeout dirty_threads dirty_graceful_timeout "
        "on_dirty_starting dirty_post_fork dirty_worker_init dirty_worker_exit",
    "25.0.2": "asgi_disconnect_grace_period",
    "25.1": "control_socket control_socket_mode control_socket_disable",
    "25.2": "http_parser",
    "26.2": "http2_cleartext",
    "27.0": "websocket_max_message_size",
    "28.0":
        "mount unix_socket_mode unix_socket_owner unix_socket_group park_connections max_worker_lifetime "
        "max_worker_lifetime_jitter max_worker_memory max_worker_memory_hard reload_strategy gc_freeze gc_threshold "
        "header_timeout body_timeout send_timeout request_timeout request_slow boot_timeout shutdown_delay "
        "buffer_request_body body_buffer_size response_buffer_size limit_request_head limit_request_body "
        "limit_concurrency limit_request_queue_time permit_connect permit_missing_host forwarded_for forwarded_hops "
        "permit_missing_proxy_header fastcgi_allow_ips scgi_allow_ips server_header response_headers static "
        "static_cache_control static_index static_fallback allowed_hosts access_log_skip access_log_sample "
        "access_log_slow log_format log_streams color request_id_header warm_up keyfile_password ssl_minimum_version "
        "sni_certs lifespan_startup_timeout lifespan_shutdown_timeout ws_ping_interval ws_ping_timeout ws_max_queue "
        "ws_per_message_deflate dirty_queue dirty_max_calls dirty_max_memory dirty_max_message dirty_stash_memory "
        "dirty_reload dirty_preload dirty_backend dirty_ray_address dirty_ray_env dirty_ray_pool dirty_ray_direct "
        "control_bind control_token_file metrics_bind metrics_buckets agent_bind ready_workers health_path otel_spans "
        "otel_metrics otel_trust",
}
"""The settings that came with a release, by its version. The others are older than 19.7."""

EXAMPLES: dict[str, object] = {
    "config": "deploy/gunicorn.toml",
    "wsgi_app": "shop.wsgi:app",
    "mount": {"/api": "api.main:app"},
    "bind": ["0.0.0.0:8000", "unix:/run/app/app.sock"],
    "unix_socket_mode": "0660",
    "unix_socket_owner": "app",
    "unix_socket_group": "www-data",
    "workers": 4,
    "worker_class": "gthread",
    "threads": 8,
    "max_requests": 10000,
    "max_requests_jitter": 1000,
    "max_worker_lifetime": 86400,
    "max_worker_lifetime_jitter": 3600,
    "max_worker_memory": "512M",
    "max_worker_memory_hard": "1G",
    "reload_strategy": "rolling:25%",
    "timeout": 60,
    "graceful_timeout": 60,
    "keepalive": 75,
    "gc_threshold": 10000,
    "http_parser": "fast",
    "asgi_loop": "uvloop",
    "asgi_lifespan": "on",
    "asgi_disconnect_grace_period": 10,
    "websocket_max_message_size": 1048576,
    "lifespan_startup_timeout": 120,
    "lifespan_shutdown_timeout": 30,
    "ws_ping_interval": 30,
    "ws_ping_timeout": 10,
    "ws_max_queue": 64,
    "header_timeout": 10,
    "body_timeout": 30,
    "send_timeout": 30,
    "request_timeout": 30,
    "request_slow": 5,
    "boot_timeout": 120,
    "shutdown_delay": 10,
    "body_buffer_size": 65536,
    "response_buffer_size": 65536,
    "limit_request_line": 16380,
    "limit_request_fields": 200,
    "limit_request_field_size": 16380,
    "limit_request_head": 131072,
    "limit_request_body": 10485760,
    "limit_concurrency": 200,
    "limit_request_queue_time": 5,
    "reload_engine": "poll",
    "reload_extra_files": ["templates/*.html"],
    "chdir": ".",
    "raw_env": ["DJANGO_SETTINGS_MODULE=shop.settings"],
    "pidfile": "/run/app/gunicorn.pid",
    "worker_tmp_dir": "/dev/shm",
    "umask": "0007",
    "tmp_upload_dir": "/var/tmp",
    "pythonpath": "src",
    "paste": "production.ini",
    "raw_paste_global_conf": ["debug=false"],
    "django_settings": "shop.settings",
    "forwarder_headers": ["SCRIPT_NAME", "PATH_INFO"],
    "header_map": "refuse",
    "secure_scheme_headers": {"X-FORWARDED-PROTO": "https"},
    "forwarded_allow_ips": ["127.0.0.1", "10.0.0.0/8"],
    "forwarded_for": "x-forwarded-for",
    "forwarded_hops": 1,
    "proxy_protocol": "v2",
    "proxy_allow_ips": ["10.0.0.0/8"],
    "protocol": "uwsgi",
    "uwsgi_allow_ips": ["10.0.0.0/8"],
    "fastcgi_allow_ips": ["10.0.0.0/8"],
    "scgi_allow_ips": ["10.0.0.0/8"],
    "root_path": "/shop",
    "server_header": "off",
    "response_headers": ["X-Frame-Options: DENY"],
    "static": {"/static": "staticfiles"},
    "static_cache_control": ["max-age=600", "/assets=public, max-age=31536000, immutable"],
    "static_index": "index.html",
    "static_fallback": "index.html",
    "allowed_hosts": ["example.com", ".example.org"],
    "accesslog": "-",
    "access_log_format": '%(h)s "%(r)s" %(s)s %(M)s ms',
    "access_log_skip": ["path=/health"],
    "access_log_sample": 0.1,
    "access_log_slow": 1,
    "errorlog": "/var/log/app/error.log",
    "log_format": "json",
    "log_streams": "split",
    "color": "never",
    "request_id_header": "X-Request-Id",
    "loglevel": "debug",
    "logger_class": "gunicorn.instrument.statsd.Statsd",
    "logconfig": "logging.ini",
    "logconfig_dict": {"version": 1},
    "logconfig_json": "logging.json",
    "syslog_addr": "udp://logs.example.com:514",
    "syslog_prefix": "shop",
    "syslog_facility": "daemon",
    "statsd_host": "localhost:8125",
    "dogstatsd_tags": "env:production,team:shop",
    "statsd_prefix": "shop",
    "proc_name": "shop",
    "default_proc_name": "shop",
    "keyfile": "site.key",
    "certfile": "site.pem",
    "keyfile_password": "secret",
    "ssl_minimum_version": "TLSv1.3",
    "sni_certs": {"www.example.org": "www.pem,www.key"},
    "cert_reqs": 2,
    "ca_certs": "staff.pem",
    "ciphers": "ECDHE+AESGCM",
    "user": "app",
    "group": "app",
    "http_protocols": "h2,h1",
    "http2_cleartext": "prior-knowledge",
    "dirty_apps": ["shop.tasks:Reports"],
    "dirty_workers": 2,
    "dirty_timeout": 600,
    "dirty_threads": 4,
    "dirty_graceful_timeout": 60,
    "dirty_queue": 200,
    "dirty_max_calls": 1000,
    "dirty_max_memory": "1G",
    "dirty_max_message": "16M",
    "dirty_stash_memory": "256M",
    "dirty_reload": "replace",
    "dirty_backend": "ray",
    "dirty_ray_address": "10.0.0.1:6379",
    "dirty_ray_pool": "shared:models",
    "dirty_ray_env": {"env_vars": {"MODELS": "/srv/models"}},
    "control_socket": "/run/app/gunicorn.ctl",
    "control_socket_mode": "0660",
    "control_bind": "127.0.0.1:9090",
    "control_token_file": "/etc/app/token",
    "metrics_bind": "127.0.0.1:9100",
    "metrics_buckets": "otel",
    "agent_bind": "127.0.0.1:9101",
    "ready_workers": "all",
    "health_path": "/health",
    "otel_trust": "all",
}
"""Values as TOML would have them. Of what is not here the example is the default, or the other of yes and no."""

_RELEASES = {name: release for release, names in SINCE.items() for name in names.split()}


def since(setting: type[Setting]) -> str:
    """The release that a setting came with."""
    return _RELEASES.get(setting.name, FIRST)


def example_of(setting: type[Setting]) -> object:
    """A value that somebody might give, as TOML would have it."""
    if setting.section.endswith("Hooks"):
        return f"app.hooks:{setting.name}"
    if setting.name in EXAMPLES:
        return EXAMPLES[setting.name]
    if setting.action in ("store_true", "store_false", "store_const"):
        # What the flag is for.
        return setting.action == "store_true" if setting.action != "store_const" else setting.const
    return setting.default


def toml_example(setting: type[Setting]) -> str:
    """The line of a TOML file."""
    return f"{setting.name} = {_toml(example_of(setting))}"


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(each)}" for key, each in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)


def flag_example(setting: type[Setting]) -> str:
    """The same as it is typed in a shell; empty for what has no flag."""
    if not setting.cli:
        return ""
    flag = next(flag for flag in setting.cli if flag.startswith("--"))
    if setting.action in ("store_true", "store_false", "store_const"):
        return flag
    value = example_of(setting)
    if isinstance(value, dict):
        value = [f"{key}={each}" for key, each in value.items()]
    if isinstance(value, list) and setting.action != "append":
        value = ",".join(value)
    each_value = value if isinstance(value, list) else [value]
    return " ".join(f"{flag} {shlex.quote(str(each))}" for each in each_value)
