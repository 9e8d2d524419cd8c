"""Files that the server answers with itself, and the hosts that it answers for."""

from gunicorn.config.setting import Setting
from gunicorn.config.validators.lists import validate_hosts
from gunicorn.config.validators.places import (
    validate_cache_control,
    validate_fallback,
    validate_file_name,
    validate_static,
)

SECTION = "Static Files and Hosts"


class Static(Setting):
    name = "static"
    section = SECTION
    default = {}
    validator = validate_static
    cli = ["--static"]
    action = "append"
    meta = "PATH=FOLDER"
    desc = """\
        Folders whose files the server answers with itself, without the application: `/static=FOLDER`; may be given
        several times.

        In a file `static = {"/static": "FOLDER"}`. The longest path that fits counts; one without a folder
        (`--static /api=`, None in a file) is the application's again. Folders are relative to `chdir`, and must be
        there at the start. What is answered, and what never is, stands in [static.md](static.md). In the environment
        variable: a JSON object, or such texts with white space between.
        """


class StaticCacheControl(Setting):
    name = "static_cache_control"
    section = SECTION
    default = ["no-cache"]
    validator = validate_cache_control
    cli = ["--static-cache-control"]
    action = "append"
    meta = "[PATH=]VALUE"
    desc = """\
        Value of Cache-Control for static files: `VALUE`, or `/PATH=VALUE` for those below a path; `off` for no such
        field. May be given several times.

        Without a value for all, `no-cache`: clients keep a file and ask each time whether it is still the same. A file
        with a hash of its content in its name (8 to 64 hexadecimal digits, digits and letters among them, behind `.`,
        `-` or `_` and in front of a `.`, such as `site.55e7cbb9ba48.css`) gets `public, max-age=31536000, immutable`,
        unless a path says otherwise or the value for all is `off`. In the environment variable each stands in a line of
        its own.
        """


class StaticIndex(Setting):
    name = "static_index"
    section = SECTION
    default = ""
    validator = validate_file_name
    cli = ["--static-index"]
    meta = "NAME"
    desc = """\
        The file that stands for a folder among the static files, such as `index.html`. When not set, there is none.

        A folder without a slash behind it is answered with 301 to the same path with one. Folders are never listed.
        """


class StaticFallback(Setting):
    name = "static_fallback"
    section = SECTION
    default = ""
    validator = validate_fallback
    cli = ["--static-fallback"]
    meta = "FILE"
    desc = """\
        What answers where there is no such static file: `application`, or a file of the folder such as `index.html`.
        When not set, 404.

        A file is the answer (with 200) where the last name of the path has no dot, so that pages of a single-page
        application are found and a missing script is 404.
        """


class AllowedHosts(Setting):
    name = "allowed_hosts"
    section = SECTION
    default = []
    validator = validate_hosts
    cli = ["--allowed-hosts"]
    meta = "HOSTS"
    desc = """\
        Comma-separated hosts that requests may name: `example.com`, `*.example.com` for all names below it,
        `.example.com` for both, addresses. When not set, and with `*`, any.

        A request for another host is answered with 421, one that names none with 400, both without the application.
        Ports do not count, nor do capitals and a dot at the end. It holds for `Host`, for the target in absolute form,
        for `:authority` of HTTP/2, and for `HTTP_HOST` of uwsgi, FastCGI and SCGI; not for `health_path`, which load
        balancers ask for by address, nor for what a proxy says by `X-Forwarded-Host`.
        """
