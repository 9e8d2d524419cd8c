"""The declarations, one module a section of the reference.

The order of these imports is the order of the sections in help and reference.
"""

from gunicorn.config.sections import (  # noqa: I001
    config_file as config_file,
    server_socket as server_socket,
    worker_processes as worker_processes,
    time_limits as time_limits,
    security as security,
    debugging as debugging,
    server_mechanics as server_mechanics,
    http_dialect as http_dialect,
    proxies as proxies,
    responses as responses,
    static as static,
    logs as logs,
    process_naming as process_naming,
    server_hooks as server_hooks,
    tls as tls,
    http2 as http2,
    asgi as asgi,
    dirty as dirty,
    control as control,
    metrics as metrics,
    otel as otel,
)
