"""HTTP/2."""

from gunicorn.config.setting import Setting
from gunicorn.config.validators.lists import validate_http_protocols
from gunicorn.config.validators.scalars import (
    validate_http2_cleartext,
    validate_http2_frame_size,
    validate_http2_stream_limit,
    validate_http2_window_size,
    validate_pos_int,
)

SECTION = "HTTP/2"


class HTTPProtocols(Setting):
    name = "http_protocols"
    section = SECTION
    default = "h1"
    validator = validate_http_protocols
    cli = ["--http-protocols"]
    meta = "STRING"
    desc = """\
        Comma-separated protocols to offer over TLS (ALPN), the preferred one first: `h1`, `h2`.

        `h2,h1` serves HTTP/2 to clients that speak it, and HTTP/1.1 to all others, on the same port.
        """


class HTTP2Cleartext(Setting):
    name = "http2_cleartext"
    section = SECTION
    default = "off"
    validator = validate_http2_cleartext
    cli = ["--http2-cleartext"]
    meta = "STRING"
    desc = """\
        HTTP/2 without TLS: `off`, `prior-knowledge`, `upgrade` or `both`.

        Only for trusted peers, those in `forwarded_allow_ips`; others get HTTP/1.1, and the log tells why.
        """


class HTTP2MaxConcurrentStreams(Setting):
    name = "http2_max_concurrent_streams"
    section = SECTION
    default = 100
    validator = validate_http2_stream_limit
    type = int
    cli = ["--http2-max-concurrent-streams"]
    meta = "INT"
    desc = """\
        How many requests one HTTP/2 connection may have open at a time, at least 1.
        """


class HTTP2InitialWindowSize(Setting):
    name = "http2_initial_window_size"
    section = SECTION
    default = 65535
    validator = validate_http2_window_size
    type = int
    cli = ["--http2-initial-window-size"]
    meta = "INT"
    desc = """\
        How many bytes a client may send on an HTTP/2 stream before it must wait, at most 2147483647.
        """


class HTTP2MaxFrameSize(Setting):
    name = "http2_max_frame_size"
    section = SECTION
    default = 16384
    validator = validate_http2_frame_size
    type = int
    cli = ["--http2-max-frame-size"]
    meta = "INT"
    desc = """\
        The most bytes an HTTP/2 frame may carry, from 16384 to 16777215.
        """


class HTTP2MaxHeaderListSize(Setting):
    name = "http2_max_header_list_size"
    section = SECTION
    default = 65536
    validator = validate_pos_int
    type = int
    cli = ["--http2-max-header-list-size"]
    meta = "INT"
    desc = """\
        The most bytes all header fields of an HTTP/2 request may have together; 0 means no limit.
        """
