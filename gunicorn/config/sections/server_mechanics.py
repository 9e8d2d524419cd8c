"""The server as a process of the operating system."""

import os

from gunicorn.config.setting import Setting
from gunicorn.config.validators.lists import validate_pairs
from gunicorn.config.validators.resources import validate_chdir, validate_group, validate_user
from gunicorn.config.validators.scalars import auto_int, validate_bool, validate_filled, validate_mode, validate_string
from gunicorn.unix.process import getcwd

SECTION = "Server Mechanics"


class PreloadApp(Setting):
    name = "preload_app"
    section = SECTION
    default = False
    validator = validate_bool
    cli = ["--preload"]
    action = "store_true"
    desc = """\
        Load the application in the master, before the workers are forked.

        The workers then share its memory and start at once; a new version of the code needs a new master
        (SIGUSR2).
        """


class Sendfile(Setting):
    name = "sendfile"
    section = SECTION
    default = None
    default_variable = "SENDFILE"
    validator = validate_bool
    cli = ["--no-sendfile"]
    action = "store_const"
    const = False
    short = "Do not use sendfile() for files."
    desc = """\
        Whether files are sent by sendfile(2), from the file to the socket within the kernel.

        When not set, it is used unless the environment variable `SENDFILE` says no. Turn it off on file systems
        that cannot do it, some virtual machines' shared folders among them.
        """


class ReusePort(Setting):
    name = "reuse_port"
    section = SECTION
    default = False
    validator = validate_bool
    cli = ["--reuse-port"]
    action = "store_true"
    desc = """\
        Give every worker a listening socket of its own (SO_REUSEPORT).

        The kernel then deals new connections out by a hash of the addresses, also to a worker that is busy.
        """


class Chdir(Setting):
    name = "chdir"
    section = SECTION
    default = getcwd()
    validator = validate_chdir
    cli = ["--chdir"]
    desc = """\
        The folder to change to before the application is loaded.

        It becomes the first entry of Python's module path.
        """

    def __init__(self) -> None:
        # Where the process is when a configuration is made, not when this module was imported.
        self.value = getcwd()


class Daemon(Setting):
    name = "daemon"
    section = SECTION
    default = False
    validator = validate_bool
    cli = ["-D", "--daemon"]
    action = "store_true"
    desc = """\
        Detach from the terminal and run in the background.

        Set `errorlog` as well: there is no longer a terminal to print to. Under a process manager such as
        systemd leave it off.
        """


class Env(Setting):
    name = "raw_env"
    section = SECTION
    default = []
    validator = validate_pairs
    cli = ["-e", "--env"]
    action = "append"
    meta = "ENV"
    desc = """\
        An environment variable for the application, `NAME=VALUE`; may be given several times.
        """


class Pidfile(Setting):
    name = "pidfile"
    section = SECTION
    default = None
    validator = validate_filled
    cli = ["-p", "--pid"]
    meta = "FILE"
    desc = """\
        The file that the master writes its process id to.

        While a re-executed master (SIGUSR2) runs beside the old one, it has the name with `.2` behind it.
        """


class WorkerTmpDir(Setting):
    name = "worker_tmp_dir"
    section = SECTION
    default = None
    validator = validate_string
    cli = ["--worker-tmp-dir"]
    meta = "DIR"
    desc = """\
        Accepted for existing configurations, and without effect: the workers' signs of life need no file.

        They are kept in memory that master and workers share.
        """


class User(Setting):
    name = "user"
    section = SECTION
    default = os.geteuid()
    validator = validate_user
    cli = ["-u", "--user"]
    meta = "USER"
    desc = """\
        The user the workers run as, by name or number.

        Only root can change it. The master stays what it was started as.
        """


class Group(Setting):
    name = "group"
    section = SECTION
    default = os.getegid()
    validator = validate_group
    cli = ["-g", "--group"]
    meta = "GROUP"
    desc = """\
        The group the workers run as, by name or number.

        When not set, a `user` has the group of its account, and all groups that it is a member of. Only root can
        change it.
        """


class Umask(Setting):
    name = "umask"
    section = SECTION
    default = 0
    validator = validate_mode
    type = auto_int
    cli = ["-m", "--umask"]
    meta = "INT"
    desc = """\
        The permissions that files and unix sockets of the server do not get.

        A mode as in the shell: with `022` only the owner may write. It applies to unix sockets, to log files and to
        the PID file; from these two, what the umask of the process takes is taken as well. What the application
        creates has the umask of the process alone.
        """


class Initgroups(Setting):
    name = "initgroups"
    section = SECTION
    default = False
    validator = validate_bool
    cli = ["--initgroups"]
    action = "store_true"
    desc = """\
        Give the workers all groups that `user` is a member of, besides `group`.

        Without it workers for which a `group` is set have that one alone.
        """


class TmpUploadDir(Setting):
    name = "tmp_upload_dir"
    section = SECTION
    default = None
    validator = validate_string
    meta = "DIR"
    desc = """\
        The folder for request bodies that are too long for memory (see `body_buffer_size`).

        When not set, it is the system's folder for temporary files. The workers must be able to write there.
        """


class PythonPath(Setting):
    name = "pythonpath"
    section = SECTION
    default = None
    validator = validate_string
    cli = ["--pythonpath"]
    meta = "STRING"
    desc = """\
        Comma-separated folders to put in front of Python's module path.
        """


class Paste(Setting):
    name = "paste"
    section = SECTION
    default = None
    validator = validate_string
    cli = ["--paste", "--paster"]
    meta = "STRING"
    desc = """\
        Serve the application that a PasteDeploy file describes, `FILE` or `FILE#SECTION`.

        Its `[server:main]` is not read here; the command `gunicorn_paster` takes settings from there. Needs
        `gunicorn[paste]`.
        """


class PasteGlobalConf(Setting):
    name = "raw_paste_global_conf"
    section = SECTION
    default = []
    validator = validate_pairs
    cli = ["--paste-global"]
    action = "append"
    meta = "CONF"
    desc = """\
        A value for PasteDeploy's global configuration, `NAME=VALUE`; may be given several times.

        An equals sign within the value is written `\\=`.
        """


class DjangoSettings(Setting):
    name = "django_settings"
    section = SECTION
    default = None
    validator = validate_string
    cli = ["--settings"]
    meta = "STRING"
    desc = """\
        The settings module of a Django project, for the command `gunicorn_django`.

        It is what `DJANGO_SETTINGS_MODULE` names.
        """
