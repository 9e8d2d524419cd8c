"""Development aids."""

from gunicorn.config.setting import Setting
from gunicorn.config.validators.resources import validate_list_of_files_or_patterns
from gunicorn.config.validators.scalars import validate_bool, validate_reload_engine

SECTION = "Debugging"


class Reload(Setting):
    name = "reload"
    section = SECTION
    default = False
    validator = validate_bool
    cli = ["--reload"]
    action = "store_true"
    desc = """\
        Restart the workers when a source file that they loaded changes.

        For development. With `preload_app` the application stays in the master and the change is not seen.
        """


class ReloadEngine(Setting):
    name = "reload_engine"
    section = SECTION
    default = "auto"
    validator = validate_reload_engine
    cli = ["--reload-engine"]
    meta = "STRING"
    desc = """\
        How `reload` notices a change: `auto`, `poll` or `inotify`.

        `poll` looks at the files every second and works everywhere; `inotify` is told by the Linux kernel.
        `auto` uses inotify where it is available.
        """


class ReloadExtraFiles(Setting):
    name = "reload_extra_files"
    section = SECTION
    default = []
    validator = validate_list_of_files_or_patterns
    cli = ["--reload-extra-file"]
    action = "append"
    meta = "FILES"
    desc = """\
        A further file, or a glob pattern, that `reload` watches; may be given several times.

        Templates and configuration, for example.
        """


class Spew(Setting):
    name = "spew"
    section = SECTION
    default = False
    validator = validate_bool
    cli = ["--spew"]
    action = "store_true"
    desc = """\
        Print every line of Python before it is executed.

        A last resort in debugging.
        """


class ConfigCheck(Setting):
    name = "check_config"
    section = SECTION
    default = False
    validator = validate_bool
    cli = ["--check-config"]
    action = "store_true"
    desc = """\
        Go through a start, stopping short of what others would notice, and exit.

        It finds what would make a start fail, and reports it in the same line: files and folders that cannot be
        used, worker and logger classes, logging, certificates, addresses, user and group, and the application, which
        is loaded with the rights of a worker. Nothing is left behind, and no hook of the server's life cycle is
        called. That an address or the PID file is in use is not an error, as the server may be running; `fd://N` is
        not looked at.

        The exit status is 0 when everything is right, 1 when not, and 2 for a command line that cannot be understood.
        """


class PrintConfig(Setting):
    name = "print_config"
    section = SECTION
    default = False
    validator = validate_bool
    cli = ["--print-config"]
    action = "store_true"
    desc = """\
        Print every setting with its value and where that came from, then load the application, and exit.

        The exit status is 0, or 1 when the application cannot be loaded.
        """
