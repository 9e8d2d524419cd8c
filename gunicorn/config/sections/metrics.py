"""What the server tells of itself to those who watch it."""

from gunicorn.config.setting import Setting
from gunicorn.config.validators.lists import validate_face
from gunicorn.config.validators.scalars import count_or, one_of, optional, validate_path

SECTION = "Metrics and Health"


class MetricsBind(Setting):
    name = "metrics_bind"
    section = SECTION
    default = None
    validator = optional(validate_face)
    cli = ["--metrics-bind"]
    meta = "ADDRESS"
    desc = """\
        The address at which the master answers for metrics and health: `HOST:PORT`, `[ADDRESS]:PORT` or `unix:PATH`.

        | path | answer |
        | --- | --- |
        | `/metrics` | all numbers, as OpenMetrics 1.0 or Prometheus' text format, by the field `Accept` |
        | `/health/live`, `/livez` | 200 while the master lives |
        | `/health/startup`, `/startupz` | 200 once a worker has been ready, 503 before |
        | `/health/ready`, `/readyz` | 200 while new clients are welcome, otherwise 503 with the reason as JSON |

        It answers when all workers are busy, and from the first moment of `shutdown_delay` it is not ready. There is
        neither TLS nor a password: choose an address that only those reach who should.
        """


class MetricsBuckets(Setting):
    name = "metrics_buckets"
    section = SECTION
    default = "powers"
    validator = one_of("powers", "otel", none="powers")
    cli = ["--metrics-buckets"]
    meta = "BOUNDS"
    desc = """\
        By which bounds the durations of requests are told in the metrics: `powers` or `otel`.

        `powers` are the powers of two of a microsecond from 256 µs to 16.8 s. `otel` are the 14 bounds that
        OpenTelemetry's conventions have, from 5 ms to 10 s, for those who compare servers by them. Both are counted
        always, so that a reload may change it.
        """


class AgentBind(Setting):
    name = "agent_bind"
    section = SECTION
    default = None
    validator = optional(validate_face)
    cli = ["--agent-bind"]
    meta = "ADDRESS"
    desc = """\
        The address at which the master answers the agent check of a load balancer: `HOST:PORT`, `[ADDRESS]:PORT` or
        `unix:PATH`.

        It is made for HAProxy (`agent-check`, `agent-port`). Whoever connects gets one line of text, and the connection
        ends: `up ready 80%` with the share of the places for requests that were free lately, `drain` when the server is
        about to stop or was drained by a command, `down` and the reason otherwise.
        """


class ReadyWorkers(Setting):
    name = "ready_workers"
    section = SECTION
    default = 1
    validator = count_or("all")
    cli = ["--ready-workers"]
    meta = "COUNT"
    desc = """\
        How many workers must be well for the server to be ready, or `all`.

        Well is one that has loaded the application and shows signs of life. It holds for `/health/ready`,
        `gunicornc wait ready` and `gunicorn_ready`. More than are wanted (`workers`) are never asked for.
        """


class HealthPath(Setting):
    name = "health_path"
    section = SECTION
    default = None
    validator = validate_path
    cli = ["--health-path"]
    meta = "PATH"
    desc = """\
        A path such as `/healthz` at which workers say how they are, on every listener. When not set, there is none.

        `GET` and `HEAD` are answered by the worker without the application, its hooks and the access log: with 200, and
        with 503 from the first moment of `shutdown_delay`, and while `gunicornc drain on` is in force. It is answered
        when all threads are taken or `limit_concurrency` is reached; a worker that is busy with its only request
        answers afterwards, so for orchestrators `metrics_bind` is better. Where a library's own server reads the
        requests (`gevent_pywsgi` with a `server_class` or `wsgi_handler`), the application is asked as for any other
        path.
        """
