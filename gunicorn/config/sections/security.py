"""How much of a request is read before it is refused, and how many requests are taken on."""

from gunicorn.config.setting import Setting
from gunicorn.config.validators.scalars import validate_pos_int, validate_seconds

SECTION = "Security"


class LimitRequestLine(Setting):
    name = "limit_request_line"
    section = SECTION
    default = 8190
    validator = validate_pos_int
    type = int
    cli = ["--limit-request-line"]
    meta = "INT"
    desc = """\
        The most bytes a request line may have; 0 means no limit.

        The line holds the whole URI with its query. A longer one is answered with 414.
        """


class LimitRequestFields(Setting):
    name = "limit_request_fields"
    section = SECTION
    default = 100
    validator = validate_pos_int
    type = int
    cli = ["--limit-request-fields"]
    meta = "INT"
    desc = """\
        The most header fields a request may have, at most 32768.

        More are answered with 431.
        """


class LimitRequestFieldSize(Setting):
    name = "limit_request_field_size"
    section = SECTION
    default = 8190
    validator = validate_pos_int
    type = int
    cli = ["--limit-request-field_size"]
    meta = "INT"
    desc = """\
        The most bytes one header field may have, name and value together; 0 means no limit.

        A longer one is answered with 431.
        """


class LimitRequestHead(Setting):
    name = "limit_request_head"
    section = SECTION
    default = None
    validator = validate_pos_int
    type = int
    cli = ["--limit-request-head"]
    meta = "BYTES"
    desc = """\
        The most bytes all header fields of a request may have together; 0 means no limit.

        More are answered with 431, in a trailer section as well. When not set, the limit is 65536; where
        `limit_request_fields` or `limit_request_field_size` is set beyond its default, it is as much as these two
        allow together. The request line is not counted, it has `limit_request_line`.
        """


class LimitRequestBody(Setting):
    name = "limit_request_body"
    section = SECTION
    default = 0
    validator = validate_pos_int
    type = int
    cli = ["--limit-request-body"]
    meta = "BYTES"
    desc = """\
        The most bytes a request body may have; 0 means no limit.

        A longer one is answered with 413: at once when its Content-Length says so, otherwise as soon as it has
        grown too long.
        """


class LimitConcurrency(Setting):
    name = "limit_concurrency"
    section = SECTION
    default = 0
    validator = validate_pos_int
    type = int
    cli = ["--limit-concurrency"]
    meta = "INT"
    desc = """\
        The most requests a worker takes on at once, running and waiting for a thread together; 0 means no limit.

        Further ones are answered with 503 and `Retry-After`. A sync worker runs one at a time and leaves the others
        in the kernel's queue: there, `limit_request_queue_time` is the limit.
        """


class LimitRequestQueueTime(Setting):
    name = "limit_request_queue_time"
    section = SECTION
    default = 0
    validator = validate_seconds
    cli = ["--limit-request-queue-time"]
    meta = "SECONDS"
    desc = """\
        How many seconds a request may have waited before it reaches the application; 0 means no limit.

        An older one is answered with 503 and `Retry-After`: its client has probably given up. The time counts from
        the arrival of its last byte at this machine (on Linux also while it waits in the kernel), or from the
        `X-Request-Start` of a proxy in `forwarded_allow_ips`. Fractions are allowed.
        """
