"""Which requests beyond the strict reading of RFC 9110 and RFC 9112 are let in."""

from gunicorn.config.setting import Setting
from gunicorn.config.validators.lists import validate_string_to_list
from gunicorn.config.validators.scalars import validate_bool, validate_header_map_behaviour

SECTION = "Server Mechanics"


class PermitObsoleteFolding(Setting):
    name = "permit_obsolete_folding"
    section = SECTION
    default = False
    validator = validate_bool
    cli = ["--permit-obsolete-folding"]
    action = "store_true"
    desc = """\
        Accept header fields that continue on the next line (obs-fold, RFC 9112, 5.2).

        The fold is replaced by a space. Software that does not know the form reads such a request
        differently, which can be abused: enable it only for clients of yours that need it.
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
        Accept any token as a method, however unusual.

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

        Methods are case-sensitive (RFC 9110, 9.1): without this, `get` and `GET` are different methods.
        """


class PermitConnect(Setting):
    name = "permit_connect"
    section = SECTION
    default = False
    validator = validate_bool
    cli = ["--permit-connect"]
    action = "store_true"
    desc = """\
        Hand CONNECT requests on to the application, which must be a proxy that opens tunnels.

        Without it they are answered with 501. A 2xx answer to one has neither Content-Length nor
        Transfer-Encoding (RFC 9110, 9.3.6): what the application sends behind it are octets of the tunnel.
        """


class PermitMissingHost(Setting):
    name = "permit_missing_host"
    section = SECTION
    default = False
    validator = validate_bool
    cli = ["--permit-missing-host"]
    action = "store_true"
    desc = """\
        Serve HTTP/1.1 requests without a Host field.

        RFC 9112, 3.2 demands 400 for them, but health checks such as HAProxy's
        `option httpchk GET /x HTTP/1.1` send none. Such a request has no `HTTP_HOST`; `SERVER_NAME` and
        `SERVER_PORT` are those of the listener. Two Host fields, or one that is wrong, stay 400.
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

        They pass whatever `header_map` says when the peer is one of `forwarded_allow_ips`; `*` means all. The
        name must be the same but for case: `Remote-User` is not `REMOTE_USER`, although both would be
        `HTTP_REMOTE_USER`. When the other one is sent, `header_map` decides about it.

        `SCRIPT_NAME` then also sets the WSGI variable: the path at which the application is mounted, in full
        and beginning with a slash. A request for anything else is answered with 500, since the proxy
        contradicts itself: with `/x` these are all paths but `/x` and those that begin with `/x/`.
        `PATH_INFO` reaches the application as `HTTP_PATH_INFO` and sets nothing: the path is that of the
        request.

        Only name what your proxy sets itself, or removes, in every request.
        """


class HeaderMap(Setting):
    name = "header_map"
    section = SECTION
    default = "drop"
    validator = validate_header_map_behaviour
    cli = ["--header-map"]
    desc = """\
        What happens to header fields whose name has an underscore: `drop`, `refuse` or `dangerous`.

        In CGI's variables `X_User` and `X-User` are the same, so that a client could pose as the proxy.
        `drop` leaves such fields out, `refuse` answers 400, `dangerous` passes them on: the values of all names
        of a variable are then joined by commas. Names in `forwarder_headers` own their variable: for them it
        is the name with dashes that is dropped, refused or passed on.
        """
