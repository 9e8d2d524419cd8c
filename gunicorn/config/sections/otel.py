"""Traces and metrics by OpenTelemetry."""

from gunicorn.config.setting import Setting
from gunicorn.config.validators.scalars import one_of, validate_bool

SECTION = "OpenTelemetry"


class OtelSpans(Setting):
    name = "otel_spans"
    section = SECTION
    default = False
    validator = validate_bool
    cli = ["--otel-spans"]
    action = "store_true"
    desc = """\
        Make a span of each request, and export them by OTLP (HTTP and protobuf).

        This needs `pip install gunicorn[otel]`. Where to, what is sampled and what the service is called say the
        standard `OTEL_*` variables of the environment. See [observability](observability.md#traces).
        """


class OtelMetrics(Setting):
    name = "otel_metrics"
    section = SECTION
    default = False
    validator = validate_bool
    cli = ["--otel-metrics"]
    action = "store_true"
    desc = """\
        Export the numbers of [`metrics_bind`](#metrics_bind) by OTLP, from a process beside the workers.

        This needs `pip install gunicorn[otel]`. Where to and how often say the standard `OTEL_*` variables of the
        environment. See [observability](observability.md#metrics-by-otlp).
        """


class OtelTrust(Setting):
    name = "otel_trust"
    section = SECTION
    default = "peers"
    validator = one_of("peers", "all", "none", none="peers")
    cli = ["--otel-trust"]
    meta = "STRING"
    desc = """\
        Whose `traceparent` makes the span of a request a part of a larger trace.

        - `peers`: that of the peers in `forwarded_allow_ips`;
        - `all`: anybody's, who can then have every request sampled, or none, and join the traces of others;
        - `none`: nobody's, each request begins a trace.
        """
