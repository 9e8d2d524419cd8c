"""The types of the settings, for type checkers and editors.

Nothing of it exists at run time. A test holds it against the declarations.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from ssl import SSLContext


class SettingTypes:
    """The attributes of `Config` that are settings as they stand; what is derived is a property there."""

    if TYPE_CHECKING:
        config: str
        wsgi_app: str | None
        mount: dict[str, str]
        bind: list[str]
        backlog: int
        unix_socket_mode: int | None
        unix_socket_owner: int | None
        unix_socket_group: int | None
        threads: int
        worker_connections: int
        max_requests: int
        max_requests_jitter: int
        max_worker_lifetime: int
        max_worker_lifetime_jitter: int
        max_worker_memory: int
        max_worker_memory_hard: int
        gc_freeze: bool
        gc_threshold: int
        reload_strategy: str
        timeout: int
        graceful_timeout: int
        keepalive: int
        http_parser: str
        header_timeout: int
        body_timeout: int
        send_timeout: int
        request_timeout: float
        request_slow: float
        boot_timeout: int | None
        shutdown_delay: float
        buffer_request_body: bool
        park_connections: bool
        body_buffer_size: int
        response_buffer_size: int
        limit_request_line: int
        limit_request_fields: int
        limit_request_field_size: int
        limit_request_body: int
        limit_concurrency: int
        limit_request_queue_time: float
        reload: bool
        reload_engine: str
        reload_extra_files: list[str]
        spew: bool
        check_config: bool
        print_config: bool
        preload_app: bool
        chdir: str
        daemon: bool
        raw_env: list[str]
        pidfile: str | None
        worker_tmp_dir: str | None
        user: int
        group: int
        umask: int
        initgroups: bool
        tmp_upload_dir: str | None
        pythonpath: str | None
        paste: str | None
        raw_paste_global_conf: list[str]
        django_settings: str | None
        permit_obsolete_folding: bool
        strip_header_spaces: bool
        permit_unconventional_http_method: bool
        permit_unconventional_http_version: bool
        casefold_http_method: bool
        permit_connect: bool
        permit_missing_host: bool
        permit_missing_proxy_header: bool
        forwarder_headers: list[str]
        header_map: str
        secure_scheme_headers: dict[str, str]
        forwarded_allow_ips: list[str]
        forwarded_for: str
        forwarded_hops: int
        server_header: str
        response_headers: list[str]
        static: dict[str, str | None]
        static_cache_control: list[str]
        static_index: str
        static_fallback: str
        allowed_hosts: list[str]
        proxy_protocol: str
        proxy_allow_ips: list[str]
        protocol: str
        uwsgi_allow_ips: list[str]
        fastcgi_allow_ips: list[str]
        scgi_allow_ips: list[str]
        root_path: str
        accesslog: str | None
        disable_redirect_access_to_syslog: bool
        access_log_format: str
        access_log_skip: list[str]
        access_log_sample: float
        access_log_slow: float
        errorlog: str
        log_format: str
        log_streams: str
        color: str
        request_id_header: str | None
        loglevel: str
        capture_output: bool
        logconfig: str | None
        logconfig_dict: dict[str, object]
        logconfig_json: str | None
        syslog_addr: str
        syslog: bool
        syslog_prefix: str | None
        syslog_facility: str
        enable_stdio_inheritance: bool
        statsd_host: tuple[str, int] | str | None
        dogstatsd_tags: str
        statsd_prefix: str
        enable_backlog_metric: bool
        default_proc_name: str
        on_starting: Callable[[object], object]
        on_reload: Callable[[object], object]
        when_ready: Callable[[object], object]
        pre_fork: Callable[[object, object], object]
        post_fork: Callable[[object, object], object]
        post_worker_init: Callable[[object], object]
        warm_up: Callable[[object], object]
        worker_int: Callable[[object], object]
        worker_abort: Callable[[object], object]
        pre_exec: Callable[[object], object]
        pre_request: Callable[[object, object], object]
        post_request: Callable[[object, object, object, object], object]
        child_exit: Callable[[object, object], object]
        worker_exit: Callable[[object, object], object]
        nworkers_changed: Callable[[object, int, int | None], object]
        on_exit: Callable[[object], object]
        ssl_context: Callable[[object, Callable[[], SSLContext]], SSLContext]
        keyfile: str | None
        keyfile_password: str | None
        ssl_minimum_version: str
        sni_certs: dict[str, tuple[str, str | None]]
        certfile: str | None
        ssl_version: object
        cert_reqs: int
        ca_certs: str | None
        suppress_ragged_eofs: bool
        do_handshake_on_connect: bool
        ciphers: str | None
        http_protocols: list[str]
        http2_cleartext: str
        http2_max_concurrent_streams: int
        http2_initial_window_size: int
        http2_max_frame_size: int
        http2_max_header_list_size: int
        asgi_loop: str
        asgi_lifespan: str
        asgi_disconnect_grace_period: int
        websocket_max_message_size: int
        lifespan_startup_timeout: int
        lifespan_shutdown_timeout: int
        ws_ping_interval: int
        ws_ping_timeout: int
        ws_max_queue: int
        ws_per_message_deflate: bool
        dirty_apps: list[str]
        dirty_workers: int
        dirty_timeout: int
        dirty_threads: int
        dirty_graceful_timeout: int
        dirty_queue: int
        dirty_max_message: int
        dirty_stash_memory: int
        dirty_reload: str
        dirty_preload: bool
        dirty_max_calls: int
        dirty_max_memory: int
        dirty_backend: str
        dirty_ray_address: str
        dirty_ray_env: dict[str, object]
        dirty_ray_pool: str
        dirty_ray_direct: bool
        on_dirty_starting: Callable[[object], object]
        dirty_post_fork: Callable[[object, object], object]
        dirty_worker_init: Callable[[object], object]
        dirty_worker_exit: Callable[[object, object], object]
        control_socket: str
        control_socket_mode: int
        control_socket_disable: bool
        control_bind: str | None
        control_token_file: str | None
        metrics_bind: str | None
        metrics_buckets: str
        agent_bind: str | None
        ready_workers: int | str
        health_path: str | None
        otel_spans: bool
        otel_metrics: bool
        otel_trust: str
