"""A configuration for production behind a proxy on the same machine: gunicorn -c gunicorn.conf.py app:app."""

import multiprocessing

bind = "unix:/run/app/app.sock"
workers = multiprocessing.cpu_count() * 2 + 1

# Longer than the proxy keeps its connections, so that it is always the proxy that closes.
keepalive = 75
graceful_timeout = 30

# A leak costs at most this many requests; the jitter keeps the workers from leaving together.
max_requests = 10_000
max_requests_jitter = 1_000

accesslog = "-"
forwarded_allow_ips = "127.0.0.1,::1"


def when_ready(server):
    server.log.info("ready with %s workers", server.cfg.workers)


def worker_abort(worker):
    worker.log.warning("worker %s ran into the timeout", worker.pid)
