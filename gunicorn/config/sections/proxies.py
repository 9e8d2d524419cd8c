"""Whom to believe: proxies in front of the server, and the protocols they speak."""

from gunicorn.config.setting import Setting
from gunicorn.config.validators.lists import validate_dict, validate_string_to_addr_list
from gunicorn.config.validators.scalars import (
    one_of,
    text_or,
    validate_bool,
    validate_pos_int,
    validate_protocol,
    validate_proxy_protocol,
)

SECTION = "Server Mechanics"


class SecureSchemeHeader(Setting):
    name = "secure_scheme_headers"
    section = SECTION
    default = {"X-FORWARDED-PROTOCOL": "ssl", "X-FORWARDED-PROTO": "https", "X-FORWARDED-SSL": "on"}
    validator = validate_dict
    desc = """\
        The header fields, with their value, by which a trusted proxy says that the client used HTTPS.

        Names in upper case. They count only from peers in `forwarded_allow_ips`. When one of them says so,
        `wsgi.url_scheme` is `https`; a request in which they contradict each other is refused.
        """


class ForwardedAllowIPS(Setting):
    name = "forwarded_allow_ips"
    section = SECTION
    default = "127.0.0.1,::1"
    default_variable = "FORWARDED_ALLOW_IPS"
    validator = validate_string_to_addr_list
    cli = ["--forwarded-allow-ips"]
    meta = "STRING"
    desc = """\
        Comma-separated addresses and networks of the proxies whose header fields are believed; `*` for
        every peer.

        It is the address of the connection that counts. A peer on a unix socket is always trusted.

        When the environment has `FORWARDED_ALLOW_IPS`, that is the default.
        """


class ForwardedFor(Setting):
    name = "forwarded_for"
    section = SECTION
    default = "off"
    validator = one_of("off", "x-forwarded-for", "forwarded", none="off")
    cli = ["--forwarded-for"]
    meta = "FIELD"
    desc = """\
        The header field from which the client's address is taken: `off`, `x-forwarded-for`, or `forwarded`
        (RFC 7239).

        It counts only from peers in `forwarded_allow_ips`. The address becomes `REMOTE_ADDR`, the client of an ASGI
        scope, and `%(h)s` of the access log. Choose the field that your proxy sets itself: one that it merely
        passes on can hold anything.
        """


class ForwardedHops(Setting):
    name = "forwarded_hops"
    section = SECTION
    default = 0
    validator = validate_pos_int
    type = int
    cli = ["--forwarded-hops"]
    meta = "INT"
    desc = """\
        How many proxies stand between the clients and this server, for `forwarded_for`.

        With 0 the list of addresses is walked from its end past all that are in `forwarded_allow_ips`; the first
        that is not is the client. A number takes the entry so far from the end, for proxies whose addresses are
        not known beforehand.
        """


class ProxyProtocol(Setting):
    name = "proxy_protocol"
    section = SECTION
    default = "off"
    validator = validate_proxy_protocol
    cli = ["--proxy-protocol"]
    nargs = "?"
    const = "auto"
    meta = "MODE"
    desc = """\
        Expect the PROXY protocol in front of every connection: `off`, `v1`, `v2` or `auto` (either).

        HAProxy and many load balancers pass on the client's address in this way. The flag without a value
        means `auto`. A connection without the header is answered 400, one from a peer that
        `proxy_allow_ips` does not name 403, with or without header: what one may say who the client is,
        all must say (section 2 of the specification). `permit_missing_proxy_header` serves both.
        """


class ProxyAllowFrom(Setting):
    name = "proxy_allow_ips"
    section = SECTION
    default = "127.0.0.1,::1"
    validator = validate_string_to_addr_list
    cli = ["--proxy-allow-from"]
    desc = """\
        Comma-separated addresses and networks that may use the PROXY protocol; `*` for every peer.
        """


class PermitMissingProxyHeader(Setting):
    name = "permit_missing_proxy_header"
    section = SECTION
    default = False
    validator = validate_bool
    cli = ["--permit-missing-proxy-header"]
    action = "store_true"
    desc = """\
        With `proxy_protocol`, also serve connections that do not begin with a PROXY header.

        For health checks that come by another way than the proxy. Their client is the socket's own peer. A
        header from a peer that `proxy_allow_ips` does not name stays 403. Anybody in `proxy_allow_ips`
        whose clients choose the first octets of a connection can then be made to speak for others, so this
        is not for proxies that pass plain TCP on without a header.
        """


class Protocol(Setting):
    name = "protocol"
    section = SECTION
    default = "http"
    validator = validate_protocol
    cli = ["--protocol"]
    meta = "STRING"
    desc = """\
        What is spoken on the listening sockets: `http`, or to a server in front `uwsgi`, `fastcgi` or `scgi`.

        It holds for each `bind` without a scheme of its own: `--bind uwsgi://127.0.0.1:3031 --bind http://:8000` speaks
        both, whatever is set here. See [Servers in front](gateways.md).
        """


class UWSGIAllowFrom(Setting):
    name = "uwsgi_allow_ips"
    section = SECTION
    default = "127.0.0.1,::1"
    validator = validate_string_to_addr_list
    cli = ["--uwsgi-allow-from"]
    desc = """\
        Comma-separated addresses and networks that may speak the uwsgi protocol; `*` for every peer.

        A peer on a unix socket always may. Whoever may is believed in all it says: the client's address, the user, the
        scheme. Others are closed unanswered, and the log tells of them.
        """


class FastCGIAllowFrom(Setting):
    name = "fastcgi_allow_ips"
    section = SECTION
    default = "127.0.0.1,::1"
    validator = validate_string_to_addr_list
    cli = ["--fastcgi-allow-from"]
    desc = """\
        The same as `uwsgi_allow_ips` for FastCGI.
        """


class SCGIAllowFrom(Setting):
    name = "scgi_allow_ips"
    section = SECTION
    default = "127.0.0.1,::1"
    validator = validate_string_to_addr_list
    cli = ["--scgi-allow-from"]
    desc = """\
        The same as `uwsgi_allow_ips` for SCGI.
        """


class RootPath(Setting):
    name = "root_path"
    section = SECTION
    default = ""
    validator = text_or(default)
    cli = ["--root-path"]
    meta = "STRING"
    desc = """\
        The path that ASGI applications are mounted at, without a slash at its end.

        It is `root_path` in the scope. WSGI applications have `SCRIPT_NAME` for this.
        """
