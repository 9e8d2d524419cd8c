"""A configuration file with hooks. They run in the master or in the worker, as their first argument tells."""

import time

bind = "127.0.0.1:8000"
workers = 2
accesslog = "-"


def when_ready(server):
    server.log.info("ready for requests")


def post_fork(server, worker):
    """In the new worker, before it loads the application: open here what workers must not share."""
    worker.log.info("worker %s says hello", worker.pid)


def pre_request(worker, req):
    req.started = time.monotonic()


def post_request(worker, req, environ, resp):
    spent = time.monotonic() - req.started
    if spent > 1:
        worker.log.warning("%s %s took %.1f s", req.method, req.path, spent)


def worker_exit(server, worker):
    server.log.info("worker %s is leaving after %s requests", worker.pid, worker.nr)
