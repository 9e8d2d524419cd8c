"""Where the configuration comes from, and what is served when the command line does not say."""

from gunicorn.config.setting import Setting
from gunicorn.config.validators.places import validate_mounts
from gunicorn.config.validators.scalars import validate_string

SECTION = "Config File"


class ConfigFile(Setting):
    name = "config"
    section = SECTION
    default = "./gunicorn.conf.py"
    validator = validate_string
    cli = ["-c", "--config"]
    meta = "CONFIG"
    desc = """\
        The configuration file: a path, `file:PATH` or `python:MODULE`.

        A path that ends in `.toml` is read as TOML: from `pyproject.toml` the table `[tool.gunicorn]`, from
        any other file the whole document. Everything else is Python and is executed; its variables that
        bear the name of a setting are the settings.

        Without this setting `./gunicorn.conf.py` is read if it is there, or else `./gunicorn.toml`. A file
        that is named must exist. The file is read again on SIGHUP.
        """


class WSGIApp(Setting):
    name = "wsgi_app"
    section = SECTION
    default = None
    validator = validate_string
    meta = "STRING"
    desc = """\
        The application, `MODULE:VARIABLE` as on the command line.

        Used when the command line names none.
        """


class Mount(Setting):
    name = "mount"
    section = SECTION
    default = {}
    validator = validate_mounts
    cli = ["--mount"]
    action = "append"
    meta = "PLACE=MODULE:VARIABLE"
    desc = """\
        Another application, and the path below which it stands, `/PREFIX=MODULE:VARIABLE`; may be given several times.

        `HOST/PREFIX` is a path on one host, `*.HOST/PREFIX` on every name below it. What no mount takes goes to the
        application that is named as usual; there need not be one. WSGI and ASGI applications can stand side by side.

        In a file it is a dict of places and applications; in the environment variable mounts stand with white space
        between, or as a JSON object. See [Mounts](mounts.md).
        """
