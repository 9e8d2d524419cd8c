"""Bodies that are not one string: a stream, a file, an upload.

$ curl -N localhost:8000/stream
$ curl localhost:8000/file
$ curl --data-binary @some-file localhost:8000/upload
"""

import hashlib
import time


def stream(environ, start_response):
    """Each part goes to the client as soon as it is there. No length is known, so the framing is chunked."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    for i in range(5):
        yield f"part {i}\n".encode()
        time.sleep(1)


def file(environ, start_response):
    """The server sends the file with sendfile(2), outside of Python, and closes it."""
    start_response("200 OK", [("Content-Type", "text/x-python")])
    return environ["wsgi.file_wrapper"](open(__file__, "rb"))


def upload(environ, start_response):
    """The body is read in pieces; ``read`` ends at the end of the body, with or without a Content-Length."""
    digest = hashlib.sha256()
    while block := environ["wsgi.input"].read(65536):
        digest.update(block)
    body = digest.hexdigest().encode() + b"\n"
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


def not_found(environ, start_response):
    start_response("404 Not Found", [("Content-Length", "0")])
    return []


ROUTES = {"/stream": stream, "/file": file, "/upload": upload}


def app(environ, start_response):
    return ROUTES.get(environ["PATH_INFO"], not_found)(environ, start_response)
