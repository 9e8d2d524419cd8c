"""The WSGI side of the scenarios: one callable each, so that no server pays for routing."""

import os
import random
import time

HELLO = b"Hello, World!"
PLAIN = [("Content-Type", "text/plain"), ("Content-Length", "13")]
TEN = PLAIN + [(f"X-Field-{i}", f"value {i}") for i in range(8)]
OCTETS = ("Content-Type", "application/octet-stream")
MEBIBYTE = b"x" * (1 << 20)
FILE = os.environ.get("BENCH_FILE", "")


def hello(environ, start_response):
    start_response("200 OK", PLAIN)
    return [HELLO]


def ten_fields(environ, start_response):
    start_response("200 OK", TEN)
    return [HELLO]


def download(environ, start_response):
    start_response("200 OK", [OCTETS, ("Content-Length", str(1 << 20))])
    return [MEBIBYTE]


def send_file(environ, start_response):
    size = os.stat(FILE).st_size
    start_response("200 OK", [OCTETS, ("Content-Length", str(size))])
    wrapper = environ.get("wsgi.file_wrapper")
    file = open(FILE, "rb")  # noqa: SIM115 - the server closes it
    return wrapper(file, 65536) if wrapper else iter(lambda: file.read(65536), b"")


def upload(environ, start_response):
    size = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(size)
    start_response("200 OK", [OCTETS, ("Content-Length", str(len(body)))])
    return [body]


CHUNK = b"c" * 1024


def stream(environ, start_response):
    start_response("200 OK", [OCTETS])
    for _ in range(16):
        yield CHUNK


def sleep10ms(environ, start_response):
    time.sleep(0.01)
    start_response("200 OK", PLAIN)
    return [HELLO]


def tenth_sleeps(environ, start_response):
    """One request in ten sleeps 100 ms, by chance: with a counter the workers fall into step, and who waits is decided
    by which of them was first."""
    if random.random() < 0.1:
        time.sleep(0.1)
    start_response("200 OK", PLAIN)
    return [HELLO]


BIG = b"b" * 5_000_000
BIG_FIELDS = [OCTETS, ("Content-Length", "5000000")]


def small_and_big(environ, start_response):
    """/big is 5 MB, everything else small."""
    if environ["PATH_INFO"] != "/big":
        return hello(environ, start_response)
    start_response("200 OK", BIG_FIELDS)
    return [BIG]
