"""The socket by which a running server is asked and told."""

from gunicorn.config.setting import Setting
from gunicorn.config.validators.lists import validate_face
from gunicorn.config.validators.scalars import (
    auto_int,
    optional,
    validate_bool,
    validate_mode,
    validate_string,
    validate_text,
)
from gunicorn.unix.runtime import default_control_socket

SECTION = "Control"


class ControlSocket(Setting):
    name = "control_socket"
    section = SECTION
    default = default_control_socket()
    validator = validate_string
    cli = ["--control-socket"]
    meta = "PATH"
    desc = """\
        The unix socket on which the master takes the commands of `gunicornc`.

        By default `gunicorn.ctl` in `$XDG_RUNTIME_DIR`, or else in `~/.gunicorn`; a second server of the same user
        has `gunicorn.PID.ctl` there. The folder is made with the mode 0700 if it is missing. A server that cannot have
        the socket runs without: a path that was set costs a line in the error log then, the default one a line of
        debugging. What it is good for is told in [observability](observability.md#control-interface).
        """


class ControlSocketMode(Setting):
    name = "control_socket_mode"
    section = SECTION
    default = 0o600
    validator = validate_mode
    type = auto_int
    cli = ["--control-socket-mode"]
    meta = "INT"
    desc = """\
        The permissions of the control socket; `0600` leaves it to the owner alone.

        Whoever may write to the socket may stop the server. With another mode than `0600` the error log names the user
        behind each command that changes something.
        """


class ControlSocketDisable(Setting):
    name = "control_socket_disable"
    section = SECTION
    default = False
    validator = validate_bool
    cli = ["--no-control-socket"]
    action = "store_true"
    desc = """\
        Open no control socket.
        """


class ControlBind(Setting):
    name = "control_bind"
    section = SECTION
    default = None
    validator = optional(validate_face)
    cli = ["--control-bind"]
    meta = "ADDRESS"
    desc = """\
        The address at which the master takes commands by HTTP and shows a page: `HOST:PORT`, `[ADDRESS]:PORT` or
        `unix:PATH`.

        Where it is the one of `metrics_bind`, one port has both. To look is free for requests of this machine, at a
        loopback address or a unix socket; whatever changes something, and everything from elsewhere or through a proxy,
        needs the token of `control_token_file`. There is no TLS: between machines a proxy has to bring it, or a tunnel.
        The resources are told in [observability](observability.md#a-page).
        """


class ControlTokenFile(Setting):
    name = "control_token_file"
    section = SECTION
    default = None
    validator = optional(validate_text)
    cli = ["--control-token-file"]
    meta = "FILE"
    desc = """\
        The file with the token that changes something at `control_bind`.

        A regular file that its owner alone can read (mode 0600), with one word in it, such as `openssl rand -hex 32`
        prints. It is read at the start and again at a reload. Without it nothing
        can be changed by HTTP.
        """
