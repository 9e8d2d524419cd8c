"""What a slow client may cost: time and memory."""

from gunicorn.config.setting import Setting
from gunicorn.config.validators.scalars import optional, validate_bool, validate_count, validate_seconds


class HeaderTimeout(Setting):
    name = "header_timeout"
    section = "Time Limits"
    default = 60
    validator = validate_count
    type = int
    cli = ["--header-timeout"]
    meta = "SECONDS"
    desc = """\
        How many seconds a client has for the whole head of a request; 0 means no limit.

        Counted from its first byte, on a new connection from the connection. Later it is answered with 408
        and closed.
        """


class BodyTimeout(Setting):
    name = "body_timeout"
    section = "Time Limits"
    default = 60
    validator = validate_count
    type = int
    cli = ["--body-timeout"]
    meta = "SECONDS"
    desc = """\
        How many seconds may pass without a byte of the request body; 0 means no limit.

        A slow upload may last as long as it likes while it moves.
        """


class SendTimeout(Setting):
    name = "send_timeout"
    section = "Time Limits"
    default = 60
    validator = validate_count
    type = int
    cli = ["--send-timeout"]
    meta = "SECONDS"
    desc = """\
        How many seconds may pass in which a client takes nothing of its response; 0 means no limit.

        The connection is closed then.
        """


class RequestTimeout(Setting):
    name = "request_timeout"
    section = "Time Limits"
    default = 0
    validator = validate_seconds
    cli = ["--request-timeout"]
    meta = "SECONDS"
    desc = """\
        How many seconds the application may take for one request; 0 means no limit.

        The error log gets the request, its age, and the stacks of all threads or of the task. When nothing was sent
        yet, the client is answered with 504; otherwise the connection ends. What happens to the application's code
        depends on the worker type: a task of an `asgi` worker is cancelled and a greenlet is killed; a thread cannot be
        broken off, so its worker is replaced when the neighbours are done; in a `sync` worker SystemExit is raised in
        the application, and the worker is replaced. `timeout` is the limit for a worker that shows no sign of life at
        all. WebSockets are not limited.
        """


class RequestSlow(Setting):
    name = "request_slow"
    section = "Time Limits"
    default = 0.0
    validator = validate_seconds
    cli = ["--request-slow"]
    meta = "SECONDS"
    desc = """\
        A request that runs for longer is told of in the error log, once and while it runs, with where it is; 0: none.

        The line has the level WARNING, and comes up to a quarter of that time later, or a second. Nothing else happens
        to the request.
        """


class BootTimeout(Setting):
    name = "boot_timeout"
    section = "Time Limits"
    default = None
    validator = optional(validate_count)
    type = int
    cli = ["--boot-timeout"]
    meta = "SECONDS"
    desc = """\
        How many seconds a worker has to load the application and to get ready; 0 means no limit.

        When not set, it is `timeout`.
        """


class ShutdownDelay(Setting):
    name = "shutdown_delay"
    section = "Time Limits"
    default = 0
    validator = validate_seconds
    cli = ["--shutdown-delay"]
    meta = "SECONDS"
    desc = """\
        How many seconds the server goes on serving after SIGTERM, before it begins to stop.

        A load balancer needs a moment to learn that this server is leaving. New connections are accepted all that
        time, and answers close theirs; health at `metrics_bind` is no longer ready, systemd is told that the server
        stops, and `worker.leaving` is true. A second SIGTERM, SIGINT or SIGQUIT ends the delay.
        """


class BufferRequestBody(Setting):
    name = "buffer_request_body"
    section = "Buffers"
    default = True
    validator = validate_bool
    cli = ["--no-buffer-request-body"]
    action = "store_const"
    const = False
    short = "Call the application before the request body is complete."
    desc = """\
        Call the application only when the whole request body has arrived.

        A slow sender then costs a connection and no worker. Turn it off for an application that wants to
        read a body while it arrives. ASGI applications always do.

        Where such a body breaks off, `wsgi.input` raises an `OSError`. An application that does not catch it leaves
        the answer to the server: 400, 408 or 413, as for a body that is buffered.
        """


class BodyBufferSize(Setting):
    name = "body_buffer_size"
    section = "Buffers"
    default = 1048576
    validator = validate_count
    type = int
    cli = ["--body-buffer-size"]
    meta = "BYTES"
    desc = """\
        How many bytes of a request body are kept in memory.

        A longer body goes into a temporary file in `tmp_upload_dir`.
        """


class ResponseBufferSize(Setting):
    name = "response_buffer_size"
    section = "Buffers"
    default = 1048576
    validator = validate_count
    type = int
    cli = ["--response-buffer-size"]
    meta = "BYTES"
    desc = """\
        How many bytes of a response are kept for a client that is slow to take them.

        Up to here the worker goes on with other requests while the client reads; beyond, the application
        waits.
        """
