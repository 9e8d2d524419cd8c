"""The workers: how many, of which type, and for how long."""

from gunicorn.config.setting import Setting
from gunicorn.config.validators.resources import validate_class
from gunicorn.config.validators.scalars import (
    count_or,
    validate_bool,
    validate_count,
    validate_http_parser,
    validate_memory,
    validate_pos_int,
    validate_reload_strategy,
)

SECTION = "Worker Processes"


class Workers(Setting):
    name = "workers"
    section = SECTION
    default = 1
    default_variable = "WEB_CONCURRENCY"
    validator = count_or("auto")
    cli = ["-w", "--workers"]
    meta = "INT"
    desc = """\
        The number of worker processes, or `auto`.

        Each runs the application on its own. Two to four for every core is where to begin; measure under
        your own load. SIGTTIN and SIGTTOU raise and lower the number while the server runs.

        `auto` counts the processors this process may use: its affinity, and the quota of its control group. A worker
        type that runs one request at a time gets twice as many workers and one more, the others as many as there are
        processors. A memory limit of the control group makes them fewer, so that each has 64 MiB.

        When the environment has `WEB_CONCURRENCY`, that is the default.
        """


class WorkerClass(Setting):
    name = "worker_class"
    section = SECTION
    default = "sync"
    validator = validate_class
    cli = ["-k", "--worker-class"]
    meta = "STRING"
    desc = """\
        The type of the workers.

        | name | how it runs the application | needs |
        | --- | --- | --- |
        | `sync` | one request at a time | |
        | `gthread` | in a pool of `threads` threads | |
        | `gevent` | in greenlets | `gunicorn[gevent]` |
        | `eventlet` | in greenlets | `gunicorn[eventlet]` |
        | `tornado` | Tornado applications on Tornado's own server, WSGI ones in its loop | `gunicorn[tornado]` |
        | `gaiohttp` | aiohttp applications by aiohttp's worker, WSGI ones in threads | `gunicorn[gaiohttp]` |
        | `asgi` | ASGI applications as tasks of an event loop, WSGI ones in `threads` threads | |

        Also an entry point of the group `gunicorn.workers`, the dotted path of a class that has the
        interface of `gunicorn.workers.base.Worker`, or, in a configuration file, the class. `sync` with
        more than one thread becomes `gthread`. When nothing is set and the application is an ASGI one,
        it is served by `asgi`.
        """


class WorkerThreads(Setting):
    name = "threads"
    section = SECTION
    default = 1
    validator = validate_count
    type = int
    cli = ["--threads"]
    meta = "INT"
    desc = """\
        How many threads a worker runs a WSGI application in.

        More than one makes `gthread` of the worker type `sync`. `asgi` and `gaiohttp` run WSGI applications in so many
        threads. Other types ignore it.
        """


class WorkerConnections(Setting):
    name = "worker_connections"
    section = SECTION
    default = 1000
    validator = validate_count
    type = int
    cli = ["--worker-connections"]
    meta = "INT"
    desc = """\
        How many connections one worker keeps open at a time.

        At the limit it accepts no more until one is closed.
        """


class ParkConnections(Setting):
    name = "park_connections"
    section = SECTION
    default = True
    validator = validate_bool
    cli = ["--no-park-connections"]
    action = "store_const"
    const = False
    short = "Keep idle connections in the worker that has answered them, though others may be free when they ask again."
    desc = """\
        While the application is slow, leave kept-alive connections to all workers between two requests.

        Whichever worker is free answers the next request, so that no client waits behind the slow request of another
        one while there is somebody to serve it. It concerns `sync` and `gthread` with more than one worker, and
        connections without TLS, on Linux: a process of their own keeps the idle ones, and is started when an
        application is first slow. Where it cannot be, an answer closes its connection instead when that is better for
        the client.
        """


class MaxRequests(Setting):
    name = "max_requests"
    section = SECTION
    default = 0
    validator = validate_pos_int
    type = int
    cli = ["--max-requests"]
    meta = "INT"
    desc = """\
        After how many requests a worker is replaced; 0 means never.

        It bounds the damage of an application that leaks memory.
        """


class MaxRequestsJitter(Setting):
    name = "max_requests_jitter"
    section = SECTION
    default = 0
    validator = validate_pos_int
    type = int
    cli = ["--max-requests-jitter"]
    meta = "INT"
    desc = """\
        The largest random number added to `max_requests`, drawn for each worker.

        It keeps the workers from being replaced all at once.
        """


class MaxWorkerLifetime(Setting):
    name = "max_worker_lifetime"
    section = SECTION
    default = 0
    validator = validate_count
    type = int
    cli = ["--max-worker-lifetime"]
    meta = "SECONDS"
    desc = """\
        After how many seconds a worker is replaced; 0 means never.

        The replacement is started, and serves, before the old worker is told to finish.
        """


class MaxWorkerLifetimeJitter(Setting):
    name = "max_worker_lifetime_jitter"
    section = SECTION
    default = 0
    validator = validate_count
    type = int
    cli = ["--max-worker-lifetime-jitter"]
    meta = "SECONDS"
    desc = """\
        The largest random number of seconds added to `max_worker_lifetime`, drawn for each worker.

        Workers that were started together are then not replaced together.
        """


class MaxWorkerMemory(Setting):
    name = "max_worker_memory"
    section = SECTION
    default = 0
    validator = validate_memory
    cli = ["--max-worker-memory"]
    meta = "BYTES"
    desc = """\
        How much memory a worker may have before it is replaced, such as `300M`; 0 means no limit.

        What counts is its proportional share (PSS), so what workers have in common is not counted several times. The
        replacement is started first, and only when the worker was over the limit in three looks, two seconds apart, or
        in one look over one and a half times the limit. On Linux only.
        """


class MaxWorkerMemoryHard(Setting):
    name = "max_worker_memory_hard"
    section = SECTION
    default = 0
    validator = validate_memory
    cli = ["--max-worker-memory-hard"]
    meta = "BYTES"
    desc = """\
        How much memory a worker may have before it is stopped at once, without waiting for a replacement; 0 means
        no limit.

        It is told to finish, and killed after `graceful_timeout`. Choose it higher than `max_worker_memory`. On Linux
        only.
        """


class ReloadStrategy(Setting):
    name = "reload_strategy"
    section = SECTION
    default = "all"
    validator = validate_reload_strategy
    cli = ["--reload-strategy"]
    meta = "STRATEGY"
    desc = """\
        How SIGHUP exchanges the workers: `all`, `rolling`, `rolling:N` or `rolling:N%`.

        With `all` a whole new set is started beside the old one, which retires when every new worker has shown that
        it can serve: application loaded, hooks done. When one of them cannot, the new set goes and the old one stays
        as it was. For a moment there are twice as many workers.

        With `rolling` workers are exchanged one by one, or so many at a time: as many new ones are started, and when
        they serve, as many old ones retire. It needs less memory. When a new one of the first lot cannot boot, all
        stays as it was; later the reload stops half-way, and the old workers that are left keep serving.
        """


class Timeout(Setting):
    name = "timeout"
    section = SECTION
    default = 30
    validator = validate_count
    type = int
    cli = ["-t", "--timeout"]
    meta = "INT"
    desc = """\
        After how many seconds without a sign of life a worker is killed and replaced; 0 means never.

        A `sync` worker gives no sign while the application runs: for it this is the limit of one request.
        The other types give signs from their own loop; for them only a blocked loop counts.
        """


class GracefulTimeout(Setting):
    name = "graceful_timeout"
    section = SECTION
    default = 30
    validator = validate_count
    type = int
    cli = ["--graceful-timeout"]
    meta = "INT"
    desc = """\
        How many seconds a worker that was told to stop has to finish its requests.

        What still runs then is killed.
        """


class Keepalive(Setting):
    name = "keepalive"
    section = SECTION
    default = 2
    validator = validate_count
    type = int
    cli = ["--keep-alive"]
    meta = "INT"
    desc = """\
        How many seconds a connection may stay idle between two requests; 0 closes it after each.

        Behind a proxy that keeps its connections open choose it longer than the proxy's own time, otherwise
        the proxy may send a request into a connection that is just being closed.
        """


class GCFreeze(Setting):
    name = "gc_freeze"
    section = SECTION
    default = True
    validator = validate_bool
    cli = ["--no-gc-freeze"]
    action = "store_false"
    desc = """\
        Whether Python's collector of reference cycles leaves alone what a worker has loaded.

        When the application is loaded, and `post_worker_init` and `warm_up` are done, garbage is collected for a last
        time, and all objects that are there are set apart (`gc.freeze`). The collector then looks at those that
        requests make, and no longer pauses to go through the application. With `preload_app` that happens in the
        master, too, so that memory stays shared. An object of the start that later becomes part of garbage with a
        cycle in it is not freed. While the application is loaded, the collector looks at young objects when 100,000
        have come.

        Where the application or a hook has switched the collector off, nothing is done.
        """


class GCThreshold(Setting):
    name = "gc_threshold"
    section = SECTION
    default = 2000
    validator = validate_count
    type = int
    cli = ["--gc-threshold"]
    meta = "INT"
    desc = """\
        How many objects more than are freed have to be made in a worker before the collector looks at the young ones;
        0 leaves Python's own number.

        That is 2000 since Python 3.13, and 700 before. A larger number makes requests that make many objects cheaper,
        and garbage stays longer: whatever is held by cycles adds up until then. A number that the application or a
        hook sets (`gc.set_threshold`) stays.
        """


class HttpParser(Setting):
    name = "http_parser"
    section = SECTION
    default = "auto"
    validator = validate_http_parser
    cli = ["--http-parser"]
    meta = "STRING"
    desc = """\
        `auto`, `fast` or `python`: accepted for existing configurations, and without effect.

        There is one parser. It is compiled where the package was built with a compiler; `gunicorn
        --version` tells.
        """
