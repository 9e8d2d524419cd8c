"""What tasks.py has called, and a page that says where."""

import os

from gunicorn.dirty import DirtyApp


class Echo(DirtyApp):
    def echo(self, value):
        return value

    def items(self, count):
        yield from range(count)


def app(environ, start_response):
    place = os.environ["GUNICORN_DIRTY_SOCKET"].encode()
    start_response("200 OK", [("Content-Length", str(len(place)))])
    return [place]
