"""What the server tells of itself to those who watch it."""

from gunicorn.config.setting import Setting
from gunicorn.config.validators import optional, validate_face

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
