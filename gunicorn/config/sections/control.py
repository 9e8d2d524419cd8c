"""The socket by which a running server is asked and told."""

import os

from gunicorn.config.setting import Setting
from gunicorn.config.validators import auto_int, validate_bool, validate_mode, validate_string

SECTION = "Control"


def default_control_socket() -> str:
    """Return the path in the user's runtime folder, or in the home folder where there is none."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return os.path.join(runtime or os.path.expanduser("~/.gunicorn"), "gunicorn.ctl")


class ControlSocket(Setting):
    name = "control_socket"
    section = SECTION
    default = default_control_socket()
    validator = validate_string
    cli = ["--control-socket"]
    meta = "PATH"
    desc = """\
        The unix socket on which the master takes commands.

        By default `gunicorn.ctl` in `$XDG_RUNTIME_DIR`, or else in `~/.gunicorn`.
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
