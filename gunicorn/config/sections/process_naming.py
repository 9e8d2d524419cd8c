"""The name in process lists."""

from gunicorn.config.setting import Setting
from gunicorn.config.validators.scalars import validate_string

SECTION = "Process Naming"


class Procname(Setting):
    name = "proc_name"
    section = SECTION
    default = None
    validator = validate_string
    cli = ["-n", "--name"]
    meta = "STRING"
    desc = """\
        The name that ps and top show, so that several servers on one machine can be told apart.

        Needs `gunicorn[setproctitle]`. When not set, it is `default_proc_name`.
        """


class DefaultProcName(Setting):
    name = "default_proc_name"
    section = SECTION
    default = "gunicorn"
    validator = validate_string
    desc = """\
        What `proc_name` is when it is not set: the command sets it to the name of the application.
        """
