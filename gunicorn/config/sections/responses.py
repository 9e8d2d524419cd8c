"""What the server itself puts into every response."""

from gunicorn.config.setting import Setting
from gunicorn.config.validators.lists import validate_header_lines, validate_server_header

SECTION = "Server Mechanics"


class ServerHeader(Setting):
    name = "server_header"
    section = SECTION
    default = "gunicorn"
    validator = validate_server_header
    cli = ["--server-header"]
    meta = "TEXT"
    desc = """\
        The Server field of responses that have none of their own; `off` for none.
        """


class ResponseHeaders(Setting):
    name = "response_headers"
    section = SECTION
    default = []
    validator = validate_header_lines
    cli = ["--header"]
    action = "append"
    meta = "NAME:VALUE"
    desc = """\
        A header field for every response, error pages of the server among them; may be given several times.

        It is added to what the application says, not put in its place. In the environment variable each stands in a
        line of its own.
        """
