"""ASGI applications and WebSocket connections."""

from gunicorn.config.setting import Setting
from gunicorn.config.validators.scalars import (
    validate_asgi_lifespan,
    validate_asgi_loop,
    validate_bool,
    validate_pos_int,
)

SECTION = "Worker Processes"


class ASGILoop(Setting):
    name = "asgi_loop"
    section = SECTION
    default = "auto"
    validator = validate_asgi_loop
    cli = ["--asgi-loop"]
    meta = "STRING"
    desc = """\
        The event loop of `asgi` workers: `auto`, `asyncio` or `uvloop`.

        `auto` uses uvloop where it is installed.
        """


class ASGILifespan(Setting):
    name = "asgi_lifespan"
    section = SECTION
    default = "auto"
    validator = validate_asgi_lifespan
    cli = ["--asgi-lifespan"]
    meta = "STRING"
    desc = """\
        Whether an ASGI application is told about the start and the end of its worker: `auto`, `on` or `off`.

        With `auto` an application that does not know the lifespan protocol is served without it; with `on`
        that is an error.
        """


class ASGIDisconnectGracePeriod(Setting):
    name = "asgi_disconnect_grace_period"
    section = SECTION
    default = 3
    validator = validate_pos_int
    type = int
    cli = ["--asgi-disconnect-grace-period"]
    meta = "INT"
    desc = """\
        How many seconds an ASGI application may run on after its client is gone.

        Then its task is cancelled.
        """


class WebSocketMaxMessageSize(Setting):
    name = "websocket_max_message_size"
    section = SECTION
    default = 16777216
    validator = validate_pos_int
    type = int
    cli = ["--websocket-max-message-size"]
    meta = "INT"
    desc = """\
        The most bytes a WebSocket message may have; 0 means no limit.

        A longer one closes the connection with code 1009.
        """


class LifespanStartupTimeout(Setting):
    name = "lifespan_startup_timeout"
    section = SECTION
    default = 60
    validator = validate_pos_int
    type = int
    cli = ["--lifespan-startup-timeout"]
    meta = "SECONDS"
    desc = """\
        How many seconds an ASGI application may take to start; 0 means no limit.

        A worker whose application has not answered the lifespan's start-up by then does not boot.
        """


class LifespanShutdownTimeout(Setting):
    name = "lifespan_shutdown_timeout"
    section = SECTION
    default = 10
    validator = validate_pos_int
    type = int
    cli = ["--lifespan-shutdown-timeout"]
    meta = "SECONDS"
    desc = """\
        How many seconds an ASGI application may take to shut down, within `graceful_timeout`.

        0 leaves it what its last requests have left of `graceful_timeout`, at least a second or an eighth of that.
        """


class WSPingInterval(Setting):
    name = "ws_ping_interval"
    section = SECTION
    default = 20
    validator = validate_pos_int
    type = int
    cli = ["--ws-ping-interval"]
    meta = "SECONDS"
    desc = """\
        How many seconds a WebSocket may be silent before a ping asks whether the client is still there; 0 means never.
        """


class WSPingTimeout(Setting):
    name = "ws_ping_timeout"
    section = SECTION
    default = 20
    validator = validate_pos_int
    type = int
    cli = ["--ws-ping-timeout"]
    meta = "SECONDS"
    desc = """\
        How many seconds the client has to answer that ping; 0 means no limit.

        Later it is closed with code 1011.
        """


class WSMaxQueue(Setting):
    name = "ws_max_queue"
    section = SECTION
    default = 32
    validator = validate_pos_int
    type = int
    cli = ["--ws-max-queue"]
    meta = "INT"
    desc = """\
        How many received messages may wait for the application before its WebSocket is read no further.
        """


class WSPerMessageDeflate(Setting):
    name = "ws_per_message_deflate"
    section = SECTION
    default = True
    validator = validate_bool
    action = "store_false"
    cli = ["--no-ws-per-message-deflate"]
    desc = """\
        Whether WebSocket messages may be compressed (permessage-deflate, RFC 7692) when the client offers it.
        """
