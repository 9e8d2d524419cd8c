"""Which requests beyond the strict reading of RFC 9110 and RFC 9112 are let in."""

from gunicorn.config.setting import Setting
from gunicorn.config.validators import validate_bool, validate_header_map_behaviour, validate_string_to_list

SECTION = "Server Mechanics"


class PermitObsoleteFolding(Setting):
    name = "permit_obsolete_folding"
    section = SECTION
    default = False
    validator = validate_bool
    cli = ["--permit-obsolete-folding"]
    action = "store_true"
    desc = """\
        Accept header fields that go on in the next line (obs-fold, RFC 9112, 5.2).

        The fold is replaced by a space. Software that does not know the form reads such a request
        differently, which can be abused: only for clients of yours that need it.
        """


class StripHeaderSpaces(Setting):
    name = "strip_header_spaces"
    section = SECTION
    default = False
    validator = validate_bool
    cli = ["--strip-header-spaces"]
    action = "store_true"
    desc = """\
        Accept white space between the name of a header field and its colon.

        RFC 9112, 5.1 forbids it since it has been used to smuggle requests past proxies.
        """


class PermitUnconventionalHTTPMethod(Setting):
    name = "permit_unconventional_http_method"
    section = SECTION
    default = False
    validator = validate_bool
    cli = ["--permit-unconventional-http-method"]
    action = "store_true"
    desc = """\
        Accept methods that are a token but look like no method in use.

        Without it a method has 3 to 20 characters, no lower-case letters and no `#`.
        """


class PermitUnconventionalHTTPVersion(Setting):
    name = "permit_unconventional_http_version"
    section = SECTION
    default = False
    validator = validate_bool
    cli = ["--permit-unconventional-http-version"]
    action = "store_true"
    desc = """\
        Accept HTTP/1 versions other than 1.0 and 1.1.
        """


class CasefoldHTTPMethod(Setting):
    name = "casefold_http_method"
    section = SECTION
    default = False
    validator = validate_bool
    cli = ["--casefold-http-method"]
    action = "store_true"
    desc = """\
        Turn methods into upper case.

        Methods are case-sensitive (RFC 9110, 9.1): without this `get` is another method than `GET`.
        """


class ForwarderHeaders(Setting):
    name = "forwarder_headers"
    section = SECTION
    default = "SCRIPT_NAME,PATH_INFO"
    validator = validate_string_to_list
    cli = ["--forwarder-headers"]
    desc = """\
        Comma-separated names, in upper case, of header fields with an underscore that a trusted proxy may
        send.

        They pass whatever `header_map` says when the peer is one of `forwarded_allow_ips`. `SCRIPT_NAME` and
        `PATH_INFO` then also set the WSGI variables of that name.
        """


class HeaderMap(Setting):
    name = "header_map"
    section = SECTION
    default = "drop"
    validator = validate_header_map_behaviour
    cli = ["--header-map"]
    desc = """\
        What becomes of header fields whose name has an underscore: `drop`, `refuse` or `dangerous`.

        In CGI's variables `X_User` and `X-User` are the same, so that a client could pose as the proxy.
        `drop` leaves such fields out, `refuse` answers 400, `dangerous` passes them on.
        """
