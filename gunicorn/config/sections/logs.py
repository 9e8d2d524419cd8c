"""What is written where."""

import sys

from gunicorn.config.setting import Setting
from gunicorn.config.validators.lists import validate_dict, validate_field_name, validate_skip_rules
from gunicorn.config.validators.resources import validate_class, validate_statsd_address
from gunicorn.config.validators.scalars import (
    one_of,
    text_or,
    validate_bool,
    validate_loglevel,
    validate_seconds,
    validate_share,
    validate_string,
    validate_syslog_facility,
)

SECTION = "Logging"

# Where the system's own log daemon listens, by sys.platform; elsewhere it is asked on its UDP port.
_SYSLOG_SOCKETS = {
    "darwin": "unix:///var/run/syslog",
    "freebsd": "unix:///var/run/log",
    "dragonfly": "unix:///var/run/log",
    "openbsd": "unix:///dev/log",
}


def _default_syslog_address() -> str:
    return _SYSLOG_SOCKETS.get(sys.platform.rstrip("0123456789"), "udp://localhost:514")


class AccessLog(Setting):
    name = "accesslog"
    section = SECTION
    default = None
    validator = validate_string
    cli = ["--access-logfile"]
    meta = "FILE"
    desc = """\
        The file for a line about every request; `-` is standard output.

        When not set, none is written.
        """


class DisableRedirectAccessToSyslog(Setting):
    name = "disable_redirect_access_to_syslog"
    section = SECTION
    default = False
    validator = validate_bool
    cli = ["--disable-redirect-access-to-syslog"]
    action = "store_true"
    desc = """\
        Keep the access log out of syslog.
        """


class AccessLogFormat(Setting):
    name = "access_log_format"
    section = SECTION
    default = '%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"'
    validator = text_or(default)
    cli = ["--access-logformat"]
    meta = "STRING"
    desc = """\
        The form of a line in the access log.

        | atom | meaning |
        | --- | --- |
        | `h` | address of the client |
        | `l` | `-` |
        | `u` | user name of Basic authentication |
        | `t` | time of the request |
        | `r` | request line |
        | `m` `U` `q` `H` | method, path, query string, protocol of it |
        | `s` | status |
        | `b`, `B` | bytes of the response body; 0 when there are none |
        | `f` | referrer |
        | `a` | user agent |
        | `T` `M` `D` `L` | time taken: in seconds, milliseconds, microseconds, seconds with decimals |
        | `p` | process id |
        | `{NAME}i` | request header field |
        | `{NAME}o` | response header field |
        | `{NAME}e` | variable of the WSGI environment |
        | `{request-id}g` | id of the request (`request_id_header`) |
        | `{trace-id}g`, `{span-id}g` | ids of its trace and its span (`otel_spans`) |
        | `{queue}g` | seconds between a trusted proxy and this server, as its `X-Request-Start` tells |

        What a request does not have is `-`. It has no meaning with `log_format = json`.
        """


class AccessLogSkip(Setting):
    name = "access_log_skip"
    section = SECTION
    default = []
    validator = validate_skip_rules
    cli = ["--access-log-skip"]
    action = "append"
    meta = "RULE"
    desc = """\
        Requests that have no line in the access log, such as `path=/healthz` or `status=2xx&agent=kube-probe/*`.

        A rule is one condition, or several with `&` between, all of which must hold; give the flag once for each
        rule. Keys are `path` (as the client sent it, without the query), `status` (`404`, `2xx`), `method`, `host`,
        `agent` (the field User-Agent) and `remote` (the client's address); `*` in a value stands for anything.
        """


class AccessLogSample(Setting):
    name = "access_log_sample"
    section = SECTION
    default = 1.0
    validator = validate_share
    cli = ["--access-log-sample"]
    meta = "SHARE"
    desc = """\
        The share of requests that have a line in the access log, from 0 to 1.

        Those answered with 5xx always have one, and those that took longer than `access_log_slow`. What
        `access_log_skip` names has none either way.
        """


class AccessLogSlow(Setting):
    name = "access_log_slow"
    section = SECTION
    default = 0.0
    validator = validate_seconds
    cli = ["--access-log-slow"]
    meta = "SECONDS"
    desc = """\
        Requests that took longer are in the access log whatever `access_log_sample` says. 0: none for that reason.
        """


class ErrorLog(Setting):
    name = "errorlog"
    section = SECTION
    default = "-"
    validator = validate_string
    cli = ["--error-logfile", "--log-file"]
    meta = "FILE"
    desc = """\
        The file for what the server itself has to say; `-` is standard error.
        """


class LogFormat(Setting):
    name = "log_format"
    section = SECTION
    default = "text"
    validator = one_of("text", "json", none="text")
    cli = ["--log-format"]
    meta = "FORMAT"
    desc = """\
        How lines of both logs are written: `text`, or `json`, one object a line.

        A `logger_class` with an `access` of its own, and `logconfig`, `logconfig_json` and `logconfig_dict`, have the
        last word. The members are listed in the page on observability.
        """


class LogStreams(Setting):
    name = "log_streams"
    section = SECTION
    default = "stderr"
    validator = one_of("stderr", "split", none="stderr")
    cli = ["--log-streams"]
    meta = "STREAMS"
    desc = """\
        Where the error log goes with `errorlog = -`: `stderr`, or `split`: what is below WARNING to standard output,
        the rest to standard error.
        """


class Color(Setting):
    name = "color"
    section = SECTION
    default = "auto"
    validator = one_of("auto", "always", "never", none="auto")
    cli = ["--color"]
    meta = "WHEN"
    desc = """\
        Whether the levels in the error log are coloured, with `errorlog = -`: `auto`, `always` or `never`.

        `auto` does so on a terminal; a variable `NO_COLOR` forbids it, and `FORCE_COLOR` asks for it elsewhere, too. It
        concerns the server's own format alone: lines of JSON, of another `logger_class` format or of a `logconfig`
        stay as they are.
        """


class RequestIdHeader(Setting):
    name = "request_id_header"
    section = SECTION
    default = None
    validator = validate_field_name
    cli = ["--request-id-header"]
    meta = "FIELD"
    desc = """\
        The header field with the id of a request, such as `X-Request-ID`. When not set, requests have none.

        It is taken from peers in `forwarded_allow_ips` when it has 1 to 128 letters, digits, dots, underscores and
        dashes; any other request gets a fresh one (UUIDv7). The application finds it in that field, as
        `gunicorn.request_id` in the environ and as `extensions["gunicorn"]["request_id"]` in an ASGI scope. It is in
        the response, unless the application sets the field itself, and in both logs.
        """


class Loglevel(Setting):
    name = "loglevel"
    section = SECTION
    default = "info"
    validator = validate_loglevel
    cli = ["--log-level"]
    meta = "LEVEL"
    desc = """\
        How much goes into the error log: `debug`, `info`, `warning`, `error` or `critical`.
        """


class CaptureOutput(Setting):
    name = "capture_output"
    section = SECTION
    default = False
    validator = validate_bool
    cli = ["--capture-output"]
    action = "store_true"
    desc = """\
        Send what is printed to standard output and standard error into the file of `errorlog`.
        """


class LoggerClass(Setting):
    name = "logger_class"
    section = SECTION
    default = "gunicorn.glogging.Logger"
    validator = validate_class
    cli = ["--logger-class"]
    meta = "STRING"
    desc = """\
        The class that writes the logs: a dotted path, or in a configuration file the class.

        It has the interface of `gunicorn.glogging.Logger`, from which it may be derived. With `statsd_host`
        the default becomes `gunicorn.instrument.statsd.Statsd`.
        """


class LogConfig(Setting):
    name = "logconfig"
    section = SECTION
    default = None
    validator = validate_string
    cli = ["--log-config"]
    meta = "FILE"
    desc = """\
        A file for Python's `logging.config.fileConfig`, with the loggers `gunicorn.error` and
        `gunicorn.access`.
        """


class LogConfigDict(Setting):
    name = "logconfig_dict"
    section = SECTION
    default = {}
    validator = validate_dict
    desc = """\
        A dict for Python's `logging.config.dictConfig`.

        It takes precedence over `logconfig_json` and `logconfig`.
        """


class LogConfigJson(Setting):
    name = "logconfig_json"
    section = SECTION
    default = None
    validator = validate_string
    cli = ["--log-config-json"]
    meta = "FILE"
    desc = """\
        A JSON file with what `logconfig_dict` takes.
        """


class SyslogTo(Setting):
    name = "syslog_addr"
    section = SECTION
    default = _default_syslog_address()
    validator = text_or(default)
    cli = ["--log-syslog-to"]
    meta = "SYSLOG_ADDR"
    desc = """\
        Where syslog listens: `udp://HOST:PORT`, `tcp://HOST:PORT` or `unix://PATH`.

        The type of a unix socket may follow its path, `#dgram` or `#stream`; when none is given, both are tried.
        """


class Syslog(Setting):
    name = "syslog"
    section = SECTION
    default = False
    validator = validate_bool
    cli = ["--log-syslog"]
    action = "store_true"
    desc = """\
        Send the logs to syslog.
        """


class SyslogPrefix(Setting):
    name = "syslog_prefix"
    section = SECTION
    default = None
    validator = validate_string
    cli = ["--log-syslog-prefix"]
    meta = "SYSLOG_PREFIX"
    desc = """\
        The name of the program in syslog. When not set, it is `proc_name`.
        """


class SyslogFacility(Setting):
    name = "syslog_facility"
    section = SECTION
    default = "user"
    validator = validate_syslog_facility
    cli = ["--log-syslog-facility"]
    meta = "SYSLOG_FACILITY"
    desc = """\
        The facility that syslog files the records under, such as `user`, `daemon` or `local0`.
        """


class EnableStdioInheritance(Setting):
    name = "enable_stdio_inheritance"
    section = SECTION
    default = False
    validator = validate_bool
    cli = ["-R", "--enable-stdio-inheritance"]
    action = "store_true"
    desc = """\
        Keep standard output and standard error in `daemon` mode where they go to a file or a pipe.
        """


class StatsdHost(Setting):
    name = "statsd_host"
    section = SECTION
    default = None
    validator = validate_statsd_address
    cli = ["--statsd-host"]
    meta = "STATSD_ADDR"
    desc = """\
        The StatsD server that metrics are sent to: `HOST:PORT` or `unix://PATH`.
        """


class DogstatsdTags(Setting):
    name = "dogstatsd_tags"
    section = SECTION
    default = ""
    validator = validate_string
    cli = ["--dogstatsd-tags"]
    meta = "DOGSTATSD_TAGS"
    desc = """\
        Comma-separated tags for every metric, in Datadog's extension of StatsD.
        """


class StatsdPrefix(Setting):
    name = "statsd_prefix"
    section = SECTION
    default = ""
    validator = text_or(default)
    cli = ["--statsd-prefix"]
    meta = "STATSD_PREFIX"
    desc = """\
        A prefix for the name of every metric; a dot is added between them where it is missing.
        """


class BacklogMetric(Setting):
    name = "enable_backlog_metric"
    section = SECTION
    default = False
    validator = validate_bool
    cli = ["--enable-backlog-metric"]
    action = "store_true"
    desc = """\
        Send how many connections wait to be accepted as the metric `gunicorn.backlog` (Linux).
        """
