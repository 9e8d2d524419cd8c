"""One request in ten is slow: see one_queue.py."""

import time


def app(environ, start_response):
    time.sleep(0.1 if environ["PATH_INFO"] == "/slow" else 0.0005)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
